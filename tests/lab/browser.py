"""Pages in a real browser that can be looked at and typed into, over the Chrome DevTools Protocol. It reaches this
machine's loopback and nothing else."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.lab.chromium import FLAGS, Picture, read_png
from tests.lab.drawn import Drawn
from tests.needs import uses

PATIENCE_S = 30.0
_KEYS = {"Escape": ("Escape", 27, ""), "Enter": ("Enter", 13, "\r"), "ArrowDown": ("ArrowDown", 40, "")}


class Browser:
    """A running browser: `open` gives pages."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._hearing = asyncio.create_task(self._hear())

    async def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The result of a command. `AssertionError` where it is refused."""
        number = next(self._number)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json(message)
        answer = await asyncio.wait_for(self._answers[number], PATIENCE_S)
        del self._answers[number]
        assert "error" not in answer, (method, answer)
        return answer["result"]  # type: ignore[no-any-return]

    async def stranger(self) -> str:
        """A profile of its own, for `open`: it has none of the others' cookies."""
        return str((await self.ask("Target.createBrowserContext"))["browserContextId"])

    async def open(self, width: int, height: int, profile: str) -> Page:
        """An empty page of this size, in pixels."""
        given = {"url": "about:blank", "browserContextId": profile}
        target = (await self.ask("Target.createTarget", **given))["targetId"]
        session = (await self.ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self._pages[session] = Page(self, target, session)
        for domain in ("Page", "Network", "Runtime", "Log"):
            await page.ask(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await page.ask("Emulation.setDeviceMetricsOverride", **size)
        await page.ask("Emulation.setFocusEmulationEnabled", enabled=True)  # each is the one that is typed into
        return page

    async def close(self) -> None:
        """Hear no more."""
        self._hearing.cancel()
        with suppress(asyncio.CancelledError):
            await self._hearing

    async def _hear(self) -> None:
        async for message in self._socket:
            event = message.json()
            if "id" in event:
                future = self._answers.get(event["id"])
                if future is not None and not future.done():
                    future.set_result(event)
            elif event.get("sessionId") in self._pages:
                self._pages[event["sessionId"]].happened(event["method"], event["params"])


class Page:
    """One tab."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session
        self.drawn = Drawn()
        """What came over its websocket, which its terminal shows."""
        self.asked: list[str] = []
        """Every address that it asked for."""
        self.complaints: list[str] = []
        """Errors in its console, refusals of its content policy among them."""
        self._is_new = asyncio.Event()

    def happened(self, method: str, of: dict[str, Any]) -> None:
        """Take an event in."""
        if method == "Network.webSocketFrameReceived" and of["response"]["opcode"] == 2:
            self.drawn.feed(base64.b64decode(of["response"]["payloadData"]))
        elif method == "Network.requestWillBeSent":
            self.asked.append(of["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.drawn = Drawn()
            self.asked.append(of["url"])
        elif method == "Log.entryAdded" and of["entry"]["level"] == "error":
            self.complaints.append(f"{of['entry']['text']} {of['entry'].get('url', '')}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(of["exceptionDetails"]))
        self._is_new.set()

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command to this page."""
        return await self._browser.ask(method, self._session, **parameters)

    async def go(self, address: str) -> None:
        """Open an address."""
        await self.ask("Page.navigate", url=address)

    async def value(self, expression: str) -> Any:
        """What an expression is there, once it is more than a promise."""
        given = {"expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        return (await self.ask("Runtime.evaluate", **given))["result"].get("value")

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait for what its events bring."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self._is_new.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._is_new.wait(), 5)
        assert is_so(), what

    async def press(self, key: str, modifiers: int = 0) -> None:
        """Press a key: a letter, or one of `_KEYS`. `modifiers`: 2 is ctrl."""
        name, code, text = _KEYS.get(key, (key, ord(key.upper()[0]), "" if modifiers else key))
        of = {"key": name, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        await self.ask("Input.dispatchKeyEvent", type="keyDown", text=text, **of)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", **of)

    async def click(self, x: float, y: float) -> None:
        """Click, in pixels."""
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def resize(self, width: int, height: int) -> None:
        """Another size of the window, in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.ask("Emulation.setDeviceMetricsOverride", **size)

    async def picture(self, part: tuple[int, int, int, int], file: Path | None = None) -> Picture:
        """What is seen in a part of it: left, top, width, height, in pixels."""
        clip = {**dict(zip(("x", "y", "width", "height"), part, strict=True)), "scale": 1}
        data = base64.b64decode((await self.ask("Page.captureScreenshot", format="png", clip=clip))["data"])
        if file is not None:
            file.write_bytes(data)
        return read_png(data)

    async def close(self) -> None:
        """Close the tab."""
        await self._browser.ask("Target.closeTarget", targetId=self._target)


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """A browser with a profile of its own."""
    uses("chromium")
    folder = tempfile.mkdtemp(prefix="hopscope-browser-")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBUS_")}
    process = await asyncio.create_subprocess_exec(
        "chromium",
        *(flag for flag in FLAGS if not flag.startswith("--host-resolver-rules")),
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}/profile",
        "about:blank",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**environment, "HOME": folder, "XDG_RUNTIME_DIR": folder},
    )
    try:
        place = Path(folder) / "profile" / "DevToolsActivePort"
        async with asyncio.timeout(PATIENCE_S):
            while not (place.exists() and place.read_text().count("\n")):
                await asyncio.sleep(0.05)
        port, path = place.read_text().splitlines()[:2]
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{port}{path}", max_msg_size=1 << 26) as socket,
        ):
            browser = Browser(socket)
            try:
                yield browser
                with suppress(AssertionError, TimeoutError, ConnectionError):
                    await browser.ask("Browser.close")
            finally:
                await browser.close()
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        shutil.rmtree(folder, ignore_errors=True)
