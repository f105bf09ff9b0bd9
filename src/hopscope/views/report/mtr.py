"""What mtr's formats share: its columns by their letters, its hops, and its way to name one.

The layouts are those of mtr 0.95. The numbers are our own (see ``docs/statistics.md``): jitter by RFC 3550 with its
division by 16, averages that are not cut at each step, and no local failure or probe in flight that counts as lost.
"""

from __future__ import annotations

from typing import NamedTuple

from hopscope.names.facts import Asn, Origin
from hopscope.path.measures import BY_LETTER
from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.views.report.document import UNKNOWN, Style, hostname, latest, owner, rounded
from hopscope.wire.messages import Plan

VERSION = "0.95"
"""The version of mtr whose layouts these are; its CSV carries it in each row."""


class MtrField(NamedTuple):
    """A column: its head, its width in the text formats, and the places after the point (None: a whole number)."""

    letter: str
    title: str
    width: int
    places: int | None
    meaning: str


FIELDS: dict[str, MtrField] = {
    field.letter: field
    for field in (
        MtrField(" ", " ", 1, None, "a space"),
        MtrField("L", "Loss%", 6, 1, "loss"),
        MtrField("D", "Drop", 5, None, "probes lost"),
        MtrField("R", "Rcv", 6, None, "answers received"),
        MtrField("S", "Snt", 6, None, "probes sent"),
        MtrField("N", "Last", 6, 1, "newest RTT"),
        MtrField("B", "Best", 6, 1, "best RTT"),
        MtrField("A", "Avg", 6, 1, "average RTT"),
        MtrField("W", "Wrst", 6, 1, "worst RTT"),
        MtrField("V", "StDev", 6, 1, "standard deviation"),
        MtrField("G", "Gmean", 6, 1, "geometric mean"),
        MtrField("J", "Jttr", 5, 1, "newest jitter"),
        MtrField("M", "Javg", 5, 1, "average jitter"),
        MtrField("X", "Jmax", 5, 1, "worst jitter"),
        MtrField("I", "Jint", 5, 1, "jitter by RFC 3550"),
    )
}


def columns(style: Style) -> list[MtrField]:
    """The chosen columns in their order. The letters were checked where they entered."""
    return [FIELDS[letter] for letter in style.fields if letter != "_"]  # mtr takes the letter, and shows nothing


def value(hop: Hop, field: MtrField) -> float:
    """A column's number: times in ms to the microsecond, loss in percent to the thousandth. mtr has 0 for what is
    unknown, and so its formats have."""
    if field.letter == "L":
        # mtr cuts the thousandths, and so do we: 66.666, not 66.667.
        return int(1000 * (hop.loss_pct or 0.0) + 1e-6) / 1000
    if field.letter == " ":
        return hop.lost
    return rounded(BY_LETTER[field.letter].number(hop)) or 0.0


def shown(hop: Hop, field: MtrField) -> str:
    """A cell of the text formats, with its leading space."""
    number = value(hop, field)
    if field.letter == " ":
        return " "
    if field.places is None:
        return f" {number:{field.width - 1}.0f}"
    return f" {number:{field.width - 1 - (field.letter == 'L')}.1f}" + ("%" if field.letter == "L" else "")


def hops(target: Target) -> tuple[Hop, ...]:
    """The hops that mtr lists: up to the target, or one beyond the last that answered; none where none answered."""
    path = target.path
    if path.target_hop is not None:
        return path.hops
    last = max((place for place, hop in enumerate(path.hops) if hop.nodes), default=None)
    return () if last is None else path.hops[: last + 2]


def host(target: Target, hop: Hop, style: Style) -> str:
    """The name in the hop's own row."""
    node = latest(hop)
    return UNKNOWN if node is None else hostname(target, node.address, style.names)


def others(hop: Hop) -> list[str]:
    """The further addresses of a hop, in the order in which they were found."""
    first = latest(hop)
    return [node.address for node in hop.nodes if node is not first]


ITEM_WIDTHS = (7, 19, 4, 8, 11)
"""Of what ``-y`` shows: AS number (without its ``AS``), prefix, country, registry, date."""


def asn(target: Target, address: str | None) -> str:
    """``AS64500``, or ``AS???``."""
    return item(target, address, 0)


def item(target: Target, address: str | None, number: int) -> str:
    """What ``-y`` shows of an address's owner, or ``???``."""
    found = owner(target, address) if address is not None else None
    prefix = "AS" if number == 0 else ""
    if found is None:
        return f"{prefix}{UNKNOWN}"
    known = (found.number, found.prefix, found.country, *_of_origin(found))[number]
    return f"{prefix}{UNKNOWN if known is None else known}"


def _of_origin(asn: Asn) -> tuple[str | None, str | None]:
    return (asn.registry, asn.allocated) if isinstance(asn, Origin) else (None, None)


def hop_asn(target: Target, hop: Hop) -> str:
    """Of the address in the hop's own row."""
    return asn(target, address_of(hop))


def address_of(hop: Hop) -> str | None:
    """The address in the hop's own row."""
    node = latest(hop)
    return node.address if node else None


def pattern(style: Style, plan: Plan | None) -> str:
    """The payload byte, or that it is random."""
    return "rand(0x00-FF)" if style.is_pattern_random else f"0x{plan.pattern if plan else 0:02X}"


def tests(target: Target, rounds: int | None) -> int:
    """How many rounds were asked for, as mtr says it."""
    return rounds if rounds is not None else target.path.rounds
