"""A report: probe, print, and say by the exit status how it went.

Whatever ends it (its rounds, a signal, a worker that cannot be kept alive, a disk that is full), what was measured is
printed where it still can be.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from hopscope._version import __version__
from hopscope.cli import assertions
from hopscope.cli.errors import BROKEN_ASSERTION, NOT_ALLOWED, NOT_REACHED, OK, SIGNALLED, USAGE, WORKER
from hopscope.cli.options import Options
from hopscope.cli.output import ClosedPipe, Output, OutputError, say
from hopscope.cli.parser import hint_at_subcommand
from hopscope.cli.prelaunch import StartedProbing
from hopscope.cli.progress import EVERY_S, Progress
from hopscope.cli.recording import end as end_recording
from hopscope.cli.signals import StopSignal
from hopscope.names.clean import clean
from hopscope.names.facts import KnowsEnds, Namer
from hopscope.path.snapshot import LocalError, kept_here
from hopscope.session.events import GapEvent, StreamEvent
from hopscope.session.model import Snapshot, Target
from hopscope.session.session import NAMES_BEYOND_S, Session, WorkerFailed
from hopscope.views.privacy import HIDDEN, Veil
from hopscope.views.report.document import Document
from hopscope.views.report.explain import explanation
from hopscope.views.report.formats import MTR, STEPWISE, STREAMS, render
from hopscope.views.report.stream import Streamer, streamer

if TYPE_CHECKING:
    from hopscope.history.recorder import Recorder

NAMES_S = 1.8
"""Seconds that a report waits in all for names that are being looked up: with what ending takes, two at most."""
BURST = 256
"""Events of a stream that are written before all else that waits has its turn."""
DRAIN_S = 1.0
"""Wait this long for a reader who does not read, once a stream was told to end."""


def run(
    options: Options,
    started: StartedProbing,
    namer: Namer,
    output: Output,
    recorder: Recorder | None = None,
    listening: socket.socket | None = None,
) -> int:
    """Print the report of targets that are being probed; the exit status. `recorder` keeps what happens, `listening` is
    where metrics are asked for."""
    return asyncio.run(_Report(options, started, namer, output, recorder, listening).run())


_MOST_WORDS = 500
_PLAIN = ("text", "wide")
"""Formats behind which an explanation can stand."""
_LEFT_UNHEARD = ("EHOSTUNREACH",)
"""Errors of a next hop that does not answer: the user may probe, and whether it answers is the network's."""
_MTR_WORDS = {"EPERM": "Permission denied", "EACCES": "Permission denied"}
"""What mtr says of an error of sending."""


