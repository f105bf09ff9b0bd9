"""`clean`: the one door for every string that a stranger chose (DNS, AS and place texts, files, remote messages).

What passes it can be drawn in one terminal cell after the other: no control character (C0, DEL, C1), no escape
sequence, no bidirectional override, nothing invisible (zero-width characters, fillers, tags, variation selectors,
spaces that are not the space), no surrogate, no private or unassigned code point, no letter or digit that is written
from right to left (UAX #9: it would turn round the cells beside it), nothing about whose width terminals disagree
(spacing marks, conjuncts, flags, skin tones, dashes of several cells: columns would not align), at most two combining
marks on one character, and at most `LIMIT` characters. What is taken out stays visible as a Python-style escape. Markup
is left as it is: brackets are good characters, and views never interpret them. IDNA names stay the punycode that DNS
carries.
"""

from __future__ import annotations

import unicodedata
from typing import Final

LIMIT: Final = 255
"""Characters: the longest name that DNS can carry."""

MAX_MARKS: Final = 2
"""Combining marks on one character: what living scripts need; more is there to draw over other lines."""

_RANGES_INVISIBLE: Final = (
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x2800, 0x2800),  # blank Braille pattern
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0x16FE4, 0x16FE4),  # Khitan filler
    (0x1D159, 0x1D159),  # musical null notehead
    (0xE0000, 0xE0FFF),  # tags, variation selectors supplement
)
_RANGES_OF_NO_CERTAIN_WIDTH: Final = (
    (0x2E3A, 0x2E3B),  # dashes of two and three em, drawn over their neighbours
    (0x302E, 0x302F),  # Hangul tone marks
    (0xFDFD, 0xFDFD),  # an Arabic ligature of a whole sentence
    (0x1171E, 0x1171E),  # an Ahom sign: spacing since Unicode 15.1
    (0x1F1E6, 0x1F1FF),  # regional indicators: two of them are one flag
    (0x1F3FB, 0x1F3FF),  # skin tones
)
_REFUSED: Final = frozenset(
    chr(code) for low, high in (*_RANGES_INVISIBLE, *_RANGES_OF_NO_CERTAIN_WIDTH) for code in range(low, high + 1)
)
_FROM_RIGHT_TO_LEFT: Final = frozenset(("R", "AL", "AN"))
"""Bidirectional classes of letters and digits that reorder what stands beside them (UAX #9)."""
_VIRAMA: Final = 9
"""The canonical combining class of signs that join two letters into one glyph of unknown width."""

_ELLIPSIS: Final = "…"


def clean(text: str | bytes, limit: int = LIMIT) -> str:
    """`text`, safe to draw and print, of at most `limit` (at least 1) characters.

    Printable ASCII comes back as it is. Bytes are read as UTF-8; each byte that is none becomes ``\\xNN``. A text that
    is too long ends in an ellipsis. Cleaning twice changes nothing more. Never raises.
    """
    if isinstance(text, bytes):
        # Four bytes make at least one character, so nothing behind these can be seen.
        text = text[: 4 * (limit + 1)].decode("utf-8", "backslashreplace")
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    return _clean(text, limit)


def _clean(text: str, limit: int) -> str:
    pieces: list[str] = []
    length = 0
    marks = MAX_MARKS  # a mark with nothing before it would be drawn onto whatever stands in front of the text
    for char in text[: limit + 1]:
        if not char.isprintable() or char in _REFUSED or _disturbs(char):
            marks = 0
            piece = _escape(char)
        elif _combines(char):
            piece = char if marks < MAX_MARKS else _escape(char)
            marks += 1
        else:
            marks = 0
            piece = char
        pieces.append(piece)
        length += len(piece)
        if length > limit:
            return _shorten(pieces, length, limit)
    return "".join(pieces)


def _shorten(pieces: list[str], length: int, limit: int) -> str:
    """Whole pieces only (half an escape would mislead), with room for the ellipsis."""
    while length > limit - 1:
        length -= len(pieces.pop())
    return "".join(pieces) + _ELLIPSIS


def _disturbs(char: str) -> bool:
    """Does `char` reorder its neighbours, or take a number of cells that terminals do not agree on?"""
    if ord(char) < 0x300:
        return False
    if unicodedata.bidirectional(char) in _FROM_RIGHT_TO_LEFT:
        return True
    return unicodedata.category(char) == "Mc" or unicodedata.combining(char) == _VIRAMA


def _combines(char: str) -> bool:
    """Is `char` drawn onto the one before it: a mark, or a Hangul vowel or final letter?"""
    code = ord(char)
    if code < 0x300:
        return False
    if unicodedata.category(char)[0] == "M":
        return True
    return 0x1161 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FB


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
