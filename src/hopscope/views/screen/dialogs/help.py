"""Help in sections, each with a title: every key, sign and column, from the registries that do the work. ``/`` searches
them; ``←`` and ``→`` go from section to section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.events import Key

from hopscope.views.screen.actions.registry import ACTIONS, GROUPS
from hopscope.views.screen.columns import COLUMNS
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.dialogs.sheet import Sheet, line
from hopscope.views.screen.keymap import keys_of, shown
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Row, fit, wrap

STATES = (
    ("healthy", "all is well"),
    ("slow", "answers, but more slowly than it can"),
    ("loss", "probes are lost, up to the target"),
    ("unreachable", "nothing gets through to the target"),
    ("no-answer", "the target itself does not answer: that alone is no outage"),
    ("starting", "too early to say"),
    ("paused", "no probes are sent"),
    ("unheard", "of a fleet: nothing is heard of the agent; no loss is drawn"),
    ("this-computer", "this computer could not send or hear: not the network's fault"),
    ("refused", "cannot be probed from here; the reason is said"),
)
MOST_SOUGHT = 40


class HelpEntry(NamedTuple):
    """One thing that is explained: a key, a sign or a column."""

    key: str
    style: str
    words: str
    name: str = ""
    """A word between the two, for a state."""


class HelpScreen(Sheet):
    """Scrolls; closes with esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", show=False),
        Binding("right,tab", "section(1)", show=False),
        Binding("left,shift+tab", "section(-1)", show=False),
    ]

    def __init__(self, context: ActionContext) -> None:
        super().__init__(context)
        self.sought: str | None = None
        """What is looked for; None: nothing, and letters are keys."""
        self._titles: list[int] = []
        """The lines that sections begin at."""

    @property
    def title_text(self) -> str:  # type: ignore[override] # it says what is looked for
        return "help" if self.sought is None else f"help: /{self.sought}"

    @property
    def foot(self) -> str:  # type: ignore[override] # other keys while something is looked for
        return "/ search  ←→ sections  esc closes" if self.sought is None else "type to search  esc shows all"

    def lines(self, look: Look, width: int) -> list[Row]:
        wanted = (self.sought or "").lower().split()
        out: list[Row] = []
        self._titles = []
        for title, entries in self._sections(look):
            found = [each for each in entries if _has(f"{title} {each.key} {each.name} {each.words}".lower(), wanted)]
            if not found:
                continue
            if out:
                out.append(line(look, width))
            self._titles.append(len(out))
            out.append(line(look, width, (title, "strong")))
            for entry in found:
                out += _rows(entry, look, width)
        return out or [line(look, width, (f"nothing has {self.sought!r} in it", "quiet"))]

    def _sections(self, look: Look) -> Iterator[tuple[str, list[HelpEntry]]]:
        bound = keys_of(self.context.options.keys)
        for group in GROUPS:
            entries = []
            for action in ACTIONS.values():
                if action.group == group and not action.id[len("target.") :].isdigit():
                    keys = " ".join(shown(key, not look.glyphs.is_ascii) for key in bound[action.id])
                    entries.append(HelpEntry(keys or "no key", "key", action.help))
            if group == "Targets":
                entries.append(HelpEntry("1 to 9", "key", "That target."))
            yield group, entries
        marks = []
        for state, words in STATES:
            mark, style = look.health(state)
            name = next((n for n in ("healthy", "warn", "bad", "quiet") if getattr(look, n) is style), "text")
            marks.append(HelpEntry(mark, name, words, state.replace("-", " ")))
        yield "Marks of targets", marks
        g = look.glyphs
        signs = (
            (g.bars, "an answer: how much more than usual it took"),
            (f"{g.hang_some} {g.hang}", "lost: a few of a span's probes, and many or all"),
            (g.silent, "lost, and it goes no further"),
            (g.pending, "under way"),
            (g.late, "answered after the timeout"),
            (g.failed, "this computer could not send it"),
            (g.silent * 3, "a hop that never answers"),
            (g.cosmetic, "loss goes no further: the router limits how often it answers"),
        )
        yield "Signs in sparklines and charts", [HelpEntry(sign, "spark", words) for sign, words in signs]
        columns = []
        for column in COLUMNS.values():
            letter = f" (mtr's {column.letter})" if column.letter else ""
            columns.append(
                HelpEntry(column.title if column.kind != "spark" else "sparkline", "key", column.definition + letter)
            )
        yield "Columns", columns

    # --- keys ------------------------------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Letters are looked for from now on."""
        self.sought = ""
        self.top = 0
        self.draw()

    def action_section(self, step: int) -> None:
        """To the next section's title."""
        if step > 0:
            self.top = next((title for title in self._titles if title > self.top), self.top)
        else:
            self.top = next((title for title in reversed(self._titles) if title < self.top), 0)
        self.draw()

    def on_key(self, event: Key) -> None:
        """While something is looked for, what is typed belongs to it."""
        if self.sought is None or event.key in ("up", "down", "pageup", "pagedown", "ctrl+c"):
            return
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.sought = None
        elif event.key == "backspace":
            self.sought = self.sought[:-1]
        elif event.is_printable and event.character and len(self.sought) < MOST_SOUGHT:
            self.sought += event.character
        else:
            return
        self.top = 0
        self.draw()


def _has(text: str, wanted: list[str]) -> bool:
    return all(word in text for word in wanted)


def _rows(entry: HelpEntry, look: Look, width: int) -> list[Row]:
    """An entry in as many lines as it needs."""
    indent = 12
    if entry.name:
        parts = (fit(entry.key, 4), entry.style), (fit(entry.name, 16), "text"), (entry.words, "quiet")
        return [line(look, width, *parts)]
    pieces = wrap(entry.words, max(10, width - indent - 2))
    return [
        line(look, width, (fit("" if index else entry.key, indent), entry.style), (piece, "text"))
        for index, piece in enumerate(pieces)
    ]
