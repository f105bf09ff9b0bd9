"""A hub's targets as numbers, for its metrics: at once what their agents say is wrong, and some ten minutes later, when
their minutes come, what became of their probes. Packed probes stay closed: a hub tells of targets, and not of hops."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from itertools import count
from time import time_ns
from types import TracebackType
from typing import Final, Self, TypeAlias

import msgspec

from hopscope.fleet.messages import Bins, Body, Facts
from hopscope.history import schema
from hopscope.history.block import BadBlock
from hopscope.history.notes import Note, SaidVerdict
from hopscope.history.schema import StoreError
from hopscope.history.sound import read_note
from hopscope.history.tiers import MINUTE
from hopscope.history.unpacking import inflated
from hopscope.judge.incidents import MAX_INCIDENTS
from hopscope.judge.verdict import Incident, Verdict
from hopscope.names.clean import clean
from hopscope.path.bins import TARGET, decode
from hopscope.path.totals import Counts, Totals
from hopscope.session.facts import Asked, Removed
from hopscope.session.query import read_query
from hopscope.session.tally import SessionTally, TargetTally
from hopscope.system.background import in_background
from hopscope.wire.facts import Begun, Found
from hopscope.wire.messages import Started

READ_S: Final = 1.0
"""Between two looks at what was kept meanwhile."""
MOST_WAITING: Final = 20_000
"""Bodies that are kept and not read yet; of more the oldest are not counted."""
MOST_WAITING_BYTES: Final = 32 << 20
"""Of these, in the same way."""
_Key: TypeAlias = tuple[int, int]
"""Run and target."""


class _Known(msgspec.Struct):
    """What is known of a target."""

    tally: TargetTally
    incidents: dict[str, int] = {}
    """How often each came, by its id."""


class HubTally:
    """Follows what a hub keeps. To be entered in the hub's loop; `kept` is for the thread that keeps it."""

    def __init__(self, path: str) -> None:
        """`path`: the hub's store, in which it is read how things stand at the start."""
        self._path = path
        self._waiting: deque[tuple[str, int, Facts | Bins]] = deque()
        self._size = 0
        """Bytes that wait."""
        self._heard: dict[str, int] = {}
        self._lock = threading.Lock()
        """Of those above."""
        self._runs: dict[str, int] = {}
        """The newest run of each site: the one that is under way."""
        self._known: dict[_Key, _Known] = {}
        self._numbers = count(1)
        self._told: tuple[TargetTally, ...] = ()
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._following = asyncio.get_running_loop().create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._following is not None
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)

    def kept(self, site: str, run: int, body: Body) -> None:
        """It is on the hub's disk."""
        with self._lock:
            self._heard[site] = time_ns()
            if isinstance(body, (Facts, Bins)):
                self._waiting.append((site, run, body))
                self._size += _size(body)
            while len(self._waiting) > MOST_WAITING or self._size > MOST_WAITING_BYTES:
                self._size -= _size(self._waiting.popleft()[2])

    def tally(self) -> SessionTally:
        """As of the last look."""
        with self._lock:
            heard = tuple(sorted(self._heard.items()))
        return SessionTally(targets=self._told, now=time_ns(), restarts=None, is_probing=None, heard=heard)

    async def _follow(self) -> None:
        await in_background(self.begin)
        while True:
            await asyncio.sleep(READ_S)
            await in_background(self.read)

    def begin(self) -> None:
        """How things stand. What is counted begins at 0."""
        with contextlib.suppress(StoreError, FileNotFoundError, *schema.ERRORS):
            connection = schema.open_to_read(self._path)
            with contextlib.closing(connection):
                words = "SELECT site, max(run), max(heard) FROM boot GROUP BY site"
                for site, run, heard in connection.execute(words).fetchall():
                    self._runs[site] = run
                    with self._lock:
                        self._heard.setdefault(site, heard)
                    words = (
                        "SELECT target, fact FROM note WHERE id IN (SELECT max(id) FROM note WHERE run = ?"
                        " AND kind IN ('asked', 'found', 'begun', 'started', 'said', 'removed') GROUP BY target, kind)"
                        " ORDER BY id"
                    )
                    for target, fact in connection.execute(words, (run,)):
                        self._note(site, run, target, fact)
        self._tell()

    def read(self) -> None:
        """What was kept since."""
        with self._lock:
            waiting, self._waiting, self._size = self._waiting, deque(), 0
        for site, run, body in waiting:
            newest = self._runs.setdefault(site, run)
            if run < newest:
                continue
            if run > newest:  # its agent was started again
                self._runs[site] = run
                for key in [key for key in self._known if key[0] == newest]:
                    del self._known[key]
            if isinstance(body, Facts):
                for target, data in body.facts:
                    self._note(site, run, target, data)
            elif isinstance(body, Bins):
                for bins in body.bins:
                    known = self._known.get((run, bins.target))
                    if bins.span == MINUTE and known is not None:
                        known.tally = _counted(known.tally, bins.data)
        if waiting:
            self._tell()

    def _tell(self) -> None:
        self._told = tuple([known.tally for known in self._known.values()])

    def _note(self, site: str, run: int, target: int, data: bytes) -> None:
        try:
            fact: Note = read_note(data)
        except StoreError:  # the hub has refused it
            return
        key = (run, target)
        known = self._known.get(key)
        if isinstance(fact, Asked):
            if known is None:
                name = clean(read_query(fact.query).host)
                tally = TargetTally(id=next(self._numbers), name=name, site=site, totals=Totals(), is_brief=True)
                self._known[key] = _Known(tally)
        elif known is not None:
            if isinstance(fact, Removed):
                del self._known[key]
            else:
                known.tally = _with(known, fact)


