"""What the screen says about a target, its path and its hops: `path.health`'s words, and the states around them.

Judging is kept by (target, path's version), since the same path always gets the same words.
"""

from __future__ import annotations

from dataclasses import dataclass

from hopscope.path.health import Health, HopHealth, health, hop_health
from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.views.screen.numbers import DASH, percent, span_ms, time_of_day

TROUBLE = ("this-computer", "unreachable", "refused", "unresolved", "loss", "slow", "starting", "paused", "finished")
"""States, the worst first; whatever is not named is healthy."""


@dataclass(frozen=True)
class Verdict:
    """What a target is like, for heads, tabs and rows."""

    state: str
    """A key of `look.Look.health`."""
    words: str
    """A line."""
    short: str
    """One to five words."""
    young: bool
    """Too few probes to judge by."""
    health: Health

    @property
    def rank(self) -> int:
        """Smaller is worse."""
        return TROUBLE.index(self.state) if self.state in TROUBLE else len(TROUBLE)


class Judge:
    """Remembers what was judged; forgets what is no longer asked for."""

    def __init__(self) -> None:
        self._targets: dict[int, tuple[Target, Verdict]] = {}
        self._hops: dict[int, tuple[int, tuple[HopHealth, ...]]] = {}

    def target(self, target: Target) -> Verdict:
        """The verdict on a target."""
        known = self._targets.get(target.id)
        if known is not None and known[0] is target:
            return known[1]
        if known is not None and known[0].path.version == target.path.version and known[0].state == target.state:
            verdict = known[1]
        else:
            verdict = judge(target)
        self._targets[target.id] = (target, verdict)
        return verdict

    def hops(self, target: Target) -> tuple[HopHealth, ...]:
        """The verdict on each hop of a target's path."""
        known = self._hops.get(target.id)
        if known is not None and known[0] == target.path.version:
            return known[1]
        verdicts = tuple(hop_health(target.path, hop) for hop in target.path.hops)
        self._hops[target.id] = (target.path.version, verdicts)
        return verdicts

    def keep_only(self, targets: set[int]) -> None:
        """Forget all others."""
        for table in (self._targets, self._hops):
            for gone in [key for key in table if key not in targets]:
                del table[gone]


def judge(target: Target) -> Verdict:
    """The verdict on a target."""
    found = health(target.path)
    young = found.confidence == "collecting"
    match target.state:
        case "resolving":
            return Verdict("starting", "looking the name up", "looking the name up", False, found)
        case "unresolved":
            return Verdict("unresolved", target.error or "the name does not resolve", "not resolved", False, found)
        case "refused":
            refusal = target.refusal
            words = refusal.message if refusal else "refused"
            return Verdict("refused", words, "refused", False, found)
        case "paused":
            return Verdict("paused", f"paused; so far {found.words}", "paused", young, found)
        case "finished":
            state = found.state if found.state not in ("healthy", "starting") else "finished"
            return Verdict(state, f"finished: {found.words}", f"finished, {found.short}", young, found)
        case _:
            words = found.words
            if found.since is not None:
                words += f", since {time_of_day(found.since)}"
            if found.confidence == "provisional":
                words += " (young numbers)"
            return Verdict(found.state, words, found.short, young, found)


def hop_title(hop: Hop) -> str:
    """A hop in words: ``hop 6``, ``hop 6, the target``."""
    return f"hop {hop.ttl}{', the target' if hop.is_target else ''}"


def summary_numbers(hop: Hop | None) -> tuple[str, str, str]:
    """Loss, median and p95 of a hop in words; dashes for what is unknown."""
    if hop is None:
        return DASH, DASH, DASH
    rtt = hop.rtt
    return percent(hop.loss_pct), span_ms(rtt.median if rtt else None), span_ms(rtt.p95 if rtt else None)
