"""Each feature of the scenario language that shapes an answer, on the bytes that come out."""

from __future__ import annotations

import struct

import pytest
from scapy.contrib.mpls import ICMPExtension_MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6
from scapy.packet import Raw

from hopscope.probe.packets.extensions import mpls_of
from hopscope.sim import packets
from tests.sim.world import MS, TARGET, TARGET4, TARGET6, US4, World, datagram, dissect, echo, hops, router, syn

CHAIN = hops(router(1), router(2), router(3)) + TARGET


def quoted(raw: bytes) -> bytes:
    """The packet that an ICMP error over IPv4 quotes."""
    return raw[28:]


def test_each_router_answers_for_its_ttl_and_quotes_the_probe_as_it_came() -> None:
    world = World(CHAIN)
    for ttl in (1, 2, 3):
        answer = world.one(echo(ttl))
        assert (answer.src, answer.dst, answer[ICMP].type, answer[ICMP].code) == (f"192.0.2.{ttl}", US4, 11, 0)
        assert answer[IPerror].ttl == 1
        assert answer.ttl == 255 - (ttl - 1)
        probe = dissect(bytes(answer[IPerror]))
        assert (probe.dst, bytes(probe[ICMP])) == (TARGET4, echo(ttl)[20:])


def test_ipv6_routers_answer_with_their_own_addresses() -> None:
    world = World(CHAIN)
    for ttl in (1, 2, 3):
        answer = world.one(echo(ttl, to=TARGET6))
        assert answer.src == f"2001:db8::{ttl}"
        assert (answer[ICMPv6TimeExceeded].type, answer[ICMPv6TimeExceeded].code) == (3, 0)
        assert bytes(answer[ICMPv6TimeExceeded].payload)[7] == 1


def test_the_target_replies_to_echo_with_the_same_payload() -> None:
    world = World(CHAIN)
    four = world.one(echo(9, seq=5))
    assert (four.src, four[ICMP].type, four[ICMP].seq, four[ICMP].id, four.ttl) == (TARGET4, 0, 5, 77, 61)
    six = world.one(echo(9, seq=5, to=TARGET6))
    assert (six.src, six[ICMPv6EchoReply].seq, six.hlim) == (TARGET6, 5, 61)


def test_delays_add_up_to_the_rtt_of_a_hop() -> None:
    world = World(hops(router(1, 'delay = "2ms"'), router(2, "delay = 3.5")) + TARGET + 'delay = "250us"\n')
    assert [world.send(echo(ttl))[0][0] for ttl in (1, 2, 3)] == [2 * MS, 5.5 * MS, 5.75 * MS]


@pytest.mark.parametrize(
    ("distribution", "least", "most", "mean"),
    [
        ("uniform", 0, 10, (4.5, 5.5)),
        ("normal", 0, 60, (7.3, 8.7)),
        ("exponential", 0, 200, (9, 11)),
        ("pareto", 0, 1000, (14, 27)),
        ("spikes", 0, 10, (0.3, 0.7)),
    ],
)
def test_jitter_follows_its_distribution(
    distribution: str, least: float, most: float, mean: tuple[float, float]
) -> None:
    world = World(hops(router(1, f'delay = 0, jitter = "10ms", distribution = "{distribution}"')) + TARGET)
    probe = echo(1)
    extra = [world.send(probe)[0][0] / MS for _ in range(3000)]
    assert least <= min(extra) <= max(extra) <= most
    assert mean[0] < sum(extra) / len(extra) < mean[1]


