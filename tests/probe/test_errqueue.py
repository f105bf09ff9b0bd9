"""The error queue's control messages, whatever stands in them."""

from __future__ import annotations

import random
import socket
import struct

import pytest

from hopscope.probe.sockets.errqueue import ORIGIN_ICMP, ORIGIN_ICMP6, parse_failure, zoned
from hopscope.probe.sockets.stamps import nanoseconds

V4 = struct.pack("=IBBBxIHBx", 113, ORIGIN_ICMP, 11, 0, 0, 36, 0) + struct.pack(
    "=HH4s8x", socket.AF_INET, 0, socket.inet_aton("198.18.0.2")
)
V6 = struct.pack("=IBBBxII", 113, ORIGIN_ICMP6, 3, 0, 0, 0) + struct.pack(
    "=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, "fe80::2"), 1
)


def test_an_icmp_error_names_who_reported_it_and_where_the_extension_is() -> None:
    failure = parse_failure(V4)
    assert failure is not None
    assert (failure.icmp_type, failure.icmp_code, failure.offender, failure.extension) == (11, 0, "198.18.0.2", 36)


def test_an_extension_that_the_kernel_calls_invalid_is_none() -> None:
    failure = parse_failure(V4[:14] + b"\x01" + V4[15:])
    assert failure is not None
    assert failure.extension == 0


def test_a_link_local_offender_has_its_zone() -> None:
    failure = parse_failure(V6)
    assert failure is not None
    assert failure.offender == f"fe80::2%{socket.if_indextoname(1)}"


def test_a_zone_that_is_gone_is_its_number() -> None:
    assert zoned("fe80::2", 2_000_000_000) == "fe80::2%2000000000"
    assert zoned("2001:db8::1", 1) == "2001:db8::1"


@pytest.mark.parametrize("whole", [V4, V6])
def test_no_bytes_raise(whole: bytes) -> None:
    chance = random.Random(7)
    for _ in range(5_000):
        mutated = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(min(len(mutated), chance.randrange(4))):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        failure = parse_failure(bytes(mutated))
        assert (failure is None) == (len(mutated) < 16)
        assert nanoseconds(bytes(mutated)) >= 0 or len(mutated) >= 48
