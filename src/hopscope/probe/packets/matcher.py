"""From a packet that came in to the probe that it answers: one way for `raw`, `scapy` and `simulated`.

What cannot be parsed and what answers no probe of ours is counted, and no more is said of it.
"""

from __future__ import annotations

from typing import TypeAlias

from hopscope.probe.channel import Probe, Reply, Tally
from hopscope.probe.packets.checksum import is_checked
from hopscope.probe.packets.extensions import mpls_of
from hopscope.probe.packets.kinds import ACK, RST, SYN, kind_of, mtu_of
from hopscope.probe.packets.ledger import Ledger
from hopscope.probe.packets.replies import parse_icmp, parse_icmp6, parse_tcp
from hopscope.wire.messages import Family, Kind

Answer: TypeAlias = tuple[Probe, Reply]


class Matcher:
    """All flows of a channel (`ledger`), and what answers them.

    A packet comes with its sender's `address`, the `ttl` of its IPv6 header (IPv4's is in the packet), and when it was
    read (`mono`) and arrived (`stamp`, see `Reply`)."""

    __slots__ = ("_tally", "_trusts", "ledger")

    def __init__(self, tally: Tally, *, trusts: bool = False) -> None:
        """`trusts`: nothing comes in whose checksum does not add up."""
        self.ledger = Ledger()
        self._tally = tally
        self._trusts = trusts

    def icmp(self, family: Family, data: bytes, address: str, ttl: int | None, mono: int, stamp: int) -> Answer | None:
        """Of an ICMP packet (from its IPv4 header on) or ICMPv6 message."""
        heard = parse_icmp(data) if family == 4 else parse_icmp6(data)
        # A raw IPv4 socket is given what the kernel itself would drop (RFC 1122, 3.2.2).
        if heard is None or not (family == 6 or self._trusts or is_checked(data[heard.icmp_at :])):
            self._tally.malformed += 1
            return None
        match = self.ledger.probe_of(heard, data)
        if match is None:
            self._tally.foreign += 1
            return None
        icmp_type, code = heard.icmp_type, heard.icmp_code
        # No extension begins before byte 128 of a quote, unless the message says so.
        at = heard.icmp_at
        may_extend = heard.is_error and (len(data) - at > 136 or data[at + 4] or data[at + 5])
        mpls = mpls_of(data[at:], family) if may_extend else ()
        if heard.reply_ttl is not None:
            ttl = heard.reply_ttl
        kind = kind_of(family, icmp_type, code)
        dscp = heard.quoted_tos >> 2 if heard.is_error and (heard.quoted_tos ^ match.tos) >> 2 else None
        mtu = mtu_of(family, heard.word) if kind == "fragmentation-needed" else None
        port = heard.ident if heard.is_error and match.ident not in (-1, heard.ident) else None
        return match.probe, Reply(
            address, kind, icmp_type, code, ttl, mpls, mono, stamp, match.vouched, dscp, mtu, port
        )

    def tcp(self, family: Family, data: bytes, address: str, ttl: int | None, mono: int, stamp: int) -> Answer | None:
        """Of a TCP packet (from its IPv4 header on) or, in IPv6, segment."""
        segment = parse_tcp(data, family)
        if segment is None:
            self._tally.malformed += 1
            return None
        if not segment.flags & RST and segment.flags & (SYN | ACK) != SYN | ACK:
            return None  # what a filter keeps out, where there is one
        match = self.ledger.probe_of_segment(segment, family)
        if match is None:
            self._tally.foreign += 1
            return None
        kind: Kind = "tcp-reset" if segment.flags & RST else "tcp-open"
        if segment.reply_ttl is not None:
            ttl = segment.reply_ttl
        return match.probe, Reply(address, kind, None, None, ttl, (), mono, stamp)
