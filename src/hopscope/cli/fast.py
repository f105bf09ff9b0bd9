"""``demo --fast``: a report of a simulated network in virtual time, as quick as the machine can.

The engine, the fold and the report are the real ones; what is missing is the waiting, and the worker's process.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Final

from hopscope.cli import recording
from hopscope.cli.errors import UsageError
from hopscope.cli.options import Options
from hopscope.cli.output import ClosedPipe, Output, OutputError
from hopscope.cli.prelaunch import simulated_targets
from hopscope.cli.report import Ending
from hopscope.cli.signals import ENDING
from hopscope.judge.verdict import Judged
from hopscope.names.facts import Namer
from hopscope.probe.virtual import VirtualEngine
from hopscope.session.events import StreamEvent, probe_event, sent_event
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.model import Snapshot
from hopscope.session.plans import plan_of
from hopscope.session.sharing import Sharing
from hopscope.session.target import WORDED, TargetRecord, cleaned
from hopscope.sim.library import Demo
from hopscope.views.report.formats import STEPWISE, STREAMS
from hopscope.views.report.stream import streamer
from hopscope.wire.facts import Begun, Found
from hopscope.wire.messages import Answered, Counters, Event, Failed, Finished, Lost, RoundStarted, Sent, Start, Started

if TYPE_CHECKING:
    from hopscope.history.writer import StoreWriter

STEP_S: Final = 60.0
"""Virtual seconds played between two looks at what came of them."""
ROW_NS: Final = 1_000_000_000
"""Of a recording."""
START_NS: Final = 1_767_268_800_000_000_000
"""When a run begins unless ``--start`` says otherwise: 2026-01-01 12:00 UTC. Fixed, so that a run can be repeated."""


def run(options: Options, demo: Demo, namer: Namer, output: Output) -> int:
    """Play the scenario's targets until their rounds are over, and print the report; the exit status."""
    return _Fast(options, demo, namer, output).run()


