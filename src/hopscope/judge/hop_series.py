"""A hop's rounds in the judge: a letter and an RTT each, and who answered."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

_MAX_RUNS: Final = 64
_MAX_MEMBERS: Final = 64

NONE: Final = ord(".")
"""Not sent, or its fate is not known."""
ANSWERED: Final = ord("A")
"""A router: "time exceeded". In the target's own series: the target."""
TARGET: Final = ord("T")
"""A hop's series: the target answered here."""
LOST: Final = ord("L")
LATE: Final = ord("l")
FAILED: Final = ord("F")
ERROR: Final = ord("E")
"""Answered by an error: the probe went no further."""
MISSED: Final = ord("X")
"""The target's series: a router answered where the target used to."""


class AddressRun(msgspec.Struct, gc=False):
    """The same address in so many answers of a hop, one after the other."""

    address: str
    first: int
    """The ordinal of the round of the first answer, and of the last."""
    last: int
    answers: int


class HopSeries:
    """One series: a letter and an RTT (ms) a round."""

    __slots__ = ("answers", "fates", "members", "quoted_dscp", "rtts", "runs", "ttl", "who")

    def __init__(self, ttl: int, length: int) -> None:
        self.ttl = ttl
        self.fates = bytearray(b"." * length)
        self.rtts = array("f", bytes(4 * length))
        self.who = bytearray(length)
        """Which router answered in each round: 0 none, else one more than its place in `members`."""
        self.members: list[str] = []
        """The first `_MAX_MEMBERS` addresses that answered."""
        self.answers = 0
        """Answers of a router since the path was begun."""
        self.runs: deque[AddressRun] = deque(maxlen=_MAX_RUNS)
        self.quoted_dscp: int | None = None
        """With what class of service (DSCP) the newest probe came to the router that answered, where it was changed."""

    def put(self, fate: int, rtt_ms: float = 0.0) -> None:
        """The next round."""
        self.fates.append(fate)
        self.rtts.append(rtt_ms)
        self.who.append(0)

    def counted(self, start: int, end: int | None = None) -> tuple[int, int]:
        """Of the rounds from index `start` to before `end`: probes with a fate (answered or lost), and those lost."""
        fates = self.fates
        stop = len(fates) if end is None else end
        lost = fates.count(LOST, start, stop)
        return fates.count(ANSWERED, start, stop) + lost, lost

    def rtts_of(self, start: int, end: int | None = None) -> list[float]:
        """The RTTs (ms) of the rounds from index `start` to before `end` that were answered, in order."""
        fates = self.fates[start:end]
        rtts = self.rtts[start:end]
        if fates.count(ANSWERED) == len(fates):
            return rtts.tolist()
        return [rtt for fate, rtt in zip(fates, rtts, strict=True) if fate == ANSWERED]

    def answered(self, address: str, at: int, rtt_ms: float) -> None:
        """The next round, with the ordinal `at`: a router with this `address` answered."""
        self.fates.append(ANSWERED)
        self.rtts.append(rtt_ms)
        self.answers += 1
        runs = self.runs
        if runs and (run := runs[-1]).address == address:
            run.last = at
            run.answers += 1
        else:
            runs.append(AddressRun(address, at, at, 1))
            if address not in self.members and len(self.members) < _MAX_MEMBERS:
                self.members.append(address)
        members = self.members
        if members[0] == address:
            self.who.append(1)
        else:
            self.who.append(1 + members.index(address) if address in members else 0)


def nearest_rank_ms(ordered: Sequence[float], percent: int) -> float:
    """See `hopscope.path.stats.nearest_rank`."""
    return ordered[(percent * len(ordered) + 99) // 100 - 1]


def iqr(ordered: Sequence[float]) -> float:
    """How far apart the middle half lies."""
    return nearest_rank_ms(ordered, 75) - nearest_rank_ms(ordered, 25)
