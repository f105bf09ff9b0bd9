"""Who may look, by what a request's headers say."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from hopscope.web.guard import AccessDenied, Guard


def guard() -> Guard:
    return Guard(["probe.example"], 8000)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8000",
        "localhost",
        "LOCALHOST:9000",
        "[::1]:8000",
        "192.0.2.7:8000",
        "probe.example",
        "probe.example.",
    ],
)
def test_a_browser_may_call_this_machine_by_its_name_and_by_any_address(host: str) -> None:
    guard().check_host(CIMultiDict({"Host": host}))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 403),
        ("127.0.0.1.evil.example:8000", 403),
        ("evil.example#127.0.0.1", 400),
        ("user@127.0.0.1", 400),
        ("[::1", 400),
        ("", 400),
        ("127.0.0.1:8000:8000", 400),
        ("a" * 100_000, 400),
    ],
)
def test_by_another_name_nothing_is_answered(host: str, status: int) -> None:
    with pytest.raises(AccessDenied) as refused:
        guard().check_host(CIMultiDict({"Host": host}))
    assert refused.value.status == status
    assert "evil" not in refused.value.text


def test_two_hosts_are_none() -> None:
    with pytest.raises(AccessDenied):
        guard().check_host(CIMultiDict([("Host", "localhost"), ("Host", "localhost")]))


@pytest.mark.parametrize(
    ("origin", "host", "more"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", {}),
        ("http://localhost:9000", "localhost:9000", {}),  # ssh -L 9000:localhost:8000
        ("http://[::1]:8000", "[::1]:8000", {}),
        ("http://192.0.2.7", "192.0.2.7:80", {}),
        ("https://wall.example", "127.0.0.1:8000", {"X-Forwarded-Host": "wall.example"}),
        ("https://wall.example", "wall.example", {"X-Forwarded-Host": "wall.example", "X-Forwarded-Proto": "https"}),
        ("https://wall.example", "inner:8000", {"X-Forwarded-Host": "wall.example, inner:8000"}),
    ],
)
def test_a_page_of_this_server_may_open_a_screen_behind_a_proxy_too(
    origin: str, host: str, more: dict[str, str]
) -> None:
    headers = CIMultiDict({"Origin": origin, "Host": host, **more})
    guard().check_host(headers)
    guard().check_origin(headers, is_needed=True)


@pytest.mark.parametrize(
    ("origin", "more"),
    [
        ("http://evil.example", {}),
        ("http://127.0.0.1:9000", {}),
        ("http://127.0.0.1", {}),
        ("http://localhost:8000", {}),
        ("null", {}),
        ("", {}),
        ("file://", {}),
        ("http://127.0.0.1:8000/", {}),
        ("http://127.0.0.1:8000@evil.example", {}),
        ("https://127.0.0.1:8000 http://127.0.0.1:8000", {}),
        ("http://127.0.0.1:8000", {"X-Forwarded-Proto": "https"}),
        ("https://evil.example", {"X-Forwarded-Host": "wall.example"}),
    ],
)
def test_no_other_page_may(origin: str, more: dict[str, str]) -> None:
    with pytest.raises(AccessDenied):
        guard().check_origin(CIMultiDict({"Origin": origin, "Host": "127.0.0.1:8000", **more}), is_needed=True)


@pytest.mark.parametrize("change", ["", "x", "é", "\udcff", "\0", "0" * 1_000_000])
def test_what_is_not_the_token_is_not_the_token(change: str) -> None:
    one = guard()
    assert one.is_token(one.token)
    assert not one.is_token(one.token[1:] + change)
    assert not one.is_token(change)
    assert not one.is_token(one.cookie)
    assert not one.is_token(guard().token)


def test_the_cookie_is_for_this_site_and_no_script_and_is_not_the_token() -> None:
    one = guard()
    words = one.cookie_header(CIMultiDict()).split("; ")
    assert words[1:] == ["Path=/", "HttpOnly", "SameSite=Strict"]
    assert one.token not in words[0]
    name, _, value = words[0].partition("=")
    assert one.has_cookie({name: value})
    assert not one.has_cookie({name: one.token})
    assert not one.has_cookie({name: value[:-1]})
    assert not one.has_cookie({})
    assert one.cookie_header(CIMultiDict({"X-Forwarded-Proto": "https"})).endswith("; Secure")
