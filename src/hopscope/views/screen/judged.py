"""What the screen says about a target, its path and its hops: the judge's words, and the states around them.

Words are made once for what was judged once: drawing again judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from hopscope.judge.verdict import Verdict
from hopscope.path.evidence import COLLECTING
from hopscope.path.hop_health import HopFinding
from hopscope.path.snapshot import NumbersWindow
from hopscope.session.model import Target
from hopscope.words.headline import Headline
from hopscope.words.hops import hop_finding
from hopscope.words.moods import mood
from hopscope.words.numbers import span, time_of
from hopscope.words.said import Said
from hopscope.words.verdicts import Sentence

ILL = ("this-computer", "unreachable", "refused", "unresolved", "loss", "slow", "no-answer")
"""States in which something is wrong, the worst first."""
TROUBLE = (*ILL, "unheard", "starting", "paused", "finished")
"""States, the worst first; whatever is not named is healthy."""


class TargetStatus(msgspec.Struct, frozen=True):
    """What a target is like, for heads, tabs and rows."""

    state: str
    """A key of `look.Look.health`."""
    sentence: Sentence
    """With a head that stands out, where there is room."""
    short: str
    """One to five words."""
    verdict: Verdict
    headline: Headline
    """The same in whole sentences."""
    spoken: Said | None = None
    """Who said it; None where nothing was judged."""

    def sentences(self, *, is_past: bool) -> Headline:
        """The whole sentences; `is_past`: of a moment that is not now."""
        return self.spoken.headline("then") if is_past and self.spoken is not None else self.headline

    @property
    def words(self) -> str:
        """A line."""
        return self.sentence.line

    @property
    def young(self) -> bool:
        """Too few probes to judge by."""
        verdict = self.verdict
        return verdict.kind == "starting" or (verdict.kind == "healthy" and verdict.numbers.rounds < COLLECTING)


def rank_of(state: str, verdict: Verdict | None = None) -> int:
    """Smaller is worse. What is paused in trouble is as bad as it was."""
    if state == "paused" and verdict is not None and verdict.is_trouble:
        state = mood(verdict)
    return _RANKS.get(state, len(TROUBLE))


_RANKS: Final = {state: rank for rank, state in enumerate(TROUBLE)}


def state_of(target: Target) -> str:
    """What a target is like, a key of `look.Look.health`, without the words that say so."""
    if target.unheard_s is not None and target.state == "running":
        return "unheard"
    match target.state:
        case "resolving":
            return "starting"
        case "unresolved" | "refused" | "paused":
            return target.state
        case "finished":
            name = mood(target.judged.verdict)
            # Of a fleet's site another agent's run may follow: nothing is lost there now.
            return "finished" if name in ("healthy", "starting") or target.site is not None else name
        case _:
            return mood(target.judged.verdict)


class HealthCache:
    """Remembers what was said; forgets what is no longer asked for."""

    def __init__(self) -> None:
        self._targets: dict[int, tuple[Target, TargetStatus]] = {}
        self._states: dict[int, tuple[Target, str]] = {}
        self._hops: dict[int, tuple[tuple[int, NumbersWindow], Verdict, tuple[HopFinding, ...]]] = {}

    def target(self, target: Target) -> TargetStatus:
        """The status of a target."""
        known = self._targets.get(target.id)
        if known is not None and known[0] is target:
            return known[1]
        status = known[1] if known is not None and _says_the_same(known[0], target) else status_of(target)
        self._targets[target.id] = (target, status)
        return status

    def state(self, target: Target) -> str:
        """Its status' state, for which no words are made."""
        known = self._states.get(target.id)
        if known is None or known[0] is not target:
            known = self._states[target.id] = target, state_of(target)
        return known[1]

    def hops(self, target: Target) -> tuple[HopFinding, ...]:
        """What each row of a target's path is like."""
        known, verdict = self._hops.get(target.id), target.judged.verdict
        made_of = target.path.version, target.path.numbers
        if known is not None and known[0] == made_of and known[1] is verdict:
            return known[2]
        found = tuple(hop_finding(target.path, hop, verdict) for hop in target.path.rows)
        self._hops[target.id] = (made_of, verdict, found)
        return found

    def keep_only(self, targets: set[int]) -> None:
        """Forget all others."""
        for gone in [key for key in self._targets if key not in targets]:
            del self._targets[gone]
        for gone in [key for key in self._hops if key not in targets]:
            del self._hops[gone]
        if len(self._states) > len(targets):
            self._states = {key: known for key, known in self._states.items() if key in targets}


def _says_the_same(before: Target, now: Target) -> bool:
    return (
        before.judged is now.judged
        and before.state == now.state
        and before.path.numbers == now.path.numbers
        and before.names == now.names
        and before.error == now.error
        and before.refusal is now.refusal
        and before.address == now.address
        and before.unheard_s == now.unheard_s
    )


def clock_of(target: Target) -> Callable[[int], str]:
    """A clock for what is said of a target: the time of day, with the date where that is another one than now's."""
    now = target.path.last_at
    return lambda at: time_of(at, now)


def status_of(target: Target) -> TargetStatus:
    """The status of a target."""
    verdict = target.judged.verdict
    spoken = Said(target, clock_of(target))
    said = spoken.sentence

    name = state_of(target)

    def state(words: str, short: str) -> TargetStatus:
        head = Headline(words[:1].upper() + words[1:], ("",))
        return TargetStatus(name, Sentence(words, "", short), short, verdict, head)

    if target.unheard_s is not None and target.state == "running":
        ago = f"last heard {span(target.unheard_s)} ago"
        before = "" if verdict.kind == "starting" else f"; then {said.head}"
        return state(f"{ago}{before}", ago)
    match target.state:
        case "resolving":
            return state("looking the name up", "looking the name up")
        case "unresolved":
            words = (target.error or "the name does not resolve").removeprefix(f"{target.query}: ")
            return state(words, "not resolved")  # the name stands beside it
        case "refused":
            return state(target.refusal.message if target.refusal else "refused", "refused")
        case "paused":
            if verdict.kind == "starting":
                return state(f"paused; {said.tail}", "paused")
            head = f"paused; {said.head if 'so far' in said.head else f'so far {said.head}'}"
            return TargetStatus(name, said._replace(head=head), "paused", verdict, spoken.headline("paused"), spoken)
        case "finished":
            is_too_early = verdict.kind == "starting" and not verdict.numbers.lost
            whole = said._replace(head="finished") if is_too_early else said._replace(head=f"finished: {said.head}")
            return TargetStatus(name, whole, f"finished, {said.short}", verdict, spoken.headline("finished"))
        case _:
            return TargetStatus(name, said, said.short, verdict, spoken.headline(), spoken)
