"""Readers of mtr's output as people write them, unchanged over ours: a fixed path, and mtr itself on the loopback."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from hopscope.views.report.document import Style
from hopscope.views.report.formats import render
from tests.report import sample
from tests.report.test_mtr_formats import _alone

Rows = list[tuple[int, str, float, int]]
"""Hop, host, loss, sent: what everybody reads."""


def read_json(text: str) -> Rows:
    """As exporters do."""
    report = json.loads(text)["report"]
    assert isinstance(report["mtr"]["tests"], int)
    return [(hub["count"], hub["host"], hub["Loss%"], hub["Snt"]) for hub in report["hubs"]]


def read_csv(text: str) -> Rows:
    """By the heads, as with DictReader; the trailing comma makes an empty head that nobody asks for."""
    return [
        (int(row["Hop"]), row["Ip"], float(row["Loss%"]), int(row["Snt"])) for row in csv.DictReader(io.StringIO(text))
    ]


def read_csv_by_commas(text: str) -> Rows:
    """By places in the line, as with cut or awk -F,."""
    lines = [line.split(",") for line in text.splitlines()[1:]]
    return [(int(cells[4]), cells[5], float(cells[6]), int(cells[7])) for cells in lines]


def read_xml(text: str) -> Rows:
    """By tags."""
    return [
        (
            int(hub.attrib["COUNT"]),
            hub.attrib["HOST"],
            float((hub.findtext("Loss") or "").strip().rstrip("%")),
            int(hub.findtext("Snt") or ""),
        )
        for hub in ElementTree.fromstring(text).findall("HUB")
    ]


def read_text(text: str) -> Rows:
    """By words, as with awk: everything behind the bars."""
    rows = []
    for line in text.splitlines():
        if ".|--" in line:
            number, _, rest = line.partition(".|--")
            words = rest.split()
            rows.append((int(number), words[0], float(words[-7].rstrip("%")), int(words[-6])))
    return rows


READERS: dict[str, tuple[str, Callable[[str], Rows]]] = {
    "json": ("-j", read_json),
    "csv": ("-C", read_csv),
    "csv by commas": ("-C", read_csv_by_commas),
    "xml": ("-x", read_xml),
    "text": ("-w", read_text),
}
_FORMATS = {"-j": "mtr-json", "-C": "mtr-csv", "-x": "mtr-xml", "-w": "wide"}


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_finds_each_hop(reader: str) -> None:
    flag, read = READERS[reader]
    rows = read(render(sample.document(style=Style(names="addresses")), _FORMATS[flag]))
    assert rows == [
        (1, "192.168.1.1", 0.0, 4),
        (2, "???", 100.0, 4),
        (3, "203.0.113.13", 25.0, 4),
        (4, "198.51.100.3", 0.0, 4),
        (5, "198.51.100.7", 0.0, 4),
        (6, "192.0.2.80", 0.0, 4),
    ]


@pytest.mark.needs("root", "ip", "mtr")
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_sees_no_difference_to_mtr(reader: str) -> None:
    flag, read = READERS[reader]
    words = ["-n", "-c", "2", "-i", "0.2", flag, "127.0.0.1"]
    theirs = read(_alone("mtr", "-G", "0.2", *words))
    ours = read(_alone(sys.executable, "-m", "hopscope", "--config", "", *words))
    assert ours == theirs == [(1, "127.0.0.1", 0.0, 2)]
