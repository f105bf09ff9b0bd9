"""Delay that carries on to the target, where it begins, and whether it is a longer way or a queue.

RTTs (ms) are summed up by blocks of ten rounds. What is usual is the quietest third of the blocks; the last rounds are
compared with it by medians. A hop whose own answers are slow delays nothing behind it, and so never shows here.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import Final

import msgspec

from hopscope.judge.delay_place import place_in
from hopscope.judge.hop_series import ANSWERED, HopSeries, iqr, nearest_rank_ms
from hopscope.judge.series import Series
from hopscope.judge.spikes import is_spiky, spiky_since
from hopscope.judge.swing import Swing, swing
from hopscope.wire.facts import UsualDelay

BLOCK: Final = 10
BLOCKS: Final = 48
RECENT: Final = 15
"""Rounds that are compared with what is usual."""
MIN_ANSWERS: Final = 8
_LOSSY: Final = 120
"""Answers among those rounds below which nothing is said of them."""
_MIN_HIGH: Final = 8
_MIN_IN_BLOCK: Final = 5
_FEWEST: Final = 3
"""Answers of a hop below which it does not tell where a delay begins."""
_MIN_BLOCKS: Final = 2
_ERAS: Final = 48
"""An era is `BLOCKS` blocks; so many of them are remembered (six hours, at a round a second)."""
_SLOW_MS: Final = 20.0
_SLOW: Final = 0.3
"""What grew so slowly that the newest blocks have most of it is a rise from so much on (ms, and times the usual)."""
_MUCH_MS: Final = 30.0
_MUCH: Final = 2.0
"""What is more than so much (ms, and times the usual) is a rise where one block alone says what is usual."""
_SHAPE: Final = 40
"""Rounds by which a queue is told from a longer way."""
_STILL_SLOW: Final = 0.6
"""What grew slowly goes on down to so much of what it takes to be said."""
_REMEMBERED: Final = 12
"""Blocks of a series that a later judge is given."""
_BEFORE: Final = -(1 << 40)
"""The end of a block that is of an earlier run."""
_MOST_MS: Final = 1e9


class DelayBlock(msgspec.Struct, frozen=True):
    """Ten rounds of a series."""

    end: int
    """The ordinal of the round after it."""
    median: float
    low: float
    """The 10th percentile."""
    iqr: float
    high: float
    """The largest."""


class Usual(msgspec.Struct, frozen=True):
    """The quietest third of a series' blocks."""

    median: float
    low: float
    iqr: float
    high: float
    """Seldom exceeded: the largest of ten, in the middle one of all blocks."""

    @property
    def sigma(self) -> float:
        """The standard error of a block's median."""
        return 1.25 * self.iqr / 1.35 / math.sqrt(BLOCK)

    @property
    def noise(self) -> float:
        """A median that differs by no more than this (ms) does so by chance, or by less than anybody notices."""
        return max(6.0, 0.06 * self.median, 5 * self.sigma)


class Rise(msgspec.Struct, frozen=True):
    """A delay that the target has now and had not before (ms)."""

    usual: Usual
    now: float
    sure: float
    """How many standard errors it is."""
    is_long: bool = False
    """What is usual is that of hours."""
    is_slow: bool = False
    """It grew so slowly that only those tell of most of it."""

    @property
    def more(self) -> float:
        """By how much it is more than usual."""
        return self.now - self.usual.median

    @property
    def middle(self) -> float:
        """What is slower than this has the delay."""
        return (self.usual.median + self.now) / 2


