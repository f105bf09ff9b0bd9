"""Every fact of a path, packed, in the order in which it came: what any past moment is made of again, exactly.

Facts gather in a list; each `TOGETHER` of them are put into columns of numbers, as differences from the last fact of
the same TTL, and each `BLOCK` are deflated, sorted by the place of the byte. What a fact says beside its numbers (type,
address, kind, labels …) is a *shape*, of which a path has a few dozen. Memory is bounded: the oldest blocks go.
"""

from __future__ import annotations

import zlib
from array import array
from collections import deque
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec

from hopscope.path.planes import SIZE, gathered, spread
from hopscope.wire.facts import DriverFact
from hopscope.wire.messages import Answered, Duplicate, Event, Failed, Lost, RoundStarted, Sent

Fact: TypeAlias = Event | DriverFact

TOGETHER: Final = 512
"""Facts that wait to be put into columns."""

BLOCK: Final = 8 * TOGETHER
"""Facts of a block: so many are deflated together."""

MOST_BYTES: Final = 64 * 2**20
"""Packed bytes that are kept, of all targets together."""

_MOST_SHAPES: Final = 4096
"""Then a new dictionary of shapes is begun."""
_BLOCK_BYTES: Final = 400
"""What a block takes beside its packed bytes."""
_SHAPE_BYTES: Final = 500
"""What a shape takes, or a fact that has none."""
_MOST: Final = 2**61
"""Larger numbers are not packed."""

Shape: TypeAlias = tuple[Any, ...]


class Columns:
    """Facts as numbers, a column a kind of number."""

    __slots__ = ("_last", "base", "before", "first", "indexes", "odd", "rounds", "rtts", "times")

    def __init__(self, first: int, before: int) -> None:
        self.first = first
        """The place of the first fact among all that there were."""
        self.before = before
        """What time it was (`Log.now`) before it."""
        self.base: int | None = None
        """The time that the first fact of each TTL is counted from."""
        self.indexes = array("H")
        """Each fact's shape; 0: it is one of `odd`."""
        self.rounds, self.times, self.rtts = array("q"), array("q"), array("q")
        self.odd: list[Fact] = []
        """Facts of no shape, as they are, in their order."""
        self._last: dict[int, tuple[int, int]] = {}

    def copy(self) -> Columns:
        """The same facts, to be continued by itself."""
        twin = Columns(self.first, self.before)
        twin.base, twin.indexes, twin.odd = self.base, self.indexes[:], self.odd[:]
        twin.rounds, twin.times, twin.rtts = self.rounds[:], self.times[:], self.rtts[:]
        twin._last = dict(self._last)
        return twin

    def add(self, facts: list[Fact], shapes: list[Shape], known: dict[Shape, int]) -> int:
        """These facts; new shapes join `shapes`. The latest moment that one of them tells of (see `moment`)."""
        last, indexes = self._last, self.indexes
        rounds, times, rtts = self.rounds, self.times, self.rtts
        latest = 0
        for fact in facts:
            kind = type(fact)
            rtt = None
            if type(fact) is Sent:
                ttl, at = fact.ttl, fact.sent_at
                shape: Shape = (kind, ttl, fact.target, fact.flow)
                if at > latest:
                    latest = at
            elif isinstance(fact, Answered):
                ttl, at, rtt = fact.ttl, fact.sent_at, fact.rtt_ns
                if at + rtt > latest:
                    latest = at + rtt
                shape = (
                    kind, ttl, fact.target, fact.flow, fact.address, fact.kind, fact.icmp_type, fact.icmp_code,
                    fact.reply_ttl, fact.clock, fact.mpls, fact.vouched, fact.quoted_dscp, fact.mtu,
                    fact.count if kind is Duplicate and isinstance(fact, Duplicate) else 1,
                )  # fmt: skip
            elif isinstance(fact, Lost):
                ttl, at = fact.ttl, fact.sent_at
                shape = (kind, ttl, fact.target, fact.flow)
            elif isinstance(fact, Failed):
                ttl, at = fact.ttl, fact.sent_at
                shape = (kind, ttl, fact.target, fact.flow, fact.error, fact.message)
                latest = max(latest, at)
            elif isinstance(fact, RoundStarted):
                ttl, at = 0, fact.at
                shape = (kind, 0, fact.target)
                latest = max(latest, at)
            else:
                indexes.append(0)
                self.odd.append(fact)
                latest = max(latest, moment(fact))
                continue
            round_ = fact.round
            if not (-_MOST < at < _MOST and -_MOST < round_ < _MOST and (rtt is None or -_MOST < rtt < _MOST)):
                indexes.append(0)
                self.odd.append(fact)
                continue
            index = known.get(shape)
            if index is None:
                index = known[shape] = len(shapes)
                shapes.append(shape)
            indexes.append(index)
            if self.base is None:
                self.base = at
            before = last.get(ttl)
            if before is None:
                before = 0, self.base
            rounds.append(round_ - before[0])
            times.append(at - before[1])
            last[ttl] = round_, at
            if rtt is not None:
                rtts.append(rtt)
        return latest

    def packed(self) -> bytes:
        """The numbers, deflated."""
        head = array("q", [self.base or 0, len(self.indexes), len(self.rounds), len(self.rtts)])
        columns = map(spread, (self.rounds, self.times, self.rtts))
        return bytes(head) + zlib.compress(b"".join([bytes(self.indexes), *columns]))

    def facts(self, shapes: list[Shape]) -> Iterator[Fact]:
        """The facts again."""
        rtts, odd = iter(self.rtts), iter(self.odd)
        numbers = zip(self.rounds, self.times, strict=True)
        last: dict[int, tuple[int, int]] = {}
        for index in self.indexes:
            if not index:
                yield next(odd)
                continue
            shape = shapes[index]
            kind, ttl, target = shape[:3]
            round_, at = last.get(ttl, (0, self.base or 0))
            rounds_later, later = next(numbers)
            round_ += rounds_later
            at += later
            last[ttl] = round_, at
            if kind is RoundStarted:
                yield RoundStarted(target, round_, at)
            elif kind is Sent or kind is Lost:
                yield kind(target, round_, ttl, at, shape[3])
            elif kind is Failed:
                yield Failed(target, round_, ttl, at, shape[4], shape[5], shape[3])
            else:
                _, _, _, flow, *rest = shape
                *rest, count = rest
                more = (count,) if kind is Duplicate else ()
                yield kind(target, round_, ttl, at, next(rtts), *rest, flow, *more)


