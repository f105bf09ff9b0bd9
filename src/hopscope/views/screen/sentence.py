"""The verdict's sentences as lines: as many as a size has room for, and none that is cut where it matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.style import Style

from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Line, Row, cut, wrap
from hopscope.words.clauses import Ways
from hopscope.words.headline import Headline

_FIRST: Final = 3
"""Sentences, counted from the first, that are shortened before one of them is left out."""
MARGIN = 4
"""Cells of the mark before the words."""


def height(width: int, height: int) -> int:
    """Lines of the sentences on a screen of this size, whatever they say: nothing moves when the verdict changes."""
    if height < 10:
        return 1 if height < 6 else 2
    return 2 if width >= 100 else 3 if width >= 60 else 4


def flow(sentences: Sequence[Ways], width: int, lines: int, instead: str = "") -> list[str]:
    """As many of the sentences as `lines` lines have room for, the first before the others; as whole as can be while
    the first ones have room, and `instead` where the first alone has. Only where that is too long it is cut, with a
    sign."""
    best: tuple[int, list[str]] = 0, []
    for opening in sentences[0]:
        for shortest in range(max(len(ways) for ways in sentences)):
            kept, laid = _kept(opening, sentences[1:], shortest, width, lines)
            if min(kept, _FIRST) > best[0]:
                best = min(kept, _FIRST), laid
        if best[0] >= min(2, len(sentences)):
            break
    if best[0] == 1 and instead:
        return _laid([sentences[0][-1], instead], width, lines) or best[1]
    if best[1]:
        return best[1]
    first = wrap(sentences[0][-1], width)
    return [*first[: lines - 1], cut(" ".join(first[lines - 1 :]), width)]


def _kept(opening: str, others: Sequence[Ways], shortest: int, width: int, lines: int) -> tuple[int, list[str]]:
    """How many sentences have room before the first that has none, each said in its way number `shortest` or a shorter
    one; and the lines of all that have room."""
    laid = _laid([opening], width, lines)
    if laid is None:
        return 0, []
    kept = [opening]
    first = 0
    for ways in others:
        for way in ways[min(shortest, len(ways) - 1) :]:
            more = _laid([*kept, way], width, lines)
            if more is not None:
                kept.append(way)
                laid = more
                break
        else:
            if len(kept) < 2:
                break  # the second before all others
            first = first or len(kept)
    return first or len(kept), laid


def _laid(sentences: Sequence[str], width: int, lines: int) -> list[str] | None:
    """Broken between sentences where that has room, so that each line is read by itself; else anywhere but between a
    number and its unit."""
    for count in range(len(sentences), 0, -1):
        first = " ".join(sentences[:count])
        if cell_len(first) <= width:
            rest = wrap(" ".join(sentences[count:]), width)
            return [first, *rest] if len(rest) < lines and not _is_broken(sentences, width) else None
    laid = wrap(" ".join(sentences), width)
    return laid if len(laid) <= lines and not _is_broken(sentences, width) else None


def _is_broken(sentences: Sequence[str], width: int) -> bool:
    """Whether a single word has no room in a line."""
    return any(cell_len(word) > width for sentence in sentences for word in sentence.split())


def _begins(lines: Sequence[str], words: str) -> bool:
    """Whether the text begins with these words."""
    return " ".join(lines).startswith(words)


def rows(headline: Headline, mark: tuple[str, Style], style: Style, look: Look, width: int, lines: int) -> list[Row]:
    """The lines, always `lines` of them. What is the matter stands out in `style`."""
    margin = MARGIN if width >= 30 else 2
    shown = flow(headline.sentences, max(1, width - margin - 1), lines, headline.instead)
    matter = headline.matter
    if headline.short and shown and not _begins(shown, matter) and _begins(shown, headline.short):
        matter = headline.short
    stands_out = len(matter.split())
    out = []
    for index in range(lines):
        line = Line()
        if index == 0:
            line.add(" " if margin > 2 else "", look.text).add(*mark)
        line.to(margin, look.text)
        words = shown[index].split(" ") if index < len(shown) else []
        bold = " ".join(words[:stands_out])
        rest = " ".join(words[stands_out:])
        line.add(bold, style).add(f" {rest}" if bold and rest else rest, look.text)
        stands_out = max(0, stands_out - len(words))
        out.append(line.row(width, look.text))
    return out
