"""The system's own resolver may never come back."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from hopscope.names.system import MOST_HANGING, SystemResolver

HANGS = "10.0.0."


async def test_look_ups_that_hang_take_the_place_of_no_other_for_long_and_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may = threading.Event()
    asked: list[str] = []

    def gethostbyaddr(address: str) -> tuple[str, list[str], list[str]]:
        asked.append(address)
        assert not address.startswith(HANGS) or may.wait(20)
        return "gw.example", [], [address]

    monkeypatch.setattr(socket, "gethostbyaddr", gethostbyaddr)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *how, **more: [])
    system = SystemResolver(patience_s=0.05)
    *silent, told = await asyncio.gather(*(system.ask(f"{HANGS}{last}") for last in range(4)), system.ask("10.1.0.1"))
    assert not any(answer.is_answer for answer in silent)
    assert (told.name, told.leads_back) == ("gw.example", False)
    await asyncio.gather(*(system.ask(f"{HANGS}{last}") for last in range(4, 20)))
    assert len([address for address in asked if address.startswith(HANGS)]) <= MOST_HANGING + 1
    assert not (await system.ask("10.1.0.2")).is_answer
    may.set()
    while not (await system.ask("10.1.0.2")).is_answer:
        await asyncio.sleep(0.01)
