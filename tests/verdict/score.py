"""What was right of what was said: kind, place, moment, owner, how soon, how steadily, and with what confidence."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from hopscope.judge.verdict import Verdict
from hopscope.probe.virtual import EPOCH_START_NS
from tests.verdict.case import Case, Trouble
from tests.verdict.player import Moment, Play

SINCE_S: Final = 10.0
"""How far off the moment of a beginning may be, and by as many rounds where those are slower."""
HAS_BEFORE_S: Final = 20.0
"""A trouble that begins later than this has a moment to be told."""
STALE_S: Final = 90.0
"""So long after its end a trouble may still be said."""
SHARES: Final = (0.0, 0.5, 0.7, 0.9, 0.97, 1.01)
"""Bins of confidence."""


@dataclass(frozen=True)
class Fault:
    """How one play of a faulty network went."""

    said: str
    """The kind when it was asked: in the last round of the trouble."""
    place: tuple[int | None, int | None]
    is_right: bool
    place_right: bool | None
    """None: not asked, since the kind is wrong or the trouble has no place."""
    since_right: bool | None
    segment_right: bool | None
    rounds: int | None
    """From the beginning until it was right, and stayed so."""
    false_s: tuple[float, ...]
    """When trouble was said before it began, or long after it was over."""
    changes: int
    """Of the kind, after it first was right and while the trouble lasted."""
    moves: int
    """Of the place, then; one that only gets narrower is none."""
    why: str
    """In words, what was not right; empty where all was."""


@dataclass(frozen=True)
class Fine:
    """How one play of a path that is fine went."""

    false: tuple[tuple[float, str, int | None], ...]
    """When trouble was said, of which kind and where."""
    missing: frozenset[str]
    """Notes that belong to it and were not there in the end."""

    @property
    def why(self) -> str:
        """In words, what was not right; empty where all was."""
        if not self.false:
            return ""
        at, kind, ttl = self.false[0]
        return f"{len(self.false)} rounds of trouble, the first at {at:.0f} s: {kind} at {ttl}"


Score = Fault | Fine


def scored(play: Play) -> Score:
    """What was right of a play."""
    return _fine(play) if play.case.trouble is None else _fault(play, play.case.trouble)


def place_is_right(verdict: Verdict, trouble: Trouble) -> bool | None:
    """Whether its range has the true one in it, and is hardly wider; None: the trouble has no place."""
    if trouble.first_ttl is None or trouble.last_ttl is None:
        return None
    first = verdict.first_ttl if verdict.first_ttl is not None else verdict.last_ttl
    last = verdict.last_ttl if verdict.last_ttl is not None else verdict.first_ttl
    if first is None or last is None:
        return False
    if last - max(first, 1) > trouble.last_ttl - trouble.first_ttl + trouble.slack:
        return False
    if trouble.is_touched:
        return first <= trouble.last_ttl and last >= trouble.first_ttl
    return first <= trouble.first_ttl and last >= trouble.last_ttl


def since_is_right(verdict: Verdict, trouble: Trouble, interval_s: float) -> bool | None:
    """Whether it says when, or nothing else than that it began with the trace; None: it comes again, so that either
    beginning may be meant."""
    if trouble.before:
        return None
    if trouble.begins_s < HAS_BEFORE_S * max(1.0, interval_s):
        since_s = 0.0 if verdict.since is None else (verdict.since - EPOCH_START_NS) / 1e9
        return since_s <= HAS_BEFORE_S * max(1.0, interval_s)
    if verdict.since is None:
        return False
    off = abs((verdict.since - EPOCH_START_NS) / 1e9 - trouble.begins_s)
    return off <= SINCE_S * max(1.0, interval_s)


def _is_on(trouble: Trouble, at_s: float) -> bool:
    spans = (*trouble.before, (trouble.begins_s, trouble.ends_s if trouble.ends_s is not None else float("inf")))
    return any(begins <= at_s <= ends for begins, ends in spans)


def _may_be_said(trouble: Trouble, at_s: float) -> bool:
    """Trouble lasts, or has just ended, or is between two times of its coming."""
    spans = (*trouble.before, (trouble.begins_s, trouble.ends_s if trouble.ends_s is not None else float("inf")))
    return spans[0][0] <= at_s and at_s <= spans[-1][1] + STALE_S


def _fault(play: Play, trouble: Trouble) -> Fault:
    interval = play.case.interval_s
    during = [moment for moment in play.moments if _is_on(trouble, moment.at_s) and moment.at_s >= trouble.begins_s]
    asked = during[-1]
    verdict = asked.verdict
    is_right = verdict.kind in trouble.kinds
    place = place_is_right(verdict, trouble) if is_right else None
    since = since_is_right(verdict, trouble, interval) if is_right else None
    segment = asked.segment == trouble.segment if is_right and trouble.segment is not None else None
    steady = next((n for n, m in enumerate(reversed(during)) if m.verdict.kind not in trouble.kinds), len(during))
    false = tuple(
        moment.at_s
        for moment in play.moments
        if moment.verdict.is_trouble
        and not _may_be_said(trouble, moment.at_s)
        and (trouble.other is None or not _is_true(moment, trouble.other))
    )
    changes, moves = _unrest(during, trouble)
    wrong = []
    if not is_right:
        wrong.append(f"said {verdict.kind} at {verdict.first_ttl}..{verdict.last_ttl}")
    if place is False:
        wrong.append(f"place {verdict.first_ttl}..{verdict.last_ttl}, is {trouble.first_ttl}..{trouble.last_ttl}")
    if since is False:
        said = "never" if verdict.since is None else f"{(verdict.since - EPOCH_START_NS) / 1e9:.0f} s"
        wrong.append(f"since {said}, is {trouble.begins_s:.0f} s")
    if segment is False:
        wrong.append(f"segment {asked.segment}, is {trouble.segment}")
    if false:
        wrong.append(f"{len(false)} rounds of trouble when there was none, the first at {false[0]:.0f} s")
    return Fault(
        said=verdict.kind,
        place=(verdict.first_ttl, verdict.last_ttl),
        is_right=is_right,
        place_right=place,
        since_right=since,
        segment_right=segment,
        rounds=len(during) - steady if is_right else None,
        false_s=false,
        changes=changes,
        moves=moves,
        why="; ".join(wrong),
    )


def _unrest(during: Sequence[Moment], trouble: Trouble) -> tuple[int, int]:
    first = next((n for n, moment in enumerate(during) if moment.verdict.kind in trouble.kinds), None)
    if first is None:
        return 0, 0
    changes = moves = 0
    before = during[first].verdict
    for moment in during[first + 1 :]:
        verdict = moment.verdict
        if verdict.kind != before.kind:
            changes += 1
        elif verdict.is_trouble and not _is_inside(verdict, before):
            moves += 1
        before = verdict
    return changes, moves


def _is_inside(verdict: Verdict, other: Verdict) -> bool:
    mine, others = (verdict.first_ttl, verdict.last_ttl), (other.first_ttl, other.last_ttl)
    if mine == others:
        return True
    if mine[0] is None or mine[1] is None or others[0] is None or others[1] is None:
        return False
    return others[0] <= mine[0] and mine[1] <= others[1]


def _fine(play: Play) -> Fine:
    false = tuple((m.at_s, m.verdict.kind, m.verdict.last_ttl) for m in play.moments if m.verdict.is_trouble)
    said = {note.kind for note in play.moments[-1].verdict.notes}
    return Fine(false, frozenset(kind for kind in play.case.notes if kind not in said))


@dataclass
class Total:
    """The scores of many plays. A case is right where most of its seeds are; a false alarm in any seed is one."""

    plays: list[tuple[Play, Score]] = field(default_factory=list)

    def add(self, play: Play) -> Score:
        """A play more; how it went."""
        score = scored(play)
        self.plays.append((play, score))
        return score

    def of(self, cases: Iterable[Case]) -> Total:
        """Of these cases alone."""
        wanted = {case.id for case in cases}
        return Total([(play, score) for play, score in self.plays if play.case.id in wanted])

    def _by_case(self) -> dict[str, list[Score]]:
        found: dict[str, list[Score]] = defaultdict(list)
        for play, score in self.plays:
            found[play.case.id].append(score)
        return found

    @property
    def faults(self) -> list[list[Fault]]:
        """By case, a score a seed."""
        every = [[score for score in scores if isinstance(score, Fault)] for scores in self._by_case().values()]
        return [scores for scores in every if scores]

    @property
    def fine(self) -> list[list[Fine]]:
        """By case, a score a seed."""
        every = [[score for score in scores if isinstance(score, Fine)] for scores in self._by_case().values()]
        return [scores for scores in every if scores]

    def right(self) -> tuple[int, int]:
        """Faults of which most seeds were right, of how many."""
        return sum(_most([score.is_right for score in scores]) for scores in self.faults), len(self.faults)

    def named(self, what: str) -> tuple[int, int]:
        """Of the faults that were right: how many have this right as well (``place_right`` ...), of how many asked."""
        asked = []
        for scores in self.faults:
            answers = [getattr(score, what) for score in scores if getattr(score, what) is not None]
            if answers and _most([score.is_right for score in scores]):
                asked.append(_most(answers))
        return sum(asked), len(asked)

    def false_alarms(self) -> tuple[int, int]:
        """Fine paths of which trouble was said at any moment, of how many."""
        return sum(any(score.false for score in scores) for scores in self.fine), len(self.fine)

    def untimely(self) -> tuple[int, int]:
        """Faults of which trouble was said before it began, or long after it had ended, of how many."""
        return sum(any(score.false_s for score in scores) for scores in self.faults), len(self.faults)

    def noted(self) -> dict[str, tuple[int, int]]:
        """By note that belongs to a fine path: in how many plays it was there in the end, of how many."""
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for play, score in self.plays:
            if isinstance(score, Fine):
                for kind in play.case.notes:
                    counts[kind][0] += kind not in score.missing
                    counts[kind][1] += 1
        return {kind: (right, of) for kind, (right, of) in sorted(counts.items())}

    def rounds(self) -> list[int]:
        """Until it was right, a figure a play."""
        return sorted(s.rounds for scores in self.faults for s in scores if s.rounds is not None)

    def calibration(self) -> list[tuple[float, int, int]]:
        """By bin of confidence (its lower end): how many verdicts of trouble were right in kind and place, of how many.
        Every tenth moment counts, and the last of each play."""
        counts: dict[float, list[int]] = {low: [0, 0] for low in SHARES[:-1]}
        for play, _ in self.plays:
            moments = [m for n, m in enumerate(play.moments) if n % 10 == 0 or n == len(play.moments) - 1]
            for moment in moments:
                if moment.verdict.is_trouble:
                    low = max(share for share in SHARES[:-1] if share <= moment.verdict.confidence)
                    counts[low][0] += is_true(moment, play.case)
                    counts[low][1] += 1
        return [(low, right, of) for low, (right, of) in counts.items() if of]

    def flicker(self) -> tuple[float, float]:
        """Changes of kind and moves of place a play of a fault, on average."""
        scores = [score for scores in self.faults for score in scores]
        if not scores:
            return 0.0, 0.0
        return statistics.mean(s.changes for s in scores), statistics.mean(s.moves for s in scores)

    def table(self) -> str:
        """The score in lines."""
        rounds = self.rounds()
        notes = ", ".join(f"{kind} {_of(counted)}" for kind, counted in self.noted().items())
        lines = [
            f"right {_of(self.right())}, place right {_of(self.named('place_right'))}, since right "
            f"{_of(self.named('since_right'))}, segment right {_of(self.named('segment_right'))}",
            f"false alarms {_of(self.false_alarms())} of fine paths; untimely {_of(self.untimely())} of faults",
        ]
        if notes:
            lines.append(f"notes of fine paths: {notes}")
        if rounds:
            late = rounds[min(len(rounds) - 1, len(rounds) * 9 // 10)]
            lines.append(f"right after {statistics.median(rounds):.0f} rounds (median), 90 % within {late}")
        changes, moves = self.flicker()
        lines.append(f"changes of kind {changes:.2f}, moves of place {moves:.2f} a play")
        bins = ", ".join(f"{low:g}: {right}/{of}" for low, right, of in self.calibration())
        lines.append(f"right by confidence, from: {bins or 'nothing was said'}")
        return "\n".join(lines)

    def failures(self) -> str:
        """A line for each play that was not all right."""
        return "\n".join(f"{play.case.id} seed {play.seed}: {score.why}" for play, score in self.plays if score.why)


def is_true(moment: Moment, case: Case) -> bool:
    """Whether a verdict of trouble is right in kind and place at its moment."""
    trouble = case.trouble
    if trouble is None:
        return False
    return _is_true(moment, trouble) or (trouble.other is not None and _is_true(moment, trouble.other))


def _is_true(moment: Moment, trouble: Trouble) -> bool:
    if not _may_be_said(trouble, moment.at_s) or moment.verdict.kind not in trouble.kinds:
        return False
    return place_is_right(moment.verdict, trouble) is not False


def _most(answers: Sequence[bool]) -> bool:
    return 2 * sum(answers) > len(answers)


def _of(counted: tuple[int, int]) -> str:
    return f"{counted[0]} of {counted[1]}"
