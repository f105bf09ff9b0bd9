"""Reports for people have a target's parallel paths below its hops; of one flow they are as they were."""

from __future__ import annotations

from html.parser import HTMLParser

import msgspec
import pytest

from hopscope.views.report.document import Document
from hopscope.views.report.explain import explanation, ticket
from hopscope.views.report.formats import render
from hopscope.wire.discovered import Discovered
from tests.session.test_flows import EPOCH, facts, folded

SAID = "1 of 3 flows lose 50 %, by 198.51.100.1 (hop 1), the others 0 %"
ROWS = [
    ["0", "hop 1 198.51.100.0", "33.3", "1", "20000", "140", "0", "0.0", "5.000", "ok"],
    ["1", "hop 1 198.51.100.1", "33.3", "1", "20001", "140", "70", "50.0", "6.000", "bad"],
    ["2", "hop 1 198.51.100.2", "33.3", "1", "20002", "140", "0", "0.0", "7.000", "ok"],
]


def document(flows: int = 3) -> Document:
    return Document((folded(facts(140, flows)).snapshot(),), EPOCH, "box", "0.1.0")


@pytest.mark.parametrize("name", ["text", "wide"])
def test_the_text_report_has_them_below_mtrs_table(name: str) -> None:
    lines = render(document(), name).splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("Parallel paths: "))
    assert SAID in lines[place]
    assert lines[place - 1] == ""
    assert [line.split() for line in lines[place + 2 :]] == [" ".join(row).split() for row in ROWS]
    assert " ".join(lines[place + 1].split()) == "Path By Share % Flows Source ports Sent Lost Loss % Median State"


@pytest.mark.parametrize("name", ["text", "wide", "markdown", "html"])
def test_one_flow_has_none(name: str) -> None:
    assert "arallel" not in render(document(flows=1), name)


def test_markdown_has_a_table_of_them() -> None:
    lines = render(document(), "markdown").splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("**Parallel paths**: "))
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[place + 4 :]]
    assert cells == ROWS


def test_the_page_has_a_table_of_them() -> None:
    class Cells(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def handle_data(self, data: str) -> None:
            if data.strip():
                self.seen.append(data)

    page = Cells()
    page.feed(render(document(), "html"))
    begin = page.seen.index("Parallel paths")
    assert SAID in page.seen[begin + 1]
    assert page.seen[begin + 12 : begin + 42] == [cell for row in ROWS for cell in row]


def test_the_explanation_names_share_and_addresses_and_ports_of_what_is_bad() -> None:
    lines = explanation(document()).splitlines()
    place = lines.index("Parallel paths:")
    assert SAID in lines[place + 1]
    assert lines[place + 2 : place + 4] == [
        "  - Path 1, 33 % of the flows, is bad: 70 of 140 probes lost.",
        "  - One of its flows, udp 10.0.0.1:20001 > 192.0.2.80:33434, lost 70 of 140.",
    ]


def test_what_is_copied_for_a_mail_has_them_as_well() -> None:
    assert "Parallel paths: " in ticket(document())


def test_names_of_strangers_are_text_there_too() -> None:
    from hopscope.names.facts import AddressInfo

    class Namer:
        version = 0

        def look_up(self, address: str) -> AddressInfo:
            return AddressInfo(hostname=f"<b>|{address[-1]}*")

    target = folded(facts(140)).snapshot(Namer())  # type: ignore[arg-type]  # as much of it as is asked
    made = Document((target,), EPOCH, "box", "0.1.0")
    assert "<b>" not in render(made, "html").split("Parallel paths", 1)[1]
    markdown = render(made, "markdown").split("Parallel paths", 1)[1]
    assert "<b>" not in markdown
    assert all(line.count("|") == len(ROWS[0]) + 1 for line in markdown.splitlines()[4:])


def test_what_a_search_found_stands_with_them() -> None:
    found = Discovered(1, EPOCH, "per-flow", 3, 0.05, 90, 20, True, (), (), (0, 1, 2))
    target = msgspec.structs.replace(document().targets[0], discovered=found)
    made = Document((target,), EPOCH, "box", "0.1.0")
    for name in ("wide", "markdown", "html"):
        assert "a fourth of equal share would have been missed with probability 5 %" in render(made, name)
    assert "a fourth of equal share" in explanation(made)
