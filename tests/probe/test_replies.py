"""What comes back is matched to the probe it answers, and to no other."""

from __future__ import annotations

import socket
import struct

import pytest

from hopscope.probe.channel import Probe
from hopscope.probe.packets.ledger import FlowEntry, Ledger
from hopscope.probe.packets.replies import Heard, parse_icmp, parse_icmp6, parse_tcp
from hopscope.probe.packets.template import IP_HEADER, PacketShape, Template
from hopscope.wire.messages import Family, Protocol

ENDS: dict[Family, tuple[str, str]] = {4: ("198.18.0.1", "198.18.3.2"), 6: ("fd00:18:a0::1", "fd00:18:a3::2")}
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PROTOCOLS = pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
SEQS = pytest.mark.parametrize("seq", [0, 1, 77, 0x8000, 0xFFFF])


class Bench:
    """One flow in a ledger, with some probes in flight."""

    def __init__(self, family: Family, protocol: Protocol, size: int = 64, cookie: int = 0xDEADBEEF) -> None:
        self.family: Family = family
        port = 0 if protocol == "icmp" else 33434
        self.shape = PacketShape(family, protocol, *ENDS[family], 4242, port, cookie, size)
        self.template = Template(self.shape)
        self.ledger = Ledger()
        self.entry = FlowEntry(self.shape)
        self.ledger.add(self.entry)

    def probe(self, seq: int) -> tuple[Probe, bytes]:
        """A probe in flight and its packet."""
        self.entry.probes[seq] = Probe(1, 0, 5, seq)
        return self.entry.probes[seq], bytes(self.template.packet(5, seq))

    def parse(self, data: bytes) -> Heard | None:
        return parse_icmp(data) if self.family == 4 else parse_icmp6(data)

    def find(self, data: bytes) -> Probe | None:
        heard = self.parse(data)
        assert heard is not None
        match = self.ledger.probe_of(heard, data)
        return None if match is None else match.probe

    def is_vouched(self, data: bytes) -> bool:
        heard = self.parse(data)
        assert heard is not None
        match = self.ledger.probe_of(heard, data)
        assert match is not None
        return match.vouched


def ipv4(protocol: int, body: bytes, options: bytes = b"", ttl: int = 61) -> bytes:
    header = struct.pack(
        "!BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(body), 9, 0, ttl, protocol, 0
    )
    return header + socket.inet_aton("203.0.113.9") + socket.inet_aton("198.18.0.1") + options + body


def time_exceeded(family: Family, quote: bytes) -> bytes:
    if family == 4:
        return ipv4(1, bytes([11, 0, 0, 0, 0, 0, 0, 0]) + quote)
    return bytes([3, 0, 0, 0, 0, 0, 0, 0]) + quote


@FAMILIES
@PROTOCOLS
@SEQS
def test_an_error_finds_the_probe_it_quotes(family: Family, protocol: Protocol, seq: int) -> None:
    bench = Bench(family, protocol)
    probe, packet = bench.probe(seq)
    bench.probe(seq ^ 2)
    assert bench.find(time_exceeded(family, packet)) is probe
    heard = bench.parse(time_exceeded(family, packet))
    assert heard is not None
    assert (heard.quoted_ttl, heard.reply_ttl) == (5, 61 if family == 4 else None)


@PROTOCOLS
@SEQS
def test_eight_quoted_bytes_are_enough_in_ipv4(protocol: Protocol, seq: int) -> None:
    bench = Bench(4, protocol)
    probe, packet = bench.probe(seq)
    short = packet[:28]
    assert bench.find(time_exceeded(4, short)) is probe
    assert bench.find(time_exceeded(4, short + bytes(100))) is probe, "filled up with zeros, for an extension"


@pytest.mark.parametrize(("family", "protocol"), [(6, "icmp"), (6, "tcp")])
def test_eight_quoted_bytes_are_enough_in_ipv6_where_the_header_tells(family: Family, protocol: Protocol) -> None:
    bench = Bench(family, protocol)
    probe, packet = bench.probe(77)
    assert bench.find(time_exceeded(family, packet[:48])) is probe


