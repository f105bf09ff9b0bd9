"""Which of several parallel paths are bad, and which connections suffer, as parts of sentences."""

from __future__ import annotations

from typing import Final

from hopscope.judge.verdict import Numbers
from hopscope.words.numbers import about, first_ports, span_ms

_NS_PER_MS: Final = 1e6
MANY: Final = 6
"""Flows that end on the way, from which on a path that is dead is not the likeliest cause."""
ONE_AT_A_TIME: Final = "a translator (NAT) gives all flows one port, and lets one at a time through"
_MOST_PORTS: Final = 4
"""Source ports that a sentence names."""


def bad_paths(n: Numbers) -> str:
    """How many of a target's parallel paths are bad, and how much they lose, or how much slower they are; of flows of
    one path, those."""
    if n.now_ns is not None:
        return _slow_paths(n)
    share = about(100 * n.lost / n.sent) if n.sent else "a part"
    if not n.bad_paths:
        flows = f"{len(n.ports)} flow{'s' if len(n.ports) > 1 else ''}" if n.ports else "some flows"
        return f"{flows} of several lose{'s' if len(n.ports) == 1 else ''} {share}"
    if n.bad_paths == 1:
        return f"one of {n.paths} parallel paths " + ("is dead" if n.lost == n.sent else f"loses {share}")
    return f"{n.bad_paths} of {n.paths} parallel paths " + ("are dead" if n.lost == n.sent else f"lose {share}")


def _slow_paths(n: Numbers) -> str:
    more = f"(+{more_ms(n)})"
    if not n.bad_paths:
        return f"some flows of several are slow {more}"
    return (
        f"one of {n.paths} parallel paths is slow {more}"
        if n.bad_paths == 1
        else (f"{n.bad_paths} of {n.paths} parallel paths are slow {more}")
    )


def ports_words(n: Numbers) -> str:
    """Which connections suffer: ``connections with source ports 20001, 20005``."""
    if not n.ports:
        return "some connections"
    return f"connections with source port{'s' if len(n.ports) > 1 else ''} {first_ports(n.ports, _MOST_PORTS)}"


def suffering(n: Numbers) -> tuple[str, str]:
    """What bad paths do to their connections, and what the others do not, or lose as well."""
    if n.now_ns is not None:
        return "are slow", "are not"
    if n.others_now is not None:
        return "suffer", f"lose {about(100 * n.others_now[1] / n.others_now[0])}, too"
    return "suffer", "do not"


def more_ms(n: Numbers) -> str:
    """The delay beyond the usual one, where both are known."""
    return "" if n.more_ns is None else ms(n.more_ns)


def ms(ns: int) -> str:
    """A time in a sentence that is to rest while its number wavers."""
    value = ns / _NS_PER_MS
    return f"{value:.0f} ms" if 10 <= value < 999.5 else span_ms(value)
