"""The server: a guarded page, its few files, and a viewer's process for each websocket. aiohttp stands here alone."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from hopscope.system.signals import Signals
from hopscope.web import messages, page
from hopscope.web.guard import TOKEN, AccessDenied, Guard
from hopscope.web.viewers import Viewer, Viewers

MOST_VIEWERS: Final = 8
"""Each costs some 35 MiB."""
MOST_CONNECTIONS: Final = 64
"""Open at once, asked for anything yet or not."""
MOST_BYTES: Final = 1 << 16
"""Of a message from a browser: a paste is the longest."""
IDLE_S: Final = 15.0
"""A connection that has not asked for anything whole by then is closed."""
HEARTBEAT_S: Final = 15.0
"""Between two questions whether the browser is still there."""
CLOSE_S: Final = 2.0
"""A browser has so long to say goodbye."""
AGAIN_S: Final = 0.2
"""Until a connection is accepted again, where none could be."""
DEFAULT_SIZE: Final = (80, 24)
"""Columns and lines for a browser that does not say how many it has."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def silence() -> None:
    """Log nothing of what aiohttp has to say: requests' addresses hold the token, and tracebacks do."""
    for name in ("aiohttp", "asyncio"):
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False


class Server:
    """Everything between a listening socket and the viewers."""

    def __init__(self, guard: Guard, viewers: Viewers) -> None:
        """`page.Lacking`."""
        self._guard = guard
        self._viewers = viewers
        self._index = page.index()
        self._files = page.files()
        self._sockets: set[web.WebSocketResponse] = set()
        """One for each viewer, from before its process is there."""

    async def serve(self, listening: socket.socket, begun: Callable[[], None]) -> None:
        """Serve until a signal asks for the end; then everything that was started is ended first."""
        over = asyncio.Event()
        ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        application = web.Application(middlewares=[self._guarded], client_max_size=1)
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/static/{name}", self._file),
                web.get("/ws", self._screen, allow_head=False),
            ]
        )
        runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=IDLE_S,
            lingering_time=0.0,
            shutdown_timeout=CLOSE_S,
        )
        with Signals(dict.fromkeys(ending, lambda _number: over.set()), ending=ending):
            await runner.setup()
            self._viewers.begin()
            listening.setblocking(False)
            listening.listen(MOST_CONNECTIONS)
            accepting = asyncio.create_task(self._accept(listening, runner))
            try:
                begun()
                await over.wait()
            finally:
                accepting.cancel()
                listening.close()
                await asyncio.gather(*(self._close(one, WSCloseCode.GOING_AWAY) for one in self._sockets))
                await runner.cleanup()
                self._viewers.end()

    @staticmethod
    async def _accept(listening: socket.socket, runner: web.AppRunner) -> None:
        """One connection after the other, so that they can be counted: an event loop's own server takes all that wait
        before the first of them is known."""
        loop, server = asyncio.get_running_loop(), runner.server
        assert server is not None
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:  # there is no room for one more, or it is gone already
                await asyncio.sleep(AGAIN_S)
                continue
            if len(server.connections) >= MOST_CONNECTIONS:
                connection.close()
                continue
            with suppress(OSError):
                await loop.connect_accepted_socket(server, connection)

    # --- who asks --------------------------------------------------------------------------------------------------

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = await self._admitted(request, handler)
        except AccessDenied as why:
            answer = web.Response(status=why.status, text=f"{why.text}\n")
        except web.HTTPException as error:  # no such page, no such method
            answer = web.Response(status=error.status, text=f"{error.reason}\n")
            if "Allow" in error.headers:
                answer.headers["Allow"] = error.headers["Allow"]
        except Exception:  # noqa: BLE001 - whatever it holds is for nobody's log
            answer = web.Response(status=500, text="this request failed here\n")
        if not answer.prepared:
            _add_headers(answer)
            if not self._guard.has_cookie(request.cookies):  # kept open, it would take the place of who may look
                answer.force_close()
        return answer

    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        guard, headers = self._guard, request.headers
        if request.method not in ("GET", "HEAD"):
            raise web.HTTPMethodNotAllowed(request.method, ["GET", "HEAD"], reason="there is nothing to change here")
        is_socket = request.path == "/ws"
        guard.check_host(headers)
        guard.check_origin(headers, is_needed=is_socket)
        if request.path == "/" and TOKEN in request.query:
            if len(request.query.getall(TOKEN)) != 1 or not guard.is_token(request.query[TOKEN]):
                raise AccessDenied(
                    401, "this address holds no valid token: take the one that hopscope web printed last"
                )
            # Out of the address bar, the history and whatever is shared from them.
            return web.Response(status=303, headers={"Location": "./", "Set-Cookie": guard.cookie_header(headers)})
        if not guard.has_cookie(request.cookies):
            return _unknown(is_navigation=request.path == "/", from_elsewhere=_is_from_elsewhere(request))
        return await handler(request)

    # --- what is answered ------------------------------------------------------------------------------------------

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._index.body, content_type=self._index.kind, charset="utf-8")

    async def _file(self, request: web.Request) -> web.Response:
        file = self._files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        charset = "utf-8" if file.kind.startswith("text/") else None
        headers = {"Cache-Control": "private, max-age=600"}
        return web.Response(body=file.body, content_type=file.kind, charset=charset, headers=headers)

    async def _screen(self, request: web.Request) -> web.WebSocketResponse:
        browser = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MOST_BYTES, compress=False, timeout=CLOSE_S)
        _add_headers(browser)
        if len(self._sockets) >= MOST_VIEWERS:
            await browser.prepare(request)
            await self._close(browser, WSCloseCode.TRY_AGAIN_LATER)
            return browser
        self._sockets.add(browser)
        try:
            await browser.prepare(request)
            await self._show(browser, _number(request.query.get("width")), _number(request.query.get("height")))
        finally:
            self._sockets.discard(browser)
        return browser

    async def _show(self, browser: web.WebSocketResponse, columns: int | None, lines: int | None) -> None:
        """Let a browser and a new viewer speak with each other until one of them ends."""
        try:
            viewer = await self._viewers.fork(columns or DEFAULT_SIZE[0], lines or DEFAULT_SIZE[1])
        except (OSError, TimeoutError):
            await self._close(browser, WSCloseCode.TRY_AGAIN_LATER)
            return
        drawing = asyncio.create_task(self._draw(viewer, browser))
        try:
            async for message in browser:
                if message.type is not WSMsgType.TEXT or not await _hear(message.data, viewer, browser):
                    await self._close(browser, WSCloseCode.POLICY_VIOLATION)
                    break
        except (ConnectionError, RuntimeError):  # it is gone in the middle of something
            pass
        finally:
            drawing.cancel()
            with suppress(asyncio.CancelledError):
                await drawing
            await asyncio.shield(viewer.end())

    async def _draw(self, viewer: Viewer, browser: web.WebSocketResponse) -> None:
        try:
            while data := await viewer.read():
                await browser.send_bytes(data)
        except (OSError, RuntimeError):  # the browser is gone
            return
        await self._close(browser, WSCloseCode.OK)

    @staticmethod
    async def _close(browser: web.WebSocketResponse, code: int) -> None:
        with suppress(OSError, RuntimeError, TimeoutError):
            await browser.close(code=code)


