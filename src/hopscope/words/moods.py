"""What state a verdict is, for colours, signs and order: the same on the screen and in reports."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from hopscope.judge.verdict import Trouble, Verdict
from hopscope.wire.messages import Protocol

Mood: TypeAlias = Literal["starting", "healthy", "slow", "loss", "no-answer", "unreachable", "this-computer"]

_MOODS: Final[dict[Trouble, Mood]] = {
    "loss": "loss",
    "bad-member": "loss",
    "flapping": "loss",
    "outage": "unreachable",
    "no-answer": "unreachable",
    "filter": "unreachable",
    "unreachable": "unreachable",
    "loop": "unreachable",
    "mtu": "unreachable",
    "route-change": "slow",
    "detour": "slow",
    "local-network": "slow",
    "bufferbloat": "slow",
    "congestion": "slow",
    "late": "slow",
    "this-computer": "this-computer",
}


def mood(verdict: Verdict, protocol: Protocol) -> Mood:
    """The state in a word. A target that is silent by UDP alone is no outage: many never answer it."""
    match verdict.kind:
        case "starting":
            return "starting"
        case "healthy" | "recovered":
            return "healthy"
        case "no-answer" if protocol == "udp" and (verdict.last_ttl or 0) > 1:
            return "no-answer"
        case trouble:
            return _MOODS[trouble]
