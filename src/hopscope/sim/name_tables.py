"""The tables of the scenario language that say what a name server knows."""

from __future__ import annotations

import ipaddress
from typing import Annotated

import msgspec
from msgspec import Meta

from hopscope.sim.values import Addresses, Duration, Loss, Table


class Origin(Table, frozen=True, kw_only=True):
    """Whose addresses these are."""

    prefix: Annotated[str, Meta(max_length=49)]
    asn: Annotated[int, Meta(ge=1, le=0xFFFFFFFF)]
    name: Annotated[str, Meta(max_length=200)]
    country: Annotated[str, Meta(max_length=2)] = "ZZ"
    registry: Annotated[str, Meta(max_length=20)] = "example"

    def __post_init__(self) -> None:
        try:
            ipaddress.ip_network(self.prefix)
        except ValueError:
            raise ValueError("`prefix` is a network such as 192.0.2.0/24, without host bits") from None


class Dns(Table, frozen=True, kw_only=True):
    """The name server."""

    at: Addresses
    delay: Duration = Duration(2_000_000)
    loss: Loss | None = None
    ttl: Annotated[int, Meta(ge=0, le=0x7FFFFFFF)] = 300
    fail: Addresses = Addresses()
    """Addresses whose PTR is answered with SERVFAIL."""
    silent: Addresses = Addresses()
    """Addresses whose PTR is not answered at all."""
    txt: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Further TXT records."""
