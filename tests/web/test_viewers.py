"""The process that viewers are forked from: what it may do, and what happens where it or a connection ends."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hopscope.web import server as serving
from hopscope.web.guard import Guard
from hopscope.web.viewers import Viewers
from tests.cli.command import environment
from tests.lab.processes import children, state, with_signal
from tests.web.served import PATIENCE_S, Server, looking, recorded, until

ECHO = """
import os, socket, sys
door = socket.socket(fileno=int(sys.argv[-1]))
while True:
    asked, terminals, *_ = socket.recv_fds(door, 1, 1)
    if not asked:
        break
    if not (pid := os.fork()):
        os.setsid()
        os.write(terminals[0], b"here")
        import signal; signal.pause()
    descriptor = os.pidfd_open(pid)
    socket.send_fds(door, [b"0"], [descriptor]); os.close(descriptor); os.close(terminals[0])
"""


async def test_a_viewer_is_killed_that_heeds_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hopscope.web.viewers.END_S", 0.2)
    viewers = Viewers([sys.executable, "-c", ECHO.replace("os.setsid()", "signal.signal(1, signal.SIG_IGN)")
                       .replace("import os,", "import signal, os,")], {})  # fmt: skip
    viewers.begin()
    try:
        viewer = await viewers.fork(80, 24)
        assert await viewer.read() == b"here"
        parent = parent_of(viewers)
        (pid,) = children(parent)
        viewer.resize(10**30, -5)
        assert os.get_terminal_size(viewer._terminal) == (440, 1)
        await viewer.end()
        assert state(pid) in "-Z"
    finally:
        viewers.end()


async def test_where_the_process_they_are_forked_from_ends_there_is_another_one() -> None:
    viewers = Viewers([sys.executable, "-c", ECHO], {})
    try:
        one = await viewers.fork(80, 24)
        parent = parent_of(viewers)
        with_signal(parent, signal.SIGKILL)
        until(lambda: state(parent) in "-Z", "it stayed")
        other = await viewers.fork(80, 24)
        assert await one.read() == await other.read() == b"here"  # who looks already goes on
        await one.end()
        await other.end()
    finally:
        viewers.end()


async def test_where_none_can_be_started_it_is_an_error_and_the_next_one_is_tried() -> None:
    viewers = Viewers([sys.executable, "-c", "import sys; sys.exit(3)"], {})
    for _ in range(2):
        with pytest.raises(OSError):
            await viewers.fork(80, 24)
    assert viewers._process is None  # each was waited for


async def test_a_browser_that_goes_before_its_viewer_has_its_terminal_leaves_none_behind() -> None:
    command = [sys.executable, "-m", "hopscope.cli.viewers", "web", recorded()]
    viewers = Viewers(command, environment(HOME=str(Path(recorded()).parent), TERM="xterm-256color"))
    viewers.begin()
    try:
        for _ in range(2):
            ours, theirs = os.openpty()
            os.close(ours)
            viewer = await viewers._asked(theirs)
            os.close(theirs)
            assert select.select([viewer], [], [], PATIENCE_S)[0], "it stayed"
            os.close(viewer)
        other = await viewers.fork(80, 24)  # the answer is its own
        assert await other.read() != b""
        assert len(children(parent_of(viewers))) == 1
        await other.end()
    finally:
        viewers.end()


def parent_of(viewers: Viewers) -> int:
    """The process that they are forked from."""
    assert viewers._process is not None
    return viewers._process.pid


async def test_a_connection_that_asks_for_nothing_whole_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "IDLE_S", 0.3)
    listening = socket.create_server(("127.0.0.1", 0))
    place = listening.getsockname()
    begun = asyncio.Event()
    one = serving.Server(Guard([], place[1]), Viewers([sys.executable, "-c", ECHO], {}))
    running = asyncio.create_task(one.serve(listening, begun.set))
    await begun.wait()
    for words in (b"", b"GET / HTTP/1.1\r\nHost: ", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        reader, writer = await asyncio.open_connection(*place)
        writer.write(words)
        async with asyncio.timeout(PATIENCE_S):
            await reader.read()  # to its end
        writer.close()
    signal.raise_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_S):
        await running


@pytest.mark.needs("landlock")
def test_a_viewer_can_change_and_execute_nothing(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("as it was")
    program = f"""
import os, subprocess
from hopscope.cli.viewers import _confine
_confine()
assert open({str(tmp_path / "there")!r}).read() == "as it was"
for do in (lambda: open({str(tmp_path / "new")!r}, "w"), lambda: open({str(tmp_path / "there")!r}, "r+"),
           lambda: os.unlink({str(tmp_path / "there")!r}), lambda: os.mkdir({str(tmp_path / "folder")!r}),
           lambda: subprocess.run(["/bin/true"])):
    try:
        do()
    except PermissionError:
        continue
    raise SystemExit("it could")
"""
    subprocess.run([sys.executable, "-c", program], check=True)


async def test_what_is_hidden_stays_hidden_from_who_looks() -> None:
    with Server("--privacy", "2") as server:
        async with looking(server) as one:
            await one.sees("hidden")
            await one.sees("hidden by who serves this screen", key="b")
            assert "router.home.example" not in one.drawn.text
            await one.sees("why, and what happened", key="E")
            assert b"router.home.example" not in one.bytes
            assert b"cgn-1.access" not in one.bytes
            (viewer,) = server.viewers()
            assert "NoNewPrivs:\t1" in Path(f"/proc/{viewer}/status").read_text()


async def test_settings_are_kept_for_nobody() -> None:
    with Server() as server:
        async with looking(server) as one:
            await one.sees("watched in")
            await one.sees("w keeps", key="s")
            await one.sees("no file is written from a browser", key="w")
