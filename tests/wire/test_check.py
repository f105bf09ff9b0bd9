"""Which plans can be carried out, and what is said of those that cannot."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hopscope.wire.check import check, check_adjust
from hopscope.wire.messages import Adjust, Plan
from hopscope.wire.methods import METHODS, PROTOCOLS

GOOD = Plan("192.0.2.1", 4)
SECOND = 1_000_000_000


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"address": "2001:db8::1", "family": 6},
        {"address": "fe80::1%eth0", "family": 6},
        {"protocol": "udp", "port": 65_535, "method": "raw"},
        {"protocol": "tcp", "port": 1, "method": "tcp-socket"},
        {"interval_ns": 10_000_000, "timeout_ns": 1_000_000},
        {"interval_ns": 86_400 * SECOND, "timeout_ns": 60 * SECOND},
        {"first_ttl": 255, "max_ttl": 255, "max_unknown": 255},
        {"packet_size": 0, "pattern": 0, "tos": 0},
        {"packet_size": 65_535, "pattern": 255, "tos": 255},
        {"source": "192.0.2.7", "interface": "eth0"},
        {"rounds": 1, "first_round": 0},
        {"method": "simulated", "scenario": "tour", "seed": 7},
    ],
)
def test_a_plan_within_its_bounds_is_taken(values: dict[str, Any]) -> None:
    check(msgspec.structs.replace(GOOD, **values))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"address": "example.net"}, "address 'example.net'"),
        ({"address": ""}, "address ''"),
        ({"address": "192.0.2.1/24"}, "address '192.0.2.1/24'"),
        ({"address": "2001:db8::1"}, "family 4"),
        ({"family": 6}, "family 6"),
        ({"address": "192.0.2.1\n"}, "address '192.0.2.1\\\\n'"),
        ({"address": "fe80::1%\x1b[31m", "family": 6}, "address 'fe80::1%\\\\x1b"),
        ({"source": "nowhere"}, "source 'nowhere'"),
        ({"source": "::1"}, "source '::1'"),
        ({"interface": ""}, "interface ''"),
        ({"interface": "sixteen-bytes-xx"}, "interface 'sixteen-bytes-xx'"),
        ({"interface": "eth0\0"}, "interface 'eth0\\\\x00'"),
        ({"scenario": "a\0b"}, "scenario 'a\\\\x00b'"),
        ({"method": "ping-socket", "protocol": "udp"}, "those that do: udp-socket, raw, scapy, simulated"),
        ({"port": 80}, "ICMP has none"),
        ({"protocol": "udp", "port": 0}, "port 0: allowed are 1 to 65535"),
        ({"protocol": "udp", "port": 65_536}, "port 65536"),
        ({"interval_ns": 9_999_999}, "interval_ns 9999999"),
        ({"interval_ns": -1}, "interval_ns -1"),
        ({"timeout_ns": 0}, "timeout_ns 0"),
        ({"timeout_ns": 61 * SECOND}, "timeout_ns"),
        ({"max_ttl": 256}, "max_ttl 256"),
        ({"first_ttl": 0}, "first_ttl 0"),
        ({"first_ttl": 9, "max_ttl": 8}, "first_ttl 9: allowed are 1 to 8"),
        ({"max_unknown": 0}, "max_unknown 0"),
        ({"packet_size": 65_536}, "packet_size 65536"),
        ({"packet_size": -1}, "packet_size -1"),
        ({"pattern": 256}, "pattern 256"),
        ({"tos": -1}, "tos -1"),
        ({"rounds": -1}, "rounds -1: allowed are 0 to 1000000000"),
        ({"first_round": -1}, "first_round -1"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_one_line_that_names_the_value(values: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"(?s).*{_plain(named)}") as caught:
        check(msgspec.structs.replace(GOOD, **values))
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()


def _plain(text: str) -> str:
    import re

    return re.escape(text.replace("\\\\", "\\"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_method_takes_the_protocols_that_it_sends_and_no_other(method: Any, protocol: Any) -> None:
    plan = msgspec.structs.replace(GOOD, method=method, protocol=protocol)
    if protocol in METHODS[method].protocols:
        check(plan)
    else:
        with pytest.raises(ValueError, match=method):
            check(plan)


def test_an_adjusted_plan_keeps_what_is_not_named_and_is_checked_as_a_whole() -> None:
    plan = msgspec.structs.replace(GOOD, first_ttl=5)
    assert check_adjust(Adjust(1, interval_ns=2 * SECOND), plan) == msgspec.structs.replace(
        plan, interval_ns=2 * SECOND
    )
    with pytest.raises(ValueError, match="first_ttl 5: allowed are 1 to 4"):
        check_adjust(Adjust(1, max_ttl=4), plan)
