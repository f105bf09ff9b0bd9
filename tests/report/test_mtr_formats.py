"""mtr's layouts: golden bytes, and mtr itself on the loopback interface, its numbers taken out."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from hopscope.names.facts import Origin
from hopscope.views.report import mtr
from hopscope.views.report.document import Style
from hopscope.views.report.formats import render
from tests.report import golden, sample

_ALL = "LSR DNABWVGJMXI"


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("plain", Style()),
        ("addresses", Style(names="addresses")),
        ("both", Style(names="both")),
        ("owners-labels", Style(owners=True, mpls=True)),
        ("all-columns", Style(fields=_ALL)),
    ],
)
@pytest.mark.parametrize("format_name", ["text", "wide", "mtr-csv", "mtr-json", "mtr-xml"])
def test_a_fixed_path_is_printed_as_ever(format_name: str, name: str, style: Style) -> None:
    golden.check(f"{format_name}-{name}.txt", render(sample.document(style=style), format_name))


def test_several_targets_are_printed_one_after_the_other() -> None:
    for name in ("text", "mtr-csv", "mtr-json", "mtr-xml"):
        both = render(sample.document(sample.target(), sample.unfinished_target()), name)
        alone = [render(sample.document(one), name) for one in (sample.target(), sample.unfinished_target())]
        assert both == "".join(alone)


def test_a_path_where_nobody_answers_has_no_rows_as_with_mtr() -> None:
    silent = sample.document(sample.silent_target())
    assert json.loads(render(silent, "mtr-json"))["report"]["hubs"] == []
    assert render(silent, "mtr-csv") == ""
    assert len(render(silent, "text").splitlines()) == 2
    assert list(ElementTree.fromstring(render(silent, "mtr-xml"))) == []


def test_one_silent_hop_is_listed_beyond_the_last_that_answers_as_with_mtr() -> None:
    hubs = json.loads(render(sample.document(sample.unfinished_target()), "mtr-json"))["report"]["hubs"]
    assert [hub["host"] for hub in hubs] == ["192.168.1.1", "???"]


def test_every_address_has_a_row_in_the_wide_csv() -> None:
    rows = list(csv.reader(io.StringIO(render(sample.document(style=Style(wide=True)), "mtr-csv"))))
    third = [row for row in rows if row[4] == "3"]
    assert [row[5] for row in third] == ["ae2.core2.example.net", "ae1.core2.a-rather-long-name.example.net"]
    assert third[0][6:] == third[1][6:]


def test_loss_is_cut_to_thousandths_as_mtr_cuts_it() -> None:
    target = sample.target()
    third = target.path.hops[2]
    assert mtr.value(third, mtr.FIELDS["L"]) == 25.0
    fifth = target.path.hops[4]
    assert fifth.late == 1
    assert fifth.failed == 1
    assert mtr.value(fifth, mtr.FIELDS["L"]) == 0.0


def test_a_number_of_probes_is_never_cut_by_the_next_column() -> None:
    import msgspec

    target = sample.target()
    hop = msgspec.structs.replace(target.path.hops[0], sent=1_234_567, received=1_234_567)
    path = msgspec.structs.replace(target.path, hops=(hop,))
    text = render(sample.document(msgspec.structs.replace(target, path=path)), "text")
    assert " 1234567 " in text


def _alone(*command: str) -> str:
    """What a command prints in a network namespace that has nothing but the loopback: no question of it goes out."""
    inside = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
    environment = {**os.environ, "HOPSCOPE_OPTIONS": "", "MTR_OPTIONS": ""}
    done = subprocess.run(inside, capture_output=True, text=True, check=True, timeout=60, env=environment)
    assert done.stderr == ""
    return done.stdout


def _without_numbers(text: str, start: str = r"Start: \S+") -> str:
    text = re.sub(start, "Start", text)
    return re.sub(r"\d+\.\d+(?=[ %\n<,}]|$)", "#", text)


@pytest.mark.needs("root", "ip", "mtr")
@pytest.mark.parametrize(
    "flags",
    [
        ["-r"],
        ["-w"],
        ["-rz"],
        ["-wz"],
        ["-rb"],
        ["-wb"],
        ["-w", "-o", _ALL],
        ["-r", "-o", "L_S N"],
        ["-r", "-o", "SL"],
        ["-C"],
        ["-Cz"],
        ["-w", "-C"],
        ["-j"],
        ["-jz", "-o", _ALL],
        ["-x"],
        ["-x", "-Q", "8", "-B", "10", "-s", "100"],
    ],
)
def test_the_layout_is_that_of_mtr_itself(flags: list[str]) -> None:
    """Both trace the loopback address in the same way; what differs is the measured numbers, and nothing else."""
    words = [*flags, *([] if "-rb" in flags or "-wb" in flags else ["-n"]), "-c", "2", "-i", "0.2", "127.0.0.1"]
    theirs = _alone("mtr", "-G", "0.2", *words)
    ours = _alone(sys.executable, "-m", "hopscope", "--config", "", *words)

    def plain(text: str) -> str:
        return _without_numbers(re.sub(r"MTR\.0\.95,\d+", "MTR,time", text))

    numbers = re.compile(r" +#")
    assert numbers.sub(" #", plain(ours)) == numbers.sub(" #", plain(theirs))
    assert [len(line) for line in plain(ours).splitlines() if "|--" in line] == [
        len(line) for line in plain(theirs).splitlines() if "|--" in line
    ]


@pytest.mark.parametrize(
    ("number", "item"), [(0, "AS64500  "), (1, "203.0.113.0/24     "), (2, "NL  "), (3, "ripencc "), (4, "2014-03-14 ")]
)
@pytest.mark.parametrize("format_name", ["text", "wide"])
def test_what_dns_tells_of_an_owner_stands_in_a_column_of_mtrs_width(format_name: str, number: int, item: str) -> None:
    import msgspec

    origin = Origin(64500, "EXAMPLE-CORE", "203.0.113.0/24", "NL", "ripencc", "2014-03-14")
    target = sample.target()
    names = {**target.names, "203.0.113.13": msgspec.structs.replace(target.names["203.0.113.13"], asns=(origin,))}
    shown = sample.document(
        msgspec.structs.replace(target, names=names), style=Style(names="addresses", owners=True, ipinfo=number)
    )
    (row,) = [line for line in render(shown, format_name).splitlines() if line.startswith("  3. ")]
    assert row.startswith(f"  3. {item}203.0.113.13"[:33])  # the narrow layout cuts what is longer
    assert "ASN" not in render(shown, "mtr-json") or number == 0
    assert "Asn" not in render(shown, "mtr-csv") or number == 0
