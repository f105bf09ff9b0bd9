"""Whose an answer can be: there are addresses that no host sends from."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

_EVERYBODY = ipaddress.IPv4Address("255.255.255.255")


@lru_cache(maxsize=1 << 14)
def _is_host(address: str) -> bool | None:
    """Whether a host may have it; None: this machine, where it is asked for itself."""
    sender = ipaddress.ip_address(address)
    if sender.is_unspecified or sender.is_multicast or sender == _EVERYBODY:
        return False
    return None if sender.is_loopback else True


def can_answer(address: str, target: str) -> bool:
    """Whether an answer to a probe of `target` can come from `address`, both numeric. A source is one host's: neither
    unspecified nor a group's nor everybody's, and this machine's loopback only where that is probed (RFC 1122 section
    3.2.1.3, RFC 4291 section 2.5)."""
    is_host = _is_host(address)
    return _is_host(target) is None if is_host is None else is_host
