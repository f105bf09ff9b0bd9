"""Keeps one worker running: starts it, hears it, and starts it again when it ends or falls silent.

It is started again for ever, after pauses that grow to a minute while it keeps dying (`retries.WORKER_PAUSES_S`), and
at once when it is asked for. A worker that speaks another version of the protocol is not: it would not have learnt ours
in between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf
from typing import Final, Protocol

from hopscope.names.clean import clean
from hopscope.session.errors import WorkerFailed
from hopscope.session.model import WorkerState
from hopscope.session.retries import WORKER_PAUSES_S, Retries
from hopscope.session.transport import Transport
from hopscope.wire.framing import Garbage, encode_all, event_reader
from hopscope.wire.messages import (
    VERSION,
    Answered,
    Batching,
    Capabilities,
    CapabilitiesReport,
    Command,
    Counters,
    Event,
    Problem,
    Sent,
    Welcome,
)
from hopscope.wire.times import OwnTimeLine, earlier

MOST_RESTARTS: Final = 5
"""Whoever cannot wait for ever gives a worker up that ends again after so many restarts."""
SOUND_S: Final = 60.0
"""Start the next worker at once when the last one lived for this long."""
STALLED_S: Final = 10.0
"""Restart a worker that is this overdue; three times as late for its first message."""

TOGETHER_NS: Final = 500_000_000
"""How long events may wait to be told together, where nobody waits for each (`wire.messages.Batching`)."""

MOST_GARBAGE: Final = 1000
"""A worker that said so much that was no message is ended: the next one may be sound."""
SAME_CLOCK_NS: Final = 50_000_000
"""A worker whose time differs by less than this has this machine's clock, or one that is as good."""

_MOST_WORDS: Final = 500


class WorkerListener(Protocol):
    """Who hears of the worker."""

    def heard(self, event: Event) -> None:
        """An event of a target's, on this machine's time line."""

    def gone(self) -> None:
        """The worker ended."""

    def back(self) -> None:
        """A new one can be told things."""

    def due_s(self) -> float | None:
        """After how many seconds of silence the next event is due; None: none is."""


