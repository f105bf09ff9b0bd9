"""The command line as mtr 0.95 reads it, for a program that was called as ``mtr``.

getopt_long(3) of the GNU C library with mtr's own table of options, the values by mtr's own rules, and what is wrong in
mtr's own words (facts of its ui/mtr.c and ui/utils.c). What mtr takes and hopscope bounds (a short interval, a long
timeout) is taken as the nearest that there is.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from hopscope.cli.abbreviations import MTR_LONG
from hopscope.cli.parser import Values

ENVIRONMENT: Final = "MTR_OPTIONS"
GRACE_S: Final = 5.0
TIMEOUT_S: Final = 10.0
"""What mtr waits unless told: after the last probe, and for each."""
_LARGEST: Final = 2**31 - 2
_MOST_WORDS: Final = 127
"""Of ``MTR_OPTIONS``; mtr reads no more."""
_MOST_FIELDS: Final = 20
_FIELDS: Final = " LDRSNBAWVGJMXI_"
_SHORT_VALUES: Final = frozenset("FoyicsBQIafmUPLZGM")
_LAYOUTS: Final = {
    "r": "text", "w": "text", "t": "screen", "l": "mtr-raw", "C": "mtr-csv", "j": "mtr-json", "x": "mtr-xml",
    "p": "mtr-split",
}  # fmt: skip


class Wrong(Exception):
    """What mtr ends for, in its words."""

    def __init__(self, words: str, *, usage: bool = False) -> None:
        """`usage`: the usage follows on standard error."""
        super().__init__(words)
        self.usage = usage


class AskedAsMtr(Exception):
    """``--help`` or ``--version``: the text for standard output."""


def read(argv: Sequence[str], environ: Mapping[str, str]) -> Values:
    """The options in ``MTR_OPTIONS``, and over them the command line's; no file is read yet. Raises `Wrong` and
    `AskedAsMtr`."""
    reader = _Reader()
    words = re.split(r"[ \t]+", environ.get(ENVIRONMENT, "").strip(" \t"))
    # Words that are no options mean nothing there, but the files that -F names do.
    reader.read([word for word in words if word][:_MOST_WORDS])
    names = reader.read(argv)
    return reader.values(names)


def usage() -> str:
    """mtr's options, as ``--help`` prints them."""
    from hopscope.cli.table import OPTIONS

    lines = ["", "Usage:", " mtr [options] hostname", ""]
    by_flag = {flag: option for option in OPTIONS for flag in option.flags}
    for name, letter in MTR_LONG.items():
        option = by_flag[f"--{name}"]
        if option.verdict == "refused":
            continue
        flags = f"-{letter}, --{name}" if letter else f"    --{name}"
        value = f" {option.metavar}" if option.metavar else ""
        lines.append(f" {flags + value:<26} {option.brief or option.verdict}")
    return "\n".join([*lines, "", "This is hopscope, called as mtr; see also hopscope --help.", ""])


class _Reader:
    def __init__(self) -> None:
        self._values: Values = {}
        self._files: list[str] = []

    def read(self, words: Sequence[str]) -> list[str]:
        """Take the options in; what is none."""
        names: list[str] = []
        for letter, value in _getopt(words, names):
            self._take(letter, value)
        return names

    def values(self, names: list[str]) -> Values:
        """Under the parser's names (`hopscope.cli.parser`)."""
        values = self._values
        values.setdefault("protocol", "icmp")
        values.setdefault("timeout_s", TIMEOUT_S)
        values.setdefault("grace_s", GRACE_S)
        if values["protocol"] == "icmp":
            values.pop("port", None)
        first, last = values.get("first_ttl", 1), values.get("max_ttl", 30)
        values["first_ttl"] = min(first, last)
        if self._files:
            values["file"] = self._files[0]  # that there is one: who may not read files looks there
        return {**values, "action": "trace", "targets": names, "files": self._files, "as_mtr": True}

    def _take(self, letter: str, value: str) -> None:
        values = self._values
        if letter in _LAYOUTS:
            values["layout"] = _LAYOUTS[letter]
            if letter == "w":
                values["wide"] = True
        elif letter in _SWITCHES:
            values |= _SWITCHES[letter]
        elif letter in ("u", "T", "S"):
            if values.get("protocol") is not None:
                raise Wrong("-u , -T and -S are mutually exclusive")
            if letter == "S":
                raise Wrong("Packet type unsupported: Operation not supported")
            values["protocol"] = {"u": "udp", "T": "tcp"}[letter]
        elif letter == "h":
            raise AskedAsMtr(usage())
        elif letter == "v":
            from hopscope.views.report.mtr import VERSION

            raise AskedAsMtr(f"mtr {VERSION}\n")
        elif letter == "F":
            self._files.append(value)
        else:
            _VALUES[letter](self, value)

    def _interval(self, value: str) -> None:
        seconds = _positive(value)
        # mtr keeps intervals below a second for root; here everybody may ask for them.
        self._values["interval_s"] = min(max(seconds, 0.01), 86_400.0)

    def _set(self, name: str, value: Any) -> None:
        self._values[name] = value

    def _fields(self, value: str) -> None:
        if len(value) > _MOST_FIELDS:
            raise Wrong(f"Too many fields: {value}")
        for letter in value:
            if letter not in _FIELDS:
                raise Wrong(f"Unknown field identifier: {letter}")
        self._values["fields"] = value

    def _ipinfo(self, value: str) -> None:
        number = _whole(value)
        if number > 4:
            raise Wrong(f"value {number} out of range (0 - 4)")
        self._values |= {"ipinfo": number, "owners": True}

    def _display_mode(self, value: str) -> None:
        if _whole(value) > 2:
            raise Wrong(f"value out of range (0 - 2): {value}")

    def _size(self, value: str) -> None:
        number = _whole(value)
        if number > 65_535:
            raise Wrong("mtr-packet reported invalid argument")
        self._values["packet_size"] = number

    def _port(self, name: str, least: int, value: str) -> None:
        number = _whole(value)
        if not least <= number <= 65_535:
            raise Wrong(f"Illegal port number: {number}")
        self._values[name] = number


