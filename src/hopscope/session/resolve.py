"""A target's name to one address that can be traced, in the system's own order."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import Final

from hopscope.names.clean import clean
from hopscope.session.errors import Unresolvable
from hopscope.session.hostname import ascii_name
from hopscope.session.model import Probing
from hopscope.session.plans import numeric

_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
"""IPv4-compatible addresses, deprecated by RFC 4291 section 2.5.5.1."""
_NO_ADDRESS: Final = "it is taken as a name, for an IPv4 address is four numbers, as in 192.0.2.1"
_SILENT: Final = "the name server does not answer; an address works without it"
_DEFAULT: Final = Probing()


def resolve(host: str, probing: Probing = _DEFAULT) -> str:
    """The first address of `host` that can be probed like that, in the system's order. Blocks, but not for a numeric
    address, which is only written in the one usual way. `Unresolvable`: one line that begins with `host`."""
    try:
        if numeric(host) is not None:
            return _checked(host, probing)
        name = _in_four_parts(ascii_name(host))
        if numeric(name) is not None:
            return _checked(name, probing)
        if _ends_in_a_number(name):
            raise ValueError("is no IPv4 address")
        return _looked_up(name, probing)
    except ValueError as why:
        temporary = isinstance(why, _NotNow)
        hint = f"; {_NO_ADDRESS}" if _is_nearly_an_address(host) and not _ends_in_a_number(host) else ""
        raise Unresolvable(f"{clean(host)}: {clean(str(why), 500)}{hint}", is_temporary=temporary) from None


def unanswered(host: str) -> Unresolvable:
    """What is wrong where the look-up of a name does not come back."""
    return Unresolvable(f"{clean(host)}: {_SILENT}", is_temporary=True)


class _NotNow(ValueError):
    """Nobody could be asked."""


def _looked_up(name: str, probing: Probing) -> str:
    family = probing.family_of_names
    wanted = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}[family]
    try:
        # As bytes, so that nothing encodes it once more.
        found = socket.getaddrinfo(name.encode("ascii"), None, wanted, socket.SOCK_DGRAM)
    except socket.gaierror as error:
        # A hosts file knows no name with a dot at its end.
        hint = f"; without the dot at its end: {name[:-1]}" if name.endswith(".") else ""
        raise (_NotNow if error.errno == socket.EAI_AGAIN else ValueError)(_why(error, probing) + hint) from None
    except OSError as error:
        raise ValueError(str(error)) from None
    reason = "has no address that can be traced"
    for found_family, _, _, _, address in found:
        if found_family in (socket.AF_INET, socket.AF_INET6):
            try:
                return _of_name(str(address[0]), probing)
            except ValueError as why:
                reason = f"leads to {address[0]}, which {why}"
    raise ValueError(reason)


def _in_four_parts(name: str) -> str:
    """An IPv4 address as inet_aton(3) reads it too (``127.1``, ``0x7f000001``, ``0``) in the usual form; all else as it
    is."""
    if name[:1].isdigit():
        with suppress(OSError):
            return socket.inet_ntoa(socket.inet_aton(name))
    return name


def _is_nearly_an_address(host: str) -> bool:
    """``8.8.8.8x``, ``192.168.1.l``: a slip, rather than a host's name, where no host has that name."""
    parts = host.removesuffix(".").split(".")
    return len(parts) > 3 and sum(part.isdecimal() for part in parts) == len(parts) - 1


def _ends_in_a_number(name: str) -> bool:
    """Then it is an IPv4 address or nothing, as for browsers: https://url.spec.whatwg.org/#ends-in-a-number-checker."""
    last = name.removesuffix(".").rpartition(".")[2].lower()
    digits, allowed = (last[2:], "0123456789abcdef") if last.startswith("0x") else (last, "0123456789")
    return not digits.strip(allowed)


def _of_name(address: str, probing: Probing) -> str:
    """As `_checked`, of an address that a name leads to: then an unspecified one is how whoever answers blocks it."""
    found = ipaddress.ip_address(address)
    if (getattr(found, "ipv4_mapped", None) or found).is_unspecified:
        raise ValueError("is no host: somebody blocks this name")
    # A typed one is for the worker to refuse, which knows this machine's routes.
    needs_zone = isinstance(found, ipaddress.IPv6Address) and found.is_link_local and not found.scope_id
    if needs_zone and not (probing.interface or "%" in (probing.source or "")):
        raise ValueError("is known on one link only, and the name does not say on which")
    return _checked(address, probing)


def _checked(address: str, probing: Probing) -> str:
    """`address` as one host has it, in the usual form. `ValueError` with a few words where it is no single host's."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None and probing.family != 6:
            found = found.ipv4_mapped
        elif found.ipv4_mapped is not None:
            raise ValueError(f"is an IPv4 address in IPv6's notation; type {found.ipv4_mapped}, without -6")
    if probing.family not in (None, found.version):
        raise ValueError(f"is no IPv{probing.family} address")
    if found.is_unspecified:  # the kernel sends what goes there to this machine itself
        return "127.0.0.1" if found.version == 4 else "::1"
    if found.is_multicast:
        raise ValueError("is a multicast group's address; a trace goes to one host")
    if found == ipaddress.IPv4Address("255.255.255.255"):
        raise ValueError("is everybody on the local network; a trace goes to one host")
    if isinstance(found, ipaddress.IPv6Address) and found in _COMPATIBLE and not found.is_loopback:
        inside = ipaddress.IPv4Address(int(found))
        raise ValueError(f"is an IPv4-compatible address, which no network carries (RFC 4291); type {inside}")
    return str(found)


def _why(error: socket.gaierror, probing: Probing) -> str:
    family = probing.family_of_names
    only = f"IPv{family} " if family else ""
    if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None), getattr(socket, "EAI_ADDRFAMILY", None)):
        because = f", and the source address {probing.source} is one" if family and not probing.family else ""
        return f"no {only}address is known for this name{because}"
    if error.errno == socket.EAI_AGAIN:
        return _SILENT
    return (error.strerror or str(error)).lower()


__all__ = ["Unresolvable", "resolve", "unanswered"]
