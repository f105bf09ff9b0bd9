"""What consumers of events are told of a target's verdict, incidents, marks and path, once for each change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

import msgspec

from hopscope.judge.verdict import Incident, Judged, Mark, Verdict
from hopscope.session.events import EpochEvent, IncidentEvent, MarkEvent, VerdictEvent
from hopscope.session.model import Target
from hopscope.session.report_verdict import report_epoch, report_incident, report_mark, report_verdict, said_of
from hopscope.words.numbers import iso

Told: TypeAlias = VerdictEvent | IncidentEvent | MarkEvent | EpochEvent
E = TypeVar("E", VerdictEvent, IncidentEvent, MarkEvent, EpochEvent)

_AT_FIRST = Verdict(kind="starting")


class News:
    """What a target's consumers were told already. Numbers that move with every round are no news."""

    def __init__(self) -> None:
        self._judged = Judged(verdict=_AT_FIRST)

    def of(self, judged: Judged, shown: Callable[[], Target], name: str) -> list[Told]:
        """What is new since the last call. `shown` gives the target as it may be told of, and is asked only where there
        is something to tell; `name` is what events call it."""
        before, self._judged = self._judged, judged
        if judged is before:
            return []
        epochs = _newer(before, judged)
        marks = _unknown(before, judged)
        incidents = _changed(before, judged)
        is_other = _key(judged.verdict) != _key(before.verdict)
        if not (epochs or marks or incidents or is_other):
            return []
        target = shown()
        now, said = target.judged, said_of(target)
        events: list[Told] = [
            _event(EpochEvent, report_epoch(now.epochs[i]), name, now.epochs[i].begin) for i in epochs
        ]
        events += [_event(MarkEvent, report_mark(now.marks[i]), name, _end(now.marks[i])) for i in marks]
        for i in incidents:
            incident = now.incidents[i]
            events.append(_event(IncidentEvent, report_incident(incident, said), name, _moment(incident, now.verdict)))
        if is_other:
            events.append(_event(VerdictEvent, report_verdict(target, said), name, now.verdict.at))
        return events


def _newer(before: Judged, judged: Judged) -> list[int]:
    """Places of epochs that are new."""
    newest = before.epochs[-1].begin if before.epochs else None
    return [i for i, epoch in enumerate(judged.epochs) if newest is None or epoch.begin > newest]


def _unknown(before: Judged, judged: Judged) -> list[int]:
    """Places of marks that are new, or have ended."""
    if judged.marks == before.marks:
        return []
    known = set(before.marks)
    return [i for i, mark in enumerate(judged.marks) if mark not in known]


def _changed(before: Judged, judged: Judged) -> list[int]:
    """Places of incidents that have begun or ended. That one which lasts has come once more is no news."""
    if judged.incidents is before.incidents:
        return []
    stood = {incident.state for incident in before.incidents}
    lasted = {(incident.id, incident.kind) for incident in before.incidents if incident.end is None}
    return [
        i
        for i, incident in enumerate(judged.incidents)
        if incident.state not in stood and not (incident.end is None and (incident.id, incident.kind) in lasted)
    ]


def _key(verdict: Verdict) -> tuple[object, ...]:
    n = verdict.numbers
    return verdict.kind, verdict.first_ttl, verdict.last_ttl, n.says, n.address, verdict.was, verdict.comes_and_goes


def _end(mark: Mark) -> int:
    return mark.begin if mark.end is None else mark.end


def _moment(incident: Incident, verdict: Verdict) -> int:
    """When it began, began again, or ended."""
    if incident.end is not None:
        return incident.end
    return incident.begin if incident.times == 1 else verdict.since or verdict.at


def _event(kind: type[E], body: msgspec.Struct, name: str, at: int) -> E:
    values = {field: getattr(body, field) for field in body.__struct_fields__}
    return kind(**values, target=name, at=iso(at))
