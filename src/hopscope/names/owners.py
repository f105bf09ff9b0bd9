"""Origin AS by DNS TXT records in Team Cymru's format, as pure functions: what to ask, and how to read the answer.

``8.8.8.8`` is asked as ``8.8.8.8.origin.asn.cymru.com`` (octets reversed) and answered like
``"15169 | 8.8.8.0/24 | US | arin | 2014-03-14"``; ``AS15169.asn.cymru.com`` answers
``"15169 | US | arin | 2000-03-30 | GOOGLE - Google LLC, US"``. The first field can hold several numbers.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from hopscope.names.clean import clean
from hopscope.names.facts import Asn, Origin
from hopscope.names.scopes import parse

MAX_ORIGINS: Final = 8
_LARGEST_ASN: Final = 2**32 - 1


class Zones(msgspec.Struct, frozen=True):
    """Where to ask."""

    origin4: str = "origin.asn.cymru.com"
    origin6: str = "origin6.asn.cymru.com"
    names: str = "asn.cymru.com"


def origin_question(address: str, zones: Zones) -> str | None:
    """The name whose TXT records tell the origin AS of `address`."""
    parsed = parse(address)
    if parsed is None:
        return None
    reversed_labels = parsed.reverse_pointer.rsplit(".", 2)[0]
    return f"{reversed_labels}.{zones.origin4 if parsed.version == 4 else zones.origin6}"


def name_question(number: int, zones: Zones) -> str:
    """The name whose TXT record names the AS."""
    return f"AS{number}.{zones.names}"


def read_origins(texts: Iterable[bytes], address: str) -> tuple[Asn, ...]:
    """The origins that the answers name for the most specific prefix that really holds `address`; nameless as yet."""
    best: list[Asn] = []
    best_length = -1
    subject = parse(address)
    for text in texts:
        fields = _fields(text)
        if len(fields) < 2 or subject is None:
            continue
        try:
            network = ipaddress.ip_network(fields[1], strict=False)
        except ValueError:
            continue
        if network.version != subject.version or subject not in network or network.prefixlen < best_length:
            continue
        country = country_code(fields[2]) if len(fields) > 2 else None
        registry = fields[3] if len(fields) > 3 and re.fullmatch(r"[a-z]{1,16}", fields[3]) else None
        allocated = fields[4] if len(fields) > 4 and re.fullmatch(r"\d{4}-\d\d-\d\d", fields[4], re.ASCII) else None
        found = [Origin(number, None, str(network), country, registry, allocated) for number in _numbers(fields[0])]
        if network.prefixlen > best_length:
            best, best_length = [], network.prefixlen
        best += [asn for asn in found if asn.number not in {known.number for known in best}]
    return tuple(best[:MAX_ORIGINS])


def read_name(texts: Iterable[bytes]) -> str | None:
    """The AS's name: the last field, its handle and words, without the country that the format appends."""
    for text in texts:
        fields = _fields(text)
        if len(fields) >= 5 and fields[4]:
            name = fields[4]
            head, comma, tail = name.rpartition(",")
            if comma and country_code(tail.strip()):
                name = head
            return clean(name.strip(), 80) or None
    return None


def _fields(text: bytes) -> list[str]:
    return [field.strip() for field in text[:1024].decode("utf-8", "backslashreplace").strip('"').split("|")]


def _numbers(field: str) -> list[int]:
    numbers = []
    for word in field.split()[:MAX_ORIGINS]:
        digits = word.removeprefix("AS")
        if digits.isascii() and digits.isdigit() and len(digits) <= 10 and 0 < int(digits) <= _LARGEST_ASN:
            numbers.append(int(digits))
    return numbers


def country_code(field: str) -> str | None:
    """`field` where it looks like an ISO 3166 code of two letters."""
    return field if len(field) == 2 and field.isascii() and field.isalpha() and field.isupper() else None
