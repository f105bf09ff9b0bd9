"""What is odd and no trouble: routers that limit, answer slowly or not at all, balancers, translators, chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hopscope.judge.delay import BLOCK
from hopscope.judge.hop_series import HopSeries, nearest_rank_ms
from hopscope.judge.limits import is_targets
from hopscope.judge.own_network import translations
from hopscope.judge.route import RouteWatch, is_balanced
from hopscope.judge.series import Series
from hopscope.judge.silence import Finding
from hopscope.judge.verdict import Note
from hopscope.path.stats import Z95, is_surely_more

_SPAN: Final = 120
_EARLY: Final = 10
_MIN: Final = 5
_Z: Final = 2.4
"""So sure (normal quantile) must it be that a hop loses more than one behind it: many pairs are looked at."""
_NEWS: Final = 120
"""Rounds for which a harmless change of route is worth a note."""


class Notes:
    """What is noted of a path, looked for anew every ten rounds."""

    def __init__(self) -> None:
        self._kept: tuple[int, tuple[Note, ...]] | None = None

    def of(
        self,
        series: Series,
        routes: RouteWatch,
        source: str | None,
        found: Finding | None,
        *,
        floor: int,
        is_limited: bool,
    ) -> tuple[Note, ...]:
        """As of the newest round. `found`: the trouble that stands; `floor`: the ordinal of the first round that
        belongs to none which is over; `is_limited`: several flows share a few answers a round."""
        turn = series.end // BLOCK if series.end >= BLOCK else -series.end
        if self._kept is None or self._kept[0] != turn:
            known = _notes(series, routes, source, found, floor)
            if found is not None and found.numbers.paths:
                # By one flow alone a bad link looks as if its routers limited their answers.
                known = tuple(note for note in known if note.kind not in ("rate-limit", "target-limits", "silent"))
            if is_limited:
                known = tuple(note for note in known if note.kind not in ("chance-loss", "early-loss", "target-limits"))
                ttl = max(series.hops, default=0) if series.target_ttl is None else series.target_ttl
                known += (Note(kind="target-limits", ttl=ttl, sent=series.target.counted(0)[0]),)
            self._kept = turn, known
        return self._kept[1]


def _notes(
    series: Series, routes: RouteWatch, source: str | None, found: Finding | None, floor: int
) -> tuple[Note, ...]:
    """All that is to be noted of the newest rounds, of `found` and `floor` as in `Notes.of`."""
    start = max(0, len(series) - _SPAN)
    hops = series.path()
    out: list[Note] = []
    rows = [(hop, *hop.counted(start)) for hop in hops]
    n, k = series.target.counted(start)
    reached = series.reached_of(start)  # what a second try brought was lost all the same
    last = series.target_ttl or (hops[-1].ttl if hops else 0)
    if len(series) >= _MIN:
        out += [Note(kind="silent", ttl=ttl) for ttl in sorted(series.hops) if ttl < last and series.is_silent(ttl)]
    for i, (hop, hop_n, hop_k) in enumerate(rows):
        later = [(b, a) for _, a, b in rows[i + 1 :]]
        if series.target_ttl is not None:
            later.append((reached[1], reached[0]))
        if _limits(hop_n, hop_k, later):
            out.append(Note(kind="rate-limit", ttl=hop.ttl, sent=hop_n, lost=hop_k))
        if is_balanced(hop, series.end - 1):
            out.append(Note(kind="balanced", ttl=hop.ttl))
    out += _slow_answers(series, hops, start)
    out += _of_target(series, n, k, start, found, floor)
    changed = _class_of_service(hops)
    if changed is not None:
        out.append(Note(kind="dscp", ttl=changed))
    times = translations(hops, source)
    if times:
        out.append(Note(kind="nat" if times == 1 else "double-nat"))
    if found is None or found.kind not in ("route-change", "flapping"):
        known = [change for change in routes.changes if change.at >= series.base]
        new = [change for change in known if change.at >= series.end - _NEWS][-3:]
        causes = [change for change in known if found is not None and change.at == found.since and change not in new]
        out += [
            Note(kind="route-change", ttl=change.ttl, at=series.times[series.index(change.at)])
            for change in (*causes, *new)
        ]
    return tuple(out)


def _class_of_service(hops: Sequence[HopSeries]) -> int | None:
    """The TTL from which on every router quotes another class of service (DSCP) than was sent; None: there is none. One
    alone before others that quote what was sent is that router's own way of quoting."""
    place: int | None = None
    for hop in reversed(hops):
        if hop.quoted_dscp is None:
            break
        place = hop.ttl
    return place


def _limits(n: int, k: int, later: list[tuple[int, int]]) -> bool:
    """Whether a hop loses surely more than all behind it together, or than one of them: its loss is that of its answers
    alone."""
    if k < 2 or n < _MIN:
        return False
    all_n, all_k = sum(other_n for _, other_n in later), sum(other_k for other_k, _ in later)
    if all_n >= _MIN and is_surely_more(k, n, all_k, all_n, Z95):
        return True
    return any(other_n >= _MIN and is_surely_more(k, n, other_k, other_n, _Z) for other_k, other_n in later)


def _slow_answers(series: Series, hops: Sequence[HopSeries], start: int) -> list[Note]:
    """Hops whose answers take longer than the whole way to a hop behind them."""
    out: list[Note] = []
    rtts = sorted(series.target.rtts_of(start))
    best = nearest_rank_ms(rtts, 50) if len(rtts) >= _MIN else None
    for hop in reversed(hops):
        these = sorted(hop.rtts_of(start))
        if len(these) < _MIN:
            continue
        median = nearest_rank_ms(these, 50)
        if best is not None and median - best > max(5.0, best / 5):
            out.append(Note(kind="slow-answers", ttl=hop.ttl))
        best = median if best is None else min(best, median)
    return out[::-1]


def _of_target(series: Series, n: int, k: int, start: int, found: Finding | None, floor: int) -> list[Note]:
    out: list[Note] = []
    ttl = series.target_ttl
    if ttl is None:
        return out
    is_loss = found is not None and found.kind == "loss"
    if k and not is_loss and is_targets(series, 0):
        out.append(Note(kind="target-limits", ttl=ttl, sent=n, lost=k))
    elif k and found is None:
        n, k = series.target.counted(max(start, series.index(floor)))
        if k:
            out.append(Note(kind="early-loss" if n < _EARLY else "chance-loss", ttl=ttl, sent=n, lost=k))
    rtts = sorted(series.target.rtts_of(start))
    if len(rtts) >= 3 * _EARLY:
        middle = nearest_rank_ms(rtts, 50)
        if nearest_rank_ms(rtts, 95) - nearest_rank_ms(rtts, 10) > max(10.0, 0.3 * middle):
            out.append(Note(kind="jitter", ttl=ttl))
    return out
