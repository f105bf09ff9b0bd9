"""Numbers as a person reads them: the unit that fits, decimals that align, a dash for what is unknown."""

from __future__ import annotations

import math
from datetime import datetime

DASH = "–"


def table_ms(value: float | None, micro: bool = False) -> str:
    """An RTT for a column: in ms with its decimal point always at the same distance from the right (two digits behind
    it below 1 ms), or whole µs where the whole path is that quick (`micro`)."""
    if value is None:
        return DASH if micro else f"{DASH}  "
    if micro:
        return f"{value * 1000:.0f}"
    if value < 0.995:
        return f"{value:.2f}"
    return f"{value:.1f} "


def span_ms(value: float | None) -> str:
    """An RTT in running text: ``742 µs``, ``12.4 ms``, ``1.25 s``."""
    if value is None:
        return DASH
    if value < 0.9995:
        return f"{value * 1000:.0f} µs"
    if value < 99.95:
        return f"{value:.1f} ms"
    if value < 999.5:
        return f"{value:.0f} ms"
    return f"{value / 1000:.2f} s"


def axis_ms(value: float | None) -> str:
    """An axis's upper end: ``20 ms``, ``500 µs``, ``2 s``."""
    if value is None:
        return DASH
    if value < 1:
        return f"{value * 1000:g} µs"
    return f"{value:g} ms" if value < 1000 else f"{value / 1000:g} s"


def share(value: float | None) -> str:
    """A share in percent for a column, its decimal point always at the same distance from the right: never 0 where it
    is not 0, never 100 where it is not 100."""
    if value is None:
        return f"{DASH}  "
    if value in (0, 100):
        return f"{value:.0f}  "
    if value < 0.1:
        return "<0.1"
    return ">99.9" if value > 99.9 else f"{value:.1f}"


def percent(value: float | None) -> str:
    """A share in running text: ``0 %``, ``0.4 %``, ``12 %``; never 0 % where it is not 0, never 100 % where it is
    not 100."""
    if value is None:
        return DASH
    if 0 < value < 0.1:
        return "<0.1 %"
    if 99 < value < 100:
        return f"{value:.1f} %" if value <= 99.9 else ">99.9 %"
    return f"{value:.1f}".removesuffix(".0") + " %" if 0 < value < 9.95 else f"{value:.0f} %"


def exact_ms(value: float | None) -> str:
    """An RTT for a table in a document, in ms: three places below ten, else two, a dash where there is none."""
    if value is None:
        return DASH
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.2f}"


def exact_percent(value: float | None) -> str:
    """A share for a table in a document, in percent without its sign."""
    return DASH if value is None else f"{value:.1f}"


def count(value: int) -> str:
    """A count in at most six characters: ``751``, ``99999``, ``1.2 M``."""
    if value < 100_000:
        return str(value)
    if value < 1_000_000:
        return f"{value / 1000:.0f} k"
    return f"{value / 1_000_000:.1f} M"


def clock(seconds: float) -> str:
    """A duration: ``00:12:31``, with days in front from the first one on: ``3 d 04:00:10``."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86_400)
    text = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days} d {text}" if days else text


def interval(seconds: float) -> str:
    """An interval: ``every 1 s``, ``every 0.25 s``, ``every 100 ms``."""
    return f"every {seconds * 1000:g} ms" if seconds < 0.2 else f"every {seconds:g} s"


def time_of_day(epoch_ns: int, seconds: bool = True) -> str:
    """The local time of day."""
    return datetime.fromtimestamp(epoch_ns / 1e9).astimezone().strftime("%H:%M:%S" if seconds else "%H:%M")


def nice_ceiling(value: float) -> float:
    """The smallest of 1, 2, 3, 4, 5, 6, 8 times a power of ten that is not below `value`: an axis's upper end."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    for step in (1, 2, 3, 4, 5, 6, 8, 10):
        if value <= step * power * (1 + 1e-9):
            return step * power
    return 10 * power
