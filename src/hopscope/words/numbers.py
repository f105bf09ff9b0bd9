"""Numbers as a person reads them: the unit that fits, decimals that align, a dash for what is unknown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

DASH = "–"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS = 1_000_000_000


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


def signed_ms(more: float | None, micro: bool = False) -> str:
    """A difference of RTTs for a column, with its sign: in ms, the decimal point always at the same distance from the
    right, or in whole µs (`micro`)."""
    if more is None:
        return f"{DASH}  "
    value, digits = (more * 1000, 0) if micro else (more, 1 if abs(more) < 999.5 else 0)
    text = f"{value:+.{digits}f}".replace("-", "−")
    return (text if text.strip("+−0.") else text[1:]) + (" " if micro or digits else "   ")


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


def span(seconds: float) -> str:
    """A span of time in running text, to two units at most: ``15 s``, ``13 min``, ``2 h 20 min``, ``3 d 4 h``."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def resting(seconds: float) -> str:
    """A duration in a sentence that is to rest while it grows: steps of 5 s from 10 s on, of a minute from 1 min on."""
    if 60 <= seconds < 120:
        return "1 min"
    step = 1 if seconds < 10 else 5 if seconds < 60 else 60
    return span(seconds // step * step)


def about(value: float | None) -> str:
    """A share in a sentence that is to rest while its number wavers: whole percents from 2 on."""
    return percent(round(value) if value is not None and 2 <= value <= 99 else value)


def first_ports(ports: Sequence[int | None], most: int = 8) -> str:
    """The first `most` of the ports that are known: ``20001, 20005 …``; empty where none is."""
    known = [str(port) for port in ports if port is not None]
    return ", ".join(known[:most]) + (" …" if len(known) > most else "")


def nth(times: int) -> str:
    """``2nd``, ``3rd``, ``11th``."""
    last = {1: "st", 2: "nd", 3: "rd"}.get(times % 10, "th")
    return f"{times}{'th' if times % 100 in (11, 12, 13) else last}"


def interval(seconds: float) -> str:
    """An interval: ``every 1 s``, ``every 0.25 s``, ``every 100 ms``."""
    return f"every {seconds * 1000:g} ms" if seconds < 0.2 else f"every {seconds:g} s"


def local_time(at: datetime) -> datetime:
    """A moment in this machine's zone, to which a time without a zone belongs. Where ``TZ`` says one that no time can
    have (``AAA24``: a day or more from UTC), it is UTC."""
    try:
        return at.astimezone()
    except ValueError:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _local(epoch_ns: int) -> datetime:
    return local_time(datetime.fromtimestamp(epoch_ns // _NS, UTC))


def time_of_day(epoch_ns: int, seconds: bool = True) -> str:
    """The local time of day."""
    return _local(epoch_ns).strftime("%H:%M:%S" if seconds else "%H:%M")


def time_of(epoch_ns: int, now: int | None) -> str:
    """The local time of day, with the date in front where it is not that of `now`."""
    at = _local(epoch_ns)
    is_today = now is None or at.date() == _local(now).date()
    return f"{at:%H:%M:%S}" if is_today else f"{at:%Y-%m-%d %H:%M:%S}"


def iso(epoch_ns: int) -> str:
    """A moment as ISO 8601 in UTC with microseconds."""
    return (_EPOCH + timedelta(microseconds=epoch_ns // 1000)).isoformat(timespec="microseconds")


def utc(epoch_ns: int) -> str:
    """Date and time of day in UTC: ``2026-11-25 14:02:11 UTC``."""
    return f"{datetime.fromtimestamp(epoch_ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def nice_ceiling(value: float) -> float:
    """The smallest of 1, 2, 3, 4, 5, 6, 8 times a power of ten that is not below `value`: an axis's upper end."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    for step in (1, 2, 3, 4, 5, 6, 8, 10):
        if value <= step * power * (1 + 1e-9):
            return step * power
    return 10 * power
