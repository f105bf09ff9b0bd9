"""Bins of time: what is left of a hop's probes once they are not kept one by one any more.

A bin is of one hop (or of the target's own series) and of one span of time: 1 s, 10 s, 1 min, 10 min or 1 h, aligned
to the clock. All in it are integers and a histogram of integers, so bins of neighbouring spans, or of parts of one, add
up to the bin of both in any order and any grouping. Percentiles are within `ERROR` of nearest rank, everything else is
exact. Which probe came when, jitter and addresses are gone.

A round belongs to the span in which it began.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from operator import mul
from typing import Annotated, Final, NamedTuple

import msgspec

from hopscope.path.ranks import bucket, middle
from hopscope.path.snapshot import FAILED, LATE, LOST, PENDING, Path
from hopscope.path.stats import MS, loss_pct

_S: Final = 1_000_000_000
SPANS: Final = (_S, 10 * _S, 60 * _S, 600 * _S, 3600 * _S)
"""How long a bin's span may be, ns."""
TARGET: Final = 0
"""In the place of a TTL: the target's own series, whatever TTL it stands at."""
ERROR: Final = 0.016
"""The most that a percentile differs from nearest rank, as a share of it."""
MOST_SPANS: Final = 10_000
"""Of one packed group."""
_BITS: Final = 5
_LOW: Final = (1 << 62) - 1
_MOST_RTT: Final = 1 << 40
"""ns, 18 minutes: what is longer counts as that, so that sums stay numbers of 64 bits."""
_FLOOR: Final = 1 << _BITS
_MOST_BUCKET: Final = 64 << _BITS


class Bin:
    """What became of one hop's probes in a span of time. RTTs are ns."""

    __slots__ = ("best", "buckets", "failed", "late", "lost", "pending", "received", "sum", "sum_squares", "worst")

    def __init__(self) -> None:
        self.received = 0
        self.lost = 0
        self.late = 0
        self.failed = 0
        self.pending = 0
        """Whose fate is not told here. In a part of a span this, and `lost`, may be negative: the part before counted
        what has another fate now."""
        self.sum = 0
        self.sum_squares = 0
        self.best = 0
        self.worst = 0
        self.buckets: dict[int, int] = {}
        """How many RTTs fell into each of `ranks.bucket`'s, of five bits."""

    @classmethod
    def of(cls, samples: Sequence[int]) -> Bin:
        """The bin of a hop's samples (see `snapshot`)."""
        out = cls()
        out.lost = samples.count(LOST)
        out.late = samples.count(LATE)
        out.failed = samples.count(FAILED)
        out.pending = samples.count(PENDING)
        out.answered([sample for sample in samples if sample >= 0])
        return out

    def answered(self, rtts: Sequence[int]) -> None:
        """Probes were answered, after these times."""
        if not rtts:
            return
        best, worst = min(rtts), max(rtts)
        if worst > _MOST_RTT:
            rtts = [min(rtt, _MOST_RTT) for rtt in rtts]
            best, worst = min(rtts), _MOST_RTT
        self.best = min(self.best, best) if self.received else best
        self.worst = max(self.worst, worst)
        self.received += len(rtts)
        self.sum += sum(rtts)
        self.sum_squares += sum(map(mul, rtts, rtts))
        buckets, first = self.buckets, 0
        # `ranks.bucket`, written out: this is done for every probe that is recorded.
        if best >= _FLOOR and best.bit_length() == worst.bit_length():
            shift = best.bit_length() - _BITS - 1
            found, first = [rtt >> shift for rtt in rtts], shift << _BITS
        elif best >= _FLOOR:
            found = [((shift := rtt.bit_length() - _BITS - 1) << _BITS) + (rtt >> shift) for rtt in rtts]
        else:
            found = [bucket(rtt, _BITS) for rtt in rtts]
        for place, count in Counter(found).items():
            index = first + place
            buckets[index] = buckets.get(index, 0) + count

    def merge(self, other: Bin) -> None:
        """Count all that the other one counted."""
        if other.received:
            self.best = min(self.best, other.best) if self.received else other.best
            self.worst = max(self.worst, other.worst)
        self.received += other.received
        self.lost += other.lost
        self.late += other.late
        self.failed += other.failed
        self.pending += other.pending
        self.sum += other.sum
        self.sum_squares += other.sum_squares
        buckets = self.buckets
        for index, count in other.buckets.items():
            buckets[index] = buckets.get(index, 0) + count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bin) and _plain(0, self) == _plain(0, other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Bin({_plain(0, self)!r})"

    @property
    def sent(self) -> int:
        """All of them."""
        return self.received + self.lost + self.late + self.failed + self.pending

    @property
    def loss_pct(self) -> float | None:
        """``100 * lost / (received + lost)``; None where nothing is known."""
        return loss_pct(max(self.lost, 0), self.received)

    @property
    def avg(self) -> float:
        """The mean RTT, ns. There must be an answer."""
        return self.sum / self.received

    @property
    def stddev(self) -> float | None:
        """The sample standard deviation (n-1), ns; None below two answers."""
        n = self.received
        return math.sqrt((n * self.sum_squares - self.sum * self.sum) / (n * (n - 1))) if n > 1 else None

    @property
    def log_sum(self) -> float:
        """The sum of the logarithms of the RTTs in ms, each within `ERROR` of its RTT."""
        return sum(count * math.log(max(1, middle(index, _BITS)) / MS) for index, count in self.buckets.items())

    def nearest(self, percent: int) -> int:
        """The ⌈percent/100 · n⌉-th smallest RTT, ns, within `ERROR` of it. There must be an answer."""
        rank = (percent * self.received + 99) // 100
        indexes = sorted(self.buckets)
        for index, counted in zip(indexes, accumulate(self.buckets[index] for index in indexes), strict=True):
            if counted >= rank:
                return min(max(middle(index, _BITS), self.best), self.worst)
        return self.worst


class SpanBins(NamedTuple):
    """The bins of one target and one span of time, by TTL (`TARGET`: the target's series)."""

    begin: int
    """Epoch ns, a multiple of the span."""
    span: int
    """ns."""
    bins: dict[int, Bin]

    def merge(self, other: Mapping[int, Bin]) -> None:
        """Count all that these count, too."""
        for ttl, one in other.items():
            mine = self.bins.get(ttl)
            if mine is None:
                mine = self.bins[ttl] = Bin()
            mine.merge(one)


def together(parts: Iterable[SpanBins], span: int) -> list[SpanBins]:
    """These bins as those of longer spans, in order of time; a bin that is longer itself stays as it is."""
    whole: dict[tuple[int, int], SpanBins] = {}
    for part in parts:
        length = max(span, part.span)
        begin = part.begin // length * length
        into = whole.get((begin, length))
        if into is None:
            into = whole[begin, length] = SpanBins(begin, length, {})
        into.merge(part.bins)
    return [whole[key] for key in sorted(whole)]


class Rounds(NamedTuple):
    """Samples of rounds one after the other, of all hops."""

    times: Sequence[int]
    """When each round began (epoch ns)."""
    samples: Mapping[int, Sequence[int]]
    """By TTL (`TARGET`: the target's series), one a round; see `snapshot`."""

    @classmethod
    def of(cls, path: Path, since: int = 0, until: int | None = None) -> Rounds:
        """The rounds from `since` up to `until`, as far as the path's window holds them."""
        first = path.first_round
        begin = max(0, since - first)
        end = len(path.round_times) if until is None else max(0, until - first)
        of_hop = {hop.ttl: hop for hop in path.hops}
        if path.target is not None:
            of_hop[TARGET] = path.target
        samples = {}
        for ttl, hop in of_hop.items():
            later = first - hop.window.first_round
            samples[ttl] = hop.window.samples[begin + later : end + later]
        return cls(path.round_times[begin:end], samples)

    def bins(self, span: int) -> Iterator[SpanBins]:
        """The same as bins, in the order of the rounds."""
        times = self.times
        place = 0
        while place < len(times):
            begin = times[place] // span * span
            after = place + 1
            while after < len(times) and begin <= times[after] < begin + span:
                after += 1
            bins = {ttl: Bin.of(samples[place:after].tolist()) for ttl, samples in self._views()}
            yield SpanBins(begin, span, {ttl: one for ttl, one in bins.items() if one.sent})
            place = after

    def _views(self) -> list[tuple[int, array[int] | memoryview]]:
        return [
            (ttl, samples if isinstance(samples, (array, memoryview)) else array("q", samples))
            for ttl, samples in self.samples.items()
        ]


# --- as bytes --------------------------------------------------------------------------------------------------------

_Numbers = Annotated[list[int], msgspec.Meta(max_length=_MOST_BUCKET)]
_Packed = tuple[int, int, int, int, int, int, int, int, int, int, int, _Numbers, _Numbers]
_Packs = Annotated[list[_Packed], msgspec.Meta(max_length=256)]
_Groups = Annotated[list[tuple[int, int, _Packs]], msgspec.Meta(max_length=MOST_SPANS)]
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Groups)


