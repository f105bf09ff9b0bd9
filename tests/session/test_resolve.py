"""From what is typed to an address: numeric ones ask nobody, and what leads nowhere is said in words."""

from __future__ import annotations

import socket
from typing import Any, Literal

import pytest

from hopscope.session.model import Probing
from hopscope.session.resolve import Unresolvable, resolve

SIX = Probing(family=6)


def nobody(*arguments: object) -> None:
    raise AssertionError(f"asked: {arguments}")


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[tuple[Any, ...]]:
    """A system's resolver that gives these addresses to each name; what it was asked."""
    asked: list[tuple[Any, ...]] = []

    def getaddrinfo(*arguments: Any) -> list[Any]:
        asked.append(arguments)
        found = [(socket.AF_INET6 if ":" in one else socket.AF_INET, 2, 0, "", (one, 0)) for one in addresses]
        return [one for one in found if arguments[2] in (socket.AF_UNSPEC, one[0])]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:0DB8::0001", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "::1"),
        ("0", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("010.0.0.1", "8.0.0.1"),
        ("::ffff:0.0.0.0", "127.0.0.1"),
        ("\uff11\uff12\uff17\u3002\uff10.0.1", "127.0.0.1"),
    ],
)
def test_a_numeric_address_asks_nobody_and_is_written_the_usual_way(
    monkeypatch: pytest.MonkeyPatch, query: str, address: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    assert resolve(query) == address


@pytest.mark.parametrize(
    "query", ["127.0.0.256", "999.1.1.1", "1.2.3.4.5", "host.7", "4294967296", "a.0x7f", "1.2.3.999."]
)
def test_what_ends_in_a_number_is_an_address_or_nothing_and_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(Unresolvable, match=r"is no IPv4 address$") as caught:
        resolve(query)
    assert not caught.value.is_temporary


@pytest.mark.parametrize(
    ("query", "is_a_slip"),
    [
        ("8.8.8.8x", True),
        ("192.168.1.l", True),
        ("10.0.0.1-5", True),
        ("8.8.8.x8.", True),
        ("name.example", False),
        ("4.3.2.1.in-addr.arpa", False),
        ("1.2.x", False),
    ],
)
def test_a_slip_in_an_address_is_said_where_no_host_has_that_name(
    monkeypatch: pytest.MonkeyPatch, query: str, is_a_slip: bool
) -> None:
    def fails(*arguments: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(Unresolvable) as raised:
        resolve(query)
    assert ("an IPv4 address is four numbers" in str(raised.value)) is is_a_slip
    answering(monkeypatch, "192.0.2.7")
    assert resolve(query) == "192.0.2.7"


@pytest.mark.parametrize(("query", "family"), [("192.0.2.1", 6), ("::1", 4), ("::ffff:192.0.2.1", 6), ("::", 4)])
def test_an_address_of_the_other_family_leads_nowhere(query: str, family: Literal[4, 6]) -> None:
    words = rf"^{query}: is (no IPv{family} address|an IPv4 address in IPv6's notation)"
    with pytest.raises(Unresolvable, match=words):
        resolve(query, Probing(family=family))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("ff02::1%lo", "multicast"),
        ("::ffff:239.1.2.3", "multicast"),
        ("255.255.255.255", "everybody on the local network"),
        ("::10.9.1.1", "type 10.9.1.1"),
    ],
)
def test_an_address_that_is_no_single_hosts_is_refused_with_what_to_type(query: str, says: str) -> None:
    with pytest.raises(Unresolvable) as raised:
        resolve(query)
    assert str(raised.value).startswith(f"{query}: ")
    assert says in str(raised.value)


@pytest.mark.parametrize("probing", [Probing(), Probing(interface="lo"), Probing(source="fe80::2%lo")])
def test_a_typed_address_of_one_link_is_for_the_worker_to_take_or_refuse(probing: Probing) -> None:
    assert resolve("fe80::1", probing) == "fe80::1"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no IPv6 address is known for this name"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "the name server does not answer"),
        (socket.gaierror(socket.EAI_FAIL, "Non-recoverable\x1b failure"), r"non-recoverable\x1b failure"),
        (OSError(24, "Too many open files"), "Too many open files"),
    ],
)
def test_each_failure_is_one_clean_line(monkeypatch: pytest.MonkeyPatch, error: Exception, words: str) -> None:
    def fails(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(Unresolvable) as raised:
        resolve("name.example", SIX)
    assert str(raised.value).startswith("name.example: ")
    assert words in str(raised.value)
    assert str(raised.value).isprintable()


def test_the_first_address_of_a_name_that_is_an_internet_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [
        (socket.AF_UNIX, 2, 0, "", "path"),
        (socket.AF_INET6, 2, 0, "", ("2001:db8::7", 0, 0, 0)),
        (socket.AF_INET, 2, 0, "", ("192.0.2.7", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: answers)
    assert resolve("name.example") == "2001:db8::7"
    del answers[1:]
    with pytest.raises(Unresolvable, match="no address that can be traced"):
        resolve("name.example")


def test_a_name_of_both_families_takes_that_of_the_source_address(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "2001:db8::7", "192.0.2.7")
    assert resolve("both.example", Probing(source="192.0.2.1")) == "192.0.2.7"
    assert resolve("both.example", Probing(source="2001:db8::1")) == "2001:db8::7"


def test_where_a_name_lacks_the_source_addresss_family_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(Unresolvable, match=r"no IPv4 address is known for this name, and the source address 192\.0\.2"):
        resolve("six.example", Probing(source="192.0.2.1"))


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "::ffff:0.0.0.0"])
def test_a_name_that_somebody_blocks_is_not_this_machine(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    answering(monkeypatch, address)
    with pytest.raises(Unresolvable, match="is no host: somebody blocks this name"):
        resolve("ads.example")


def test_an_address_that_cannot_be_traced_gives_way_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "fe80::1", "224.0.0.1", "::ffff:192.0.2.9")
    assert resolve("odd.example") == "192.0.2.9"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("straße.example", b"xn--strae-oqa.example"),
        ("STRASSE.example", b"STRASSE.example"),
        ("name.example.", b"name.example."),
        ("under_score.example", b"under_score.example"),
    ],
)
def test_a_name_is_asked_for_as_dns_carries_it(monkeypatch: pytest.MonkeyPatch, typed: str, asked: bytes) -> None:
    questions = answering(monkeypatch, "192.0.2.7")
    assert resolve(typed) == "192.0.2.7"
    assert [question[0] for question in questions] == [asked]


@pytest.mark.parametrize(
    "typed", ["upper..example", "ü..example", ".example", "a" * 64 + ".example", "b\udce4.example"]
)
def test_what_can_be_no_name_asks_nobody_and_is_said_in_plain_words(
    monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(Unresolvable) as raised:
        resolve(typed)
    assert str(raised.value).isprintable()
    assert not any(word in str(raised.value) for word in ("codec", "Unicode", "idna"))
