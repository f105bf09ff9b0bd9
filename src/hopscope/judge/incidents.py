"""What was wrong, and what happened: incidents, marks and epochs, remembered for the life of a run within bounds.

The same trouble in the same place again is one incident that was seen several times.
"""

from __future__ import annotations

import copy
from collections import deque
from typing import Final

import msgspec

from hopscope.judge.verdict import Incident, Mark, MarkKind, Trouble

MAX_INCIDENTS: Final = 1000
MAX_MARKS: Final = 1000


class Incidents:
    """The incidents and marks of one target. The newest incident that lasts is `open`."""

    def __init__(self) -> None:
        self._incidents: dict[str, Incident] = {}
        self._made = 0
        self.begun: dict[str, int] = {}
        """How often something was wrong, by its kind: what came again, too."""
        self._kept: tuple[Incident, ...] | None = ()
        self._routers: dict[str, frozenset[str]] = {}
        """By the incident's id, those that it concerns."""
        self._counted_to: dict[str, int] = {}
        """By the incident's id, up to when its probes are counted (before that moment)."""
        self._before = (0, 0)
        """What the open one's flows had sent and lost the times before."""
        self.open: str | None = None
        """The id of the one that lasts."""
        self._counted: dict[str, tuple[int, int]] = {}
        """By the incident's id, what it had sent and lost before it began, or came again."""
        self.forgotten = 0
        self.marks: deque[Mark] = deque(maxlen=MAX_MARKS)

    def copy(self) -> Incidents:
        """The same, to be continued by itself."""
        twin = copy.copy(self)
        twin._incidents, twin.marks, twin.begun = self._incidents.copy(), self.marks.copy(), self.begun.copy()
        twin._routers, twin._counted_to = self._routers.copy(), self._counted_to.copy()
        twin._counted = self._counted.copy()
        return twin

    def all(self) -> tuple[Incident, ...]:
        """In the order of their (first) begin."""
        if self._kept is None:
            self._kept = tuple(sorted(self._incidents.values(), key=lambda incident: incident.begin))
        return self._kept

    def begin(
        self,
        kind: Trouble,
        at: int,
        first_ttl: int | None,
        last_ttl: int | None,
        addresses: tuple[str | None, str | None],
        now: int,
        *,
        routers: frozenset[str] = frozenset(),
        goes_on: bool = False,
        is_apart: bool = False,
        stand_in: int | None = None,
    ) -> int:
        """Something is wrong since `at`; what was open has ended then, or now, and is another one. `routers`: those
        that it concerns, where that is known; with none of them in common it is another one. What `goes_on` is the same
        as before, with graver trouble in between; what `is_apart` has left the place of the newest incident, and so is
        another one. `stand_in`: see `Incident`. Up to when its probes are counted already, since it comes again; 0: it
        is new."""
        other = self.open
        if other is None and is_apart:
            other = self.newest
        elif other is not None:
            self.end(at if at > self._incidents[other].begin else now)
            self._counted_to[other] = now + 1
        again = self._same(kind, first_ttl, last_ttl, routers, goes_on=goes_on, other=other)
        # What began before it ended was there all the time.
        goes_on = again is not None and (goes_on or (again.end is not None and at < again.end))
        self.begun[kind] = self.begun.get(kind, 0) + (not goes_on)
        counted = 0 if again is None else self._counted_to.get(again.id, 0)
        if again is not None:
            incident = msgspec.structs.replace(again, end=None, times=again.times + (not goes_on))
            if first_ttl is not None and last_ttl is not None:
                incident = msgspec.structs.replace(incident, first_ttl=first_ttl, last_ttl=last_ttl)
        else:
            self._made += 1
            incident = Incident(
                id=f"{self._made}-{kind}",
                kind=kind,
                begin=at,
                first_ttl=first_ttl,
                last_ttl=last_ttl,
                addresses=addresses,
            )
        if stand_in is not None:
            incident = msgspec.structs.replace(incident, stand_in=stand_in)
        self._before = (incident.sent, incident.lost) if incident.of_flows else (0, 0)
        # The newest stands last, so that the one that is forgotten first is the one that was open longest ago.
        self._incidents.pop(incident.id, None)
        self._incidents[incident.id] = incident
        self._kept, self._counted[incident.id] = None, (incident.sent, incident.lost)
        self.open = incident.id
        if routers:
            self._routers[incident.id] = routers
        while len(self._incidents) > MAX_INCIDENTS:
            oldest = next(iter(self._incidents))
            del self._incidents[oldest]
            self._routers.pop(oldest, None)
            self._counted_to.pop(oldest, None)
            self._counted.pop(oldest, None)
            self.forgotten += 1
        return counted

    def _same(
        self,
        kind: Trouble,
        first_ttl: int | None,
        last_ttl: int | None,
        routers: frozenset[str],
        *,
        goes_on: bool,
        other: str | None,
    ) -> Incident | None:
        """The newest of this kind whose place may be the same; not the `other` one."""
        for incident in reversed(self._incidents.values()):
            if incident.kind != kind or incident.id == other:
                continue
            if goes_on and kind == "no-answer":
                return incident
            if first_ttl is None or last_ttl is None or incident.first_ttl is None or incident.last_ttl is None:
                if first_ttl == incident.first_ttl:
                    return incident
            elif first_ttl <= incident.last_ttl and incident.first_ttl <= last_ttl:
                known = self._routers.get(incident.id, routers)
                if known & routers or not known or not routers:
                    return incident
        return None

    @property
    def newest(self) -> str | None:
        """The id of the one that lasted last."""
        return next(reversed(self._incidents), None)

    def update(
        self,
        *,
        place: tuple[int | None, int | None] | None = None,
        addresses: tuple[str | None, str | None] | None = None,
        sent: int = 0,
        lost: int = 0,
        in_all: tuple[int, int] | None = None,
        delay_ns: int | None = None,
        confidence: float | None = None,
        anew: bool = False,
        stand_in: int | None = None,
        aside: str | None = None,
    ) -> None:
        """What is known better of the open one, or of the one `aside`. `sent` and `lost` are added to what it has, or,
        `anew`, to what it had when it began this time; `in_all` is what the flows that are bad sent and lost since it
        is open; `stand_in`: of the numbers, see `Incident`."""
        which = self.open if aside is None else aside
        incident = None if which is None else self._incidents.get(which)
        if which is None or incident is None:
            return
        changes: dict[str, object] = {}
        is_moved = place is not None and place != (incident.first_ttl, incident.last_ttl)
        if place is not None and is_moved:
            changes["first_ttl"], changes["last_ttl"] = place
        if addresses is not None and (is_moved or (in_all is not None and addresses != incident.addresses)):
            changes["addresses"] = addresses
        if sent:
            counted = self._counted[which] if anew else (incident.sent, incident.lost)
            changes["sent"], changes["lost"] = counted[0] + sent, counted[1] + lost
            if anew:
                changes["stand_in"] = stand_in
        if in_all is not None:
            sent, lost = self._before[0] + in_all[0], self._before[1] + in_all[1]
            if not incident.of_flows or sent >= incident.sent:
                changes["sent"], changes["lost"], changes["of_flows"] = sent, lost, True
        if delay_ns is not None and delay_ns > (incident.delay_ns or 0):
            changes["delay_ns"] = delay_ns
        if confidence is not None and confidence > incident.confidence:
            changes["confidence"] = confidence
        if changes:
            self._incidents[which] = msgspec.structs.replace(incident, **changes)
            self._kept = None

    def came_again(self) -> None:
        """What is open, and comes and goes, is there once more."""
        if self.open is not None:
            incident = self._incidents[self.open]
            self._incidents[self.open] = msgspec.structs.replace(incident, times=incident.times + 1)
            self.begun[incident.kind] += 1
            self._kept = None

    # --- what goes on beside the open one -------------------------------------------------------------------------

    def set_aside(self) -> str | None:
        """What is open goes on beside what is told of next; its id."""
        aside, self.open = self.open, None
        return aside

    def begin_aside(
        self,
        kind: Trouble,
        at: int,
        place: tuple[int | None, int | None],
        addresses: tuple[str | None, str | None],
        now: int,
        *,
        stand_in: int | None = None,
    ) -> tuple[str | None, int]:
        """Something is wrong since `at` beside what is told of: its id, and what `begin` says."""
        told, self.open, before = self.open, None, self._before
        counted = self.begin(kind, at, *place, addresses, now, stand_in=stand_in)
        aside, self.open, self._before = self.open, told, before
        self._be_newest(told)
        return aside, counted

    def take_up(self, aside: str) -> None:
        """What went on beside is told of again."""
        if aside in self._incidents:
            self.open = aside
            self._be_newest(aside)
            self.resume(aside)

    def resume(self, aside: str) -> None:
        """What went on beside, and seemed to be over, has gone on all the time."""
        incident = self._incidents.get(aside)
        if incident is not None and incident.end is not None:
            self._incidents[aside], self._kept = msgspec.structs.replace(incident, end=None), None

    def count_on(self, aside: str) -> None:
        """What was counted stays; `anew` is from now on."""
        incident = self._incidents.get(aside)
        if incident is not None:
            self._counted[aside] = incident.sent, incident.lost

    def end_aside(self, aside: str, at: int) -> None:
        """What went on beside is over since `at`."""
        if aside in self._incidents:
            told, self.open = self.open, aside
            self.end(at)
            self.open = told

    def end_all(self, at: int) -> None:
        """All that lasts is over since `at`."""
        self.end(at)
        for aside in [incident.id for incident in self._incidents.values() if incident.end is None]:
            self.end_aside(aside, at)

    def _be_newest(self, incident: str | None) -> None:
        if incident is not None and incident in self._incidents:
            self._incidents[incident] = self._incidents.pop(incident)

    def retell(self, kind: Trouble) -> None:
        """The open one is of this kind, as is known by now."""
        if self.open is not None:
            self._incidents[self.open] = msgspec.structs.replace(self._incidents[self.open], kind=kind)
            self._kept = None

    def end(self, at: int) -> None:
        """What was open is over since `at`."""
        if self.open is None:
            return
        incident = self._incidents[self.open]
        self._incidents[self.open] = msgspec.structs.replace(incident, end=max(at, incident.begin))
        self._counted_to[self.open] = at
        self._kept = None
        self.open = None

    def mark(
        self,
        kind: MarkKind,
        at: int,
        *,
        end: int | None = None,
        ttl: int | None = None,
        before: str | None = None,
        after: str | None = None,
    ) -> None:
        """Something happened that is no trouble."""
        self.marks.append(Mark(kind=kind, begin=at, end=end, ttl=ttl, before=before, after=after))

    def end_mark(self, kind: MarkKind, at: int) -> None:
        """The newest mark of this kind is over."""
        for i in range(len(self.marks) - 1, -1, -1):
            if self.marks[i].kind == kind:
                if self.marks[i].end is None:
                    self.marks[i] = msgspec.structs.replace(self.marks[i], end=at)
                return
