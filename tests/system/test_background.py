"""A call that hangs is waited for by nobody who does not want to, and asked once."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from hopscope.system import background
from hopscope.system.background import MOST_LEFT, RENEW_S, Inquiries


class Hanging:
    """Calls that come back when they are let."""

    def __init__(self) -> None:
        self.calls = 0
        self.may = threading.Event()

    def __call__(self, *given: object) -> str:
        self.calls += 1
        assert self.may.wait(20)
        return "late"


async def test_what_hangs_is_asked_once_by_all_and_answers_all_when_it_comes_back() -> None:
    hanging, inquiries = Hanging(), Inquiries(lambda: 0.0)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await inquiries.ask("name", hanging, 0.01)
    waiting = asyncio.ensure_future(inquiries.ask("name", hanging))
    await asyncio.sleep(0)
    hanging.may.set()
    assert await waiting == await inquiries.ask("other", hanging) == "late"
    assert hanging.calls == 2


@pytest.mark.parametrize("is_over_well", [True, False])
async def test_who_is_cancelled_waits_for_the_end_of_what_is_worked_on(is_over_well: bool) -> None:
    hanging, ended = Hanging(), threading.Event()

    def call() -> None:
        hanging()
        ended.set()
        assert is_over_well

    working = asyncio.ensure_future(background.until_its_end(call))
    while not hanging.calls:
        await asyncio.sleep(0)
    for _ in range(3):  # however often it is asked
        working.cancel()
        await asyncio.wait([working], timeout=0.01)
        assert not working.done()
    hanging.may.set()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert ended.is_set()


async def test_another_call_begins_after_a_minute_and_a_bounded_number_of_times() -> None:
    clock = [0.0]
    hanging, inquiries = Hanging(), Inquiries(lambda: clock[0])
    for _ in range(MOST_LEFT + 3):
        with pytest.raises(TimeoutError):
            await inquiries.ask("name", hanging, 0.01)
        clock[0] += RENEW_S
    assert hanging.calls == MOST_LEFT + 1
    hanging.may.set()
    assert await inquiries.ask("name", hanging) == "late"


def test_a_program_that_connects_by_a_name_ends_while_the_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = Hanging()
    monkeypatch.setattr(socket, "getaddrinfo", hanging)

    async def main() -> None:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.open_connection("broker.example", 4222), 0.01)

    background.run(main())
    assert hanging.calls == 1
    assert not hanging.may.is_set()
    hanging.may.set()
