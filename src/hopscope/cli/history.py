"""``hopscope history``: what is kept, a report of what was kept, and what is to be forgotten."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeAlias

import msgspec

from hopscope.cli import config as configuration
from hopscope.cli.errors import OK, UsageError
from hopscope.cli.options import Options
from hopscope.cli.output import ClosedPipe, Output, OutputError, say
from hopscope.cli.recorded_answers import heard_in
from hopscope.cli.report import Ending
from hopscope.cli.stores import UNREADABLE, asked, may_be_there, opened, say_broken, store_path
from hopscope.cli.values import shown
from hopscope.cli.when import moment, read_option
from hopscope.history.names import RecordedNames
from hopscope.history.store import RecordedRun, Store, StoreError, Trace
from hopscope.history.tables import BROKEN
from hopscope.names.clean import clean
from hopscope.names.facts import AddressInfo
from hopscope.session.events import StreamEvent
from hopscope.session.facts import Asked, Removed, SessionFact, TargetFact
from hopscope.session.model import Snapshot, Target
from hopscope.session.target import TargetRecord
from hopscope.session.telling import Teller
from hopscope.views.privacy import HIDDEN
from hopscope.views.report.formats import STEPWISE, STREAMS
from hopscope.views.report.stream import Streamer, streamer
from hopscope.views.screen.options import Creator
from hopscope.wire.messages import Counters
from hopscope.words.numbers import iso, utc

Told: TypeAlias = tuple[int, int, int, SessionFact]
"""Run, row, number here, and the fact."""


class ListedTrace(msgspec.Struct, frozen=True):
    """A trace, as ``history list`` says it."""

    site: str
    target: str
    address: str | None
    protocol: str | None
    begin: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    rounds: int
    probes: int
    bytes: int


class Listing(msgspec.Struct, frozen=True):
    """``history list --format json``."""

    schema: str
    traces: tuple[ListedTrace, ...]


def run(options: Options, create: Creator | None = None) -> int:
    """The exit status of a command on what was recorded. `create` makes the files that are named on the screen.
    `UsageError`, `OutputError`."""
    verb, *words = options.targets or ("list",)
    if verb not in COMMANDS:
        raise UsageError(f"history: there is no {shown(verb)}; there are {', '.join(COMMANDS)}")
    return COMMANDS[verb](options, words, create)


# --- list ----------------------------------------------------------------------------------------------------------


def _list(options: Options, words: list[str], create: Creator | None) -> int:
    if options.format not in (None, "text", "json"):
        raise UsageError(f"history list: --format {options.format} is a report's; there are text and json")
    if len(words) > 1:
        raise UsageError(f"history list: {shown(words[1])} is one word too many")
    path = words[0] if words else store_path(options)
    traces: list[Trace] = []
    if words or may_be_there(path):
        with opened(path) as store:
            traces = asked(path, store.traces)
            say_broken(path, store)
    kept = tuple(
        ListedTrace(
            site=HIDDEN if options.privacy else trace.run.host,
            target=trace.query,
            address=trace.address,
            protocol=trace.protocol,
            begin=iso(trace.begun),
            end=iso(trace.until),
            rounds=trace.rounds,
            probes=trace.probes,
            bytes=trace.bytes,
        )
        for trace in traces
    )
    if options.format == "json":
        text = msgspec.json.format(msgspec.json.encode(Listing("hopscope.history/1", kept)), indent=2).decode() + "\n"
    else:
        text = _table(kept)
        if not kept:
            say(f"nothing is kept in {configuration.plain(path)}; the live screen and --record FILE keep traces")
    Output(options.output).save(text)
    return OK


def _table(kept: tuple[ListedTrace, ...]) -> str:
    if not kept:
        return ""
    head = ("TARGET", "ADDRESS", "PROTOCOL", "FROM (UTC)", "TO (UTC)", "ROUNDS", "PROBES", "KIB", "SITE")
    rows = [
        (
            one.target,
            one.address or "-",
            one.protocol or "-",
            f"{one.begin[:10]} {one.begin[11:19]}",
            f"{one.end[:10]} {one.end[11:19]}",
            str(one.rounds),
            str(one.probes),
            str(-(-one.bytes // 1024)),
            one.site,
        )
        for one in kept
    ]
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    lines = ["  ".join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


# --- replay --------------------------------------------------------------------------------------------------------


def _replay(options: Options, words: list[str], create: Creator | None) -> int:
    if options.format is None and options.record is None and not all(os.isatty(descriptor) for descriptor in (0, 1, 2)):
        raise UsageError("history replay: the screen needs a terminal; for a report add -r, or --format json")
    path, target = _meant(options, words[0]) if words else (store_path(options), None)
    with opened(path) as store:
        if options.format is None and options.record is None and asked(path, store.is_hubs):
            from hopscope.cli.history_screen import replay_fleet

            return replay_fleet(options, path, target, create)
        traces, since, until = asked(path, lambda: _chosen(options, path, target, store))
        runs = {trace.run.id: trace.run for trace in traces}.values()
        missed = asked(path, lambda: sum(store.missed(run) for run in runs))
        if missed:
            say(f"{configuration.plain(path)}: {missed} facts of this time could not be kept when they happened")
        if options.record is not None:
            from hopscope.cli.copying import copy

            return copy(options, path, store, traces, since, until)
        if options.format is None:
            from hopscope.cli.history_screen import replay

            say_broken(path, store)
            return replay(options, path, store, traces, until, create)
        replayed = _Replay(options, path, store, traces, since, until)
        status = replayed.run()
        replayed.say_missing()
        say_broken(path, store)
        return status


def _meant(options: Options, word: str) -> tuple[str, str | None]:
    """The store, and the target in it; None: all of the last run. A file's name is one before it is a target."""
    if os.path.exists(word) or "/" in word:
        return word, None
    return store_path(options), word


