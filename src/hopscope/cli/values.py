"""Words of the command line and the configuration, as values. Each reader says in its error what is allowed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple

from hopscope.cli.errors import UsageError
from hopscope.wire.durations import brief, read_duration, shown
from hopscope.wire.probing_options import PROBING_OPTIONS


def duration(low: float, high: float) -> Callable[[str], float]:
    """Reads ``0.5``, ``500ms``, ``2s``, ``1.5m`` or ``1h`` as seconds."""

    def read(word: str) -> float:
        try:
            return read_duration(word, low, high)
        except ValueError as why:
            raise UsageError(str(why)) from None

    return read


def rate(low: float, high: float) -> Callable[[str], float]:
    """Reads a number of something a second, fractions allowed."""

    def read(word: str) -> float:
        try:
            number = float(word)
        except ValueError:
            raise UsageError(f"{shown(word)} is no number") from None
        if not low <= number <= high:
            raise UsageError(f"{shown(word)} is out of range; allowed are {low:g} to {high:.12g}")
        return number

    return read


def bounded(name: str, hint: str = "") -> Callable[[str], float]:
    """Reads a probing option, within its bounds (`hopscope.wire.probing_options`)."""
    option = PROBING_OPTIONS[name]
    assert option.low is not None
    assert option.high is not None
    return duration(option.low, option.high) if option.is_duration else whole(int(option.low), int(option.high), hint)


def flows(word: str) -> int:
    """How many parallel flows; 0: as many as there are paths."""
    return 0 if word.strip().lower() == "auto" else whole(1, int(PROBING_OPTIONS["flows"].high or 0), " or auto")(word)


def certainty(word: str) -> float:
    """How sure a discovery is to be, percent."""
    option = PROBING_OPTIONS["certainty_pct"]
    return rate(option.low or 0.0, option.high or 0.0)(word.strip().removesuffix("%"))


def timeout(word: str) -> float:
    """How long a probe is waited for, seconds; what is longer than anything waits is taken as the longest."""
    low, high = PROBING_OPTIONS["timeout_s"].low or 0.0, PROBING_OPTIONS["timeout_s"].high or 0.0
    try:
        return min(duration(low, 86_400)(word), high)
    except UsageError as error:
        counts = f"; more than {brief(high)} counts as {brief(high)}" if "out of range" in str(error) else ""
        raise UsageError(f"{error}{counts}") from None


def whole(low: int, high: int | None = None, hint: str = "") -> Callable[[str], int]:
    """Reads a whole number, decimal or ``0x…``, within bounds."""

    def read(word: str) -> int:
        text = word.strip()
        try:
            number = int(text, 16 if text.lower().startswith("0x") else 10) if text.isascii() else None
        except ValueError:
            number = None
        if number is None:
            raise UsageError(f"{shown(word)} is no whole number")
        if number < low or (high is not None and number > high):
            allowed = f"{low} to {high}" if high is not None else f"{low} and more"
            raise UsageError(f"{shown(word)} is out of range; allowed are {allowed}{hint}")
        return number

    return read


def name_servers(word: str) -> tuple[str, ...]:
    """Name servers, separated by commas: addresses, with the port where that is not 53 (``192.0.2.53:5353``,
    ``[2001:db8::53]:5353``)."""
    servers = tuple(part.strip() for part in word.split(","))
    for server in servers:
        match = re.fullmatch(r"\[([^\]]+)\]:(\d{1,5})|([^:\[\]]+):(\d{1,5})|(.+)", server)
        address = next((part for part in (match[1], match[3], match[5]) if part), "") if match else ""
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise UsageError(f"{shown(server)} is no address of a name server (e.g. 192.0.2.53)") from None
    return servers


def fields(word: str) -> str:
    """Columns by mtr's letters."""
    from hopscope.views.report.mtr import FIELDS

    unknown = [letter for letter in word if letter.replace("_", " ") not in FIELDS]
    if unknown or not word:
        known = "".join(FIELDS).strip()
        which = f"{shown(unknown[0])} in {shown(word)} is no column" if unknown else "no column is named"
        raise UsageError(f"{which}; the letters are {known} and the space")
    if len(word) > 2 * len(FIELDS):
        raise UsageError(f"{shown(word)} names too many columns; at most {2 * len(FIELDS)}")
    return word


def address(word: str) -> str:
    """A numeric address, as a source."""
    try:
        ipaddress.ip_address(word)
    except ValueError:
        raise UsageError(f"{shown(word)} is no numeric address") from None
    return word


class Endpoint(NamedTuple):
    """Where to listen."""

    address: str
    port: int
    """0: one of the kernel's choice."""

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def endpoint(word: str) -> Endpoint:
    """Reads ``127.0.0.1:9101``, ``[::1]:9101``, ``localhost:9101``; a port alone is this machine's own. No name is
    looked up: what it leads to is for others to say, and nothing must listen where nobody expects it."""
    match = re.fullmatch(r"(?:\[([^\]]*)\]:|([^:\[\]]*):)?([0-9]{1,5})", word.strip())
    if match is None or int(match[3]) > 65_535:
        raise UsageError(f"{shown(word)} is no address with a port (e.g. 127.0.0.1:9101, [::1]:9101, 0.0.0.0:9101)")
    host = match[1] if match[1] is not None else match[2] or "127.0.0.1"
    if host.lower() == "localhost" and match[1] is None:
        host = "127.0.0.1"
    try:
        (ipaddress.IPv4Address if match[1] is None else ipaddress.IPv6Address)(host)
    except ValueError:
        raise UsageError(
            f"{shown(word)}: {shown(host)} is no numeric address; of the names, localhost alone is taken"
        ) from None
    return Endpoint(host, int(match[3]))


def interface(word: str) -> str:
    """A network interface's name."""
    if not 0 < len(word.encode("utf-8", "surrogateescape")) < 16 or "/" in word or not word.isprintable():
        raise UsageError(f"{shown(word)} is no interface; a name has 1 to 15 bytes (try: ip link)")
    return word


_SIZES = {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_LEAST_SIZE, _LARGEST_SIZE = 1 << 20, 1 << 40


def size(word: str) -> int:
    """Reads ``256MiB`` or ``1.5 GB`` as bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([kmg]i?b)", word.strip().lower())
    if match is None:
        raise UsageError(f"{shown(word)} is no size; write a number with its unit (256MiB, 1GiB), true or false")
    found = int(float(match[1]) * _SIZES[match[2]])
    if not _LEAST_SIZE <= found <= _LARGEST_SIZE:
        raise UsageError(f"{shown(word)} is out of range; allowed are 1MiB to 1024GiB")
    return found


def text(word: str) -> str:
    """Any word."""
    return word


__all__ = [
    "Endpoint", "address", "bounded", "duration", "endpoint", "fields", "interface", "name_servers", "rate", "shown",
    "size", "text", "timeout", "whole",
]  # fmt: skip
