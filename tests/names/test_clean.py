"""The door for strangers' strings."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from hopscope.names.clean import LIMIT, clean


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ae1.core2.example.net",
        "xn--bcher-kva.example",
        "[bold]not markup here[/red]",
        "[@click=app.quit]x[/]",
        "AS64500 EXAMPLE, NL",
        "a\\x1b is spelled out",
        "Zürich",
        "日本",
        "München Süd",
        "ไทย",
        "z\u0335\u0301",
    ],
)
def test_a_harmless_text_comes_back_as_it_is(text: str) -> None:
    assert clean(text) == text


def test_plain_ascii_is_the_very_same_object() -> None:
    text = "".join(("core1", ".example.net"))
    assert clean(text) is text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;PWNED\x07", "\\x1b]0;PWNED\\x07"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x1b]8;;http://evil\x1b\\X", "\\x1b]8;;http://evil\\x1b\\X"),
        ("\x9b31m", "\\x9b31m"),
        ("\x9d0;x\x9c", "\\x9d0;x\\x9c"),
        ("a\x00b\x7f", "a\\x00b\\x7f"),
        ("a\r\n\tb", "a\\x0d\\x0a\\x09b"),
        ("evil\u202egro.elpmaxe", "evil\\u202egro.elpmaxe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("zero\u200bwidth\u200d\ufeff", "zero\\u200bwidth\\u200d\\ufeff"),
        ("lines\u2028\u2029", "lines\\u2028\\u2029"),
        ("\udc80", "\\udc80"),
        ("\ue000", "\\ue000"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("vs\ufe0f\U000e0100", "vs\\ufe0f\\U000e0100"),
        ("filler\u3164\u115f\uffa0\u2800", "filler\\u3164\\u115f\\uffa0\\u2800"),
        ("no\u00a0break\u3000wide", "no\\xa0break\\u3000wide"),
        ("soft\u00adhyphen", "soft\\xadhyphen"),
        ("joiner\u034f", "joiner\\u034f"),
        ("unassigned\u0378", "unassigned\\u0378"),
        ("\u0301first", "\\u0301first"),
        ("\u05e9\u05dc\u05d5\u05dd", "\\u05e9\\u05dc\\u05d5\\u05dd"),
        ("AS\u0627\u0644 1", "AS\\u0627\\u0644 1"),
        ("\u0661\u0662", "\\u0661\\u0662"),
        ("\ufdfd", "\\ufdfd"),
        ("\u2e3b\u2e3a", "\\u2e3b\\u2e3a"),
        ("\u0915\u094d\u0915", "\u0915\\u094d\u0915"),
        ("\u0915\u093f", "\u0915\\u093f"),
        ("\U0001f1e9\U0001f1ea", "\\U0001f1e9\\U0001f1ea"),
        ("\U0001f44d\U0001f3fd", "\U0001f44d\\U0001f3fd"),
        ("a\u0301\u0302\u0303\u0304b", "a\u0301\u0302\\u0303\\u0304b"),
        ("\u1100\u1161\u11a8\u11a8", "\u1100\u1161\u11a8\\u11a8"),
    ],
)
def test_what_could_do_harm_becomes_a_visible_escape(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_bytes_are_read_as_utf_8_and_the_others_are_shown() -> None:
    assert clean(b"core1.example.net") == "core1.example.net"
    assert clean("Zürich".encode()) == "Zürich"
    assert clean(b"\xff\x1bx\xc3") == "\\xff\\x1bx\\xc3"


def test_a_long_text_is_cut_and_says_so() -> None:
    assert clean("a" * LIMIT) == "a" * LIMIT
    assert clean("a" * (LIMIT + 1)) == "a" * (LIMIT - 1) + "…"
    assert clean(b"a" * 10_000_000) == "a" * (LIMIT - 1) + "…"
    assert clean("é" * 300, 10) == "é" * 9 + "…"


def test_an_escape_is_never_cut_in_two() -> None:
    assert clean("\x1b" * 100, 10) == "\\x1b\\x1b…"
    assert clean("\x1b" * 100, 1) == "…"


ODD = st.text(
    st.one_of(
        st.characters(codec=None),
        st.sampled_from("\x1b\x9b\u202e\u200b\u0301\u0302\u3164\ufe0f\U000e0041\u1161\udc80 a[]\\"),
    ),
    max_size=300,
)


@pytest.mark.parametrize(
    "text",
    ["ก็ไทย", "日本語", "e\u0301a", "\u1112\u1161\u11ab", "👍🏽", "🇩🇪", "⸻", "क्क्क्क्क", "ﷺ", "﷽", "שלום", "ಕ್ಷಿ", "𑜞", "〮"],
)
def test_a_text_takes_as_many_cells_as_its_characters_one_by_one(text: str) -> None:
    def cells(char: str) -> int:
        if unicodedata.category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff":
            return 0
        return 2 if unicodedata.east_asian_width(char) in "WF" else 1

    shown = clean(f"a{text}b")
    assert cell_len(shown) == sum(map(cells, shown))


@given(st.one_of(ODD, st.binary(max_size=1200)), st.integers(1, 300))
def test_what_comes_out_is_safe_bounded_and_stays_so(text: str | bytes, limit: int) -> None:
    shown = clean(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    assert clean(shown, limit) == shown
    marks = 0
    for i, char in enumerate(shown):
        assert unicodedata.bidirectional(char) not in {"R", "AL", "AN"}
        assert unicodedata.category(char) not in {"Mc", "Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        marks = marks + 1 if unicodedata.category(char)[0] == "M" else 0
        assert marks <= 2
        assert i or not marks
    shown.encode()  # no lone surrogate is left