def test_a_short_quote_of_udp_over_ipv6_matches_nothing_rather_than_something() -> None:
    bench = Bench(6, "udp")
    _, packet = bench.probe(0)
    assert bench.find(time_exceeded(6, packet[:48])) is None


@FAMILIES
@PROTOCOLS
def test_a_quote_cut_off_anywhere_finds_its_probe_or_none(family: Family, protocol: Protocol) -> None:
    bench = Bench(family, protocol)
    probe, packet = bench.probe(77)
    for end in range(len(packet) + 1):
        message = time_exceeded(family, packet[:end])
        if end < IP_HEADER[family] + 8:
            assert bench.parse(message) is None
        else:
            assert bench.find(message) in (probe, None)


@pytest.mark.parametrize("outer", [0, 4, 40])
@pytest.mark.parametrize("inner", [0, 4, 40])
def test_ip_options_are_stepped_over(outer: int, inner: int) -> None:
    bench = Bench(4, "udp")
    probe, packet = bench.probe(77)
    quote = bytes([0x45 + inner // 4]) + packet[1:20] + b"\1" * inner + packet[20:]
    data = ipv4(1, bytes([11, 0, 0, 0, 0, 0, 0, 0]) + quote, options=b"\1" * outer)
    assert bench.find(data) is probe


def test_ipv6_extension_headers_are_stepped_over() -> None:
    bench = Bench(6, "udp")
    probe, packet = bench.probe(77)
    headers = bytes([44, 0]) + bytes(6) + bytes([60, 0]) + bytes(6) + bytes([17, 1]) + bytes(14)
    quote = packet[:6] + b"\0" + packet[7:40] + headers + packet[40:]
    assert bench.find(time_exceeded(6, quote)) is probe


@FAMILIES
@PROTOCOLS
def test_nat_may_rewrite_source_port_or_identifier_and_checksums(family: Family, protocol: Protocol) -> None:
    bench = Bench(family, protocol)
    probe, packet = bench.probe(77)
    at = IP_HEADER[family]
    changed = bytearray(packet)
    source = slice(12, 16) if family == 4 else slice(8, 24)
    changed[source] = b"\x7f" * (source.stop - source.start)
    ident = at + 4 if protocol == "icmp" else at
    changed[ident : ident + 2] = b"\x12\x34"
    checksum = at + {"icmp": 2, "udp": 6, "tcp": 16}[protocol]
    changed[checksum : checksum + 2] = b"\x56\x78"
    if family == 4:
        changed[4:6] = b"\x9a\xbc"
    assert bench.find(time_exceeded(family, bytes(changed))) is probe


@FAMILIES
@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_the_cookie_makes_up_for_a_rewritten_destination(family: Family, protocol: Protocol) -> None:
    bench = Bench(family, protocol)
    probe, packet = bench.probe(77)
    end = IP_HEADER[family]
    size = 4 if family == 4 else 16
    changed = packet[: end - size] + b"\x7f" * size + packet[end:]
    assert bench.find(time_exceeded(family, changed)) is probe
    assert bench.find(time_exceeded(family, changed[: end + 8])) is None, "without the cookie it is not believed"


@FAMILIES
@PROTOCOLS
def test_another_programs_probe_with_our_numbers_is_not_ours(family: Family, protocol: Protocol) -> None:
    bench = Bench(family, protocol)
    bench.probe(77)
    other = Bench(family, protocol, cookie=0x12345678)
    packet = bytearray(other.template.packet(5, 77))
    packet[4:6] = b"\xff\xf0" if family == 4 else packet[4:6]
    assert bench.find(time_exceeded(family, bytes(packet))) is None


def test_a_firewall_that_changes_tcps_numbers_leaves_the_identification() -> None:
    bench = Bench(4, "tcp")
    probe, packet = bench.probe(77)
    assert bench.find(time_exceeded(4, packet[:24] + b"\x11\x22\x33\x44" + packet[28:])) is probe


@FAMILIES
@pytest.mark.parametrize("size", [1, 64])
def test_an_echo_reply_finds_its_probe_and_not_with_another_payload(family: Family, size: int) -> None:
    bench = Bench(family, "icmp", size)
    probe, packet = bench.probe(77)
    echo = bytes([0 if family == 4 else 129]) + packet[IP_HEADER[family] + 1 :]
    wrap = (lambda body: ipv4(1, body)) if family == 4 else (lambda body: body)
    assert bench.find(wrap(echo)) is probe
    assert bench.find(wrap(echo[:8] + b"\x99\x99" + echo[10:])) is None


@FAMILIES
def test_a_quoted_echo_reply_is_no_probe_of_ours(family: Family) -> None:
    bench = Bench(family, "icmp")
    _, packet = bench.probe(77)
    at = IP_HEADER[family]
    reply = packet[:at] + bytes([0 if family == 4 else 129]) + packet[at + 1 : at + 8]
    assert bench.find(time_exceeded(family, reply)) is None


@FAMILIES
@SEQS
def test_a_segment_finds_the_syn_that_it_acknowledges(family: Family, seq: int) -> None:
    bench = Bench(family, "tcp")
    probe, packet = bench.probe(seq)
    (number,) = struct.unpack_from("!I", packet, IP_HEADER[family] + 4)

    def find(acknowledged: int, ports: tuple[int, int] = (33434, 4242)) -> Probe | None:
        body = struct.pack("!HHIIBBHHH", *ports, 1, acknowledged & 0xFFFFFFFF, 0x50, 0x12, 100, 0, 0)
        segment = parse_tcp(ipv4(6, body) if family == 4 else body, family)
        assert segment is not None
        match = bench.ledger.probe_of_segment(segment, family)
        return None if match is None else match.probe

    assert find(number + 1) is probe
    assert find(number) is None
    assert find(number + 1, (33435, 4242)) is None
    assert find(number + 1, (33434, 4243)) is None


def test_a_flow_that_is_removed_is_answered_no_more() -> None:
    bench = Bench(4, "udp")
    probe, packet = bench.probe(77)
    message = time_exceeded(4, packet)
    assert bench.find(message) is probe
    assert not bench.ledger.is_free(bench.shape)
    assert bench.ledger.ports(4, "udp") == [4242]
    bench.ledger.remove(bench.entry)
    bench.ledger.remove(bench.entry)
    assert bench.find(message) is None
    assert bench.ledger.is_free(bench.shape)
    assert bench.ledger.ports(4, "udp") == []


@pytest.mark.parametrize("data", [b"", b"\x45", bytes(27), b"\x65" + bytes(59), ipv4(17, bytes(64)), ipv4(1, bytes(7))])
def test_what_is_no_icmp_packet_is_malformed(data: bytes) -> None:
    assert parse_icmp(data) is None


@pytest.mark.parametrize("data", [b"", bytes([129]) + bytes(6), bytes([135]) + bytes(80), bytes([3]) + bytes(80)])
def test_what_is_no_icmpv6_message_is_malformed(data: bytes) -> None:
    assert parse_icmp6(data) is None


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
def test_a_whole_quote_vouches_for_its_answer(protocol: Protocol, family: Family) -> None:
    bench = Bench(family, protocol)
    _, packet = bench.probe(77)
    assert bench.is_vouched(time_exceeded(family, packet))


@pytest.mark.parametrize(
    ("protocol", "family", "vouched"),
    # IPv4's identification is random, too; UDP's shortest quote has nothing else; a SYN's has its sequence number.
    [("icmp", 4, True), ("icmp", 6, False), ("udp", 4, False), ("tcp", 4, True), ("tcp", 6, True)],
)
def test_the_shortest_quote_vouches_only_by_what_was_random_in_it(
    protocol: Protocol, family: Family, vouched: bool
) -> None:
    bench = Bench(family, protocol)
    probe, packet = bench.probe(77)
    answer = time_exceeded(family, packet[: IP_HEADER[family] + 8])
    assert bench.find(answer) is probe
    assert bench.is_vouched(answer) == vouched


def test_a_short_quote_with_another_identification_is_told_apart() -> None:
    bench = Bench(4, "icmp")
    probe, packet = bench.probe(77)
    forged = packet[:4] + b"\x12\x34" + packet[6 : IP_HEADER[4] + 8]
    assert bench.find(time_exceeded(4, forged)) is probe
    assert not bench.is_vouched(time_exceeded(4, forged))
