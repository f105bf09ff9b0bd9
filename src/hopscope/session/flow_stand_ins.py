"""Where a target never answers any of its flows: the last routers that all of them meet stand in for it.

Flows ask a router that several of them meet in turns, so a flow's next probe to it comes some rounds later: a span of
rounds in which each flow asks each of these routers once. What `judge.fan` compares is then one router in one span,
which it takes for a round. How often a router answers is its own affair, as long as it does not answer some flows
better than others; so whoever answers less often than its neighbours tells of nothing, nor do flows that fare as badly
before they part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

from hopscope.judge.fan import FanWatch, FlowRound
from hopscope.judge.flow_losses import sums
from hopscope.judge.links import BadLinks, score
from hopscope.judge.parallel import LOST, NOTHING, FlowFinding
from hopscope.path.snapshot import PENDING, Path

_MOST: Final = 4
"""Routers that stand in together."""
_LONGEST: Final = 60
"""Rounds of a span, above which nothing is compared."""
_KEPT: Final = 1024
"""Rounds of the comparison that are remembered."""
_LATELY: Final = 480
"""The newest rounds, by which it is known how often a router answers."""
_WORSE: Final = 8.0
"""The logarithm of how much likelier it must be that a router answers less often than its neighbours…"""
_AS_GOOD: Final = 2.0
"""…and up to which it counts as one that answers as often as they…"""
_KNOWN: Final = 20
"""…after so many probes."""
_PROBES: Final = 8
"""The newest probes by which a span is measured."""
_OTHER_SPAN: Final = 1.5
"""How many times as long or short another one must be."""
_BEFORE: Final = 3.0
"""The logarithm of how much likelier it must be that flows fare worse than others before they part."""
_TAIL: Final = 64
"""Rounds in which something may be in flight still."""


class _MetAt(NamedTuple):
    """A router, and the TTL at which each flow meets it, or would."""

    address: str
    ttls: tuple[int, ...]


class StandIns:
    """Those of one target, and what a comparison of flows by them finds."""

    def __init__(self) -> None:
        self._watch = FanWatch()
        self._places: list[_MetAt] = []
        """The nearest first."""
        self._before: list[_MetAt] = []
        """Routers that all flows meet before they part."""
        self._span = 0
        self._more: list[float] = []
        """How much sooner than the last one each of them answers, ns."""
        self._rows: list[list[int]] = []
        self._first = self._next = 0
        """The first round of the comparison that is remembered, and the first span that was not looked at yet."""
        self.findings: tuple[FlowFinding, ...] = ()
        """Of each flow."""
        self.bad: BadLinks | None = None

    def look(self, paths: Sequence[Path], known: FlowRound | None) -> None:
        """Take what each flow's path has by now. `known`: what there is of its target."""
        self._choose(paths)
        if self._places:
            self._take(paths)
        if known is None or not self._places or not self._rows[0]:
            self.findings, self.bad = (FlowFinding("unknown", 0.0),) * len(paths), None
            return
        self._watch.take(
            known._replace(
                first_round=self._first,
                rows=self._rows,
                rtts=lambda flow, ttl, since: known.rtts(flow, ttl, self._round_of(since)),
            )
        )
        self.findings, self.bad = self._watch.findings, self._as_rounds(paths, self._watch.bad)

    # --- who stands in --------------------------------------------------------------------------------------------

    def _choose(self, paths: Sequence[Path]) -> None:
        together, self._before = _met_by_all(paths)
        places = self._steady(paths, together)
        span = _span(paths, places)
        if self._span and self._span / _OTHER_SPAN < span < self._span * _OTHER_SPAN:
            span = self._span
        places = places[-span:] if 0 < span <= _LONGEST else []
        if (places, span) != (self._places, self._span) or len(self._rows) != len(paths):
            self._places, self._span = places, span
            self._watch = FanWatch()
            self._rows = [[] for _ in paths]
            self._next = -(-max(path.first_round for path in paths) // span) if places else 0
            self._first = self._next * len(places)
            middles = [_middle(paths, place) for place in places]
            self._more = [middles[-1] - middle for middle in middles]

    def _steady(self, paths: Sequence[Path], places: Sequence[_MetAt]) -> list[_MetAt]:
        """Those that answer as often as the one that does so most. Who stands in already goes on, unless it surely
        does not."""
        counts = [
            # A flow that is cut off asks in each round, and says nothing of who answers the others in turns.
            sums(one for one in map(_lately, paths, place.ttls) if one[1] < one[0])
            for place in places
        ]
        asked = [(n, k) for n, k in counts if n]
        if not asked:
            return []
        best = min(asked, key=lambda one: one[1] / one[0])
        steady = []
        for place, (n, k) in zip(places, counts, strict=True):
            worse = score([(n, k), best], (0,), (0, 1))
            is_new = bool(self._places) and place not in self._places
            if n and 2 * k <= n and worse < (_AS_GOOD if is_new else _WORSE) and (n >= _KNOWN or not is_new):
                steady.append(place)
        return steady

    # --- what is compared -----------------------------------------------------------------------------------------

    def _take(self, paths: Sequence[Path]) -> None:
        """The spans that are over by now."""
        span, first = self._span, max(path.first_round for path in paths)
        windows = [
            [_samples(path, place.ttls[flow], first) for place in self._places] for flow, path in enumerate(paths)
        ]
        end = first + min(_settled(window) for row in windows for window in row)
        for number in range(max(self._next, -(-first // span)), end // span):
            begin = number * span - first
            for row, of_flow in zip(self._rows, windows, strict=True):
                for window, more in zip(of_flow, self._more, strict=True):
                    known = (sample for sample in reversed(window[begin : begin + span]) if sample >= LOST)
                    sample = next(known, NOTHING)
                    row.append(max(0, round(sample + more)) if sample >= 0 else sample)
            self._next = number + 1
        over = len(self._rows[0]) - _KEPT
        if over > 0:
            for row in self._rows:
                del row[:over]
            self._first += over

    def _round_of(self, number: int) -> int:
        """The first round of a round of the comparison."""
        return number // len(self._places) * self._span

    def _as_rounds(self, paths: Sequence[Path], links: BadLinks | None) -> BadLinks | None:
        """The links that are bad, in rounds of the flows. None where it may be the routers that answer some flows less
        often: flows fare the same before they part, or one router alone says so of most of them."""
        if links is None or (len(self._places) == 1 and 2 * len(links.flows) >= len(paths)):
            return None
        if links.now_ns is None and self._before:
            counts = [
                sums(_lately(path, place.ttls[flow]) for place in self._before) for flow, path in enumerate(paths)
            ]
            if score(counts, links.flows, range(len(paths))) > _BEFORE:
                return None
        newest = max(path.first_round + len(path.round_times) - 1 for path in paths)
        last = min(newest, self._round_of(links.last) + self._span - 1)
        return links._replace(since=self._round_of(links.since), last=last)


def _met_by_all(paths: Sequence[Path]) -> tuple[list[_MetAt], list[_MetAt]]:
    """The last routers in a row that all flows meet, or would if they got so far, the nearest first; and those that all
    meet before they part for the first time."""
    met = [_routers(path) for path in paths]
    last = [max(routers.values(), default=0) for routers in met]
    ttls: dict[str, Counter[int]] = {}
    for routers in met:
        for address, ttl in routers.items():
            ttls.setdefault(address, Counter())[ttl] += 1
    usual = {address: counts.most_common(1)[0][0] for address, counts in ttls.items()}

    def place_of(address: str) -> _MetAt | None:
        is_met = [address in routers or far < usual[address] for routers, far in zip(met, last, strict=True)]
        if not all(is_met) or sum(ttls[address].values()) < 2:
            return None
        return _MetAt(address, tuple(routers.get(address, usual[address]) for routers in met))

    most = max(met, key=len, default={})
    places = [place_of(address) for address in sorted(most, key=most.__getitem__)]
    before = places.index(None) if None in places else 0
    while places and places[-1] is None:
        places.pop()
    begin = max((at for at, place in enumerate(places) if place is None), default=-1) + 1
    together = [place for place in places[begin:][-_MOST:] if place is not None]
    return together, [place for place in places[:before] if place is not None and place not in together]


def _routers(path: Path) -> Mapping[str, int]:
    """The routers of a flow that it does not meet in turns with others, each with its TTL."""
    return {
        max(hop.nodes, key=lambda node: node.last_at or 0).address: hop.ttl
        for hop in path.hops
        if hop.nodes and not hop.is_target and not hop.turns
    }


def _span(paths: Sequence[Path], places: Sequence[_MetAt]) -> int:
    """In how many rounds a flow asks each of these routers once; 0: it is not known."""
    found = []
    for place in places:
        for path, ttl in zip(paths, place.ttls, strict=True):
            samples = _samples(path, ttl, 0)
            at = [i for i in range(len(samples) - 1, -1, -1) if samples[i] >= LOST][:_PROBES]
            if len(at) > 1:
                found.append((at[0] - at[-1]) / (len(at) - 1))
    return max(1, round(median(found))) if found else 0


def _middle(paths: Sequence[Path], place: _MetAt) -> float:
    """The median of the flows' median RTTs at this router, ns; 0: there is none."""
    times = [[one for one in _samples(path, ttl, 0) if one >= 0] for path, ttl in zip(paths, place.ttls, strict=True)]
    return median([median(these) for these in times if these] or [0])


def _samples(path: Path, ttl: int, since: int) -> Sequence[int]:
    """A hop's samples from this round on."""
    window = next((hop.window for hop in path.hops if hop.ttl == ttl), None)
    return [] if window is None else window.samples[max(0, since - window.first_round) :]


def _settled(samples: Sequence[int]) -> int:
    """How many of them come before what is in flight still."""
    begin = max(0, len(samples) - _TAIL)
    return next((i for i in range(begin, len(samples)) if samples[i] == PENDING), len(samples))


def _lately(path: Path, ttl: int) -> tuple[int, int]:
    """Of a hop's newest probes, those with a fate, and those that were lost."""
    samples = list(_samples(path, ttl, 0)[-_LATELY:])
    lost = samples.count(LOST)
    return lost + sum(sample >= 0 for sample in samples), lost
