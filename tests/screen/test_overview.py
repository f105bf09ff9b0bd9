"""The overview of many targets: counts, a common cause, an order that holds still, what is wrong and since when."""

from __future__ import annotations

import dataclasses
import time
from functools import cache

import msgspec
import pytest

from hopscope.session.model import Snapshot
from hopscope.views.screen import frame, summary, themes
from hopscope.views.screen.keymap import keys_of
from hopscope.views.screen.options import ScreenOptions
from hopscope.views.screen.overview import HELD_NS, REST_NS
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import look_of
from hopscope.words.causes import cause_words, counted
from hopscope.words.common_cause import causes
from hopscope.words.numbers import time_of_day
from tests.screen.conftest import Drive
from tests.screen.scripted import SECOND, START, Router, Scripted, ScriptedSession, tour

BEHIND_R3 = (7, 13, 21)
SLOW = 30


def forty(count: int = 40, rounds: int = 45) -> ScriptedSession:
    """Behind r3 three lose from 15:03:00 on, one of them all; one behind another router is slow."""
    targets = []
    for number in range(1, count + 1):
        scale = 1 + number % 5
        routers = tour(scale=scale)
        pop = 3 if number in BEHIND_R3 else number % 3
        isp = Router((f"203.0.113.{100 + pop}",), (f"r{pop}.isp.example",), 14.0 * scale)
        end = dataclasses.replace(routers[5], addresses=(f"192.0.2.{number % 250 + 1}",), ms=20.0 * scale)
        name = f"edge-{number:02d}.pop{number % 4}.example.net"
        targets.append(Scripted(number, name, end.addresses[0], (*routers[:5], isp, end)))
    session = ScriptedSession(*targets).play(60)
    for one in targets:
        end = one.routers[6]
        if one.id in BEHIND_R3:
            one.routers = (*one.routers[:6], dataclasses.replace(end, lossy=1.0 if one.id == 13 else 0.35))
        elif one.id == SLOW:
            one.routers = (*one.routers[:6], dataclasses.replace(end, ms=end.ms + 160))
    return session.play(rounds)


@cache
def usual_forty() -> Snapshot:
    """That, as it is seen then."""
    return forty().snapshot()


def state_of(snapshot: Snapshot) -> ViewState:
    state = ViewState.begin(ScreenOptions(), snapshot)
    state.see(snapshot)
    state.overview = True
    return state


def drawn(state: ViewState, size: tuple[int, int]) -> list[str]:
    look = look_of(themes.OWN[0])
    return [row.text for row in frame.compose(state, look, *size, keys_of({}), frame.FrameCache()).rows]


def rows(lines: list[str]) -> list[str]:
    head = next(number for number, line in enumerate(lines) if line.startswith("    Target"))
    return [line for line in lines[head + 1 :] if line[1:2] in ("●", "▲", "×", "◆")]


def test_it_begins_with_counts_and_the_cause_that_several_share() -> None:
    lines = drawn(state_of(usual_forty()), (120, 34))
    since = time_of_day(START + 60 * SECOND)
    assert lines[1].startswith(" ×  1 down, 2 lose, 1 slow, 36 fine.")
    assert f"One cause for 3 of the 4: loss begins behind r3.isp.example (hop 6), since {since}" in lines[2]


def test_a_way_that_healthy_targets_take_is_no_cause() -> None:
    session = forty()
    well = session.find(4)
    well.routers = (*well.routers[:5], session.find(7).routers[5], session.find(7).routers[6])
    snapshot = session.play(5).snapshot()
    found = causes(snapshot.targets)
    assert all(7 not in cause.targets for cause in found)


def test_what_began_at_another_time_has_another_cause() -> None:
    session = forty(rounds=120)
    late = session.find(10)
    late.routers = (*late.routers[:5], session.find(7).routers[5], dataclasses.replace(late.routers[6], lossy=1.0))
    (cause,) = causes(session.play(30).snapshot().targets)
    assert cause.targets == frozenset(BEHIND_R3)
    assert cause_words(cause, 5, time_of_day)[0].startswith("One cause for 3 of the 5: loss begins behind ")


def test_counts_are_said_of_one_and_of_several() -> None:
    states = ["loss", "loss", "unreachable", "slow", *["healthy"] * 36]
    assert counted(states) == "1 down, 2 lose, 1 slow, 36 fine"
    assert counted(["loss"]) == "1 loses"
    assert counted([]) == ""


