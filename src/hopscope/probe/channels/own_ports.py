"""A destination port for each probe of a UDP flow, while nothing else names the probe that an answer belongs to.

A router that quotes too little, or a service that answers with what it likes, leaves nothing of a probe but its ports.
With one port for all, whoever can write the target's address would only have to guess the source port (RFC 6056) to be
taken for the target. So an answer that names no probe is believed only where it comes from a port that one probe had.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hopscope.probe.channel import Probe

NEEDED_NS: Final = 60_000_000_000
"""After so long without an answer that needed a port of its own, all probes have one again."""
SHORT_QUOTE: Final = "a router quotes too little of a UDP probe to tell it apart: each probe has a port of its own now"
OPEN_PORT: Final = "the port is open and its answers name no probe: each probe has a port of its own now"

_TRACEROUTE_PORT: Final = 33434
_HIGHEST_PORT: Final = 65535


class OwnPorts:
    """The destination ports of one flow. `note`: why each probe has one of its own, None while all share `asked`."""

    __slots__ = ("_by_port", "_needed_at", "asked", "note")

    def __init__(self, asked: int) -> None:
        self.asked = asked
        self.note: str | None = None
        self._needed_at = 0
        self._by_port: dict[int, Probe] = {}

    def begin(self, note: str, now: int) -> None:
        """Give each probe a port of its own from here on; `now` is monotonic ns."""
        self.note, self._needed_at = note, now

    def needed(self, now: int) -> None:
        """An answer came that nothing but such a port named."""
        self._needed_at = now

    def end_if_unneeded(self, now: int) -> bool:
        """Go back to one port where none has been needed for long; whether that is so."""
        if self.note is None or now - self._needed_at <= NEEDED_NS:
            return False
        self.note = None
        return True

    def assign(self, probe: Probe) -> int:
        """The port that this probe is sent to."""
        if self.note is None:
            return self.asked
        port = self._of(probe)
        self._by_port[port] = probe
        return port

    def probe_at(self, port: int) -> Probe | None:
        """The probe that had this port alone."""
        return self._by_port.get(port)

    def forget(self, probe: Probe) -> None:
        """No answer to `probe` counts any more."""
        port = self._of(probe)
        if self._by_port.get(port) is probe:
            del self._by_port[port]

    def clear(self) -> None:
        """Forget all probes."""
        self._by_port.clear()

    def _of(self, probe: Probe) -> int:
        """One of the ports above the plan's, or above traceroute's where that would leave too few. Sequence numbers
        begin anywhere, so it cannot be foreseen."""
        first = min(self.asked, _TRACEROUTE_PORT)
        port = first + 1 + probe.seq % (_HIGHEST_PORT - first)
        return port if port != self.asked else first


def named(probes: Iterable[Probe], answer: bytes) -> Probe | None:
    """The one pending probe whose sequence number the datagram begins with, as DNS does (RFC 1035, 4.1.1)."""
    found = [probe for probe in probes if probe.fate is None and answer.startswith(probe.seq.to_bytes(2, "big"))]
    return found[0] if len(found) == 1 else None