def _size(body: Facts | Bins) -> int:
    if isinstance(body, Facts):
        return sum(len(data) for _, data in body.facts)
    return sum(len(bins.data) for bins in body.bins)


def _with(known: _Known, fact: Note) -> TargetTally:
    """The target after another fact."""
    replace, tally = msgspec.structs.replace, known.tally
    match fact:
        case Found():
            return replace(tally, address=fact.address)
        case Begun():
            return replace(tally, protocol=fact.plan.protocol, address=fact.plan.address)
        case Started(number=0):
            return replace(tally, method=fact.method)
        case SaidVerdict():
            verdict: Verdict = fact.verdict
            totals = tally.totals._replace(incidents=_incidents(known, fact.incidents))
            return replace(
                tally, verdict=verdict.kind, first_ttl=verdict.first_ttl, last_ttl=verdict.last_ttl, totals=totals
            )
    return tally


def _incidents(known: _Known, changed: tuple[Incident, ...]) -> dict[str, int]:
    """By kind, how often there was one, these included."""
    counted = dict(known.tally.totals.incidents)
    for one in changed:
        # One that came before this hub looked came once more now, at the least.
        before = known.incidents.get(one.id, one.times - 1)
        counted[one.kind] = counted.get(one.kind, 0) + max(0, one.times - before)
        known.incidents[one.id] = one.times
    while len(known.incidents) > MAX_INCIDENTS:
        del known.incidents[next(iter(known.incidents))]
    return counted


def _counted(tally: TargetTally, data: bytes) -> TargetTally:
    """The target after some more of its minutes."""
    try:
        bins = [span.bins[TARGET] for span in decode(inflated(data), (TARGET,)) if TARGET in span.bins]
    except (ValueError, BadBlock):  # the hub keeps it for whoever looks, who is told
        return tally
    target = tally.totals.target
    for one in bins:
        target = target.plus(Counts(one.received, one.lost, one.late, one.failed, 0, one.sum))
    return msgspec.structs.replace(tally, totals=tally.totals._replace(target=target))
