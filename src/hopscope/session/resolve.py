"""A target's name to one address, in the system's own order."""

from __future__ import annotations

import ipaddress
import socket
from typing import Literal

from hopscope.names.clean import clean
from hopscope.session.errors import Unresolvable
from hopscope.session.plans import numeric


def resolve(query: str, family: Literal[4, 6] | None) -> str:
    """The first address of `query` of the family asked for (None: the system's order). Blocks, but not for a numeric
    address, which is only written in the one usual way. `Unresolvable`."""
    if numeric(query) is not None:
        known = ipaddress.ip_address(query)
        if family not in (None, known.version):
            raise Unresolvable(f"{clean(query)}: is no IPv{family} address")
        return str(known)
    wanted = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}[family]
    try:
        found = socket.getaddrinfo(query, None, wanted, socket.SOCK_DGRAM)
    except socket.gaierror as error:
        raise Unresolvable(f"{clean(query)}: {_why(error, family)}") from None
    except (OSError, UnicodeError) as error:
        raise Unresolvable(f"{clean(query)}: {clean(str(error))}") from None
    for found_family, _, _, _, address in found:
        if found_family in (socket.AF_INET, socket.AF_INET6):
            return str(address[0])
    raise Unresolvable(f"{clean(query)}: has no address that can be traced")


def _why(error: socket.gaierror, family: Literal[4, 6] | None) -> str:
    only = f"IPv{family} " if family else ""
    if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None), getattr(socket, "EAI_ADDRFAMILY", None)):
        return f"no {only}address is known for this name"
    if error.errno == socket.EAI_AGAIN:
        return "the name server does not answer; an address works without it"
    return clean((error.strerror or str(error)).lower())


__all__ = ["Unresolvable", "resolve"]
