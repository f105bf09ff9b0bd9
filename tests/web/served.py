"""``hopscope web`` as a plain user runs it, on loopback, and what a client asks of it."""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp

from tests.cli.command import environment
from tests.lab.drawn import Drawn
from tests.lab.plain_user import NOBODY, as_plain_user
from tests.lab.processes import children, state

PATIENCE_S = 20.0
"""A wait that is longer than this has failed."""


def python() -> list[str]:
    """The words before Python's own arguments that run it as a plain user."""
    return as_plain_user() if os.geteuid() == 0 else [sys.executable]


def until(is_so: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    """Wait for something that another process does."""
    latest = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < latest, what
        time.sleep(0.02)


class Answer(NamedTuple):
    """Of one request."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def new_home() -> str:
    """A folder of the plain user's, until this process ends."""
    home = tempfile.mkdtemp(prefix="hopscope-web-")
    atexit.register(shutil.rmtree, home)
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
    return home


@functools.cache
def recorded() -> str:
    """The store of an outage of five minutes, in a home of its own."""
    home = new_home()
    store = f"{home}/outage"
    subprocess.run(
        [*python(), "-m", "hopscope", "demo", "outage", "--fast", "-c", "300", "--format", "json", "--record", store],
        check=True, stdout=subprocess.DEVNULL, timeout=60, env=environment(HOME=home), cwd="/",
    )  # fmt: skip
    return store


class Server:
    """The command on a recording."""

    def __init__(self, *words: str, listen: str = "127.0.0.1:0", store: str | None = None, **more: str) -> None:
        self.store = store or recorded()
        environ = environment(HOME=str(Path(self.store).parent), **more)
        self._folder = tempfile.TemporaryDirectory(prefix="hopscope-web-")
        self.said = Path(self._folder.name) / "said"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [*python(), "-m", "hopscope", "web", self.store, "--listen", listen, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env=environ,
                cwd="/",
            )
        assert self.process.stdout is not None
        self.printed = self.process.stdout.readline()
        match = re.search(r"http://(\S+):(\d+)/\?token=(\S+)\n", self.printed)
        assert match is not None, (self.printed, self.said.read_text())
        self.host, self.port, self.token = match[1], int(match[2]), match[3]
        self.at = f"127.0.0.1:{self.port}"
        self.cookie = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._folder.cleanup()

    def viewers(self) -> list[int]:
        """Their processes."""
        ours = [pid for above in children(self.process.pid) for pid in children(above)]
        return [pid for pid in ours if state(pid) not in "-Z"]

    def log_in(self) -> str:
        """The cookie's words, as a browser sends them."""
        if not self.cookie:
            self.cookie = self.ask(f"/?token={self.token}").headers["set-cookie"].partition(";")[0]
        return self.cookie

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", has_cookie: bool = False
    ) -> Answer:
        """What is answered; `Host` is this server's unless `headers` say another."""
        given = {"Host": self.at, "Connection": "close", **(headers or {})}
        if has_cookie:
            given["Cookie"] = self.log_in()
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        return answer_of(self.send(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("utf-8", "surrogateescape")))

    def send(self, request: bytes) -> bytes:
        """All that comes back for some bytes, until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as connection:
            connection.sendall(request)
            data = b""
            while True:
                try:
                    more = connection.recv(1 << 16)
                except ConnectionResetError:
                    return data
                if not more:
                    return data
                data += more


def answer_of(data: bytes) -> Answer:
    """The parts of an answer; status 0 where there was none."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(first.split()[1]) if first else 0, headers, body)


def asked_for_a_socket(server: Server, headers: Mapping[str, str], *, has_cookie: bool = True) -> int:
    """The status of an answer to the opening of a websocket, by whatever page; 101: it was opened, and closed again."""
    given = {
        "Host": server.at,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        **headers,
    }
    if has_cookie:
        given["Cookie"] = server.log_in()
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as connection:
        connection.sendall(f"GET /ws HTTP/1.1\r\n{lines}\r\n".encode())
        return answer_of(connection.recv(1 << 16).partition(b"\r\n\r\n")[0]).status


class Looking:
    """A browser that looks, without its windows."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.drawn = Drawn()
        self.bytes = b""

    async def type(self, keys: str) -> None:
        """Press keys."""
        await self.socket.send_json(["stdin", keys])

    async def until(self, is_so: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Take in what is drawn until something is so."""
        async with asyncio.timeout(patience_s):
            while not is_so():
                message = await self.socket.receive()
                assert message.type is aiohttp.WSMsgType.BINARY, (message, self.drawn.text)
                self.bytes += message.data
                self.drawn.feed(message.data)

    async def sees(self, words: str, *, key: str = "") -> None:
        """Wait until words stand on the screen; `key` is pressed first."""
        if key:
            await self.type(key)
        await self.until(lambda: words in self.drawn.text)

    async def end(self) -> tuple[aiohttp.WSMsgType, int | None]:
        """What comes behind the last that is drawn, and the reason for the end."""
        while (message := await self.socket.receive(PATIENCE_S)).type is aiohttp.WSMsgType.BINARY:
            pass
        return message.type, self.socket.close_code


@asynccontextmanager
async def looking(server: Server, size: str = "width=120&height=40") -> AsyncIterator[Looking]:
    """A browser's websocket."""
    headers = {"Cookie": server.log_in(), "Origin": f"http://{server.at}"}
    place = f"http://{server.at}/ws?{size}"
    async with aiohttp.ClientSession() as session, session.ws_connect(place, headers=headers) as opened:
        yield Looking(opened)
