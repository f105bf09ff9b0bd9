"""Every fact of a path, packed, in the order in which it came: what any past moment is made of again, exactly.

Facts gather in a list, and each `TOGETHER` of them become a block: numbers as differences from the last fact of the
same TTL, in columns of 8 bytes, sorted by the place of the byte, deflated. What a fact says beside its numbers (type,
address, kind, labels …) is a *shape*, of which a path has a few dozen. Memory is bounded: the oldest blocks go.
"""

from __future__ import annotations

import zlib
from array import array
from collections import deque
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias

from hopscope.wire.facts import DriverFact
from hopscope.wire.messages import Answered, Duplicate, Event, Failed, Lost, RoundStarted, Sent

Fact: TypeAlias = Event | DriverFact

TOGETHER: Final = 512
"""Facts of a block."""

MOST_BYTES: Final = 64 * 2**20
"""Packed bytes that are kept, of all targets together."""

_MOST_SHAPES: Final = 4096
"""Then a new dictionary of shapes is begun."""
_BLOCK_BYTES: Final = 300
"""What a block takes beside its packed bytes."""
_SHAPE_BYTES: Final = 500

Shape: TypeAlias = tuple[Any, ...]


class Block(NamedTuple):
    """So many facts, packed."""

    data: bytes
    first: int
    """The place of its first fact among all that there were."""
    size: int
    shapes: list[Shape]
    """What its facts' shapes are; shared among blocks."""
    odd: tuple[Fact, ...]
    """Facts of no shape, as they are, in their order."""
    base: int
    """The time that the first fact of each TTL is counted from."""
    before: int
    """What time it was (`Log.now`) before its first fact."""
    now: int
    """And after its last one."""


class Log:
    """One target's facts. `limit`: bytes that it may keep."""

    def __init__(self, limit: int = MOST_BYTES) -> None:
        self.limit = limit
        self.count = 0
        """How many facts there were."""
        self.now = 0
        """The latest moment that a packed fact told of: its sending, or its answer."""
        self.bytes = 0
        self._blocks: deque[Block] = deque()
        self._recent: list[Fact] = []
        self._recent_before = 0
        self._shapes: list[Shape] = [()]
        self._known: dict[Shape, int] = {}

    def copy(self) -> Log:
        """The same facts, to be continued by itself."""
        twin = Log(self.limit)
        twin.count, twin.now, twin.bytes = self.count, self.now, self.bytes
        twin._blocks = self._blocks.copy()
        twin._recent, twin._recent_before = self._recent[:], self._recent_before
        twin._shapes, twin._known = self._shapes[:], dict(self._known)
        return twin

    def append(self, fact: Fact) -> None:
        """The next fact."""
        self._recent.append(fact)
        self.count += 1
        if len(self._recent) >= TOGETHER:
            self._pack()

    def _pack(self) -> None:
        before, facts = self._recent_before, self._recent
        now = before
        for fact in facts:
            now = max(now, moment(fact))
        self.now = self._recent_before = now
        self._recent = []
        if len(self._shapes) >= _MOST_SHAPES:
            self._shapes, self._known = [()], {}
        data, odd, base = _packed(facts, self._shapes, self._known)
        self._blocks.append(Block(data, self.count - len(facts), len(facts), self._shapes, odd, base, before, now))
        self.bytes += len(data) + _BLOCK_BYTES
        while self.bytes > self.limit and len(self._blocks) > 1:
            gone = self._blocks.popleft()
            self.bytes -= len(gone.data) + _BLOCK_BYTES

    @property
    def first(self) -> int:
        """The place of the oldest fact that is kept."""
        return self._blocks[0].first if self._blocks else self.count - len(self._recent)

    @property
    def begin(self) -> int:
        """The moment after which everything is known."""
        return self._blocks[0].before if self._blocks else self._recent_before

    def place_of(self, moment: int) -> int:
        """A place at or before the first fact that was known after `moment`."""
        for block in self._blocks:
            if block.now >= moment:
                return block.first
        return self.count - len(self._recent)

    def facts(self, place: int = 0, until: int | None = None) -> Iterator[Fact]:
        """The facts from `place` on that were known at the moment `until` (None: all), in their order. A fact that
        tells no time of its own (a loss) came with the one before it."""
        for block in tuple(self._blocks):
            if until is not None and block.before > until:
                return
            if block.first + block.size > place:
                limit = None if until is None or block.now <= until else until
                yield from _upto(_unpacked(block), place - block.first, block.before, limit)
        first = self.count - len(self._recent)
        yield from _upto(iter(self._recent[:]), place - first, self._recent_before, until)


