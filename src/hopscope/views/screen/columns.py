"""The registry of columns: everything that a hop's row can show, once. Table, chooser, help and configuration read it.

`keep` ranks columns for narrow screens: the smallest goes first. The sparkline's width is what the others leave.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hopscope.path.snapshot import Hop
from hopscope.views.screen.numbers import DASH, count, share, table_ms

Kind = Literal["count", "time", "share", "spark", "text"]


@dataclass(frozen=True)
class Column:
    """One column: `value` gives the number behind a cell (ms for times), None where it is unknown."""

    key: str
    title: str
    kind: Kind
    width: int
    keep: int
    definition: str
    value: Callable[[Hop], float | None]
    letter: str | None = None
    """mtr's letter for ``-o``."""

    @property
    def unit(self) -> str:
        """The unit in words."""
        return {"count": "probes", "time": "ms", "share": "%", "spark": "", "text": ""}[self.kind]

    def cell(self, hop: Hop, micro: bool = False) -> str:
        """The cell's text."""
        value = self.value(hop)
        if self.kind == "share":
            return share(value)
        if self.kind == "time":
            return table_ms(value, micro)
        if self.kind == "text":
            return _text(self.key, hop)
        return DASH if value is None else count(int(value))


def _text(key: str, hop: Hop) -> str:
    if hop.reply is None:
        return DASH
    if key == "kind":
        return hop.reply.kind
    return DASH if hop.reply.ttl is None else str(hop.reply.ttl)


def _rtt(name: str) -> Callable[[Hop], float | None]:
    return lambda hop: None if hop.rtt is None else getattr(hop.rtt, name)


def _jitter(name: str) -> Callable[[Hop], float | None]:
    return lambda hop: None if hop.jitter is None else getattr(hop.jitter, name)


def _field(name: str) -> Callable[[Hop], float | None]:
    return lambda hop: getattr(hop, name)


def _none(_hop: Hop) -> None:
    return None


_ALL = (
    Column(
        "loss",
        "Loss %",
        "share",
        7,
        99,
        "lost probes of those whose fate is known; late ones are not lost",
        _field("loss_pct"),
        "L",
    ),
    Column("sent", "Sent", "count", 6, 50, "probes sent to this hop", _field("sent"), "S"),
    Column("received", "Rcvd", "count", 6, 22, "probes answered in time", _field("received"), "R"),
    Column("lost", "Lost", "count", 6, 24, "probes whose timeout passed without an answer", _field("lost"), "D"),
    Column("late", "Late", "count", 6, 23, "probes answered after their timeout", _field("late")),
    Column("failed", "Failed", "count", 6, 21, "probes that this computer could not send", _field("failed")),
    Column("dup", "Dup", "count", 5, 20, "answers beyond the first", _field("duplicates")),
    Column("last", "Last", "time", 8, 70, "the last answered probe's round trip", _rtt("last"), "N"),
    Column("best", "Best", "time", 8, 60, "the shortest round trip", _rtt("best"), "B"),
    Column("avg", "Avg", "time", 8, 80, "the mean round trip", _rtt("avg"), "A"),
    Column("worst", "Worst", "time", 8, 58, "the longest round trip", _rtt("worst"), "W"),
    Column("stddev", "StDev", "time", 8, 40, "sample standard deviation of the round trips", _rtt("stddev"), "V"),
    Column("median", "Median", "time", 8, 78, "half of the window's round trips are not longer", _rtt("median")),
    Column("p95", "p95", "time", 8, 65, "95 of 100 of the window's round trips are not longer", _rtt("p95")),
    Column("p99", "p99", "time", 8, 45, "99 of 100 of the window's round trips are not longer", _rtt("p99")),
    Column("gmean", "Gmean", "time", 8, 35, "geometric mean of the round trips", _rtt("gmean"), "G"),
    Column("jitter", "Jitter", "time", 8, 55, "mean difference of consecutive round trips", _jitter("avg"), "M"),
    Column("jlast", "Jlast", "time", 8, 34, "difference of the last two round trips", _jitter("last"), "J"),
    Column("jworst", "Jmax", "time", 8, 33, "largest difference of consecutive round trips", _jitter("worst"), "X"),
    Column("jint", "Jint", "time", 8, 32, "interarrival jitter of RFC 3550", _jitter("rfc3550"), "I"),
    Column("ttl", "rTTL", "text", 5, 31, "TTL of the last reply as it arrived", _none),
    Column("kind", "Reply", "text", 16, 30, "kind of the last reply", _none),
    Column("spark", "last", "spark", 10, 98, "the last rounds, oldest first: one cell a round", _none),
)

COLUMNS: dict[str, Column] = {column.key: column for column in _ALL}
"""By key, in their natural order."""
