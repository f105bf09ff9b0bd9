"""All that is said of a target at one moment, made once: the verdict's sentence and place, its grounds and notes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Protocol as Shape

import msgspec

from hopscope.judge.verdict import Incident, Judged, Note, Verdict
from hopscope.names.facts import AddressInfo
from hopscope.names.segments import End
from hopscope.path.snapshot import Path
from hopscope.words.clauses import Background
from hopscope.words.grounds import against, evidence, note_words, steps
from hopscope.words.headline import Headline, State, headline
from hopscope.words.places import Course, Place, course, epoch_at, place_of, place_of_incident
from hopscope.words.verdicts import Circumstances, Clock, Sentence, sentence


class Subject(Shape):
    """A target, as far as words are made of it."""

    @property
    def query(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def judged(self) -> Judged: ...
    @property
    def names(self) -> Mapping[str, AddressInfo]: ...
    @property
    def end(self) -> End: ...


def _counted(judged: Judged, path: Path) -> Verdict:
    """The verdict, with the counts of all since the start where it speaks of that: the target's own, as the table has
    them, or the incident's, where other trouble took packets in that time. One number of one thing."""
    target, started, verdict, incident = path.target_hop, path.started_at, judged.verdict, judged.open
    if incident is not None and incident.stand_in is not None:
        return verdict
    if verdict.kind != "loss" or target is None or started is None or path.numbers.name != "start":
        return verdict
    if verdict.since is None or verdict.since > started or not target.lost:
        return verdict
    before, rounds = verdict.numbers, path.numbers.rounds
    sent, lost = target.lost + target.received, target.lost
    if incident is not None and any(each.lost for each in judged.incidents if each is not incident):
        rounds, sent, lost = incident.sent, incident.sent, incident.lost
    numbers = msgspec.structs.replace(
        before,
        span_from=started,
        rounds=rounds,
        sent=sent,
        lost=lost,
        behind_sent=before.behind_sent - before.sent + sent,
        behind_lost=before.behind_lost - before.lost + lost,
    )
    return msgspec.structs.replace(verdict, numbers=numbers)


def _rtt(path: Path) -> int | None:
    """The target's median RTT."""
    target = path.target_hop
    median = target.rtt.median if target is not None and target.rtt is not None else None
    return None if median is None else int(median * 1e6)


class Said:
    """What is said of `subject`; each part is made when it is asked for. `clock` shows moments to the reader."""

    def __init__(self, subject: Subject, clock: Clock) -> None:
        self._subject = subject
        self._clock = clock
        self._courses: dict[int | None, Course] = {}
        self.verdict = _counted(subject.judged, subject.path)

    @property
    def since(self) -> int | None:
        """When the verdict's state began, as far as that is known (epoch ns)."""
        return self._subject.judged.since

    @property
    def now(self) -> int:
        """The moment that is shown, as far as facts go (epoch ns)."""
        newest = self._subject.path.last_at
        return self.verdict.at if newest is None else newest

    @property
    def times(self) -> int:
        """How often its trouble came."""
        return self._subject.judged.times

    @property
    def first(self) -> int | None:
        """When its trouble came for the first time, where it came more than once (epoch ns)."""
        incident = self._subject.judged.open
        return None if incident is None or incident.times < 2 else incident.begin

    @cached_property
    def place(self) -> Place:
        """Where it is."""
        verdict = self.verdict
        if verdict.last_ttl is None and verdict.kind not in ("this-computer", "local-network", "bufferbloat"):
            return Place()
        return place_of(verdict, self._course(None))

    @cached_property
    def sentence(self) -> Sentence:
        """The verdict in a line."""
        return sentence(self.verdict, self._setting)

    def headline(self, state: State = "running") -> Headline:
        """The same in whole sentences, for the top of a screen."""
        return headline(self.verdict, self._setting, self._history, state)

    @cached_property
    def _history(self) -> Background:
        """What was, and what the numbers in the table say of the target."""
        path, judged = self._subject.path, self._subject.judged
        now = self.verdict.since if self.verdict.kind == "recovered" else self.verdict.at
        over = [each for each in judged.incidents if each.end is not None and each.end <= (now or each.end)]
        last = max(over, key=lambda each: each.end or 0, default=None)
        target = path.target_hop
        counted = (target.lost, target.lost + target.received) if target is not None else (0, 0)
        last_place = self.place_of(last) if last is not None else Place()
        return Background(last, last_place, *counted, path.numbers.name, path.last_at)

    @property
    def evidence(self) -> tuple[str, ...]:
        """What it rests on."""
        return evidence(self.verdict, self._setting)

    @property
    def against(self) -> tuple[str, ...]:
        """What it is not."""
        return against(self.verdict, self._setting)

    @property
    def steps(self) -> tuple[str, ...]:
        """What to try next."""
        return steps(self.verdict, self._setting)

    def note(self, note: Note) -> str:
        """One of the verdict's notes in words."""
        return note_words(note, self._setting)

    def place_of(self, incident: Incident) -> Place:
        """Where an incident was, by the path of its time."""
        return place_of_incident(incident, self._course(incident.begin))

    @cached_property
    def _setting(self) -> Circumstances:
        subject, was = self._subject, None
        if self.verdict.was is not None:
            was = next((each for each in reversed(subject.judged.incidents) if each.id == self.verdict.was), None)
        place = self.place_of(was) if was is not None else self.place
        path, notes = subject.path, frozenset(note.kind for note in self.verdict.notes)
        return Circumstances(
            place,
            self._course_now,
            self._clock,
            path.protocol,
            subject.query,
            was,
            path.started_at,
            self._rtt(),
            notes,
            self.since,
            self.times,
            self.first,
            path.hops[-1].ttl if path.hops else None,
        )

    def _rtt(self) -> int | None:
        """What a fine path's round trips take now; the median of all where that is not known yet."""
        verdict = self.verdict
        now = verdict.numbers.now_ns if verdict.kind == "healthy" else None
        return _rtt(self._subject.path) if now is None else now

    def _course_now(self) -> Course:
        return self._course(None).along(self.verdict.numbers.sides)

    def _course(self, at: int | None) -> Course:
        epoch = epoch_at(self._subject.judged.epochs, at)
        key = epoch.begin if epoch is not None and at is not None else None
        if key not in self._courses:
            subject = self._subject
            self._courses[key] = course(subject.path, subject.judged, subject.names, subject.end, at)
        return self._courses[key]
