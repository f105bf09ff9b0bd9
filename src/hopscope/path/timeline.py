"""A target's whole run on a long axis of time: bins of any span (`bins.SPANS`), cheap however long the run is.

The newest rounds are in the path's own window. Those before are kept as samples, packed, for about an hour, and are
made into minutes when there are too many; a day of minutes becomes spans of ten, a week of those becomes hours, and a
year of hours is kept. So memory is bounded, and the axis is finer the nearer it is to now. A reset of the numbers
forgets nothing here: time goes on.
"""

from __future__ import annotations

import zlib
from array import array
from collections import deque
from collections.abc import Container, Iterable, Iterator
from itertools import pairwise
from typing import Final

import msgspec

from hopscope.path.bins import SPANS, Rounds, SpanBins, decode, encode, together
from hopscope.path.planes import SIZE, gathered, spread
from hopscope.path.snapshot import Path

TOGETHER: Final = 256
"""Rounds that are taken out of the window at once."""
_LAG: Final = 512
"""Rounds that are left there: what is in flight, or late, may have another fate yet."""
_MOST_PACKED: Final = 14
"""Packs of rounds: an hour at a round a second."""
_KEPT: Final = {SPANS[2]: 1440, SPANS[3]: 1008, SPANS[4]: 8784}
"""How many spans of each length are kept: a day, a week, a year."""
_ENTRY_BYTES: Final = 100
"""What a pack or a span takes beside its packed bytes."""


class _Packed(msgspec.Struct, frozen=True):
    """Rounds, packed."""

    begin: int
    end: int
    """When the last of them began."""
    ttls: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, rounds: Rounds) -> _Packed:
        ttls = tuple(rounds.samples)
        columns = [array("q", one) for one in (rounds.times, *rounds.samples.values())]
        data = zlib.compress(b"".join(map(spread, columns)), 1)
        return cls(rounds.times[0], rounds.times[-1], ttls, data)

    def rounds(self, ttls: Container[int]) -> Rounds:
        """The rounds again, with the samples of these TTLs."""
        raw = zlib.decompress(self.data)
        count = len(raw) // (SIZE * (1 + len(self.ttls)))

        def column(number: int) -> array[int]:
            return gathered(raw[SIZE * count * number : SIZE * count * (number + 1)])

        samples = {ttl: column(number) for number, ttl in enumerate(self.ttls, 1) if ttl in ttls}
        return Rounds(column(0), samples)


class Timeline:
    """One target's run in bins. `limit`: bytes that it may keep."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._next = 0
        """The first round of the path that is not taken yet."""
        self._packed: deque[_Packed] = deque()
        self._spans: dict[int, dict[int, bytes]] = {span: {} for span in _KEPT}
        """By length: the spans by their beginning, packed, the oldest first."""

    def copy(self) -> Timeline:
        """The same, to be continued by itself."""
        twin = Timeline(self.limit)
        twin.bytes, twin._next, twin._packed = self.bytes, self._next, self._packed.copy()
        twin._spans = {span: dict(kept) for span, kept in self._spans.items()}
        return twin

    def is_due(self, round_: int) -> bool:
        """Whether rounds should be taken, now that this one has begun."""
        return round_ - self._next >= TOGETHER + _LAG

    def take(self, path: Path, *, is_over: bool = False) -> None:
        """Keep what is about to leave the path's window; `is_over`: everything, for another path follows."""
        end = path.first_round + len(path.round_times) - (0 if is_over else _LAG)
        rounds = Rounds.of(path, self._next, end)
        if rounds.times:
            self._packed.append(_Packed.of(rounds))
            self.bytes += len(self._packed[-1].data) + _ENTRY_BYTES
        self._next = 0 if is_over else max(end, self._next)
        self._shed()

    def go_on(self, round_: int) -> None:
        """The path is one of before again, of which all rounds before this one were taken."""
        self._next = max(self._next, round_)

    def add(self, spans: Iterable[SpanBins]) -> None:
        """Bins of a time before, such as a recording's."""
        for span in spans:
            self._keep(span)
        for kept in self._spans:
            self._spans[kept] = dict(sorted(self._spans[kept].items()))
        self._shed()

    def between(self, path: Path, begin: int, end: int, span: int, ttls: Container[int] = range(256)) -> list[SpanBins]:
        """The spans from `begin` to `end` (epoch ns) of these TTLs (`bins.TARGET`: the target), in order of time; none
        where nothing was probed. `path`: as it is now. `span`: one of `bins.SPANS`; where only longer ones are kept,
        those."""
        return together(self._parts(path, begin, end, span, ttls), span)

    def _parts(self, path: Path, begin: int, end: int, span: int, ttls: Container[int]) -> Iterator[SpanBins]:
        first = begin // span * span
        for length, kept in self._spans.items():
            for at, data in kept.items():
                if at + length > first and at < end:
                    yield from decode(zlib.decompress(data), ttls)
        later = [packed.rounds(ttls) for packed in self._packed if packed.end >= first and packed.begin < end]
        for rounds in (*later, Rounds.of(path, self._next)):
            for part in rounds.bins(span):
                if first <= part.begin < end:
                    yield SpanBins(part.begin, span, {ttl: one for ttl, one in part.bins.items() if ttl in ttls})

    def _keep(self, span: SpanBins) -> None:
        """Keep a span's bins with what is known of it already."""
        length = max(span.span, SPANS[2])
        begin = span.begin // length * length
        kept = self._spans[length]
        before = kept.get(begin)
        parts = [span] if before is None else [*decode(zlib.decompress(before)), span]
        data = zlib.compress(encode(together(parts, length)), 1)
        kept[begin] = data
        self.bytes += len(data) - len(before or b"") + (0 if before is not None else _ENTRY_BYTES)

    def _shed(self) -> None:
        """Make the oldest of what is too much coarser; the oldest hours go."""
        while self._packed and (len(self._packed) > _MOST_PACKED or self.bytes > self.limit):
            oldest = self._packed.popleft()
            self.bytes -= len(oldest.data) + _ENTRY_BYTES
            for span in oldest.rounds(range(256)).bins(SPANS[2]):
                self._keep(span)
        for length, longer in pairwise((*_KEPT, 0)):
            kept = self._spans[length]
            while kept and (len(kept) > _KEPT[length] or self.bytes > self.limit):
                self._coarsen(length, longer)

    def _coarsen(self, length: int, longer: int) -> None:
        """The oldest spans of a length become one that is longer; 0: are forgotten."""
        kept = self._spans[length]
        oldest = next(iter(kept))
        until = oldest // longer * longer + longer if longer else oldest + length
        parts: list[SpanBins] = []
        for begin in [begin for begin in kept if oldest <= begin < until]:
            data = kept.pop(begin)
            self.bytes -= len(data) + _ENTRY_BYTES
            if longer:
                parts += decode(zlib.decompress(data))
        for span in together(parts, longer):
            self._keep(span)