def test_a_slow_answer_does_not_slow_what_passes() -> None:
    world = World(hops(router(1, 'reply_delay = "50ms"'), router(2)) + TARGET)
    assert [world.send(echo(ttl))[0][0] // MS for ttl in (1, 2)] == [51, 2]


def test_udp_and_tcp_meet_closed_and_open_ports() -> None:
    world = World(CHAIN + "open = [443]\n")
    unreachable = world.one(datagram())
    assert (unreachable.src, unreachable[ICMP].type, unreachable[ICMP].code) == (TARGET4, 3, 3)
    opened = world.one(syn(dport=443, seq=0xFFFFFFFF))
    assert (opened[TCP].flags, opened[TCP].ack, opened[TCP].sport, opened[TCP].dport) == ("SA", 0, 443, 40_000)
    reset = world.one(syn(dport=80, seq=7))
    assert (reset[TCP].flags, reset[TCP].ack, reset[TCP].seq) == ("RA", 8, 0)


def test_a_finished_connection_is_reset_and_a_reset_is_not_answered() -> None:
    world = World(CHAIN + "open = [443]\n")
    kinds = {}
    for flags in ("FA", "A", "R", "RA"):
        packet = IP(src=US4, dst=TARGET4) / TCP(sport=40_000, dport=443, seq=5, ack=9, flags=flags)
        kinds[flags] = [dissect(raw)[TCP].flags for _, raw in world.send(bytes(packet))]
    assert kinds == {"FA": ["R"], "A": [], "R": [], "RA": []}


def test_a_target_says_what_its_scenario_says() -> None:
    world = World(CHAIN + 'icmp = "host-prohibited"\nudp = "reply"\nclosed = "3/13"\n')
    assert world.one(echo())[ICMP].code == 10
    echoed = world.one(datagram(data=b"hopscope"))
    assert (echoed[UDP].sport, echoed[UDP].dport, echoed[Raw].load) == (33_434, 40_000, b"hopscope")
    assert world.one(syn())[ICMP].code == 13
    assert World(CHAIN + 'icmp = "silent"\n').send(echo()) == []


def test_a_router_answers_for_itself_when_it_is_the_destination() -> None:
    world = World(CHAIN)
    assert world.one(echo(to="192.0.2.2"))[ICMP].type == 0
    assert world.one(echo(ttl=1, to="192.0.2.2")).src == "192.0.2.1"
    assert world.one(datagram(to="192.0.2.3"))[ICMP].code == 3


def test_an_unknown_destination_is_unreachable_at_the_last_router() -> None:
    answer = World(CHAIN).one(echo(to="203.0.113.99"))
    assert (answer.src, answer[ICMP].type, answer[ICMP].code) == ("192.0.2.3", 3, 0)
    world = World('elsewhere = "silent"\n' + CHAIN)
    assert world.send(echo(to="203.0.113.99")) == []
    assert world.last.outcome == "swallowed"


def test_silence_is_for_what_it_names() -> None:
    world = World(hops(router(1, 'silent = ["udp"]'), router(2, "silent = true")) + TARGET)
    assert world.who(echo(1)) == "192.0.2.1"
    assert world.who(datagram(1)) is None
    assert world.who(echo(2)) is None
    assert world.last.outcome == "silent"
    assert world.who(echo(3)) == TARGET4


@pytest.mark.parametrize(("quote", "length"), [("28", 28), ("20", 20), ("128", 128), ('"all"', 528)])
def test_a_router_quotes_as_much_as_it_is_told(quote: str, length: int) -> None:
    world = World(hops(router(1, f"quote = {quote}")) + TARGET)
    ((_, raw),) = world.send(echo(1, size=500))
    assert len(quoted(raw)) == length


def test_an_error_never_grows_beyond_its_family_limit() -> None:
    world = World(hops(router(1), router(2, "mpls = [{ label = 5 }]")) + TARGET)
    for ttl in (1, 2):
        ((_, four),) = world.send(echo(ttl, size=1400))
        ((_, six),) = world.send(echo(ttl, size=1400, to=TARGET6))
        assert (len(four), len(six)) == ((576, 1280) if ttl == 1 else (576, 1276))  # IPv6 quotes in units of 8


def test_mpls_labels_stand_in_an_extension_that_scapy_reads() -> None:
    stack = "mpls = [{ label = 16004, tc = 3, ttl = 7 }, { label = 24011 }]"
    answer = World(hops(router(1, stack)) + TARGET).one(echo(1))
    assert answer[ICMP].length * 4 == 128
    layer = answer[ICMP].ext[ICMPExtension_MPLS].stack[0]
    assert (layer.label, layer.cos, layer.s, layer.ttl) == (16004, 3, 0, 7)
    assert (layer.payload.label, layer.payload.s) == (24011, 1)


def test_mpls_over_ipv6_is_told_in_units_of_eight_bytes() -> None:
    ((_, raw),) = World(hops(router(1, "mpls = [{ label = 16004 }]")) + TARGET).send(echo(1, to=TARGET6))
    assert raw[44] * 8 == 128
    assert [label.label for label in mpls_of(raw[40:], 6)] == [16004]


def test_interface_information_and_unknown_objects_follow_rfc_4884() -> None:
    told = 'interface = { role = "outgoing", index = 517, address = "192.0.2.9", name = "ae4.0", mtu = 9192 }'
    line = f'{told}, extensions = [{{ number = 200, kind = 9, data = "c0ffee" }}]'
    ((_, raw),) = World(hops(router(1, line)) + TARGET).send(echo(1))
    extension = raw[28 + 128 :]
    assert extension[0] == 0x20
    assert packets.checksum(extension) == 0
    size, number, kind = struct.unpack_from("!HBB", extension, 4)
    assert (number, kind) == (2, 2 << 6 | 0b1111)
    body = extension[8 : 4 + size]
    assert struct.unpack("!IHH4s", body[:12]) == (517, 1, 0, bytes((192, 0, 2, 9)))
    assert body[12:20] == b"\x08ae4.0\0\0"
    assert body[20:] == struct.pack("!I", 9192)
    assert extension[4 + size :] == struct.pack("!HBB", 8, 200, 9) + b"\xc0\xff\xee\0"


@pytest.mark.parametrize(
    ("flaw", "labels"), [("none", 1), ("checksum", 0), ("version", 0), ("no-length", 1), ("truncated", 0)]
)
def test_a_flawed_extension_is_flawed_as_named(flaw: str, labels: int) -> None:
    line = f'mpls = [{{ label = 16004 }}], extension_flaw = "{flaw}"'
    ((_, raw),) = World(hops(router(1, line)) + TARGET).send(echo(1))
    assert len(mpls_of(raw[20:], 4)) == labels
    assert (raw[25] == 0) == (flaw == "no-length")


ERRORS4 = [
    "net-unreachable", "host-unreachable", "protocol-unreachable", "port-unreachable", "fragmentation-needed",
    "source-route-failed", "net-unknown", "host-unknown", "source-isolated", "net-prohibited", "host-prohibited",
    "net-tos", "host-tos", "prohibited", "precedence-violation", "precedence-cutoff",
]  # fmt: skip


@pytest.mark.parametrize(("code", "name"), list(enumerate(ERRORS4)))
def test_a_hop_that_refuses_says_each_code_of_unreachable(code: int, name: str) -> None:
    world = World(hops(router(1, f'error = "{name}"'), router(2)) + TARGET)
    refused = world.one(echo(5))
    assert (refused.src, refused[ICMP].type, refused[ICMP].code) == ("192.0.2.1", 3, code)
    assert world.one(echo(1))[ICMP].type == 11


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("net-unreachable", 0), ("prohibited", 1), ("beyond-scope", 2), ("host-unreachable", 3),
        ("port-unreachable", 4), ("source-policy", 5), ("reject-route", 6), ("source-route-failed", 7),
    ],
)  # fmt: skip
def test_the_codes_of_ipv6_are_its_own(name: str, code: int) -> None:
    refused = World(hops(router(1, f'error = "{name}"')) + TARGET).one(echo(5, to=TARGET6))
    assert (refused[ICMPv6DestUnreach].type, refused[ICMPv6DestUnreach].code) == (1, code)


