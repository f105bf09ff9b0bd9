"""What every report prints: targets at one moment, and how the user wants them shown."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import msgspec

from hopscope.names.facts import AddressInfo, Asn
from hopscope.path.snapshot import Hop, Node
from hopscope.session.model import Target

NamesMode: TypeAlias = Literal["names", "addresses", "both"]

MTR_FIELDS = "LS NABWV"
"""mtr's default columns: the space is a column of its own."""

UNKNOWN = "???"


class Style(msgspec.Struct, frozen=True):
    """The command line's options on how a report looks."""

    fields: str = MTR_FIELDS
    """Columns of the mtr formats, by mtr's letters."""
    names: NamesMode = "names"
    owners: bool = False
    """Owner AS of each address (mtr's ``-z``)."""
    mpls: bool = False
    """MPLS labels in mtr's formats (``-e``); our own formats always have them."""
    wide: bool = False
    """mtr's ``-w``: in its CSV, a row for each address of a hop."""
    ipinfo: int = 0
    """What of the owner mtr's text formats show, by mtr's ``-y``: 0 the AS, 1 the prefix, 2 the country, 3 the
    registry, 4 the date of allocation."""
    is_pattern_random: bool = False
    """mtr's ``-B`` beyond 255."""

    @property
    def asns(self) -> bool:
        """Whether mtr's CSV and JSON have the owner: they know no other item."""
        return self.owners and self.ipinfo == 0


class Document(msgspec.Struct, frozen=True):
    """One report."""

    targets: tuple[Target, ...]
    now: int
    """When the report was taken: epoch ns."""
    host: str
    """This machine's name."""
    version: str
    """Of hopscope."""
    style: Style = Style()
    rounds: int | None = None
    """How many rounds were asked for; None: endless."""

    def host_of(self, target: Target) -> str:
        """The name of the machine, or the site of a fleet, that probed a target."""
        return target.site or self.host


def facts(target: Target, address: str) -> AddressInfo:
    """What is known of an address of the target's path."""
    return target.names.get(address) or AddressInfo()


def hostname(target: Target, address: str, mode: NamesMode) -> str:
    """An address as the user wants it: its name where there is one, the address, or ``name (address)``."""
    name = facts(target, address).hostname
    if name is None or mode == "addresses":
        return address
    return f"{name} ({address})" if mode == "both" else name


def is_claim(target: Target, address: str) -> bool:
    """Whether the address has a name that does not lead back to it: then it says what its owner likes."""
    known = facts(target, address)
    return known.hostname is not None and known.verified is False


def owner(target: Target, address: str) -> Asn | None:
    """The AS that announces the address; the first where there are several."""
    asns = facts(target, address).asns
    return asns[0] if asns else None


def latest(hop: Hop) -> Node | None:
    """The address that answered last in time: the one that mtr prints in the hop's own row."""
    answered = [node for node in hop.nodes if node.last_at is not None]
    return max(answered, key=lambda node: node.last_at or 0) if answered else next(iter(hop.nodes), None)


def query_of(target: Target) -> str:
    """The target in words: its name with the address behind it, where the two differ."""
    if target.address is None or target.address == target.query:
        return target.query
    return f"{target.query} ({target.address})"


def rounded(ms: float | None) -> float | None:
    """A time in ms to the microsecond."""
    return None if ms is None or not math.isfinite(ms) else round(ms, 3)
