"""Who may look: what a request must show before it is answered. Sans-IO, over its headers.

Three things are asked, each against something else. A secret: without it nobody on this machine or network sees
anything. The name that the browser was told (Host): a page of somebody's, whose name was made to lead here (DNS
rebinding), says that name. The page that a websocket was opened by (Origin): browsers open those for any page.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

TOKEN: Final = "token"  # noqa: S105 - a name
"""The parameter of the address that is printed."""
LONGEST: Final = 300
"""Characters of a secret, a name or an origin that are looked at; none that counts is longer."""

_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_ORIGIN: Final = re.compile(r"(https?)://([^/?#@\s]+)")
_PORTS: Final = {"http": "80", "https": "443"}


class Headers(Protocol):
    """A request's headers, names in any case."""

    def getall(self, key: str, default: Sequence[str], /) -> Sequence[str]:
        """Each value that a header has."""


class AccessDenied(Exception):
    """A request that is not answered; the text says why, and holds nothing of the request."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Guard:
    """The secrets of one server, and its rules."""

    def __init__(self, names: Sequence[str], port: int) -> None:
        """`names`: what this machine is called besides by its addresses; `port`: where the server listens, which tells
        its cookie from that of another server on this machine (cookies know no ports: RFC 6265, 8.5)."""
        self.token = secrets.token_urlsafe(32)
        self.cookie = secrets.token_urlsafe(32)
        self.cookie_name = f"hopscope-{port}"
        self._names = frozenset(name.lower().rstrip(".") for name in (*names, "localhost"))

    def is_token(self, word: str) -> bool:
        """Whether it is the token, found out in a time that tells nothing of it."""
        return _same(word, self.token)

    def has_cookie(self, cookies: Mapping[str, str]) -> bool:
        """Whether the browser was given its cookie by this server."""
        return _same(cookies.get(self.cookie_name, ""), self.cookie)

    def cookie_header(self, headers: Headers) -> str:
        """What gives the browser its cookie: no script reads it, no other site's page sends it."""
        secure = "; Secure" if _one(headers, "X-Forwarded-Proto").lower() == "https" else ""
        return f"{self.cookie_name}={self.cookie}; Path=/; HttpOnly; SameSite=Strict{secure}"

    def check_host(self, headers: Headers) -> None:
        """`AccessDenied` where the browser was sent here by a name that is none of this machine's. An address cannot be
        rebound; a name that a proxy hands on (X-Forwarded-Host) was the proxy's to take: no page can add that header
        to what it opens."""
        authority = _authority(_one(headers, "Host"))
        if authority is None:
            raise AccessDenied(400, "the request does not say whom it is for (Host)")
        public = _forwarded_host(headers)
        if authority[0] not in self._names and not _is_address(authority[0]) and public is None:
            raise AccessDenied(403, "this is not the server of that name (Host)")

    def check_origin(self, headers: Headers, *, is_needed: bool) -> None:
        """`AccessDenied` where another site's page asks. A websocket has to say whose it is (`is_needed`)."""
        given = _one(headers, "Origin")
        if not given and not is_needed:
            return
        match = _ORIGIN.fullmatch(given)
        origin = _authority(match[2]) if match else None
        if match is None or origin is None:
            raise AccessDenied(403, "no page of this server asks for this (Origin)")
        scheme = match[1]
        forwarded = _one(headers, "X-Forwarded-Proto").lower()
        host = _forwarded_host(headers) or _authority(_one(headers, "Host"))
        if host is None or (forwarded and forwarded != scheme):
            raise AccessDenied(403, "no page of this server asks for this (Origin)")
        if _with_port(origin, scheme) != _with_port(host, scheme):
            raise AccessDenied(403, "another site's page asks for this (Origin); a proxy has to hand Host on")


def _same(word: str, secret: str) -> bool:
    return hmac.compare_digest(word[:LONGEST].encode("utf-8", "backslashreplace"), secret.encode())


def _one(headers: Headers, name: str) -> str:
    """A header's value; empty where there is none, or where there are several, of which nobody knows which counts."""
    values = headers.getall(name, ())
    return values[0].strip() if len(values) == 1 and len(values[0]) <= LONGEST else ""


def _forwarded_host(headers: Headers) -> tuple[str, str | None] | None:
    """The name and port that a proxy was asked by; of a chain of proxies the first."""
    return _authority(_one(headers, "X-Forwarded-Host").partition(",")[0].strip())


def _authority(text: str) -> tuple[str, str | None] | None:
    match = _AUTHORITY.fullmatch(text)
    return (match[1].lower().rstrip("."), match[2]) if match else None


def _with_port(authority: tuple[str, str | None], scheme: str) -> tuple[str, str]:
    return authority[0], authority[1] or _PORTS[scheme]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
