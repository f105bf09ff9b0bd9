"""The footer: the keys that are wanted now, nine at most, as many as fit; the rest is under ``?``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rich.cells import cell_len

from hopscope.views.screen.actions.registry import ACTIONS
from hopscope.views.screen.keymap import shown
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row

PAIRS = {"target.next": ("target.previous", "target"), "hop.next": ("hop.previous", "hop")}
ONE = (
    "program.help",
    "probe.pause",
    "stats.reset",
    "hop.next",
    "hop.details",
    "chart.earlier",
    "chart.toggle",
    "target.add",
)
SEVERAL = (
    "program.help",
    "probe.pause",
    "target.next",
    "target.overview",
    "hop.next",
    "hop.details",
    "chart.earlier",
    "chart.toggle",
)
"""The keys of a screen with one target, and with several, the most important first; at the right the one that quits."""
ALL = (
    "program.help",
    "hop.next",
    "hop.details",
    "look.find",
    "show.fold",
    "probe.pause",
    "target.add",
    "target.overview",
)
"""The keys of the list of all targets."""
OF_PROBING = ("probe.pause", "stats.reset", "target.add")
OF_RECORDING = ("time.previous", "verdict.why", "take.copy")
"""Keys that a screen of what was recorded has none of, and what it shows instead."""
AWAY = ("program.help", "look.clear", "chart.earlier", "time.previous", "hop.next", "hop.details", "verdict.why")
"""The keys of a moment that is not now."""
LAST = "program.quit"
WORDS = {"program.help": "all keys", "chart.earlier": "back in time"}
"""Where the footer says more than an action's title does."""


class Footing(NamedTuple):
    """What is shown, as far as other keys are wanted there."""

    several: bool = False
    """There are several targets."""
    overview: bool = False
    paused: bool = False
    away: bool = False
    """Another moment than now is shown."""
    recording: bool = False
    """Nothing is probed here."""

    @property
    def actions(self) -> tuple[str, ...]:
        """The keys that are wanted, the most important first."""
        ids: tuple[str, ...] = ALL if self.overview else AWAY if self.away else SEVERAL if self.several else ONE
        if not self.recording:
            return ids
        ids = tuple(id_ for id_ in ids if id_ not in OF_PROBING)
        return ids if self.overview or self.away else (*ids, *OF_RECORDING)

    @property
    def words(self) -> dict[str, str]:
        """What the keys do now, where that is not what they do else."""
        words = {"probe.pause": "resume"} if self.paused else {}
        if self.overview:
            words |= {"hop.next": "target", "hop.details": "open", "target.overview": "back"}
        if self.away:
            words |= {"look.clear": "now"}
        return words


def row(keys: Mapping[str, tuple[str, ...]], look: Look, width: int, footing: Footing = Footing()) -> Row:  # noqa: B008
    """One line. The order is by importance, so that a narrow screen keeps what matters."""
    said = {**WORDS, **footing.words}
    with_titles = width >= 60
    line = Line().add(" ", look.text)
    last = _item(LAST, keys, look, said if with_titles else None)
    end = sum(cell_len(part) for part in last)
    if end + 2 > width:
        end = 0
    for id_ in footing.actions:
        key, words = _item(id_, keys, look, said if with_titles else None)
        need = cell_len(key) + cell_len(words)
        if not need or line.width + need + (end + 4 if end else 0) > width:
            continue
        line.add(key, look.key, Hit("action", id_)).add(words, look.quiet, Hit("action", id_)).add("   ", look.text)
    if end:
        line.to(width - end - 1, look.text)
        line.add(last[0], look.key, Hit("action", LAST)).add(last[1], look.quiet, Hit("action", LAST))
    return line.row(width, look.text)


def _item(id_: str, keys: Mapping[str, tuple[str, ...]], look: Look, said: Mapping[str, str] | None) -> tuple[str, str]:
    """An action's key, and what it does where that is to be said; nothing where it has no key."""
    unicode = not look.glyphs.is_ascii
    bound = keys.get(id_, ())
    if not bound:
        return "", ""
    key = shown(bound[0], unicode)
    if id_ in PAIRS:
        before = keys.get(PAIRS[id_][0], ())
        pair = (before[0] if before else "", bound[0])
        together = {("left", "right"): look.glyphs.left_right, ("up", "down"): look.glyphs.up_down}
        key = together.get(pair) or (f"{shown(pair[0], unicode)} {key}" if before else key)
    return key, f" {said.get(id_, ACTIONS[id_].title)}" if said is not None else ""
