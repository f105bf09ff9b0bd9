"""What is known of one target: a fold over the stream of its facts (`hopscope.session.facts`).

Nothing but `TargetFold.apply` changes it, so a recorded stream gives the same snapshots again, and a fold can be
stopped, copied and continued. What phase it is in is a table, by the phase before and the fact; a fact that has no
place there is an `IllegalFact`.
"""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from hopscope.judge.judge import Judge
from hopscope.names.clean import clean
from hopscope.names.facts import Namer
from hopscope.path.bins import SpanBins
from hopscope.path.flows import ParallelFlows
from hopscope.path.fold import PathFold
from hopscope.path.log import MOST_BYTES
from hopscope.path.past import Past, fold_of
from hopscope.path.shared import SharedHops
from hopscope.path.totals import Totals
from hopscope.path.windows import WindowName
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.former import Former, FormerFlow, Formers, another_way
from hopscope.session.model import Target, TargetState
from hopscope.session.phases import OF_JUDGE, OF_PATH, PHASES, Phase
from hopscope.session.plans import adjusted, continued
from hopscope.session.query import read_query
from hopscope.session.target_notes import HowProbed, notes_of
from hopscope.session.target_view import TargetView
from hopscope.session.told import Told
from hopscope.wire.discovered import Discovered
from hopscope.wire.facts import (
    Abandoned,
    Adjusted,
    Begun,
    Continued,
    Found,
    Paused,
    Reset,
    Resumed,
    Shared,
    TakenBack,
    Unresolved,
)
from hopscope.wire.messages import (
    Answered,
    Failed,
    Finished,
    Lost,
    Plan,
    Refused,
    RoundStarted,
    Sent,
    SourceChanged,
    Started,
)

if TYPE_CHECKING:
    from hopscope.session.comparison import Comparison


class IllegalFact(Exception):
    """A fact that cannot happen in the target's phase."""


