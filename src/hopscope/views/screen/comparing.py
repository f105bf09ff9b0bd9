"""The path before and after a change of route, side by side: what the table is while one stands on such a moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from hopscope.judge.verdict import ROUTES, Epoch
from hopscope.path.snapshot import LOST, Hop, Path
from hopscope.session.model import Target
from hopscope.views.screen.hosts import shortened
from hopscope.views.screen.options import NamesMode
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, cut, fit, over
from hopscope.words.numbers import share, signed_ms, table_ms

STANDS_NS: Final = 60_000_000_000
"""Stand on a change of route for this long after it, ns, or for as long as the other route lasts."""
NUMBER: Final = 8
SAME, NEW = "same", "new"


class ComparedRoutes(NamedTuple):
    """The route of a moment, and the one before it."""

    before: Epoch
    then: Epoch


def change_at(target: Target, moment: int | None) -> ComparedRoutes | None:
    """The change of route that a moment stands on."""
    if moment is None:
        return None
    epochs = target.judged.epochs
    place = next((i for i in range(len(epochs) - 1, 0, -1) if epochs[i].begin <= moment), 0)
    if not place:
        return None
    is_said = target.judged.verdict.kind in ROUTES
    if not is_said and moment - epochs[place].begin > STANDS_NS:
        return None
    return ComparedRoutes(epochs[place - 1], epochs[place])


class Compared(NamedTuple):
    """A hop of the path then. RTTs are ms; None where nothing answered."""

    hop: Hop
    host: str
    was: str
    """``same``, ``new``, ``was hop 8``, or who stood there."""
    loss: float | None
    rtt: float | None
    difference: float | None


def compared(target: Target, change: ComparedRoutes, moment: int, names: NamesMode) -> list[Compared]:
    """Each hop of the path then, against the path before."""
    before, then = change
    path = target.path
    earlier = {address: before.first_ttl + i for i, at in enumerate(before.addresses) for address in at}
    left = [(node, hop.ttl) for hop in path.hops for node in hop.nodes if (node.last_at or 0) < then.begin]
    earlier |= {node.address: ttl for node, ttl in left}
    # Who answers at the moment is what the path knows; an epoch is known whole only once it is over.
    present = {
        hop.ttl: tuple(node.address for node in hop.nodes if (node.last_at or 0) >= then.begin) for hop in path.rows
    }
    later = {address for at in present.values() for address in at}
    out = []
    for hop in path.rows:
        mine = present[hop.ttl]
        old = _addresses(before, hop.ttl)
        ttl = next((earlier[address] for address in mine if address in earlier), None)
        gone = [address for address in old if address not in later]
        if not mine and not old:
            was = ""
        elif ttl is not None:
            was = SAME if ttl == hop.ttl else f"was hop {ttl}"
        else:
            was = _name(target, gone[0], names) if gone else NEW
        lost, rtt = _between(path, hop, then.begin, moment)
        old_hop = hop if hop.is_target else next((one for one in path.hops if one.ttl == (ttl or hop.ttl)), hop)
        _, usual = _between(path, old_hop, before.begin, then.begin - 1)
        difference = None if rtt is None or usual is None else rtt - usual
        host = _name(target, mine[0], names) if mine else "never answers"
        out.append(Compared(hop, host, was, lost, rtt, difference))
    return out


def _addresses(epoch: Epoch, ttl: int) -> tuple[str, ...]:
    place = ttl - epoch.first_ttl
    return epoch.addresses[place] if 0 <= place < len(epoch.addresses) else ()


def _name(target: Target, address: str, names: NamesMode) -> str:
    info = target.names.get(address)
    return info.hostname if info is not None and info.hostname and names != "addresses" else address


def _between(path: Path, hop: Hop, begin: int, end: int) -> tuple[float | None, float | None]:
    """Loss (percent) and median RTT (ms) of the rounds from `begin` to `end`."""
    times = path.round_times
    shift = path.first_round - hop.window.first_round
    first, last = bisect_left(times, begin), bisect_right(times, end)
    samples = hop.window.samples[max(0, first + shift) : max(0, last + shift)].tolist()
    answered = sorted(sample for sample in samples if sample >= 0)
    lost = samples.count(LOST)
    loss = 100 * lost / (lost + len(answered)) if lost or answered else None
    return loss, answered[(len(answered) - 1) // 2] / 1e6 if answered else None


def rows(
    target: Target,
    change: ComparedRoutes,
    moment: int,
    names: NamesMode,
    look: Look,
    width: int,
    cursor: int | None,
    in_us: bool,
) -> list[tuple[int, Row]]:
    """The head (at TTL 0) and a row a hop."""
    found = compared(target, change, moment, names)
    numbers = 8 + 9 + 13
    room = max(8, (width - NUMBER - numbers - 4) // 2)
    room = min(room, max([12, *(len(text) for one in found for text in (one.host, one.was))]))
    short = shortened(tuple(dict.fromkeys([one.host for one in found] + [one.was for one in found])), room)
    head = Line().add(fit("#", NUMBER - 4, "right"), look.quiet).to(NUMBER, look.quiet)
    head.add(fit("Host then", room) + "  " + fit("was", room), look.quiet)
    unit = "µs" if in_us else "ms"
    for title, cells in (("Loss %", 8), (f"RTT {unit}", 9), ("difference", 13)):
        head.add(fit(title, cells - 1, "right") + " ", look.quiet)
    out = [(0, head.row(width, look.quiet))]
    begins = target.judged.verdict.is_trouble
    for one in found:
        chosen = one.hop.ttl == cursor
        is_other = one.was not in (SAME, "")
        line = Line().add(f" {look.glyphs.cursor if chosen else ' '}", look.strong)
        line.add(f"{one.hop.ttl:>3} ", look.strong if chosen else look.quiet)
        line.add(look.glyphs.route if is_other else " ", look.warn if begins else look.text)
        begins = begins and not is_other  # the one thing in colour is where it begins
        line.to(NUMBER, look.text)
        style = look.strong if one.hop.is_target else look.text if is_other else look.quiet
        line.add(fit(cut(short.get(one.host, one.host), room), room), style).add("  ", look.quiet)
        line.add(fit(cut(short.get(one.was, one.was), room), room), look.text if is_other else look.quiet)
        line.add(fit(share(one.loss), 7, "right") + " ", look.quiet)
        line.add(fit(table_ms(one.rtt, in_us), 8, "right") + " ", look.text)
        line.add(fit(signed_ms(one.difference, in_us), 12, "right") + " ", look.text)
        row = line.row(width, look.text, Hit("hop", one.hop.ttl))
        out.append((one.hop.ttl, over(row, look.chosen) if chosen else row))
    return out


def spans(lines: Sequence[tuple[int, Row]]) -> dict[int, tuple[int, int]]:
    """By TTL, which lines are its row's."""
    return {ttl: (i, i + 1) for i, (ttl, _) in enumerate(lines)}
