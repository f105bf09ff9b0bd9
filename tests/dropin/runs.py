"""One command in a lab of its own, through pipes or with both streams on one terminal."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.command import environment
from tests.lab.tun import TunLab

PATH = Path(__file__).with_name("path.toml")
QUICK = "-i 0.2 -G 0.8"
"""For both programs, in ``MTR_OPTIONS``: what a client asks for itself wins."""
_NAME_SERVER = "nameserver 198.18.0.53\noptions timeout:1 attempts:1\n"


@dataclass(frozen=True)
class Done:
    """What a run left behind."""

    status: int
    out: str
    """Of a terminal: both streams."""
    errors: str
    command_line: bytes = b""
    """``/proc/PID/cmdline`` while it ran."""


def wrapper(folder: Path) -> Path:
    """A script of the name mtr that runs hopscope by its own name, as people write one; the folder it stands in."""
    script = folder / "mtr"
    script.write_text(f'#!/bin/sh\nHOPSCOPE_OPTIONS="$MTR_OPTIONS" exec {sys.executable} -m hopscope "$@"\n')
    script.chmod(0o755)
    return folder


def link(folder: Path) -> Path:
    """``mtr -> hopscope``, the program as pip installs it; the folder it stands in, for the search path."""
    (folder / "mtr").symlink_to(Path(sys.executable).parent / "hopscope")
    return folder


@contextmanager
def _names(lab: TunLab) -> Iterator[None]:
    """The scenario's name server is the namespace's (ip-netns(8): /etc/netns)."""
    folder = Path("/etc/netns", lab.name)
    _sweep(folder.parent)
    folder.mkdir(parents=True)
    file = folder / "resolv.conf"
    try:
        file.write_text(_NAME_SERVER)
        yield
    finally:
        file.unlink(missing_ok=True)
        folder.rmdir()


def _sweep(folder: Path) -> None:
    """Take away what runs that were killed left behind; a lab's name has its run's process id (`tests.lab.netns`)."""
    for old in folder.glob("hopscope-*") if folder.is_dir() else ():
        if not Path("/proc", old.name.split("-")[1]).exists():
            shutil.rmtree(old, ignore_errors=True)


def run(folder: Path | None, words: Sequence[str], *, terminal: bool = False, scenario: str | Path = PATH) -> Done:
    """mtr with these words: the one in `folder`, or (None) the real one."""
    search = os.environ["PATH"] if folder is None else f"{folder}:{os.environ['PATH']}"
    with TunLab(scenario) as lab, _names(lab):
        command = ["ip", "netns", "exec", lab.name, "mtr", *words]
        # A plain `mtr` is looked up by ip(8) in our own PATH, as a client's own search would do.
        env = environment(MTR_OPTIONS=QUICK, PATH=search)
        return _on_terminal(command, env) if terminal else _by_pipes(command, env)


def _by_pipes(command: list[str], env: dict[str, str]) -> Done:
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        command_line = b"ip"
        while command_line.startswith(b"ip") and process.poll() is None:  # ip(8) has not become mtr yet
            time.sleep(0.005)
            command_line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        out, errors = process.communicate(timeout=60)
    return Done(process.returncode, out, errors, command_line)


def _on_terminal(command: list[str], env: dict[str, str]) -> Done:
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        data = bytearray()
        try:
            while more := os.read(ours, 65536):
                data += more
        except OSError:
            pass  # its other end is closed
        status = process.wait(60)
    os.close(ours)
    return Done(status, data.decode().replace("\r\n", "\n"), "")


def side_by_side(linked: Path, wrapped: Path, words: Sequence[str], scenario: str | Path) -> tuple[Done, ...]:
    """The real one; ours as mtr through pipes; ours as mtr with both streams on one terminal; ours by its own name: at
    the same time, each in a lab of its own, so that each sees the same."""
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(run, place, words, terminal=terminal, scenario=scenario)
            for place, terminal in ((None, False), (linked, False), (linked, True), (wrapped, False))
        ]
        return tuple(each.result() for each in runs)
