"""An outage that comes and goes: of a link that flaps each outage is over in seconds, and so is each "fine again". The
same where a router says why nothing gets through, or packets go round, for seconds at a time.

After a few at one place it is one trouble, which goes on until there was none for clearly longer than between two of
them. One that lasts far longer than those before it is said as any other.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec.structs import replace

from hopscope.judge.series import Series
from hopscope.judge.silence import GONE, SILENT, Finding, is_elsewhere, silent_rounds

_SHORT: Final = 12
"""Rounds of the longest of them: from longer ones on, each, and each "fine again", is seen by whoever looks."""
_OFTEN: Final = 3
"""Outages in a row from which on it comes and goes."""
_APART: Final = 100
"""Rounds between two outages of a row, at most."""
_CALM: Final = 60
"""Rounds without an outage after which it is over, at least…"""
_LONGER: Final = 2
"""…and so many times as many as the most that lay between two of the newest."""
_NEWEST: Final = 8
"""Outages by which it is known how far apart they are."""
_LONG: Final = 15
"""Rounds of an outage from which on it is no short one any more, at least…"""
_FAR_LONGER: Final = 3
"""…and so many times as many as the longest before it took."""
_MOST: Final = 2
"""Of what was lost since the first one, outages took at least one in so many: else it is loss that comes in bursts."""


class IntermittentOutage:
    """The outages of one path that follow each other at one place."""

    def __init__(self) -> None:
        self.lasts: Finding | None = None
        """The outage of now."""
        self.ended = 0
        """The ordinal of the round in which the last one was over."""
        self._row: Finding | None = None
        """What it is and where, as all of the row tell."""
        self._times = 0
        self._first = 0
        """The ordinal of the first one's first round…"""
        self._first_at = 0
        """…and its moment (epoch ns)."""
        self._sent = self._lost = self._in_outages = 0
        """Of the target since then; and the rounds that outages took."""
        self._gaps: deque[int] = deque(maxlen=_NEWEST)
        """Rounds between two."""
        self._longest = 0
        """Rounds of the longest one that is over."""
        self._stands = False
        self._looked_at = 0
        """The ordinal after that of the last round that was looked at."""

    def stands_for(self, stands: Finding | None) -> Finding | None:
        """What stands, as far as the newest rounds are concerned: the outage of now, if any, for one that comes and
        goes."""
        return self.lasts if stands is not None and stands.comes_and_goes else stands

    def look(self, series: Series, found: Finding | None) -> Finding | None:
        """What is to be said of outages as of the newest round. `found`: the one of now, or what else is wrong."""
        if self._looked_at < series.end - 1:
            self.lasts = None  # it was something else
        self._looked_at = series.end
        if self._times:
            n, k = series.reached_of(len(series) - 1)
            self._sent, self._lost = self._sent + n, self._lost + k
        if found is not None:
            if found.kind not in SILENT:
                self.lasts = None
                return found
            row = self._go_on(series, found)
            is_long = series.end - found.since > max(_LONG, _FAR_LONGER * self._longest)
            return found if is_long or not self._stands else self._found(series, row)
        if self.lasts is not None:
            self._end(series, self.lasts)
        if not self._stands or self._row is None:
            return None
        if silent_rounds(series) >= GONE:
            self.ended = series.end  # where so much is lost, so short a silence is not told from loss
        if series.end - self.ended >= max(_CALM, _LONGER * max(self._gaps)):
            self._stands = False
            return None
        return self._found(series, self._row)

    def _go_on(self, series: Series, found: Finding) -> Finding:
        row, is_new = self._row, self.lasts is None
        gap = found.since - self.ended
        if row is None or is_elsewhere(found, row) or (is_new and gap > _APART and not self._stands):
            row, index = found, series.index(found.since)
            self._times, self._first, self._first_at = 1, found.since, series.times[index]
            self._sent, self._lost = series.reached_of(index)
            self._in_outages = self._longest = 0
            self._gaps.clear()
            self._stands = False
        elif is_new:
            self._gaps.append(gap)
            self._times += 1
        self.lasts, self._row = found, _narrowed(row if self._stands else found, row)
        return self._row

    def _end(self, series: Series, found: Finding) -> None:
        self.lasts, self.ended = None, series.end - 1
        took = self.ended - found.since
        self._longest = max(self._longest, took)
        self._in_outages += took
        is_short = self._longest <= _SHORT
        self._stands |= is_short and self._times >= _OFTEN and _MOST * self._in_outages >= self._lost

    def _found(self, series: Series, row: Finding) -> Finding:
        rounds, sent, lost = series.end - self._first, self._sent, self._lost
        numbers = replace(row.numbers, span_from=self._first_at, rounds=rounds, sent=sent, lost=lost, times=self._times)
        return row._replace(since=self._first, numbers=numbers, hides=None, again=None)


def _narrowed(found: Finding, row: Finding) -> Finding:
    """The outage where it and the row have their place in common: one of them alone may know it worse."""
    places = found.first_ttl, row.first_ttl, found.last_ttl, row.last_ttl
    if any(ttl is None for ttl in places):
        return found
    first, last = max(places[0] or 0, places[1] or 0), min(places[2] or 0, places[3] or 0)
    return found._replace(first_ttl=first, last_ttl=last) if first <= last else found
