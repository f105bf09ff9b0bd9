"""Which of several that are compared are under suspicion by now: evidence in, names and their end out. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from hopscope.judge.bursts import Bursts
from hopscope.judge.parallel import Evidence

_CALM: Final = 60
"""Rounds without an event after which the next one may be the first of another trouble."""
_ANOTHER: Final = 0.01
"""It is, where so many rounds without an event were less likely than this if the one before went on."""
_FEW: Final = 3
"""Events below which nobody is named by them alone: what came before was of the same trouble."""
_CURRENT: Final = 30
"""Rounds after its last event for which a member loses, or is slow."""
_OVER: Final = 1e-4
"""The probability, at the rate of its trouble, of as many rounds without an event as end it: what loses a fifth of its
probes would otherwise be called well again and again."""
_LEAST_QUIET: Final = 10
_HALF: Final = 0.5
"""What was seen by chance, as long as little was seen."""


class Trouble:
    """What is known of one that is compared."""

    __slots__ = ("_before", "_counted_at", "begins", "counted", "events", "first", "last", "named")

    def __init__(self) -> None:
        self.first: int | None = None
        """The round of the first event of this trouble."""
        self.last = 0
        self.events = self.counted = self.begins = 0
        """Since then: its events, the rounds in which one is known to have been or not, and its events after a round
        without one."""
        self._counted_at = 0
        """What was `counted` by the last event."""
        self.named: float | None = None
        """How sure it is that it is bad; None: it is not said to be."""
        self._before: tuple[int, int, int, int] | None = None
        """Of what seemed to be another trouble: its first round, events, rounds that are known, and `begins`."""

    def take(self, round_: int, *, is_event: bool) -> None:
        if is_event:
            if self.first is None or (self.named is None and self._is_another(round_)):
                self._before = None if self.first is None else (self.first, self.events, self.counted, self.begins)
                self.first, self.events, self.counted, self.begins = round_, 0, 0, 0
            self.begins += not self.events or round_ - self.last > 1
            self.last = round_
            self.events += 1
        if self.first is not None:
            self.counted += 1
        if is_event:
            self._counted_at = self.counted

    def name(self, sure: float) -> None:
        """It is bad."""
        self.named = sure
        if self._before is not None and self.events < _FEW:
            self.first, events, counted, begins = self._before
            self.events, self.counted, self.begins = self.events + events, self.counted + counted, self.begins + begins
            self._counted_at += counted
        self._before = None

    def _is_another(self, round_: int) -> bool:
        """Whether an event in this round is not of the same trouble as those before it."""
        return round_ - self.last > _CALM and self._likely(self.quiet) < _ANOTHER

    @property
    def quiet(self) -> int:
        """Rounds since the last event, without those of which nothing is known or that tell nothing."""
        return self.counted - self._counted_at

    @property
    def is_over(self) -> bool:
        """Whether as many rounds without an event are too many."""
        return self.quiet >= _LEAST_QUIET and self._likely(self.quiet) < _OVER

    def _likely(self, quiet: int) -> float:
        """The probability of the last rounds without an event if it went on: as often as one came after a round
        without. Losses that come together say nothing of how long to wait for the next ones."""
        without = self.counted - quiet - self.events
        share = max(self.begins - math.sqrt(self.begins), _HALF) / (max(0, without) + _HALF)
        return (1 - min(1.0, share)) ** quiet


class Suspects:
    """An e-process over several that are alike unless one is bad, or some that go by one link (`together`) are."""

    def __init__(
        self, count: int, alpha: float, bursts: Bursts | None, together: Sequence[frozenset[int]] = ()
    ) -> None:
        self._evidence = Evidence(count, bursts, together)
        self._alpha = alpha
        self._together = together
        self.troubles = [Trouble() for _ in range(count)]

    def take(self, round_: int, happened: Sequence[bool | None], *, is_of_all: bool = False) -> None:
        """A round: whether each had an event; None: it is not known. `is_of_all`: an outage of all of them, which says
        nothing of anyone's trouble."""
        troubles, evidence = self.troubles, self._evidence
        out = frozenset(i for i, trouble in enumerate(troubles) if trouble.named is not None)
        if not any(happened) and not out:
            for trouble, event in zip(troubles, happened, strict=True):
                trouble.counted += event is not None and trouble.first is not None
            return
        evidence.take(round_, happened, out)
        if is_of_all:
            return
        for i, (trouble, event) in enumerate(zip(troubles, happened, strict=True)):
            if event is not None:
                trouble.take(round_, is_event=event)
            if trouble.named is not None and trouble.is_over:
                self.troubles[i] = Trouble()
                evidence.forget(i)
        if len(troubles) - len(out) > 1:
            self._name(len(troubles) - len(out) + len(self._together))

    def _name(self, suspects: int) -> None:
        """Name those against whom there is evidence enough, the most first. What speaks against one speaks against all
        that go by a link of its; so that is gathered anew then."""
        most, bar, count = self._evidence.most, suspects / self._alpha, len(self.troubles)
        for at in sorted((at for at, value in enumerate(most) if value >= bar), key=most.__getitem__, reverse=True):
            if most[at] < bar:
                continue
            named = [
                i
                for i in ((at,) if at < count else self._together[at - count])
                if self.troubles[i].named is None and self.troubles[i].events
            ]
            for i in named:
                self.troubles[i].name(1 - suspects / most[at])
            for place, others in enumerate(self._together, count):
                if others.intersection(named):
                    self._evidence.forget(place)

    def named(self, i: int) -> float | None:
        """How sure it is that this one is bad now; None: it is not said to be."""
        return self.troubles[i].named

    def is_current(self, i: int, round_: int) -> bool:
        """Whether it is bad by this evidence, and had an event of late."""
        trouble = self.troubles[i]
        return trouble.named is not None and round_ - trouble.last <= _CURRENT
