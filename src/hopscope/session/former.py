"""What a target's statistics were before they were begun anew, so that this can be taken back for a while."""

from __future__ import annotations

from typing import Final, NamedTuple

from hopscope.judge.judge import Judge
from hopscope.path.fold import PathFold
from hopscope.path.totals import Totals
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.model import Probing
from hopscope.wire.messages import Plan, RoundStarted, Started

KEPT_NS: Final = 60_000_000_000
"""For so long it can be taken back."""
MOST: Final = 8
"""Begun anew one after the other, and all of it taken back."""
MOST_FACTS: Final = 100_000
"""That came since, and would have to be folded again."""


class FormerFlow(NamedTuple):
    """How it was probed then."""

    probing: Probing
    plan: Plan
    started: Started | None
    last_round: int


class Former(NamedTuple):
    """The statistics before. `at`: when they were begun anew (epoch ns); `place`: how many facts the past held then;
    `next_round`: the first that had not begun."""

    at: int
    place: int
    next_round: int
    path: PathFold
    judge: Judge
    flow: FormerFlow | None
    """Where it was probed in another way; None: a reset."""
    since: list[TargetFact]
    """What has happened to the same flow since a reset."""
    counted: Totals = Totals()
    """What it had counted by then; known once it is taken."""


class Formers:
    """The newest of them. Of a fold's facts each must be seen."""

    def __init__(self) -> None:
        self.kept: list[Former] = []
        """The oldest first."""

    def copy(self) -> Formers:
        """The same, to be continued by itself."""
        twin = Formers()
        twin.kept = [
            former._replace(path=former.path.copy(), judge=former.judge.copy(), since=former.since.copy())
            for former in self.kept
        ]
        return twin

    def keep(self, former: Former) -> None:
        """One more."""
        self.kept = [*self.kept[1 - MOST :], former]

    def see(self, fact: TargetFact) -> None:
        """What happened since: it belongs to what a reset left as well."""
        if isinstance(fact, RoundStarted):
            self.kept = [former for former in self.kept if fact.at - former.at <= KEPT_NS]
        for former in reversed(self.kept):
            if former.flow is not None:
                break
            former.since.append(fact)
            if len(former.since) > MOST_FACTS:
                self.kept = []
                break

    def newest(self, now: int) -> Former | None:
        """What would be taken back at this moment (epoch ns)."""
        former = self.kept[-1] if self.kept else None
        return former if former is not None and now - former.at <= KEPT_NS else None

    def take(self) -> Former | None:
        """The newest one, with what has happened since."""
        if not self.kept:
            return None
        former = self.kept.pop()
        incidents = former.judge.begun if former.flow is not None else {}
        counted = former.path.tallied().totals._replace(incidents=dict(incidents))
        for fact in former.since:
            if not isinstance(fact, Asked):  # which concerns neither
                former.path.apply(fact)
                former.judge.apply(fact)
        return former._replace(counted=counted)


def another_way(before: Started, now: Started, round_: int) -> str | None:
    """What a new worker does otherwise, in words; None where it goes on in the same way."""
    if before.method != now.method:
        way = f"by {now.method}, before by {before.method}"
    elif (before.source_port, before.flow) != (now.source_port, now.flow):
        way = "as another flow"
    else:
        return None
    return f"from round {round_ + 1} on the probes go {way}: the probe worker was started again"
