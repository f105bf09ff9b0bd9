"""What the worker says of targets becomes facts of theirs, and is told to the consumers of events."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from hopscope.names.clean import clean
from hopscope.session.events import probe_event, sent_event
from hopscope.session.feeds import Feeds
from hopscope.session.plans import numeric
from hopscope.session.sharing import Sharing
from hopscope.session.target import TargetRecord, cleaned
from hopscope.session.target_fold import IllegalFact
from hopscope.session.targets import Targets
from hopscope.wire.discovered import Discovered
from hopscope.wire.facts import Abandoned
from hopscope.wire.messages import (
    Answered,
    Event,
    Failed,
    Finished,
    Lost,
    Refused,
    RoundStarted,
    Sent,
    SourceChanged,
    Started,
)

_LONGEST_ADDRESS: Final = 64
_PASSING: Final = ("no-route", "address", "permission", "limit")
"""Reasons of a refusal that may pass: a route or an interface comes, the user allows it."""


@lru_cache(maxsize=1 << 14)
def _is_address(text: str) -> bool:
    return len(text) <= _LONGEST_ADDRESS and numeric(text) is not None and clean(text) == text


class Listener:
    """Hears one worker after the other (`hopscope.session.supervisor`)."""

    def __init__(
        self,
        targets: Targets,
        feeds: Feeds,
        *,
        now: Callable[[], int],
        garbage: Callable[[str], None],
        tell_news: Callable[[TargetRecord], None],
    ) -> None:
        """`now` is epoch ns on the session's time line; `garbage` is told why something could not be used; `tell_news`
        is called after each fact of a target's, where somebody listens."""
        self._tell_news = tell_news
        self._targets = targets
        self._feeds = feeds
        self._now = now
        self._garbage = garbage
        self._sharing = Sharing(targets.apply)
        targets.on_drop = self._sharing.forget

    def heard(self, event: Event) -> None:
        """An event of a target's, on this machine's time line."""
        record = self._targets.of_flow(getattr(event, "target", 0))
        if record is None:
            return  # of a flow that was stopped
        try:
            self._hear(record, event)
        except IllegalFact as why:
            self._garbage(str(why))

    def _hear(self, record: TargetRecord, event: Event) -> None:
        if type(event) is Sent:
            self._targets.apply(record, event)
        elif type(event) is Answered or isinstance(event, Answered):
            if not self._sees(event.address):
                return
            self._targets.apply(record, event)
        elif isinstance(event, (Lost, RoundStarted)):
            self._targets.apply(record, event)
        else:
            event = self._hear_other(record, event)
        if len(self._targets) > 1 or record.fold.probing.flows != 1:
            self._sharing.heard(record, event)
        if record.head is None or not self._feeds.wanted:
            return
        if isinstance(event, (Answered, Lost, Failed)):
            self._feeds.put(probe_event(record.name, event))
        elif isinstance(event, Sent) and self._feeds.wants_departures:
            self._feeds.put(sent_event(record.name, event))
        self._tell_news(record)

    def _hear_other(self, record: TargetRecord, event: Event) -> Event:
        """What comes rarely; as it may be told of."""
        match event:
            case Started():
                went_over = record.fold.went_over
                self._targets.apply(record, cleaned(event))
                if event.number:
                    return event  # one more flow of a target that stands
                record.retries.succeeded()
                if record.fold.went_over != went_over:
                    self._feeds.put(record.ended())  # who follows the events hears of another method by a new head
                self._feeds.put(record.begun(self._now()))
            case Refused():
                self._refused(record, event)
            case SourceChanged():
                self._targets.apply(record, cleaned(event))
            case Discovered():
                if all(self._sees(router.address) for hop in event.hops for router in hop.routers if router.address):
                    self._targets.apply(record, cleaned(event))
            case Failed():
                event = cleaned(event)
                self._targets.apply(record, event)
            case Finished():
                self._targets.apply(record, event)
                self._tell_news(record)
                self._feeds.put(record.ended())
        return event

    def _refused(self, record: TargetRecord, refusal: Refused) -> None:
        self._targets.forget_flow(record)
        plan = record.plan_after(refusal)
        why = record.explained(refusal)
        if plan is not None:
            self._feeds.put(record.ended())
            self._targets.begin(record, plan, why)
            return
        self._targets.apply(record, why)
        if refusal.reason in _PASSING:
            self._targets.try_later(record)

    def _sees(self, address: str) -> bool:
        """Can this be an address? Its name is looked up when it is shown: by `snapshot`."""
        if not _is_address(address):
            self._garbage(f"{address[:_LONGEST_ADDRESS]!r} is no address")
            return False
        return True

    def due_s(self) -> float | None:
        """After so many seconds the next event is due, None: none is. A target that is being probed is heard of in each
        round, and after its last one within the timeout."""
        return min(
            (
                (plan.timeout_ns if fold.has_begun_all_rounds else plan.interval_ns) / 1e9
                for fold in (record.fold for record in self._targets)
                if (plan := fold.plan) is not None and fold.phase in ("starting", "running") and not fold.is_paused
            ),
            default=None,
        )

    def gone(self) -> None:
        """The worker ended."""
        for record in self._targets:
            if not record.is_over:
                gone = Abandoned(self._now(), "the probe worker ended while this probe was in flight")
                self._targets.apply(record, gone)
                self._tell_news(record)

    def back(self) -> None:
        """A new worker can be told things: what was being probed goes on."""
        self._targets.forget_flows()
        for record in self._targets:
            if not record.flow_id or record.fold.phase == "finished":
                continue
            if not self._targets.go_on(record):
                record.flow_id = 0
                rounds = record.fold.last_round + 1 - record.fold.plan.first_round if record.fold.plan else 0
                self._targets.apply(record, Finished(0, rounds))
                self._feeds.put(record.ended())
