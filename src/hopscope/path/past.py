"""A path's past: what it looked like at any earlier moment of this run, made again of its log, exactly.

A moment's path is a fold over the facts that were known then. So that not all of a long run is folded again, the fold
is kept, packed, every `EVERY` facts; a window's numbers are those of a fold that begins with the window.
"""

from __future__ import annotations

import copy
import pickle
import zlib
from bisect import bisect_left
from collections import deque
from itertools import islice
from typing import Final

import msgspec

from hopscope.path.fold import PathFold
from hopscope.path.log import BLOCK, TOGETHER, Fact, Log, moment
from hopscope.path.narrowed import Narrowed
from hopscope.path.snapshot import Path
from hopscope.path.timeline import Timeline
from hopscope.path.windows import WINDOWS, WindowName
from hopscope.wire.facts import Begun
from hopscope.wire.messages import RoundStarted

EVERY: Final = 128 * TOGETHER
"""Facts between two folds that are kept."""

_OF_LIMIT: Final = 8
"""What bins may take: this part of what facts may."""
_MOST_BEGUN: Final = 256
_MOST_STOPS: Final = 24
_AT_ONCE: Final = 4000
"""Facts that a window's next fold is given for each look at it: some milliseconds of work."""


class KeptFold(msgspec.Struct, frozen=True):
    """A fold after so many facts."""

    place: int
    now: int
    data: bytes

    def fold(self) -> PathFold:
        """The fold, to be continued."""
        fold = pickle.loads(zlib.decompress(self.data))  # noqa: S301 - it never left this process
        assert isinstance(fold, PathFold)
        return fold


class Retold:
    """A path made of a log's facts. `begin`: rounds that began before it are left out; `until`: what was known only
    after it is."""

    def __init__(self, past: Past, begin: int = 0, until: int | None = None, kept: KeptFold | None = None) -> None:
        self.begin = begin
        self._until = until
        self._log = past.log
        self.place = kept.place if kept is not None else max(past.log.place_of(begin), past.log.first)
        """How many facts of the log come before the next one."""
        self.fold = kept.fold() if kept is not None else past.new_fold(self.place)
        self.now = kept.now if kept is not None else 0
        """The latest moment that a fact in it told of."""
        self._left_out = past.left_out
        self._has_begun = not begin

    @classmethod
    def by(cls, past: Past, newest: PathFold) -> Retold:
        """The one that has come as far as `newest`, which was told all of the past."""
        known = cls(past)
        known.place, known.fold, known.now = past.log.count, newest, past.log.latest
        return known

    def continued(self, until: int) -> Retold:
        """The same, to be continued by itself up to another moment."""
        twin = copy.copy(self)
        twin.fold = self.fold.copy()
        twin._until = until
        return twin

    def advance(self, most: int | None = None) -> bool:
        """Fold what there is, at most so many facts; whether that was all."""
        count, place = 0, self.place
        for fact in islice(self._log.facts(self.place, self._until), most):
            count += 1
            place += 1
            at = moment(fact)
            if at > self.now:
                self.now = at
            if self._left_out and any(begin < place <= end for begin, end in self._left_out):
                continue
            if isinstance(fact, Begun):
                self.fold = fold_of(fact)
                continue
            if not self._has_begun and isinstance(fact, RoundStarted) and fact.at >= self.begin:
                self.fold.reset(fact.at)
                self._has_begun = True
            if self._has_begun:
                self.fold.apply(fact)
        self.place = place
        return most is None or count < most


