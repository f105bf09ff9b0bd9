"""Is it fine, where is it not, since when: a judgement over a `snapshot.Path`, in plain words with its numbers.

A path is judged by its last `RECENT` rounds, so that health speaks of now; a single hop (`hop_health`) by what stands
in the table. "Significant" means by Wilson's 95 % interval. Pure functions: the same path gives the same words. A
caller that draws often keeps the result by `Path.version`.

Words hold no clock time (a view knows the time zone): say `since` beside them.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import msgspec

from hopscope.path.evidence import (
    COLLECTING,
    GONE,
    RECENT,
    Confidence,
    confidence,
    count,
    fates,
    is_significant,
    last_fate,
    loss_began,
    ms,
    percent,
    run_began,
)
from hopscope.path.hop_health import HopHealth, HopState, hop_health, is_certain_onset, loss_onset
from hopscope.path.snapshot import FAILED, LATE, LOST, NONE, Hop, Node, Path
from hopscope.path.stats import MS, nearest_rank
from hopscope.wire.messages import Kind

__all__ = ["Confidence", "Health", "HealthState", "HopHealth", "HopState", "health", "hop_health", "loss_onset"]

HealthState: TypeAlias = Literal["starting", "healthy", "slow", "loss", "unreachable", "this-computer"]


class Health(msgspec.Struct, frozen=True):
    """What a path is like now."""

    state: HealthState
    words: str
    """A line for a person, without a full stop: ``healthy: 0 of 751 lost, 12.4 ms, steady``."""
    short: str
    """The same in one to five words: ``healthy``, ``4 % loss from hop 7 on``."""
    n: int
    """Probes of the target with a fate (answered or lost), since the last reset."""
    lost: int
    """Those of them that were lost."""
    since: int | None = None
    """Epoch ns at which the present trouble began; None where there is none, or it began before the window."""
    from_hop: int | None = None
    """The TTL from which the trouble goes on to the target, where there is one: it lies there, before, or on the way
    back."""
    loss_pct: float | None = None
    """Loss at the target over the recent rounds."""

    @property
    def confidence(self) -> Confidence:
        """How much so many probes can tell."""
        return confidence(self.n)


def health(path: Path) -> Health:
    """Judge the path by its last `RECENT` rounds."""
    local = _failing(path)
    if local:
        return local
    hops = path.hops
    if not any(hop.received or hop.lost or hop.late for hop in hops):
        return Health("starting", "starting: no answer yet", "starting", 0, 0)
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


_UNREACHABLE: Final[dict[Kind, str]] = {
    "host-unreachable": "host unreachable",
    "net-unreachable": "no route",
    "prohibited": "prohibited",
    "port-unreachable": "port unreachable",
    "other": "an error",
}


def _failing(path: Path) -> Health | None:
    """Can this machine not send now: did the newest probe of most hops fail?"""
    known = [(hop, fate) for hop in path.hops if (fate := last_fate(hop)) != NONE]
    failed = [hop for hop, fate in known if fate == FAILED]
    if not failed or 2 * len(failed) <= len(known):
        return None
    hop = failed[0]
    words = hop.last_error.words if hop.last_error else "this computer cannot send"
    last = path.hops[-1]
    return Health(
        "this-computer",
        words,
        "this computer",
        last.received + last.lost,
        last.lost,
        run_began(path, hop, FAILED),
    )


def _not_reached(path: Path, last: Hop) -> Health:
    """The target never answered."""
    n, lost = last.received + last.lost, last.lost
    answering = max((hop.ttl for hop in path.hops if hop.received or hop.late), default=None)
    if last.is_target:
        return _says(last)
    loop = loop_between(path)
    if loop:
        first, addresses = loop
        between = " and ".join(addresses) if len(addresses) <= 2 else f"{len(addresses)} routers"
        words = f"a forwarding loop between {between}: probes go round and never reach the target"
        return Health("unreachable", words, "forwarding loop", n, lost, None, first)
    if last.received >= GONE and answering == last.ttl:
        words = f"the target is not within {last.ttl} hops: hop {last.ttl} still is a router"
        return Health("unreachable", words, "not reached", n, lost, None, last.ttl)
    if lost < GONE:
        words = "starting: no answer yet" if answering is None else f"starting: hop {answering} answers so far"
        return Health("starting", words, "starting", n, lost)
    if answering is None:
        return Health("unreachable", "no answer from anywhere", "no answer", n, lost, path.started_at)
    words = f"no answer from the target; hop {answering} is the last that answers"
    return Health("unreachable", words, "no answer", n, lost, path.started_at, answering + 1)


def loop_between(path: Path) -> tuple[int, tuple[str, ...]] | None:
    """The TTL at which a forwarding loop begins, and the routers in it, in the order in which probes pass them; None
    where there is none.

    A loop is an address that answered last at three TTLs or more, equally far apart and not next to each other: a
    router that forwards what has no TTL left answers at two that are.
    """
    at: dict[str, list[int]] = {}
    for hop in path.hops:
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


def _says(last: Hop) -> Health:
    """What ends the path is an error, and who sent it."""
    kind = last.reply.kind if last.reply else "other"
    who = max(last.nodes, key=lambda node: node.last_at or 0).address if last.nodes else f"hop {last.ttl}"
    said = _UNREACHABLE.get(kind, kind)
    return Health(
        "unreachable", f"unreachable: {who} says {said}", said, last.received + last.lost, last.lost, None, last.ttl
    )


def _refusing(path: Path, last: Hop) -> Health | None:
    """The target answered once, but now an error ends the path."""
    kind = last.reply.kind if last.is_target and last.reply else None
    if kind in ("host-unreachable", "net-unreachable"):
        return _says(last)
    if kind == "prohibited" and any(
        r.kind in ("echo-reply", "tcp-open", "tcp-reset") for h in path.hops for r in h.replies
    ):
        return _says(last)
    return None


def _silent_now(path: Path, last: Hop) -> Health | None:
    """The newest probes of the target were all lost: `GONE` of them, or more where losses were frequent before."""
    samples = fates(last, None)
    run = next((i for i, sample in enumerate(reversed(samples)) if sample != LOST), len(samples))
    lost, n = count(samples[-run - RECENT : len(samples) - run])
    before = lost / n if n else 0.0
    # So long a run must be a matter of one in a hundred if nothing had changed.
    needed = GONE if before == 0 else 20 if before == 1 else min(20, max(GONE, math.ceil(math.log(0.01, before))))
    if run < needed:
        return None
    return Health(
        "unreachable",
        "no answer",
        "no answer",
        last.received + last.lost,
        last.lost,
        run_began(path, last, LOST),
        _silent_from(path),
        100.0,
    )


def _silent_from(path: Path) -> int | None:
    """The smallest TTL from which no hop that once answered does so now."""
    found = None
    for hop in reversed(path.hops):
        if not hop.received:
            continue
        if last_fate(hop) != LOST:
            break
        found = hop.ttl
    return found


def _too_late(last: Hop, samples: list[int]) -> Health | None:
    """The target answers, but after the timeout."""
    late = samples.count(LATE)
    if late < 2 or 20 * late <= len(samples):
        return None
    words = f"slow: {late} of the last {len(samples)} answers came after the timeout; raise it"
    return Health("slow", words, "answers late", last.received + last.lost, last.lost, None, last.ttl)


def _lossy(path: Path, last: Hop, samples: list[int]) -> Health | None:
    """Probes of the target are lost, and not by chance once."""
    all_n = last.received + last.lost
    lost, n = count(samples)
    if all_n < COLLECTING:
        if not lost:
            return None
        return Health("starting", f"too early to judge: {lost} of {n} lost", "starting", all_n, last.lost)
    if not is_significant(lost, n):
        return None
    pct = 100 * lost / n
    onset = loss_onset(path) or last.ttl
    where = f"from hop {onset} on" if onset < last.ttl else "at the target alone"
    if onset == last.ttl and not is_certain_onset(path, onset):
        where = "at the target, too early to say from where on"
    if onset == path.hops[0].ttl:
        where = "from the first hop on"
    words = f"{percent(pct)} loss {where}"
    return Health("loss", words, words.partition(",")[0], all_n, last.lost, loss_began(path, last), onset, pct)


def _slow(path: Path, last: Hop) -> Health | None:
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
    words = f"slow: {ms(now)}, {ms(now - base)} more than at its best"
    lost, n = count(fates(last, RECENT))
    return Health(
        "slow", words, "slow", last.received + last.lost, last.lost, since, None, 100 * lost / n if n else None
    )


def _healthy(last: Hop, samples: list[int]) -> Health:
    n = last.received + last.lost
    rtts = sorted(sample for sample in samples if sample >= 0)
    words = f"healthy: {last.lost} of {n} lost" if n >= COLLECTING else f"healthy so far: {last.lost} of {n} lost"
    if rtts:
        median, high = nearest_rank(rtts, 50), nearest_rank(rtts, 95)
        words += f", {ms(median)}"
        if n >= COLLECTING:
            words += ", steady" if high - rtts[0] < max(10 * MS, median * 3 // 10) else f", up to {ms(high)}"
    lost, recent = count(samples)
    return Health("healthy", words, "healthy", n, last.lost, None, None, 100 * lost / recent if recent else None)
