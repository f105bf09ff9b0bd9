"""What is left of probes when they are gone: minutes and hours in bins (`path.bins`), made of a block's columns.

A bin counts what its block tells, and no more: a probe whose fate stands in a later block is pending in this one, and
one less is pending in that one; they add up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from hopscope.history.block import ANSWERED, LOST, ROUND, SENT, Shape
from hopscope.history.packing import Packer, Track
from hopscope.path import snapshot
from hopscope.path.bins import SPANS, TARGET, Bin, SpanBins
from hopscope.path.fold import reaches
from hopscope.path.hop import PASSING
from hopscope.wire.messages import Failed, Late, Protocol

MINUTE: Final = SPANS[2]
HOUR: Final = SPANS[4]
_UNHEARD: Final = frozenset({"ASLEEP", "OVERFLOW", "MOVED"})
"""Failures of probes that had left (see `Failed`)."""

_Bins = dict[int, dict[int, Bin]]
"""By minute and TTL."""


class Aim(NamedTuple):
    """What is needed to know a target by."""

    address: str = ""
    protocol: Protocol = "icmp"


class Ends:
    """Of which shapes answers end the path."""

    def __init__(self, shapes: Sequence[Shape], aim: Aim) -> None:
        self.own: dict[int, int] = {}
        """By a shape's number: the TTL at which the target itself answers."""
        self.errors: set[int] = set()
        """The numbers of routers' errors."""
        for number, shape in enumerate(shapes, 1):
            answer = shape.answer
            if answer is None or shape.flow:
                continue
            if reaches(answer, aim.address, aim.protocol):
                self.own[number] = shape.ttl
            elif answer.kind not in PASSING:
                self.errors.add(number)


def minutes(packer: Packer, tracks: Sequence[Track], aim: Aim, distance: int) -> tuple[list[SpanBins], int]:
    """A block's minutes, the target's own series among them, and how far away the target was in the end. `distance`:
    at the beginning; 0: unknown."""
    bins: _Bins = defaultdict(lambda: defaultdict(Bin))
    for track in tracks:
        ttl, flow = track.key
        if ttl and not flow:
            _count(bins, ttl, track)
    is_odd = _count_odd(bins, packer, tracks)
    ends = Ends(packer.shapes, aim)
    places = set(ends.own.values())
    if len(places) == 1 and not (is_odd or ends.errors) and distance in (0, *places):
        (distance,) = places
        for of_minute in bins.values():
            if distance in of_minute:
                of_minute[TARGET] = of_minute[distance]
    else:
        distance = _by_round(bins, packer, ends, distance)
    spans = [
        SpanBins(minute * MINUTE, MINUTE, {ttl: one for ttl, one in of_minute.items() if ttl < 256})
        for minute, of_minute in sorted(bins.items())
        if minute >= 0
    ]
    return spans, distance


def _count(bins: _Bins, ttl: int, track: Track) -> None:
    """What became of a series' probes."""
    for minute, begin, end in _parts(track.times):
        bins[minute][ttl].pending += end - begin
    if not _is_sorted(track.answered_times):
        order = sorted(range(len(track.rtts)), key=track.answered_times.__getitem__)
        times, rtts = [track.answered_times[i] for i in order], [track.rtts[i] for i in order]
    else:
        times, rtts = track.answered_times, track.rtts
    for minute, begin, end in _parts(times):
        one = bins[minute][ttl]
        one.answered(rtts[begin:end])
        one.pending -= end - begin
    for minute, begin, end in _parts(sorted(track.lost_times)):
        one = bins[minute][ttl]
        one.lost += end - begin
        one.pending -= end - begin


def _is_sorted(times: list[int]) -> bool:
    return times == sorted(times)


def _parts(times: list[int]) -> list[tuple[int, int, int]]:
    """The minutes of moments in order: which, and from where to where they stand."""
    parts = []
    begin = 0
    while begin < len(times):
        minute = times[begin] // MINUTE
        end = bisect_right(times, minute * MINUTE + MINUTE - 1, begin)
        end = max(end, begin + 1)
        parts.append((minute, begin, end))
        begin = end
    return parts


def _count_odd(bins: _Bins, packer: Packer, tracks: Sequence[Track]) -> bool:
    """What became of probes that are in no series; whether there are such."""
    facts = [fact for fact in packer.odd if isinstance(fact, (Late, Failed)) and not fact.flow and 0 < fact.ttl < 256]
    if not facts:
        return False
    sent = {track.key[0]: set(track.rounds) for track in tracks if not track.key[1]}
    lost = {track.key[0]: set(track.lost_rounds) for track in tracks if not track.key[1]}
    for fact in facts:
        one = bins[fact.sent_at // MINUTE][fact.ttl]
        if isinstance(fact, Late):
            one.late += 1
            one.lost -= 1
            continue
        one.failed += 1
        if fact.round in lost.get(fact.ttl, ()):
            one.lost -= 1
        elif fact.round in sent.get(fact.ttl, ()) or fact.error in _UNHEARD:
            one.pending -= 1
    return True


def _by_round(bins: _Bins, packer: Packer, ends: Ends, distance: int) -> int:
    """Count the target's rounds, each for itself: by the nearest of its own answers, else as lost where an error came,
    else by the probe at its distance before, else by the farthest one."""
    begun: dict[int, int] = {}
    fates: dict[int, dict[int, int]] = defaultdict(dict)
    """By round and TTL, as samples."""
    own: dict[int, tuple[int, int]] = {}
    """By round: TTL and RTT."""
    errors: set[int] = set()
    rtts = iter(packer.rtts)
    shapes = packer.shapes
    for code, round_, at in zip([code for code in packer.codes if code], packer.rounds, packer.times, strict=True):
        shape = shapes[code - 1]
        rtt = next(rtts) if shape.kind == ANSWERED else 0
        if shape.flow:
            continue
        begun[round_] = min(begun.get(round_, at), at)
        if shape.kind == SENT:
            fates[round_].setdefault(shape.ttl, snapshot.PENDING)
        elif shape.kind == LOST:
            fates[round_][shape.ttl] = snapshot.LOST
        elif shape.kind == ANSWERED:
            fates[round_][shape.ttl] = rtt
            if code in ends.own:
                own[round_] = min(own.get(round_, (shape.ttl, rtt)), (shape.ttl, rtt))
            elif code in ends.errors:
                errors.add(round_)
    for fact in packer.odd:
        if isinstance(fact, (Late, Failed)) and not fact.flow:
            begun.setdefault(fact.round, fact.sent_at)
            fates[fact.round][fact.ttl] = snapshot.LATE if isinstance(fact, Late) else snapshot.FAILED
    told = {
        round_
        for code, round_ in zip([code for code in packer.codes if code], packer.rounds, strict=True)
        if shapes[code - 1].kind == ROUND
    }
    for round_ in sorted(begun):
        of_round = fates.get(round_, {})
        if round_ in own:
            distance, fate = own[round_]
        elif not of_round:
            continue
        elif round_ in errors:
            fate = snapshot.LOST
        else:
            fate = of_round.get(distance, of_round[max(of_round)])
            if fate >= 0:
                fate = snapshot.LOST
        one = Bin.of([fate])
        one.pending -= round_ not in told
        bins[begun[round_] // MINUTE][TARGET].merge(one)
    return distance
