"""Options are found in a command line as the C library finds them for mtr: its own getopt_long(3) is the judge."""

from __future__ import annotations

import ctypes
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopscope.cli import mtr_options
from hopscope.cli.abbreviations import MTR_LONG

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="getopt_long(3) is GNU's only on Linux")
_DISPLAY_MODE = 256


class _Option(ctypes.Structure):
    """struct option, getopt.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("has_arg", ctypes.c_int),
        ("flag", ctypes.c_void_p),
        ("val", ctypes.c_int),
    )


def _takes_value(letter: str) -> bool:
    return not letter or letter in mtr_options._SHORT_VALUES


_TABLE = (_Option * (len(MTR_LONG) + 1))(
    *(
        _Option(name.encode(), _takes_value(letter), None, ord(letter) if letter else _DISPLAY_MODE)
        for name, letter in MTR_LONG.items()
    ),
    _Option(None, 0, None, 0),
)
_SHORT = "".join(f"{letter}{':' if _takes_value(letter) else ''}" for letter in MTR_LONG.values() if letter).encode()
Found = tuple[list[tuple[str, str]], list[str] | None]
"""Options with their values; and what is none, or None where an option is wrong."""


def _theirs(words: list[str]) -> Found:
    libc = ctypes.CDLL(None)
    argument = ctypes.c_char_p.in_dll(libc, "optarg")
    index = ctypes.c_int.in_dll(libc, "optind")
    ctypes.c_int.in_dll(libc, "opterr").value = 0
    index.value = 0
    argv = (ctypes.c_char_p * (len(words) + 2))(b"mtr", *(word.encode() for word in words), None)
    options: list[tuple[str, str]] = []
    while (found := libc.getopt_long(len(words) + 1, argv, _SHORT, _TABLE, None)) != -1:
        if found == ord("?"):
            return options, None
        value = argument.value
        options.append(("" if found == _DISPLAY_MODE else chr(found), value.decode() if value is not None else ""))
    return options, [word.decode() for word in argv[index.value : len(words) + 1] if word is not None]


def _ours(words: list[str]) -> Found:
    names: list[str] = []
    options: list[tuple[str, str]] = []
    try:
        for option in mtr_options._getopt(words, names):
            options.append(option)
    except mtr_options.Wrong:
        return options, None
    return options, names


_LONG = st.builds(
    lambda name, length, value: f"--{name[:length]}{value}",
    st.sampled_from(sorted(MTR_LONG)), st.integers(0, 14), st.sampled_from(["", "", "=", "=5", "=a=b"]),
)  # fmt: skip
_LETTERS = st.text("rwxtlCjpnboyzicsBQeIafmUuTSPLZGM46hvgX-=1 ", min_size=1, max_size=4).map(lambda text: f"-{text}")
_WORDS = st.lists(st.one_of(_LONG, _LETTERS, st.sampled_from(["h", "", "-", "--", "127.0.0.1", "5"])), max_size=6)


@given(_WORDS)
def test_options_are_found_as_the_c_library_finds_them(words: list[str]) -> None:
    assert "POSIXLY_CORRECT" not in os.environ
    assert _ours(words) == _theirs(words)
