"""A target's facts, applied one after the other, and told as the events that a consumer of a live run would get."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hopscope.session.events import StreamEvent, probe_event, sent_event
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.model import Target
from hopscope.session.target import TargetRecord
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Answered, Failed, Finished, Lost, Sent, Started


class Teller:
    """One target."""

    def __init__(
        self, number: int, asked: Asked, shown: Callable[[TargetRecord], Target], *, departures: bool = False
    ) -> None:
        """`shown` gives the target as it may be told of; `departures`: each probe that leaves is told as well."""
        self.record = TargetRecord(number, asked)
        self._shown = shown
        self._departures = departures
        self._now = asked.at

    def hear(self, fact: TargetFact) -> list[StreamEvent]:
        """The next fact. `IllegalFact`."""
        record = self.record
        said: list[StreamEvent | None] = []
        if isinstance(fact, (Asked, Begun)):
            said.append(record.ended())
        self._now = getattr(fact, "at", self._now)
        went_over = record.fold.went_over
        record.fold.apply(fact)
        match fact:
            case Started():
                if record.fold.went_over != went_over:
                    said.append(record.ended())
                said.append(record.begun(self._now))
            case Finished():
                said += [*self._news(), record.ended()]
            case Answered() | Lost() | Failed() if record.head is not None:
                said.append(probe_event(record.name, fact))
            case Sent() if record.head is not None and self._departures:
                said.append(sent_event(record.name, fact))
        return [event for event in (*said, *self._news()) if event is not None]

    def _news(self) -> Sequence[StreamEvent]:
        if self.record.head is None:
            return ()
        return self.record.told(lambda: self._shown(self.record))

    def end(self) -> list[StreamEvent]:
        """What is told where nothing more comes."""
        ended = self.record.ended()
        return [] if ended is None else [ended]
