"""Numbers over a longer time than probes are at hand for: those of a path, and bins of what was before.

Counts, extremes, means and deviations are exact; percentiles and the geometric mean are within `bins.ERROR`. Jitter is
of neighbouring probes, which bins do not know, so there is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from hopscope.path.bins import TARGET, Bin
from hopscope.path.snapshot import Hop, NumbersWindow, Path, Rtt
from hopscope.path.stats import MS, loss_ci95_pct, loss_pct


def widened(path: Path, before: Mapping[int, Bin], begin: int, own: Mapping[int, Bin] | None = None) -> Path:
    """The path with numbers from `begin` (epoch ns) on: `before` has, by TTL, what was before its own rounds; `own` has
    those, where they are more than the path's windows hold."""
    target = before.get(TARGET)
    earlier = target.sent if target is not None else max((one.sent for one in before.values()), default=0)
    return msgspec.structs.replace(
        path,
        hops=tuple(_hop(hop, before.get(hop.ttl), _of(hop, hop.ttl, own)) for hop in path.hops),
        target=None if path.target is None else _hop(path.target, target, _of(path.target, TARGET, own)),
        numbers=NumbersWindow(path.numbers.name, begin, path.numbers.rounds + earlier),
        rounds=path.rounds + earlier,
    )


def _of(hop: Hop, ttl: int, own: Mapping[int, Bin] | None) -> Bin:
    """The hop's own answers, by size."""
    whole = Bin()
    if own is None:
        whole.answered([sample for sample in hop.window.samples if sample >= 0])
    elif ttl in own:
        whole.merge(own[ttl])
    return whole


def _hop(hop: Hop, before: Bin | None, own: Bin) -> Hop:
    if before is None:
        return hop
    received, lost = hop.received + before.received, max(0, hop.lost + before.lost)
    late, failed = hop.late + before.late, hop.failed + before.failed
    pending = max(0, hop.pending + before.pending)
    return msgspec.structs.replace(
        hop,
        sent=received + lost + late + failed + pending,
        received=received,
        lost=lost,
        late=late,
        failed=failed,
        pending=pending,
        loss_pct=loss_pct(lost, received),
        loss_ci95_pct=loss_ci95_pct(lost, received),
        rtt=_rtt(hop, before, own),
        jitter=None,
    )


def _rtt(hop: Hop, before: Bin, whole: Bin) -> Rtt | None:
    """In ms. The last one is of the path's own rounds (`whole`: they by size); without one there is no telling."""
    own, n = hop.rtt, hop.received
    if own is None or not before.received:
        return own
    whole.merge(before)
    total = n + before.received
    mean = (own.avg * n + before.sum / MS) / total
    squares = (own.stddev or 0.0) ** 2 * (n - 1) + own.avg**2 * n + before.sum_squares / (MS * MS)
    best, worst = min(own.best, before.best / MS), max(own.worst, before.worst / MS)
    return Rtt(
        last=own.last,
        best=best,
        avg=mean,
        worst=worst,
        stddev=math.sqrt(max(0.0, squares - total * mean * mean) / (total - 1)),
        median=whole.nearest(50) / MS,
        p95=whole.nearest(95) / MS,
        p99=whole.nearest(99) / MS,
        gmean=min(max(_gmean(own.gmean, n, before), best), worst),
    )


def _gmean(own: float, count: int, before: Bin) -> float:
    """Of `count` RTTs whose geometric mean is `own` (ms), and those before; ms."""
    return math.exp((count * math.log(own or 1 / MS) + before.log_sum) / (count + before.received))
