"""The search for the routers side by side at one TTL: what was asked there, by which flow, and who answered."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from hopscope.probe.alternation import Alternation

TRIES: Final = 4
"""Questions of one flow without an answer after which a router that others hear is taken for silent to it, where those
others are nearly always answered; where they are not (routers that limit their answers), it takes more."""
MOST_TRIES: Final = 16
"""Questions of one flow that are put at the most: where it takes more to tell, fewer are put, and it is not told."""
_BY_CHANCE: Final = math.log(1e-4)
"""The logarithm of the probability that as many questions have no answer where somebody answers."""
SILENT_FLOWS: Final = 2
"""Flows that must hear nobody at a hop that answers others, each `HopSearch.enough` times, before a silent router is
said to stand there; one alone may have lost all its probes…"""
ALONE: Final = 2
"""…unless it had so many times as many."""


class HopSearch:
    """One TTL. Flows are named by their numbers, routers by their addresses."""

    def __init__(self, ttl: int) -> None:
        self.ttl = ttl
        self.seen: dict[int, str] = {}
        """By flow, who answered it first."""
        self.tries: dict[int, int] = {}
        """By flow, the questions that had no answer."""
        self.flying: dict[int, int] = {}
        """By flow, when its question left that has no answer yet."""
        self.wanted_more = 0
        """Flows beyond those that the stopping rule asks for: of them some go on to the next TTL."""
        self.enough = TRIES
        """Questions of one flow without an answer after which a router that others hear is taken for silent to it."""
        self._answered = self._unanswered = 0
        """Questions of flows that were heard."""
        self._asked_in: dict[int, int] = {}
        self._answers: dict[int, Alternation] = {}

    # --- what happens ------------------------------------------------------------------------------------------------

    def asked(self, flow: int, round_: int, now: int) -> None:
        """A question of this flow leaves."""
        self.flying[flow] = now
        self._asked_in[flow] = round_

    def heard(self, flow: int, address: str) -> None:
        """An answer to one, or to a probe of the flow's rounds."""
        self.flying.pop(flow, None)
        if flow not in self.seen:
            self.seen[flow] = address
            self._unanswered += self.tries.get(flow, 0)
        self._answered += 1
        self._learn_patience()
        answers = self._answers.get(flow)
        if answers is None:
            answers = self._answers[flow] = Alternation()
        answers.add(address)

    def missed(self, flow: int) -> None:
        """No answer came."""
        self.flying.pop(flow, None)
        self.tries[flow] = self.tries.get(flow, 0) + 1
        if flow in self.seen:
            self._unanswered += 1
            self._learn_patience()

    def _learn_patience(self) -> None:
        if self._unanswered:
            lost = math.log(self._unanswered / (self._answered + self._unanswered + 1))
            self.enough = max(TRIES, math.ceil(_BY_CHANCE / lost))

    # --- what follows ------------------------------------------------------------------------------------------------

    def may_ask(self, flow: int, round_: int) -> bool:
        """Whether a flow may ask: a probe is known by its flow, round and TTL, so not twice in a round."""
        return flow not in self.flying and self._asked_in.get(flow) != round_

    def is_silent_to(self, flow: int) -> bool:
        """Whether somebody answers others here, and nobody this flow."""
        return bool(self.seen) and flow not in self.seen and self.tries.get(flow, 0) >= self.enough

    def groups(
        self, counts: Callable[[int], bool], goes_silent_here: Callable[[int], bool]
    ) -> dict[str | None, list[int]]:
        """The flows by their router; None: one that never answered. `counts`: whether a flow gets this far;
        `goes_silent_here`: whether one to which this hop is silent was heard at the one before."""
        found: dict[str | None, list[int]] = {}
        for flow, address in self.seen.items():
            if counts(flow):
                found.setdefault(address, []).append(flow)
        silent = [flow for flow in self.tries if self.is_silent_to(flow) and counts(flow) and goes_silent_here(flow)]
        if found and (len(silent) >= SILENT_FLOWS or any(self.tries[flow] >= ALONE * self.enough for flow in silent)):
            found[None] = silent
        return found

    def witness(self, runs: set[int]) -> int | None:
        """The flow whose answers say whether ways are taken packet by packet: one that is probed in rounds anyway
        (`runs`), if such a one has answers here."""
        return min(self.seen, key=lambda flow: (flow not in runs, flow), default=None)

    def alternation(self, flow: int) -> Alternation:
        """A flow's answers here."""
        return self._answers.get(flow) or Alternation()