class Ending:
    """What a report prints when probing is over, and with which status it ends."""

    def __init__(self, options: Options, output: Output, complaints: tuple[str, ...] = ()) -> None:
        """`complaints`: what is to be said of targets that were left out."""
        assert options.format is not None
        self.complaints = complaints
        self.options = options
        self.veil = Veil(options.privacy, options.probing.first_ttl)
        self.format = options.format
        self.output = output
        self.conditions = assertions.read(options.assertion) if options.assertion is not None else ()
        self.failure: str | None = None
        """Why the worker failed for good."""
        self.trouble: str | None = None
        """Why no more can be written."""
        self.is_pipe_closed = False
        self.host: str | None = None
        """Where it was probed; None: here."""
        self.missed = 0
        """Events that a stream's reader was too slow for."""
        self._said: set[str] = set()

    def notes(self, snapshot: Snapshot) -> list[str]:
        """What is done otherwise than asked for, and was not said yet; nothing beside mtr's formats."""
        if self.format in MTR:
            return []
        notes = dict.fromkeys(note for target in snapshot.targets for note in target.notes)
        fresh = [note for note in notes if note not in self._said]
        self._said.update(fresh)
        return fresh

    def end(self, snapshot: Snapshot, signal: int | None) -> int:
        """Print what may be printed of it at the end; the exit status."""
        snapshot = self.veil.snapshot(snapshot)
        for note in self.notes(snapshot):
            say(note)
        refused = [target for target in snapshot.targets if target.state in ("refused", "unresolved")]
        words = _refusal
        if self.options.as_mtr:
            from hopscope.cli import mtr_targets

            refused = [target for target in refused if not mtr_targets.is_without_hops(target)]
            words = mtr_targets.refusal
        measured = tuple(target for target in snapshot.targets if target not in refused or target.path.rounds)
        report = document(snapshot, measured, self.options, self.host)
        if self.format not in STREAMS and measured:
            self._print(report)
        if self.options.explain and self.format not in _PLAIN and measured:
            for line in explanation(report).splitlines():
                say(line)
        try:
            self.output.close()
        except OutputError as error:
            self.trouble = self.trouble or str(error)
        for line in (*self.complaints, *map(words, refused)):
            say(line)
        kept = []
        for target in measured:
            why = None if target in refused else kept_here(target.path)
            if why is not None:
                kept.append(why)
                self._say_kept(target, why)
        if self.missed:
            say(f"standard output was read too slowly: {self.missed} events are missing in it")
        if signal is not None:
            return SIGNALLED + signal
        if self.failure is not None:
            say(self.failure)
            return WORKER
        if self.trouble is not None:
            if self.options.as_mtr:
                raise OutputError(self.trouble)
            say(self.trouble)
            return USAGE
        if self.is_pipe_closed:
            if self.options.as_mtr:
                raise ClosedPipe
            return OK
        if refused or self.complaints:
            return max((_refused_status(target) for target in refused), default=USAGE)
        status = self._judge(measured)
        return max(status, *(self._kept_status(error) for error in kept)) if kept and not self.conditions else status

    def _kept_status(self, error: LocalError) -> int:
        """The status of a report none of whose probes left this machine."""
        if error.error in _LEFT_UNHEARD or not error.error.startswith("E"):
            return OK if self.format in MTR else NOT_REACHED
        return NOT_REACHED if self.format in MTR else NOT_ALLOWED

    def _say_kept(self, target: Target, error: LocalError) -> None:
        """Why nothing was probed: an empty table would pass for a silent network."""
        as_mtr_says = _MTR_WORDS.get(error.error, "Unexpected mtr-packet error")
        if self.options.as_mtr:
            if self._kept_status(error):
                say(as_mtr_says)
            return
        words = f"no probe left this computer: {error.message}"
        if self.format in MTR and error.error in _MTR_WORDS:
            words = f"{as_mtr_says}: {words}"
        say(clean(f"{target.query}: {words}", _MOST_WORDS))

    def _print(self, report: Document) -> None:
        try:
            keep = self.output.write if self.options.as_mtr else self.output.save
            text = render(report, self.format)
            if self.options.explain and self.format in _PLAIN:
                text = f"{text}\n{explanation(report)}"
            keep(text)
        except ClosedPipe:
            self.is_pipe_closed = True
        except OutputError as error:
            self.trouble = str(error)

    def _judge(self, targets: tuple[Target, ...]) -> int:
        lines = [line for target in targets for line in assertions.broken(self.conditions, target)]
        for line in lines:
            say(line)
        if lines:
            return BROKEN_ASSERTION
        if self.format in MTR or all(target.path.reached for target in targets):
            return OK
        return NOT_REACHED