def test_a_narrow_link_tells_its_mtu_to_packets_that_must_not_be_cut() -> None:
    world = World(hops(router(1), router(2, "mtu = 1400"), router(3)) + TARGET)
    big = world.one(echo(9, size=1400, flags="DF"))
    assert (big.src, big[ICMP].type, big[ICMP].code, big[ICMP].nexthopmtu) == ("192.0.2.2", 3, 4, 1400)
    assert world.who(echo(9, size=1400)) == TARGET4
    assert world.who(echo(9, size=1300, flags="DF")) == TARGET4
    assert world.who(echo(2, size=1400, flags="DF")) == "192.0.2.2"
    six = world.one(echo(9, size=1400, to=TARGET6))
    assert (six.src, six[ICMPv6PacketTooBig].mtu) == ("2001:db8::2", 1400)


def test_an_mtu_black_hole_says_nothing() -> None:
    world = World(hops(router(1, "mtu = 1400, mtu_silent = true"), router(2)) + TARGET)
    assert world.send(echo(9, size=1400, flags="DF")) == []
    assert world.last.outcome == "mtu-black-hole"
    assert world.who(echo(9, size=1300, flags="DF")) == TARGET4


def test_the_narrower_of_two_links_decides_only_for_what_passes_the_wider() -> None:
    world = World(hops(router(1, "mtu = 1450"), router(2, "mtu = 1400"), router(3)) + TARGET)
    sizes = {size: world.who(echo(9, size=size - 28, flags="DF")) for size in (1500, 1450, 1400)}
    assert sizes == {1500: "192.0.2.1", 1450: "192.0.2.2", 1400: TARGET4}


def test_dscp_and_ecn_edits_show_in_the_quotes_behind_them() -> None:
    world = World(hops(router(1, "dscp = 10"), router(2, "ecn = 0"), router(3)) + TARGET)
    tos = [world.one(echo(ttl, tos=0xB9))[IPerror].tos for ttl in (1, 2, 3)]
    assert tos == [0xB9, 10 << 2 | 1, 10 << 2]
    ((_, raw),) = world.send(echo(3, to=TARGET6, tc=0xB9))
    assert IPv6(raw[48:]).tc == 10 << 2


