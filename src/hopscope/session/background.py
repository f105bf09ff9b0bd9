"""A blocking call in a daemon thread of its own, awaited: what hangs there (a resolver) holds nobody up at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from hopscope.system import threads

T = TypeVar("T")


async def in_background(call: Callable[[], T]) -> T:
    """What `call` returns or raises. Cancelling leaves the thread to itself. Where no thread can be started, the loop
    waits for the call."""
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

    try:
        threads.start(work, "hopscope-background")
    except RuntimeError:  # this user may start no more threads: rather late than never
        work()
    return await future