class Past:
    """All that one target's path was: fact by fact, and as far as that does not reach in bins of time. `limit`: bytes
    that it may keep."""

    def __init__(self, limit: int) -> None:
        self.log = Log(limit)
        self.timeline = Timeline(limit // _OF_LIMIT)
        self._kept: deque[KeptFold] = deque()
        self._begun: deque[tuple[int, Begun]] = deque(maxlen=_MOST_BEGUN)
        self.left_out: list[tuple[int, int]] = []
        """From which place of the log to which it tells what was taken back since."""

    def copy(self) -> Past:
        """The same, to be continued by itself."""
        twin = Past(self.log.limit)
        twin.log, twin.timeline = self.log.copy(), self.timeline.copy()
        twin._kept, twin._begun = self._kept.copy(), self._begun.copy()
        twin.left_out = self.left_out.copy()
        return twin

    def bound(self, limit: int) -> None:
        """Keep no more than `limit` bytes from now on."""
        self.log.limit, self.timeline.limit = limit, limit // _OF_LIMIT

    def leave_out(self, begin: int, end: int) -> None:
        """What stands in the log from one place to another was taken back: no path is made of it."""
        self.left_out = [*self.left_out[1 - _MOST_BEGUN :], (begin, end)]
        while self._kept and self._kept[-1].place > begin:
            self.log.bytes -= len(self._kept.pop().data)
        while self._begun and begin <= self._begun[-1][0] < end:
            self._begun.pop()

    def append(self, fact: Fact, path: PathFold) -> None:
        """A fact, and the fold that has just taken it."""
        log = self.log
        if type(fact) is Begun:
            self._begun.append((log.count, fact))
        if log.append(fact) and log.count % EVERY == 0:
            data = zlib.compress(pickle.dumps(path.bare()))
            self._kept.append(KeptFold(log.count, log.now, data))
            log.bytes += len(data)
            log.trim()
            while self._kept and self._kept[0].place < log.first:
                log.bytes -= len(self._kept.popleft().data)

    def new_fold(self, place: int) -> PathFold:
        """A fold without facts, of whatever was probed at this place of the log."""
        begun = next((begun for at, begun in reversed(self._begun) if at < place), None)
        return PathFold("") if begun is None else fold_of(begun)

    @property
    def begin(self) -> int:
        """The first moment that can be gone back to; 0: any."""
        if not self.log.first:
            return 0
        return self._kept[0].now if self._kept else self.log.begin

    def kept_before(self, at: int) -> KeptFold | None:
        """The newest fold that is kept and knows of nothing after `at` (epoch ns)."""
        return next((kept for kept in reversed(self._kept) if kept.now <= at), None)

    def path(self, at: int, window: WindowName = "start") -> Path | None:
        """The path as it was known at a moment (epoch ns), its numbers over `window`; None where that is forgotten."""
        return Walk(self).path(at, window)


class Walk:
    """A past that somebody goes about in: after the first, moments near one another cost little."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._stops: list[Retold] = []
        """Folds on the way to the moments that were asked for, in order of time."""

    def path(self, at: int, window: WindowName = "start", newest: PathFold | None = None) -> Path | None:
        """See `Past.path`. `newest`: the fold that was told all of the past, if there is one."""
        past = self._past
        if at < past.begin:
            return None
        whole = newest if newest is not None and at >= past.log.latest else self._upto(at).fold
        path = whole.snapshot()
        span = WINDOWS[window]
        if span is None:
            return path
        part = Retold(past, begin=max(at - span, whole.since), until=at)
        part.advance()
        return Narrowed(window).path(path, part.fold.snapshot())

    def pass_by(self, newest: PathFold) -> None:
        """Remember a fold that was told all of the past until now: later moments are near it."""
        self._keep(Retold.by(self._past, newest))

    def _upto(self, at: int) -> Retold:
        kept = self._past.kept_before(at)
        stop = next((stop for stop in reversed(self._stops) if stop.now <= at), None)
        if stop is not None and (kept is None or kept.place <= stop.place):
            whole = stop.continued(at)
        else:
            whole = Retold(self._past, until=at, kept=kept)
        while not whole.advance(BLOCK):
            self._keep(whole)
        return whole

    def _keep(self, whole: Retold) -> None:
        """Remember a fold on the way; of too many the farthest is let go."""
        stops = self._stops
        place = bisect_left(stops, whole.place, key=lambda stop: stop.place)
        if place < len(stops) and stops[place].place == whole.place:
            return
        stops.insert(place, whole.continued(0))
        if len(stops) > _MOST_STOPS:
            del stops[0 if place > len(stops) // 2 else -1]


class Sliding:
    """The numbers of a window that ends now. It begins where it should or up to a twelfth of its length before, so that
    what has left it is left out from time to time, not with each round."""

    def __init__(self, past: Past, window: WindowName) -> None:
        self.window = window
        self._past = past
        self._span = WINDOWS[window] or 0
        self._part: Retold | None = None
        self._next: Retold | None = None
        self._narrowed = Narrowed(window)

    def path(self, fold: PathFold, now: int, most: int | None = None) -> Path:
        """The path of `fold` at the moment `now`, its numbers over the window. `most`: fold at most so many facts for
        that; while they do not reach, the numbers are since the start, and say so."""
        whole = fold.snapshot()
        begin = now - self._span
        if whole.started_at is None or begin <= whole.started_at:
            self._part = self._next = None
            return self._narrowed.path(whole, whole)
        part = self._part
        if part is not None and not self._fits(part, fold, begin):
            part = self._part = None
        if self._next is not None and not self._fits(self._next, fold, begin):
            self._next = None
        if part is not None:
            part.advance()
        if self._next is None and (part is None or begin - part.begin > self._span // 12):
            self._next = Retold(self._past, begin)
        if self._next is not None and self._next.advance(most if part is None else most or _AT_ONCE):
            part, self._part, self._next = self._next, self._next, None
        return whole if part is None else self._narrowed.path(whole, part.fold.snapshot())

    def _fits(self, part: Retold, fold: PathFold, begin: int) -> bool:
        """Whether a fold that began with the window is still one of the same rounds."""
        return fold.since <= part.begin <= begin <= part.begin + self._span // 2


def fold_of(begun: Begun) -> PathFold:
    """A fold without facts for what is probed from here on."""
    plan = begun.plan
    return PathFold(plan.address, plan.protocol, plan.first_ttl)
