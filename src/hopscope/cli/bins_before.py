"""What became of a trace's probes before the part of it that is folded: its bins, added up a day at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from hopscope.history.store import Store, Trace
from hopscope.history.tiers import HOUR, MINUTE
from hopscope.path.bins import Bin, SpanBins

_DAY: Final = 24 * HOUR
_AT_ONCE_S: Final = 0.015
"""What one look may take, or a day's bins if that is more."""


class BinsBefore:
    """One trace's sums. Times are epoch ns."""

    def __init__(self, store: Store, trace: Trace) -> None:
        self._store = store
        self._trace = trace
        self._hours = SpanBins(0, 0, {})
        """The sum of the whole hours of the time that was asked for, up to `_upto`."""
        self._upto = 0
        self._known: tuple[tuple[int, int], Mapping[int, Bin]] | None = None

    def between(self, begin: int, end: int) -> Mapping[int, Bin] | None:
        """By TTL, from whole hours as far as there are any; None: not all was added up yet, so ask again.
        `StoreError`."""
        if self._known is not None and self._known[0] == (begin, end):
            return self._known[1]
        first, last = -(-begin // HOUR) * HOUR, end // HOUR * HOUR
        if self._hours.begin != begin or self._upto > last:
            self._hours, self._upto = SpanBins(begin, HOUR, {}), first
        began = time.perf_counter()
        while self._upto < last:
            if time.perf_counter() - began > _AT_ONCE_S:
                return None
            until = min(self._upto + _DAY, last)
            self._add(self._hours, HOUR, self._upto, until)
            self._upto = until
        whole = SpanBins(begin, end - begin, {})
        whole.merge(self._hours.bins)
        self._add(whole, MINUTE, begin, min(first, end))
        self._add(whole, MINUTE, max(last, first), end)
        self._known = (begin, end), whole.bins
        return whole.bins

    def _add(self, sum_: SpanBins, span: int, since: int, until: int) -> None:
        if since < until:
            for one in self._store.bins(self._trace, span, since, until):
                if one.begin >= since // span * span and one.begin + one.span <= until:
                    sum_.merge(one.bins)