class Delays:
    """The blocks of all series of a path."""

    def __init__(self) -> None:
        self._blocks: dict[int, deque[DelayBlock]] = {}
        """By TTL; 0: the target's own series, which one that stands in for it leaves alone."""
        self._usual: dict[tuple[int, int], Usual | None] = {}
        """By TTL and by how many of the newest blocks do not count: no more while it is slow, however long that is."""
        self._eras: dict[int, deque[DelayBlock]] = {}
        """The quietest third of each so many blocks."""
        self._in_era: dict[int, int] = {}
        """How many blocks have come since the last one."""
        self._quiet: dict[int, Usual | None] = {}
        """What is usual by the eras."""
        self.spiky = False
        """Whether all hops answer late now and then, the first one among them."""
        self.spiky_since = -1
        """The ordinal of the round in which that began; -1: not known."""
        self.swing: Swing | None = None
        """How far round trips swing, if all hops from a place on show it."""

    def add(self, series: Series, *, keeps: bool) -> None:
        """Ten rounds are over. `keeps`: they may count as usual."""
        if keeps:
            start = max(0, len(series) - BLOCK)
            for column in (series.target, *series.path()):
                block = _block(column, start, series.end)
                if block is not None:
                    self._blocks.setdefault(column.ttl, deque(maxlen=BLOCKS)).append(block)
                    self._end_era(column.ttl, series.end)
            self._usual.clear()
        self.swing = swing(series, self.swing)
        self.spiky = is_spiky(series, was=self.spiky)
        self.spiky_since = spiky_since(series) if self.spiky else -1

    def _end_era(self, ttl: int, end: int) -> None:
        """A block came; with it, an era may be over."""
        count = self._in_era[ttl] = (self._in_era.get(ttl, 0) + 1) % BLOCKS
        quiet = None if count else _quietest(self._blocks[ttl])
        if quiet is not None:
            era = DelayBlock(end, quiet.median, quiet.low, quiet.iqr, quiet.high)
            self._eras.setdefault(ttl, deque(maxlen=_ERAS)).append(era)
            self._quiet.clear()

    def forget_eras(self) -> None:
        """The path is another one: what was usual for hours need not be so any more."""
        self._eras.clear()
        self._in_era.clear()
        self._quiet.clear()

    def newest(self) -> tuple[UsualDelay, ...]:
        """The last blocks of each series."""
        return tuple(
            UsualDelay(ttl, block.median, block.low, block.iqr, block.high)
            for ttl, blocks in self._blocks.items()
            for block in list(blocks)[-_REMEMBERED:]
        )

    def remember(self, delays: Sequence[UsualDelay]) -> None:
        """What was usual in an earlier run. What is out of range is ignored."""
        before: dict[int, list[DelayBlock]] = {}
        for one in delays:
            numbers = (one.median, one.low, one.iqr, one.high)
            if 0 <= one.ttl < 256 and all(0 <= number < _MOST_MS for number in numbers):
                before.setdefault(one.ttl, []).append(DelayBlock(_BEFORE, *numbers))
        for ttl, blocks in before.items():
            known = self._blocks.get(ttl, ())
            own = [block for block in known if block.end != _BEFORE]
            self._blocks[ttl] = deque([*blocks[-_REMEMBERED:], *own], maxlen=BLOCKS)
        self._usual.clear()

    def remembers(self, series: Series) -> bool:
        """Whether what is usual is known from before the first round."""
        blocks = self._blocks.get(series.target.ttl)
        return blocks is not None and len(blocks) > 0 and blocks[0].end == _BEFORE

    def usual(self, ttl: int, before: int) -> Usual | None:
        """What is usual by the blocks that ended before the round with the ordinal `before`."""
        blocks = self._blocks.get(ttl, ())
        later = sum(1 for _ in takewhile(lambda block: block.end > before, reversed(blocks)))
        key = ttl, later
        if key not in self._usual:
            self._usual[key] = _quietest([*blocks][: len(blocks) - later])
        return self._usual[key]

    def _usual_for_long(self, ttl: int) -> Usual | None:
        """What is usual by the quietest third of the eras."""
        if ttl not in self._quiet:
            # The others may be slow, most of them: they do not tell how far quiet times vary.
            self._quiet[ttl] = _quietest(self._eras.get(ttl, ()), alone=True)
        return self._quiet[ttl]

    def _by_one(self, ttl: int, before: int) -> Usual | None:
        """What is usual by one block alone: little is known of it, but a multiple of it is none."""
        block = next((block for block in self._blocks.get(ttl, ()) if block.end <= before), None)
        return None if block is None else Usual(block.median, block.low, block.iqr, block.high)

    def rise(self, series: Series, *, stands: bool = False) -> Rise | None:
        """Of the last rounds; None where nothing carries on to the target. `stands`: it is known to be slow."""
        rtts = newest_rtts(series)
        if not rtts:
            return None
        now = nearest_rank_ms(rtts, 50)
        newest, old = self._rise(series, rtts, now), self._usual_for_long(series.target.ttl)
        if old is None or (newest is not None and newest.usual.median <= old.median):
            return newest
        more, measure = now - old.median, _STILL_SLOW if stands else 1.0
        if more <= max(measure * max(_SLOW_MS, _SLOW * old.median), 5 * old.sigma) or not _are_high(rtts, old):
            return newest
        is_slow = newest is None or 2 * (now - newest.usual.median) < more
        return Rise(old, now, more / max(old.sigma, 0.1), is_long=True, is_slow=is_slow)

    def _rise(self, series: Series, rtts: Sequence[float], now: float) -> Rise | None:
        """By what the newest blocks say is usual."""
        ttl, before = series.target.ttl, _end_of_usual(series)
        usual = self.usual(ttl, before)
        is_young = usual is None
        if usual is None:
            usual = self._by_one(ttl, before)
        if usual is None:
            return None
        more = now - usual.median
        if is_young and more <= max(_MUCH_MS, _MUCH * usual.median):
            return None
        if more <= usual.noise or not _are_high(rtts, usual):
            return None
        return Rise(usual, now, more / max(usual.sigma, 0.1))

    def is_step(self, series: Series, rise: Rise, since: int) -> bool:
        """Whether it is a longer way, and not a queue: since then the shortest round trips have grown as well, and they
        hardly vary more."""
        start = max(series.index(since), len(series) - _SHAPE)
        slow = self._slow_rounds(series, rise, start)
        # Those behind the last slow one may be fine again.
        rtts = sorted(series.target.rtts_of(start, slow[-1] + 1)) if slow else ()
        if len(rtts) < _MIN_IN_BLOCK:
            return False
        usual, more = rise.usual, rise.more
        low_more = nearest_rank_ms(rtts, 10) - usual.low
        wider = iqr(rtts) - usual.iqr
        return (
            low_more >= 0.6 * more
            and low_more > max(4.0, 0.05 * usual.median)
            and wider < min(0.25 * more, max(4.0, 2 * usual.iqr))
        )

    @staticmethod
    def is_queue(rise: Rise) -> bool:
        """Whether it is enough for a queue."""
        usual = rise.usual
        return rise.more > max(8.0, 0.2 * usual.median, 5 * usual.sigma)

    def place(self, series: Series, rise: Rise, since: int) -> tuple[int, int]:
        """Where it begins, by the rounds since then (`place_in`)."""
        start = min(series.index(since), len(series) - _MIN_IN_BLOCK)
        return place_in(self.profile(series, rise, start, start), rise.more)

    def profile(self, series: Series, rise: Rise, start: int, begin: int) -> list[float | None]:
        """By hop of the path, how much slower (ms, of medians) than usual it is in the rounds from index `start` on in
        which the target has the delay, that began at index `begin`; None: not known."""
        slow = self._slow_rounds(series, rise, start)
        return [self._more(series, hop, rise, slow, begin) for hop in series.path()]

    def _more(self, series: Series, hop: HopSeries, rise: Rise, slow: Sequence[int], start: int) -> float | None:
        """How much longer (ms) a hop's round trips take in the newest of the rounds that are `slow`; None: it tells
        nothing. One that answers seldom, as where flows or a limit share its answers, is compared by all of them with
        all that it answered before the index `start`."""
        answered = [i for i in slow if hop.fates[i] == ANSWERED]
        rtts = sorted(hop.rtts[i] for i in answered if i >= len(series) - 2 * RECENT)
        if len(rtts) < _FEWEST:
            rtts = sorted(hop.rtts[i] for i in answered)
        if len(rtts) < _FEWEST:
            return None
        end = _end_of_usual(series)
        usual = self._usual_for_long(hop.ttl) if rise.is_long else None
        usual = usual or self.usual(hop.ttl, end) or self._by_one(hop.ttl, end)
        if usual is not None:
            return nearest_rank_ms(rtts, 50) - usual.median
        before = sorted(hop.rtts_of(0, start))
        return nearest_rank_ms(rtts, 50) - nearest_rank_ms(before, 50) if len(before) >= _FEWEST else None

    @staticmethod
    def _slow_rounds(series: Series, rise: Rise, start: int) -> list[int]:
        """The indices of the rounds from `start` on in which the target has the delay: a quiet time between them tells
        nothing of its place."""
        middle = rise.middle
        fates, rtts = series.target.fates, series.target.rtts
        return [i for i in range(max(0, start), len(series)) if fates[i] == ANSWERED and rtts[i] > middle]

    def since(self, series: Series, rise: Rise, span: int) -> int:
        """The ordinal of the round since when the target is above the middle between usual and now."""
        target, middle = series.target, rise.middle
        best, gain, at = 0, 0, len(series)
        for i in range(len(series) - 1, max(-1, len(series) - 1 - span), -1):
            if target.fates[i] != ANSWERED:
                continue
            gain += 1 if target.rtts[i] > middle else -1
            if gain >= best and target.rtts[i] > middle:
                best, at = gain, i
            elif best - gain >= RECENT:
                break  # so long a quiet time ended what was before
        return series.base + min(at, len(series) - 1)


