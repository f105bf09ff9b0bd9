"""WHEN: a moment as people write it.

``14:02``, ``14:02:30``, ``2026-11-25``, ``2026-11-25 14:02``, ISO 8601 (with a zone or in the machine's own), ``now``,
``today``, ``yesterday 20:15``, and ``-10m``, ``-2h``, ``-1h30m`` before a moment of reference.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from hopscope.words.numbers import local_time

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?")
_BACK = re.compile(r"-((?:\d{1,9}(?:\.\d{1,9})?(?:w|d|h|min|ms|m|s))+)")
_PART = re.compile(r"(\d+(?:\.\d+)?)(w|d|h|min|ms|m|s)")
_S = 1_000_000_000
_UNIT_NS = {"w": 604_800 * _S, "d": 86_400 * _S, "h": 3600 * _S, "min": 60 * _S, "m": 60 * _S, "s": _S, "ms": 1_000_000}
_EXAMPLES = "14:02, 2026-11-25 14:02, -10m or yesterday 20:15"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_NS = 1 << 62
"""In the year 2116; a store has no later moment."""
_LONGEST_WORD = 64


def moment(word: str, reference_ns: int, zone: tzinfo | None = None) -> int:
    """The moment that `word` names, epoch ns. `reference_ns` (epoch ns) is what ``-10m`` counts from, and a time
    without a day is of its day. `zone` is that of words without one; None: the machine's own. `ValueError` where the
    word names no moment."""
    text = word.strip()
    try:
        if len(text) <= _LONGEST_WORD and abs(found := _moment(text, reference_ns, zone)) < _LATEST_NS:
            return found
    except (ValueError, OverflowError):
        pass
    text = text if text.isprintable() else ascii(text)[1:-1]
    text = text if len(text) <= _LONGEST_WORD else text[: _LONGEST_WORD - 7] + "..."
    raise ValueError(f"'{text}' is no moment; write {_EXAMPLES}") from None


def _moment(text: str, reference_ns: int, zone: tzinfo | None) -> int:
    lower = text.lower()
    if lower == "now":
        return reference_ns
    back = _BACK.fullmatch(lower)
    if back is not None:
        return reference_ns - sum(round(float(n) * _UNIT_NS[unit]) for n, unit in _PART.findall(back[1]))
    reference = datetime.fromtimestamp(reference_ns / 1e9, UTC if zone is None else zone)
    today = (reference if zone is not None else local_time(reference)).date()
    day, _, rest = lower.partition(" ")
    if day in ("today", "yesterday"):
        local = datetime.combine(today - timedelta(days=day == "yesterday"), _clock(rest) if rest.strip() else time())
    elif _CLOCK.fullmatch(lower):
        local = datetime.combine(today, _clock(lower))
    else:
        local = datetime.fromisoformat(text)
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone) if zone is not None else local_time(local)
    return (local - _EPOCH) // timedelta(microseconds=1) * 1000


def _clock(text: str) -> time:
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return time(int(match[1]), int(match[2]), int(match[3] or 0), int((match[4] or "0")[:6].ljust(6, "0")))
