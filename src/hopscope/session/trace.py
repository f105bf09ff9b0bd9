"""`trace`: one target, so many rounds, one report. Blocks, or as a coroutine."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, Literal, TypedDict, TypeVar, Unpack

import msgspec

from hopscope.names.clean import clean
from hopscope.names.facts import Namer
from hopscope.session.errors import Refusal, Unresolvable
from hopscope.session.model import Probing, ProtocolChoice
from hopscope.session.query import QueryText
from hopscope.session.report import Report, report
from hopscope.session.session import Session
from hopscope.wire.messages import MethodChoice, Opening

NAMES_S: Final = 1.8
"""Seconds that a trace waits at its end for names that are being looked up."""

_GLANCE_S: Final = 0.1

T = TypeVar("T")


class TraceOptions(TypedDict, total=False):
    """The fields of `hopscope.Probing`, as keywords."""

    family: Literal[4, 6] | None
    protocol: ProtocolChoice
    method: MethodChoice
    port: int | None
    interval_s: float
    timeout_s: float
    first_ttl: int
    max_ttl: int
    max_unknown: int
    packet_size: int
    pattern: int
    tos: int
    source: str | None
    interface: str | None
    scenario: str | None
    seed: int | None
    opening: Opening
    grace_s: float | None
    local_port: int | None
    flows: int
    certainty_pct: float
    budget: float


def trace(target: QueryText, *, rounds: int = 10, dns: bool = True, **options: Unpack[TraceOptions]) -> Report:
    """Probe `target` for so many rounds and return the report: what ``--format json`` prints, as structs.

    `options` are the fields of `hopscope.Probing`; `dns` turns reverse look-ups on and off. Blocks until each probe's
    fate is known, also where this thread runs an event loop (which then stands still: `trace_async` does not).
    `KeyboardInterrupt` ends it and leaves nothing behind. A target that never answers is no error: ``report.reached``.

    `ValueError`: the target or an option cannot be; `TypeError`: there is no such option, or the target is neither a
    text nor an address of `ipaddress`. `Unresolvable`, `Refusal` and `WorkerFailed` are `TraceError`s, see
    `hopscope.session.errors`.
    """
    work = trace_async(target, rounds=rounds, dns=dns, **options)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    return _run_in_thread(work)


async def trace_async(
    target: QueryText, *, rounds: int = 10, dns: bool = True, **options: Unpack[TraceOptions]
) -> Report:
    """`trace` as a coroutine. Cancelling it ends the trace and leaves nothing behind."""
    if rounds < 1:
        raise ValueError(f"rounds {rounds}: at least 1")
    probing = Probing(rounds=rounds, **options)
    namer = _namer() if dns and probing.method != "simulated" else None
    async with Session([target], probing, namer=namer) as session:
        await session.finished()
        snapshot = session.snapshot()
        if namer is not None:
            await namer.settle(NAMES_S)
            snapshot = msgspec.structs.replace(session.snapshot(), now=snapshot.now)
    (traced,) = snapshot.targets
    if traced.error is not None:
        raise Unresolvable(traced.error)
    if traced.refusal is not None:
        refusal = traced.refusal
        raise Refusal(f"{traced.query}: {refusal.message}", refusal.reason, refusal.remedy)
    return report(traced, now=snapshot.now, host=clean(socket.gethostname()))


def _namer() -> Namer:
    from hopscope.names.resolver import Names

    return Names()


def _run_in_thread(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns, run in a thread with a loop of its own, for a caller whose own loop is running."""
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()
    done: Future[T] = Future()

    async def main() -> T:
        begun.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await work

    def run() -> None:
        try:
            done.set_result(asyncio.run(main()))
        except BaseException as error:  # noqa: BLE001 - it is handed to the caller
            done.set_exception(error)

    thread = threading.Thread(target=run, name="hopscope-trace")
    # asyncio's own SIGINT handler raises nothing, it cancels a task; while we block its loop that shows only here.
    # Taken before the thread runs: a Ctrl-C that came between the two would count as an old one, and never be heeded.
    before = _cancelled_tasks()
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_GLANCE_S)
            if _cancelled_tasks() - before:
                raise KeyboardInterrupt
    except BaseException:
        loop, task = begun.result()
        if task is not None:
            with suppress(RuntimeError):  # it is over already
                loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    return done.result()


def _cancelled_tasks() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if task.cancelling()}