def _chosen(
    options: Options, path: str, target: str | None, store: Store
) -> tuple[list[Trace], int | None, int | None]:
    """The traces that are asked for, and the span (epoch ns). Without a span it is the last run,
    of a fleet the last one of each site. `StoreError`."""
    found = [trace for trace in store.traces() if target is None or target in (trace.query, trace.address)]
    if not found:
        whom = "no trace" if target is None else f"no trace of {shown(target)}"
        raise UsageError(f"{configuration.plain(path)}: there is {whom} in it (hopscope history list)")
    end = store.newest(found)
    since = None if options.since is None else read_option(moment, "--since", options.since, end)
    until = None if options.until is None else read_option(moment, "--until", options.until, end)
    if since is not None and until is not None and until < since:
        raise UsageError(f"--until {shown(options.until)} is before --since {shown(options.since)}")
    if since is None and until is None:
        site_of = {boot.run: boot.site for boot in store.boots()}
        last = {site_of.get(trace.run.id): trace.run.id for trace in found}.values()
        return [trace for trace in found if trace.run.id in last], None, None
    inside = [
        trace for trace in found if (since is None or trace.until >= since) and (until is None or trace.begun <= until)
    ]
    if not inside:
        begin = min(trace.begun for trace in found)
        raise UsageError(f"nothing was recorded then; it goes from {iso(begin)} to {iso(end)}")
    return inside, since, until


