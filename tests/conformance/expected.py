"""What the scenarios must show beside the truth of every packet: kinds, codes, labels, lengths, words.

A scenario that is not named here is held against the truth alone. Hops are TTLs, from 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from hopscope.path.snapshot import Path
from hopscope.wire.messages import Family, Kind, Label, Protocol


class Case(NamedTuple):
    """How a scenario was played."""

    protocol: Protocol
    family: Family


Check = Callable[[Path, Case], None]


def length(hops: int, *, reached: bool = True) -> Check:
    """The path ends there."""

    def check(path: Path, case: Case) -> None:
        assert (len(path.hops), path.reached) == (hops, reached)

    return check


def labels(ttl: int, *expected: Label) -> Check:
    """The labels of a hop; every other hop has none."""

    def check(path: Path, case: Case) -> None:
        for hop in path.hops:
            assert hop.mpls == (expected if hop.ttl == ttl else ())

    return check


def silent(*ttls: int) -> Check:
    """Exactly these hops never answer."""

    def check(path: Path, case: Case) -> None:
        assert tuple(hop.ttl for hop in path.hops if not hop.nodes) == ttls

    return check


def loss(**by_ttl: tuple[float, float]) -> Check:
    """The bounds of a hop's loss in percent, by ``hop3=(20, 40)``; all others lose nothing."""

    def check(path: Path, case: Case) -> None:
        for hop in path.hops:
            low, high = by_ttl.get(f"hop{hop.ttl}", (0.0, 0.0))
            assert hop.loss_pct is not None
            assert low <= hop.loss_pct <= high, hop.ttl

    return check


def addresses(ttl: int, count: int) -> Check:
    """So many addresses answer at a hop."""

    def check(path: Path, case: Case) -> None:
        assert len(path.hops[ttl - 1].nodes) == count

    return check


def ends_with(ttl: int, kind4: Kind, code4: int, kind6: Kind | None, code6: int) -> Check:
    """A router's refusal of what it should forward ends the path one TTL beyond it, and is no answer of the target."""

    def check(path: Path, case: Case) -> None:
        last = path.hops[-1]
        assert (last.ttl, path.reached) == (ttl, kind4 == "port-unreachable" and case.protocol == "udp")
        assert last.reply is not None
        expected = (kind4, code4) if case.family == 4 else (kind6, code6)
        assert (last.reply.kind, last.reply.code) == expected

    return check


def last_kind(**kinds: Kind) -> Check:
    """The kind of the target's answer, by protocol."""

    def check(path: Path, case: Case) -> None:
        kind = kinds.get(case.protocol)
        if kind is not None:
            assert path.hops[-1].reply is not None
            assert path.hops[-1].reply.kind == kind

    return check


def both(*checks: Check) -> Check:
    """All of them."""

    def check(path: Path, case: Case) -> None:
        for one in checks:
            one(path, case)

    return check


def only(protocol: Protocol, then: Check) -> Check:
    """For one protocol."""

    def check(path: Path, case: Case) -> None:
        if case.protocol == protocol:
            then(path, case)

    return check


_UNREACHABLE: Final[dict[str, tuple[Kind, int, Kind, int]]] = {
    "net-unreachable": ("net-unreachable", 0, "net-unreachable", 0),
    "host-unreachable": ("host-unreachable", 1, "host-unreachable", 3),
    "net-unknown": ("net-unreachable", 6, "net-unreachable", 0),
    "host-unknown": ("host-unreachable", 7, "net-unreachable", 0),
    "net-prohibited": ("prohibited", 9, "prohibited", 1),
    "host-prohibited": ("prohibited", 10, "prohibited", 1),
    "prohibited": ("prohibited", 13, "prohibited", 1),
}

EXPECTED: Final[dict[str, Check]] = {
    "plain": both(length(6), silent(), loss(), last_kind(icmp="echo-reply", udp="port-unreachable", tcp="tcp-reset")),
    "one-hop": length(1),
    "twenty-hops": length(21),
    "twenty-eight-hops": length(29),
    "silent-first": both(length(6), silent(1)),
    "silent-middle": both(length(6), silent(3)),
    "silent-run": both(length(6), silent(2, 3, 4, 5)),
    "silent-to-icmp": only("udp", silent()),
    "rtt-beyond-interval": both(length(6), loss()),
    "loss-of-replies": both(length(6), loss(hop3=(10, 90))),
    "rate-limit": both(length(6), loss(hop3=(20, 95))),
    "mpls-one": both(length(6), labels(3, Label(16004, 3, True, 1))),
    "mpls-stack": labels(3, Label(24011, 0, False, 1), Label(16004, 5, False, 9), Label(1048575, 0, True, 255)),
    "mpls-nine": labels(3, *(Label(100 + n, 0, n == 8, 1) for n in range(9))),
    "interface-information": labels(0),
    "interface-and-mpls": labels(3, Label(5, 0, True, 1)),
    "extension-unknown": labels(0),
    "extension-bad-checksum": labels(0),
    "extension-bad-version": labels(0),
    "extension-bad-truncated": labels(0),
    "several-addresses": both(length(6), addresses(3, 3)),
    "ecmp-flow": both(length(5), addresses(3, 1)),
    "ecmp-packet": both(length(5), lambda path, case: _at_least(path, 3, 2)),
    "target-prohibits": lambda path, case: _reached_by_its_own_refusal(path),
    "tcp-open": both(length(6), last_kind(tcp="tcp-open")),
    "udp-answers": both(length(6), last_kind(udp="other")),
    "forged": both(length(6), loss()),
    "malformed": both(length(6), loss()),
    "foreign": both(length(6), loss()),
    "duplicates": both(length(6), loss()),
    "reordered": both(length(6), loss()),
    "quote-28": both(length(6), loss()),
    "quote-28-one": both(length(6), loss()),
    "nat-address": both(length(6), loss()),
    "nat-twice": both(length(6), loss()),
    **{f"error-{name}": ends_with(5, *codes) for name, codes in _UNREACHABLE.items()},
}


def _at_least(path: Path, ttl: int, count: int) -> None:
    assert len(path.hops[ttl - 1].nodes) >= count


def _reached_by_its_own_refusal(path: Path) -> None:
    """A firewall on the target itself: it was reached, and says no."""
    assert path.reached
    assert path.hops[-1].reply is not None
    assert path.hops[-1].reply.kind == "prohibited"
