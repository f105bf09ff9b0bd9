"""The facts that are no probe's, as a store keeps them: few, whole, each a JSON object.

Beside a session's own facts these are names as they were seen, incidents as they were said, and how many facts could
not be kept.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias, TypeVar, Union

import msgspec

from hopscope.history.ways import WayIn
from hopscope.judge.verdict import Epoch, Incident, Verdict
from hopscope.names.clean import clean
from hopscope.names.facts import AddressInfo, Asn, Geo, Origin
from hopscope.session.facts import Asked, Removed
from hopscope.wire.discovered import Discovered
from hopscope.wire.facts import DriverFact
from hopscope.wire.messages import Failed, Finished, Int, Refused, SourceChanged, Started

F = TypeVar("F", bound=msgspec.Struct)

MOST_WORDS: Final = 500


class KnownOwner(msgspec.Struct, frozen=True, omit_defaults=True):
    """An `Asn`, or where `from_dns` an `Origin`."""

    number: int
    name: str | None = None
    prefix: str | None = None
    country: str | None = None
    from_dns: bool = False
    registry: str | None = None
    allocated: str | None = None


class Named(msgspec.Struct, frozen=True, tag="named", omit_defaults=True):
    """What is known of an address from here on. It is no target's."""

    address: str
    hostname: str | None = None
    verified: bool | None = None
    owners: tuple[KnownOwner, ...] = ()
    geo: Geo | None = None
    scope: str | None = None

    @classmethod
    def of(cls, address: str, info: AddressInfo) -> Named:
        """The fact that `info` is known."""
        owners = tuple(
            KnownOwner(
                asn.number,
                asn.name,
                asn.prefix,
                asn.country,
                isinstance(asn, Origin),
                asn.registry if isinstance(asn, Origin) else None,
                asn.allocated if isinstance(asn, Origin) else None,
            )
            for asn in info.asns
        )
        return cls(address, info.hostname, info.verified, owners, info.geo, info.scope)

    @property
    def info(self) -> AddressInfo:
        """As a namer says it."""
        asns = tuple(
            Origin(one.number, one.name, one.prefix, one.country, one.registry, one.allocated)
            if one.from_dns
            else Asn(one.number, one.name, one.prefix, one.country)
            for one in self.owners
        )
        return AddressInfo(self.hostname, self.verified, asns, self.geo, self.scope)


class SaidVerdict(msgspec.Struct, frozen=True, tag="said", omit_defaults=True):
    """What was said of a target at that time: a verdict of another kind or place than before, or of another path, and
    the incidents that changed (a later one takes the place of one with the same id)."""

    verdict: Verdict
    incidents: tuple[Incident, ...] = ()
    judge: Int = 0
    """The version of the judge that said it."""
    epoch: Epoch | None = None
    """The path that was taken then: who finds a cause that several share need not open their probes."""


class Missed(msgspec.Struct, frozen=True, tag="missed"):
    """`facts` facts could not be kept here. It is no target's."""

    facts: Int


Note: TypeAlias = Union[  # noqa: UP007 - msgspec wants a runtime Union
    Asked, DriverFact, Removed, Started, Refused, SourceChanged, Discovered, Finished, Named, SaidVerdict, Missed, WayIn
]

_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[Note]] = msgspec.json.Decoder(Note)


_PLAIN: Final = re.compile(rb'(?:[ !#-\[\]-~]{0,255}")*[ !#-\[\]-~]*')
"""JSON of printable ASCII alone, without an escape or a string that is too long: cleaning leaves that as it is, and
costs ten times what decoding does."""


def kind_of(note: Note) -> str:
    """Its type's name, as it is stored."""
    return str(type(note).__struct_config__.tag)


def encode(note: Note) -> bytes:
    """As it is stored."""
    return _encoder.encode(note)


def decode(data: bytes) -> Note:
    """The note, with strings that are safe to draw. `UNDECODABLE`."""
    note = _decoder.decode(data)
    return note if _PLAIN.fullmatch(data) else safe(note)


def safe(fact: F) -> F:
    """`fact` with every string in it cleaned: whoever sent the file wrote them. What is clean already stays the very
    same. `msgspec.DecodeError`: a cleaned string is none that may stand there."""
    plain = msgspec.to_builtins(fact)
    cleaned = _cleaned(plain)
    if cleaned == plain:
        return fact
    again: F = msgspec.convert(cleaned, type(fact))
    return again


def safe_failure(fact: Failed) -> Failed:
    """The same of a fact that comes by the thousand."""
    return msgspec.structs.replace(fact, error=clean(fact.error, MOST_WORDS), message=clean(fact.message, MOST_WORDS))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, MOST_WORDS)
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(one) for one in value]
    return value
