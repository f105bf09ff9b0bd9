"""A case of the labelled set: a network, how it is probed, and what may be said of it."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Half: TypeAlias = Literal["training", "held-out"]
HALVES: Final[tuple[Half, ...]] = ("training", "held-out")
Table: TypeAlias = dict[str, Any]
"""A table of the scenario language, as TOML would give it."""


@dataclass(frozen=True)
class Trouble:
    """What is wrong, and what may be said of it from one vantage point."""

    kinds: frozenset[str]
    """Kinds of verdict that are right."""
    first_ttl: int | None
    """The narrowest range that the answers carry: from the last hop before the trouble that answers ..."""
    last_ttl: int | None
    """... to the first behind it that does. None: the trouble has no place."""
    slack: int = 1
    """How many hops wider a verdict may be."""
    is_touched: bool = False
    """A range that has a TTL with it in common is right, too: the routers of a loop."""
    begins_s: float = 0.0
    """When it begins, for the last time where it comes again; 0: it was there before the first probe."""
    ends_s: float | None = None
    """When it ends; None: it lasts to the end of the trace."""
    before: tuple[tuple[float, float], ...] = ()
    """Spans in which it was there already, where it comes again."""
    segment: str | None = None
    """The role of the owner of `last_ttl`; None: nothing there tells whose it is."""
    other: Trouble | None = None
    """Another fault, before or beside it: what is said of that in its time is no false alarm."""


@dataclass(frozen=True)
class Refusal:
    """Sends that this computer refuses: what its own firewall or a full queue does."""

    share: float = 1.0
    from_s: float = 0.0
    until_s: float | None = None
    number: int = errno.EPERM


@dataclass(frozen=True)
class Case:
    """One network with what is known of it."""

    name: str
    half: Half
    scenario: Table
    probing: Mapping[str, Any]
    """Fields of `hopscope.session.model.Probing`: at least ``rounds`` and ``family``."""
    trouble: Trouble | None
    """None: the path is fine, or merely odd."""
    notes: frozenset[str] = frozenset()
    """Explanations that belong to it."""
    owned: bool = True
    """The owners of the addresses are known."""
    refusals: tuple[Refusal, ...] = ()
    border: bool = False
    """At the border of what so many probes can tell."""

    @property
    def id(self) -> str:
        """Unique in the set."""
        return f"{self.name}/{self.half}"

    @property
    def interval_s(self) -> float:
        """Seconds from round to round."""
        return float(self.probing.get("interval_s", 1.0))

    @property
    def seconds(self) -> float:
        """How long its rounds take."""
        return float(self.probing["rounds"]) * self.interval_s


def toml(scenario: Mapping[str, Any]) -> str:
    """The scenario as a file that ``hopscope demo`` plays."""
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in scenario.items() if value not in ((), [], {}))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    assert isinstance(value, Sequence)
    return "[" + ", ".join(_value(inner) for inner in value) + "]"


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else json.dumps(key)