class _Report(Ending):
    def __init__(
        self,
        options: Options,
        started: StartedProbing,
        namer: Namer,
        output: Output,
        recorder: Recorder | None,
        listening: socket.socket | None,
    ) -> None:
        super().__init__(options, output, started.complaints)
        self.listening = listening
        self.started = started
        self.namer = namer
        self.recorder = recorder

    async def run(self) -> int:
        started = self.started
        # NDJSON has addresses and no names: nobody is asked for what is not shown.
        namer = None if self.format == "ndjson" and self.listening is None else self.namer
        recorder = self.recorder
        session = Session(
            started.targets,
            started.probing,
            launched=started.launched,
            namer=namer,
            addresses=started.addresses,
            shown=self.veil.target,
            on_fact=recorder.fact if recorder is not None else None,
            window=self.options.window,
        )
        is_stream = self.format in STREAMS
        # Where one terminal takes both streams, and somebody reads what is written there, the line would stand in it.
        progress = Progress(wanted=not self.output.is_terminal)
        with StopSignal() as stop:
            async with self._served(session):
                streaming = asyncio.ensure_future(self._stream(session, stop)) if is_stream else None
                await _first(self._until_over(session), stop.wait(), self._watch(session, progress))
                progress.clear()
                if not (stop.is_set or is_stream):
                    session.snapshot()  # begins to look up whatever was not yet
                    await _first(self.namer.settle(self._patience_s(session)), stop.wait())
                snapshot = session.snapshot()
                if recorder is not None:
                    recorder.see(snapshot)
                    recorder.end(snapshot.now)
            if streaming is not None:
                await _drained(streaming, stop)
        end_recording(recorder, self.options.record, snapshot.now)
        return self.end(snapshot, stop.signal)

    def _served(self, session: Session) -> AbstractAsyncContextManager[Session]:
        """The session, with its metrics where somebody may ask for them."""
        if self.listening is None:
            return session
        from hopscope.cli.metrics import serving

        return serving(session, self.listening, self.options)

    async def _until_over(self, session: Session) -> None:
        try:
            await session.finished()
        except WorkerFailed as error:
            self.failure = str(error)

    async def _watch(self, session: Session, progress: Progress) -> None:
        """Looking at the session is also what begins to look names up."""
        while True:
            snapshot = session.snapshot()
            shown = self.veil.snapshot(snapshot)
            for note in self.notes(shown):
                progress.clear()
                say(note)
            progress.show(shown)
            if self.recorder is not None:
                self.recorder.see(snapshot)
            await asyncio.sleep(EVERY_S)

    def _patience_s(self, session: Session) -> float:
        """How long routers' names may take: what waiting for targets' names in vain has left."""
        is_in_vain = any(target.state == "unresolved" for target in session.snapshot().targets)
        return max(0.0, NAMES_S - self.started.waited_s - NAMES_BEYOND_S * is_in_vain)

    def _stream(self, session: Session, stop: StopSignal) -> Coroutine[Any, Any, None]:
        departures = self.format in STEPWISE
        return self._write_events(session.events(departures=departures), stop)

    def _name_for_stream(self, address: str) -> str | None:
        """What mtr's streams call an address; None: not known yet. Without a name it is the address, once that is
        known, as with mtr."""
        name = self.namer.look_up(address).hostname
        if name is None and isinstance(self.namer, KnowsEnds) and self.namer.is_known(address):
            return address
        return name

    async def _write_events(self, events: AsyncIterator[StreamEvent], stop: StopSignal) -> None:
        stream: Streamer = streamer(self.format, self.options.style, self._name_for_stream, self.veil)
        try:
            number = 0
            async for event in events:
                if isinstance(event, GapEvent):
                    self.missed += event.events
                text = stream.event(event)
                if text:
                    await self.output.send(text)
                number += 1
                if number % BURST == 0:
                    await asyncio.sleep(0)  # neither the queue nor who reads made it wait: others have their turn
        except ClosedPipe:
            self.is_pipe_closed = True
        except OutputError as error:
            self.trouble = str(error)
        else:
            return
        stop.set()


def document(snapshot: Snapshot, targets: tuple[Target, ...], options: Options, host: str | None = None) -> Document:
    """The report of these targets, probed on the machine named `host` (None: this one). Where its address is hidden, so
    is its name."""
    is_hidden = options.privacy or any(target.started and target.started.source == HIDDEN for target in targets)
    host = HIDDEN if is_hidden else host or clean(socket.gethostname())
    return Document(targets, snapshot.now, host, __version__, options.style, options.probing.rounds)


def _refusal(target: Target) -> str:
    if target.refusal is None:
        return (target.error or f"{target.query}: no address") + hint_at_subcommand(target.query)
    lead = "to allow it" if target.refusal.reason == "permission" else "try"
    remedy = f"; {lead}: {target.refusal.remedy}" if target.refusal.remedy else ""
    if target.refusal.reason == "permission" and target.plan is not None and target.plan.protocol == "icmp":
        remedy += "; or probe by UDP (-u) or TCP (-T), which every user may"
    return clean(f"{target.query}: {target.refusal.message}{remedy}", 500)


def _refused_status(target: Target) -> int:
    if target.refusal is None or target.refusal.reason in ("address", "scenario"):
        return USAGE
    return NOT_ALLOWED


async def _drained(streaming: asyncio.Task[None], stop: StopSignal) -> None:
    """Wait until all is written. A slow reader is waited for, unless there is a signal to end."""
    await _first(_until_done(streaming), stop.wait())
    if not streaming.done():
        await asyncio.wait([streaming], timeout=DRAIN_S)
    if streaming.cancel():
        await asyncio.wait([streaming])
    else:
        streaming.result()


async def _until_done(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task])


async def _first(*waits: Coroutine[Any, Any, None]) -> None:
    """Wait until the first is over, and end the others. What one of them raises is raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if not task.cancelled():
            task.result()
