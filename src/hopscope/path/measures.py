"""The registry of measures: every number (and word) that a hop has, once.

The screen's columns and their chooser, CSV's columns, the values of ``--assert``, mtr's letters, the heads of Markdown
and HTML, help, palette and docs read it. To add a measure is a line here, and its line in the docs that a test asks
for. What the numbers mean, with worked examples: ``docs/statistics.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import msgspec

from hopscope.path.snapshot import Hop

Unit: TypeAlias = Literal["ms", "%", "probes", ""]
"""``""``: a word, or a number that is no amount of anything."""
Value: TypeAlias = float | int | str | None


class Measure(msgspec.Struct, frozen=True):
    """One measure of a hop."""

    key: str
    """In the configuration and in ``--assert``."""
    title: str
    """As a head of a table."""
    unit: Unit
    definition: str
    """In words, for help and docs."""
    value: Callable[[Hop], Value]
    """In the unit; None where it is unknown."""
    rank: int
    """How much it matters, 0 to 99, where there is no room for all."""
    letter: str | None = None
    """mtr's, for ``-o``."""
    csv: str | None = None
    """CSV's head without its unit; None: the key."""
    cells: int | None = None
    """Characters that its longest value takes; None: as its unit's values do."""

    @property
    def csv_head(self) -> str:
        """CSV's head, which names the unit."""
        return (self.csv or self.key) + {"ms": "_ms", "%": "_percent", "probes": "", "": ""}[self.unit]

    def number(self, hop: Hop) -> float | None:
        """The value where it is a number."""
        value = self.value(hop)
        return None if value is None or isinstance(value, str) else value


def _rtt(name: str) -> Callable[[Hop], Value]:
    return lambda hop: None if hop.rtt is None else getattr(hop.rtt, name)


def _jitter(name: str) -> Callable[[Hop], Value]:
    return lambda hop: None if hop.jitter is None else getattr(hop.jitter, name)


_ALL: Final = (
    Measure("loss", "Loss %", "%", "lost probes of those whose fate is known; late ones are not lost",
            lambda hop: hop.loss_pct, 99, "L"),
    Measure("sent", "Sent", "probes", "probes sent to this hop", lambda hop: hop.sent, 50, "S"),
    Measure("received", "Rcvd", "probes", "probes answered in time", lambda hop: hop.received, 22, "R"),
    Measure("lost", "Lost", "probes", "probes whose timeout passed without an answer", lambda hop: hop.lost, 24, "D"),
    Measure("late", "Late", "probes", "probes answered after their timeout", lambda hop: hop.late, 23),
    Measure("pending", "Pend", "probes", "probes in flight, whose fate is not known yet",
            lambda hop: hop.pending, 19),
    Measure("failed", "Failed", "probes", "probes that this computer could not send, or not hear the answer to",
            lambda hop: hop.failed, 21),
    Measure("duplicates", "Dup", "probes", "answers beyond the first", lambda hop: hop.duplicates, 20, cells=5),
    Measure("last", "Last", "ms", "the last answered probe's round trip", _rtt("last"), 70, "N"),
    Measure("best", "Best", "ms", "the shortest round trip", _rtt("best"), 60, "B"),
    Measure("avg", "Avg", "ms", "the mean round trip", _rtt("avg"), 80, "A"),
    Measure("worst", "Worst", "ms", "the longest round trip", _rtt("worst"), 58, "W"),
    Measure("stddev", "StDev", "ms", "sample standard deviation of the round trips", _rtt("stddev"), 40, "V"),
    Measure("median", "Median", "ms", "half of the window's round trips are not longer", _rtt("median"), 78),
    Measure("p95", "p95", "ms", "95 of 100 of the window's round trips are not longer", _rtt("p95"), 65),
    Measure("p99", "p99", "ms", "99 of 100 of the window's round trips are not longer", _rtt("p99"), 45),
    Measure("gmean", "Gmean", "ms", "geometric mean of the round trips", _rtt("gmean"), 35, "G"),
    Measure("jitter_last", "Jlast", "ms", "difference of the last two round trips", _jitter("last"), 34, "J"),
    Measure("jitter", "Jitter", "ms", "mean difference of consecutive round trips", _jitter("avg"), 55, "M",
            csv="jitter_avg"),
    Measure("jitter_worst", "Jmax", "ms", "largest difference of consecutive round trips", _jitter("worst"), 33, "X"),
    Measure("jitter_rfc3550", "Jint", "ms", "interarrival jitter of RFC 3550", _jitter("rfc3550"), 32, "I"),
    Measure("reply_kind", "Reply", "", "kind of the last reply",
            lambda hop: None if hop.reply is None else hop.reply.kind, 30, cells=16),
    Measure("reply_ttl", "rTTL", "", "TTL of the last reply as it arrived",
            lambda hop: None if hop.reply is None else hop.reply.ttl, 31, cells=5),
)  # fmt: skip

MEASURES: Final[dict[str, Measure]] = {measure.key: measure for measure in _ALL}
"""By key, in their natural order."""
BY_LETTER: Final[dict[str, Measure]] = {measure.letter: measure for measure in _ALL if measure.letter}
"""By mtr's letters."""
