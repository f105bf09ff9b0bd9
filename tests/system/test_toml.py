"""TOML of a stranger: bounded time, one line for whatever is wrong."""

from __future__ import annotations

import time
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hopscope.system.toml import MOST_PARTS, NoToml, loads

BOMBS = {
    "a number of 5,000 digits": "a = " + "9" * 5000,
    "a negative one": "a = -" + "9" * 5000,
    "a number of 100,000 hex digits": "a = 0x" + "f" * 100_000,
    "one in a list": "a = [1, 0x" + "f" * 100_000 + "]",
    "one in a table in a list": "a = [{b = 0b" + "1" * 100_000 + "}]",
    "2 to the 63rd": "a = 9223372036854775808",
    "a key of 50,000 parts": "a" + ".a" * 50_000 + " = 1",
    "a head of 50,000 parts": "[" + "a." * 50_000 + "a]",
    "a head of a list's table": "[[ " + "a . " * 50_000 + "a ]]",
    "quoted parts": '"a"' + '. "a"' * 50_000 + " = 1",
    "literal parts": "'a'" + ".'a'" * 50_000 + " = 1",
    "parts within a table": "x = {a = 1, b" + ".b" * 50_000 + " = 1}",
    "many long keys": "\n".join(f"k{n}" + ".a" * 500 + " = 1" for n in range(1000)),
    "lists in lists": "a = " + "[" * 100_000,
    "lists that are closed": "a = " + "[" * 400 + "]" * 400,
    "tables in tables": "a = " + "{a=" * 50_000,
    "heads that go deep": "\n".join(f"[{'.'.join(['a'] * n)}]" for n in range(1, 400)),
    "a NUL": "a = 1\0",
    "no such day": "a = 2021-02-30",
    "nothing": "=",
    "an open string": 'a = "' + "b" * 100_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_one_short_line_and_no_wait(name: str) -> None:
    began = time.process_time()
    with pytest.raises(NoToml) as caught:
        loads(BOMBS[name])
    assert time.process_time() - began < 2
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_dearest_text_that_is_taken_is_read_in_seconds() -> None:
    """A megabyte of the longest keys that are allowed."""
    key = ".".join("a" * (MOST_PARTS - 1))
    text = "\n".join(f"k{n}.{key} = 1" for n in range((1 << 20) // (2 * MOST_PARTS + 8)))
    began = time.process_time()
    loads(text)
    assert time.process_time() - began < 10


def test_what_looks_like_a_long_key_within_a_string_is_none() -> None:
    name = ".".join("0" * 32) + ".ip6.arpa"
    assert loads(f'a = "{name}"\nb = ["{name}", "x, {name}"]') == {"a": name, "b": [name, f"x, {name}"]}


@given(st.text(alphabet="a1.=[]{}\"'\n, -_#\\tx", max_size=60))
@settings(max_examples=500, deadline=None)
def test_it_says_what_tomllib_says(text: str) -> None:
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(NoToml):
            loads(text)
    else:
        assert loads(text) == expected
