"""The tables of the scenario language that say what befalls the answers of a whole network."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, get_args

from msgspec import Meta

from hopscope.sim.values import Addresses, Duration, Share, Table


class Delayed(Table, frozen=True, kw_only=True):
    """Some of the answers come later by a fixed time."""

    share: Share
    delay: Duration


Forgery: TypeAlias = Literal["wrong-port", "wrong-target", "wrong-sequence", "wrong-cookie", "stranger-echo", "reset"]
Malformation: TypeAlias = Literal[
    "truncated",
    "short-quote",
    "empty-quote",
    "checksum",
    "header-length",
    "total-length",
    "version",
    "quoted-ihl",
    "extension-length",
    "noise",
]


class Forged(Table, frozen=True, kw_only=True):
    """Answers that somebody made up, in addition to the true ones and sooner than them."""

    share: Share
    kinds: Annotated[tuple[Forgery, ...], Meta(min_length=1)] = get_args(Forgery)
    source: Addresses = Addresses()
    """Who they say they are from; where it is not given, the true answerer."""


class Malformed(Table, frozen=True, kw_only=True):
    """Broken packets, in addition to the true answers."""

    share: Share
    kinds: Annotated[tuple[Malformation, ...], Meta(min_length=1)] = get_args(Malformation)


class Weather(Table, frozen=True, kw_only=True):
    """What befalls the answers of the whole network."""

    duplicates: Share = Share(0)
    duplicate_delay: Duration = Duration(1_000_000)
    reorder: Delayed | None = None
    late: Delayed | None = None
    forged: Forged | None = None
    malformed: Malformed | None = None
    foreign: Share = Share(0)
    """The probability, at each probe, of ICMP traffic that concerns nobody here."""
