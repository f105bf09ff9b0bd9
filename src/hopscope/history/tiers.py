"""What is left of probes when they are gone: minutes and hours in bins (`path.bins`), made of a block's columns.

A bin counts what its block tells, and no more: a probe whose fate stands in a later block is pending in this one, and
one less is pending in that one; they add up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import compress
from typing import Final, NamedTuple

from hopscope.history.block import ANSWERED, Shape
from hopscope.history.packing import ROUNDS, Packer, Track
from hopscope.path import snapshot
from hopscope.path.bins import SPANS, TARGET, Bin, SpanBins
from hopscope.path.fold import reaches
from hopscope.wire.answers import PASSING
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
    is_plain = len(places) == 1 and not (is_odd or ends.errors) and distance in (0, *places)
    if is_plain and _are_whole(tracks, *places):
        (distance,) = places
        for of_minute in bins.values():
            if distance in of_minute:
                of_minute[TARGET] = of_minute[distance]
    else:
        distance = _by_round(bins, packer, tracks, ends, distance)
    spans = [
        SpanBins(minute * MINUTE, MINUTE, {ttl: one for ttl, one in of_minute.items() if ttl < 256})
        for minute, of_minute in sorted(bins.items())
        if minute >= 0
    ]
    return spans, distance


def _are_whole(tracks: Sequence[Track], distance: int) -> bool:
    """Whether the rounds that begin here are those in which this TTL was probed here: else one of them is parted by the
    block's begin or end, and counts where it began."""
    by_key = {track.key: track.rounds for track in tracks}
    return set(by_key.get(ROUNDS, ())) == set(by_key.get((distance, 0), ()))


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


def _by_round(bins: _Bins, packer: Packer, tracks: Sequence[Track], ends: Ends, distance: int) -> int:
    """Count the target's rounds, each for itself: by the nearest of its own answers, else as lost where an error came,
    else by the probe at its distance before, else by the farthest one."""
    begun, fates = _begun(tracks), _fates(tracks)
    for fact in packer.odd:
        if isinstance(fact, (Late, Failed)) and not fact.flow:
            begun.setdefault(fact.round, fact.sent_at)
            fates[fact.ttl][fact.round] = snapshot.LATE if isinstance(fact, Late) else snapshot.FAILED
    own, errors = _answers(packer, ends)
    told = {round_ for track in tracks if track.key == ROUNDS for round_ in track.rounds}
    farthest = sorted(fates, reverse=True)
    samples: dict[int, list[int]] = defaultdict(list)
    for round_, at in sorted(begun.items()):
        fate: int | None
        if round_ in own:
            distance, fate = own[round_]
        else:
            fate = fates[distance].get(round_) if distance in fates else None
            if fate is None:
                fate = next((fates[ttl][round_] for ttl in farthest if round_ in fates[ttl]), None)
            if fate is None and round_ not in told:
                continue
            if fate is None:
                fate = snapshot.PENDING  # its probes are in the next block
            if fate >= 0 or round_ in errors:
                fate = snapshot.LOST
        samples[at // MINUTE].append(fate)
        bins[at // MINUTE][TARGET].pending -= round_ not in told
    for minute, of_minute in samples.items():
        bins[minute][TARGET].merge(Bin.of(of_minute))
    return distance


def _begun(tracks: Sequence[Track]) -> dict[int, int]:
    """The earliest moment of each round."""
    begun: dict[int, int] = {}
    for track in tracks:
        if track.key[1]:
            continue
        for rounds, times in (
            (track.rounds, track.times),
            (track.answered_rounds, track.answered_times),
            (track.lost_rounds, track.lost_times),
        ):
            for round_, at in zip(rounds, times, strict=True):
                if round_ not in begun or at < begun[round_]:
                    begun[round_] = at
    return begun


def _fates(tracks: Sequence[Track]) -> defaultdict[int, dict[int, int]]:
    """By TTL and round, as samples, what is told of the first flow's probes."""
    fates: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for track in tracks:
        ttl, flow = track.key
        if ttl and not flow:
            fates[ttl] = {
                **dict.fromkeys(track.rounds, snapshot.PENDING),
                **dict.fromkeys(track.lost_rounds, snapshot.LOST),
                **dict(zip(track.answered_rounds, track.rtts, strict=True)),
            }
    return fates


def _answers(packer: Packer, ends: Ends) -> tuple[dict[int, tuple[int, int]], set[int]]:
    """By round the TTL and RTT of the nearest of the target's own answers; the rounds that have a router's error."""
    own: dict[int, tuple[int, int]] = {}
    errors: set[int] = set()
    is_answer = [False, *(shape.kind == ANSWERED for shape in packer.shapes)]
    codes = [code for code in packer.codes if code]
    answers = compress(zip(codes, packer.rounds, strict=True), map(is_answer.__getitem__, codes))
    for (code, round_), rtt in zip(answers, packer.rtts, strict=True):
        if code in ends.own:
            told = ends.own[code], rtt
            own[round_] = min(own.get(round_, told), told)
        elif code in ends.errors:
            errors.add(round_)
    return own, errors
