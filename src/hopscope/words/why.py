"""Why a verdict is what it is, in parts that always come in the same order, and what has happened, a line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from hopscope.judge.verdict import ROUTES, Epoch, Incident, Judged, Mark, Verdict, untold
from hopscope.words.events import epoch_words, incident_words, mark_words
from hopscope.words.headline import Headline
from hopscope.words.numbers import span
from hopscope.words.said import Said
from hopscope.words.verdicts import Clock
from hopscope.words.where import where, whose

_NS: Final = 1e9
_SURE: Final = ((0.99, "sure"), (0.9, "likely"), (0.0, "not sure yet"))


class Part(NamedTuple):
    """One answer: to ``what``, ``where``, ``since``, ``sure``, ``evidence``, ``not``, ``next`` or ``also``."""

    name: str
    lines: tuple[str, ...]


class Happened(NamedTuple):
    """Something that happened. `end`: None where it lasts, `begin` where it was a moment."""

    begin: int
    end: int | None
    what: Incident | Mark | Epoch | None
    """None: the start."""
    words: str


def why(said: Said, headline: Headline, clock: Clock, started: int | None) -> tuple[Part, ...]:
    """The parts that have something to say. `headline`: its sentences; `started`: when the first round began
    (epoch ns)."""
    verdict, place = said.verdict, said.place
    known = [part for part in (where(place), whose(place)) if part] if verdict.is_trouble else []
    notes = tuple(said.note(note) for note in verdict.notes)
    parts = (
        Part("what", tuple(ways[0] for ways in headline.sentences)),
        Part("where", (", ".join(known),) if known else ()),
        Part("since", tuple(_since(said, clock, started))),
        Part("sure", (sure(verdict),) if verdict.is_trouble else ()),
        Part("evidence", said.evidence),
        Part("not", said.against),
        Part("next", said.steps),
        Part("also", tuple(note for note in notes if note not in said.against)),
    )
    return tuple(part for part in parts if part.lines)


def sure(verdict: Verdict) -> str:
    """How sure it is, by the test that found it."""
    return next(words for least, words in _SURE if verdict.confidence >= least)


def _since(said: Said, clock: Clock, started: int | None) -> Iterator[str]:
    begin = said.since
    if begin is None:
        if said.first is not None:
            yield f"{clock(said.first)}, when it came for the first time; {said.times} times by now"
        elif started is not None:
            yield f"looked at since {clock(started)}, {span((said.now - started) / _NS)}"
        return
    if started is not None and begin <= started:
        yield f"{clock(started)}, when it was first looked at; {span((said.now - started) / _NS)}"
    else:
        yield f"{clock(begin)}, {span((said.now - begin) / _NS)}"
    if said.times > 1:
        yield f"{said.times} times by now"


def what_happened(judged: Judged, said: Said, clock: Clock, started: int | None) -> list[Happened]:
    """Incidents, marks, other paths and the start, the newest first."""
    out = [
        Happened(each.begin, each.end, each, incident_words(each, said.place_of(each), clock))
        for each in judged.incidents
    ]
    out += [Happened(each.begin, _end(each), each, mark_words(each)) for each in judged.marks]
    routes = [
        (each.begin, each.end or each.begin)
        for each in out
        if isinstance(each.what, Incident | Mark) and each.what.kind in ROUTES
    ]
    for before, epoch in untold(judged.epochs, routes):
        out.append(Happened(epoch.begin, epoch.begin, epoch, epoch_words(before, epoch)))
    if started is not None:
        out.append(Happened(started, started, None, "the first round"))
    return sorted(out, key=lambda each: each.begin, reverse=True)


def _end(mark: Mark) -> int | None:
    return mark.end if mark.end is not None or mark.kind == "pause" else mark.begin
