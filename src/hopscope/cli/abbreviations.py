"""mtr's long options, and which one a beginning means.

getopt_long(3) takes a beginning that only one option has. Scripts written for mtr rely on it, so what is clear among
mtr's options stays clear here, whatever other options hopscope has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MTR_LONG: Final[dict[str, str]] = {
    "help": "h", "version": "v", "inet": "4", "inet6": "6", "filename": "F", "report": "r", "report-wide": "w",
    "xml": "x", "curses": "t", "raw": "l", "csv": "C", "json": "j", "displaymode": "", "split": "p", "no-dns": "n",
    "show-ips": "b", "order": "o", "ipinfo": "y", "aslookup": "z", "interval": "i", "report-cycles": "c", "psize": "s",
    "bitpattern": "B", "tos": "Q", "mpls": "e", "interface": "I", "address": "a", "first-ttl": "f", "max-ttl": "m",
    "max-unknown": "U", "udp": "u", "tcp": "T", "sctp": "S", "port": "P", "localport": "L", "timeout": "Z",
    "gracetime": "G", "mark": "M",
}  # fmt: skip
"""The long options of mtr 0.95 in its own order, each with its letter."""


def meant_by(beginning: str, names: Iterable[str]) -> list[str]:
    """Which of `names` begin so; of several only mtr's one, where there is just one of mtr's. All without dashes."""
    found = [name for name in names if name.startswith(beginning)]
    if beginning in found:
        return [beginning]
    of_mtr = [name for name in found if name in MTR_LONG]
    return of_mtr if len(of_mtr) == 1 else found