def test_each_row_says_what_is_wrong_where_since_when_and_how_much_more_than_usual() -> None:
    lines = rows(drawn(state_of(usual_forty()), (120, 34)))
    assert [line[4:11] for line in lines] == ["edge-13", "edge-07", "edge-21", "edge-30", "36 more"]
    assert lines[0][1:2] == "×"
    assert "no answer comes at the target" in lines[0]
    assert time_of_day(START + 60 * SECOND) in lines[0]
    assert lines[1][2] == "7"
    assert "+160." in lines[3]
    assert "36 more, all fine, medians 20 to 100 ms" in lines[4]


def test_hidden_tabs_carry_the_marks_of_the_worst_among_them() -> None:
    state = state_of(usual_forty())
    for overview in (True, False):
        state.overview = overview
        assert "+39 × 1 ▲ 2 ▶" in drawn(state, (80, 24))[0]


@pytest.mark.parametrize("size", [(160, 50), (120, 34), (80, 24), (60, 16), (40, 12)])
def test_the_worst_is_on_top_at_every_size(size: tuple[int, int]) -> None:
    lines = drawn(state_of(usual_forty()), size)
    assert rows(lines)[0][1:11] == "×  edge-13"
    assert "1 down, 2 lose, 1 slow, 36 fine" in " ".join(lines)
    assert "One cause for" in " ".join(lines)


def test_at_forty_columns_the_worst_one_s_sentence_stands_there() -> None:
    some = tuple(target for target in usual_forty().targets if target.id in (1, 2, 13))
    lines = drawn(state_of(msgspec.structs.replace(usual_forty(), targets=some)), (40, 12))
    assert "edge-13" in " ".join(lines[1:4])
    assert "No answer" in " ".join(lines[1:5])


def test_one_share_for_one_thing() -> None:
    state = state_of(usual_forty())
    lines = rows(drawn(state, (160, 50)))
    assert not any("%" in line for line in lines)


def test_the_order_rests_for_a_minute_and_while_the_cursor_is_moved() -> None:
    session = forty(12, rounds=5)
    state = state_of(session.snapshot())
    state.order.anew()
    before = [target.id for target in summary.order(state)]
    changes = 0
    for _ in range(130):
        state.see(session.play().snapshot())
        after = [target.id for target in summary.order(state) if target.id in before]
        changes += after != before
        before = after
    assert changes <= 3
    assert before[0] == 7
    made = state.shown.now - REST_NS
    state.order.made_at, state.order.moved_at = made, state.shown.now - HELD_NS + 1
    summary.order(state)
    assert state.order.made_at == made


def test_what_begins_to_be_wrong_is_listed_at_once() -> None:
    session = forty(40, rounds=45)
    state = state_of(session.snapshot())
    drawn(state, (120, 34))
    one = session.find(2)
    one.routers = (*one.routers[:6], dataclasses.replace(one.routers[6], lossy=1.0))
    state.see(session.play(15).snapshot())
    lines = rows(drawn(state, (120, 34)))
    assert [line[4:11] for line in lines] == ["edge-13", "edge-07", "edge-21", "edge-30", "edge-02", "35 more"]


async def test_the_cursor_goes_through_the_rows_and_what_is_folded_is_one(drive: Drive) -> None:
    async with drive(forty(), (120, 34)) as it:
        await it.press("g", "home")
        assert it.context.state.target == 13
        await it.press("down", "down", "down", "down", "down")
        assert any(line.startswith("▶●  36 more") for line in it.lines())
        await it.press("up")
        assert it.context.state.target == SLOW
        await it.press("end", "enter")
        assert "36 more, all fine" not in it.text()
        assert any("edge-02" in line for line in it.lines()[4:])
        await it.press("m")
        assert "36 more, all fine" in it.text()
        await it.press("home", "enter")
        assert it.context.state.chosen is not None
        assert it.context.state.chosen.id == 13
        assert not it.context.state.overview


async def test_what_is_paused_keeps_its_words_and_its_place(drive: Drive) -> None:
    async with drive(forty(12), (120, 34)) as it:
        await it.press("p", "g")
        first = next(line for line in it.lines() if line[1:2] == "‖" and "edge" in line and "paused" in line)
        assert "edge-07" in first
        assert "paused; packets were lost" in first


def test_with_two_hundred_targets_a_key_draws_the_overview_in_fifty_milliseconds() -> None:
    one = usual_forty()
    many = [msgspec.structs.replace(target, id=40 * part + target.id) for part in range(5) for target in one.targets]
    state = state_of(msgspec.structs.replace(one, targets=tuple(many)))
    state.order.unfolded = True
    drawn(state, (160, 50))
    took = []
    for target in (3, 9, 50, 120, 180):
        state.target = target
        begun = time.process_time()
        drawn(state, (160, 50))
        took.append(time.process_time() - begun)
    assert min(took) < 0.05
