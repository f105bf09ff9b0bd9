"""Which of several parallel paths are bad, and which connections suffer, as parts of sentences."""

from __future__ import annotations

from typing import Final

from hopscope.judge.verdict import Numbers
from hopscope.words.numbers import about, first_ports

_MOST_PORTS: Final = 4
"""Source ports that a sentence names."""


def bad_paths(n: Numbers) -> str:
    """How many of a target's parallel paths are bad, and how much they lose; of flows of one path, those."""
    share = about(100 * n.lost / n.sent) if n.sent else "a part"
    if not n.bad_paths:
        flows = f"{len(n.ports)} flow{'s' if len(n.ports) > 1 else ''}" if n.ports else "some flows"
        return f"{flows} of several lose{'s' if len(n.ports) == 1 else ''} {share}"
    if n.bad_paths == 1:
        return f"one of {n.paths} parallel paths " + ("is dead" if n.lost == n.sent else f"loses {share}")
    return f"{n.bad_paths} of {n.paths} parallel paths " + ("are dead" if n.lost == n.sent else f"lose {share}")


def ports_words(n: Numbers) -> str:
    """Which connections suffer: ``connections with source ports 20001, 20005``."""
    if not n.ports:
        return "some connections"
    return f"connections with source port{'s' if len(n.ports) > 1 else ''} {first_ports(n.ports, _MOST_PORTS)}"
