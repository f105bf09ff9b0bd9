"""How the targets of a run stand, by what was said of them: whom, in which phase, and the last verdict. Probes stay
closed, so thousands are read in the time that the probes of one take."""

from __future__ import annotations

from array import array
from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from hopscope.history import notes
from hopscope.history.notes import Named, SaidVerdict
from hopscope.history.sound import read_note
from hopscope.history.store import Store, StoreError
from hopscope.judge.verdict import Judged, Verdict
from hopscope.names.clean import clean
from hopscope.names.facts import AddressInfo
from hopscope.session.facts import Asked, Removed
from hopscope.session.model import TargetState
from hopscope.session.query import read_query
from hopscope.wire.facts import Begun, Found, Paused, Resumed, TakenBack, Unresolved
from hopscope.wire.messages import Finished, Plan, Refused, Started
from hopscope.wire.undecodable import UNDECODABLE

MOST_SAID: Final = 400_000
"""Of a run, the newest so many verdicts can be gone back to."""
_MOST_KEPT: Final = 60_000
"""Verdicts that are kept once they were read."""
_AT_ONCE: Final = 500
_SLICE: Final = 64
"""Notes between two places at which reading can be interrupted."""
_PHASES: Final = (
    "'asked', 'unresolved', 'found', 'begun', 'taken-back', 'started', 'refused', 'finished', 'paused', 'resumed',"
    " 'removed'"
)


class TargetStanding(msgspec.Struct):
    """One target of one run."""

    run: int
    target: int
    """Its number in the run."""
    query: str
    typed: str
    """As it was asked for."""
    begun: int
    """When it was asked for (epoch ns)."""
    state: TargetState = "resolving"
    address: str | None = None
    plan: Plan | None = None
    error: str | None = None
    refusal: Refused | None = None
    pauses: list[tuple[int, bool]] = []
    """From when on it was paused (or was not)."""
    removed: int | None = None
    """When it was."""
    said: SaidVerdict | None = None
    """What was said of it last."""

    @property
    def is_paused(self) -> bool:
        """Whether nothing is sent to it."""
        return bool(self.pauses) and self.pauses[-1][1]

    def paused_at(self, moment: int) -> bool:
        """Whether nothing was."""
        return any(is_paused for at, is_paused in [one for one in self.pauses if one[0] <= moment][-1:])


class _Moment(msgspec.Struct):
    at: int = 0


class _SaidAt(msgspec.Struct):
    """As much of a verdict that was said as its moment."""

    verdict: _Moment


_said_at: Final = msgspec.json.Decoder(_SaidAt)


