"""Whatever a router calls itself: each format, parsed back by a parser that is not ours, gives the cleaned name
unchanged, and nothing else has moved."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hopscope.names.clean import clean
from hopscope.names.facts import AddressInfo, Asn
from hopscope.session.events import ProbeEvent
from hopscope.views.report.document import Style
from hopscope.views.report.formats import render
from hopscope.views.report.markdown import text
from hopscope.views.report.mtr_raw import MtrRaw
from hopscope.views.report.stream import Ndjson
from tests.report import sample

HOSTILE = [
    "plain.example.net",
    "a,b;c\td",
    'say "hello"',
    "it's",
    "<script>alert(1)</script>",
    "</td></tr></table><img src=x onerror=alert(1)>",
    "&amp;&lt;&#60;",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2",
    "@SUM(A1)",
    "a|b\\|c\\",
    "`code` ``two``",
    "[link](http://example.org)",
    "![image](http://example.org/x.png)",
    "http://example.org/ www.example.org user@example.org",
    "**bold** _it_ ~~no~~ # head",
    "]]> <!-- --> <?x?>",
    "\x1b[31mred\x1b]0;title\x07",
    "line\nbreak\r\nand more",
    "\u202egnp.exe\u2066",
    "zero\u200bwidth",
    "\udc80surrogate",
    "nul\x00byte",
    "名前.例え",
    "é" * 300,
    " leading and trailing ",
    "}} {{ %s %d {0}",
    "\\n \\u0041 \\",
    "???",
]


def _named(name: str) -> dict[str, AddressInfo]:
    cleaned = clean(name)
    return {**sample.NAMES, "198.51.100.7": AddressInfo(cleaned, True, (Asn(64666, cleaned, None, None),))}


def _harmless(name: str) -> str:
    return name.removeprefix("'") if name[1:2] in ("=", "+", "-", "@") else name


def _both(name: str, format_name: str, style: Style | None = None) -> tuple[str, str, str]:
    """The hostile report, the same with a tame name, and the cleaned name."""
    hostile = render(sample.document(sample.target(_named(name)), style=style), format_name)
    tame = render(sample.document(sample.target(_named("tame")), style=style), format_name)
    return hostile, tame, clean(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_json_gives_the_name_back(name: str) -> None:
    hostile, tame, cleaned = _both(name, "json")
    theirs, ours = json.loads(tame), json.loads(hostile)
    node = ours["hops"][4]["nodes"][0]
    assert node["hostname"] == cleaned
    assert node["asn"]["name"] == cleaned
    node["hostname"] = node["asn"]["name"] = "tame"
    assert ours == theirs


@pytest.mark.parametrize("name", HOSTILE)
def test_mtrs_json_gives_the_name_back(name: str) -> None:
    hostile, tame, cleaned = _both(name, "mtr-json")
    ours, theirs = json.loads(hostile), json.loads(tame)
    assert ours["report"]["hubs"][4]["host"] == cleaned
    ours["report"]["hubs"][4]["host"] = "tame"
    assert ours == theirs


@pytest.mark.parametrize("name", HOSTILE)
def test_mtrs_xml_gives_the_name_back(name: str) -> None:
    hostile, tame, cleaned = _both(name, "mtr-xml")
    ours, theirs = ElementTree.fromstring(hostile), ElementTree.fromstring(tame)
    assert ours[4].get("HOST") == cleaned
    ours[4].set("HOST", "tame")
    assert ElementTree.tostring(ours) == ElementTree.tostring(theirs)


@pytest.mark.parametrize("format_name", ["csv", "mtr-csv"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_csv_gives_the_name_back_and_no_cell_is_a_formula(name: str, format_name: str) -> None:
    hostile, tame, cleaned = _both(name, format_name)
    ours = list(csv.reader(io.StringIO(hostile, newline="")))
    theirs = list(csv.reader(io.StringIO(tame, newline="")))
    for row, expected in zip(ours, theirs, strict=True):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
        assert [cell if there != "tame" else there for cell, there in zip(row, expected, strict=True)] == expected
    places = [place for place, cell in enumerate(theirs[5]) if cell == "tame"]
    assert places
    assert {_harmless(ours[5][place]) for place in places} == {cleaned}


class _Cells(HTMLParser):
    """A page's texts, and the tags in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", ()))
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def _parsed(page: str) -> _Cells:
    cells = _Cells()
    cells.feed(page)
    cells.close()
    return cells


@pytest.mark.parametrize("name", HOSTILE)
def test_html_gives_the_name_back_and_has_the_same_tags(name: str) -> None:
    hostile, tame, cleaned = _both(name, "html")
    ours, theirs = _parsed(hostile), _parsed(tame)
    assert ours.tags == theirs.tags
    changed = [(mine, other) for mine, other in zip(ours.texts, theirs.texts, strict=True) if mine != other]
    assert {mine for mine, _ in changed} <= {cleaned, f"AS64666 {cleaned}"}
    assert cleaned in ours.texts


