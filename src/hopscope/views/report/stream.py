"""The formats that are written as it happens: an event in, its lines out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from hopscope.session.events import ProbeEvent, SessionEvent, StartEvent
from hopscope.views.privacy import HIDDEN
from hopscope.views.report.document import Style

HostnameOf = Callable[[str], str | None]
"""An address to its cleaned name, as far as known now."""


class Streamer(Protocol):
    """One stream of lines."""

    def event(self, event: SessionEvent) -> str:
        """What an event adds; perhaps nothing."""
        ...


class Ndjson:
    """``ndjson``: one JSON object a line, its kind under ``event``."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()

    def event(self, event: SessionEvent) -> str:
        """One line."""
        return self._encoder.encode(event).decode() + "\n"


class MtrRaw:
    """``mtr-raw``: mtr's ``-l``. Positions count from 0, probes from 33000.

    ``x`` position number, ``h`` position address, ``d`` position name, ``p`` position microseconds number, ``m``
    position label class bottom TTL. mtr writes ``x`` when a probe leaves; here it stands in front of the probe's fate,
    so that the lines of a probe stay together. mtr 0.95 doubles each ``h`` line; here it is written once.
    """

    FIRST = 33_000

    def __init__(self, style: Style, hostname_of: HostnameOf) -> None:
        self._style = style
        self._hostname_of = hostname_of
        self._number = self.FIRST - 1
        self._addresses: set[tuple[int, str]] = set()
        self._named: set[tuple[int, str]] = set()

    def event(self, event: SessionEvent) -> str:
        """The lines of one probe's fate. What this machine could not send is nothing here, nor is what came late."""
        if not isinstance(event, ProbeEvent) or event.outcome not in ("answered", "lost"):
            return ""
        position = event.ttl - 1
        self._number += 1
        lines = [f"x {position} {self._number}"]
        if event.address is not None and event.rtt_ms is not None:
            lines += self._host(position, event, event.address)
            lines.append(f"p {position} {round(event.rtt_ms * 1000)} {self._number}")
        return "".join(f"{line}\n" for line in lines)

    def _host(self, position: int, event: ProbeEvent, address: str) -> list[str]:
        host = (position, address)
        lines = []
        if host not in self._addresses:
            self._addresses.add(host)
            lines.append(f"h {position} {address}")
            if self._style.mpls:
                lines += [
                    f"m {position} {label.label} {label.tc} {int(label.bottom)} {label.ttl}" for label in event.mpls
                ]
        if self._style.names != "addresses" and host not in self._named:
            name = self._hostname_of(address)
            if name is not None:
                self._named.add(host)
                lines.append(f"d {position} {name}")
        return lines


class Private:
    """A stream in which the first hops' addresses, wherever they answer, and the source's are hidden."""

    def __init__(self, inner: Streamer, hops: int) -> None:
        self._inner = inner
        self._hops = hops
        self._hidden: set[str] = set()

    def event(self, event: SessionEvent) -> str:
        """The inner stream's lines for the event without what is hidden."""
        if isinstance(event, StartEvent) and event.source is not None:
            event = msgspec.structs.replace(event, source=HIDDEN)
        elif isinstance(event, ProbeEvent) and event.address is not None:
            if event.ttl <= self._hops:
                self._hidden.add(event.address)
            if event.address in self._hidden:
                event = msgspec.structs.replace(event, address=HIDDEN)
        return self._inner.event(event)


def streamer(name: str, style: Style, hostname_of: HostnameOf, privacy: int = 0) -> Streamer:
    """The stream of a format in `formats.STREAMS`."""
    stream: Streamer = Ndjson() if name == "ndjson" else MtrRaw(style, hostname_of)
    return Private(stream, privacy) if privacy else stream
