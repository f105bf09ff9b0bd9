"""What state a verdict is, for colours, signs and order: the same on the screen and in reports."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from hopscope.judge.verdict import Trouble, Verdict

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


def mood(verdict: Verdict) -> Mood:
    """The state in a word. A target that never answered is no outage: many answer neither pings nor UDP."""
    match verdict.kind:
        case "bad-member" if verdict.numbers.now_ns is not None:
            return "slow"
        case "starting":
            return "starting"
        case "healthy" | "recovered":
            return "healthy"
        case "no-answer" if (verdict.last_ttl or 0) > 1:
            return "no-answer"
        case trouble:
            return "loss" if verdict.comes_and_goes else _MOODS[trouble]
