"""What the screen says about a target, its path and its hops: the findings' words, and the states around them.

Judging is kept by (target, path's version), since the same path always gets the same findings.
"""

from __future__ import annotations

from dataclasses import dataclass

from hopscope.path.findings import Finding, HopFinding, Starting
from hopscope.path.health import health, hop_health
from hopscope.path.snapshot import NumbersWindow
from hopscope.session.model import Target
from hopscope.views.prose import Sentence, sentence
from hopscope.words.numbers import time_of_day

TROUBLE = (
    "this-computer",
    "unreachable",
    "refused",
    "unresolved",
    "loss",
    "slow",
    "no-answer",
    "starting",
    "paused",
    "finished",
)
"""States, the worst first; whatever is not named is healthy."""


@dataclass(frozen=True)
class TargetStatus:
    """What a target is like, for heads, tabs and rows."""

    state: str
    """A key of `look.Look.health`."""
    sentence: Sentence
    """With a head that stands out, where there is room."""
    aside: str
    """Behind the sentence: since when, and how sure."""
    short: str
    """One to five words."""
    young: bool
    """Too few probes to judge by."""
    finding: Finding

    @property
    def words(self) -> str:
        """A line."""
        return self.sentence.line + self.aside

    @property
    def rank(self) -> int:
        """Smaller is worse."""
        return TROUBLE.index(self.state) if self.state in TROUBLE else len(TROUBLE)


class HealthCache:
    """Remembers what was judged; forgets what is no longer asked for."""

    def __init__(self) -> None:
        self._targets: dict[int, tuple[Target, TargetStatus]] = {}
        self._hops: dict[int, tuple[tuple[int, NumbersWindow], tuple[HopFinding, ...]]] = {}

    def target(self, target: Target) -> TargetStatus:
        """The verdict on a target."""
        known = self._targets.get(target.id)
        if known is not None and known[0] is target:
            return known[1]
        verdict = known[1] if known is not None and _made_of(known[0]) == _made_of(target) else judge(target)
        self._targets[target.id] = (target, verdict)
        return verdict

    def hops(self, target: Target) -> tuple[HopFinding, ...]:
        """The verdict on each hop of a target's path."""
        known = self._hops.get(target.id)
        made_of = target.path.version, target.path.numbers
        if known is not None and known[0] == made_of:
            return known[1]
        verdicts = tuple(hop_health(target.path, hop) for hop in target.path.rows)
        self._hops[target.id] = (made_of, verdicts)
        return verdicts

    def keep_only(self, targets: set[int]) -> None:
        """Forget all others."""
        for table in (self._targets, self._hops):
            for gone in [key for key in table if key not in targets]:
                del table[gone]


def _made_of(target: Target) -> tuple[object, ...]:
    return target.path.version, target.path.numbers, target.state


def judge(target: Target) -> TargetStatus:
    """The verdict on a target."""
    found = health(target.path)
    said = sentence(found)
    young = found.confidence == "collecting"

    def state(name: str, words: str, short: str) -> TargetStatus:
        return TargetStatus(name, Sentence(words, "", short), "", short, False, found)

    match target.state:
        case "resolving":
            return state("starting", "looking the name up", "looking the name up")
        case "unresolved":
            words = (target.error or "the name does not resolve").removeprefix(f"{target.query}: ")
            return state("unresolved", words, "not resolved")  # the name stands beside it
        case "refused":
            return state("refused", target.refusal.message if target.refusal else "refused", "refused")
        case "paused":
            if isinstance(found, Starting):
                return TargetStatus("paused", Sentence(f"paused; {said.tail}", "", ""), "", "paused", young, found)
            head = f"paused; {'' if young else 'so far '}{said.head}"  # young numbers say so themselves
            return TargetStatus("paused", Sentence(head, said.tail, ""), "", "paused", young, found)
        case "finished":
            name = found.state if found.state not in ("healthy", "starting") else "finished"
            whole = Sentence("finished", said.tail if isinstance(found, Starting) else said.line, "")
            return TargetStatus(name, whole, "", f"finished, {said.short}", young, found)
        case _:
            aside = f", since {time_of_day(found.since)}" if found.since is not None else ""
            if found.confidence == "provisional":
                aside += " (young numbers)"
            return TargetStatus(found.state, said, aside, said.short, young, found)
