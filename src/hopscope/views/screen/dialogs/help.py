"""Help: every key, every sign, every column, from the registries that do the work."""

from __future__ import annotations

from hopscope.views.screen.actions.registry import ACTIONS, GROUPS
from hopscope.views.screen.columns import COLUMNS
from hopscope.views.screen.dialogs.sheet import Sheet, line
from hopscope.views.screen.keymap import keys_of, shown
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Row, fit, wrap

STATES = (
    ("healthy", "all is well"),
    ("slow", "answers, but more slowly than it can"),
    ("loss", "probes are lost, up to the target"),
    ("unreachable", "the target does not answer"),
    ("no-answer", "the target does not answer UDP: that alone is no outage"),
    ("starting", "too early to say"),
    ("paused", "no probes are sent"),
    ("this-computer", "this computer could not send or hear: not the network's fault"),
    ("refused", "cannot be probed from here; the reason is said"),
)


class HelpScreen(Sheet):
    """Scrolls; closes with esc."""

    title_text = "help"

    def lines(self, look: Look, width: int) -> list[Row]:
        bound = keys_of(self.context.options.keys)
        out: list[Row] = []

        def entry(key: str, style: str, words: str, indent: int) -> None:
            for index, part in enumerate(wrap(words, max(10, width - indent - 2))):
                out.append(line(look, width, (fit("" if index else key, indent), style), (part, "text")))

        for group in GROUPS:
            actions = [a for a in ACTIONS.values() if a.group == group and not a.id[len("target.") :].isdigit()]
            if not actions:
                continue
            out += (
                [line(look, width), line(look, width, (group, "strong"))]
                if out
                else [line(look, width, (group, "strong"))]
            )
            for action in actions:
                keys = " ".join(shown(key, not look.glyphs.is_ascii) for key in bound[action.id])
                entry(keys or "no key", "key", action.help, 12)
            if group == "Targets":
                entry("1 to 9", "key", "That target.", 12)
        out += [line(look, width), line(look, width, ("Marks of targets", "strong"))]
        for state, words in STATES:
            mark, style = look.health(state)
            name = next((n for n in ("healthy", "warn", "bad", "quiet") if getattr(look, n) is style), "text")
            out.append(
                line(look, width, (fit(mark, 4), name), (fit(state.replace("-", " "), 16), "text"), (words, "quiet"))
            )
        g = look.glyphs
        out += [line(look, width), line(look, width, ("Signs in sparklines and charts", "strong"))]
        for sign, words in (
            (g.bars, "an answer, from quick to slow"),
            (g.lost, "lost; quiet where the loss goes no further"),
            (g.late, "answered after the timeout"),
            (g.failed, "this computer could not send it"),
            (g.silent * 3, "a hop that never answers"),
            (g.cosmetic, "loss goes no further: the router limits how often it answers"),
        ):
            entry(sign, "spark", words, 12)
        out += [line(look, width), line(look, width, ("Columns", "strong"))]
        for column in COLUMNS.values():
            letter = f" (mtr's {column.letter})" if column.letter else ""
            entry(column.title if column.kind != "spark" else "sparkline", "key", column.definition + letter, 12)
        return out
