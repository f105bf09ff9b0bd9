"""ICMP extensions: labels are read where the RFCs put them, and payload never poses as one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopscope.probe.packets.checksum import ones_sum
from hopscope.probe.packets.extensions import MAX_LABELS, extension_of, mpls_from_extension, mpls_of
from hopscope.wire.messages import Family, Label

LABELS = (Label(16004, 0, False, 1), Label(24015, 5, True, 255))
INTERFACE = struct.pack("!HBBI", 8, 2, 0x08, 7)
"""An object of RFC 5837: an interface's index."""


def stack(*labels: Label) -> bytes:
    body = b"".join(struct.pack("!I", one.label << 12 | one.tc << 9 | one.bottom << 8 | one.ttl) for one in labels)
    return struct.pack("!HBB", len(body) + 4, 1, 1) + body


def structure(*objects: bytes, version: int = 2, checksum: int | None = None) -> bytes:
    data = struct.pack("!BBH", version << 4, 0, 0) + b"".join(objects)
    value = ones_sum(data) ^ 0xFFFF if checksum is None else checksum
    return data[:2] + struct.pack("!H", value) + data[4:]


def error(family: Family, extension: bytes, quoted: int = 128, length: int | None = None) -> bytes:
    """A time exceeded whose quoted packet has `quoted` bytes."""
    words = (quoted // (4 if family == 4 else 8)) if length is None else length
    head = struct.pack("!BBHBBH", 11, 0, 0, 0, words, 0) if family == 4 else struct.pack("!BBHB3x", 3, 0, 0, words)
    return head + bytes(quoted) + extension


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("quoted", [128, 160, 504])
def test_labels_are_read_where_the_length_field_says(family: Family, quoted: int) -> None:
    assert mpls_of(error(family, structure(stack(*LABELS)), quoted), family) == LABELS


@pytest.mark.parametrize("family", [4, 6])
def test_without_a_length_field_labels_begin_at_byte_128(family: Family) -> None:
    assert mpls_of(error(family, structure(stack(*LABELS)), length=0), family) == LABELS


@pytest.mark.parametrize("family", [4, 6])
def test_without_a_length_field_a_structure_without_a_checksum_is_payload(family: Family) -> None:
    assert mpls_of(error(family, structure(stack(*LABELS), checksum=0), length=0), family) == ()
    assert mpls_of(error(family, structure(stack(*LABELS), checksum=0)), family) == LABELS


def test_payload_of_a_long_quote_is_no_extension() -> None:
    assert mpls_of(error(4, bytes(range(256)) * 2, length=0), 4) == ()


@pytest.mark.parametrize("version", [0, 1, 3, 15])
def test_another_version_is_not_read(version: int) -> None:
    assert mpls_of(error(4, structure(stack(*LABELS), version=version)), 4) == ()


def test_a_wrong_checksum_is_not_read() -> None:
    good = structure(stack(*LABELS))
    assert mpls_from_extension(good) == LABELS
    assert mpls_from_extension(good[:-1] + bytes([good[-1] ^ 1])) == ()


def test_objects_of_other_classes_are_stepped_over() -> None:
    assert mpls_from_extension(structure(INTERFACE, stack(LABELS[0]), INTERFACE, stack(LABELS[1]))) == LABELS


@pytest.mark.parametrize("length", [0, 3, 5000])
def test_an_object_that_does_not_fit_ends_the_walk(length: int) -> None:
    broken = struct.pack("!HBB", length, 1, 1) + bytes(8)
    assert mpls_from_extension(structure(stack(LABELS[0]), broken)) == LABELS[:1]


def test_a_part_of_a_label_is_no_label() -> None:
    cut = struct.pack("!HBB", 10, 1, 1) + stack(LABELS[0])[4:] + b"\1\2"
    assert mpls_from_extension(structure(cut, b"\0\0")) == LABELS[:1]


def test_labels_without_end_are_cut_off() -> None:
    assert len(mpls_from_extension(structure(stack(*[LABELS[0]] * 1000)))) == MAX_LABELS


@pytest.mark.parametrize("icmp_type", [0, 5, 8, 129])
def test_messages_that_have_no_extensions_are_not_searched(icmp_type: int) -> None:
    message = bytes([icmp_type]) + error(4, structure(stack(*LABELS)))[1:]
    assert extension_of(message, 4) == b""


@given(st.binary(max_size=400), st.sampled_from([4, 6]))
def test_no_bytes_make_it_raise(data: bytes, family: Family) -> None:
    mpls_of(data, family)
    mpls_from_extension(data)


def test_scapys_own_extensions_are_read_the_same() -> None:
    from scapy.contrib.mpls import MPLS, ICMPExtension_MPLS
    from scapy.layers.inet import ICMPExtension_Header

    entries = [MPLS(label=one.label, cos=one.tc, s=int(one.bottom), ttl=one.ttl) for one in LABELS]
    extension = bytes(ICMPExtension_Header() / ICMPExtension_MPLS(stack=entries))
    assert mpls_from_extension(extension) == LABELS