class LogBlock(msgspec.Struct, frozen=True):
    """`size` facts, packed."""

    data: bytes
    first: int
    size: int
    shapes: list[Shape]
    """What its facts' shapes are; shared among blocks."""
    odd: tuple[Fact, ...]
    before: int
    now: int
    """What time it was after its last fact."""

    @property
    def bytes(self) -> int:
        """What it takes, but for its shapes."""
        return len(self.data) + _BLOCK_BYTES + _SHAPE_BYTES * len(self.odd)

    def columns(self) -> Columns:
        """Its facts as numbers."""
        out = Columns(self.first, self.before)
        head = array("q")
        head.frombytes(self.data[:32])
        out.base, size, probes, answers = head
        raw = zlib.decompress(self.data[32:])
        out.indexes.frombytes(raw[: 2 * size])
        times, rtts = 2 * size + SIZE * probes, 2 * size + 2 * SIZE * probes
        out.rounds = gathered(raw[2 * size : times])
        out.times = gathered(raw[times:rtts])
        out.rtts = gathered(raw[rtts : rtts + SIZE * answers])
        out.odd = list(self.odd)
        return out


class Log:
    """One target's facts. `limit`: bytes that it may keep."""

    def __init__(self, limit: int = MOST_BYTES) -> None:
        self.limit = limit
        self.count = 0
        """How many facts there were."""
        self.now = 0
        """The latest moment that a fact in columns told of: its sending, or its answer."""
        self.bytes = 0
        self._blocks: deque[LogBlock] = deque()
        self._open = Columns(0, 0)
        self._recent: list[Fact] = []
        self._shapes: list[Shape] = [()]
        self._known: dict[Shape, int] = {}

    def copy(self) -> Log:
        """The same facts, to be continued by itself."""
        twin = Log(self.limit)
        twin.count, twin.now, twin.bytes = self.count, self.now, self.bytes
        twin._blocks, twin._open, twin._recent = self._blocks.copy(), self._open.copy(), self._recent[:]
        twin._shapes, twin._known = self._shapes[:], dict(self._known)
        return twin

    def append(self, fact: Fact) -> bool:
        """The next fact. Whether all that waited was put into columns now."""
        recent = self._recent
        recent.append(fact)
        self.count += 1
        if len(recent) < TOGETHER:
            return False
        self._settle()
        return True

    def _settle(self) -> None:
        """Put what waits into columns."""
        facts, columns, shapes = self._recent, self._open, self._shapes
        self._recent = []
        before = len(shapes)
        self.now = max(self.now, columns.add(facts, shapes, self._known))
        self.bytes += _SHAPE_BYTES * (len(shapes) - before)
        if len(columns.indexes) < BLOCK and len(shapes) < _MOST_SHAPES:
            return
        block = LogBlock(
            columns.packed(), columns.first, len(columns.indexes), shapes, tuple(columns.odd), columns.before, self.now
        )
        self._blocks.append(block)
        self._open = Columns(self.count, self.now)
        self.bytes += block.bytes
        if len(shapes) >= _MOST_SHAPES:
            self._shapes, self._known = [()], {}
        self.trim()

    def trim(self) -> None:
        """Forget the oldest blocks, as many as are too many."""
        while self.bytes > self.limit and len(self._blocks) > 1:
            gone = self._blocks.popleft()
            self.bytes -= gone.bytes
            if self._blocks[0].shapes is not gone.shapes:
                self.bytes -= _SHAPE_BYTES * (len(gone.shapes) - 1)

    @property
    def first(self) -> int:
        """The place of the oldest fact that is kept."""
        return (self._blocks[0] if self._blocks else self._open).first

    @property
    def begin(self) -> int:
        """The moment after which everything is known."""
        return (self._blocks[0] if self._blocks else self._open).before

    @property
    def latest(self) -> int:
        """The latest moment that any fact told of."""
        return max(self.now, max(map(moment, self._recent), default=0))

    def place_of(self, moment: int) -> int:
        """A place at or before the first fact that was known after `moment`."""
        for block in self._blocks:
            if block.now >= moment:
                return block.first
        return self._open.first

    def facts(self, place: int = 0, until: int | None = None) -> Iterator[Fact]:
        """The facts from `place` on that were known at the moment `until` (None: all), in their order. A fact that
        tells no time of its own (a loss) came with the one before it."""
        columns, shapes, recent = self._open, self._shapes, self._recent[:]
        if place < self.count - len(recent):
            for block in tuple(self._blocks):
                if until is not None and block.before > until:
                    return
                if block.first + block.size > place:
                    limit = None if until is None or block.now <= until else until
                    facts = block.columns().facts(block.shapes)
                    yield from _upto(facts, place - block.first, block.before, limit)
            yield from _upto(columns.copy().facts(shapes), place - columns.first, columns.before, until)
        yield from _upto(iter(recent), place - (self.count - len(recent)), self.now, until)


def moment(fact: object) -> int:
    """When a fact was known at the earliest, as far as it tells; 0: it does not."""
    if type(fact) is Sent:  # `isinstance` takes long, unless the type is the very one
        return fact.sent_at
    if isinstance(fact, Answered):
        return fact.sent_at + fact.rtt_ns
    if isinstance(fact, Lost):
        return 0
    if isinstance(fact, (Sent, Failed)):
        return fact.sent_at
    return getattr(fact, "at", 0)


def _upto(facts: Iterator[Fact], skipped: int, now: int, until: int | None) -> Iterator[Fact]:
    """All but the first `skipped` facts, as long as it is not later than `until`; `now`: what time it was before."""
    for fact in facts:
        if until is not None:
            now = max(now, moment(fact))
            if now > until:
                return
        if skipped > 0:
            skipped -= 1
        else:
            yield fact
