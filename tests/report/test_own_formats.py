"""Our own formats of a fixed path: golden bytes, schemas, and what each promises."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import jsonschema
import msgspec
import pytest

from hopscope.names.facts import AddressInfo
from hopscope.views import schemas
from hopscope.views.privacy import masked
from hopscope.views.report import svg, table_csv
from hopscope.views.report.document import Style
from hopscope.views.report.formats import BY_SUFFIX, FORMATS, MTR, STREAMS, render
from hopscope.wire.messages import SourceChanged
from tests.report import golden, sample, schema_maker

_CHECKER = jsonschema.Draft202012Validator.FORMAT_CHECKER


def _valid(data: object, name: str) -> None:
    jsonschema.Draft202012Validator(schemas.schema(name), format_checker=_CHECKER).validate(data)


@pytest.mark.parametrize("name", ["json", "csv", "markdown", "html"])
def test_a_fixed_path_is_printed_as_ever(name: str) -> None:
    document = sample.document(sample.target(), sample.unfinished_target(), style=Style(names="both"))
    golden.check(f"{name}-two.{FORMATS[name].suffix}", render(document, name))


@pytest.mark.parametrize("name", schemas.NAMES)
def test_the_shipped_schema_is_that_of_what_is_encoded(name: str) -> None:
    assert schemas.schema(name) == schema_maker.make(name)
    jsonschema.Draft202012Validator.check_schema(schemas.schema(name))


def test_a_files_ending_asks_for_one_format_that_can_be_printed_at_once() -> None:
    assert len([format_ for format_ in FORMATS.values() if format_.is_suffixs]) == len(BY_SUFFIX)
    assert not STREAMS & {format_.name for format_ in BY_SUFFIX.values()}


def test_a_report_holds_to_its_schema_and_to_the_contract() -> None:
    report = json.loads(render(sample.document(), "json"))
    _valid(report, "report")
    assert report["schema"] == "hopscope.report/1"
    silent = report["hops"][1]
    assert silent["nodes"] == []
    assert silent["loss_pct"] == 100.0
    assert silent["rtt_ms"] is None
    assert silent["jitter_ms"] is None
    for hop in report["hops"]:
        assert hop["sent"] == sum(hop[fate] for fate in ("received", "lost", "late", "pending", "failed"))


def test_several_reports_hold_to_the_schema() -> None:
    many = json.loads(render(sample.document(sample.target(), sample.silent_target(), sample.refused_target()), "json"))
    _valid(many, "report")
    assert many["schema"] == "hopscope.reports/1"
    assert [one["target"]["query"] for one in many["reports"]] == ["www.example.com", "192.0.2.99", "192.0.2.97"]


@pytest.mark.parametrize("broken", [{"loss_pct": 101}, {"sent": -1}, {"ttl": "1"}, {"nodes": None}])
def test_the_schema_refuses_what_no_report_says(broken: dict[str, object]) -> None:
    report = json.loads(render(sample.document(), "json"))
    report["hops"][0] |= broken
    with pytest.raises(jsonschema.ValidationError):
        _valid(report, "report")


@pytest.mark.parametrize("style", [Style(), Style(owners=True, fields="LSR DNABWVGJMXI")])
def test_mtrs_json_holds_to_its_schema(style: Style) -> None:
    _valid(json.loads(render(sample.document(style=style), "mtr-json")), "mtr")


def test_the_table_is_tidy_and_its_heads_name_the_units() -> None:
    text = render(sample.document(sample.target(), sample.unfinished_target()), "csv")
    assert text.count("\r\n") == text.count("\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 10
    assert list(rows[0]) == [name for name, _cell in table_csv.COLUMNS]
    third = rows[2]
    assert third["addresses"] == "203.0.113.9 203.0.113.13"
    assert (third["asn"], third["loss_percent"], third["best_ms"]) == ("64500", "25.0", "8.0")
    assert (rows[1]["best_ms"], rows[1]["addresses"], rows[1]["loss_percent"]) == ("", "", "100.0")
    for name in rows[0]:
        if name.rsplit("_", 1)[0] in ("last", "best", "avg", "worst", "stddev", "median", "p95", "p99"):
            assert name.endswith("_ms")


class _Page(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_asks_nothing_of_anyone_and_runs_nothing() -> None:
    text = render(sample.document(), "html")
    page = _Page()
    page.feed(text)
    names = {tag for tag, _ in page.tags}
    assert names.isdisjoint({"script", "img", "link", "iframe", "object", "embed", "a", "form", "base", "use", "image"})
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("src", "href", "xlink:href", "action") for name in attributes)
        if tag == "meta" and attributes.get("http-equiv"):
            assert "default-src 'none'" in (attributes["content"] or "")
    assert "url(" not in text
    assert "@import" not in text
    assert "@media print" in text


def test_the_page_shows_each_hop_and_both_charts() -> None:
    page = _Page()
    page.feed(render(sample.document(), "html"))
    words = " ".join(page.text)
    for word in ("gateway.lan", "ae2.core2.example.net", "AS64502 EXAMPLE-WWW", "MPLS 24011", "64 bytes", "???"):
        assert word in words
    assert len([tag for tag, attributes in page.tags if tag == "svg" and attributes.get("class") == "chart"]) == 2


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_a_report_says_when_this_computers_address_changed_and_from_which(name: str) -> None:
    change = SourceChanged(1, sample.START + sample.SECOND, "10.0.0.1", "192.168.1.23")
    moved = msgspec.structs.replace(sample.short_target(), source_change=change)
    words = "(192.168.1.23 since 2026-11-23 15:02:01 UTC, 10.0.0.1 before)"
    assert words in render(sample.document(moved), name)
    assert "10.0.0.1" not in render(sample.document(masked(moved, 1)), name)


def test_charts_are_well_formed_and_mark_each_loss() -> None:
    path = sample.target().path
    third = path.hops[2]
    chart = ElementTree.fromstring(svg.over_time(path, third))
    assert len([part for part in chart if part.get("class") == "lost"]) == 1
    ElementTree.fromstring(svg.along_path(path.hops))
    ElementTree.fromstring(svg.spark(third))
    assert "nan" not in svg.over_time(path, path.hops[1]).lower()


@pytest.mark.parametrize(("top", "axis"), [(0.03, 0.05), (1, 1), (1.2, 2), (120, 200), (999, 1000), (0, 1)])
def test_an_axis_ends_at_a_round_number(top: float, axis: float) -> None:
    assert svg.nice(top) == pytest.approx(axis)


def test_markdown_says_the_verdict_and_has_a_row_for_each_address() -> None:
    lines = render(sample.document(), "markdown").splitlines()
    assert lines[0].startswith("# Path to ")
    assert len([line for line in lines if line.startswith("| ")]) == 2 + 7
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


CLAIMED = {
    **sample.NAMES,
    "198.51.100.7": AddressInfo("edge.example.org", False),
    "198.51.100.3": AddressInfo("gw.example.org", True),
}


def test_each_format_of_our_own_says_whether_a_name_leads_back_and_shows_the_address_beside_it() -> None:
    document = sample.document(sample.target(CLAIMED))
    nodes = {node["address"]: node for hop in json.loads(render(document, "json"))["hops"] for node in hop["nodes"]}
    assert (nodes["198.51.100.7"]["verified"], nodes["198.51.100.3"]["verified"]) == (False, True)
    assert nodes["192.168.1.1"]["verified"] is None
    rows = list(csv.DictReader(io.StringIO(render(document, "csv"), newline="")))
    assert [row["hostname_verified"] for row in rows] == ["", "", "true", "true", "false", "true"]
    lines = render(document, "markdown").splitlines()
    assert [line.split("|")[1].strip() for line in lines if "name unverified" in line] == ["5"]
    assert any("edge.example.org (198.51.100.7), name unverified" in line for line in lines)
    assert any("gw.example.org (198.51.100.3) |" in line for line in lines)
    page = _Page()
    page.feed(render(document, "html"))
    assert [text for text in page.text if "unverified" in text] == ["198.51.100.7, name unverified"]
    for address, facts in CLAIMED.items():
        at = page.text.index(facts.hostname or address)
        assert page.text[at + bool(facts.hostname)].startswith(address)


@pytest.mark.parametrize("name", sorted(MTR - set(STREAMS)))
def test_mtrs_layouts_stay_mtrs_whether_a_name_leads_back_or_not(name: str) -> None:
    honest = {address: msgspec.structs.replace(facts, verified=True) for address, facts in CLAIMED.items()}
    assert render(sample.document(sample.target(CLAIMED)), name) == render(sample.document(sample.target(honest)), name)


def test_without_names_no_name_stands_anywhere_and_nothing_is_marked() -> None:
    for name in ("markdown", "html"):
        text = render(sample.document(sample.target(CLAIMED), style=Style(names="addresses")), name)
        assert "edge.example.org" not in text
        assert "unverified" not in text


def test_a_target_that_was_refused_says_why() -> None:
    for name in ("markdown", "html"):
        assert "raw sockets need a privilege" in render(sample.document(sample.refused_target()), name)


def test_an_empty_path_prints_in_every_format() -> None:
    empty = sample.document(sample.refused_target())
    for name in FORMATS:
        if name not in STREAMS:
            assert isinstance(render(empty, name), str)


def test_thirty_hops_are_thirty_rows() -> None:
    target = sample.target()
    hops = tuple(msgspec.structs.replace(target.path.hops[2], ttl=ttl) for ttl in range(1, 31))
    long = msgspec.structs.replace(target, path=msgspec.structs.replace(target.path, hops=hops))
    text = render(sample.document(long), "html")
    assert len(re.findall("<tr>", text)) == 31
