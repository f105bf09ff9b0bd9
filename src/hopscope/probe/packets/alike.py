"""The errors that one router sends to one flow's pings are alike but for the probe that they quote.

What does not depend on that is read once, by the parsers; after that the quoted sequence number tells all. For packets
whose checksums need not be looked at.
"""

from __future__ import annotations

from typing import Final

from hopscope.probe.channel import Probe, Reply
from hopscope.probe.packets.checksum import complement
from hopscope.probe.packets.ledger import FlowEntry

_MOST: Final = 4096
_SEQUENCE_AT: Final = 54
"""Where the quoted echo request has its sequence number, both IPv4 headers being without options."""


class Alike:
    """What is known of errors by all of their bytes but those that differ from probe to probe."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[FlowEntry, Reply]] = {}

    def answer(self, packet: bytes, mono: int, stamp: int) -> tuple[Probe, Reply] | None:
        """The probe that an IPv4 packet answers, and the reply that it is, read at `mono` and stamped `stamp`. None: it
        has to be parsed."""
        known = self._known.get(_part(packet))
        if known is None:
            return None
        entry, said = known
        probe = _quoted(packet, entry)
        if probe is None:
            return None
        return probe, Reply(
            said.address, said.kind, said.icmp_type, said.icmp_code, said.reply_ttl, said.mpls, mono, stamp, True,
            said.quoted_dscp, said.mtu,
        )  # fmt: skip

    def learn(self, packet: bytes, entry: FlowEntry, probe: Probe, reply: Reply) -> None:
        """A packet was parsed: it answers `probe` of this flow."""
        if not reply.vouched or entry.shape.protocol != "icmp":
            return
        if packet[0] != 0x45 or packet[28] != 0x45 or packet[37] != 1 or _quoted(packet, entry) is not probe:
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[_part(packet)] = entry, reply

    def forget(self) -> None:
        """The flows are other ones now."""
        self._known.clear()


def _part(packet: bytes) -> bytes:
    """What is left without identifications, header checksums, and the pair of words that tells a probe."""
    return packet[:1] + packet[8:10] + packet[12:32] + packet[34:38] + packet[40:54] + packet[58:]


def _quoted(packet: bytes, entry: FlowEntry) -> Probe | None:
    """The probe of this flow whose pair of words is quoted."""
    pair = int.from_bytes(packet[_SEQUENCE_AT : _SEQUENCE_AT + 4], "big")
    sequence = pair >> 16
    return entry.probes.get(sequence) if pair & 0xFFFF == complement(sequence, entry.shape.total) else None