class _Fast:
    def __init__(self, options: Options, demo: Demo, namer: Namer, output: Output) -> None:
        self._options = options
        self._namer = namer
        self._output = output
        self._ending = Ending(options, output)
        self._start = START_NS if options.start_ns is None else options.start_ns
        self._engine = VirtualEngine(self._start)
        self._signal: int | None = None
        self._counters = Counters()
        self._stream = (
            streamer(
                self._ending.format, options.style, lambda address: namer.look_up(address).hostname, self._ending.veil
            )
            if self._ending.format in STREAMS
            else None
        )
        self._recording = _Recording(options.record, self._start) if options.record is not None else None
        self._records: dict[int, TargetRecord] = {}
        self._sharing = Sharing(self._apply)
        for number, (query, address) in enumerate(simulated_targets(options, demo).items(), 1):
            asked = Asked(self._start, query, options.probing)
            record = self._records[number] = TargetRecord(number, asked)
            record.flow_id = number
            if self._recording is not None:
                self._recording.keep(number, asked)
            self._apply(record, Found(self._start, address))
            try:
                plan = plan_of(options.probing, address, record.fold.wanted.port)
            except ValueError as error:
                raise UsageError(f"{query}: {error}") from None
            self._apply(record, Begun(self._start, plan))
        self._are_shared = len(self._records) > 1 or options.probing.flows != 1

    def run(self) -> int:
        before = {number: signal.signal(number, self._caught) for number in ENDING if _is_heeded(number)}
        try:
            self._play()
        except ClosedPipe:
            self._ending.is_pipe_closed = True
        except OutputError as error:
            self._ending.trouble = str(error)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._recording is not None:
            self._recording.end(self._snapshot())
        return self._ending.end(self._snapshot(), self._signal)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        self._signal = self._signal or number

    def _play(self) -> None:
        for number, record in self._records.items():
            assert record.fold.plan is not None
            self._engine.handle(Start(number, record.fold.plan))
        while self._signal is None and not all(record.is_over for record in self._records.values()):
            for event in self._engine.advance(STEP_S, stop_when_idle=True):
                self._hear(event)
            if self._recording is not None:
                self._recording.commit()
        for record in self._records.values():
            self._say(record.ended())

    def _apply(self, record: TargetRecord, fact: TargetFact) -> None:
        record.fold.apply(fact)
        if self._recording is not None:
            self._recording.keep(record.number, fact)
            if isinstance(fact, RoundStarted):
                self._recording.look(record.number, record.fold.judge.judged())

    def _hear(self, event: Event) -> None:
        if type(event) is Counters:
            self._counters = event
        record = self._records.get(getattr(event, "target", 0))
        if record is None:
            return
        if type(event) in WORDED:
            event = cleaned(event)  # type: ignore[type-var] # it is one of these
        self._apply(record, event)
        if self._are_shared:
            self._sharing.heard(record, event)
        if self._stream is not None:
            self._tell(record, event)

    def _tell(self, record: TargetRecord, event: Event) -> None:
        """What the stream says of an event."""
        if isinstance(event, Finished):
            self._tell_news(record)
            self._say(record.ended())
        elif isinstance(event, Started):
            self._say(record.begun(self._start))
        elif isinstance(event, (Answered, Lost, Failed)) and record.head is not None:
            self._say(probe_event(record.name, event))
        elif isinstance(event, Sent) and record.head is not None and self._ending.format in STEPWISE:
            self._say(sent_event(record.name, event))
        if record.head is not None:
            self._tell_news(record)

    def _tell_news(self, record: TargetRecord) -> None:
        for told in record.told(lambda: self._ending.veil.target(record.snapshot(self._namer))):
            self._say(told)

    def _say(self, event: StreamEvent | None) -> None:
        if self._stream is not None and event is not None:
            text = self._stream.event(event)
            if text:
                self._output.write(text)

    def _snapshot(self) -> Snapshot:
        window, now = self._options.window, self._engine.wall
        targets = tuple(record.snapshot(self._namer, window, now) for record in self._records.values())
        return Snapshot(targets, "running", None, 0, self._counters, None, now)


class _Recording:
    """``--record`` in virtual time: nothing else would wait for the disk."""

    def __init__(self, path: str, begun: int) -> None:
        from hopscope.history.recorder import Seen

        self._path = path
        self._writer: StoreWriter | None = recording.open_writer(path, begun)
        self._seen = Seen()
        self._row_at = begun

    def keep(self, number: int, fact: TargetFact) -> None:
        """The next fact; a row is a second, as it is by the clock."""
        if self._writer is None:
            return
        if isinstance(fact, RoundStarted) and fact.at - self._row_at >= ROW_NS:
            self._row_at = fact.at
            self._writer.cut()
        self._writer.add(number, fact)

    def look(self, number: int, judged: Judged) -> None:
        """What is said of a target now."""
        said = self._seen.said(number, judged)
        if said is not None and self._writer is not None:
            self._writer.add(number, said)

    def commit(self) -> None:
        """What was kept until now, to the disk."""
        self._do(lambda writer: writer.commit())
        self._do(lambda writer: writer.compact_if_due())

    def end(self, snapshot: Snapshot) -> None:
        """That is all."""
        if self._writer is not None:
            for target in snapshot.targets:
                for named in self._seen.named(target.names):
                    self._writer.add(0, named)
                self.look(target.id, target.judged)
        self._do(lambda writer: writer.end(snapshot.now))
        if self._writer is not None:
            self._writer.close()

    def _do(self, write: Callable[[StoreWriter], None]) -> None:
        from hopscope.history.schema import StoreError

        try:
            if self._writer is not None:
                write(self._writer)
        except StoreError as why:
            recording.complain(str(why), self._path)
            assert self._writer is not None
            self._writer.close()
            self._writer = None


def _is_heeded(number: int) -> bool:
    """Who started us under nohup wants SIGHUP ignored, and it stays so."""
    return signal.getsignal(number) is not signal.SIG_IGN
