"""Events for tests of the path: short ways to say what happened to a probe."""

from __future__ import annotations

from hopscope.wire.messages import Answered, Duplicate, Failed, Kind, Late, Lost, RoundStarted, Sent

S = 1_000_000_000
MS = 1_000_000
TARGET = "198.51.100.9"
EPOCH = 1_700_000_000 * S


def at(round_: int, ttl: int = 0) -> int:
    """When the probe of a round to a TTL is sent: a round a second, a millisecond between hops."""
    return EPOCH + round_ * S + ttl * MS


def router(ttl: int) -> str:
    """The address of the router at a TTL."""
    return f"192.0.2.{ttl}"


def begun(round_: int) -> RoundStarted:
    return RoundStarted(1, round_, at(round_))


def sent(round_: int, ttl: int = 1) -> Sent:
    return Sent(1, round_, ttl, at(round_, ttl))


def answered(
    round_: int, ttl: int = 1, rtt: int = 10 * MS, address: str | None = None, kind: Kind = "time-exceeded"
) -> Answered:
    return Answered(1, round_, ttl, at(round_, ttl), rtt, address or router(ttl), kind, 11, 0, 60)


def late(round_: int, ttl: int = 1, rtt: int = 4 * S, address: str | None = None, kind: Kind = "time-exceeded") -> Late:
    return Late(1, round_, ttl, at(round_, ttl), rtt, address or router(ttl), kind, 11, 0, 60)


def duplicate(round_: int, ttl: int = 1, address: str | None = None) -> Duplicate:
    return Duplicate(1, round_, ttl, at(round_, ttl), 11 * MS, address or router(ttl), "time-exceeded", 11, 0, 60)


def lost(round_: int, ttl: int = 1) -> Lost:
    return Lost(1, round_, ttl, at(round_, ttl))


def failed(round_: int, ttl: int = 1, message: str = "Network is unreachable") -> Failed:
    return Failed(1, round_, ttl, at(round_, ttl), "ENETUNREACH", message)


def reached(round_: int, ttl: int, rtt: int = 20 * MS) -> Answered:
    """The target's echo reply."""
    return answered(round_, ttl, rtt, TARGET, "echo-reply")
