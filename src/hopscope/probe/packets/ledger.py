"""Whose probe is it? All probes in flight of a channel that sends whole packets, by what comes back of them.

A flow is found by the identifier or source port of the quoted packet; where those were rewritten on the way (NAT), by
the cookie. Then what was quoted of the payload must be what the probe had there: so much on a network looks like an
answer that one number alone would be believed too easily. Payload of zeros counts as not quoted, since a router that
quotes little fills up with zeros before an extension (RFC 4884).
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Final, TypeAlias

from hopscope.probe.channel import Match, Probe
from hopscope.probe.packets.checksum import complement
from hopscope.probe.packets.replies import ICMP, TCP, UDP, Heard, TcpSegment
from hopscope.probe.packets.template import COOKIE_AT, COOKIE_SIZE, ID_OF_ZERO, IP_HEADER, PacketShape, packet_size
from hopscope.wire.messages import Family, Protocol

_SHORT = struct.Struct("!H")
_PAIR = struct.Struct("!HH")
_HEADER = 8
"""Bytes of a transport header that each quote has; a payload begins after them (a SYN's rest is not looked at)."""
_PROTOCOLS: Final[dict[int, Protocol]] = {ICMP[4]: "icmp", ICMP[6]: "icmp", UDP: "udp", TCP: "tcp"}

_Key: TypeAlias = tuple[int, int, int | bytes]
"""Family, IPPROTO number, and the identifier (a number) or the cookie (bytes)."""


def number_of(family: Family, protocol: Protocol) -> int:
    """The IPPROTO number."""
    return {"icmp": ICMP[family], "udp": UDP, "tcp": TCP}[protocol]


class FlowEntry:
    """One flow in the ledger: its shape, and its probes by their sequence number."""

    def __init__(self, shape: PacketShape) -> None:
        self.shape = shape
        self.probes: dict[int, Probe] = {}
        number = number_of(shape.family, shape.protocol)
        self.destination = ipaddress.ip_address(shape.destination).packed
        self.ident_key: _Key = (shape.family, number, shape.ident)
        self._protocol = shape.protocol
        self.total = shape.total
        cookie = struct.pack("!I", shape.cookie)
        self.cookie_key: _Key = (shape.family, number, _SHORT.pack(shape.total) if number == TCP else cookie)
        size = packet_size(shape.family, shape.protocol, shape.size) - IP_HEADER[shape.family]
        self._cookie = cookie if size >= COOKIE_AT.get(shape.protocol, size) + COOKIE_SIZE else b""

    def by_quote(self, heard: Heard, data: bytes) -> Match | None:
        """The probe that the packet at `heard.at` was, if it was this flow's."""
        at = heard.at
        if self._protocol == "icmp":
            seq = data[at + 6] << 8 | data[at + 7]
            probe = self.probes.get(seq)
            expected = _SHORT.pack((self.total - seq) % 0xFFFF) + self._cookie
            payload = data[at + _HEADER : at + _HEADER + len(expected)]
            if payload == expected:
                return None if probe is None else Match(probe, True, self.shape.tos)
            is_shown = payload == expected[: len(payload)]
            if not is_shown and any(payload):
                return None
            is_shown = is_shown and len(payload) >= _SHORT.size
            is_shown = is_shown or (heard.is_error and heard.family == 4 and heard.ip_id == self.shape.ip_id(seq))
            return None if probe is None else Match(probe, is_shown, self.shape.tos)
        payload = data[at + _HEADER : at + _HEADER + 8]
        if self._protocol == "udp":
            return self.by_payload(payload) if any(payload[:4]) else self._by_ip_id(heard)
        high, low = _PAIR.unpack_from(data, at + 4)
        # Some firewalls change the sequence numbers of TCP on the way; ports and identification still name the SYN.
        return self._match(high) if low == complement(high, self.total) else self._by_ip_id(heard)

    def by_payload(self, payload: bytes) -> Match | None:
        """The probe that had this UDP payload, of which the beginning is enough."""
        if len(payload) < _PAIR.size:
            return None
        (seq,) = _SHORT.unpack_from(payload)
        expected = _PAIR.pack(seq, complement(seq, self.total)) + self._cookie
        return self._match(seq) if payload[: len(expected)] == expected[: len(payload)] else None

    def by_acknowledged(self, acknowledged: int) -> Match | None:
        """The SYN that is acknowledged with this number."""
        high, low = divmod((acknowledged - 1) & 0xFFFFFFFF, 0x10000)
        return self._match(high) if low == complement(high, self.total) else None

    def _match(self, seq: int, *, vouched: bool = True) -> Match | None:
        probe = self.probes.get(seq)
        return None if probe is None else Match(probe, vouched, self.shape.tos, self.shape.ident)

    def _by_ip_id(self, heard: Heard) -> Match | None:
        """By the identification alone: a number of 16 bits, which can be tried out."""
        if heard.family == 6:
            return None
        first = self.shape.first_id
        found = self._match(heard.ip_id - first & 0xFFFF, vouched=False)
        if found is None and heard.ip_id == ID_OF_ZERO:
            found = self._match(-first & 0xFFFF, vouched=False)
        return found


class Ledger:
    """All flows of a channel."""

    def __init__(self) -> None:
        self._entries: dict[_Key, FlowEntry] = {}

    def add(self, entry: FlowEntry) -> None:
        """Expect answers to this flow's probes."""
        self._entries[entry.ident_key] = entry
        self._entries[entry.cookie_key] = entry

    def remove(self, entry: FlowEntry) -> None:
        """Expect none any more. Idempotent."""
        for key in (entry.ident_key, entry.cookie_key):
            if self._entries.get(key) is entry:
                del self._entries[key]

    def is_free(self, shape: PacketShape) -> bool:
        """Whether no flow has this shape's identifier or cookie."""
        entry = FlowEntry(shape)
        return entry.ident_key not in self._entries and entry.cookie_key not in self._entries

    def ports(self, family: Family, protocol: Protocol) -> list[int]:
        """The source ports of all flows, in order."""
        number = number_of(family, protocol)
        return sorted(key[2] for key in self._entries if key[:2] == (family, number) and isinstance(key[2], int))

    def cookies(self, family: Family) -> list[bytes]:
        """Those of all flows of echo requests, in order."""
        number = number_of(family, "icmp")
        return sorted(key[2] for key in self._entries if key[:2] == (family, number) and isinstance(key[2], bytes))

    def probe_of(self, heard: Heard, data: bytes) -> Match | None:
        """The probe that an ICMP message answers, `data` being what it was parsed from."""
        entry = self._entries.get((heard.family, heard.protocol, heard.ident))
        if entry is not None and (not heard.is_error or heard.destination == entry.destination):
            match = entry.by_quote(heard, data)
            if match is not None:
                return match
        entry = self._by_cookie(heard, data)
        return None if entry is None else entry.by_quote(heard, data)

    def _by_cookie(self, heard: Heard, data: bytes) -> FlowEntry | None:
        """The flow of a quote whose ports or identifier, or even whose destination, were rewritten."""
        protocol = _PROTOCOLS.get(heard.protocol)
        if protocol is None:
            return None
        if protocol != "tcp":
            at = heard.at + COOKIE_AT[protocol]
            return self._entries.get((heard.family, heard.protocol, data[at : at + COOKIE_SIZE]))
        high, low = _PAIR.unpack_from(data, heard.at + 4)
        entry = self._entries.get((heard.family, TCP, _SHORT.pack((high + low) % 0xFFFF)))
        # Sixteen bits are few: where the SYN went must be where ours do.
        if entry is None or (entry.shape.port, entry.destination) != (heard.port, heard.destination):
            return None
        return entry

    def probe_of_segment(self, segment: TcpSegment, family: Family) -> Match | None:
        """The SYN that a SYN-ACK or RST answers."""
        entry = self._entries.get((family, TCP, segment.port))
        if entry is None or entry.shape.port != segment.source_port:
            return None
        return entry.by_acknowledged(segment.acknowledged)
