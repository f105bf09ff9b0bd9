"""Rounds under way: what becomes of their probes, until each round is complete and can be judged.

A round is complete when the one after it has begun and every probe up to it has its fate. So it is handed on with the
same fates whatever the order in which they arrived. Where a fate does not come (a long timeout, a worker that died) the
round is handed on without it, once a round has begun that is `WAIT_NS` younger.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final, NamedTuple

from hopscope.judge.series import Fate
from hopscope.wire.messages import Answered, Failed, Late, Lost, Sent

WAIT_NS: Final = 6_000_000_000
"""Wait this long after the beginning of the next round for a round's fates, ns."""
_LATE_NS: Final = 1_000_000_000
"""Allow an event to come this much later than what it tells of, ns."""
_MAX_OPEN: Final = 512
"""Rounds under way at once; the oldest is handed on before there are more."""
_MAX_LATE: Final = 4096


class Complete(NamedTuple):
    """A round that can be judged."""

    round: int
    at: int
    """When it began."""
    until: int
    """When the next one began; of the last round, when it began itself."""
    fates: dict[int, Fate]
    is_last: bool
    """No round follows: all late answers are known."""


class _Open:
    __slots__ = ("at", "fates", "pending")

    def __init__(self, at: int) -> None:
        self.at = at
        self.fates: dict[int, Fate] = {}
        self.pending = 0


class OpenRounds:
    """The rounds of one flow that are under way."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._done = -1
        """The newest round that was handed on."""
        self._late: list[tuple[int, int, int, Late]] = []
        self.newest_at = 0
        """When the newest round began."""

    def begin(self, round_: int, at: int) -> None:
        """A round begins."""
        if round_ <= self._done:
            return
        known = self._open.get(round_)
        if known is None:
            self._open[round_] = _Open(at)
        elif at < known.at:
            known.at = at
        self.newest_at = max(self.newest_at, at)

    def send(self, sent: Sent) -> None:
        """A probe left."""
        round_ = self._open.get(sent.round) or self._of(sent.round, sent.sent_at)
        if round_ is not None and sent.ttl not in round_.fates:
            round_.fates[sent.ttl] = None
            round_.pending += 1

    def settle(self, fate: Answered | Lost | Failed) -> bool:
        """A probe has its fate; whether a round may be complete now: one that was sent whole, and has none that is
        pending. `Late` is one beside that, and comes by `late`."""
        round_ = self._open.get(fate.round) or self._of(fate.round, fate.sent_at)
        if round_ is None:
            return False
        fates, ttl = round_.fates, fate.ttl
        if ttl not in fates:
            fates[ttl] = fate
            return False
        if fates[ttl] is None:
            fates[ttl] = fate
            round_.pending -= 1
        return round_.pending == 0 and len(self._open) > 1

    def abandon(self) -> None:
        """No fate will come for what is pending."""
        for round_ in self._open.values():
            round_.pending = 0

    def late(self, answer: Late) -> None:
        """A probe that was lost was answered after all."""
        if len(self._late) < _MAX_LATE:
            moment = answer.sent_at + answer.rtt_ns + _LATE_NS
            heappush(self._late, (moment, answer.round, answer.ttl, answer))
        # Where the loss itself was never told, this tells it.
        self.settle(Lost(answer.target, answer.round, answer.ttl, answer.sent_at))

    def late_until(self, moment: int | None) -> Iterator[Late]:
        """The late answers that were known at `moment` (None: all)."""
        late = self._late
        while late and (moment is None or late[0][0] <= moment):
            yield heappop(late)[3]

    def complete(self, *, all_of_them: bool = False) -> Iterator[Complete]:
        """The rounds that can be judged now, oldest first. `all_of_them`: no further fate will come."""
        rounds = self._open
        while rounds:
            first = min(rounds) if len(rounds) > 1 else next(iter(rounds))
            after = min((other for other in rounds if other > first), default=None)
            this = rounds[first]
            if not all_of_them:
                if after is None:
                    return
                is_overdue = self.newest_at - rounds[after].at > WAIT_NS or len(rounds) > _MAX_OPEN
                if this.pending and not is_overdue:
                    return
            del rounds[first]
            self._done = first
            if this.fates:
                yield Complete(
                    first, this.at, this.at if after is None else rounds[after].at, this.fates, after is None
                )

    def _of(self, round_: int, at: int) -> _Open | None:
        """A round that was not known to have begun; None: it was handed on."""
        if round_ <= self._done:
            return None
        self.newest_at = max(self.newest_at, at)
        begun = self._open[round_] = _Open(at)
        return begun
