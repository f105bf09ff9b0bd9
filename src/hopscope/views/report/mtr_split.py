"""``mtr-split``: mtr's ``-p``, for programs that draw a table of their own.

A line is the hop's number, its host and six numbers: loss in thousandths of a percent, answers, probes, best, average
and worst RTT in whole milliseconds. A hop's line comes again when something of it changed; ``-5`` takes row 5 away. A
silent hop has no line. As in mtr, the table is looked at when an answer came and before a probe leaves.
"""

from __future__ import annotations

import msgspec

from hopscope.session.events import ProbeEvent, SentEvent, StartEvent, StreamEvent
from hopscope.views.report.document import Style
from hopscope.views.report.mtr_raw import HostnameOf
from hopscope.wire.answers import PASSING


class _Row(msgspec.Struct):
    sent: int = 0
    in_flight: int = 0
    address: str | None = None
    ends: bool = False
    rtts_ms: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0, 0.0])
    """Best, sum, worst."""
    answered: int = 0

    def words(self) -> list[int]:
        decided = self.sent - self.in_flight
        loss = int(1000 * (100 - 100 * self.answered / decided)) if decided else 0
        best, total, worst = self.rtts_ms
        return [loss, self.answered, self.sent, int(best), int(total / self.answered), int(worst)]


class MtrSplit:
    """The lines of one target."""

    def __init__(self, style: Style, hostname_of: HostnameOf) -> None:
        self._style = style
        self._hostname_of = hostname_of
        self._target: str | None = None
        self._rows: dict[int, _Row] = {}
        self._shown: dict[int, str] = {}

    def event(self, event: StreamEvent) -> str:
        """The lines that changed."""
        if isinstance(event, StartEvent):
            self._target = event.target
            return ""
        if isinstance(event, SentEvent):
            lines = self._changed()
            row = self._rows.setdefault(event.ttl, _Row())
            row.sent += 1
            row.in_flight += 1
            return lines
        if not isinstance(event, ProbeEvent) or event.outcome not in ("answered", "lost", "failed"):
            return self._changed()
        row = self._rows.setdefault(event.ttl, _Row())
        if row.in_flight:
            row.in_flight -= 1
        elif event.outcome != "failed":
            row.sent += 1  # of a source that tells no departures
        if event.address is not None and event.rtt_ms is not None:
            row.address = event.address
            row.ends = event.kind not in PASSING
            best, total, worst = row.rtts_ms
            row.rtts_ms = [min(best, event.rtt_ms) if row.answered else event.rtt_ms, total + event.rtt_ms,
                           max(worst, event.rtt_ms)]  # fmt: skip
            row.answered += 1
        return self._changed()

    def _changed(self) -> str:
        lines = []
        last = self._last()
        for ttl in sorted(self._shown, reverse=True):
            if ttl > last:
                del self._shown[ttl]
                lines.append(f"-{ttl}\n")
        for ttl in sorted(self._rows):
            row = self._rows[ttl]
            if ttl > last or row.address is None:
                continue
            line = f"{ttl} {self._host(row.address)} {' '.join(map(str, row.words()))}\n"
            if self._shown.get(ttl) != line:
                self._shown[ttl] = line
                lines.append(line)
        return "".join(lines)

    def _last(self) -> int:
        answered = {ttl: row for ttl, row in sorted(self._rows.items()) if row.address is not None}
        # A router may refuse what expires there, and forward the rest.
        passed = max((ttl for ttl, row in answered.items() if row.address == self._target or not row.ends), default=0)
        for ttl, row in answered.items():
            if row.address == self._target or (row.ends and ttl > passed):
                return ttl
        return max(self._rows, default=0)

    def _host(self, address: str) -> str:
        name = self._hostname_of(address) if self._style.names != "addresses" else None
        if self._style.names == "both":
            return f"{name or address} {address}"
        return name or address