class WorkerSupervisor:
    """One worker after the other, kept running. For the loop in which `begin` was called."""

    def __init__(
        self,
        time_line: OwnTimeLine,
        start: Callable[[], Transport],
        *,
        changed: Callable[[], None],
        stall_timeout_s: float = STALLED_S,
    ) -> None:
        """`start` starts a worker (`OSError`: it cannot be started); `changed` is called after anything that a reader
        of this object may care about."""
        self.state: WorkerState = "starting"
        self.note: str | None = None
        self.restarts = 0
        self.user: str | None = None
        self._time_line = time_line
        self._start = start
        self._changed = changed
        self._listener: WorkerListener
        self._is_hurried = False
        self._stall_timeout = stall_timeout_s
        self._counters = Counters()
        self._counted_before = Counters()
        self._garbage = self._garbage_of_this = 0
        self._transport: Transport | None = None
        self._reader = event_reader()
        self.clock_offset_ns = 0
        """How much the worker's clock is ahead of this machine's; its events were put right by it."""
        self._asked_capabilities: list[asyncio.Future[CapabilitiesReport]] = []
        self._deaths = Retries(WORKER_PAUSES_S)
        self._launched_at = 0.0
        self._now_please = asyncio.Event()
        self._next_try_at = 0.0
        self._starting_again: asyncio.Task[None] | None = None
        self._last_heard = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._reason: str | None = None
        self._hopeless = False
        self._closed = False

    @property
    def counters(self) -> Counters:
        """Totals over all workers so far."""
        return _sum(self._counted_before, self._counters)

    @property
    def pid(self) -> int | None:
        """The process under way; None where there is none."""
        return self._transport.pid if self._transport is not None and self.state != "failed" else None

    def begin(self, listener: WorkerListener, transport: Transport | None) -> None:
        """Take a worker over, or start one. `WorkerFailed` where it cannot be started."""
        self._listener = listener
        if transport is None:
            try:
                transport = self._start()
            except OSError as error:
                raise WorkerFailed(f"the probe worker cannot be started: {clean(str(error))}") from None
        self._take(transport)

    def tell(self, *commands: Command) -> None:
        """Send commands; while no worker is there they are dropped: `WorkerListener.back` says all again."""
        if self._transport is not None:
            self._transport.send(encode_all(commands))

    def hurry(self) -> None:
        """From now on somebody waits for each event."""
        if not self._is_hurried:
            self._is_hurried = True
            self.tell(Batching(0))

    @property
    def is_waiting(self) -> bool:
        """Whether the next worker's start is some time away."""
        return self._starting_again is not None and not self._starting_again.done()

    @property
    def ailing_s(self) -> float:
        """The seconds from the first end of a worker to the next start, where one kept ending after `MOST_RESTARTS`
        restarts, too; 0 where it is not that bad."""
        deaths = self._deaths
        return self._next_try_at - deaths.since if deaths.since is not None and self._is_ailing else 0.0

    def is_given_up(self, planned_s: Iterable[float | None]) -> bool:
        """Whether the worker's trouble lasts longer than whoever waits for the end of all rounds should wait, which
        take so many seconds (None: no end)."""
        if self.state == "failed":
            return True
        return self.is_waiting and self.ailing_s > max((inf if one is None else one for one in planned_s), default=0.0)

    def start_now(self) -> None:
        """If the next worker's start is some time away: start it now."""
        self._now_please.set()

    async def capabilities(self) -> CapabilitiesReport:
        """Which methods this machine allows this user. `WorkerFailed` where the worker cannot say."""
        if self.state == "failed" or self._is_ailing:
            raise WorkerFailed(self.note or "the probe worker failed")
        future: asyncio.Future[CapabilitiesReport] = asyncio.get_running_loop().create_future()
        self._asked_capabilities.append(future)
        self.tell(Capabilities())
        return await future

    def garbage(self, reason: str) -> None:
        """Something that the worker said could not be used."""
        self._garbage += 1
        self._garbage_of_this += 1
        if self._garbage_of_this > MOST_GARBAGE:
            self._kill(f"it said something unintelligible more than {MOST_GARBAGE} times")
            return
        often = f" ({self._garbage} times)" if self._garbage > 1 else ""
        self.note = f"the probe worker said something unintelligible{often}: {clean(reason, _MOST_WORDS)}"

    async def close(self) -> None:
        """End the worker. Idempotent."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        if self._starting_again is not None:
            self._starting_again.cancel()
            await asyncio.gather(self._starting_again, return_exceptions=True)
        for future in self._asked_capabilities:
            future.cancel()
        self._asked_capabilities.clear()
        if self._transport is not None:
            await self._transport.close()

    # --- what it says -----------------------------------------------------------------------------------------

    def _take(self, transport: Transport) -> None:
        loop = asyncio.get_running_loop()
        self._transport = transport
        self._reader = event_reader()
        self.clock_offset_ns = 0
        transport.open(lambda data: self._heard(self._reader.feed(data)), self._over)
        self._reason = None
        self._garbage_of_this = 0
        self._last_heard = self._launched_at = loop.time()
        self._watch = loop.call_later(self._stall_timeout, self._check_silence, loop.time() + self._stall_timeout)
        if not self._is_hurried:
            self.tell(Batching(TOGETHER_NS))

    def _heard(self, messages: list[Event | Garbage]) -> None:
        self._last_heard = asyncio.get_running_loop().time()
        for message in messages:
            if self._hopeless or self._reason is not None:
                break  # it is being ended, or what it means by its words is not known
            # Of a struct, `isinstance` asks the metaclass: the frequent ones are not to be asked.
            if not (type(message) is Sent or type(message) is Answered) and isinstance(
                message, (Welcome, Counters, CapabilitiesReport, Problem, Garbage)
            ):
                self._heard_itself(message)
            elif self.clock_offset_ns:
                self._listener.heard(earlier(message, self.clock_offset_ns))
            else:
                self._listener.heard(message)
        self._changed()

    def _heard_itself(self, message: Welcome | Counters | CapabilitiesReport | Problem | Garbage) -> None:
        if isinstance(message, Welcome):
            if message.version != VERSION:
                self._fail_for_good(f"it speaks version {message.version} of the protocol, not {VERSION}")
                return
            self.state = "running"
            self.note = None
            self.user = clean(message.user)
            self._compare_clocks(message)
        elif isinstance(message, Counters):
            self._counters = message
        elif isinstance(message, CapabilitiesReport):
            for future in self._asked_capabilities:
                if not future.done():
                    future.set_result(message)
            self._asked_capabilities.clear()
        elif isinstance(message, Problem):
            words = clean(message.message, _MOST_WORDS)
            self.note = f"the probe worker says: {words}"
            if message.fatal:
                self._fail_for_good(words)
        else:
            self.garbage(message.reason)

    def _compare_clocks(self, welcome: Welcome) -> None:
        """What the worker says of its time must lie between its greeting and now, if it has this machine's clock."""
        assert self._transport is not None
        now = self._time_line.now
        greeted = self._time_line.at(self._transport.greeted_at)
        if not greeted - SAME_CLOCK_NS <= welcome.now_at <= now + SAME_CLOCK_NS:
            self.clock_offset_ns = welcome.now_at - now

    # --- its end ----------------------------------------------------------------------------------------------

    def _over(self) -> None:
        """It will say no more: what was half said is said to be."""
        rest = self._reader.end()
        if rest:
            self._heard(rest)
        self._ended()

    def _fail_for_good(self, reason: str) -> None:
        self._hopeless = True
        self._kill(reason)

    def _kill(self, reason: str) -> None:
        """Its end is then noticed as any other."""
        assert self._transport is not None
        self._reason = reason
        self._transport.kill()

    def _check_silence(self, due: float) -> None:
        """Has it been silent for too long?"""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - due > 1.0:
            self._last_heard = now  # this process itself was held up, and perhaps the worker with it
        expected = self._listener.due_s() if self.state == "running" else 2 * self._stall_timeout
        if expected is None:
            wait = self._stall_timeout
        else:
            wait = self._last_heard + expected + self._stall_timeout - now
            if wait <= 0:
                self._kill(f"it said nothing for {now - self._last_heard:.0f} s")
                return
        self._watch = loop.call_later(wait, self._check_silence, now + wait)

    def _ended(self) -> None:
        if self._closed:
            return
        self.state = "restarting"
        self.note = "the probe worker ended; it is being started again"
        if self._watch is not None:
            self._watch.cancel()
        self._counted_before = self.counters
        self._counters = Counters()
        self._listener.gone()
        self._changed()
        self._starting_again = asyncio.get_running_loop().create_task(self._start_again())

    async def _start_again(self) -> None:
        assert self._transport is not None
        code = await self._transport.close()
        words = self._transport.last_words()
        how = f"exit status {code}" if code >= 0 else f"signal {-code}"
        why = "the probe worker ended (" + ": ".join(filter(None, (how, self._reason, clean(words)))) + ")"
        if self._hopeless:
            self._fail(why)
            return
        loop = asyncio.get_running_loop()
        if loop.time() - self._launched_at > SOUND_S:
            self._deaths.succeeded()
        ended = why
        while (transport := await self._after_a_pause(why)) is None:
            why = f"{ended}, and cannot be started again: {self._reason}"
        self.restarts += 1
        self.note = f"{ended}{self._times}; started again"
        self._take(transport)
        if self._asked_capabilities:
            self.tell(Capabilities())
        self._listener.back()
        self._changed()

    async def _after_a_pause(self, why: str) -> Transport | None:
        """The next worker; None where there is none, for `self._reason`."""
        pause = self._deaths.failed(asyncio.get_running_loop().time())
        assert pause is not None
        self._next_try_at = asyncio.get_running_loop().time() + pause
        why += self._times
        if self._is_ailing:
            self._fail_asked(why)
        if pause >= 1:
            why = f"{why}; the next try is at {time.strftime('%H:%M:%S', time.localtime(time.time() + pause))}"
        self.note = why
        self._changed()
        self._now_please.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._now_please.wait(), pause)
        try:
            return self._start()
        except OSError as error:
            self._reason = clean(str(error))
            return None

    @property
    def _is_ailing(self) -> bool:
        return self._deaths.failures > MOST_RESTARTS

    @property
    def _times(self) -> str:
        return f", {self._deaths.failures} times" if self._is_ailing else ""

    def _fail(self, why: str) -> None:
        self.state = "failed"
        self.note = why
        self._fail_asked(why)
        self._changed()

    def _fail_asked(self, why: str) -> None:
        for future in self._asked_capabilities:
            if not future.done():
                future.set_exception(WorkerFailed(why))
        self._asked_capabilities.clear()


def _sum(first: Counters, second: Counters) -> Counters:
    return Counters(
        first.malformed + second.malformed,
        first.foreign + second.foreign,
        first.overflow + second.overflow,
        max(first.flooded, second.flooded),
    )
