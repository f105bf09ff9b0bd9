"""The values of the scenario language: what a duration, a share, a loss, an address or an error may look like.

Each is a class of its own with one `of`, which takes what TOML gave and raises `ValueError` with what is allowed.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

_UNITS: Final = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000}
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ns|us|µs|ms|s|m)", re.ASCII)
_LONGEST: Final = 7 * 86_400 * 1_000_000_000


HashField: TypeAlias = Literal[
    "source", "destination", "protocol", "source-port", "destination-port", "icmp", "label", "inner"
]
"""``icmp``: type, code, checksum and identifier; ``label``: of IPv6; ``inner``: an ICMP error is hashed as the packet
that it quotes."""


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the language: unknown keys are refused."""


class Duration(int):
    """Nanoseconds. ``"1.5ms"``, ``"2s"``; a bare number is milliseconds."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Any) -> Duration:
        """Read a duration."""
        nanos: float | None = None
        if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
            nanos = float(match[1]) * _UNITS[match[2]]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            nanos = float(value) * 1_000_000
        if nanos is None or not 0 <= nanos <= _LONGEST:
            raise ValueError('a duration of at most 7 days: "250us", "1.5ms", "2s", "1m", or a number of milliseconds')
        return cls(round(nanos))


class Share(float):
    """A probability, 0 to 1. ``0.1`` or ``"10%"``."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Any) -> Share:
        """Read a share."""
        share: float | None = None
        if isinstance(value, str) and re.fullmatch(r"\d{1,3}(\.\d{1,9})?\s*%", value, re.ASCII):
            share = float(value.rstrip("% ")) / 100
        elif isinstance(value, int | float) and not isinstance(value, bool):
            share = float(value)
        if share is None or not 0 <= share <= 1:
            raise ValueError('a share between 0 and 1, or a percentage such as "10%"')
        return cls(share)


class LossTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One way to lose packets; exactly one of `random`, `every` and `burst` is given."""

    random: Share | None = None
    """Each packet on its own, with this probability."""
    every: int | None = None
    """One packet of every so many, counted from the first."""
    offset: int = 0
    """With `every`: which one of them, 0 the first."""
    burst: Share | None = None
    """Gilbert-Elliott: the probability, at each packet, that a burst begins."""
    recover: Share = Share(0.25)
    """With `burst`: the probability, at each packet, that the burst ends."""
    in_burst: Share = Share(1.0)
    """With `burst`: how much is lost within it."""
    between: Share = Share(0.0)
    """With `burst`: how much is lost outside of it."""

    def __post_init__(self) -> None:
        if sum(way is not None for way in (self.random, self.every, self.burst)) != 1:
            raise ValueError("exactly one of `random`, `every` and `burst`")
        if self.every is not None and not 1 <= self.every <= 1_000_000_000:
            raise ValueError("`every` is 1 to 1000000000")
        if self.offset and not (self.every and 0 <= self.offset < self.every):
            raise ValueError("`offset` goes with `every`, and is smaller")


class Loss:
    """How packets are lost: a share, a percentage or a table."""

    __slots__ = ("table",)

    def __init__(self, table: LossTable) -> None:
        self.table = table

    @classmethod
    def of(cls, value: Any) -> Loss:
        """Read a loss."""
        if isinstance(value, dict):
            try:
                return cls(msgspec.convert(value, LossTable, dec_hook=read_value))
            except msgspec.ValidationError as error:
                # As an error of this value, so that msgspec adds where the table stands.
                raise ValueError(str(error)) from None
        return cls(LossTable(random=Share.of(value)))


class Address(str):
    """One numeric IP address in its canonical text."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Any) -> Address:
        """Read an address."""
        try:
            if not isinstance(value, str) or "%" in value:
                raise ValueError
            return cls(ipaddress.ip_address(value))
        except ValueError:
            raise ValueError("a numeric IPv4 or IPv6 address without a zone") from None

    @property
    def family(self) -> Literal[4, 6]:
        """4 or 6."""
        return 6 if ":" in self else 4

    @property
    def packed(self) -> bytes:
        """Its 4 or 16 bytes."""
        return ipaddress.ip_address(str(self)).packed