def moment(fact: Fact) -> int:
    """When a fact was known at the earliest, as far as it tells; 0: it does not."""
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


def _packed(facts: list[Fact], shapes: list[Shape], known: dict[Shape, int]) -> tuple[bytes, tuple[Fact, ...], int]:
    """The columns of these facts, those of no shape, and the time that is counted from. New shapes join `shapes`."""
    indexes, rounds, times, rtts = array("H"), array("q"), array("q"), array("q")
    odd: list[Fact] = []
    last: dict[int, tuple[int, int]] = {}
    base = next((at for fact in facts if (at := moment(fact))), 0)
    for fact in facts:
        kind = type(fact)
        if isinstance(fact, (Sent, Lost)):
            ttl, at = fact.ttl, fact.sent_at
            shape: Shape = (kind, ttl, fact.target, fact.flow)
        elif isinstance(fact, Answered):
            ttl, at = fact.ttl, fact.sent_at
            shape = (
                kind, ttl, fact.target, fact.flow, fact.address, fact.kind, fact.icmp_type, fact.icmp_code,
                fact.reply_ttl, fact.clock, fact.mpls, fact.vouched, fact.count if isinstance(fact, Duplicate) else 1,
            )  # fmt: skip
            rtts.append(fact.rtt_ns)
        elif isinstance(fact, Failed):
            ttl, at = fact.ttl, fact.sent_at
            shape = (kind, ttl, fact.target, fact.flow, fact.error, fact.message)
        elif isinstance(fact, RoundStarted):
            ttl, at = 0, fact.at
            shape = (kind, 0, fact.target)
        else:
            indexes.append(0)
            odd.append(fact)
            continue
        index = known.get(shape)
        if index is None:
            index = known[shape] = len(shapes)
            shapes.append(shape)
        indexes.append(index)
        round_ = fact.round
        round_before, at_before = last.get(ttl, (0, base))
        rounds.append(round_ - round_before)
        times.append(at - at_before)
        last[ttl] = round_, at
    columns = [indexes.tobytes()]
    columns += [raw[place::8] for raw in (rounds.tobytes(), times.tobytes(), rtts.tobytes()) for place in range(8)]
    head = array("q", [len(rounds), len(rtts)]).tobytes()
    return head + zlib.compress(b"".join(columns)), tuple(odd), base


def _column(raw: bytes, start: int, count: int) -> array[int]:
    out = bytearray(8 * count)
    for place in range(8):
        out[place::8] = raw[start + place * count : start + (place + 1) * count]
    column = array("q")
    column.frombytes(bytes(out))
    return column


def _unpacked(block: Block) -> Iterator[Fact]:
    """The facts of a block."""
    head = array("q")
    head.frombytes(block.data[:16])
    probes, answers = head
    raw = zlib.decompress(block.data[16:])
    indexes = array("H")
    indexes.frombytes(raw[: 2 * block.size])
    start = 2 * block.size
    rounds, times = _column(raw, start, probes), _column(raw, start + 8 * probes, probes)
    rtts = iter(_column(raw, start + 16 * probes, answers))
    odd = iter(block.odd)
    last: dict[int, tuple[int, int]] = {}
    numbers = zip(rounds, times, strict=True)
    for index in indexes:
        if not index:
            yield next(odd)
            continue
        shape = block.shapes[index]
        kind, ttl, target = shape[:3]
        round_, at = last.get(ttl, (0, block.base))
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