@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_gives_the_name_back_and_has_the_same_structure(name: str) -> None:
    hostile, tame, cleaned = _both(name, "markdown")
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    ours, theirs = (_parsed(reader.render(text)) for text in (hostile, tame))
    assert ours.tags == theirs.tags
    changed = {mine for mine, other in zip(ours.texts, theirs.texts, strict=True) if mine != other}
    # A table's cell begins and ends without spaces, whoever reads it.
    host = f"{cleaned} (198.51.100.7)".strip()
    assert changed <= {host, f"AS64666 {cleaned}".strip()}
    assert host in ours.texts


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("fd00:bad::1", None),
        ("Nothing comes back from behind fd00:bad::1.", None),
        ("between fd00:bad::1 (2001:db8::b) and ::ffff:192.0.2.1: loss", None),
        ("fe80::bad:1%eth*0", "fe80::bad:1%eth&#42;0"),
        ("2001:db8:b:100::1", "2001:db8&#58;b&#58;100::1"),  # GitHub has pictures of these names
        ("fd00:bad::1:smile: http://fd00:bad::x", "fd00:bad::1&#58;smile: http&#58;//fd00&#58;bad:&#58;x"),
        ("mailto:bad::1", "mailto&#58;bad::1"),
    ],
)
def test_markdown_writes_an_address_in_a_sentence_as_in_a_cell_and_nothing_else_so(
    words: str, written: str | None
) -> None:
    assert text(words) == (words if written is None else written)
    assert "".join(_parsed(MarkdownIt("commonmark").render(text(words))).texts).strip() == words


@pytest.mark.parametrize("format_name", ["text", "wide"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_report_has_the_same_lines(name: str, format_name: str) -> None:
    hostile, tame, cleaned = _both(name, format_name)
    ours, theirs = hostile.split("\n"), tame.split("\n")
    assert len(ours) == len(theirs)
    assert [line for line in ours if "|--" in line and line.isprintable()] == [line for line in ours if "|--" in line]
    if format_name == "wide":
        assert any(line.startswith(f"  5.|-- {cleaned}") for line in ours)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_stream_keeps_a_line_a_line(name: str) -> None:
    cleaned = clean(name)
    event = ProbeEvent(
        target=cleaned, round=0, ttl=1, sent_at="2026-11-23T15:02:00.000000+00:00", outcome="answered", rtt_ms=1.0,
        address="192.0.2.1", kind="time-exceeded",
    )  # fmt: skip
    line = Ndjson().event(event)
    assert line.count("\n") == 1
    assert json.loads(line)["target"] == cleaned
    raw = MtrRaw(Style(), lambda _address: cleaned).event(event)
    assert raw.splitlines() == ["x 0 33000", *["h 0 192.0.2.1"] * 2, f"d 0 {cleaned}", "p 0 1000 33000"]


@given(st.text(max_size=40))
def test_no_name_at_all_moves_a_cell(name: str) -> None:
    cleaned = clean(name)
    for format_name in ("csv", "mtr-csv"):
        hostile, tame, _ = _both(name, format_name)
        assert [len(row) for row in csv.reader(io.StringIO(hostile, newline=""))] == [
            len(row) for row in csv.reader(io.StringIO(tame, newline=""))
        ]
    assert ElementTree.fromstring(render(sample.document(sample.target(_named(name))), "mtr-xml"))[4].get("HOST") == (
        cleaned or ""
    )
    assert _parsed(_both(name, "html")[0]).tags == _parsed(_both(name, "html")[1]).tags


def test_a_hostile_query_is_as_harmless_as_a_hostile_name() -> None:
    query = clean('"><script>=1,2')
    document = sample.document(msgspec.structs.replace(sample.target(), query=query), host=query)
    assert ElementTree.fromstring(render(document, "mtr-xml")).get("DST") == query
    assert json.loads(render(document, "mtr-json"))["report"]["mtr"]["src"] == query
    assert "<script>" not in render(document, "html")
    assert next(csv.DictReader(io.StringIO(render(document, "csv"), newline="")))["target"] == query


@pytest.mark.parametrize("zone", ["a|b", "<img>", "[x](y:z)", "`x`", "*x*"])
def test_an_interfaces_name_is_no_markup(zone: str) -> None:
    """Whoever may name one may call it almost anything; it stands behind an address that is one."""
    (inline,) = MarkdownIt().parseInline(text(f"fe80::1%{zone}"))
    assert inline.children is not None
    assert {token.type for token in inline.children} == {"text"}
    assert "".join(token.content for token in inline.children) == f"fe80::1%{zone}"
