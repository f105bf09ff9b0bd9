"""Templates: the patched packet is what Scapy builds, and one flow to the network."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hopscope.probe.packets.checksum import complement, is_checked, ones_sum
from hopscope.probe.packets.plain import plain
from hopscope.probe.packets.template import IP_HEADER, PacketShape, Template, build, packet_size
from hopscope.wire.messages import Family, Protocol

ENDS: dict[Family, tuple[str, str]] = {4: ("198.18.0.1", "198.18.3.2"), 6: ("fd00:18:a0::1", "fd00:18:a3::2")}
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PROTOCOLS = pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
CHECKSUM_AT: dict[Protocol, int] = {"icmp": 2, "udp": 6, "tcp": 16}


def shape(
    family: Family,
    protocol: Protocol,
    *,
    cookie: int = 0xDEADBEEF,
    size: int = 64,
    pattern: int = 0xAA,
    tos: int = 0x10,
) -> PacketShape:
    port = 0 if protocol == "icmp" else 33434
    return PacketShape(family, protocol, *ENDS[family], 4242, port, cookie, size, pattern, tos)


@settings(deadline=None, max_examples=150)
@given(
    family=st.sampled_from([4, 6]),
    protocol=st.sampled_from(["icmp", "udp", "tcp"]),
    ttl=st.integers(0, 255),
    seq=st.integers(0, 65535),
    cookie=st.integers(0, 0xFFFFFFFF),
    size=st.integers(28, 120),
    pattern=st.integers(0, 255),
    tos=st.integers(0, 255),
)
def test_a_patched_packet_is_byte_for_byte_what_scapy_builds(
    family: Family, protocol: Protocol, ttl: int, seq: int, cookie: int, size: int, pattern: int, tos: int
) -> None:
    made = shape(family, protocol, cookie=cookie, size=size, pattern=pattern, tos=tos)
    assert plain(made) == bytes(build(made))
    template = Template(made)
    template.packet(99, 0x1234)  # what an earlier probe left must not show
    assert bytes(template.packet(ttl, seq)) == bytes(build(made, ttl, seq))
    assert len(template) == packet_size(family, protocol, size)


@FAMILIES
@PROTOCOLS
def test_the_transport_checksum_is_the_same_for_every_sequence_number(family: Family, protocol: Protocol) -> None:
    template = Template(shape(family, protocol))
    at = CHECKSUM_AT[protocol]
    sums = {bytes(template.transport(seq)[at : at + 2]) for seq in range(0, 65536, 17)}
    packets = {bytes(template.transport(seq)) for seq in range(0, 65536, 17)}
    assert (len(sums), len(packets)) == (1, len(range(0, 65536, 17)))


def test_each_ipv4_header_adds_up_and_has_an_identification_the_kernel_keeps() -> None:
    template = Template(shape(4, "udp"))
    for ttl in (0, 1, 64, 255):
        for seq in (*range(0, 65536, 251), 0x7FFF, 0x8000, 0xFFFF):
            header = template.packet(ttl, seq)[:20]
            assert is_checked(header)
            assert header[4:6] != b"\0\0"


@FAMILIES
def test_a_syn_has_the_size_of_a_syn_whatever_is_wanted(family: Family) -> None:
    assert {packet_size(family, "tcp", size) for size in (1, 64, 1500)} == {IP_HEADER[family] + 24}


@pytest.mark.parametrize(("protocol", "least"), [("icmp", 10), ("udp", 12)])
@FAMILIES
def test_a_size_too_small_is_raised_to_what_tells_probes_apart(family: Family, protocol: Protocol, least: int) -> None:
    assert len(Template(shape(family, protocol, size=1))) == IP_HEADER[family] + least


@given(st.binary(max_size=64))
def test_the_sum_of_one_big_number_is_the_sum_of_its_words(data: bytes) -> None:
    padded = data + b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    assert ones_sum(data) == total % 0xFFFF


@given(st.integers(0, 65535), st.integers(0, 65534))
def test_a_word_and_its_complement_add_up_to_the_total(word: int, total: int) -> None:
    assert 0 <= complement(word, total) < 0xFFFF
    assert (word + complement(word, total)) % 0xFFFF == total


@pytest.mark.parametrize("module", ["channels.raw", "sockets.raw_sockets", "packets.template", "packets.ledger"])
def test_scapy_is_not_loaded_before_the_first_template(module: str) -> None:
    program = f"import sys, hopscope.probe.{module}; sys.exit('scapy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
