"""A path with names to make words of, and a verdict that a test chooses."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from hopscope.judge.verdict import Epoch, Incident, Judged, Verdict
from hopscope.names.facts import AddressInfo, Asn
from hopscope.names.scopes import scope
from hopscope.names.segments import End
from hopscope.path.fold import PathFold
from hopscope.path.snapshot import Path
from hopscope.wire.messages import Kind, Protocol
from hopscope.words.said import Said
from tests.path.network import MS, answered, begun, sent

TARGET = "192.0.2.80"
ADDRESSES = ("192.168.1.1", "100.64.0.1", "203.0.113.9", "203.0.113.65", "198.51.100.1", "198.51.100.5", TARGET)
NAMES = {
    "192.168.1.1": "router.home.example",
    "203.0.113.9": "bng.nearby.example",
    "203.0.113.65": "edge1.nearby.example",
    "198.51.100.1": "cr1.farline.example",
    "198.51.100.5": "cr3.farline.example",
    TARGET: "www.example.com",
}
NUMBERS = {
    "203": (64500, "NEARBY Nearby Internet"),
    "198": (64510, "FARLINE Farline Transit"),
    "192.0": (64520, "HOST"),
}


@dataclass(frozen=True)
class Subject:
    """What words are made of."""

    judged: Judged
    path: Path
    names: dict[str, AddressInfo]
    query: str = "www.example.com"
    end: End = field(default=End("www.example.com", TARGET, reached=True, source="192.168.1.23"))


def path(protocol: Protocol = "icmp", *, hops: int = len(ADDRESSES), is_asked_on: bool = True) -> Path:
    """The first `hops` hops, which all answer; the last one is the target if it is the target's, and else the next one
    is asked, too, unless `is_asked_on` is false. It began at T+0."""
    fold = PathFold(TARGET, protocol)
    for i in range(4):
        fold.apply(begun(i))
        for ttl, address in enumerate(ADDRESSES[:hops], 1):
            fold.apply(sent(i, ttl))
            kind: Kind = "echo-reply" if address == TARGET else "time-exceeded"
            fold.apply(answered(i, ttl, ttl * 5 * MS, address, kind))
        if hops < len(ADDRESSES) and is_asked_on:
            fold.apply(sent(i, hops + 1))
    return msgspec.structs.replace(fold.snapshot(), started_at=0)


def info(address: str, *, owners: bool) -> AddressInfo:
    asns = next(((Asn(*who, None, None),) for start, who in NUMBERS.items() if address.startswith(start)), ())
    name = NAMES.get(address)
    known = asns if owners and scope(address) not in ("private", "cgnat") else ()
    return AddressInfo(hostname=name, verified=True if name else None, asns=known, scope=scope(address))


def said(
    verdict: Verdict,
    *,
    owners: bool = True,
    incidents: tuple[Incident, ...] = (),
    epochs: tuple[Epoch, ...] = (),
    protocol: Protocol = "icmp",
    hops: int = len(ADDRESSES),
    is_asked_on: bool = True,
) -> Said:
    """Words of this verdict on the path above; the clock shows whole seconds."""
    names = {address: info(address, owners=owners) for address in ADDRESSES}
    judged = Judged(verdict=verdict, incidents=incidents, epochs=epochs)
    end = End("www.example.com", TARGET, reached=hops == len(ADDRESSES), source="192.168.1.23")
    return Said(Subject(judged, path(protocol, hops=hops, is_asked_on=is_asked_on), names, end=end), clock)


def clock(at: int) -> str:
    """A moment as tests read it: ``T+12``."""
    return f"T+{at // 1_000_000_000}"