def test_nat_restores_in_quotes_only_what_it_says() -> None:
    nat = 'nat = { source = "203.0.113.7", source_port = 5555, identification = 4242, restore = ["address"] }'
    world = World(hops(router(1, nat), router(2)) + TARGET)
    probe = datagram(2, id=17)
    assert quoted(world.send(datagram(1, id=17))[0][1])[20:] == probe[20:]
    answer = world.one(probe)
    inner = answer[IPerror]
    assert (answer.dst, inner.src, inner.id, inner.payload.sport) == (US4, US4, 4242, 5555)
    translated = IP(src="203.0.113.7", dst=TARGET4) / UDP(sport=5555, dport=33_434) / Raw(bytes(12))
    assert inner.payload.chksum == IP(bytes(translated))[UDP].chksum
    whole = dissect(bytes(inner))
    assert whole.id == 4242


def test_nat_that_restores_all_leaves_no_trace_but_the_identification() -> None:
    nat = 'nat = { source = ["203.0.113.7", "2001:db8:7::7"], source_port = 5555 }'
    world = World(hops(router(1, nat), router(2, "quote = 28")) + TARGET)
    assert quoted(world.send(datagram(2, id=3))[0][1])[20:28] == datagram(2, id=3)[20:28]
    assert quoted(world.send(echo(2))[0][1])[20:28] == echo(2)[20:28]
    ((_, raw),) = world.send(echo(2, to=TARGET6))
    assert raw[48:76][8:24] == echo(2, to=TARGET6)[8:24]


@pytest.mark.parametrize(("checksum", "kept"), [("keep", True), ("zero", False)])
def test_nat_may_leave_the_checksum_wrong(checksum: str, kept: bool) -> None:
    nat = f'nat = {{ source = "203.0.113.7", checksum = "{checksum}", restore = ["address"] }}'
    world = World(hops(router(1, nat), router(2)) + TARGET)
    probe = datagram(2)
    value = quoted(world.send(probe)[0][1])[26:28]
    assert value == (probe[26:28] if kept else b"\0\0")


def test_a_hop_that_leaves_the_ttl_alone_is_never_seen() -> None:
    world = World(hops(router(1), router(2, "decrement = false"), router(3)) + TARGET)
    assert [world.who(echo(ttl)) for ttl in (1, 2, 3)] == ["192.0.2.1", "192.0.2.3", TARGET4]


def test_zero_ttl_forwarding_shows_the_next_router_twice_with_a_quoted_ttl_of_zero_first() -> None:
    world = World(hops(router(1, "zero_ttl_forwarding = true"), router(2)) + TARGET)
    answers = [world.one(echo(ttl)) for ttl in (1, 2)]
    assert [(answer.src, answer[IPerror].ttl) for answer in answers] == [("192.0.2.2", 0), ("192.0.2.2", 1)]


def test_reply_ttl_and_return_hops_decide_what_arrives() -> None:
    world = World(hops(router(1, "reply_ttl = 64"), router(2, "return_hops = 9")) + TARGET + "reply_ttl = 128\n")
    assert [world.one(echo(ttl)).ttl for ttl in (1, 2, 3)] == [64, 246, 126]


def test_errors_are_never_answered_with_errors() -> None:
    world = World(CHAIN)
    packet = IP(src=US4, dst=TARGET4, ttl=1) / ICMP(type=3, code=1) / Raw(bytes(28))
    assert world.send(bytes(packet)) == []
    assert world.last.outcome == "swallowed"


@pytest.mark.parametrize(
    "junk",
    [
        b"", b"\x45", bytes(60), b"\x45" + bytes(18), b"\xff" * 40, echo()[:24], echo(to=TARGET6)[:44],
        b"\x60" + bytes(47), echo(to="224.0.0.1"), echo(to="ff02::2"), b"\x4f" + echo()[1:],
        bytes(IP(src=US4, dst=TARGET4, frag=9) / Raw(bytes(40))), syn()[:32],
        bytes(IP(src=US4, dst=TARGET4, proto=132) / Raw(bytes(20)))[:27],
    ],
    ids=range(14),
)  # fmt: skip
def test_no_packet_is_too_broken_to_survive(junk: bytes) -> None:
    world = World(CHAIN + "open = [80]\n")
    world.send(junk)
    assert world.last.due is None
    assert world.who(echo(1)) == "192.0.2.1"


def test_an_unknown_protocol_is_unreachable_at_the_target() -> None:
    packet = IP(src=US4, dst=TARGET4, proto=132) / Raw(bytes(20))
    answer = World(CHAIN).one(bytes(packet))
    assert (answer[ICMP].type, answer[ICMP].code) == (3, 2)
