"""Cells that a spreadsheet would take for a formula are made harmless: an apostrophe stands in front."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def harmless(text: str) -> str:
    """`text`, with an apostrophe in front where it begins like a formula. Only for texts, never for numbers."""
    return f"'{text}" if text.startswith(_FORMULA) else text
