"""Which targets the overview shows, and in what order: the worst first, and an order that holds still.

A row moves at most once a minute, and not while the cursor is moved, so that nothing jumps away under the eyes. What
begins to be wrong meanwhile joins at the end of what is listed; what is fine again stays where it is until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from hopscope.session.model import Target
from hopscope.views.screen.judged import rank_of
from hopscope.views.screen.text import Row

if TYPE_CHECKING:
    from hopscope.words.common_cause import Cause

REST_NS: Final = 60_000_000_000
"""Between two orders, at the least."""
HELD_NS: Final = 10_000_000_000
"""Since the cursor was moved, at the least."""
_MANY_NEW: Final = 20
"""Targets that come at once, and are put in their places at once."""
FINE: Final = ("healthy", "finished")


class OverviewOrder(msgspec.Struct):
    """The order that is shown. Moments are on the session's time line (epoch ns)."""

    ids: tuple[int, ...] = ()
    listed: frozenset[int] = frozenset()
    """Of them, those that stand there by themselves however many are fine."""
    made_at: int | None = None
    """None: it is made anew at the next look."""
    moved_at: int | None = None
    """When the cursor was moved here; None: never."""
    is_touched: bool = False
    """Somebody chose a target; until then, of a fleet, the worst one is."""
    unfolded: bool = False
    """Every target that is fine is to have a row of its own."""
    is_folded: bool = False
    """The last drawing had room for those alone that are listed."""
    causes: tuple[tuple[object, ...], list[Cause], float] | None = None
    """What several have in common, of what that was made, and when it may be made again (s, performance counter)."""
    room: int = 1_000_000
    """Lines that the last drawing had for rows."""
    opened: set[tuple[object, ...]] = msgspec.field(default_factory=set)
    """What stands folded in a row and was opened (`listing.Entry.key`)."""
    kept: dict[str, tuple[tuple[object, ...], object]] = msgspec.field(default_factory=dict)
    """What was made of a snapshot, and of which, so that no key makes it again."""
    rows: dict[int, tuple[Target, tuple[object, ...], Row]] = msgspec.field(default_factory=dict)
    """Rows that need not be drawn anew, and what they were made of."""

    def anew(self) -> None:
        """The overview was opened: nobody looks at the old order."""
        self.made_at = self.moved_at = None

    def of(self, targets: Sequence[Target], states: Sequence[str], now: int, *, rests: bool = True) -> list[Target]:
        """All targets in order. `states`: what each is like. Not `rests`: an order of another moment is made for it."""
        by_id = {target.id: target for target in targets}
        if len(self.rows) > len(by_id):
            self.rows = {id_: row for id_, row in self.rows.items() if id_ in by_id}
        is_old = self.made_at is None or now - self.made_at >= REST_NS or len(by_id) > len(self.ids) + _MANY_NEW
        is_held = self.moved_at is not None and 0 <= now - self.moved_at < HELD_NS
        found = {target.id: name for target, name in zip(targets, states, strict=True) if name not in FINE}
        ill = list(found)
        if not rests or (is_old and not is_held):
            listed = frozenset(ill)
            ids = sorted(ill, key=lambda id_: _weight(found[id_], by_id[id_]))
            for name in reversed(FINE):
                ids += [id_ for id_, its in zip(by_id, states, strict=True) if its == name]
            if not rests:
                return [by_id[id_] for id_ in ids]
            self.ids, self.listed, self.made_at = tuple(ids), listed, now
        else:
            known = set(self.ids)
            stays = [id_ for id_ in self.ids if id_ in by_id]
            fresh = {id_ for id_ in ill if id_ not in self.listed}
            new = [id_ for id_ in ill if id_ in fresh]
            first = [id_ for id_ in stays if id_ in self.listed]
            rest = [id_ for id_ in stays if id_ not in self.listed and id_ not in fresh]
            later = [id_ for id_ in by_id if id_ not in known and id_ not in fresh]
            self.ids = (*first, *new, *rest, *later)
            self.listed = frozenset((*first, *new))
        return [by_id[id_] for id_ in self.ids]


def _weight(state: str, target: Target) -> tuple[int, int]:
    """Smaller is worse."""
    verdict = target.judged.verdict
    n = verdict.numbers
    return rank_of(state, verdict), -round(100 * n.lost / n.sent) if n.sent and verdict.is_trouble else 0