async def _hear(text: str, viewer: Viewer, browser: web.WebSocketResponse) -> bool:
    """Do what a message says. False: it is none."""
    match messages.read(text):
        case messages.Typed(data):
            viewer.write(data)
        case messages.TerminalSize(columns, lines):
            viewer.resize(columns, lines)
        case messages.Ping() as ping:
            await browser.send_str(messages.pong(ping))
        case None:
            return False
    return True


def _number(word: str | None) -> int | None:
    return int(word) if word is not None and word.isascii() and word.isdigit() and len(word) < 6 else None


def _add_headers(answer: web.StreamResponse) -> None:
    for name, value in page.HEADERS.items():
        answer.headers.setdefault(name, value)


def _is_from_elsewhere(request: web.Request) -> bool:
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


def _unknown(*, is_navigation: bool, from_elsewhere: bool) -> web.Response:
    """For a browser without the cookie. Of a link on another site's page it does not send it (SameSite=Strict): then
    this server's own page asks again, once."""
    words = "Open the address that hopscope web printed, with its token."
    if is_navigation and from_elsewhere:
        text = f'<!DOCTYPE html><meta http-equiv="refresh" content="0;url=./?again"><title>hopscope</title><p>{words}'
        return web.Response(status=401, text=text, content_type="text/html")
    return web.Response(status=401, text=f"{words}\n")
