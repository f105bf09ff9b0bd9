"""The past of a target that is probed again: what an earlier run saw of it, in the same way and from the same network
(`ways`). Of another network's run nothing is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

from hopscope.history.store import Store, Trace
from hopscope.history.tiers import HOUR, MINUTE
from hopscope.history.ways import TraceKey
from hopscope.names.clean import clean
from hopscope.path.bins import SpanBins
from hopscope.path.snapshot import Path
from hopscope.session.facts import Asked, Removed
from hopscope.session.query import read_query
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import UsualDelay
from hopscope.wire.messages import Protocol

S: Final = 1_000_000_000
LOOK_BACK_NS: Final = 600 * S
"""Fold this much of a run's end again, ns, to know what was usual then."""
LONG_AGO_NS: Final = 7 * 24 * HOUR
"""Bring back this much on the axis of time, ns: in hours, and the last of them in minutes."""
MOST_RUNS: Final = 16
"""Of one target."""


class Earlier(NamedTuple):
    """The past of one target."""

    until: int
    """When it ended (epoch ns)."""
    delays: tuple[UsualDelay, ...]
    """What was usual; nothing where the path is another one by now."""
    bins: list[SpanBins]


def earlier(store: Store, wanted: Sequence[tuple[TraceKey, Path]], before: int) -> list[Earlier | None]:
    """The past of each, as it was before a moment (epoch ns); None where there is none. The paths are today's.
    `StoreError`, `session.target_fold.IllegalFact`."""
    traces = [trace for trace in store.traces() if trace.begun < before and trace.rounds]
    traces.sort(key=lambda trace: trace.until, reverse=True)
    found: list[Earlier | None] = []
    for one, path in wanted:
        mine = (trace for trace in traces if _of(trace) == one[:4] and store.way(trace) == one.way)
        chosen = list(islice(mine, MOST_RUNS))
        found.append(_earlier(store, chosen, path, before) if chosen else None)
    return found


def _of(trace: Trace) -> tuple[str, str | None, Protocol | None, int | None]:
    return clean(read_query(trace.query).host), trace.address, trace.protocol, trace.port


def _earlier(store: Store, traces: Sequence[Trace], path: Path, before: int) -> Earlier | None:
    """`traces`: the newest first."""
    last = traces[0]
    until = min(last.until, before)
    begin = (until - LOOK_BACK_NS) // MINUTE * MINUTE
    fold = folded(store, last, begin, until)
    if fold is None:
        return None
    bins = fold.bins(begin, until, MINUTE)
    finer = (begin - HOUR) // HOUR * HOUR
    for trace in traces:
        bins += store.bins(trace, MINUTE, finer, begin)
        bins += store.bins(trace, HOUR, finer - LONG_AGO_NS, finer)
    usual = fold.judge.usual_delays() if is_same_way(fold.path.snapshot(), path) else ()
    return Earlier(until, usual, bins)


def folded(store: Store, trace: Trace, since: int | None = None, until: int | None = None) -> TargetFold | None:
    """A trace's facts of a span, folded. `StoreError`, `session.target_fold.IllegalFact`."""
    fold: TargetFold | None = None
    for _, fact in store.facts(trace, since, until):
        if fold is not None and not isinstance(fact, Removed):
            fold.apply(fact)
        elif isinstance(fact, Asked):
            fold = TargetFold(1, fact)
    return fold


def is_same_way(then: Path, now: Path) -> bool:
    """Whether no hop is another router's by now."""
    before = {hop.ttl: {node.address for node in hop.nodes} for hop in then.hops}
    return all(_meet(before.get(hop.ttl), (node.address for node in hop.nodes)) for hop in now.hops if hop.nodes)


def _meet(before: set[str] | None, now: Iterable[str]) -> bool:
    return not before or not before.isdisjoint(now)
