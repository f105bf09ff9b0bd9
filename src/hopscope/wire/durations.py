"""Durations as people write them, read in the same way wherever one is typed: ``0.5``, ``500ms``, ``2s``, ``1.5m``."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-zµ]*)")


def shown(word: object) -> str:
    """A user's word as an error repeats it: on one line, nothing in it but printable characters, not too long."""
    text = str(word)
    text = text if text.isprintable() else ascii(text)[1:-1]
    return f"'{text if len(text) <= 60 else text[:57] + '...'}'"


def brief(seconds: float) -> str:
    """As it could be typed: ``10ms``, ``86400s``."""
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:g}s"


def read_duration(word: str, low: float, high: float) -> float:
    """A duration in seconds, between two. `ValueError` with one line: what was typed, and what is allowed."""
    match = _DURATION.fullmatch(word.strip().lower())
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"{shown(word)} is no duration; write seconds (0.5) or a unit (500ms, 2s)")
    seconds = float(match[1]) * _UNITS[match[2]]
    if not low <= seconds <= high:
        raise ValueError(f"{shown(word)} is out of range; allowed are {brief(low)} to {brief(high)}")
    return seconds
