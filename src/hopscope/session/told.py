"""What was said of a target at earlier moments: verdicts and incidents as they stood, a few hundred bytes each.

A moment that is gone back to shows what was said then; it is not judged again with what is known now.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, NamedTuple, TypeVar

import msgspec

from hopscope.judge.verdict import ROUTES, Epoch, Incident, Judged, Mark, Verdict, untold

_EVERY_NS: Final = 10_000_000_000
"""Numbers that move with every round are kept so often; whatever else changes is kept at once."""
_MOST: Final = 20_000
"""Verdicts, and states of incidents, that are kept; of more, every other one of the older half goes."""
_SEEN_NS: Final = 5_000_000_000

S = TypeVar("S", Mark, Epoch)

_encode = msgspec.msgpack.Encoder().encode
_verdict = msgspec.msgpack.Decoder(Verdict).decode
_incident = msgspec.msgpack.Decoder(Incident).decode


class Happening(NamedTuple):
    """Something that was wrong (as it was said first), or happened. Times are epoch ns."""

    at: int
    """The moment that is worth going to: from then on it was known."""
    what: Verdict | Mark | Epoch
    begin: int
    end: int | None
    """None: it lasts. A moment's ends where it begins."""


class Told:
    """All that was said of one target."""

    def __init__(self) -> None:
        self._last: Judged | None = None
        self._kept_at = 0
        self._times: list[int] = []
        self._verdicts: list[bytes] = []
        self._incident_times: list[int] = []
        self._incidents: list[tuple[str, bytes]] = []
        self._troubles: list[Happening] = []

    def copy(self) -> Told:
        """The same, to be continued by itself."""
        twin = Told()
        twin._last, twin._kept_at = self._last, self._kept_at
        twin._times, twin._verdicts = self._times[:], self._verdicts[:]
        twin._incident_times, twin._incidents = self._incident_times[:], self._incidents[:]
        twin._troubles = self._troubles[:]
        return twin

    def keep(self, judged: Judged, at: int) -> None:
        """That this is said from `at` on (epoch ns)."""
        before = self._last
        if before is judged:
            return
        verdict = judged.verdict
        is_other = before is None or _said(before.verdict) != _said(verdict) or _state(before) != _state(judged)
        if not is_other and 0 <= at - self._kept_at < _EVERY_NS:
            return
        self._note_trouble(None if before is None else before.verdict, judged, at)
        stood = {} if before is None else {each.id: each for each in before.incidents}
        for incident in judged.incidents:
            if stood.get(incident.id) is not incident:
                self._incident_times.append(at)
                self._incidents.append((incident.id, _encode(incident)))
        self._times.append(at)
        self._verdicts.append(_encode(verdict))
        self._last, self._kept_at = judged, at
        if len(self._times) > _MOST:
            del self._times[: _MOST // 2 : 2], self._verdicts[: _MOST // 2 : 2]
        if len(self._incidents) > _MOST:
            del self._incident_times[: _MOST // 2 : 2], self._incidents[: _MOST // 2 : 2]
        del self._troubles[:-_MOST]

    def _note_trouble(self, before: Verdict | None, judged: Judged, at: int) -> None:
        """Where one trouble begins and another ends; its begin is known better and better."""
        troubles, verdict, since = self._troubles, judged.verdict, judged.since
        is_same = before is not None and before.kind == verdict.kind
        if troubles and troubles[-1].end is None and before is not None and before.is_trouble:
            if is_same:
                if since is not None:
                    troubles[-1] = troubles[-1]._replace(begin=since)
                return
            over = since if since is not None else verdict.at
            troubles[-1] = troubles[-1]._replace(end=max(troubles[-1].begin, min(over, at)))
        if verdict.is_trouble and not is_same:
            troubles.append(Happening(at, verdict, since if since is not None else verdict.at, None))

    def at(self, moment: int, now: Judged) -> Judged:
        """All that was said at a moment. `now`: what is said by now; it knows the marks and epochs of then, too."""
        place = bisect_right(self._times, moment) - 1
        verdict = _verdict(self._verdicts[place]) if place >= 0 else Verdict(kind="starting")
        incidents: dict[str, Incident] = {}
        for i in range(bisect_right(self._incident_times, moment) - 1, -1, -1):
            id_, data = self._incidents[i]
            if id_ not in incidents:
                incidents[id_] = _incident(data)
        return Judged(
            verdict=verdict,
            incidents=tuple(sorted(incidents.values(), key=lambda incident: incident.begin)),
            marks=tuple(_open_at(mark, moment) for mark in now.marks if mark.begin <= moment),
            epochs=tuple(_open_at(epoch, moment) for epoch in now.epochs if epoch.begin <= moment),
        )

    def happenings(self, now: Judged) -> list[Happening]:
        """The moments that are worth going to, in order: each begin of a trouble as it was said, each mark, each other
        path."""
        happenings = list(self._troubles)
        happenings += [
            Happening(mark.begin, mark, mark.begin, mark.end if mark.end or mark.kind == "pause" else mark.begin)
            for mark in now.marks
        ]
        routes = [
            (one.begin, one.end or one.at)
            for one in happenings
            if not isinstance(one.what, Epoch) and one.what.kind in ROUTES
        ]
        for _, epoch in untold(now.epochs, routes):
            # A look at its very first moment would show nothing of it.
            happenings.append(Happening(epoch.begin + _SEEN_NS, epoch, epoch.begin, epoch.begin))
        return sorted(happenings, key=lambda one: one.at)


def _open_at(what: S, moment: int) -> S:
    """A mark or an epoch as it stood at a moment."""
    return msgspec.structs.replace(what, end=None) if what.end is not None and what.end > moment else what


def _said(verdict: Verdict) -> tuple[object, ...]:
    """What of a verdict is said otherwise when it changes, but for its numbers."""
    notes = tuple((note.kind, note.ttl) for note in verdict.notes)
    n = verdict.numbers
    return verdict.kind, verdict.first_ttl, verdict.last_ttl, verdict.since, verdict.was, n.says, n.address, notes


def _state(judged: Judged) -> tuple[object, ...]:
    """Of incidents: which there are, how often they came, and which lasts."""
    return tuple((each.state, each.end) for each in judged.incidents[-3:])