class Standings:
    """Of the runs of one store. For one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.runs: dict[int, dict[int, TargetStanding]] = {}
        """By run and number, of the runs that were read."""
        self._said: dict[int, dict[int, tuple[array[int], array[int]]]] = {}
        """By run and target: when something was said, and the id of the note."""
        self._all_said: dict[int, array[int]] = {}
        """By run: when anything was said, in order."""
        self._asked: dict[int, dict[str, int]] = {}
        """By run: what was asked for, and its number."""
        self._kept: dict[int, SaidVerdict] = {}
        self._names: dict[int, dict[str, AddressInfo]] = {}
        self.newest = store.newest_note()
        """The id of the last note that was read."""
        self._meanwhile: dict[int, list[list[tuple[int, notes.Note]]]] = {}
        """By run that is being read, for each reading of it: what was added since that began."""

    # --- how they stand now -------------------------------------------------------------------------------------

    def read(self, run: int) -> Iterator[None]:
        """Read how a run's targets stand; it can be interrupted where this yields, and by another reading of the same
        run. `StoreError`, `ValueError`."""
        into: dict[int, TargetStanding] = {}
        upto, meanwhile = self.newest, list[tuple[int, notes.Note]]()
        self._meanwhile.setdefault(run, []).append(meanwhile)
        try:
            yield from self._read(run, upto, into)
            for target, fact in meanwhile:
                self._take(into, run, target, fact)
        finally:
            self._meanwhile[run] = [other for other in self._meanwhile[run] if other is not meanwhile]
        self.runs.setdefault(run, into)

    def _read(self, run: int, upto: int, into: dict[int, TargetStanding]) -> Iterator[None]:
        words = f"SELECT target, fact FROM note WHERE run = ? AND kind IN ({_PHASES}) AND id <= ? ORDER BY id"  # noqa: S608
        last = (
            "SELECT target, fact FROM note WHERE id IN"
            " (SELECT max(id) FROM note WHERE run = ? AND kind = 'said' AND id <= ? GROUP BY target)"
        )
        named = "SELECT target, fact FROM note WHERE run = ? AND target = 0 AND kind = 'named' AND id <= ? ORDER BY id"
        for asked in (words, last, named):
            for number, (target, data) in enumerate(self._store.rows(asked, run, upto)):
                self._take(into, run, target, read_note(data))
                if number % _SLICE == 0:
                    yield

    def names(self, run: int) -> dict[str, AddressInfo]:
        """What is known of addresses in a run, as far as that is read; it grows. A private address is another router's
        at each site."""
        return self._names.setdefault(run, {})

    def let_go(self, run: int) -> None:
        """Know nothing of a run any more; whoever asks for it reads it again."""
        for known in (self.runs, self._names, self._said, self._all_said, self._asked):
            known.pop(run, None)

    def size(self, run: int) -> int:
        """For how many targets a run was asked. `StoreError`."""
        ((size,),) = self._store.rows("SELECT count(*) FROM note WHERE run = ? AND kind = 'asked'", run)
        return int(size)

    def more(self) -> set[tuple[int, int]]:
        """Take what was said since: which runs' targets are told of. `StoreError`, `ValueError`."""
        told: set[tuple[int, int]] = set()
        words = (
            f"SELECT id, run, target, fact FROM note WHERE id > ? AND kind IN ({_PHASES}, 'said', 'named')"  # noqa: S608
            " ORDER BY id LIMIT 20000"
        )
        for id_, run, target, data in self._store.rows(words, self.newest):
            self.newest = id_
            into = self.runs.get(run)
            waiting = self._meanwhile.get(run)
            if into is None and not waiting:
                continue
            fact = read_note(data)
            if into is None:
                for facts in waiting or ():
                    facts.append((target, fact))
                continue
            self._take(into, run, target, fact)
            told.add((run, target))
            if isinstance(fact, SaidVerdict) and run in self._said:
                self._note_said(self._said[run], target, fact.verdict.at, id_)
                insort(self._all_said[run], fact.verdict.at)
        return told

    def _take(self, into: dict[int, TargetStanding], run: int, target: int, fact: notes.Note) -> None:
        """What a fact changes."""
        if isinstance(fact, Named):
            self.names(run)[fact.address] = fact.info
        elif isinstance(fact, Asked):
            known = into.get(target)
            if known is None:
                query = clean(read_query(fact.query).host)
                into[target] = TargetStanding(run, target, query, clean(fact.query), fact.at)
            else:
                known.state = "resolving"
        elif target in into:
            self._change(into[target], fact)

    @staticmethod
    def _change(one: TargetStanding, fact: notes.Note) -> None:
        match fact:
            case SaidVerdict():
                one.said = fact
            case Found():
                one.address = fact.address
            case Begun():
                one.plan, one.address, one.state = fact.plan, fact.plan.address, "starting"
                one.error = one.refusal = None
            case TakenBack(plan=Plan()):
                one.plan = fact.plan
            case Started(number=0):
                one.state = "running"
                one.error = one.refusal = None
            case Finished():
                one.state = "finished"
            case Unresolved():
                one.state, one.error = "unresolved", fact.why
            case Refused():
                one.state, one.refusal = "refused", fact
            case Paused() | Resumed():
                one.pauses = [*one.pauses, (fact.at, isinstance(fact, Paused))]
            case Removed():
                one.removed = fact.at

    def target_of(self, run: int, typed: str) -> int | None:
        """The number of what was asked for in these words in a run; None: it was not. `StoreError`."""
        asked = self._asked.get(run)
        if asked is None or typed not in asked:
            asked = self._asked[run] = {}
            words = "SELECT target, fact FROM note WHERE run = ? AND kind = 'asked' ORDER BY id"
            for target, data in self._store.rows(words, run):
                fact = read_note(data)
                if isinstance(fact, Asked):
                    asked[clean(fact.query)] = target
        return asked.get(typed)

    # --- how they stood -----------------------------------------------------------------------------------------

    def read_said(self, run: int) -> Iterator[None]:
        """Read when what was said of a run's targets, to go back in time; see `read`. `StoreError`."""
        into: dict[int, tuple[array[int], array[int]]] = {}
        words = "SELECT id, target, fact FROM note WHERE run = ? AND kind = 'said' AND id > ? ORDER BY id LIMIT ?"
        after, left = 0, MOST_SAID
        while left > 0:
            found = self._store.rows(words, run, after, 2_000)
            for id_, target, data in found:
                try:
                    at = _said_at.decode(data).verdict.at
                except UNDECODABLE:
                    raise StoreError("it is broken") from None
                self._note_said(into, target, at, id_)
                after = id_
            left -= len(found)
            yield
            if len(found) < 2_000:
                break
        self._said[run] = into
        self._all_said[run] = array("q", sorted(at for times, _ in into.values() for at in times))

    @staticmethod
    def _note_said(into: dict[int, tuple[array[int], array[int]]], target: int, at: int, id_: int) -> None:
        times, ids = into.setdefault(target, (array("q"), array("q")))
        times.append(max(at, times[-1]) if times else at)
        ids.append(id_)

    def place(self, run: int, moment: int) -> int:
        """How much had been said of a run's targets by a moment: between two of the same place nothing was."""
        return bisect_right(self._all_said[run], moment)

    def knows(self, run: int) -> bool:
        """Whether it was read how a run's targets stand, and when what was said."""
        return run in self.runs and run in self._said

    def said(self, run: int, target: int, moment: int) -> SaidVerdict | None:
        """What was said of a target last by a moment (epoch ns); None: nothing yet. `StoreError`."""
        times, ids = self._said[run].get(target, (array("q"), array("q")))
        place = bisect_right(times, moment) - 1
        if place < 0:
            return None
        if ids[place] not in self._kept:
            self._fetch([ids[place]])
        return self._kept.get(ids[place])

    def fetch(self, run: int, moment: int) -> None:
        """What `said` will be asked of all targets of a run, read at once. `StoreError`."""
        wanted = []
        for times, ids in self._said[run].values():
            place = bisect_right(times, moment) - 1
            if place >= 0 and ids[place] not in self._kept:
                wanted.append(ids[place])
        self._fetch(wanted)

    def _fetch(self, wanted: Sequence[int]) -> None:
        if len(self._kept) + len(wanted) > _MOST_KEPT:
            self._kept.clear()
        for first in range(0, len(wanted), _AT_ONCE):
            some = wanted[first : first + _AT_ONCE]
            words = f"SELECT id, fact FROM note WHERE id IN ({', '.join('?' * len(some))})"  # noqa: S608
            for id_, data in self._store.rows(words, *some):
                fact = read_note(data)
                if isinstance(fact, SaidVerdict):
                    self._kept[id_] = fact


def judged_of(said: SaidVerdict | None) -> Judged:
    """All that is known of a target of which this was said last."""
    if said is None:
        return Judged(verdict=Verdict(kind="starting"))
    epochs = (said.epoch,) if said.epoch is not None else ()
    return Judged(verdict=said.verdict, incidents=said.incidents, epochs=epochs)


def as_told(judged: Judged, said: SaidVerdict | None) -> Judged:
    """`judged` is what a judge finds who knows some minutes alone, `said` what was said last by the one who knows all.
    Where that is the same verdict, the numbers are newer."""
    if said is None:
        return judged
    verdict, now = said.verdict, judged.verdict
    if (verdict.kind, verdict.first_ttl, verdict.last_ttl) == (now.kind, now.first_ttl, now.last_ttl):
        verdict = msgspec.structs.replace(now, since=verdict.since)
    known = {one.id: one for one in (*judged.incidents, *said.incidents)}
    incidents = tuple(sorted(known.values(), key=lambda one: one.begin))
    return msgspec.structs.replace(judged, verdict=verdict, incidents=incidents)
