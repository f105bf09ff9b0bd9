"""`Session`: many targets, one worker, immutable snapshots.

The worker is a process; it may die. Then it is started again (`hopscope.session.supervisor`), targets go on with the
next round, and what was in flight has failed on this machine: nothing that was counted is lost, and nothing of it is
called the network's loss.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self, overload

import msgspec

from hopscope.judge.verdict import Judged
from hopscope.names.facts import AsksOwners, Namer
from hopscope.path.bins import SpanBins
from hopscope.path.windows import WINDOWS, WindowName
from hopscope.session.changes import Changes
from hopscope.session.errors import WorkerFailed
from hopscope.session.events import (
    EndEvent,
    ProbeEvent,
    SessionEvent,
    StartEvent,
    StreamEvent,
)
from hopscope.session.facts import SessionFact
from hopscope.session.feeds import Feeds
from hopscope.session.launch import WorkerProcess, launch, options_for
from hopscope.session.listener import Listener
from hopscope.session.model import Probing, Snapshot, Target
from hopscope.session.plans import adjustment, checked
from hopscope.session.query import QueryText, query_text, read_query
from hopscope.session.recall import Recall
from hopscope.session.remedy import runnable
from hopscope.session.supervisor import MOST_RESTARTS, STALLED_S, WorkerSupervisor
from hopscope.session.tally import SessionTally, tally_of
from hopscope.session.target import TargetRecord, planned_s
from hopscope.session.targets import Targets
from hopscope.session.told import Happening
from hopscope.session.transport import Transport, WorkerPipes
from hopscope.system.background import in_background
from hopscope.wire.facts import Adjusted, Paused, Remembered, Reset, Resumed, UsualDelay
from hopscope.wire.messages import (
    CapabilitiesReport,
    Pause,
    Plan,
    Resume,
    Stop,
)
from hopscope.wire.times import OwnTimeLine

NAMES_BEYOND_S: Final = 0.5
"""Where others were probed to their end, names are waited for this much longer."""
_AT_ONCE: Final = 60_000
"""Facts that all targets together fold for one look at a window of theirs: some tenths of a second, while it is new."""


class Session:
    """Targets that are probed by one worker, and snapshots of what was found.

    An async context manager; every method is for the loop that entered it. A number that no target has raises
    `KeyError`."""

    def __init__(
        self,
        targets: Sequence[QueryText] = (),
        probing: Probing | None = None,
        *,
        launched: WorkerProcess | None = None,
        namer: Namer | None = None,
        worker_command: Sequence[str] | None = None,
        addresses: Mapping[str, str] | None = None,
        stall_timeout_s: float = STALLED_S,
        on_fact: Callable[[int, SessionFact], None] | None = None,
        shown: Callable[[Target], Target] = lambda target: target,
        window: WindowName = "start",
    ) -> None:
        """`targets` are names or addresses; `launched` a worker that was started before, perhaps with some of them
        under way; `namer`, who looks names up, is closed with the session; `worker_command` replaces the worker's
        whole command; `addresses` saves looking a target up; `stall_timeout_s`: start a worker again when it is silent
        for this long beyond what is due; `on_fact` is handed each fact, with the target's number, as it is applied:
        `hopscope.session.replay` makes the same snapshots of them again; `shown` takes out of a target what events'
        sentences must not tell; `window`: what snapshots' numbers are over. `ValueError` where a target cannot be one,
        or nothing can be probed that way; `TypeError` where one is no text and no address."""
        self._default = checked(probing) if probing is not None else Probing()
        if isinstance(targets, str):
            raise TypeError(f"targets are a list of texts, and no text: [{targets!r:.100}]")
        self._queries = [query_text(one) for one in targets]
        for query in self._queries:
            read_query(query)
        self._launched = launched
        self._worker_command = worker_command
        self._worker_options = launched.extra if launched is not None else options_for(self._default.scenario)
        self._namer = namer
        self._time_line = OwnTimeLine(None if launched is None else launched.anchor_ns)
        self._feeds = Feeds()
        self._changes = Changes()
        self._supervisor = WorkerSupervisor(
            self._time_line, self._start_worker, changed=self._changes.bump, stall_timeout_s=stall_timeout_s
        )
        self._targets = Targets(
            addresses or {},
            1 + len(launched.begun if launched is not None else ()),
            now=lambda: self.now,
            tell=self._supervisor.tell,
            say=self._feeds.put,
            changed=self._changes.bump,
            on_fact=on_fact,
        )
        self._shown = shown
        self._window = window
        self._recall: Recall | None = None
        self._born = self.now
        self._is_gradual = False
        """No look at it may take long."""
        self._closed = False

    # --- life -------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Probing begins. `WorkerFailed` where the worker cannot be started."""
        launched, self._launched = self._launched, None
        begun: dict[str, deque[tuple[int, Plan]]] = {}
        for flow_id, (query, plan) in enumerate(launched.begun if launched is not None else (), 1):
            begun.setdefault(query, deque()).append((flow_id, plan))
        listener = Listener(
            self._targets,
            self._feeds,
            now=lambda: self.now,
            garbage=self._supervisor.garbage,
            tell_news=self._tell_news,
        )
        self._supervisor.begin(listener, WorkerPipes(launched) if launched is not None else None)
        for query in self._queries:
            if begun.get(query):
                self._targets.adopt(query, self._default, *begun[query].popleft())
            else:
                self._targets.add(query, self._default)
        self._supervisor.tell(*(Stop(flow_id) for unwanted in begun.values() for flow_id, _ in unwanted))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop probing and leave nothing behind: no process, no task, no descriptor. Idempotent."""
        if self._closed:
            return
        self._closed = True
        await self._targets.close()
        await self._supervisor.close()
        if self._launched is not None:
            await in_background(self._launched.close)
        if self._namer is not None:
            await self._namer.close()
        for record in self._targets:
            self._feeds.put(record.ended())
        self._feeds.close()
        self._changes.bump()

    def _tell_news(self, record: TargetRecord) -> None:
        """Tell consumers of events what is new of a target's verdict, incidents, marks and path."""
        if record.head is not None and self._feeds.wanted:
            for event in record.told(lambda: self._shown(record.snapshot(self._namer))):
                self._feeds.put(event)

    def _start_worker(self) -> Transport:
        launched = launch(self._worker_options, command=self._worker_command, anchor_ns=self._time_line.anchor)
        return WorkerPipes(launched)

    # --- what there is ----------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """Grows with every change, names that became known included."""
        return self._changes.count + (self._namer.version if self._namer is not None else 0)

    @property
    def now(self) -> int:
        """Epoch ns on the session's time line."""
        return self._time_line.now

    @property
    def worker_pid(self) -> int | None:
        """The worker's process; None where there is none any more."""
        return self._supervisor.pid

    def snapshot(self) -> Snapshot:
        """The whole session at this moment. Cheap; parts that did not change are the same objects as before."""
        return self.part(0, 1)

    def part(self, number: int, parts: int) -> Snapshot:
        """The same with every so many `parts`-th target alone."""
        supervisor, now = self._supervisor, self.now
        most = _AT_ONCE // max(1, len(self._targets)) if self._is_gradual else None
        return Snapshot(
            tuple(record.snapshot(self._namer, self._window, now, most) for record in [*self._targets][number::parts]),
            supervisor.state,
            supervisor.note,
            supervisor.restarts,
            supervisor.counters,
            supervisor.user,
            now,
            supervisor.clock_offset_ns,
        )

    def tally(self) -> SessionTally:
        """The session as numbers that only grow, for its metrics. Each target's are made when they are asked for."""
        supervisor, namer = self._supervisor, self._namer
        return SessionTally(
            targets=(tally_of(record.fold, namer) for record in self._targets),
            now=self.now,
            restarts=supervisor.restarts,
            is_probing=supervisor.state == "running",
        )

    def judged(self) -> list[tuple[int, Judged]]:
        """What is said of each target by now, by its number: a small part of a snapshot's cost."""
        return [(record.number, record.fold.judge.judged()) for record in self._targets]

    def recall(self, moment: int, chosen: int | None = None) -> Snapshot:
        """The session as it was known at an earlier moment of this run (epoch ns), and what was said then. The `chosen`
        target is whole; while others have no numbers yet, `is_recalled` is False, and the next call knows more. A step
        from one moment to the next costs some milliseconds, the first some tenths of a second at the most."""
        self._recall = self._recall or Recall()
        now = self.snapshot()
        known = [(record.fold, target) for record, target in zip(self._targets, now.targets, strict=True)]
        targets = self._recall.targets(known, moment, self._window, chosen, self._namer)
        return msgspec.structs.replace(now, targets=targets, now=moment)

    @property
    def is_recalled(self) -> bool:
        """Whether the last `recall` knew the numbers of all targets."""
        return self._recall is None or self._recall.is_whole

    @property
    def earliest(self) -> int:
        """The first moment that `recall` knows (epoch ns)."""
        return min((record.fold.past.begin or self._born for record in self._targets), default=self._born)

    def let_go(self) -> None:
        """Nobody goes about in the past any more: what was kept for that may go."""
        self._recall = None

    def bins(self, target: int, begin: int, end: int, span: int, ttls: Container[int]) -> list[SpanBins]:
        """A target's run from `begin` to `end` (epoch ns) in bins: see `TargetFold.bins`. None of one that is gone.
        `ValueError` where `span` is no time."""
        if span <= 0:
            raise ValueError(f"a bin of {span} ns; it lasts 1 ns and more")
        known = self._targets.get(target)
        return known.fold.bins(begin, end, span, ttls) if known is not None else []

    def happenings(self, target: int) -> list[Happening]:
        """The moments of a target that are worth going to. None of one that is gone."""
        known = self._targets.get(target)
        return known.fold.told.happenings(known.fold.judge.judged()) if known is not None else []

    async def changed(self, version: int | None = None) -> int:
        """Wait until the version is another one than `version` (None: than now); the new one. A change of names alone
        is noticed within a quarter of a second. Returns at once after the session's end."""
        if version is None:
            version = self.version
        while self.version == version and not self._closed:
            await self._changes.next(0.25 if self._namer is not None else None)
        return self.version

    @overload
    def events(self) -> AsyncIterator[SessionEvent]: ...

    @overload
    def events(self, *, departures: bool) -> AsyncIterator[StreamEvent]: ...

    def events(self, *, departures: bool = False) -> AsyncIterator[Any]:
        """Typed events from now on (of targets under way their head first), for as many consumers as there are; it ends
        with the session. One that falls `feeds.DEEPEST` events behind gets a `GapEvent` for each target in the place of
        those that it misses. `departures`: a `SentEvent` for each probe that leaves, too."""
        self._supervisor.hurry()
        heads = [record.head for record in self._targets if record.head is not None]
        return self._feeds.subscribe(heads, departures=departures)

    async def finished(self) -> None:
        """Wait until every target's rounds are over (or it could not be probed), or the session is. What has no route,
        or no name server, is waited for as long as its rounds would have taken; for names alone `NAMES_BEYOND_S` where
        others were probed. `WorkerFailed` where the worker could not be kept alive for as long as the rounds, never
        where some target's rounds are endless."""
        give_up_at: float | None = None
        while not self._closed:
            version = self.version
            if all(record.is_over for record in self._targets):
                return
            if self._supervisor.is_given_up(planned_s(record.fold.probing) for record in self._targets):
                raise WorkerFailed(self._supervisor.note or "the probe worker failed")
            now = time.monotonic()
            give_up_at = (give_up_at or now + NAMES_BEYOND_S) if self._targets.waits_for_names_alone else None
            if give_up_at is not None and now >= give_up_at:
                self._targets.give_up_names()
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(None if give_up_at is None else give_up_at - now):
                    await self.changed(version)

    async def capabilities(self) -> CapabilitiesReport:
        """Which methods this machine allows this user. `WorkerFailed` where the worker cannot say."""
        report = await self._supervisor.capabilities()
        return msgspec.structs.replace(
            report,
            states=tuple(msgspec.structs.replace(state, remedy=runnable(state.remedy)) for state in report.states),
        )

    # --- what can be changed ----------------------------------------------------------------------------------

    def add(self, query: QueryText, probing: Probing | None = None) -> int:
        """Probe one more target; its number. A name is resolved in the background. `ValueError` and `TypeError` as in
        the constructor."""
        return self._targets.add(query_text(query), checked(probing) if probing is not None else self._default).number

    def remove(self, target: int) -> None:
        """Stop probing a target and forget it."""
        self._targets.remove(target)
        self._changes.bump()

    def set_aside(self, target: int) -> None:
        """As `remove`, but for a minute it can be brought back."""
        self._targets.set_aside(target)
        self._changes.bump()

    def bring_back(self, target: int) -> bool:
        """Show and probe a target again that was set aside. False: it is forgotten."""
        record = self._targets.bring_back(target)
        self._changes.bump()
        return record is not None

    def take_back(self, target: int) -> bool:
        """Take the last `reset` or `restart` of a target back: the statistics before it, and what was found since a
        reset. False: it is more than a minute ago, or there was none."""
        record = self._targets[target]
        is_done = self._targets.take_back(record)
        if is_done:
            self._tell_news(record)
        self._changes.bump()
        return is_done

    def pause(self, target: int | None = None) -> None:
        """Send no new probes to a target (None: to any)."""
        for record in self._targets.chosen(target):
            self._targets.apply(record, Paused(self.now))
            self._tell_news(record)
            if record.flow_id:
                self._supervisor.tell(Pause(record.flow_id))
        self._changes.bump()

    def resume(self, target: int | None = None) -> None:
        """Probe again, with a new round at once."""
        for record in self._targets.chosen(target):
            self._targets.apply(record, Resumed(self.now))
            self._tell_news(record)
            if record.flow_id:
                self._supervisor.tell(Resume(record.flow_id))
        self._changes.bump()

    def reset(self, target: int | None = None) -> None:
        """Begin the statistics of a target (None: of all) anew."""
        for record in self._targets.chosen(target):
            self._targets.apply(record, Reset(self.now))
            self._tell_news(record)
        self._changes.bump()

    def retry(self, target: int | None = None) -> bool:
        """Try again now, and not some seconds later, what could not be started: a target (None: any), the worker.
        Whether there was something to try."""
        records = [record for record in self._targets.chosen(target) if record.fold.phase in ("refused", "unresolved")]
        for record in records:
            record.retries.succeeded()
            self._targets.try_now(record)
        is_waiting = self._supervisor.is_waiting
        self._supervisor.start_now()
        self._changes.bump()
        return bool(records) or is_waiting

    def probing(self, target: int) -> Probing:
        """How a target is probed now."""
        return self._targets[target].fold.probing

    def numbers_over(self, window: WindowName) -> None:
        """Which window snapshots' numbers are over from now on. Where much lies in it, they are since the start for the
        first looks, and say so: `Path.numbers`. `ValueError`: there is no such window."""
        if window not in WINDOWS:
            raise ValueError(f"{window!r}: the windows are {', '.join(WINDOWS)}")
        self._window = window
        self._is_gradual = True
        self._changes.bump()

    def remember(self, target: int, delays: Sequence[UsualDelay], bins: Iterable[SpanBins]) -> None:
        """What was measured of a target before this run: what was usual, and the time before on its long axis. Numbers
        since the start stay what they are."""
        record = self._targets[target]
        record.fold.past.timeline.add(bins)
        if delays:
            self._targets.apply(record, Remembered(self.now, tuple(delays)))
        self._changes.bump()

    def ask_owners(self, on: bool) -> None:
        """Whether owners of addresses are asked for by DNS from now on. A namer that never asks stays as it is."""
        if isinstance(self._namer, AsksOwners):
            self._namer.owners = on
            self._changes.bump()

    def adjust(
        self,
        target: int,
        *,
        interval_s: float | None = None,
        timeout_s: float | None = None,
        first_ttl: int | None = None,
        max_ttl: int | None = None,
        max_unknown: int | None = None,
    ) -> None:
        """Change what can change without a new flow; None leaves a value as it is. `ValueError` with one line."""
        record = self._targets[target]
        change = adjustment(
            record.flow_id,
            interval_s=interval_s,
            timeout_s=timeout_s,
            first_ttl=first_ttl,
            max_ttl=max_ttl,
            max_unknown=max_unknown,
        )
        self._targets.apply(record, Adjusted(self.now, change))
        if record.flow_id:
            self._supervisor.tell(change)
        self._changes.bump()

    def restart(self, target: int, probing: Probing) -> None:
        """Probe a target in another way (protocol, port, size, method …): a new flow, statistics anew. What cannot be
        probed that way is refused in the next snapshot."""
        if not isinstance(probing, Probing):
            raise TypeError(f"a way of probing is a Probing, and not {type(probing).__name__}")
        self._targets.restart(self._targets[target], probing)
        self._changes.bump()


__all__ = ["MOST_RESTARTS", "EndEvent", "ProbeEvent", "Session", "SessionEvent", "StartEvent", "WorkerFailed"]
