"""What can be known of an address beside itself. All texts are cleaned (`hopscope.names.clean`)."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec


class Asn(msgspec.Struct, frozen=True):
    """An origin AS of an address."""

    number: int
    name: str | None
    prefix: str | None
    country: str | None


class Origin(Asn, frozen=True):
    """An origin AS with what only DNS tells of its prefix."""

    registry: str | None = None
    """Who allocated the prefix: ``ripencc``, ``arin`` …; only DNS tells it."""
    allocated: str | None = None
    """When, as ``2014-03-14``."""


class Geo(msgspec.Struct, frozen=True):
    """Where an address is said to be."""

    country: str | None
    city: str | None
    latitude: float | None = None
    longitude: float | None = None


class AddressInfo(msgspec.Struct, frozen=True):
    """What is known of an address beside itself. All texts are cleaned (`hopscope.names.clean`)."""

    hostname: str | None = None
    verified: bool | None = None
    """The name leads back to the address; False: not as far as was heard; None: not asked."""
    asns: tuple[Asn, ...] = ()
    geo: Geo | None = None
    scope: str | None = None
    """What kind of address it is where that is not plain public: ``private``, ``cgnat``, ``loopback`` …"""


class Namer(Protocol):
    """Who knows about addresses. Never blocks, never raises; nothing is asked for twice at once."""

    version: int
    """Grows whenever facts became known."""

    def look_up(self, address: str) -> AddressInfo:
        """What is known now; begins or renews the look-up of what is not."""
        ...

    async def settle(self, seconds: float) -> None:
        """Wait until every look-up that was begun has ended, at most so long."""
        ...

    async def close(self) -> None:
        """Cancel what is under way, and let go of every socket and thread."""
        ...


@runtime_checkable
class KnowsEnds(Namer, Protocol):
    """A namer that can say whether there is nothing more to wait for."""

    def is_known(self, address: str) -> bool:
        """Whether the look-up of the address has ended, also where it found no name."""
        ...


@runtime_checkable
class AsksOwners(Namer, Protocol):
    """A namer that can ask a third party for owners, or leave it."""

    owners: bool
