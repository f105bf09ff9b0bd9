"""TOML from a file that a stranger may have written: it is read in bounded time, and whatever is wrong is one line.

`tomllib` takes time that grows with the square of a key's parts (50,000 of them: minutes), lets Python's own errors
through (a number of 5,000 digits), and takes integers that TOML does not know: they have 64 bits.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

MOST_PARTS: Final = 40
"""Parts of one key, ``a.b.c``. Ours have four at the most; a name of the DNS behind a comma may look like a key, and
one of an IPv6 address has 34."""
MOST_DEPTH: Final = 64
"""Tables and lists within each other."""
_PART: Final = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_LONG_KEY: Final = re.compile(rf"(?:^|[\[{{,])[ \t]*+{_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MOST_PARTS},}}", re.MULTILINE)


class NoToml(ValueError):
    """The text is not TOML, or more than a file of ours ever is: one line."""


def loads(text: str) -> dict[str, Any]:
    """The table. `NoToml`."""
    long = _LONG_KEY.search(text)
    if long:
        line = text.count("\n", 0, long.start() + 1) + 1
        raise NoToml(f"a key of more than {MOST_PARTS} parts (at line {line})")
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise NoToml("nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        raise NoToml(_one_line(str(error))) from None
    except ValueError as error:  # what `int` and `datetime` refuse: the first of them, numbers of thousands of digits
        what = "a number of more than 64 bits" if "digits" in str(error) else _one_line(str(error))
        raise NoToml(what) from None
    _check(table, 0)
    return table


def _check(value: Any, depth: int) -> None:
    if depth > MOST_DEPTH:
        raise NoToml("nested too deeply")
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, int) and not -(1 << 63) <= inner < 1 << 63:
                raise NoToml(f"{_one_line(ascii(key))}: a number of more than 64 bits")
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, int) and not -(1 << 63) <= inner < 1 << 63:
                raise NoToml("a number of more than 64 bits in a list")
            _check(inner, depth + 1)


def _one_line(text: str, most: int = 200) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most]}…"
