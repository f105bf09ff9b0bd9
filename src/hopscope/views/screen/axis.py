"""The one time axis: chart, heat map and ribbon share its columns, and the moment that is shown stands in it.

Columns are aligned to the clock and a round number of seconds wide, so that a column's content never changes while
time goes on: the axis moves by whole columns, and is filled from the right.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hopscope.words.numbers import span, time_of_day

S: Final = 1_000_000_000
SPANS_S: Final = (60, 120, 300, 900, 3600, 21_600, 86_400)
"""What the axis may span, at the least, in seconds."""
LONGEST_BY_ITSELF_S: Final = 900
"""Until a key says otherwise it spans the run, up to this."""
COLUMN_S: Final = (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
"""What a column may be wide."""
TICKS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
LABEL: Final = 13
"""Cells from one label of the clock to the next, at the least."""


class TimeAxis(msgspec.Struct, frozen=True):
    """Columns of time: column i is the time from ``(first + i) * step`` on, `step` ns long (epoch)."""

    first: int
    columns: int
    step: int

    @property
    def begin(self) -> int:
        """Where it begins, epoch ns."""
        return self.first * self.step

    @property
    def end(self) -> int:
        """Where it ends."""
        return (self.first + self.columns) * self.step

    def column(self, at: int) -> int:
        """The column of a moment, which may lie outside."""
        return at // self.step - self.first

    def moment(self, column: int) -> int:
        """The last moment of a column."""
        return (self.first + column + 1) * self.step - 1

    @property
    def words(self) -> str:
        """What it spans."""
        return span(self.columns * self.step / S)


def step_for(columns: int, span_s: float) -> int:
    """What a column is wide (ns), so that `columns` of them span that much at the least."""
    wanted = span_s / max(1, columns)
    return int(next((each for each in COLUMN_S if each >= wanted * 0.999), COLUMN_S[-1]) * S)


def span_by_itself(columns: int, lasted_s: float) -> int:
    """The span (s) for a run that has lasted so long."""
    fitting = (
        each for each in SPANS_S if each <= LONGEST_BY_ITSELF_S and columns * step_for(columns, each) / S >= lasted_s
    )
    return next(fitting, LONGEST_BY_ITSELF_S)


def axis_of(columns: int, span_s: int | None, begin: int, now: int, moment: int | None = None) -> TimeAxis:
    """The axis of `columns` at the moment `now` for a run since `begin` (epoch ns), with `moment` in it; `span_s`: what
    was chosen. It ends now, unless the moment is too long ago for that."""
    columns = max(1, columns)
    step = step_for(columns, span_s or span_by_itself(columns, (now - begin) / S))
    first = now // step - columns + 1
    if moment is not None and moment // step < first:
        # By halves, so that it stands still while one goes on.
        half = max(1, columns // 2)
        first -= -(-(first - moment // step) // half) * half
    return TimeAxis(first, columns, step)


def ticks(axis: TimeAxis) -> list[tuple[int, str]]:
    """Columns with the clock's round times."""
    step = next((each * S for each in TICKS_S if each * S >= LABEL * axis.step), TICKS_S[-1] * S)
    out = []
    at = -(-axis.begin // step) * step
    while at < axis.end:
        out.append((axis.column(at), time_of_day(at, seconds=step < 60 * S)))
        at += step
    return out
