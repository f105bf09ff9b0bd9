"""The screen of a recorded outage in a real browser: seen, typed into, clicked, and gone about in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.lab.browser import Browser, Page, browsing
from tests.web.served import Server, until

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as one:
        yield one
        assert one.said.read_text() == ""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as one:
        yield one


async def shows(page: Page, words: str, *, key: str = "") -> None:
    """Wait for words on the screen; `key` is pressed first."""
    if key:
        await page.press(key)
    await page.until(lambda: words in page.drawn.text, f"{words} is not shown")


SENTENCE = (0, 18, 400, 18)
CHART = (1143, 486, 60, 60)
"""Parts of the page of 1280 x 800: the first sentence, and the last outage."""


async def is_red(page: Page, part: tuple[int, int, int, int], *, least: int = 0) -> None:
    """Wait until so many red pixels are seen, or none: what came over the socket is drawn a moment later."""
    async with asyncio.timeout(20):
        while (reds := (await page.picture(part)).reds()) < least or (reds and not least):
            await asyncio.sleep(0.1)


async def test_the_outage_is_seen_in_its_colours_by_two_each_at_a_moment_of_its_own(
    server: Server, browser: Browser
) -> None:
    profile = await browser.stranger()
    page = await browser.open(1280, 800, profile)
    await page.go(f"http://{server.at}/?token={server.token}")
    await shows(page, "watched in")
    assert await page.value("location.href") == f"http://{server.at}/"  # the token is gone
    assert await page.value("document.cookie") == ""  # and no script reads the cookie
    await is_red(page, SENTENCE)  # not red: it is over
    await is_red(page, CHART)

    await shows(page, "event 5 of 5", key=",")
    await is_red(page, SENTENCE, least=100)
    await is_red(page, CHART, least=1000)

    other = await browser.open(900, 600, profile)
    await other.go(f"http://{server.at}/")
    await shows(other, "watched in")
    assert len(server.viewers()) == 2
    await is_red(other, SENTENCE)  # while the first one looks at the outage
    await other.close()
    until(lambda: len(server.viewers()) == 1, "a closed tab leaves its viewer")

    await shows(page, "back in time", key="Escape")
    await is_red(page, SENTENCE)
    await page.click(450, 620)  # into the first outage's bar
    await shows(page, "before the end")
    await page.resize(800, 500)
    await shows(page, "before the end")

    for address in page.asked + other.asked:
        assert address.startswith((f"http://{server.at}/", f"ws://{server.at}/ws?")), address
    assert page.complaints + other.complaints == []  # its content policy refused nothing
    await page.close()
    until(lambda: not server.viewers(), "a closed tab leaves its viewer")


async def test_y_copies_the_report_ctrl_c_does_not_end_it_and_q_does(server: Server, browser: Browser) -> None:
    profile = await browser.stranger()
    page = await browser.open(1100, 700, profile)
    both = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    await browser.ask("Browser.grantPermissions", permissions=both, browserContextId=profile)
    await page.go(f"http://{server.at}/?token={server.token}")
    await shows(page, "watched in")
    await page.press("c", modifiers=2)
    await shows(page, "sent to the clipboard", key="y")
    text = ""
    async with asyncio.timeout(20):
        while "www.example.com" not in text:
            text = await page.value("navigator.clipboard.readText().catch(String)")
    assert "no answer came from hop 6 on" in text
    await page.press("q")
    async with asyncio.timeout(20):
        while await page.value("getComputedStyle(document.querySelector('#over')).display") != "block":
            await asyncio.sleep(0.05)
    assert "ended" in await page.value("document.querySelector('#over').textContent")
    until(lambda: not server.viewers(), "a viewer stayed")


async def test_a_link_from_another_site_leads_in_at_once_and_its_page_opens_no_screen(
    server: Server, browser: Browser
) -> None:
    profile = await browser.stranger()
    page = await browser.open(1000, 600, profile)
    # To browsers 127.0.0.1 and localhost are two sites, each with its own cookies.
    elsewhere = f"http://localhost:{server.port}/nothing"
    await page.go(elsewhere)
    await page.until(lambda: elsewhere in page.asked, "another site's page")
    await page.value(f"location.href = 'http://{server.at}/?token={server.token}'")
    await shows(page, "watched in")

    await page.go(elsewhere)
    await page.until(lambda: page.asked.count(elsewhere) == 2, "another site's page")
    opened = f"new Promise(done => {{ const socket = new WebSocket('ws://{server.at}/ws');"
    opened += " socket.onopen = () => done('open'); socket.onerror = () => done('refused'); })"
    assert await page.value(opened) == "refused"
