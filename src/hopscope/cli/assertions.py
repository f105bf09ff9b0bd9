"""``--assert``: conditions on a result, in a language of its own: no code of anybody's is run.

A text is conditions with spaces or commas between them, all of which must hold: ``reached``, or a value, a comparison
(``< <= > >= = == !=``) and a number, which may carry its unit (``%``, ``ms``, ``s``). Values are the target's, by round
and whatever TTL it stood at, or with ``hop[3].`` in front a hop's. ``verdict`` is compared with a kind of verdict
(``verdict=healthy``), and ``incidents`` is how much was wrong in all. What is unknown fulfils no condition, nor does a
verdict that is still ``starting``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import get_args

import msgspec

from hopscope.cli.errors import UsageError
from hopscope.cli.values import shown
from hopscope.judge.verdict import QUIET_KINDS, Trouble
from hopscope.path.measures import MEASURES
from hopscope.path.snapshot import Hop
from hopscope.session.model import Target

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_PATH: dict[str, Callable[[Target], float | None]] = {
    "hops": lambda target: len(target.path.hops) and target.path.hops[-1].ttl if target.path.reached else None,
    "rounds": lambda target: target.path.rounds,
    "route_changes": lambda target: target.path.route_changes,
    "incidents": lambda target: len(target.judged.incidents) + target.judged.forgotten,
}
_OF_JUDGE = ("verdict", "incidents")
"""What is known only when the judge has seen some rounds."""
KINDS: tuple[str, ...] = (*QUIET_KINDS, *get_args(Trouble))
"""What a verdict can be compared with."""
_UNITS = {"%": "%", "ms": "ms", "s": "ms"}
"""Units that a number may carry, and the measures' unit that each goes with."""
NAMES = ("reached", "verdict", *(key for key, measure in MEASURES.items() if measure.unit), *_PATH)
_CONDITION = re.compile(
    r"(?:hop\[(?P<hop>\d{1,3})\]\.)?(?P<name>[a-z_0-9]+)"
    r"(?:\s*(?P<how><=|>=|==|!=|<|>|=)\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)(?:\s*(?P<unit>%|ms\b|s\b))?"
    r"|(?P<word>[a-z][a-z-]*)))?"
)


class Condition(msgspec.Struct, frozen=True):
    """One condition."""

    text: str
    name: str
    hop: int | None
    how: str
    number: float
    word: str = ""
    """The kind that a verdict is compared with."""

    def broken(self, target: Target) -> str | None:
        """What stands against it; None where it holds."""
        if self.name == "reached":
            return None if target.path.reached else "the target never answered"
        if self.name in _OF_JUDGE and target.judged.verdict.kind == "starting":
            return "the verdict is still starting: too few rounds have their fates"
        if self.name == "verdict":
            kind = target.judged.verdict.kind
            return None if (kind == self.word) == (self.how != "!=") else f"is {kind}"
        value = self._value(target)
        if value is None:
            return "is unknown" if self.hop is None or self._hop(target) else "there is no such hop"
        if _COMPARISONS[self.how](value, self.number):
            return None
        unit = _unit(self.name)
        return f"is {value:.6g}{f' {unit}' if unit in _UNITS.values() else ''}"

    def _value(self, target: Target) -> float | None:
        if self.name in _PATH:
            return _PATH[self.name](target)
        hop = self._hop(target)
        return None if hop is None else MEASURES[self.name].number(hop)

    def _hop(self, target: Target) -> Hop | None:
        if self.hop is None:
            return target.path.target
        return next((hop for hop in target.path.hops if hop.ttl == self.hop), None)


def read(text: str) -> tuple[Condition, ...]:
    """The conditions of a text. `UsageError` with what is wrong with the first that is."""
    conditions = []
    place = 0
    while True:
        while place < len(text) and (text[place].isspace() or text[place] == ","):
            place += 1
        if place >= len(text):
            break
        match = _CONDITION.match(text, place)
        behind = text[match.end() : match.end() + 1] if match else ""
        if match is None or (behind and not behind.isspace() and behind != ","):
            raise UsageError(f"--assert: {shown(text[place:])} is no condition; write e.g. 'loss<1 p95<50 reached'")
        conditions.append(_condition(match))
        place = match.end()
    if not conditions:
        raise UsageError("--assert: no condition; write e.g. 'loss<1 p95<50 hops<20 reached'")
    return tuple(conditions)


def _condition(match: re.Match[str]) -> Condition:
    text, name, how, unit = match[0], match["name"], match["how"], match["unit"]
    if name not in NAMES:
        import difflib

        near = difflib.get_close_matches(name, NAMES, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"--assert: there is no value {shown(name)}{hint} There are: {', '.join(NAMES)}")
    if (name == "reached") != (how is None):
        wrong = "stands alone" if name == "reached" else "needs a comparison, e.g. " + name + "<10"
        raise UsageError(f"--assert: {shown(text)}: {name} {wrong}")
    if match["hop"] and (name in _PATH or name in ("reached", "verdict")):
        raise UsageError(f"--assert: {shown(text)}: {name} is the path's, not a hop's")
    if unit and _unit(name) != _UNITS[unit]:
        raise UsageError(f"--assert: {shown(text)}: {name} is not measured in {unit}")
    if name == "verdict":
        _check_kind(match)
    elif match["word"]:
        raise UsageError(f"--assert: {shown(text)}: {name} is compared with a number")
    number = float(match["number"] or 0) * (1000 if unit == "s" else 1)
    hop = int(match["hop"]) if match["hop"] else None
    return Condition(" ".join(text.split()), name, hop, how or "", number, match["word"] or "")


def _check_kind(match: re.Match[str]) -> None:
    """`UsageError` where a verdict is compared with what none can be."""
    text, word = match[0], match["word"]
    if match["how"] not in ("=", "==", "!="):
        raise UsageError(f"--assert: {shown(text)}: a verdict is compared by = or !=")
    if word not in KINDS:
        import difflib

        near = difflib.get_close_matches(word or "", KINDS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"--assert: {shown(text)}: there is no such verdict{hint} There are: {', '.join(KINDS)}")


def _unit(name: str) -> str:
    return MEASURES[name].unit if name in MEASURES else ""


def broken(conditions: tuple[Condition, ...], target: Target) -> list[str]:
    """A line for each condition that does not hold for the target."""
    lines = []
    for condition in conditions:
        why = condition.broken(target)
        if why is not None:
            lines.append(f"assertion failed for {target.query}: {condition.text}: {why}")
    return lines