class TargetFold:
    """One target's state, changed by facts alone. `number` is the session's own."""

    def __init__(self, number: int, asked: Asked) -> None:
        """`ValueError` where what was typed can be no target."""
        self.number = number
        self.phase: Phase = "resolving"
        self.is_paused = False
        self.probing = asked.probing
        self.wanted = read_query(asked.query)
        """Whom to look up, and the port that stood beside it."""
        self.wanted_as_typed = asked.query
        self.query = clean(self.wanted.host)
        self.plan: Plan | None = None
        self.started: Started | None = None
        self.refusal: Refused | None = None
        self.unresolved: Unresolved | None = None
        self.fell_back: Refused | None = None
        """Why ICMP was refused, where UDP is probed in its place."""
        self.went_over: str | None = None
        """From which round on it is probed in another way, in words."""
        self.source_change: SourceChanged | None = None
        self.last_round = -1
        self.path = PathFold("")
        self.past = Past(MOST_BYTES)
        """What the path was at earlier moments, as far as there is room for it."""
        self.judge = Judge("")
        self.flows = ParallelFlows()
        """Beside the first one, whose path is `path`."""
        self.comparison: Comparison | None = None
        """Of all its flows, once there are several."""
        self.shared = SharedHops()
        """What all targets know of the routers that this one shares with others."""
        self.told = Told()
        """What snapshots said of it, and when."""
        self.formers = Formers()
        """What there was before a reset, and before it was probed in another way."""
        self.before: Totals | None = None
        """What was counted before the statistics were begun anew; None: they never were."""
        self.version = 0
        """Grows with every fact."""
        self._address: str | None = None
        self._before: Started | None = None
        """How it was probed before the flow that was continued, until that has said how it is now."""
        self._view = TargetView()

    def copy(self) -> TargetFold:
        """The same, to be continued by itself."""
        twin = copy.copy(self)
        twin.path = self.path.copy()
        twin.past = self.past.copy()
        twin._view = TargetView()
        twin.judge = self.judge.copy()
        twin.flows = self.flows.copy()
        twin.comparison = self.comparison and self.comparison.copy()
        twin.shared = self.shared.copy()
        twin.told = self.told.copy()
        twin.formers = self.formers.copy()
        return twin

    # --- facts ------------------------------------------------------------------------------------------------

    def apply(self, fact: TargetFact) -> None:
        """The next fact. `IllegalFact`, and nothing has changed then."""
        # `isinstance` asks a struct's metaclass, slowly, unless the type is the very one: the frequent ones come first.
        if type(fact) is Sent or type(fact) is Answered or isinstance(fact, (Answered, Lost, Failed)):
            if self.phase != "running":  # where a probe's facts are legal, and change no phase
                self._step(fact)
            self.version += 1
            if self.formers.kept:
                self.formers.see(fact)
            path = self.path
            path.apply(fact)
            self.past.append(fact, path)
            self.judge.apply(fact)
            if self.shared.hops and isinstance(fact, (Answered, Lost)):
                self.shared.met(fact)
            if self.flows.folds:
                self.flows.apply(fact)
            return
        kind = type(fact)
        self._step(fact)
        self.version += 1
        if isinstance(fact, Reset):
            self._keep_former(fact.at, None)
            self._count_before()
            self.shared, self.comparison = SharedHops(), None
            self.flows.reset(fact.at)
            self.path, self.judge = self.path.anew(), self.judge.anew()
        elif self.formers.kept:
            self.formers.see(fact)
        if kind in OF_PATH and not isinstance(fact, Asked):
            if kind is Reset:
                self.past.timeline.take(self.path.snapshot(), is_over=True)
            self.path.apply(fact)
            self.past.append(fact, self.path)
            self.judge.apply(fact)
            if self.flows.folds and isinstance(fact, (Finished, Abandoned)):
                self.flows.apply(fact)
            if kind is not RoundStarted:
                return
        elif kind in OF_JUDGE and not isinstance(fact, Asked):
            self.judge.apply(fact)
        match fact:
            case RoundStarted():
                self.last_round = max(self.last_round, fact.round)
                if self.flows.folds:
                    self._compare(fact.round)
                if self.past.timeline.is_due(fact.round):
                    self.past.timeline.take(self.path.snapshot())
            case Shared():
                self.shared.told(fact)
            case Discovered():
                if self.flows.found(fact):
                    self.comparison = None
                    if not self.flows.folds:
                        self.judge.compared(None)  # there is none to compare with any more
            case Found():
                self._address = fact.address
            case Paused() | Resumed():
                self.is_paused = isinstance(fact, Paused)
            case Adjusted():
                self.probing, self.plan = adjusted(self.probing, self.plan, fact.change)
            case SourceChanged():
                self.source_change = fact
            case Asked():
                if self.plan is not None and self.has_rounds:
                    self._keep_former(fact.at, FormerFlow(self.probing, self.plan, self.started, self.last_round))
                self.probing = fact.probing
            case TakenBack():
                self._take_back(fact)
            case Unresolved():
                self.started = self.refusal = None
                self.unresolved = fact
            case Begun():
                self._begin(fact)
            case Continued():
                self._before = self.started if self.has_rounds else None
            case Started():
                self._start(fact)
            case Refused():
                self._refuse(fact)

    def _step(self, fact: TargetFact) -> None:
        """Go on to the phase after a fact. `IllegalFact`."""
        phase = PHASES.get(type(fact), {}).get(self.phase)
        if phase is None:
            raise IllegalFact(f"{type(fact).__name__} of a target that is {self.phase}")
        self.phase = phase

    def _compare(self, round_: int) -> None:
        """Tell the judge what the flows are like beside each other."""
        beside = self.comparison
        if beside is None:
            from hopscope.session.comparison import Comparison  # with several flows alone

            beside = self.comparison = Comparison()
        port = self.started.source_port if self.started is not None else None
        links = beside.look(self.path, port, self.flows, round_)
        self.judge.compared(links, is_limited=beside.is_limited, is_reached=beside.is_reached)

    def _begin(self, fact: Begun) -> None:
        plan = fact.plan
        self.plan, self._address = plan, plan.address
        self.started = self.refusal = self.unresolved = self.source_change = None
        self._before = self.went_over = None
        self.fell_back = fact.instead_of
        self.last_round = plan.first_round - 1
        self.past.timeline.take(self.path.snapshot(), is_over=True)
        self._count_before(self.judge.begun)
        self.path = fold_of(fact)
        self.past.append(fact, self.path)
        self.judge = Judge(plan.address, plan.protocol, plan.first_ttl)
        self.shared, self.comparison = SharedHops(), None
        self.flows = ParallelFlows(plan)

    def _keep_former(self, at: int, flow: FormerFlow | None) -> None:
        self.formers.keep(Former(at, self.past.log.count, self.last_round + 1, self.path, self.judge, flow, []))

    def _count_before(self, incidents: Mapping[str, int] = {}) -> None:
        """Statistics are begun anew: remember what was counted. `incidents`: those that the next judge knows nothing
        of."""
        if self.path.version:
            counted = self.path.tallied().totals._replace(incidents=dict(incidents))
            self.before = counted if self.before is None else self.before.plus(counted)

    def _take_back(self, fact: TakenBack) -> None:
        former = self.formers.take()
        if former is None:
            if fact.plan is not None:
                self._begin(Begun(fact.at, fact.plan))
                self.phase = "starting"
            return
        if self.before is not None and self.path is not former.path:
            self.before = self.before.minus(former.counted)
        if former.flow is not None:
            if self.path is not former.path:
                self._count_before(self.judge.begun)  # what was counted in the other way stays counted
            self.past.timeline.take(self.path.snapshot(), is_over=True)
        self.past.timeline.go_on(former.next_round)
        former.path.go_on_after(self.path)
        former.judge.go_on_after(self.judge)
        self.path, self.judge = former.path, former.judge
        self._view = TargetView()
        self.past.leave_out(former.place, former.place + 1 if former.flow is None else self.past.log.count)
        if former.flow is not None:
            self.probing, self.plan, self.started, self.last_round = former.flow
            self.plan = fact.plan or self.plan
            self._address = self.plan.address
            self.refusal = self.unresolved = self.source_change = self.went_over = self.fell_back = None
            self.phase = "starting"
            gone = Abandoned(fact.at, "probed in another way since", "SWITCHED")
            self.path.apply(gone)
            self.past.append(gone, self.path)
            self.judge.apply(gone)
            self.formers.see(gone)

    def _start(self, started: Started) -> None:
        if started.number:
            self.flows.started(started)
            return
        self.started = started
        self.refusal = self.unresolved = None
        if self._before is not None:
            self.went_over = another_way(self._before, started, self.last_round + 1) or self.went_over
            self._before = None

    def _refuse(self, refusal: Refused) -> None:
        # Where UDP is refused as well, what was wanted first is what to tell.
        why = self.fell_back if refusal.reason in ("permission", "unsupported") else None
        self.refusal = why or refusal
        self.unresolved = None
        if not self.has_rounds:
            self.started = None

    # --- what follows from them -------------------------------------------------------------------------------

    @property
    def state(self) -> TargetState:
        """What a user sees of the phase."""
        return "paused" if self.phase == "running" and self.is_paused else self.phase

    @property
    def address(self) -> str | None:
        """The numeric address that is, or was to be, probed."""
        return self._address

    @property
    def is_worth_waiting_for(self) -> bool:
        """What kept it from starting may well pass: no route, no name server."""
        if self.phase == "refused":
            return self.refusal is not None and self.refusal.reason == "no-route"
        return self.phase == "unresolved" and self.unresolved is not None and self.unresolved.is_temporary

    @property
    def has_rounds(self) -> bool:
        """Whether something was measured already."""
        return self.plan is not None and self.last_round >= self.plan.first_round

    @property
    def has_begun_all_rounds(self) -> bool:
        """Whether no further round follows the one under way."""
        plan = self.plan
        return plan is not None and plan.rounds is not None and self.last_round + 1 >= plan.first_round + plan.rounds

    def continued(self) -> Plan | None:
        """The plan with which a new flow goes on after the rounds that were begun; None: they all were."""
        assert self.plan is not None
        return continued(self.plan, self.last_round)

    def taken_back(self, now: int) -> TakenBack | None:
        """What takes the last reset, or the last other way of probing, back at this moment; None: nothing can."""
        former = self.formers.newest(now)
        if former is None:
            return None
        if former.flow is None:
            return TakenBack(now)
        plan = continued(former.flow.plan, former.flow.last_round)
        return None if plan is None else TakenBack(now, plan)

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Target.notes`."""
        how = HowProbed(self.query, self._address, self.wanted, self.wanted_as_typed, self.plan, self.started)
        return notes_of(how, self.fell_back, self.went_over)

    def bins(self, begin: int, end: int, span: int, ttls: Container[int] = range(256)) -> list[SpanBins]:
        """Bins of the time from `begin` to `end` (epoch ns), before a reset too: see `Timeline.between`."""
        return self.past.timeline.between(self.path.snapshot(), begin, end, span, ttls)

    def snapshot(
        self,
        namer: Namer | None = None,
        *,
        is_tried_again: bool = False,
        window: WindowName = "start",
        now: int = 0,
        most: int | None = None,
    ) -> Target:
        """The target at this moment: see `TargetView.snapshot`."""
        return self._view.snapshot(self, namer, is_tried_again, window, now, most)
