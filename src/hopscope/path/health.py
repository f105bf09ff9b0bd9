"""Is it fine, where is it not, since when: findings over a `snapshot.Path`, with their numbers.

A path is judged by its last `RECENT` rounds, so that health speaks of now; a single hop (`hop_health`) by what stands
in the table. "Significant" means by Wilson's 95 % interval. Pure functions: the same path gives the same finding. A
caller that draws often keeps the result by `Path.version`. Words are made in `hopscope.views.prose`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

from hopscope.path.evidence import (
    COLLECTING,
    GONE,
    RECENT,
    count,
    fates,
    is_significant,
    last_fate,
    loss_began,
    run_began,
)
from hopscope.path.findings import (
    EarlyLoss,
    Finding,
    Healthy,
    LateAnswers,
    LocalFailure,
    LoopFound,
    LossFound,
    NoUdpAnswer,
    OutOfReach,
    SaidUnreachable,
    Slow,
    Starting,
    TargetSilent,
)
from hopscope.path.hop_health import hop_health, is_certain_onset, loss_onset
from hopscope.path.snapshot import FAILED, LATE, LOST, NO_PROBE, Hop, Node, Path
from hopscope.path.stats import MS, nearest_rank

__all__ = ["health", "hop_health", "loop_between", "loss_onset"]


def health(path: Path) -> Finding:
    """Judge the path by its last `RECENT` rounds."""
    local = _failing(path)
    if local:
        return local
    hops = path.rows
    if not any(hop.received or hop.lost or hop.late for hop in hops):
        return Starting(n=0, lost=0)
    last = hops[-1]
    if not path.reached:
        return _not_reached(path, last)
    error = _refusing(path, last)
    if error:
        return error
    samples = fates(last, RECENT)
    return (
        _silent_now(path, last)
        or _too_late(last, samples)
        or _lossy(path, last, samples)
        or _slow(path, last)
        or _healthy(last, samples)
    )


def _failing(path: Path) -> Finding | None:
    """Can this machine not send now: did the newest probe of most hops fail?"""
    known = [(hop, fate) for hop in path.rows if (fate := last_fate(hop)) != NO_PROBE]
    failed = [hop for hop, fate in known if fate == FAILED]
    if not failed or 2 * len(failed) <= len(known):
        return None
    hop, last = failed[0], path.rows[-1]
    since = run_began(path, hop, FAILED)
    return LocalFailure(n=last.received + last.lost, lost=last.lost, since=since, error=hop.last_error)


def _not_reached(path: Path, last: Hop) -> Finding:
    """The target never answered."""
    n, lost = last.received + last.lost, last.lost
    answering = max((hop.ttl for hop in path.rows if hop.received or hop.late), default=None)
    if last.is_target:
        return _says(last)
    loop = loop_between(path)
    if loop:
        return LoopFound(n=n, lost=lost, first_ttl=loop[0], addresses=loop[1])
    if last.received >= GONE and answering == last.ttl:
        return OutOfReach(n=n, lost=lost, first_ttl=last.ttl, last_ttl=last.ttl)
    if lost < GONE:
        return Starting(n=n, lost=lost, farthest=answering)
    if path.protocol == "udp":
        return NoUdpAnswer(n=n, lost=lost, farthest=answering)
    first = None if answering is None else answering + 1
    return TargetSilent(n=n, lost=lost, since=path.started_at, first_ttl=first, ever=False, farthest=answering)


def loop_between(path: Path) -> tuple[int, tuple[str, ...]] | None:
    """The TTL at which a forwarding loop begins, and the routers in it, in the order in which probes pass them; None
    where there is none.

    A loop is an address that answered last at three TTLs or more, equally far apart and not next to each other: a
    router that forwards what has no TTL left answers at two that are.
    """
    at: dict[str, list[int]] = {}
    for hop in path.rows:
        newest = max((node for node in hop.nodes if node.last_at is not None), key=_last_at, default=None)
        if newest is not None:
            at.setdefault(newest.address, []).append(hop.ttl)
    rings = {
        address: ttls
        for address, ttls in at.items()
        if len(ttls) >= 3 and len({b - a for a, b in pairwise(ttls)}) == 1 and ttls[1] - ttls[0] >= 2
    }
    if not rings:
        return None
    addresses = sorted(rings, key=lambda address: rings[address][0])
    return rings[addresses[0]][0], tuple(addresses)


def _last_at(node: Node) -> int:
    return node.last_at or 0


def _says(last: Hop) -> Finding:
    """What ends the path is an error, and who sent it."""
    kind = last.reply.kind if last.reply else "other"
    who = max(last.nodes, key=_last_at).address if last.nodes else None
    return SaidUnreachable(n=last.received + last.lost, lost=last.lost, first_ttl=last.ttl, address=who, kind=kind)


def _refusing(path: Path, last: Hop) -> Finding | None:
    """The target answered once, but now an error ends the path."""
    kind = last.reply.kind if last.is_target and last.reply else None
    if kind in ("host-unreachable", "net-unreachable"):
        return _says(last)
    if kind == "prohibited" and any(
        r.kind in ("echo-reply", "tcp-open", "tcp-reset") for h in path.rows for r in h.replies
    ):
        return _says(last)
    return None


def _silent_now(path: Path, last: Hop) -> Finding | None:
    """The newest probes of the target were all lost: `GONE` of them, or more where losses were frequent before."""
    samples = fates(last, None)
    run = next((i for i, sample in enumerate(reversed(samples)) if sample != LOST), len(samples))
    lost, n = count(samples[-run - RECENT : len(samples) - run])
    before = lost / n if n else 0.0
    # So long a run must be a matter of one in a hundred if nothing had changed.
    needed = GONE if before == 0 else 20 if before == 1 else min(20, max(GONE, math.ceil(math.log(0.01, before))))
    if run < needed:
        return None
    n, since, first = last.received + last.lost, run_began(path, last, LOST), _silent_from(path)
    if path.protocol == "udp" and first in (None, last.ttl):
        return NoUdpAnswer(n=n, lost=last.lost, since=since)
    return TargetSilent(n=n, lost=last.lost, since=since, first_ttl=first, loss_pct=100.0, ever=True)


def _silent_from(path: Path) -> int | None:
    """The smallest TTL from which no hop that once answered does so now."""
    found = None
    for hop in reversed(path.rows):
        if not hop.received:
            continue
        if last_fate(hop) != LOST:
            break
        found = hop.ttl
    return found


def _too_late(last: Hop, samples: list[int]) -> Finding | None:
    """The target answers, but after the timeout."""
    late = samples.count(LATE)
    if late < 2 or 20 * late <= len(samples):
        return None
    n = last.received + last.lost
    return LateAnswers(n=n, lost=last.lost, first_ttl=last.ttl, late=late, of=len(samples))


def _lossy(path: Path, last: Hop, samples: list[int]) -> Finding | None:
    """Probes of the target are lost, and not by chance once."""
    all_n = last.received + last.lost
    lost, n = count(samples)
    if all_n < COLLECTING:
        if not lost:
            return None
        return EarlyLoss(n=all_n, lost=last.lost, recent_lost=lost, of=n)
    if not is_significant(lost, n):
        return None
    onset = loss_onset(path) or last.ttl
    place: Literal["onward", "everywhere", "target", "unknown"]
    if onset == path.rows[0].ttl:
        place = "everywhere"
    elif onset < last.ttl:
        place = "onward"
    else:
        place = "target" if is_certain_onset(path, onset) else "unknown"
    since, pct = loss_began(path, last), 100 * lost / n
    return LossFound(n=all_n, lost=last.lost, since=since, first_ttl=onset, loss_pct=pct, place=place)


def _slow(path: Path, last: Hop) -> Finding | None:
    """The target answers clearly later than it did in the window's better times."""
    rtts = [(i, sample) for i, sample in enumerate(last.window.samples) if sample >= 0]
    if len(rtts) < 2 * COLLECTING:
        return None
    base = nearest_rank(sorted(sample for _, sample in rtts), 10)
    limit = base + max(10 * MS, base * 3 // 10)
    now = nearest_rank(sorted(sample for _, sample in rtts[-15:]), 50)
    if now <= limit:
        return None
    began, below = None, 0
    for i, sample in reversed(rtts):
        below = 0 if sample > limit else below + 1
        if below > 5:
            break
        if sample > limit:
            began = i
    since = None if began is None else path.round_times[began]
    lost, n = count(fates(last, RECENT))
    return Slow(
        n=last.received + last.lost,
        lost=last.lost,
        since=since,
        loss_pct=100 * lost / n if n else None,
        now_ns=now,
        more_ns=now - base,
    )


def _healthy(last: Hop, samples: list[int]) -> Finding:
    n = last.received + last.lost
    rtts = sorted(sample for sample in samples if sample >= 0)
    median = nearest_rank(rtts, 50) if rtts else None
    high, is_steady = None, False
    if median is not None and n >= COLLECTING:
        high = nearest_rank(rtts, 95)
        is_steady = high - rtts[0] < max(10 * MS, median * 3 // 10)
    lost, recent = count(samples)
    return Healthy(
        n=n,
        lost=last.lost,
        all_recent=lost == last.lost,
        loss_pct=100 * lost / recent if recent else None,
        median_ns=median,
        high_ns=None if is_steady else high,
        is_steady=is_steady,
    )
