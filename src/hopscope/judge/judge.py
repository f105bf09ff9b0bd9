"""`Judge`: the facts of one target in, what is wrong out.

Round r is judged when the next one has begun and each of its probes has its fate (`rounds`); what comes after that
changes nothing of it. So the same facts give the same verdicts, in whatever order they arrive.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

from hopscope.judge.incidents import Incidents
from hopscope.judge.path_judge import PathJudge
from hopscope.judge.rounds import OpenRounds
from hopscope.judge.verdict import Judged, Verdict
from hopscope.wire.facts import Abandoned, Continued, DriverFact, Paused, Remembered, Reset, Resumed, Shared, UsualDelay
from hopscope.wire.messages import (
    Answered,
    Event,
    Failed,
    Finished,
    Late,
    Lost,
    Protocol,
    RoundStarted,
    Sent,
    SourceChanged,
    Started,
)

if TYPE_CHECKING:
    from hopscope.judge.links import BadLinks

_MAX_TTL: Final = 255
_MAX_ROUND: Final = 2**40
_MAX_NS: Final = 2**62


class Judge:
    """One target's judge: a fold over its facts. `address`, `protocol` and `first_ttl` come from its plan; it judges
    the probes of one flow. Not for several threads; what `judged` gives may be kept and read anywhere."""

    def __init__(self, address: str, protocol: Protocol = "icmp", first_ttl: int = 1, *, flow: int = 0) -> None:
        self.version = 0
        """Grows with what `judged` gives."""
        self._plan = address, protocol, first_ttl
        self._flow = flow
        self._since = 0
        self._incidents = Incidents()
        self._cached: Judged | None = None
        self._open = OpenRounds()
        self._path = PathJudge(*self._plan, self._incidents)

    def copy(self) -> Judge:
        """The same, to be continued by itself."""
        return copy.deepcopy(self)

    def anew(self) -> Judge:
        """Another one, to be reset; this one stays as it is."""
        twin = copy.copy(self)
        twin._incidents = self._incidents.copy()
        return twin

    def go_on_after(self, other: Judge) -> None:
        """Be asked in the place of `other`: as something newer."""
        self.version = max(self.version, other.version)
        self._changed()

    def compared(self, links: BadLinks | None, *, is_limited: bool = False, is_reached: bool = False) -> None:
        """What a comparison of the target's flows found by the newest round; it counts from the next one on. They share
        a few answers a round (`is_limited`); others than this one reach the target (`is_reached`)."""
        self._path.compared(links, is_limited=is_limited, is_reached=is_reached)

    # --- facts ------------------------------------------------------------------------------------------------

    def apply(self, fact: Event | DriverFact) -> None:
        """Fold one fact of this target. What is out of range or of no concern is ignored."""
        if type(fact) is Sent or type(fact) is Answered or isinstance(fact, (Answered, Lost, Failed)):
            if (
                fact.flow == self._flow
                and self._since <= fact.sent_at < _MAX_NS
                and 0 < fact.ttl <= _MAX_TTL
                and 0 <= fact.round < _MAX_ROUND
            ):
                if type(fact) is Answered:
                    if 0 <= fact.rtt_ns < _MAX_NS and self._open.settle(fact):
                        self._judge_complete()
                elif isinstance(fact, Sent):
                    self._open.send(fact)
                else:
                    self._settle(fact)
        elif isinstance(fact, RoundStarted):
            if self._since <= fact.at < _MAX_NS and 0 <= fact.round < _MAX_ROUND:
                self._open.begin(fact.round, fact.at)
                self._judge_complete()
        elif isinstance(fact, Shared):
            if fact.probe is not None:
                self.apply(fact.probe)
        elif isinstance(fact, Finished):
            self._judge_complete(all_of_them=True)
        else:
            self._driven(fact)

    def _settle(self, fact: Answered | Lost | Failed) -> None:
        """What became of a probe that was not answered in time."""
        if isinstance(fact, Answered):
            if isinstance(fact, Late) and 0 <= fact.rtt_ns < _MAX_NS:
                self._open.late(fact)
            return
        if self._open.settle(fact):
            self._judge_complete()

    def _driven(self, fact: Event | DriverFact) -> None:
        """What is no probe's and no round's."""
        if isinstance(fact, Paused):
            self._incidents.mark("pause", fact.at)
        elif isinstance(fact, Resumed):
            self._incidents.end_mark("pause", fact.at)
        elif isinstance(fact, Reset):
            self._reset(fact.at)
        elif isinstance(fact, Abandoned):
            self._open.abandon()
            self._judge_complete()
        elif isinstance(fact, SourceChanged):
            self._incidents.mark("source-change", fact.at, before=fact.before, after=fact.after)
            self._path.moved(fact.after)
        elif isinstance(fact, Started):
            self._path.source, self._path.packet_size = fact.source, fact.packet_size
            return
        elif isinstance(fact, Continued):
            self._incidents.mark("worker-restart", fact.at)
        elif isinstance(fact, Remembered):
            self._path.remember(fact.delays)
            return
        else:
            return
        self._changed()

    def _reset(self, at: int) -> None:
        """Statistics anew; what was wrong is remembered, and if it goes on it is found again."""
        self._since = at
        self._incidents.end_all(at)
        self._incidents.mark("reset", at)
        source, size = self._path.source, self._path.packet_size
        self._open = OpenRounds()
        self._path = PathJudge(*self._plan, self._incidents)
        self._path.source, self._path.packet_size = source, size
        self._cached = None

    def _changed(self) -> None:
        self.version += 1
        self._cached = None

    def _judge_complete(self, *, all_of_them: bool = False) -> None:
        for complete in self._open.complete(all_of_them=all_of_them):
            lates = self._open.late_until(None if complete.is_last else complete.until)
            self._path.take(complete, lates, is_last=all_of_them)
            self._changed()
        if all_of_them:
            self._path.turn_late(self._open.late_until(None))

    # --- what is found ----------------------------------------------------------------------------------------

    def judged(self) -> Judged:
        """All that there is to say; the same object as before while nothing changed."""
        if self._cached is None:
            incidents = self._incidents
            self._cached = Judged(
                verdict=self._path.verdict(with_notes=True),
                incidents=incidents.all(),
                forgotten=incidents.forgotten,
                marks=tuple(incidents.marks),
                epochs=self._path.epochs(),
            )
        return self._cached

    @property
    def begun(self) -> dict[str, int]:
        """How often something was wrong, by its kind. Not to be changed."""
        return self._incidents.begun

    def verdict(self) -> Verdict:
        """The verdict alone, without its notes: a small part of the cost."""
        return self._path.verdict(with_notes=False) if self._cached is None else self._cached.verdict

    def usual_delays(self) -> tuple[UsualDelay, ...]:
        """What was usual of late, for a later judge of the same path to remember."""
        return self._path.usual_delays()
