"""The screen's columns: every measure (`hopscope.path.measures`), and the sparkline. Table, chooser and help read it.

On narrow screens the column of the least rank goes first. The sparkline's width is what the others leave.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from hopscope.path.measures import MEASURES, Measure
from hopscope.path.snapshot import Hop
from hopscope.words.numbers import DASH, count, share, table_ms

ColumnKind = Literal["count", "time", "share", "spark", "whisker", "text"]

_KINDS: Final[dict[str, ColumnKind]] = {"ms": "time", "%": "share", "probes": "count", "": "text"}
_WIDTHS: Final[dict[ColumnKind, int]] = {"time": 8, "share": 7, "count": 6, "text": 8, "spark": 10, "whisker": 26}


class Column(msgspec.Struct, frozen=True):
    """One column of the table."""

    key: str
    title: str
    kind: ColumnKind
    width: int
    rank: int
    definition: str
    measure: Measure | None
    """None: a picture, which the table draws."""

    @property
    def unit(self) -> str:
        """The unit in words."""
        return self.measure.unit if self.measure is not None else ""

    @property
    def letter(self) -> str | None:
        """mtr's letter for ``-o``."""
        return self.measure.letter if self.measure is not None else None

    def cell(self, hop: Hop, in_us: bool = False) -> str:
        """The cell's text; `in_us`: times in µs."""
        value = None if self.measure is None else self.measure.value(hop)
        if isinstance(value, str):
            return value
        if self.kind == "share":
            return share(value)
        if self.kind == "time":
            return table_ms(value, in_us)
        return DASH if value is None else count(int(value))


def _column(measure: Measure) -> Column:
    kind = _KINDS[measure.unit]
    width = measure.cells or _WIDTHS[kind]
    return Column(measure.key, measure.title, kind, width, measure.rank, measure.definition, measure)


SPARK: Final = Column(
    "spark", "last", "spark", _WIDTHS["spark"], 98, "the last rounds, oldest first: how much more than usual", None
)
WHISKER: Final = Column(
    "whisker", "whisker", "whisker", _WIDTHS["whisker"], 30, "best, median and p95 of each hop on one axis", None
)
COLUMNS: Final[dict[str, Column]] = {
    **{key: _column(measure) for key, measure in MEASURES.items()},
    WHISKER.key: WHISKER,
    SPARK.key: SPARK,
}
"""By key, in their natural order."""
