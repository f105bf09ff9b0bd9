"""A fan is one row with a count; P, or enter on it, opens its parallel paths; y there copies what a ticket needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

import pytest
from rich.cells import cell_len

from hopscope.views.screen.app import HopscopeApp
from hopscope.views.screen.dialogs.paths import PathsScreen
from hopscope.views.screen.options import ScreenOptions
from tests.screen.conftest import Driven
from tests.screen.virtual import NOON, S, VirtualSession, launch

SIZES = [(300, 100), (160, 50), (120, 34), (80, 24), (60, 16), (40, 12), (20, 6), (3, 3), (1, 1)]
BAD = "ae2-4.cr3.mid.farline.example"
"""The bad one of the eight links of the scenario ``ecmp``."""


@lru_cache(maxsize=1)
def played() -> VirtualSession:
    return VirtualSession("ecmp", flows=16).play(80)


@asynccontextmanager
async def on_screen(
    session: VirtualSession, size: tuple[int, int] = (120, 34), options: ScreenOptions | None = None
) -> AsyncIterator[Driven]:
    app = HopscopeApp(lambda: launch(session), options or ScreenOptions(glyphs="unicode"))
    async with app.run_test(size=size) as pilot:
        it = Driven(app, pilot, session)  # type: ignore[arg-type]  # played, and not scripted
        await it.until(lambda: app.context is not None and bool(app.shown.rows))
        yield it


def sheet(it: Driven) -> list[str]:
    assert isinstance(it.app.screen, PathsScreen)
    return [row.text for row in it.app.screen.canvas._rows]


def row_of(it: Driven, words: str) -> str:
    return next(line for line in it.lines() if words in line)


async def test_where_flows_part_the_row_counts_the_links_and_says_how_many_are_bad() -> None:
    async with on_screen(played()) as it:
        assert "ae2-{0,…,7}.cr3.mid" in row_of(it, "▲1/7 links")


async def test_enter_on_that_row_opens_the_paths_and_on_another_one_the_hop() -> None:
    async with on_screen(played()) as it:
        assert it.context.state.chosen is not None
        it.context.choose_hop(7)
        await it.press("enter")
        assert it.in_front == "PathsScreen"
        await it.press("escape", "up", "enter")
        assert it.in_front == "HopScreen"


async def test_each_path_has_a_row_with_share_flows_probes_loss_rtt_and_state() -> None:
    async with on_screen(played()) as it:
        await it.press("P")
        lines = sheet(it)
        assert "3 of 16 flows lose" in lines[2]
        (bad,) = [line for line in lines if BAD in line]
        assert bad.split()[1:5] == ["▲", "0", BAD, "19"]
        assert " bad" in bad
        assert bad.split()[6] == "3"
        assert 230 <= int(bad.split()[7]) <= 240
        others = [line for line in lines if ".cr3.mid" in line and BAD not in line]
        assert len(others) == 6
        assert all(" ok" in line and "●" in line and " 0  " in line for line in others)
        await it.press("P")
        assert it.in_front == "MainScreen"


async def test_the_worst_path_is_chosen_first_and_enter_lists_its_flows() -> None:
    async with on_screen(played()) as it:
        await it.press("P", "enter")
        flows = [line for line in sheet(it) if "udp 192.168.1.23:" in line]
        assert len(flows) == 3
        assert all("> 192.0.2.80:33434" in line and " lost" in line for line in flows)
        await it.press("enter")
        assert not [line for line in sheet(it) if "udp 192.168.1.23:" in line]


async def test_y_copies_the_sentence_the_routers_and_every_flow_of_the_path() -> None:
    async with on_screen(played()) as it:
        copied: list[str] = []
        it.app.copy = copied.append  # type: ignore[method-assign,assignment]  # no clipboard here
        await it.press("P", "y")
        (text,) = copied
        lines = text.splitlines()
        assert lines[0].startswith("www.example.com: 3 of 16 flows lose")
        assert lines[1].startswith(f"Path by hop 7 {BAD} (198.51.100.105): ")
        assert all(line.startswith("  udp 192.168.1.23:") and " > 192.0.2.80:33434  " in line for line in lines[2:5])
        assert all(line.endswith(" lost") for line in lines[2:5])
        assert lines[5].startswith("All other flows together: 0 of 10")
        assert "3 flows of path 0 sent to the clipboard" in sheet(it)[-1]


async def test_it_goes_on_living_while_it_is_open() -> None:
    session = VirtualSession("ecmp", flows=16).play(20)
    async with on_screen(session) as it:
        await it.press("P")
        assert " bad" not in "\n".join(sheet(it))
        session.play(60)
        it.app.tick()
        await it.until(lambda: " bad" in "\n".join(sheet(it)))


async def test_of_a_moment_that_is_past_it_shows_what_was_known_then() -> None:
    async with on_screen(played()) as it:
        it.context.go_to(NOON + 8 * S)
        await it.press("P")
        lines = sheet(it)
        assert "at that moment" in lines[0]
        assert "too early to compare" in " ".join(lines[2:4])
        (line,) = [line for line in lines if BAD in line]
        assert int(line.split()[7]) <= 3 * 9
        await it.press("escape", "escape")
        assert it.context.state.moment is None
        await it.press("P")
        assert "3 of 16 flows lose" in sheet(it)[2]


async def test_the_mouse_opens_a_path_and_its_flows() -> None:
    async with on_screen(played()) as it:
        await it.press("P")
        before = len(sheet(it))
        screen = it.app.screen
        assert isinstance(screen, PathsScreen)
        y = next(i for i, line in enumerate(sheet(it)) if "ae2-5" in line)
        await it.pilot.click(screen.canvas, offset=(12, y))
        await it.pilot.pause()
        assert len(sheet(it)) > before


@pytest.mark.parametrize("size", SIZES)
async def test_names_and_states_stay_at_every_size(size: tuple[int, int]) -> None:
    async with on_screen(played(), size) as it:
        await it.press("P")
        lines = sheet(it)
        assert len({cell_len(line) for line in lines}) == 1
        if size[0] >= 40 and size[1] >= 12:
            assert "parallel paths" in lines[0]
            assert "esc" in lines[-1]
            assert any("ae2-4" in line and "bad" in line for line in lines)
        await it.press("down", "enter", "end", "home", "y", "escape")
        assert it.in_front == "MainScreen"


async def test_in_ascii_it_has_marks_of_its_own() -> None:
    async with on_screen(played(), options=ScreenOptions(glyphs="ascii")) as it:
        await it.press("P", "enter")
        assert all(line.isascii() for line in sheet(it))
        assert any(f"^ 0 {BAD}" in line for line in sheet(it))


async def test_one_flow_says_how_to_see_parallel_paths() -> None:
    async with on_screen(VirtualSession("healthy").play(5)) as it:
        await it.press("P")
        assert it.in_front == "MainScreen"
        assert "--flows 16" in it.text()


async def test_a_search_for_paths_says_so_while_it_lasts_and_then_what_it_found() -> None:
    session = VirtualSession("bundle", flows=0).play(1)
    async with on_screen(session) as it:
        await it.press("P")
        assert "still looking for parallel paths" in it.text()
        session.play(40)
        it.app.tick()
        await it.press("P")
        text = " ".join("\n".join(sheet(it)).replace("│", " ").split())
        assert "8 paths; a ninth of equal share would have been missed with probability 5 %" in text
        assert text.count("cr3.mid") == 8
    alone = VirtualSession("healthy", flows=0).play(40)
    async with on_screen(alone) as it:
        await it.press("P")
        assert "one path (95 %)" in it.text()


async def test_hidden_hops_stay_hidden() -> None:
    async with on_screen(played(), options=ScreenOptions(glyphs="unicode", hidden_hops=7)) as it:
        await it.press("P", "enter")
        text = "\n".join(sheet(it))
        assert "198.51.100.105" not in text
        assert BAD not in text
        assert "192.168.1.23" not in text


# --- the sentence ----------------------------------------------------------------------------------------------------


async def test_the_sentence_says_how_many_paths_are_bad_and_afterwards_that_it_is_over() -> None:
    session = VirtualSession("bundle", flows=16).play(15)
    async with on_screen(session) as it:
        assert "Fine" in it.lines()[1]
        session.play(115)
        it.app.tick()
        first, second = it.lines()[1:3]
        assert "One of 7 parallel paths loses 3" in first
        assert "from hop 7 on" in first
        assert "onnections" in second or "between" in second
        session.play(120)
        it.app.tick()
        assert "Fine again" in it.lines()[1]
        assert "One of several parallel links was bad from hop 7 on for 3 min" in it.lines()[1]


async def test_why_names_the_routers_the_ports_and_what_the_others_lost() -> None:
    async with on_screen(VirtualSession("bundle", flows=16).play(130), (160, 50)) as it:
        await it.press("E")
        text = " ".join(" ".join(row.text for row in it.app.screen.canvas._rows).replace("│", " ").split())  # type: ignore[attr-defined]  # a sheet's
        assert f"flows by {BAD} (198.51.100.105) lost" in text
        assert "all other flows lost 0 of" in text
        assert "the source ports of the bad ones: 21516, 19166, 30861" in text
        assert "sure" in text


async def test_a_flow_on_another_link_than_the_first_ones_is_trouble_as_well() -> None:
    """The first flow loses nothing: one flow alone would be called healthy."""
    session = VirtualSession(("ecmp", "api.example.com", None), flows=16).play(120)
    target = session.snapshot().targets[0]
    assert target.path.target is not None
    assert target.path.target.lost == 0
    verdict = target.judged.verdict
    assert (verdict.kind, verdict.numbers.bad_paths, verdict.numbers.others_lost) == ("bad-member", 1, 0)
    assert verdict.numbers.addresses == ("198.51.100.105",)
    assert len(verdict.numbers.ports) == 2
    async with on_screen(session) as it:
        assert "parallel paths loses" in it.lines()[1]
