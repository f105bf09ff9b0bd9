"""The real server on loopback: who gets what, what hostile requests do, and what is left afterwards."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from hopscope.cli.errors import UsageError
from hopscope.cli.options import read
from hopscope.web.server import IDLE_S
from tests.cli.command import environment
from tests.lab.processes import children, state
from tests.web.served import PATIENCE_S, Server, answer_of, asked_for_a_socket, looking, python, until

MOST_VIEWERS = 8
MOST_CONNECTIONS = 64


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(SECRET_OF_ANOTHER="hunter2") as one:
        yield one
        said = one.said.read_text()
    # Whatever was asked by the tests of this file: nothing of a secret, and no traceback.
    assert said == ""


async def gone(server: Server) -> None:
    """Wait until no viewer is left."""
    await asyncio.to_thread(until, lambda: not server.viewers(), "a viewer stayed")


# --- who may look ---------------------------------------------------------------------------------------------------


def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address(server: Server) -> None:
    first, second = (server.ask(f"/?token={server.token}") for _ in range(2))
    for answer in (first, second):  # several people may be given one address
        assert (answer.status, answer.headers["location"], answer.body) == (303, "./", b"")
        assert answer.headers["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Strict")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert server.token not in answer.headers["set-cookie"]
    page = server.ask("/", has_cookie=True)
    assert page.status == 200
    assert server.token.encode() not in page.body


@pytest.mark.parametrize(
    "path",
    ["/", "/?token=", "/?token=0", "/ws", "/static/page.js", "/static/", "/nothing", "/?again", "/download/0"],
)
def test_without_either_nobody_sees_anything(server: Server, path: str) -> None:
    answer = server.ask(path, {"Origin": f"http://{server.at}"})
    assert answer.status == 401
    assert b"script" not in answer.body
    assert server.viewers() == []


def test_a_token_counts_once_and_at_the_front_door(server: Server) -> None:
    assert server.ask(f"/?token={server.token}&token={server.token}").status == 401
    assert server.ask(f"/?token=x{server.token}", has_cookie=True).status == 401
    for path in (f"/static/page.js?token={server.token}", f"/ws?token={server.token}"):
        assert server.ask(path, {"Origin": f"http://{server.at}"}).status == 401


def test_a_link_on_another_sites_page_works_though_its_request_has_no_cookie(server: Server) -> None:
    answer = server.ask("/", {"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 401
    assert b'http-equiv="refresh"' in answer.body  # from where the browser sends it
    assert b"refresh" not in server.ask("/?again", {"Sec-Fetch-Site": "same-origin"}).body


def test_a_page_whose_name_was_made_to_lead_here_sees_nothing(server: Server) -> None:
    for path in ("/", f"/?token={server.token}", "/static/page.js"):
        assert server.ask(path, {"Host": "evil.example"}, has_cookie=True).status == 403
    assert asked_for_a_socket(server, {"Host": "evil.example", "Origin": "http://evil.example"}) == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1", "null", ""])
def test_a_page_of_another_site_opens_no_screen(server: Server, origin: str) -> None:
    assert asked_for_a_socket(server, {"Origin": origin}) == 403
    assert server.viewers() == []


def test_a_screen_is_opened_by_its_own_page_behind_a_proxy_too(server: Server) -> None:
    own = {"Origin": f"http://{server.at}"}
    assert asked_for_a_socket(server, own, has_cookie=False) == 401
    assert asked_for_a_socket(server, {}) == 403
    assert asked_for_a_socket(server, own) == 101
    behind = {"Host": "wall.example", "X-Forwarded-Host": "wall.example", "X-Forwarded-Proto": "https"}
    assert asked_for_a_socket(server, {"Origin": "https://wall.example", **behind}) == 101
    assert asked_for_a_socket(server, {"Origin": "http://wall.example", **behind}) == 403
    assert server.ask(f"/?token={server.token}", behind).headers["set-cookie"].endswith("; Secure")
    until(lambda: not server.viewers(), "a viewer stayed")


# --- what is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/static", "/static/", "/static/.", "/static/..", "/static/../server.py", "/static/%2e%2e/server.py",
        "/static/..%2fserver.py", "/static/..%5cserver.py", "/static//etc/passwd", "/static/css/xterm.css",
        "/static/page.js/", "/static/PAGE.JS", "/static/%00", "/static/\udcff", "//", "/../../etc/passwd", "/%", "/?%",
        "/ws/", "/index.html", "/download/0", "/" + "a" * 5000, "http://evil.example/", "*",
    ],
)  # fmt: skip
def test_no_path_leads_to_a_folder_or_to_another_file(server: Server, path: str) -> None:
    answer = server.ask(path, has_cookie=True)
    if answer.status == 200:  # the page, asked for in another way
        assert answer.body == server.ask("/", has_cookie=True).body
    else:
        assert answer.status in (303, 400, 404)
        assert len(answer.body) < 500
        assert b"Traceback" not in answer.body
        assert b"Index of" not in answer.body


def test_every_answer_keeps_its_page_to_this_server(server: Server) -> None:
    for path, has_cookie, status in [
        ("/", True, 200),
        ("/", False, 401),
        ("/x", True, 404),
        ("/static/page.js", True, 200),
    ]:
        answer = server.ask(path, has_cookie=has_cookie)
        assert answer.status == status
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["server"] == "hopscope"
    page = server.ask("/", has_cookie=True).body.decode()
    for file in re.findall(r'(?:href|src)="([^"]*)"', page):
        assert not file.startswith(("http", "//")), file
        assert file == "data:," or server.ask(f"/{file}", has_cookie=True).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
def test_there_is_nothing_to_change(server: Server, method: str) -> None:
    answer = server.ask("/", method=method, has_cookie=True)
    assert (answer.status, answer.headers["allow"]) == (405, "GET,HEAD")
    assert answer.body == b"there is nothing to change here\n"


def test_a_screen_is_not_asked_for_by_head(server: Server) -> None:
    answer = server.ask("/ws", {"Origin": f"http://{server.at}"}, method="HEAD", has_cookie=True)
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: " + b'"\\' * 3000 + b"\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0" * 20_000,
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=range(10),
)
def test_a_hostile_request_is_refused_and_the_next_one_answered(server: Server, request_: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = connection.recv(1 << 16)
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or answer.split()[1].startswith(b"4")
    assert b"Traceback" not in answer
    assert server.ask("/", has_cookie=True).status == 200


def test_more_connections_than_can_be_looked_at_are_closed_at_once(server: Server) -> None:
    held = [socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) for _ in range(MOST_CONNECTIONS + 8)]
    try:
        for one in held[-8:]:
            try:
                assert one.recv(1) == b""
            except ConnectionResetError:
                continue
    finally:
        for one in held:
            one.close()
    until(lambda: server.ask("/", has_cookie=True).status == 200, "nobody is answered any more")


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "GET /nothing HTTP/1.1", "POST / HTTP/1.1"])
def test_who_may_not_look_keeps_no_connection_open(server: Server, line: str) -> None:
    started = time.monotonic()
    answer = answer_of(server.send(f"{line}\r\nHost: {server.at}\r\n\r\n".encode()))  # read to its end
    assert answer.status in (401, 405)
    assert time.monotonic() - started < IDLE_S / 2


# --- the screen -------------------------------------------------------------------------------------------------------


async def test_the_screen_of_what_was_recorded_is_shown_and_gone_about_in(server: Server) -> None:
    async with looking(server) as one:
        await one.sees("watched in")
        await one.until(lambda: b";2;16;20;27m" in one.bytes)  # the theme's own background, in 24 bits
        (pid,) = server.viewers()
        assert children(pid) == []  # no worker
        await one.sees("before the end", key="[")
        await one.sees("event 5 of 5: no answer", key=",")
        await one.sees("why, and what happened", key="E")
    await gone(server)


async def test_two_look_at_once_each_at_a_moment_of_its_own(server: Server) -> None:
    async with looking(server) as one, looking(server, "width=100&height=30") as other:
        await asyncio.gather(one.sees("watched in"), other.sees("watched in"))
        assert len(server.viewers()) == 2
        await one.sees("event 5 of 5", key=",")
        await other.sees("no file is written", key="w")
        assert "event 5" not in other.drawn.text
    await gone(server)


async def test_keys_that_would_write_say_why_they_do_not_and_a_copy_is_the_browsers(server: Server) -> None:
    async with looking(server) as one:
        await one.sees("watched in")
        await one.sees("no file is written from a browser", key="w")
        await one.sees("nothing is probed", key="p")
        await one.type("y")
        await one.until(lambda: any(said.startswith("\x1b]52;c;") for said in one.drawn.said))


async def test_the_size_is_the_browsers_and_follows_it(server: Server) -> None:
    async with looking(server, "width=90&height=28") as one:
        await one.sees("watched in")
        assert max(map(len, one.drawn.text.splitlines())) <= 90
        await one.socket.send_json(["resize", {"width": 10**9, "height": -5}])  # not heeded to the letter
        await one.socket.send_json(["resize", {"width": 60, "height": 20}])
        await one.socket.send_json(["ping", "1"])
        assert (await one.end())[0] is aiohttp.WSMsgType.TEXT
    await gone(server)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", '["stdin"]', '["stdin", 1]', '["resize", {"width": "1"}]', '["resize", []]', "[" * 60_000,
     '["deliver_file_start", "x"]', '["stdin", {"a": 1}]', '["quit"]'],
)  # fmt: skip
async def test_a_message_of_no_kind_ends_that_browsers_screen_alone(server: Server, text: str) -> None:
    async with looking(server) as one:
        await one.socket.send_str(text)
        assert await one.end() == (aiohttp.WSMsgType.CLOSE, 1008)
    await gone(server)
    assert server.ask("/", has_cookie=True).status == 200


async def test_a_message_that_is_too_long_or_of_bytes_ends_it_too(server: Server) -> None:
    async with looking(server) as one:
        await one.type("x" * 70_000)
        assert (await one.end())[1] == 1009
    async with looking(server) as one:
        await one.socket.send_bytes(b"[]")
        assert (await one.end())[1] == 1008
    await gone(server)


async def test_a_flood_of_keys_from_one_holds_nobody_else_up(server: Server) -> None:
    async with looking(server) as flooding, looking(server) as other:
        for _ in range(20):
            await flooding.type("j" * 60_000)
        await other.sees("watched in")
        assert len(server.viewers()) == 2
    until(lambda: not server.viewers(), "a viewer goes on reading keys")


async def test_nobody_is_let_in_beyond_what_memory_there_is_for(server: Server) -> None:
    async with aiohttp.ClientSession() as session:
        headers = {"Cookie": server.log_in(), "Origin": f"http://{server.at}"}
        held = [await session.ws_connect(f"http://{server.at}/ws", headers=headers) for _ in range(MOST_VIEWERS)]
        async with looking(server) as late:
            assert await late.end() == (aiohttp.WSMsgType.CLOSE, 1013)
        await asyncio.to_thread(until, lambda: len(server.viewers()) == MOST_VIEWERS, "not all are shown a screen")
        for one in held:
            await one.close()
    await gone(server)
    while True:
        async with looking(server) as again:
            if (await again.socket.receive(PATIENCE_S)).type is aiohttp.WSMsgType.BINARY:
                break
    await gone(server)


async def test_a_browser_that_just_goes_leaves_no_process(server: Server) -> None:
    async with looking(server) as one:
        await one.sees("watched in")
        connection = one.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()
        await gone(server)


async def test_who_quits_sees_the_end(server: Server) -> None:
    async with looking(server) as one:
        await one.sees("watched in")
        await one.type("q")
        assert await one.end() == (aiohttp.WSMsgType.CLOSE, 1000)
    await gone(server)


async def test_neither_the_process_list_nor_a_viewers_environment_holds_a_secret(server: Server) -> None:
    async with looking(server) as one:
        await one.sees("watched in")
        (viewer,) = server.viewers()
        for pid in (server.process.pid, viewer):
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            assert server.token.encode() not in words
            assert server.log_in().partition("=")[2].encode() not in words
        environ = Path(f"/proc/{viewer}/environ").read_bytes()
        assert b"hunter2" not in environ
        assert server.token.encode() not in environ
    await gone(server)


# --- beginning and end ----------------------------------------------------------------------------------------------


async def test_a_signal_ends_all_of_it_in_order() -> None:
    with Server() as one:
        async with looking(one) as browser:
            await browser.sees("watched in")
            (viewer,) = one.viewers()
            one.process.send_signal(signal.SIGTERM)
            assert await browser.end() == (aiohttp.WSMsgType.CLOSE, 1001)
            assert await asyncio.to_thread(one.process.wait, PATIENCE_S) == 0
            assert state(viewer) in "-Z"
        assert one.said.read_text() == ""


async def test_where_the_server_is_killed_its_viewers_end() -> None:
    with Server() as one:
        async with looking(one) as browser:
            await browser.sees("watched in")
            (viewer,) = one.viewers()
            one.process.kill()
            await asyncio.to_thread(until, lambda: state(viewer) in "-Z", "a viewer stayed")


def test_what_other_machines_reach_is_said_in_a_line_and_ctrl_c_ends_it() -> None:
    with Server(listen="0.0.0.0:0") as one:
        assert one.host == socket.gethostname()
        (line,) = one.said.read_text().splitlines()
        assert "other machines" in line
        assert "not encrypted" in line
        one.process.send_signal(signal.SIGINT)
        assert one.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-store"], "no such recording"),
        (["/dev/null"], "/dev/null"),
        (["a", "b"], "one word too many"),
        (["a", "-r"], "it is a screen"),
        (["--listen", "::1:8000"], "no address with a port"),
        (["--listen", "example.net:80"], "no numeric address"),
        (["--listen", "127.0.0.1:70000"], "no address with a port"),
        (["--record", "x"], "--record"),
    ],
)
def test_what_is_wrong_is_a_line_and_status_2(words: list[str], said: str) -> None:
    done = subprocess.run(
        [*python(), "-m", "hopscope", "web", *words],
        capture_output=True, text=True, timeout=PATIENCE_S, env=environment(HOME="/dev/null"), cwd="/",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert said in line


def test_of_loopback_no_other_machine_is_warned_of_however_it_is_written() -> None:
    with Server(listen="[::ffff:127.0.0.5]:0") as one:
        assert one.said.read_text() == ""


@pytest.mark.parametrize(
    ("listen", "said"),
    [
        ("{server.at}", "another program listens there"),
        ("[fe80::1%lo]:0", "this machine does not have this address"),  # the kernel is told an interface by its number
    ],
)
def test_a_place_where_nobody_can_listen_is_said(server: Server, listen: str, said: str) -> None:
    done = subprocess.run(
        [*python(), "-m", "hopscope", "web", server.store, "--listen", listen.format(server=server)],
        capture_output=True, text=True, timeout=PATIENCE_S, env=environment(HOME="/dev/null"), cwd="/",
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.needs("root")
def test_root_serves_nobody() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hopscope", "web"], capture_output=True, text=True, timeout=PATIENCE_S, env=environment()
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "does not run as root" in line


def test_without_the_extra_a_line_says_which_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from hopscope.cli import web

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(web, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"pip install 'hopscope\[web\]'"):
        web.run(read(["web"], {}))


def test_who_serves_no_browser_loads_nothing_for_it() -> None:
    program = (
        "import sys\nsys.argv = ['hopscope', 'demo', '--fast', '-c', '1', '-r']\n"
        "from hopscope.__main__ import main\nmain()\n"
        "import hopscope.cli.history_screen\n"
        "assert not {'aiohttp', 'textual_serve', 'hopscope.web', 'hopscope.cli.web'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, env=environment())