class Addresses(tuple[Address, ...]):
    """One address or several, of either family."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Any) -> Addresses:
        """Read one address, or a list of at most 64."""
        if isinstance(value, str):
            return cls((Address.of(value),))
        if not isinstance(value, list) or len(value) > 64:
            raise ValueError("an IPv4 or IPv6 address, or a list of at most 64 of them")
        return cls(Address.of(item) for item in value)

    def family(self, family: int) -> tuple[Address, ...]:
        """Those of one family, in order."""
        return tuple(address for address in self if address.family == family)


class TypeCode(NamedTuple):
    """An ICMP error's type and code in one family; `word` is where RFC 792 leaves four bytes."""

    type: int
    code: int


_UNREACHABLE4: Final = [
    "net-unreachable",
    "host-unreachable",
    "protocol-unreachable",
    "port-unreachable",
    "fragmentation-needed",
    "source-route-failed",
    "net-unknown",
    "host-unknown",
    "source-isolated",
    "net-prohibited",
    "host-prohibited",
    "net-tos",
    "host-tos",
    "prohibited",
    "precedence-violation",
    "precedence-cutoff",
]
_ERRORS: Final[dict[str, tuple[TypeCode, TypeCode]]] = {
    name: (TypeCode(3, code), TypeCode(1, {0: 0, 1: 3, 3: 4, 5: 7, 9: 1, 10: 1, 13: 1}.get(code, 0)))
    for code, name in enumerate(_UNREACHABLE4)
} | {
    "protocol-unreachable": (TypeCode(3, 2), TypeCode(4, 1)),
    "fragmentation-needed": (TypeCode(3, 4), TypeCode(2, 0)),
    "beyond-scope": (TypeCode(3, 0), TypeCode(1, 2)),
    "source-policy": (TypeCode(3, 13), TypeCode(1, 5)),
    "reject-route": (TypeCode(3, 13), TypeCode(1, 6)),
    "source-quench": (TypeCode(4, 0), TypeCode(1, 0)),
    "parameter-problem": (TypeCode(12, 0), TypeCode(4, 0)),
    "reassembly-timeout": (TypeCode(11, 1), TypeCode(3, 1)),
    "time-exceeded": (TypeCode(11, 0), TypeCode(3, 0)),
}
ERROR_NAMES: Final = tuple(_ERRORS)


class IcmpError:
    """An ICMP error by its name, or as ``"type/code"`` (the same numbers then in both families)."""

    __slots__ = ("v4", "v6")

    def __init__(self, v4: TypeCode, v6: TypeCode) -> None:
        self.v4 = v4
        self.v6 = v6

    @classmethod
    def of(cls, value: Any) -> IcmpError:
        """Read an error."""
        if isinstance(value, str):
            if known := _ERRORS.get(value):
                return cls(*known)
            match = re.fullmatch(r"(\d{1,3})/(\d{1,3})", value, re.ASCII)
            if match and int(match[1]) <= 255 and int(match[2]) <= 255:
                both = TypeCode(int(match[1]), int(match[2]))
                return cls(both, both)
        raise ValueError(f'"type/code" in numbers up to 255, or one of: {", ".join(ERROR_NAMES)}')

    def family(self, family: int) -> TypeCode:
        """Type and code in one family."""
        return self.v4 if family == 4 else self.v6


class Answer:
    """What a node does with a probe for itself: ``"reply"``, ``"reset"`` (TCP), ``"silent"``, or an ICMP error."""

    __slots__ = ("error", "word")

    def __init__(self, word: str) -> None:
        self.word = word
        self.error = None if word in ("reply", "reset", "silent") else IcmpError.of(word)

    @classmethod
    def of(cls, value: Any) -> Answer:
        """Read an answer."""
        try:
            if not isinstance(value, str):
                raise ValueError
            return cls(value)
        except ValueError:
            raise ValueError(
                f'"reply", "reset", "silent", "type/code" in numbers, or one of: {", ".join(ERROR_NAMES)}'
            ) from None


class HexBytes(bytes):
    """Bytes, written as hexadecimal digits."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Any) -> HexBytes:
        """Read at most 256 bytes."""
        try:
            data = bytes.fromhex(value)
        except (TypeError, ValueError):
            data = None
        if data is None or len(data) > 256:
            raise ValueError("at most 256 bytes as hexadecimal digits")
        return cls(data)


_READERS: Final[dict[type, Any]] = {
    cls: cls.of for cls in (Duration, Share, Loss, Address, Addresses, IcmpError, Answer, HexBytes)
}


def read_value(kind: type, value: Any) -> Any:
    """msgspec's ``dec_hook``: a value of the language, read."""
    return _READERS[kind](value)
