"""What a discovery of parallel paths found, in a sentence."""

from __future__ import annotations

import math
from typing import Final

from hopscope.wire.discovered import Discovered
from hopscope.words.numbers import first_ports

_ORDINALS: Final = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh"),
    *("twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
)


def discovery_words(found: Discovered) -> str:
    """How many paths there are, and how sure that is."""
    if _is_unheard(found):
        words = ["nobody answered any flow: parallel paths cannot be told apart"]
    else:
        words = [_paths(found), *_by_packet(found), *_dead(found)]
    if found.note is not None:
        words.append(found.note)
    return "; ".join(words)


def _is_unheard(found: Discovered) -> bool:
    """Whether neither a router nor the target answered. One flow that was answered leaves everything open as well."""
    is_heard = bool(found.hops) or any(path.length is not None for path in found.paths)
    return found.miss_probability >= 1 and found.flows > 1 and not is_heard


def _paths(found: Discovered) -> str:
    count = found.found
    if found.balancing == "per-packet":
        return "packets go by several routers in turns, whatever their flow: no paths can be told apart"
    paths = "one path" if count == 1 else f"{count} paths"
    if not found.is_even:
        paths = f"at least {paths}, assuming equal shares"
    elif count == 1 and found.balancing == "none":
        paths += f" ({math.floor(100 * (1 - found.miss_probability))} %)"
    missed = max(1, math.ceil(100 * found.miss_probability - 1e-9))
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
        ends = f"{count} of {found.flows} flows end{'s' if count == 1 else ''} after hop {path.dead_after}"
        said.append(f"{ends} (source ports {ports})" if ports else ends)
    return said
