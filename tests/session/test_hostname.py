"""A host's name is what a browser and the system's resolver would ask for, and never another host's in silence."""

from __future__ import annotations

import pytest

from hopscope.session.hostname import ascii_name

# libidn2, which glibc's getaddrinfo asks, gives the same for each.
NAMES = [
    ("example.net", "example.net"),
    ("straße.example", "xn--strae-oqa.example"),
    ("STRAßE.example", "xn--strae-oqa.example"),
    ("fa\u00df.de", "xn--fa-hia.de"),
    ("βόλος.example", "xn--nxasmm1c.example"),
    ("ΒΌΛΟΣ.example", "xn--nxasmq6b.example"),  # a capital sigma is not the final one
    ("Bücher.example", "xn--bcher-kva.example"),
    ("bu\u0308cher.example", "xn--bcher-kva.example"),
    ("نامه\u200cای.example", "xn--mgba3gch31f060k.example"),
    ("क्\u200dष.example", "xn--11b2ezcw70k.example"),
    ("日本語。ＪＰ", "xn--wgv71a119e.jp"),
    ("_dmarc.straße.example", "_dmarc.xn--strae-oqa.example"),
    ("soft\u00adhyphen.example", "softhyphen.example"),
    ("ü.", "xn--tda."),
]


@pytest.mark.parametrize(("typed", "name"), NAMES)
def test_other_letters_follow_uts_46_as_browsers_do(typed: str, name: str) -> None:
    assert ascii_name(typed) == name


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("upper..example", "two dots in a row"),
        ("ü..example", "two dots in a row"),
        (".example", "one in front"),
        ("a" * 64 + ".example", "has 64 bytes; at most 63"),
        ("ü" * 63 + ".example", "at most 63"),
        (".".join(["abcdefgh"] * 30), "at most 253"),
        ("b\udce4.example", "byte 0xe4 is no text"),
        ("bad\x07name", "U+0007"),
        ("two words", "U+0020"),
        ("e\u2026.example", "U+2026"),
        ("ab\u200d.example", "no name in any script"),
        ("\u0308a.example", "no name in any script"),
        ("1א.example", "no name in any script"),
        ("\ud800.example", "U+D800"),
    ],
)
def test_what_can_be_no_name_is_said_in_plain_words(typed: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("+", r"\+")) as raised:
        ascii_name(typed)
    assert not isinstance(raised.value, UnicodeError)