class _Replay:
    """A report of what was recorded, by the same fold and the same printers as a live one."""

    def __init__(
        self, options: Options, path: str, store: Store, traces: list[Trace], since: int | None, until: int | None
    ) -> None:
        self._options = options
        self._path = path
        self._store = store
        self._traces = traces
        self._broken: dict[tuple[int, int], list[tuple[int, int]]] = {}
        """By run and target, of which times (epoch ns) nothing can be read."""
        self._since = since
        self._until = until
        runs = {trace.run.id: trace.run for trace in traces}
        self._now = until if until is not None else max(run.ended or _last(run, traces) for run in runs.values())
        self._output = Output(options.output)
        self._ending = Ending(options, self._output)
        self._ending.host = " ".join(dict.fromkeys(run.host for run in runs.values()))
        if options.privacy:
            self._know_hidden()
        store.on_broken = self._left_out
        self._sites = {boot.run: boot.site for boot in asked(path, store.boots)}
        self._names: dict[str, AddressInfo] = {}
        self._namers: dict[int, RecordedNames] = {}
        for run_id, known in asked(path, lambda: [(run.id, store.names(run)) for run in runs.values()]):
            self._namers[run_id] = RecordedNames(known, dns=options.dns)
            self._names |= known
        format_ = self._ending.format
        self._stream: Streamer | None = None
        if format_ in STREAMS:
            self._stream = streamer(
                format_, options.style, lambda address: self._known(address).hostname, self._ending.veil
            )
        self._tellers: dict[int, Teller] = {}
        self._ended_by: dict[int, Exception] = {}
        """By number, why no more can be told of a trace."""

    def _know_hidden(self) -> None:
        """A stream need not wait for what is known by now."""
        self._store.on_broken = lambda run, target, since, until: None  # is told of the second time
        for trace in self._traces:
            for heard in asked(self._path, partial(heard_in, self._store, trace)):
                self._ending.veil.know(heard)

    def _known(self, address: str) -> AddressInfo:
        return self._names.get(address) or AddressInfo()

    def run(self) -> int:
        """The exit status."""
        departures = self._ending.format in STEPWISE
        facts: list[Iterator[Told]] = []
        for number, trace in enumerate(self._traces, 1):
            facts.append(self._told(number, trace))
        try:
            for _, _, number, fact in heapq.merge(*facts, key=lambda one: one[:3]):
                if isinstance(fact, Removed):
                    continue
                if number in self._ended_by:
                    continue
                try:
                    events = self._heard(number, fact, departures=departures)
                except UNREADABLE as why:
                    self._give_up(number, why)
                else:
                    self._say(events)
            if not self._tellers:
                raise next(iter(self._ended_by.values()), StoreError(BROKEN))
            for teller in self._tellers.values():
                self._say(teller.end())
            snapshot = self._snapshot()
        except UNREADABLE as why:
            raise UsageError(f"{configuration.plain(self._path)}: {why}") from None
        except ClosedPipe:
            self._ending.is_pipe_closed = True
            snapshot = self._snapshot()
        except OutputError as error:
            self._ending.trouble = str(error)
            snapshot = self._snapshot()
        for teller in self._tellers.values():
            probing = msgspec.structs.replace(self._options.probing, rounds=teller.record.fold.probing.rounds)
            self._ending.options = msgspec.structs.replace(self._options, probing=probing)
        return self._ending.end(snapshot, None)

    def _told(self, number: int, trace: Trace) -> Iterator[Told]:
        try:
            for row, fact in self._store.facts(trace, self._since, self._until):
                yield trace.run.id, row, number, fact
        except StoreError as why:
            if why.passes:  # the disk's, or somebody who holds it: nothing is broken
                raise
            self._give_up(number, why)

    def _left_out(self, run: int, target: int, since: int, until: int) -> None:
        self._broken.setdefault((run, target), []).append((since, until))

    def _heard(self, number: int, fact: TargetFact, *, departures: bool) -> list[StreamEvent]:
        teller = self._tellers.get(number)
        if teller is not None:
            return teller.hear(fact)
        if not isinstance(fact, Asked):
            raise StoreError(BROKEN)
        self._tellers[number] = Teller(number, fact, self._shown, departures=departures)
        return []

    def _give_up(self, number: int, why: Exception) -> None:
        """No more can be told of a trace."""
        self._ended_by.setdefault(number, why)

    def say_missing(self) -> None:
        """What the report is without, a line a trace."""
        for number, trace in enumerate(self._traces, 1):
            broken, why = self._broken.get((trace.run.id, trace.target)), self._ended_by.get(number)
            whose = f"{configuration.plain(self._path)}: of {clean(trace.query)}, recorded from {utc(trace.begun)} on,"
            if why is not None:
                say(f"{whose} only a part can be read: {why}")
            elif broken:
                spans = [f"from {utc(since)} to {utc(until)}" for since, until in broken if until]
                more = f" and {len(spans) - 3} more times" if len(spans) > 3 else ""
                what = f"the probes {', '.join(spans[:3])}{more} are" if spans else "a part is"
                say(f"{whose} {what} broken and left out")

    def _say(self, events: list[StreamEvent]) -> None:
        if self._stream is not None:
            for event in events:
                text = self._stream.event(event)
                if text:
                    self._output.write(text)

    def _shown(self, record: TargetRecord) -> Target:
        return self._ending.veil.target(self._target(record))

    def _target(self, record: TargetRecord) -> Target:
        namer = self._namers[self._traces[record.number - 1].run.id]
        return self._at_site(record.snapshot(namer, self._options.window, self._now))

    def _at_site(self, target: Target) -> Target:
        """Of a fleet's store with its site, which is as private as a machine's name."""
        site = self._sites.get(self._traces[target.id - 1].run.id) if not self._options.privacy else None
        return target if site is None else msgspec.structs.replace(target, site=site)

    def _snapshot(self) -> Snapshot:
        targets = tuple(self._target(teller.record) for teller in self._tellers.values())
        return Snapshot(targets, "running", None, 0, Counters(), None, self._now)


def _last(run: RecordedRun, traces: list[Trace]) -> int:
    return max(trace.until for trace in traces if trace.run.id == run.id)


def _followed(options: Options, words: list[str], create: Creator | None) -> int:
    from hopscope.cli.history_screen import follow

    return follow(options, words, create)


# --- forget --------------------------------------------------------------------------------------------------------


def _forget(options: Options, words: list[str], create: Creator | None) -> int:
    from hopscope.cli.fleet_files import alone
    from hopscope.history.forgetting import forget

    if (len(words) != 1) == (options.before is None):
        raise UsageError("history forget: name one target, or --before WHEN")
    path = store_path(options)
    if not may_be_there(path):
        raise UsageError(f"{configuration.plain(path)}: nothing is kept")
    before = None if options.before is None else read_option(moment, "--before", options.before, _now())
    with alone(path):
        count = asked(path, lambda: forget(path, words[0] if words else None, before))
    say(f"{count} {'trace' if count == 1 else 'traces'} forgotten")
    return OK


def _now() -> int:
    from time import time_ns

    return time_ns()


Command: TypeAlias = Callable[[Options, list[str], Creator | None], int]
COMMANDS: Final[dict[str, Command]] = {"list": _list, "replay": _replay, "follow": _followed, "forget": _forget}
