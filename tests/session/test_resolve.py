"""From what is typed to an address: numeric ones ask nobody, and what leads nowhere is said in words."""

from __future__ import annotations

import socket
from typing import Any, Literal

import pytest

from hopscope.session.resolve import Unresolvable, resolve


def nobody(*arguments: object) -> None:
    raise AssertionError(f"asked: {arguments}")


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:0DB8::0001", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_a_numeric_address_asks_nobody_and_is_written_the_usual_way(
    monkeypatch: pytest.MonkeyPatch, query: str, address: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    assert resolve(query, None) == address


@pytest.mark.parametrize(("query", "family"), [("192.0.2.1", 6), ("::1", 4)])
def test_an_address_of_the_other_family_leads_nowhere(query: str, family: Literal[4, 6]) -> None:
    with pytest.raises(Unresolvable, match=f"^{query}: is no IPv{family} address$"):
        resolve(query, family)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no IPv6 address is known for this name"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "the name server does not answer"),
        (socket.gaierror(socket.EAI_FAIL, "Non-recoverable\x1b failure"), r"non-recoverable\x1b failure"),
        (UnicodeError("label empty or too long"), "label empty or too long"),
        (OSError(24, "Too many open files"), "Too many open files"),
    ],
)
def test_each_failure_is_one_clean_line(monkeypatch: pytest.MonkeyPatch, error: Exception, words: str) -> None:
    def fails(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(Unresolvable) as raised:
        resolve("bad\x07name", 6)
    assert str(raised.value).startswith(r"bad\x07name: ")
    assert words in str(raised.value)
    assert str(raised.value).isprintable()


def test_the_first_address_of_a_name_that_is_an_internet_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [
        (socket.AF_UNIX, 2, 0, "", "path"),
        (socket.AF_INET6, 2, 0, "", ("2001:db8::7", 0, 0, 0)),
        (socket.AF_INET, 2, 0, "", ("192.0.2.7", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: answers)
    assert resolve("name.example", None) == "2001:db8::7"
    del answers[1:]
    with pytest.raises(Unresolvable, match="no address that can be traced"):
        resolve("name.example", None)