_SWITCHES: Final[dict[str, Values]] = {
    "4": {"family": 4},
    "6": {"family": 6},
    "n": {"dns": False},
    "b": {"show_ips": True},
    "z": {"owners": True, "ipinfo": 0},
    "e": {"mpls": True},
}


def _clamped(name: str, low: int, high: int) -> Callable[[_Reader, str], None]:
    return lambda reader, value: reader._set(name, min(max(_whole(value), low), high))


_VALUES: Final[dict[str, Callable[[_Reader, str], None]]] = {
    "i": _Reader._interval,
    "c": lambda reader, value: reader._set("rounds", _whole(value)),
    "s": _Reader._size,
    "B": lambda reader, value: reader._set("pattern", _whole(value)),
    "G": lambda reader, value: reader._set("grace_s", min(_positive(value), 86_400.0)),
    "Q": lambda reader, value: reader._set("tos", number if (number := _whole(value)) <= 255 else 0),
    "I": lambda reader, value: reader._set("interface", value),
    "a": lambda reader, value: reader._set("source", value),
    "f": _clamped("first_ttl", 1, 255),
    "m": _clamped("max_ttl", 1, 255),
    "U": _clamped("max_unknown", 1, 255),
    "o": _Reader._fields,
    "P": lambda reader, value: reader._port("port", 1, value),
    "L": lambda reader, value: reader._port("local_port", 1024, value),
    "Z": lambda reader, value: reader._set("timeout_s", min(max(float(_whole(value)), 0.001), 60.0)),
    "y": _Reader._ipinfo,
    "M": lambda reader, value: reader._set("mark", _whole(value, 2**32 - 2)),
    "": _Reader._display_mode,
}
"""Options with values, by letter; ``--displaymode`` has none."""


def targets_of(values: Values) -> list[str]:
    """The names in the files, then those on the command line; without any the local host. Raises `Wrong`."""
    return [name for file in values["files"] for name in _names_in(file)] + values["targets"] or ["localhost"]


def _names_in(file: str) -> list[str]:
    """Host names, one a line, as mtr reads them."""
    from hopscope.cli.config import MAX_FILE
    from hopscope.system.files import Unreadable, read_given

    try:
        lines = read_given(file, MAX_FILE).decode("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        raise Wrong(f"open {file}: No such file or directory") from None
    except Unreadable as error:
        raise Wrong(f"open {file}: {error}") from None
    return [line.strip() for line in lines]


def _whole(word: str, largest: int = _LARGEST) -> int:
    """strtoul(3) in base 10, all of the word, and no more than fits."""
    if re.fullmatch(r"\s*\+?\d+", word, re.ASCII) is None:
        _invalid(word)
    number = int(word)
    if number >= 2**64:
        _invalid(word, ": Numerical result out of range")
    return number if number <= largest else _invalid(word)


def _positive(word: str) -> float:
    """strtod(3), all of the word, above 0."""
    text = word.strip()
    try:
        number = float.fromhex(text) if re.match(r"[+-]?0[xX]", text) else float(text)
    except (ValueError, OverflowError):
        _invalid(word)
    if math.isnan(number) or "_" in word or word != word.rstrip():
        _invalid(word)
    if number <= 0:
        raise Wrong("wait time must be positive")
    return number


def _invalid(word: str, why: str = "") -> NoReturn:
    raise Wrong(f"invalid argument: '{word}'{why}")


def _getopt(words: Sequence[str], names: list[str]) -> Iterator[tuple[str, str]]:
    """Each option's letter (``--displaymode`` has none) with its value, in order; `names` gets what is no option."""
    rest = iter(words)
    for word in rest:
        if word == "--":
            names.extend(rest)
        elif word.startswith("--"):
            yield _long(word, rest)
        elif word.startswith("-") and len(word) > 1:
            yield from _letters(word[1:], rest)
        else:
            names.append(word)
            if "POSIXLY_CORRECT" in os.environ:
                names.extend(rest)


def _letters(letters: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    known = {letter for letter in MTR_LONG.values() if letter}
    for place, letter in enumerate(letters):
        if letter not in known:
            raise Wrong(f"invalid option -- '{letter}'", usage=True)
        if letter not in _SHORT_VALUES:
            yield letter, ""
            continue
        value = letters[place + 1 :] or next(rest, None)
        if value is None:
            raise Wrong(f"option requires an argument -- '{letter}'", usage=True)
        yield letter, value
        return


def _long(word: str, rest: Iterator[str]) -> tuple[str, str]:
    name, equals, value = word[2:].partition("=")
    found = [name] if name in MTR_LONG else [known for known in MTR_LONG if known.startswith(name)]
    if not found:
        raise Wrong(f"unrecognized option '{word}'", usage=True)
    if len(found) > 1:
        could_be = " ".join(f"'--{known}'" for known in found)
        raise Wrong(f"option '{word}' is ambiguous; possibilities: {could_be}", usage=True)
    letter = MTR_LONG[found[0]]
    if letter and letter not in _SHORT_VALUES:
        if equals:
            raise Wrong(f"option '--{found[0]}' doesn't allow an argument", usage=True)
        return letter, ""
    if not equals:
        following = next(rest, None)
        if following is None:
            raise Wrong(f"option '--{found[0]}' requires an argument", usage=True)
        value = following
    return letter, value


__all__ = ["AskedAsMtr", "Wrong", "read", "targets_of", "usage"]
