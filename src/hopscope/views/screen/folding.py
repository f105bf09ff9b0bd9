"""Hops that say the same as one row: a tail that never answers, routers that go round, and what has no room."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Literal, TypeAlias

import msgspec

from hopscope.path.snapshot import Hop, Path
from hopscope.views.screen.glyphs import GlyphSet

LOST = 2
"""Lost probes from which a hop at the end counts as one that does not answer."""
LONGEST_CIRCLE = 4


class Fold(msgspec.Struct, frozen=True):
    """The hops `first` to `last` (TTLs) as one row."""

    kind: Literal["silent", "loop", "alike"]
    first: int
    last: int
    among: tuple[int, int]
    """``silent``: the last hop that answers, twice (0: none); ``loop``: the first and the last of the circle."""


Item: TypeAlias = "Hop | Fold"


def items(path: Path, *, is_open: bool = False) -> list[Item]:
    """A path's rows. `is_open`: every hop has its own."""
    hops = path.rows
    fold = None if is_open or path.reached else _silent_tail(hops) or _loop(hops)
    if fold is None:
        return list(hops)
    return [*(hop for hop in hops if hop.ttl < fold.first), fold]


def _silent_tail(hops: Sequence[Hop]) -> Fold | None:
    answering = [hop.ttl for hop in hops if hop.received or hop.late]
    last = answering[-1] if answering else 0
    tail = [hop for hop in hops if hop.ttl > last]
    if len(tail) < 2 or any(hop.lost < LOST for hop in tail[:2]):
        return None
    return Fold("silent", tail[0].ttl, tail[-1].ttl, (last, last))


def _loop(hops: Sequence[Hop]) -> Fold | None:
    """The same addresses again and again, to the end."""
    seen = [_newest(hop) for hop in hops]
    while seen and seen[-1] is None:
        seen.pop()
    for period in range(1, LONGEST_CIRCLE + 1):
        begin = len(seen)
        while begin > period and seen[begin - 1] == seen[begin - 1 - period]:
            begin -= 1
        first = begin - period
        if len(seen) - first >= 3 * period and len(seen) - begin >= 3 and any(seen[first:begin]):
            return Fold("loop", hops[begin].ttl, hops[-1].ttl, (hops[first].ttl, hops[begin - 1].ttl))
    return None


def _newest(hop: Hop) -> str | None:
    return max(hop.nodes, key=lambda node: node.last_at or 0).address if hop.nodes else None


def squeezed(rows: Sequence[Item], keep: Collection[int], space: int) -> list[Item]:
    """The rows in `space` lines, if that can be: those that nobody asks for stand together, no more of them than must.
    `keep` are the TTLs that stay."""
    runs = [list(run) for _, run in groupby(rows, lambda row: isinstance(row, Hop) and row.ttl not in keep)]
    asked_for = [isinstance(run[0], Fold) or run[0].ttl in keep for run in runs]
    folded = [len(run) > 1 and not asked for run, asked in zip(runs, asked_for, strict=True)]
    lines = sum(1 if is_folded else len(run) for run, is_folded in zip(runs, folded, strict=True))
    for index in sorted((i for i, each in enumerate(folded) if each), key=lambda i: len(runs[i])):
        if lines + len(runs[index]) - 1 <= space:
            folded[index] = False
            lines += len(runs[index]) - 1
    widest = max((i for i, each in enumerate(folded) if each), key=lambda i: len(runs[i]), default=-1)
    out: list[Item] = []
    for index, run in enumerate(runs):
        if folded[index]:
            spare = min(max(0, space - lines), len(run) - 2) if index == widest else 0
            first, last = spare - spare // 2, len(run) - spare // 2
            out += [*run[:first], Fold("alike", ttl_of(run[first]), ttl_of(run[last - 1]), (0, 0)), *run[last:]]
        else:
            out += run
    return out


def ttl_of(item: Item) -> int:
    """The TTL by which a row is chosen."""
    return item.ttl if isinstance(item, Hop) else item.first


def words(fold: Fold, hops: Sequence[Hop], begins: Collection[int], glyphs: GlyphSet) -> str:
    """What a folded row says."""
    first, last = fold.among
    if fold.kind == "silent":
        return f"nothing answers beyond hop {first}" if first else "nothing answers"
    if fold.kind == "loop":
        size = last - first + 1
        times = (fold.last - first + 1) // size
        if size == 1:
            return f"hop {first} answers again, {times - 1} times"
        between = glyphs.to_and_fro if size == 2 else glyphs.to
        return f"{first} {between} {last} go round, {times} times"
    inside = [hop for hop in hops if fold.first <= hop.ttl <= fold.last]
    if begins and fold.first > max(begins):
        return f"{len(inside)} hops behind it"
    lost = sum(hop.lost for hop in inside if hop.received)
    return f"{len(inside)} hops{'' if lost else ', nothing lost'}"
