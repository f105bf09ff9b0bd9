"""What is said, against what was just found: statistics stand after two evaluations and go after five, facts at once.

Counted in rounds, never in draws. After trouble, "recovered" stands for a while.
"""

from __future__ import annotations

from typing import Final

from hopscope.judge.silence import Finding
from hopscope.judge.slow import LASTING, QUEUES
from hopscope.judge.verdict import Trouble

FACTS: Final[frozenset[Trouble]] = frozenset(
    ("this-computer", "unreachable", "filter", "mtu", "loop", "outage", "no-answer", "late")
)
"""What needs no second evaluation."""
_STATISTICS: Final[tuple[Trouble, ...]] = (
    "flapping",
    "local-network",
    "bufferbloat",
    "congestion",
    "bad-member",
    "loss",
    "route-change",
    "detour",
)
"""Of what statistics say, the graver first; facts come before all of it."""
RAISE: Final = 2
CLEAR: Final = 5
MOVE: Final = 15
"""Evaluations after which another place is believed that does not lie inside the one that stands."""
_NEW: Final = 120
"""Rounds in which it is not known yet which of two losses is the greater one."""
_UNTOLD: Final = 5
"""As so many evaluations counts one to which a hop of the place that stands tells nothing (`Finding.untold`)."""
RECOVERED: Final = 60
"""Rounds for which it is said that a trouble is over."""


LOSSES: Final[frozenset[Trouble]] = frozenset(("loss", "bad-member"))
GOES_ON: Final = LOSSES | LASTING
"""What may go on behind a silence."""
WAYS: Final[frozenset[Trouble]] = frozenset(("outage", "late", *_STATISTICS))
"""What a way may suffer whose target never answered; once it is over, that the target does not answer goes on."""


def _is_same(found: Finding, stands: Finding) -> bool:
    kind, other = found.kind, stands.kind
    if kind in LOSSES and other in LOSSES and bool(found.numbers.paths) != bool(stands.numbers.paths):
        return False  # what one flow loses is not what others suffer beside it
    return is_one(kind, other)


def is_one(kind: Trouble, other: Trouble) -> bool:
    """Whether the two are names of one trouble."""
    return kind == other or any(kind in family and other in family for family in (QUEUES, LOSSES))


def _is_graver(kind: Trouble, other: Trouble) -> bool:
    return other == "no-answer" or (other in _STATISTICS and _STATISTICS.index(kind) < _STATISTICS.index(other))


class StandingFinding:
    """The trouble that stands, if any."""

    def __init__(self) -> None:
        self.found: Finding | None = None
        """What is said to be wrong."""
        self.ended: int | None = None
        """The ordinal of the round in which the last trouble ended; None: there was none, or it is forgotten."""
        self._told_from = 0
        """The ordinal of the round from which on it is said that what came and went is over."""
        self._behind: Trouble | None = None
        """The delay that stood when a fact came, and may go on behind it: of a loss that is not known at once."""
        self._candidate: Trouble | None = None
        self._seen = 0
        self._missed = 0
        self._moved = 0

    def weigh(self, found: Finding | None, ordinal: int) -> None:
        """Take what the evaluation of the round with this ordinal found."""
        stands = self.found
        kind = None if found is None else found.kind
        self._seen = self._seen + 1 if kind is not None and kind == self._candidate else 1
        self._candidate = kind
        if stands is None:
            if found is not None and (found.kind in FACTS or self._seen >= RAISE):
                self.stand(found)
            return
        if found is not None and found.numbers.paths and not stands.numbers.paths:
            self.stand(found)  # flows that were compared know better than one alone
            return
        if found is not None and _is_same(found, stands):
            self._missed = 0
            self.found = self._moved_to(stands, found, is_new=ordinal - stands.since < _NEW)
            return
        is_rest = found is not None and found.kind == "no-answer" and stands.kind in WAYS
        is_sure = found is not None and not is_rest and (found.kind in FACTS or self._seen >= RAISE)
        if found is not None and is_sure and (found.kind in FACTS or _is_graver(found.kind, stands.kind)):
            self.stand(found)
            return
        if stands.kind == "no-answer" and found is not None:
            return  # what is seen once may be of its way
        self._missed += 1
        if stands.kind in FACTS or self._missed >= CLEAR:
            if found is not None and not is_rest and (self._seen >= RAISE or self._was_behind(found.kind)):
                self.stand(found)  # less grave, and there all the time
                return
            self.ended = ordinal - (self._missed - 1)
            self._told_from = ordinal if stands.comes_and_goes else 0
            self._missed = 0
            self.found = found if is_rest else None
            self._behind = None

    def stand(self, found: Finding) -> None:
        """From now on this is said."""
        if found.kind not in FACTS:
            self._behind = None
        elif self.found is not None and self.found.kind in LASTING:
            self._behind = self.found.kind
        self.found = found
        self._missed = self._moved = 0

    def _was_behind(self, kind: Trouble) -> bool:
        """Whether it stood before what is over."""
        return self._behind is not None and is_one(kind, self._behind)

    def _moved_to(self, stands: Finding, found: Finding, *, is_new: bool) -> Finding:
        """The same trouble, better known. A place only narrows, unless another one shows for long. `is_new`: it has not
        stood for long."""
        if stands.first_ttl is None or stands.last_ttl is None or found.first_ttl is None or found.last_ttl is None:
            return found
        if found.kind == stands.kind and stands.kind in FACTS:
            return found
        first, last = found.surely or (found.first_ttl, found.last_ttl)
        is_other = first >= stands.last_ttl or last <= stands.first_ttl
        if stands.first_ttl == stands.last_ttl:
            is_other = not first <= stands.first_ttl <= last
        place = max(first, stands.first_ttl), min(last, stands.last_ttl)
        # A limit that was not known as one may have been taken for its beginning, or for what is fine before it.
        # And where there are two, the one that was named first may be the lesser one, as is known by now.
        is_untold = not found.untold.isdisjoint((stands.first_ttl, stands.last_ttl))
        is_untold |= is_new and is_other and found.numbers.also_sent > 0
        if is_other or is_untold or found.kind != stands.kind:
            self._moved += _UNTOLD if is_untold and is_other else 1
            if self._moved >= MOVE:
                self._moved = 0
                return found
            place = stands.first_ttl, stands.last_ttl
        else:
            self._moved = 0
        return found._replace(kind=stands.kind, first_ttl=place[0], last_ttl=place[1])

    def is_recovered(self, ordinal: int) -> bool:
        """Whether trouble ended less than `RECOVERED` rounds before this one, or was found then to have ended."""
        if self.found is not None or self.ended is None:
            return False
        return ordinal - max(self.ended, self._told_from) < RECOVERED
