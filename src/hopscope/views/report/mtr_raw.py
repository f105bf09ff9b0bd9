"""``mtr-raw``: mtr's ``-l``, byte for byte what mtr 0.95 writes of the same probes.

Positions count from 0, probes from 33000. ``x`` position number: a probe left. ``h`` position address: another address
than before answers there; mtr writes the line twice where the address is new to the position, and so it is here, for
readers who count. ``m`` position label class bottom TTL: of the answer that made the ``h`` line, with ``-e``. ``d``
position name: once a position, when the name is known and the next answer comes. ``p`` position microseconds number.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Final

from hopscope.session.events import ProbeEvent, SentEvent, StreamEvent
from hopscope.views.report.document import Style

HostnameOf = Callable[[str], str | None]
"""An address to its cleaned name, as far as known now."""

FIRST_NUMBER: Final = 33_000
LAST_NUMBER: Final = 65_535


def probe_numbers() -> Iterator[int]:
    """mtr's numbers for probes, over and over (``MinSequence`` and ``MaxSequence`` in its ui/net.h)."""
    return itertools.cycle(range(FIRST_NUMBER, LAST_NUMBER + 1))


MOST_MET: Final = 16_384
"""Addresses that are remembered as met; beyond that all are forgotten, and told twice again."""


class MtrRaw:
    """The lines of one target."""

    def __init__(self, style: Style, hostname_of: HostnameOf, numbers: Iterator[int] | None = None) -> None:
        """`numbers` goes on where the target before left off."""
        self._style = style
        self._hostname_of = hostname_of
        self._numbers = probe_numbers() if numbers is None else numbers
        self._in_flight: dict[tuple[int, int], int] = {}
        self._current: dict[int, str] = {}
        self._met: set[tuple[int, str]] = set()
        self._named: set[int] = set()

    def event(self, event: StreamEvent) -> str:
        """The lines of a departure or of an answer. What was lost or could not be sent is no line, nor is what came
        late."""
        if isinstance(event, SentEvent):
            return self._departure(event.round, event.ttl)
        if not isinstance(event, ProbeEvent) or event.outcome not in ("answered", "lost", "failed"):
            return ""
        line = ""
        key = (event.round, event.ttl)
        if key not in self._in_flight and event.outcome != "failed":
            line = self._departure(*key)  # of a source that tells no departures
        number = self._in_flight.pop(key, None)
        if event.address is None or event.rtt_ms is None:
            return line
        position = event.ttl - 1
        lines = [*self._host(position, event, event.address), f"p {position} {round(event.rtt_ms * 1000)} {number}"]
        return line + "".join(f"{line}\n" for line in lines)

    def _departure(self, round_: int, ttl: int) -> str:
        number = self._in_flight[round_, ttl] = next(self._numbers)
        return f"x {ttl - 1} {number}\n"

    def _host(self, position: int, event: ProbeEvent, address: str) -> list[str]:
        lines = []
        if self._current.get(position) != address:
            self._current[position] = address
            told = [f"h {position} {address}"]
            if self._style.mpls:
                told += [
                    f"m {position} {label.label} {label.tc} {int(label.bottom)} {label.ttl}" for label in event.mpls
                ]
            lines += told
            if (position, address) not in self._met:
                if len(self._met) == MOST_MET:  # addresses can be made up, one for each answer
                    self._met.clear()
                self._met.add((position, address))
                lines += told
        if self._style.names != "addresses" and position not in self._named:
            name = self._hostname_of(address)
            if name is not None:
                self._named.add(position)
                lines.append(f"d {position} {name}")
        return lines
