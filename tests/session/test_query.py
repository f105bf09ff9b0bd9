"""What people paste is taken for what they mean, or refused with what to type."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hopscope
from hopscope.session.query import Query, read_query, split_queries


@pytest.mark.parametrize(
    ("typed", "host", "port"),
    [
        ("example.net", "example.net", None),
        ("https://host.example/x", "host.example", None),
        ("https://user:pw@host.example:8443/x?y#z", "host.example", 8443),
        ("HTTPS://host.example", "host.example", None),
        ("//host.example/x", "host.example", None),
        ("host.example/path", "host.example", None),
        ("https://stra%C3%9Fe.example/", "straße.example", None),
        ("ssh://git@host.example:22/x", "host.example", 22),
        ("git@host.example:me/repository.git", "host.example", None),
        ("ana@host.example", "host.example", None),
        ("mailto:ana@host.example", "host.example", None),
        ("host:443", "host", 443),
        ("host:", "host", None),
        ("127.0.0.1:80", "127.0.0.1", 80),
        ("[::1]", "::1", None),
        ("[::1]:443", "::1", 443),
        ("http://[2001:db8::1]:8080/p", "2001:db8::1", 8080),
        ("[fe80::1%25eth0]:22", "fe80::1%eth0", 22),
        ("https://[fe80::1%25eth0]/", "fe80::1%eth0", None),
        ("fe80::1%eth0", "fe80::1%eth0", None),
        ("2001:db8::1:443", "2001:db8::1:443", None),
        ("10.0.0.5/24", "10.0.0.5", None),
        ("10.0.0.1/32", "10.0.0.1", None),
        ("2001:db8::5/64", "2001:db8::5", None),
        ("::1/128", "::1", None),
        ("  example.net\t\n", "example.net", None),
        ("\ufeffexample.net\u200b\u00a0", "example.net", None),
        ("192.0.2.1.", "192.0.2.1", None),
        ("example.net.", "example.net.", None),
        ("'example.net'", "example.net", None),
        ('"192.0.2.1"', "192.0.2.1", None),
        ("“example.net”", "example.net", None),
        ("<https://host.example/>", "host.example", None),
        ("(example.net)", "example.net", None),
        ("example.net,", "example.net", None),
        ("https://one.example/a,b;c?d=e,f", "one.example", None),
        ("2130706433", "2130706433", None),
        ("0", "0", None),
        ("https://host.example:443,", "host.example", 443),
    ],
)
def test_a_paste_is_taken_for_the_host_in_it(typed: str, host: str, port: int | None) -> None:
    assert read_query(typed) == Query(host, port)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "a target is needed"),
        ("  ", "a target is needed"),
        ("''", "a target is needed"),
        ("-x", "begins with '-'"),
        ("10.0.0.0/8", "'10.0.0.0/8' is a network; type one address in it, e.g. 10.0.0.1"),
        ("fd00::/8", "e.g. fd00::1"),
        ("1.2.3.4/33", "type 1.2.3.4"),
        ("[::1", "type ::1"),
        ("[::1]443", "type ::1"),
        ("[host]:80", "'host' is no address"),
        ("host:0", "'0' is no port (1 to 65535); type host"),
        ("host:99999", "'99999' is no port"),
        ("host:https", "'https' is no port"),
        ("host:80:90", "with a port it is [2001:db8::1]:443"),
        (":443", "no host in it"),
        ("443", "example.net:443"),
        ("https://", "no host in it"),
        ("file:///etc/passwd", "no host in it"),
        ("one two", "these are several"),
        ("x" * 256, "at most 255 characters"),
        ("x" * 100_000, "at most 255 characters"),
        ("1\x1b[31m:x", r"1\x1b[31m"),
    ],
)
def test_what_could_mean_two_things_is_refused_with_what_to_type(typed: str, says: str) -> None:
    with pytest.raises(ValueError) as raised:
        read_query(typed)
    assert says in str(raised.value)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("line", "queries"),
    [
        ("one", ["one"]),
        ("one two", ["one", "two"]),
        ("one, two;three,", ["one", "two", "three"]),
        (" one\t\ttwo\n", ["one", "two"]),
        ("'one' \"two\"", ["'one'", '"two"']),
        ("", []),
        (" , ; ", []),
        ("https://one.example/a,b;c?d=e,f two", ["https://one.example/a,b;c?d=e,f", "two"]),
        ("https://one.example/a,https://two.example,", ["https://one.example/a", "https://two.example,"]),
    ],
)
def test_several_names_in_a_line_are_several_targets(line: str, queries: list[str]) -> None:
    assert split_queries(line) == queries


@given(st.text(alphabet=st.sampled_from("ab1.:/[]@%-#?'\" ,\u200bü\x1b"), max_size=30))
def test_whatever_is_typed_is_a_host_or_one_line(text: str) -> None:
    line, host = "", "a"
    try:
        host = read_query(text).host
    except ValueError as error:
        line = str(error)
    assert line.isprintable()
    assert host.strip()
    assert not host.startswith("-")


@pytest.mark.parametrize("what", [None, 1, b"example.net", ["192.0.2.1"]])
def test_what_is_no_text_is_refused_as_a_type_by_each_way_in(what: object) -> None:
    with pytest.raises(TypeError, match="a target is a text or an address, and not"):
        read_query(what)  # type: ignore[arg-type]  # the point
    with pytest.raises(TypeError, match="a target is a text or an address, and not"):
        hopscope.trace(what, method="simulated", rounds=1)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("what", [IPv4Address("192.0.2.80"), IPv6Address("2001:db8::80")])
def test_an_address_object_is_its_text(what: IPv4Address | IPv6Address) -> None:
    report = hopscope.trace(what, method="simulated", rounds=1, interval_s=0.05, timeout_s=0.2)
    assert report.target.query == str(what)


def test_a_network_object_and_a_text_for_a_list_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"is a network; type one address in it, e\.g\. 192\.0\.2\.1"):
        hopscope.Session([IPv4Network("192.0.2.0/24")])  # type: ignore[list-item]  # the point
    with pytest.raises(TypeError, match="targets are a list of texts"):
        hopscope.Session("example.net")
