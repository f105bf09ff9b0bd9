"""What a discovery of parallel paths found, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from hopscope.judge.verdict import Note
from hopscope.wire.discovered import Discovered, one_port_words
from hopscope.words.bad_paths import MANY, ONE_AT_A_TIME
from hopscope.words.numbers import first_ports

_ORDINALS: Final = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh"),
    *("twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
)

_NAT: Final = (
    "there is a translator (NAT): if it gives all flows one port, who stands behind it takes them for one flow, which "
    "cannot be told from here"
)


def discovery_words(found: Discovered, notes: Collection[Note] = ()) -> str:
    """How many paths there are, and how sure that is. `notes`: what is odd on the way."""
    if _is_unheard(found):
        words = ["nobody answered any flow: parallel paths cannot be told apart"]
    else:
        words = [_paths(found), *_by_packet(found), *_dead(found)]
        if found.one_port is not None:
            words.append(one_port_words(*found.one_port))
    if found.note is not None:
        words.append(found.note)
    elif (
        found.balancing == "none"
        and found.one_port is None
        and any(note.kind in ("nat", "double-nat") for note in notes)
    ):
        words.append(_NAT)
    return "; ".join(words)


def _is_unheard(found: Discovered) -> bool:
    """Whether neither a router nor the target answered. One flow that was answered leaves everything open as well."""
    is_heard = bool(found.hops) or found.one_port is not None or any(path.length is not None for path in found.paths)
    return found.miss_probability >= 1 and found.flows > 1 and not is_heard


def _paths(found: Discovered) -> str:
    count = found.found
    if found.balancing == "per-packet":
        return "packets go by several routers in turns, whatever their flow: no paths can be told apart"
    paths = "one path" if count == 1 else f"{count} paths"
    if found.one_port is not None:
        return f"{paths} {'is' if count == 1 else 'are'} seen"
    if not found.is_even:
        paths = f"at least {paths}, assuming equal shares"
    elif count == 1 and found.balancing == "none":
        paths += f" ({math.floor(100 * (1 - found.miss_probability))} %)"
    missed = max(1, math.ceil(100 * found.miss_probability - 1e-9))
    widest = max((len(hop.routers) for hop in found.hops if hop.balancing != "per-packet"), default=0)
    if count > widest > 1:
        paths += ", and the same routers may be combined in further ways"
        return f"{paths}; a further router of equal share at any hop would have been missed with probability {missed} %"
    more = "a further one" if count >= len(_ORDINALS) else f"a {_ORDINALS[count]}"
    more = more.replace("a eighth", "an eighth").replace("a eleventh", "an eleventh")
    return f"{paths}; {more} of equal share would have been missed with probability {missed} %"


def _by_packet(found: Discovered) -> list[str]:
    """Where packets are spread, and what that hides."""
    hops = [hop for hop in found.hops if hop.balancing == "per-packet"]
    if not hops:
        return []
    ttls = ", ".join(str(hop.ttl) for hop in hops)
    routers = ", ".join(str(len(hop.routers)) for hop in hops)
    said = f"packet by packet over {routers} routers at hop{'s' if len(hops) > 1 else ''} {ttls}"
    if found.balancing == "per-packet":
        return [said]
    return [f"{said}: what lies between them and where they join cannot be told apart"]


def _dead(found: Discovered) -> list[str]:
    """Flows that get nowhere."""
    said = []
    for path in found.paths:
        if path.dead_after is None:
            continue
        count = len(path.flows)
        ports = first_ports(path.source_ports)
        where = f"after hop {path.dead_after}" if path.dead_after else "before any hop"
        ends = f"{count} of {found.flows} flows end{'s' if count == 1 else ''} {where}"
        said.append(f"{ends} (source ports {ports})" if ports else ends)
    dead = sum(len(path.flows) for path in found.paths if path.dead_after is not None)
    if dead >= MANY and 4 * dead >= 3 * found.flows:
        said.append(f"so many end also where {ONE_AT_A_TIME}")
    return said
