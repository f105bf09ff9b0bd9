"""A fixed session: the things that people meet, as events through the real fold, and names as a namer gives them."""

from __future__ import annotations

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged
from hopscope.names.facts import AddressInfo, Asn, Geo
from hopscope.path.fold import PathFold
from hopscope.session.model import Target
from hopscope.views.report.document import Document, Style
from hopscope.wire.messages import (
    Answered,
    Event,
    Failed,
    Finished,
    Label,
    Late,
    Lost,
    Plan,
    Refused,
    RoundStarted,
    Sent,
    Started,
)

SECOND = 1_000_000_000
START = 1_795_446_120 * SECOND
"""2026-11-23 15:02:00 UTC."""
MS = 1_000_000
TARGET = "192.0.2.80"
ROUNDS = 4

# One row a hop: what happens in each round, as ms, or a word.
_PATH: tuple[tuple[float | str, ...], ...] = (
    (1.204, 1.101, 1.187, 1.402),
    ("lost", "lost", "lost", "lost"),
    (8.0, "lost", 9.5, 8.25),
    (14.0, 15.5, 14.25, 13.75),
    ("late", 21.0, "failed", 20.5),
    (30.0, 31.0, 30.5, 120.0),
)
_ADDRESSES = ("192.168.1.1", "", "203.0.113.9", "198.51.100.3", "198.51.100.7", TARGET)
_OTHER = "203.0.113.13"
"""Answers at hop 3 in the last round."""
_LABELS = (Label(24011, 0, False, 1), Label(16004, 2, True, 1))

NAMES = {
    "192.168.1.1": AddressInfo("gateway.lan", scope="private"),
    "203.0.113.9": AddressInfo(
        "ae1.core2.a-rather-long-name.example.net",
        True,
        (Asn(64500, "EXAMPLE-CORE", "203.0.113.0/24", "NL"),),
        Geo("NL", "Amsterdam", 52.37, 4.9),
    ),
    "203.0.113.13": AddressInfo("ae2.core2.example.net", True, (Asn(64500, "EXAMPLE-CORE", "203.0.113.0/24", "NL"),)),
    "198.51.100.3": AddressInfo(None, None, (Asn(64501, None, "198.51.100.0/24", None),)),
    "198.51.100.7": AddressInfo("edge.example.org"),
    TARGET: AddressInfo("www.example.com", True, (Asn(64502, "EXAMPLE-WWW", "192.0.2.0/24", "SE"),)),
}


def events() -> list[Event]:
    """All that the worker said."""
    said: list[Event] = []
    for number in range(ROUNDS):
        at = START + number * SECOND
        said.append(RoundStarted(1, number, at))
        for place, row in enumerate(_PATH):
            said += _probe(number, place, at + place * 10 * MS, row[number])
    said.append(Finished(1, ROUNDS))
    return said


def _probe(number: int, place: int, at: int, fate: float | str) -> list[Event]:
    ttl = place + 1
    if fate == "failed":
        return [Failed(1, number, ttl, at, "ENOBUFS", "No buffer space available")]
    sent = Sent(1, number, ttl, at)
    if fate == "lost":
        return [sent, Lost(1, number, ttl, at)]
    is_target = ttl == len(_PATH)
    rtt = round((4000.0 if isinstance(fate, str) else fate) * MS)
    address = _OTHER if ttl == 3 and number == ROUNDS - 1 else _ADDRESSES[place]
    answer = (Late if fate == "late" else Answered)(
        1,
        number,
        ttl,
        at,
        rtt,
        address,
        "echo-reply" if is_target else "time-exceeded",
        0 if is_target else 11,
        0,
        65 - ttl,
        "kernel",
        _LABELS if ttl == 4 else (),
    )
    return [sent, Lost(1, number, ttl, at), answer] if fate == "late" else [sent, answer]


