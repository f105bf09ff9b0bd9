"""Small facts beside a host's name: each in ever fewer words, and of all of them what has room. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from hopscope.path.shared import SharedHop
from hopscope.path.snapshot import Hop, Node
from hopscope.views.screen import labels
from hopscope.views.screen.bands import Band
from hopscope.views.screen.options import RowOptions
from hopscope.words.clauses import Ways
from hopscope.words.hops import shared_by

GAP = "  "
_MPLS = "MPLS"


def chips(
    hop: Hop, nodes: Sequence[Node], options: RowOptions, band: Band, links: Ways, shared: SharedHop | None
) -> list[Ways]:
    """The facts of a hop, those that are kept longest first. `links`: how many stand side by side; nothing: one."""
    side = (labels.share(hop, nodes[0]),) if len(nodes) > 1 and options.unfolded else links
    facts = (
        owner(band.words) if options.owners else (),
        mpls(hop) if options.mpls else (),
        side,
        (shared_by(shared),) if shared is not None else (),
    )
    return [fact for fact in facts if fact and fact[0]]


def owner(words: str) -> Ways:
    """``AS64500 EXAMPLE``, and the number alone; what kind of address it is in one way."""
    first, _, rest = words.partition(" ")
    return (words, first) if rest and first.startswith("AS") and first[2:].isdigit() else (words,)


def mpls(hop: Hop) -> Ways:
    """The labels of the last answer: ``MPLS 16004/24001``, whole ones of them, and that there are some."""
    stack = [str(label.label) for label in hop.mpls]
    if not stack:
        return ()
    some = (f"{_MPLS} {'/'.join(stack[:count])}/…" for count in range(len(stack) - 1, 0, -1))
    return (f"{_MPLS} {'/'.join(stack)}", *some, _MPLS)


def together(facts: Iterable[Ways]) -> str:
    """The facts in a line, each in its first words."""
    return GAP.join(fact[0] for fact in facts)


def fitting(facts: Iterable[Ways], room: int) -> str:
    """The facts in so many cells: the last one gives way first, word by word and then whole. Half a fact is none."""
    left = list(facts)
    while left and cell_len(together(left)) > room:
        fewer = left.pop()[1:]
        if fewer:
            left.append(fewer)
    return together(left)
