"""Names in little room, hops that say the same as one row, and brackets around one network's hops."""

from __future__ import annotations

import random

import pytest

from hopscope.views.screen import folding, hosts
from tests.screen.played import at
from tests.screen.scripted import Router, Scripted, ScriptedSession
from tests.screen.test_board import seen


def hop_rows(lines: list[str]) -> list[str]:
    """The lines of the table that are a hop's."""
    return [line for line in lines if line[1:2] in " ▶" and line[2:5].strip().isdigit() and line[6:7] in " ╶┌│└"]


LONG = tuple(f"very-long-interface-name-number-of-{n:02}.region-{n % 5}.backbone.example.net" for n in range(1, 60))


@pytest.mark.parametrize("width", range(12, 70, 3))
def test_names_that_differ_differ_on_the_screen(width: int) -> None:
    short = hosts.shortened(LONG, width)
    assert len(set(short.values())) == len(LONG)
    assert all(len(name) <= width for name in short.values())
    assert all("…" in name for whole, name in short.items() if name != whole)


def test_names_that_differ_anywhere_differ_on_the_screen() -> None:
    dice = random.Random(7)
    for _ in range(50):
        base = "".join(dice.choice("abc-.") for _ in range(60))
        where = dice.sample(range(1, 59), 6)
        names = (base, *(base[:place] + "x" + base[place + 1 :] for place in where))
        assert len(set(hosts.shortened(names, 20).values())) == len(set(names))


def test_what_names_have_in_common_goes_first() -> None:
    names = ("ae17.cr1.west.farline.example", "ae2.cr3.mid.farline.example", "www.example.com")
    short = hosts.shortened(names, 22)
    assert short["ae17.cr1.west.farline.example"] == "ae17.cr1.west.farline…"
    assert hosts.shortened(names, 16)["ae17.cr1.west.farline.example"] == "ae17.cr1.west…"
    assert short["www.example.com"] == "www.example.com"


def test_a_script_of_another_kind_is_cut_with_a_sign() -> None:
    assert hosts.shortened(("日本語" * 9, "日本語" * 8 + "日本"), 10)["日本語" * 9].endswith("…")


@pytest.mark.parametrize(
    ("names", "one"),
    [
        (["ae4-0.edge1.example", "ae4-1.edge1.example"], "ae4-{0,1}.edge1.example"),
        (["a10.x", "a9.x", "a11.x"], "a{9,10,11}.x"),
        ([f"a{n}.x" for n in range(8)], "a{0,…,7}.x"),
        (["alpha.example", "beta.example"], None),
        (["same.example", "same.example"], None),
    ],
)
def test_names_of_parallel_links_are_written_as_one(names: list[str], one: str | None) -> None:
    assert hosts.together(names) == one


def test_fifty_nine_long_names_are_fifty_nine_different_rows() -> None:
    path = tuple(Router((f"192.0.2.{n}",), (name,), float(n)) for n, name in enumerate(LONG, 1))
    snapshot = ScriptedSession(Scripted(1, "far.example", "192.0.2.59", path)).play(12).snapshot()
    for width in (80, 120, 200):
        lines = seen(snapshot, (width, 80))
        rows = hop_rows(lines)
        assert len({row.split()[2] for row in rows}) == 59


def test_a_tail_that_never_answers_is_one_row_and_the_last_hop_that_answers_is_chosen() -> None:
    lines = seen(at("silent-target", 60), (120, 34))
    tail = [line for line in lines if "nothing answers beyond hop 10" in line]
    assert len(tail) == 1
    assert tail[0].startswith("? 11–22 ")
    assert next(line for line in lines if line[1:2] == "▶")[2:5] == " 10"
    assert any("▶  1" in line or line[2:5] == "  1" for line in lines)


def test_routers_that_go_round_are_one_row() -> None:
    lines = seen(at("loop", 60), (120, 34))
    assert any("8–30 6 ↔ 7 go round, 12 times" in line for line in lines)
    assert sum("farline.example" in line for line in lines[4:]) == 2
    opened = seen(at("loop", 60), (120, 60), opened={1})
    assert sum("farline.example" in line for line in opened[4:]) >= 25


@pytest.mark.parametrize("size", [(60, 16), (40, 12), (80, 16)])
def test_on_a_small_screen_the_place_the_hop_before_it_and_the_target_stay(size: tuple[int, int]) -> None:
    lines = seen(at("outage", 33), size)
    rows = {line[2:5].strip() for line in lines}
    assert {"5", "6", "11"} <= rows
    assert any("hops behind it" in line for line in lines)


def test_rows_are_folded_no_more_than_must_be() -> None:
    path = at("healthy", 30).targets[0].path
    rows = list(path.rows)
    for space in range(3, 14):
        out = folding.squeezed(rows, {11}, space)
        assert len(out) == min(space, 11)


def test_a_bracket_stands_where_consecutive_hops_are_one_networks() -> None:
    for bare in (False, True):
        lines = seen(at("healthy", 30, bare=bare), (120, 34))
        signs = "".join(line[6] for line in hop_rows(lines))
        assert signs == ("╶┌││└┌│└┌└╶" if bare else "╶┌││└┌│└┌│└")


@pytest.mark.parametrize("seconds", [33.0, 45.0, 50.0, 75.0, 110.0])
def test_rows_never_exceed_the_path_of_the_moment_and_former_addresses_have_none(seconds: float) -> None:
    snapshot = at("route-change", seconds)
    lines = seen(snapshot, (120, 34), unfolded=True)
    rows = hop_rows(lines)
    assert len(rows) == len(snapshot.targets[0].path.hops)
    assert not any("└ ae" in line[8:12] or "├ ae" in line[8:12] for line in lines)


def test_a_route_change_moves_neither_chart_nor_columns() -> None:
    places = set()
    for seconds in (20, 45, 50, 60, 75, 100):
        lines = seen(at("route-change", seconds), (120, 34))
        head = next(line for line in lines if "Host" in line)
        places.add((head.index("Loss %"), next(i for i, line in enumerate(lines) if "latency to" in line)))
    assert len(places) == 1