def target(names: dict[str, AddressInfo] | None = None, query: str = "www.example.com") -> Target:
    """The target after its rounds."""
    fold, judged = PathFold(TARGET), judged_of(events())
    fold.apply_all(events())
    plan = Plan(TARGET, 4, rounds=ROUNDS)
    facts = Started(1, "ping-socket", "192.168.1.23", None, None, 64, "one", "kernel")
    known = NAMES if names is None else names
    return Target(1, query, "finished", TARGET, plan, facts, None, None, fold.snapshot(), known, judged=judged)


def judged_of(said: list[Event], address: str = TARGET) -> Judged:
    """What the judge has to say after these events."""
    judge = Judge(address)
    for event in said:
        judge.apply(event)
    return judge.judged()


def short_events() -> list[Event]:
    """A path of two hops over two rounds: enough for a page of documentation."""
    said: list[Event] = []
    for number, (first, second) in enumerate([(1.204, 30.512), (1.101, None)]):
        at = START + number * SECOND
        said.append(RoundStarted(5, number, at))
        for ttl, rtt in ((1, first), (2, second)):
            sent = at + ttl * MS
            said.append(Sent(5, number, ttl, sent))
            if rtt is None:
                said.append(Lost(5, number, ttl, sent))
            elif ttl == 1:
                said.append(Answered(5, number, ttl, sent, round(rtt * MS), "192.168.1.1", "time-exceeded", 11, 0, 64))
            else:
                said.append(Answered(5, number, ttl, sent, round(rtt * MS), TARGET, "echo-reply", 0, 0, 63))
    return said


def short_target() -> Target:
    """The target of `short_events`."""
    fold = PathFold(TARGET)
    fold.apply_all(short_events())
    facts = Started(5, "ping-socket", "192.168.1.23", None, None, 64, "one", "kernel")
    plan = Plan(TARGET, 4, rounds=2)
    judged = judged_of(short_events())
    return Target(
        5, "www.example.com", "finished", TARGET, plan, facts, None, None, fold.snapshot(), NAMES, judged=judged
    )


def silent_target() -> Target:
    """One that never answered, nor did anybody on the way."""
    fold = PathFold("192.0.2.99")
    for number in range(2):
        at = START + number * SECOND
        fold.apply(RoundStarted(2, number, at))
        for ttl in (1, 2):
            fold.apply(Sent(2, number, ttl, at))
            fold.apply(Lost(2, number, ttl, at))
    return Target(
        2,
        "192.0.2.99",
        "finished",
        "192.0.2.99",
        Plan("192.0.2.99", 4, rounds=2),
        Started(2, "ping-socket", None, None, None, 64, "one", "kernel"),
        None,
        None,
        fold.snapshot(),
        {},
    )


def unfinished_target() -> Target:
    """One that was not reached: the last router that answers is hop 1 of 4 that were tried."""
    fold = PathFold("192.0.2.98")
    fold.apply(RoundStarted(3, 0, START))
    for ttl in range(1, 5):
        fold.apply(Sent(3, 0, ttl, START))
        if ttl == 1:
            fold.apply(Answered(3, 0, ttl, START, MS, "192.168.1.1", "time-exceeded", 11, 0))
        else:
            fold.apply(Lost(3, 0, ttl, START))
    return Target(
        3, "192.0.2.98", "finished", "192.0.2.98", Plan("192.0.2.98", 4), None, None, None, fold.snapshot(), {}
    )


def refused_target() -> Target:
    """One that could not be probed."""
    return Target(
        4,
        "192.0.2.97",
        "refused",
        "192.0.2.97",
        Plan("192.0.2.97", 4),
        None,
        Refused(4, "permission", "raw sockets need a privilege", "sudo hopscope"),
        None,
        PathFold("192.0.2.97").snapshot(),
        {},
    )


def document(*targets: Target, style: Style | None = None, host: str = "box") -> Document:
    """A report of these targets, or of the sample."""
    return Document(
        targets or (target(),), START + 5 * SECOND, host, "0.1.0", style if style is not None else Style(), ROUNDS
    )
