"""What somebody typed or pasted as a target, as a host to look up and perhaps a port.

A URL, ``host:port``, an address in brackets, quotes or a stray comma around a name: the host in it is taken. What could
mean two things (a network, a bracket that is not closed) is refused with what to type instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, Union

from hopscope.names.clean import clean
from hopscope.session.plans import numeric

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

QueryText: TypeAlias = Union[str, "IPv4Address", "IPv6Address"]
"""A target as a program names it."""
LONGEST_NAME: Final = 255
"""Characters of a host's name as it is typed."""
_LONGEST_TEXT: Final = 4096

# Patterns as text: compiled when the first target that is no plain word is read, not before the first probe.
_SCHEME: Final = r"(?i:(?:[a-z][a-z0-9+.-]*:)?//|mailto:)"
_PATH: Final = r"[/?#\\]"
_BLANKS: Final = " \t\r\n\v\f\u00a0\u200b\u2060\ufeff"
"""What a paste brings along unseen."""
_AROUND: Final = "\"'`\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a<>()"
_BEHIND: Final = ",;"
_BETWEEN: Final = rf"[{_BLANKS},;]+"

_NEXT_URL: Final = rf"[{_BEHIND}]+(?=[{_AROUND}]*[A-Za-z][A-Za-z0-9+.-]*://)"


class Query(NamedTuple):
    """A target as it was meant."""

    host: str
    """A name or a numeric address, without brackets."""
    port: int | None = None
    """The port that stood beside it; probes use it where they have one and no other was asked for."""


def split_queries(text: str) -> list[str]:
    """The targets in a line: blanks stand between them, or commas, which are a part of a URL's path, too."""
    if _is_plain(text):
        return [text]
    words = []
    for part in re.split(rf"[{_BLANKS}]+", text):
        words += re.split(_NEXT_URL if "://" in part else _BETWEEN, part)
    return [word for word in words if word.strip(_AROUND + _BEHIND)]


def query_text(what: QueryText) -> str:
    """A target as a text. `TypeError`."""
    if isinstance(what, str):
        return what
    if type(what).__module__ != "ipaddress":  # which is loaded only where somebody has an object of it
        raise TypeError(f"a target is a text or an address, and not {type(what).__name__}: {what!r:.100}")
    return str(what)


def read_query(text: str) -> Query:
    """The one target in `text`. `ValueError` with one line: what is wrong, and what to type; `TypeError` of no text."""
    text = query_text(text)
    if _is_plain(text) and len(text) <= LONGEST_NAME:
        return Query(_no_port(text))
    word = text.strip(_BLANKS + _AROUND + _BEHIND)
    if not word:
        raise ValueError("a target is needed: a host name or an address")
    if len(word) > _LONGEST_TEXT:
        raise ValueError(f"target {_shown(word)}: a name has at most {LONGEST_NAME} characters")
    if numeric(word) is not None:
        return Query(word)
    if re.search(rf"[{_BLANKS}]" if "://" in word else _BETWEEN, word):
        raise ValueError(f"target {_shown(word)}: these are several; name one at a time")
    query = _from_authority(*_authority(word))
    if query.host.startswith("-"):
        raise ValueError(f"target {_shown(word)} begins with '-'; no host name does")
    if not query.host.strip(_BLANKS + _AROUND + _BEHIND):
        raise ValueError(f"target {_shown(word)}: there is no host in it")
    if len(query.host) > LONGEST_NAME:
        raise ValueError(f"target {_shown(word)}: a name has at most {LONGEST_NAME} characters")
    return query


def _is_plain(text: str) -> bool:
    """Nothing but the letters, digits and dots of most names and IPv4 addresses."""
    return text.isascii() and text.replace(".", "").isalnum() and not text.endswith(".")


def _no_port(word: str) -> str:
    """`word`, unless it can only be meant as a port. As a host it would be 0.0.0.1 to 0.0.255.255, which nobody has."""
    if word.isdecimal() and 0 < int(word[:6]) <= 65_535:
        raise ValueError(f"target {_shown(word)} is a mere number; a port stands behind its host: example.net:{word}")
    return word


def _authority(word: str) -> tuple[str, str]:
    """``user@host:port`` out of a URL or something like it, and the whole word for an error to repeat."""
    scheme = re.match(_SCHEME, word)
    rest = word[scheme.end() :] if scheme else word
    authority, *path = re.split(_PATH, rest, maxsplit=1)
    if path and not scheme:
        host = authority.removeprefix("[").removesuffix("]")
        if numeric(host) is not None and path[0].isascii() and path[0].isdecimal():
            return _of_network(host, int(path[0][:4]), word), word
    user, at, host = authority.rpartition("@")
    if scheme or at:
        host = _unquoted(host)
    if at and not scheme and ":" not in user and host.count(":") == 1 and not host.partition(":")[2].isdecimal():
        host = host.partition(":")[0]  # git@host:path, as scp has it
    if not host:
        raise ValueError(f"target {_shown(word)}: there is no host in it")
    return host, word


def _from_authority(authority: str, word: str) -> Query:
    """RFC 3986 section 3.2: ``host``, ``host:port``, ``[address]``, ``[address]:port``."""
    if numeric(authority) is not None:
        return Query(authority)
    if authority.startswith("["):
        host, closed, port = authority[1:].partition("]")
        if not closed or (port and not port.startswith(":")):
            raise ValueError(f"target {_shown(word)}: its brackets hold no address; type {_example(host)}")
        host = host.replace("%25", "%", 1) if len(host.partition("%25")[2]) else host  # RFC 6874
        if numeric(host) is None:
            raise ValueError(f"target {_shown(word)}: {_shown(host)} is no address; brackets are for IPv6 addresses")
        return Query(host, _port(port[1:], host, word))
    if authority.count(":") > 1:
        raise ValueError(f"target {_shown(word)}: this is no IPv6 address; with a port it is [2001:db8::1]:443")
    host, _, port = authority.partition(":")
    if not host:
        raise ValueError(f"target {_shown(word)}: there is no host in it")
    bare = host.rstrip(".")
    return Query(bare if numeric(bare) is not None else host, _port(port, host, word))


def _port(text: str, host: str, word: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= 65_535):
        raise ValueError(f"target {_shown(word)}: {_shown(text)} is no port (1 to 65535); type {_example(host)}")
    return int(text)


def _of_network(host: str, length: int, word: str) -> str:
    """The address of ``10.0.0.5/24``, as `ip address` shows an interface's; a whole network is no target."""
    import ipaddress

    try:
        interface = ipaddress.ip_interface(f"{host.partition('%')[0]}/{length}")
    except ValueError:
        raise ValueError(f"target {_shown(word)}: /{length} is no length of a network; type {host}") from None
    network = interface.network
    if network.num_addresses > 2 and interface.ip == network.network_address:
        inside = network.network_address + 1
        raise ValueError(f"target {_shown(word)} is a network; type one address in it, e.g. {inside}")
    return host


def _unquoted(host: str) -> str:
    """Without percent-encoding (RFC 3986 section 3.2.2)."""
    if "%" not in host or host.startswith("["):
        return host
    from urllib.parse import unquote

    return unquote(host, errors="surrogateescape")


def _example(host: str) -> str:
    return clean(host, 60) if host else "a host name or an address"


def _shown(word: str) -> str:
    return f"'{clean(word, 60)}'"
