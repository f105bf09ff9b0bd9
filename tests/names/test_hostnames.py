"""What may stand in the place of a host's name, and what would only hide or impersonate a hop."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopscope.names.hostnames import hostname


@pytest.mark.parametrize(
    ("spoken", "shown"),
    [
        ("core1.example.net.", "core1.example.net"),
        ("core1.example.net", "core1.example.net"),
        ("Core1.Example.NET", "Core1.Example.NET"),
        ("router", "router"),
        ("_gateway", "_gateway"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("8.8.8.8.isp.example", "8.8.8.8.isp.example"),
        ("host-8-8-8-8.isp.example", "host-8-8-8-8.isp.example"),
        ("3com", "3com"),
        ("a.1a", "a.1a"),
        ("gw.example.net.2.0.192.in-addr.arpa", "gw.example.net.2.0.192.in-addr.arpa"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        ("bücher.example", "bücher.example"),
    ],
)
def test_a_hosts_name_is_one(spoken: str, shown: str) -> None:
    assert hostname(spoken) == shown


@pytest.mark.parametrize(
    "spoken",
    [
        "",
        ".",
        "..",
        " ",
        " . ",
        "\u3000",
        "a..b",
        ".example",
        "example..",
        "8.8.8.8",
        "8.8.8.8.",
        "127.1",
        "010.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "0x7F.0x0.0x0.0X1",
        "2130706433",
        "017700000001",
        "1.2.3.0xff",
        "999.999.999.999",
        "example.123",
        "2001:db8::1",
        "::ffff:8.8.8.8",
        "[2001:db8::1]",
        "fe80::1%eth0",
        "８.８.８.８",
        "8。8。8。8",
        "٨.٨.٨.٨",
        "⁸.⁸.⁸.⁸",
        "8-8-8-8",
        "8.8.8.8.in-addr.arpa",
        "8.8.8.8.IN-ADDR.ARPA.",
        "1.0-25.2.0.192.in-addr.arpa",
        "8.b.d.0.1.0.0.2.ip6.arpa",
        "in-addr.arpa",
        "???",
        "?",
        "AS???",
        "(waiting for reply)",
        "hidden",
        "Hidden.",
        "_",
        "_._",
        "-",
        "--.--",
        "a b.example",
        "a\\032b.example",
        "a/b",
        "a" * 64,
        ".".join(["a" * 49] * 6),
        "[bold]x[/]",
        "\x1b[2J",
    ],
)
def test_what_no_host_can_be_called_is_no_name(spoken: str) -> None:
    assert hostname(spoken) is None


@given(st.one_of(st.ip_addresses().map(str), st.text("0123456789abcdefx.:-_?% ", max_size=24)))
def test_nothing_that_the_system_reads_as_an_address_is_a_name(spoken: str) -> None:
    if hostname(spoken) is None:
        return
    for read in (ipaddress.ip_address, socket.inet_aton):
        with pytest.raises((ValueError, OSError)):
            read(spoken)
