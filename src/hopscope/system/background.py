"""Blocking calls in daemon threads of their own, awaited: what hangs there (a resolver) holds nobody up at the end.

The system's resolver may never come back: a name server that asks for TCP, takes the question and says no more is
waited for without a limit. So nobody waits for one longer than he means to, and what was asked and hangs is not asked
again and again, for each time is a thread and a socket.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Hashable
from contextlib import suppress
from time import monotonic
from typing import Any, Final, TypeVar

from hopscope.system import threads

RENEW_S: Final = 60.0
"""After this a call that hangs is left behind, and the next one that asks the same begins another."""
FRESH_S: Final = 5.0
"""For so long an answer that came while nobody waited is kept for whoever asks again."""
MOST_LEFT: Final = 16
"""Calls that are left behind; no more are while they hang."""

T = TypeVar("T")


def begin(call: Callable[[], T]) -> asyncio.Future[T]:
    """What `call` will return or raise. Cancelling leaves the thread to itself. `RuntimeError` where no thread can be
    started."""
    work, future = _work(call)
    threads.start(work, "hopscope-background")
    return future


async def in_background(call: Callable[[], T]) -> T:
    """What `call` returns or raises. Cancelling leaves the thread to itself. Where no thread can be started, the loop
    waits for the call."""
    return await _begin_somehow(call)


async def until_its_end(call: Callable[[], T]) -> T:
    """As `in_background`; but who is cancelled waits for the call's end first, for whatever it works on may be closed
    then: SQLite's connection must not be while another thread is in it (the interpreter would crash)."""
    future = _begin_somehow(call)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        future.exception()
        raise


def _begin_somehow(call: Callable[[], T]) -> asyncio.Future[T]:
    work, future = _work(call)
    try:
        threads.start(work, "hopscope-background")
    except RuntimeError:  # this user may start no more threads: rather late than never
        work()
    return future


def _work(call: Callable[[], T]) -> tuple[Callable[[], None], asyncio.Future[T]]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)  # type: ignore[arg-type]  # a T where there is no error

    def work() -> None:
        value: T | None = None
        error: BaseException | None = None
        try:
            value = call()
        except BaseException as raised:  # noqa: BLE001 - it is handed to whoever waits
            error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, value, error)

    return work, future


class Inquiries:
    """Questions to the system that it may never answer. For one loop."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._under_way: dict[Hashable, tuple[asyncio.Future[Any], float]] = {}
        """By question: its answer to be, and when it was begun."""
        self._left = 0

    async def ask(self, question: Hashable, call: Callable[[], T], patience_s: float | None = None) -> T:
        """What `call` returns or raises; the answer of one that asked the same and is under way. `TimeoutError` where
        there is none after `patience_s`."""
        answer, begun = self._under_way.get(question, (None, 0.0))
        if answer is None or (self._now() - begun >= RENEW_S and self._left < MOST_LEFT):
            if answer is not None:
                self._left += 1
                answer.add_done_callback(self._came_back)
            answer = _begin_somehow(call)
            self._under_way[question] = answer, self._now()
            answer.add_done_callback(lambda done: self._ended(question, done))
        done, _ = await asyncio.wait([answer], timeout=patience_s)
        if not done:
            raise TimeoutError
        self._forget(question, answer)
        answered: T = answer.result()
        return answered

    def _ended(self, question: Hashable, answer: asyncio.Future[Any]) -> None:
        if not answer.cancelled():
            answer.exception()  # perhaps nobody waits for it any more
        asyncio.get_running_loop().call_later(FRESH_S, self._forget, question, answer)

    def _forget(self, question: Hashable, answer: asyncio.Future[Any]) -> None:
        if self._under_way.get(question, (None,))[0] is answer:
            del self._under_way[question]

    def _came_back(self, _answer: asyncio.Future[Any]) -> None:
        self._left -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, for what connects by names. asyncio looks them up in a pool of threads that the program's end
    waits for, and of which those that hang are missing."""
    with asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(main)


def _loop() -> asyncio.AbstractEventLoop:
    loop, inquiries = asyncio.new_event_loop(), Inquiries()

    async def getaddrinfo(
        host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        question = host, port, family, type, proto, flags
        return await inquiries.ask(question, lambda: socket.getaddrinfo(*question))

    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
    return loop
