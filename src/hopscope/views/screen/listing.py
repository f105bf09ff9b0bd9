"""The overview's rows: which targets stand by themselves, and which are one row together, because they share a cause,
or a site of which nothing is heard, or are fine. Made once for a snapshot; drawn are those in sight."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar, overload

from hopscope.session.model import Target
from hopscope.views.screen.finding import is_sifted
from hopscope.views.screen.overview import FINE
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.text import Row
from hopscope.words.common_cause import Cause

T = TypeVar("T")
TOGETHER: Final = 3
"""Targets that make one row, at the least."""
_OF_A_SITE: Final = ("unheard", "starting", "paused", "unresolved", "refused")
"""States that mostly all targets of a site have."""


class Entry(NamedTuple):
    """A row."""

    ids: tuple[int, ...]
    """Its targets, the worst first."""
    key: tuple[object, ...] = ()
    """What it is remembered by where it stands for several that have something in common; empty: it does not."""
    cause: Cause | None = None
    is_open: bool = False
    """Its targets follow, a row each."""
    is_rest: bool = False
    """All that are fine."""

    @property
    def is_target(self) -> bool:
        """It is one target's."""
        return not self.key and not self.is_rest


def entries(
    state: ViewState, targets: Sequence[Target], listed: Collection[int], causes: Callable[[], Sequence[Cause]]
) -> list[Entry]:
    """The rows. `listed`: the targets that are to have rows of their own. What does not fit is one row together."""
    order = state.order
    if state.sifted:
        wanted = is_sifted(state.sifted, targets)
        return [Entry((target.id,)) for target in targets if wanted(target)]
    rest = tuple(target.id for target in targets if target.id not in listed)
    order.is_folded = bool(listed) and len(targets) > order.room and len(rest) > 1 and not order.unfolded
    shown = [target for target in targets if target.id in listed] if order.is_folded else targets
    if len(shown) <= order.room or order.unfolded:
        rows = [Entry((target.id,)) for target in shown]
    else:
        rows = list(_together(state, shown, causes()))
    return [*rows, Entry(rest, is_rest=True)] if order.is_folded else rows


def _together(state: ViewState, targets: Sequence[Target], causes: Sequence[Cause]) -> Iterator[Entry]:
    """Causes first; then what is left, in its order."""
    order = state.order
    place = {target.id: number for number, target in enumerate(targets)}
    told: set[int] = set()
    for cause in causes:
        ids = tuple(sorted((id_ for id_ in cause.targets if id_ in place), key=lambda id_: place[id_]))
        if len(ids) >= TOGETHER:
            told.update(ids)
            yield from _opened(Entry(ids, ("cause", cause.mood, cause.address, cause.since), cause), order.opened)
    groups: dict[tuple[object, ...], list[int]] = {}
    for target in targets:
        name = state.judge.state(target)
        if target.id not in told and target.site is not None and name in _OF_A_SITE:
            groups.setdefault((name, target.site), []).append(target.id)
    of = {id_: key for key, ids in groups.items() if len(ids) >= TOGETHER for id_ in ids}
    for target in targets:
        if target.id in told:
            continue
        key = of.get(target.id)
        if key is None:
            yield Entry((target.id,))
        else:
            told.update(groups[key])
            yield from _opened(Entry(tuple(groups[key]), key), order.opened)


def _opened(entry: Entry, opened: Collection[tuple[object, ...]]) -> Iterator[Entry]:
    if entry.key not in opened:
        yield entry
        return
    yield entry._replace(is_open=True)
    for id_ in entry.ids:
        yield Entry((id_,))


def place_of(rows: Sequence[Entry], target: int | None) -> int:
    """Which row a target is in."""
    for place, row in enumerate(rows):
        if not row.is_open and not row.is_rest and target in row.ids:
            return place
    return max(0, len(rows) - 1)


class Drawn(Sequence[Row]):
    """Rows that are drawn when they are asked for."""

    def __init__(self, rows: Sequence[Entry], draw: Callable[[Entry], Row]) -> None:
        self._rows = rows
        self._draw = draw

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self._draw(row) for row in self._rows[index]]
        return self._draw(self._rows[index])


def ill_of(state: ViewState) -> list[Target]:
    """Those of which something else is to be said than that they are fine."""
    shown = zip(state.shown.targets, state.states, strict=True)
    return kept(state, "ill", (), lambda: [target for target, name in shown if name not in FINE])


def listed_of(state: ViewState) -> Collection[int]:
    """Those with rows of their own."""
    return state.order.listed if state.moment is None else frozenset(target.id for target in ill_of(state))


def kept(state: ViewState, name: str, made_of: tuple[object, ...], make: Callable[[], T]) -> T:
    """What was made of the snapshot that is shown, and of nothing else that changed since; made anew else."""
    made: Mapping[str, tuple[tuple[object, ...], object]] = state.order.kept
    known, whole = made.get(name), (state.shown.targets, *made_of)
    if known is None or known[0][0] is not whole[0] or known[0][1:] != whole[1:]:
        known = state.order.kept[name] = whole, make()
    return known[1]  # type: ignore[return-value] # what was kept under this name