def _plain(ttl: int, one: Bin) -> _Packed:
    indexes = sorted(one.buckets)
    return (
        ttl,
        one.received,
        one.lost,
        one.late,
        one.failed,
        one.pending,
        one.sum,
        one.sum_squares >> 62,
        one.sum_squares & _LOW,
        one.best,
        one.worst,
        [index - before for index, before in zip(indexes, [0, *indexes], strict=False)],
        [one.buckets[index] for index in indexes],
    )


def encode(spans: Iterable[SpanBins]) -> bytes:
    """Bins as MessagePack, made to be compressed by the dozen."""
    return _encoder.encode(
        [(span.begin, span.span, [_plain(*one) for one in sorted(span.bins.items())]) for span in spans]
    )


def decode(data: bytes, ttls: Container[int] = range(256)) -> list[SpanBins]:
    """The bins again, of these TTLs. `ValueError` where these bytes are none, or say what cannot be."""
    spans = []
    for begin, span, packed in _decoder.decode(data):
        if span not in SPANS or begin % span or not 0 <= begin < 1 << 62:
            raise ValueError("a span is none of ours")
        spans.append(SpanBins(begin, span, {one[0]: _bin(one) for one in packed if one[0] in ttls}))
    return spans


def _bin(packed: _Packed) -> Bin:
    out = Bin()
    _, out.received, out.lost, out.late, out.failed, out.pending = packed[:6]
    out.sum, high, low, out.best, out.worst, steps, counts = packed[6:]
    out.sum_squares = (high << 62) + low
    out.buckets = dict(zip(accumulate(steps), counts, strict=True))
    is_sound = (
        min(counts, default=1) > 0
        and min(steps[1:], default=1) > 0
        and sum(counts) == out.received
        and all(0 <= index < _MOST_BUCKET for index in (min(out.buckets, default=0), max(out.buckets, default=0)))
        and min(out.late, out.failed, out.best, out.sum, high, low) >= 0
        and out.best <= out.worst <= _MOST_RTT
        and out.received * out.best <= out.sum <= out.received * out.worst
        and out.sum * out.sum <= max(out.received, 1) * out.sum_squares
    )
    if not is_sound:
        raise ValueError("a bin's numbers do not go together")
    return out
