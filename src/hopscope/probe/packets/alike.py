"""The errors that one router sends to one flow's pings are alike but for the probe that they quote.

What does not depend on that is read once, by the parsers; after that the quoted sequence number tells all. For packets
whose checksums need not be looked at.
"""

from __future__ import annotations

import struct
from typing import Final, TypeAlias

from hopscope.probe.channel import Probe, Reply
from hopscope.probe.packets.ledger import FlowEntry

_MOST: Final = 4096
_PAIR: Final = struct.Struct("!HH")
_PAIR_AT: Final = 54
"""Where the quoted echo request has the pair of words that tells the probe, both IPv4 headers being without options."""
_PART: Final = struct.Struct("!B7xH2x20s2xI2x14s4x")
"""What stands before its end, without identifications and header checksums."""
_REST_AT: Final = _PART.size

_Part: TypeAlias = tuple[int | bytes, ...]


class Alike:
    """What is known of errors by all of their bytes but those that differ from probe to probe."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[_Part, tuple[FlowEntry, Reply]] = {}

    def answer(self, packet: bytes, mono: int, stamp: int) -> tuple[Probe, Reply] | None:
        """The probe that an IPv4 packet answers, and the reply that it is, read at `mono` and stamped `stamp`. None: it
        has to be parsed."""
        if len(packet) < _REST_AT:
            return None
        known = self._known.get((*_PART.unpack_from(packet), packet[_REST_AT:]))
        if known is None:
            return None
        entry, said = known
        sequence, other = _PAIR.unpack_from(packet, _PAIR_AT)
        probe = entry.probes.get(sequence)
        if probe is None or other != (entry.total - sequence) % 0xFFFF:
            return None
        return probe, Reply(
            said.address, said.kind, said.icmp_type, said.icmp_code, said.reply_ttl, said.mpls, mono, stamp, True,
            said.quoted_dscp, said.mtu,
        )  # fmt: skip

    def learn(self, packet: bytes, entry: FlowEntry, probe: Probe, reply: Reply) -> None:
        """A packet was parsed: it answers `probe` of this flow."""
        if not reply.vouched or entry.shape.protocol != "icmp" or len(packet) < _REST_AT:
            return
        if packet[0] != 0x45 or packet[28] != 0x45 or packet[37] != 1:
            return
        sequence, other = _PAIR.unpack_from(packet, _PAIR_AT)
        if entry.probes.get(sequence) is not probe or other != (entry.total - sequence) % 0xFFFF:
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[(*_PART.unpack_from(packet), packet[_REST_AT:])] = entry, reply

    def forget(self) -> None:
        """The flows are other ones now."""
        self._known.clear()