def newest_rtts(series: Series) -> list[float]:
    """The target's newest round trips (ms), the shortest first: those of the last `RECENT` rounds, or where many are
    lost of as few as have `MIN_ANSWERS` of them; none where the last `_LOSSY` have not."""
    fates, size = series.target.fates, len(series)
    start, least = max(0, size - RECENT), max(0, size - _LOSSY)
    while start > least and fates.count(ANSWERED, start) < MIN_ANSWERS:
        start -= 1
    rtts = sorted(series.target.rtts_of(start))
    return rtts if len(rtts) >= MIN_ANSWERS else []


def _end_of_usual(series: Series) -> int:
    """The ordinal of the round before which blocks must end to say what is usual: the newest one may not count until
    the rounds that are compared have left it behind."""
    end = series.end - RECENT
    return end - end % BLOCK


def _are_high(rtts: Sequence[float], usual: Usual) -> bool:
    """By chance so many are one in 50,000; with fewer blocks it is less known what is usual."""
    return sum(rtt > usual.high for rtt in rtts) >= _MIN_HIGH


def _block(column: HopSeries, start: int, end: int) -> DelayBlock | None:
    rtts = sorted(column.rtts_of(start))
    if len(rtts) < _MIN_IN_BLOCK:
        return None
    return DelayBlock(end, nearest_rank_ms(rtts, 50), nearest_rank_ms(rtts, 10), iqr(rtts), rtts[-1])


def _quietest(blocks: Collection[DelayBlock], *, alone: bool = False) -> Usual | None:
    """`alone`: how far times vary is told by the quiet ones alone."""
    if len(blocks) < _MIN_BLOCKS:
        return None
    quiet = sorted(blocks, key=lambda block: block.median)[: max(2, (len(blocks) + 2) // 3)]
    lows = sorted(block.low for block in quiet)
    told = quiet if alone else blocks
    highs = sorted(block.high for block in told)
    return Usual(
        sum(block.median for block in quiet) / len(quiet),
        lows[len(lows) // 2],
        # One narrow block by chance must not make the rest look wide.
        max(sum(block.iqr for block in quiet) / len(quiet), sum(block.iqr for block in told) / len(told) / 2),
        highs[len(highs) // 2],
    )
