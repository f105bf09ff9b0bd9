"""The one time axis: what stands in its columns, on what scale, and that another moment is the whole screen's."""

from __future__ import annotations

import re
import time
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from hopscope.path.snapshot import LATE, LOST, PENDING, Hop, Window
from hopscope.session.model import Target
from hopscope.views.screen import chart, distribution, heat, spark, themes, whisker
from hopscope.views.screen.app import HopscopeApp
from hopscope.views.screen.axis import SPANS_S, S, TimeAxis, axis_of, ticks
from hopscope.views.screen.cells import LIMITS_MS, UsualTimes, rows_of, step_of
from hopscope.views.screen.options import ChartView, ScreenOptions
from hopscope.views.screen.styles import look_of
from hopscope.views.screen.text import Row
from tests.screen.conftest import Driven
from tests.screen.virtual import NOON, VirtualSession, launch

LOOK = look_of(themes.OWN[0])
MS = 1_000_000


@asynccontextmanager
async def driven(session: VirtualSession, size: tuple[int, int] = (120, 34)) -> AsyncIterator[Driven]:
    app = HopscopeApp(lambda: launch(session), ScreenOptions(glyphs="unicode"))
    async with app.run_test(size=size) as pilot:
        it = Driven(app, pilot, session)  # type: ignore[arg-type] # another session that can be played
        await it.until(lambda: app.context is not None and bool(app.shown.rows))
        yield it


def drawn(session: VirtualSession, width: int = 120) -> chart.Chart:
    """What the chart's views are drawn from."""
    target = session.snapshot().targets[0]
    axis = axis_of(heat.columns_for(width), None, target.path.started_at or 0, session.now)
    end = target.path.target_hop
    assert end is not None
    return chart.Chart(target, end, {}, axis, None, None, (), LOOK, False)


# --- columns ---------------------------------------------------------------------------------------------------------


@given(st.integers(1, 400), st.sampled_from((None, *SPANS_S)), st.integers(0, 10**6), st.integers(0, 10**6))
def test_an_axis_ends_now_spans_what_it_says_and_holds_the_moment(
    columns: int, span_s: int | None, lasted: int, back: int
) -> None:
    now = NOON + lasted * S + 123_456_789
    moment = max(NOON, now - back * S)
    axis = axis_of(columns, span_s, NOON, now, moment)
    assert axis.columns == columns
    assert 0 <= axis.column(moment) < columns
    assert axis.column(axis.moment(axis.column(moment))) == axis.column(moment)
    live = axis_of(columns, span_s, NOON, now)
    assert live.column(now) == columns - 1
    if span_s is not None and columns >= 24:
        assert span_s * S * 0.999 <= columns * live.step
    edges = [at for at, _ in ticks(live)]
    assert len({b - a for a, b in pairwise(edges)}) <= 1


def test_a_column_never_changes_once_its_time_is_over() -> None:
    session = VirtualSession("wifi").play(60)
    before = drawn(session)
    old = rows_of(before.axis, before.target.path, [before.hop])[0]
    session.play(37)
    after = drawn(session)
    axis = TimeAxis(before.axis.first, before.axis.columns, before.axis.step)
    new = rows_of(axis, after.target.path, [after.target.path.rows[-1]])[0]
    assert old[:-5] == new[:-5]


def test_what_the_window_holds_no_more_comes_from_bins() -> None:
    session = VirtualSession("healthy", interval_s=0.1).play(300)
    target = session.snapshot().targets[0]
    axis = axis_of(100, 300, NOON, session.now)

    def binned(begin: int, end: int, span: int, ttls: object) -> list[object]:
        return session.bins(1, begin, end, span, ttls)  # type: ignore[arg-type, return-value] # as they are

    (cells,) = rows_of(axis, target.path, [target.path.rows[-1]], binned)  # type: ignore[arg-type]
    sent = [cell.answered + cell.lost + cell.pending for cell in cells]
    assert sum(sent) == pytest.approx((session.now - max(NOON, axis.begin)) * 10 / S, abs=3)
    full = [count for column, count in enumerate(sent) if axis.begin + column * axis.step >= NOON + S][:-1]
    assert set(full) == {axis.step * 10 // S}


def test_a_round_every_ten_seconds_leaves_no_holes_on_a_finer_axis() -> None:
    session = VirtualSession("healthy", interval_s=10.0).play(300)
    one = drawn(session)
    axis = axis_of(100, 60, NOON, session.now)
    (cells,) = rows_of(axis, one.target.path, [one.hop])
    assert all(cell.answered or cell.pending for cell in cells)


# --- scales ----------------------------------------------------------------------------------------------------------


def test_the_steps_are_fixed_and_a_step_of_23_ms_is_the_brightest_of_the_heat_map() -> None:
    session = VirtualSession("route-change").play(90)
    one = drawn(session)
    rows = heat.rows(one, 120, 14)
    legend = {style: step for step in range(1, 8) for style in (heat.shade(step, LOOK)[1],)}

    def brightness(row: Row) -> list[int]:
        styles: list[Style | None] = [style for text, style, _ in row.strip for _ in text]
        return [legend.get(style, 0) if style is not None else 0 for style in styles[heat.LEFT :]]

    known = [brightness(row) for row in rows[1:-1]]
    bright = step_of(22 * MS, False)
    assert bright <= max(max(row) for row in known) <= bright + 1
    columns = [column for row in known for column, value in enumerate(row) if value >= bright]
    begun, over = one.axis.column(NOON + 30 * S), one.axis.column(NOON + 60 * S)
    assert len(columns) >= 5 * (over - begun - 2)
    assert all(begun - 1 <= column <= over + 1 for column in columns)


@given(st.lists(st.integers(0, 400 * MS), min_size=1, max_size=60), st.integers(1, 300 * MS))
def test_a_bar_depends_on_its_own_round_alone(samples: list[int], usual: int) -> None:
    steps = spark.excess(usual, in_us=False)

    def bars(values: Sequence[int]) -> str:
        window = Window(0, memoryview(array("q", values)))
        return "".join(text for text, _ in spark.cells(window, len(values), steps, LOOK, "over", 1, len(values) - 1))

    alone = "".join(bars([sample]) for sample in samples)
    assert bars(samples) == alone
    assert alone == "".join(LOOK.glyphs.bars[step_of(sample - usual, False)] for sample in samples)


def test_microseconds_have_the_same_digits() -> None:
    assert [step_of(limit * 1_000, True) for limit in LIMITS_MS] == [1, 2, 3, 4, 5, 6, 7]
    assert [step_of(limit * 1_000 - 1, True) for limit in LIMITS_MS] == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("interval", [0.1, 0.5, 1.0])
def test_a_dead_target_s_sparkline_is_loss_and_never_blank(interval: float) -> None:
    session = VirtualSession("outage", interval_s=interval).play(31)
    target = session.snapshot().targets[0]
    hop = target.path.rows[-1]
    each = spark.each_for(target.plan.interval_ns if target.plan else None)
    text = "".join(
        part
        for part, _ in spark.cells(
            hop.window, 12, spark.excess(30 * MS, in_us=False), LOOK, "trouble", each, spark.newest(target.path)
        )
    )
    assert " " not in text
    assert text.count("▀") >= 5
    assert text.count("…") <= 4


def test_pending_samples_fill_no_bar() -> None:
    window = Window(0, memoryview(array("q", [PENDING] * 20)))
    runs = spark.cells(window, 20, spark.excess(MS, in_us=False), LOOK, "over", 1, 19)
    assert runs == [("…" * 20, LOOK.faint)]


def test_the_usual_rests_while_it_is_no_other_for_the_eye() -> None:
    def hop(samples: list[int]) -> Hop:
        window = Window(0, memoryview(array("q", samples)))
        blank = VirtualSession("healthy").play(2).snapshot().targets[0].path.rows[0]
        import msgspec

        return msgspec.structs.replace(blank, window=window)

    usual = UsualTimes()
    quiet = [10 * MS + i % 7 * 10_000 for i in range(100)]
    first = usual.of(hop(quiet))
    assert usual.of(hop([*quiet, *[33 * MS] * 60])) == first
    assert usual.of(hop([*quiet, *[LOST] * 100])) == first
    assert (usual.of(hop([33 * MS] * 400)) or 0) > 30 * MS


@given(st.floats(0.001, 5000), st.floats(1.0, 30.0), st.integers(2, 60))
def test_ticks_stand_on_whole_rows_as_far_from_one_another(best: float, times: float, rows: int) -> None:
    high = best * times
    axis = chart.value_axis(best, high, rows)
    marks = axis.ticks()
    apart = {b - a for (a, _), (b, _) in pairwise(marks)}
    assert len(apart) <= 1
    values = [float(label) for _, label in marks]
    steps = [b - a for a, b in pairwise(values)]
    assert max(steps, default=0) - min(steps, default=0) <= 0.02 * max(steps, default=0) + 1e-9
    assert len(set(values)) == len(values)
    assert axis.floor <= best
    assert (axis.floor > 0) <= (best > high / 2)
    assert axis.top >= high * 0.99


# --- the views -------------------------------------------------------------------------------------------------------


def text_of(rows: Sequence[Row]) -> str:
    return "\n".join(row.text for row in rows)


@pytest.mark.parametrize("width", [120, 160, 240, 300])
def test_what_was_cut_off_is_a_solid_block_with_its_length(width: int) -> None:
    session = VirtualSession("outage").play(75)
    rows = chart.over_time(drawn(session, width), width, 14)
    assert "15 s, 15 lost" in text_of(rows)
    blocks = [row.text.count("█") for row in rows[1:-1]]
    assert min(blocks) >= 5


@pytest.mark.parametrize("width", [120, 160, 240, 300])
def test_a_block_that_lasts_says_what_is_awaited_still(width: int) -> None:
    rows = chart.over_time(drawn(VirtualSession("outage").play(30), width), width, 14)
    assert "7 lost, 4 awaited" in text_of(rows)


def test_a_round_that_was_answered_too_late_has_a_sign_and_no_hole() -> None:
    session = VirtualSession("hostile").play(75)
    target = session.snapshot().targets[0].path.target_hop
    assert target is not None
    samples = target.window.samples
    assert (LATE in samples, LOST in samples) == (True, False)
    assert text_of(chart.over_time(drawn(session), 120, 14)).count("»") == list(samples).count(LATE)


def test_an_axis_that_does_not_begin_at_0_says_so_wherever_there_is_room() -> None:
    rows = chart.over_time(drawn(VirtualSession("hostile").play(75)), 120, 14)
    assert "the axis does not begin at 0" in text_of(rows)


def test_an_axis_that_does_not_begin_at_0_says_so_and_one_that_does_not_need_to_begins_there() -> None:
    near = text_of(chart.over_time(drawn(VirtualSession("healthy").play(120)), 120, 14))
    assert "(the axis does not begin at 0)" in near
    far = text_of(chart.over_time(drawn(VirtualSession("bufferbloat").play(80)), 120, 14))
    assert "does not begin" not in far
    assert "\n    0 ┤" in far


def test_a_chart_is_filled_from_the_right() -> None:
    rows = chart.over_time(drawn(VirtualSession("healthy").play(6)), 120, 14)
    plot = [row.text[chart.LEFT :] for row in rows[1:-2]]
    assert all(line[:90].strip() == "" for line in plot)
    assert any(line[100:].strip() for line in plot)


def test_a_distribution_has_as_many_bins_as_the_root_of_its_answers() -> None:
    counts, low, each = distribution.bins_of(sorted(float(i) for i in range(100)), 80)
    assert (len(counts), sum(counts), low) == (10, 100, 0.0)
    assert each == pytest.approx(9.9)
    assert "median" in text_of(distribution.rows(*_of("healthy"), LOOK, 100, 12))


def _of(scenario: str) -> tuple[Target, Hop]:
    target = VirtualSession(scenario).play(60).snapshot().targets[0]
    return target, target.path.rows[-1]


def test_whiskers_stand_on_one_axis() -> None:
    target = VirtualSession("healthy").play(60).snapshot().targets[0]
    ceiling = whisker.ceiling_of(target)
    lines = [whisker.whisker(hop, ceiling, 40, ascii_only=False) for hop in target.path.rows]
    middles = [line.index("●") for line in lines]
    assert middles == [round((hop.rtt.median or 0) / ceiling * 39) for hop in target.path.rows if hop.rtt]
    assert all(len(line) == 40 for line in lines)


async def test_the_whisker_is_a_column_to_choose_with_its_axis_in_the_head() -> None:
    app = HopscopeApp(
        lambda: launch(VirtualSession("healthy").play(60)),
        ScreenOptions(glyphs="unicode", columns=("loss", "whisker", "spark")),
    )
    async with app.run_test(size=(120, 34)) as pilot:
        while app.context is None or not app.shown.rows:
            await pilot.pause(0.01)
        lines = [row.text for row in app.shown.rows]
    head = next(line for line in lines if "Host" in line)
    assert "0 ───" in head
    rows = [line for line in lines if line[3:5].strip().isdigit() and "●" in line[40:]]
    assert len(rows) == 11
    places = [line.index("●") for line in rows]
    assert places == sorted(places)
    assert head.index("0 ─") <= places[0] < places[-1] <= head.index(" ms")


# --- another moment --------------------------------------------------------------------------------------------------


async def test_the_whole_screen_is_of_the_moment_and_the_cursor_is_pinned_to_time() -> None:
    session = VirtualSession("outage").play(100)
    async with driven(session) as it:
        await it.press("comma", "comma")
        moment = it.context.state.moment
        assert "No answer" in it.lines()[1]
        shown = it.context.state.shown.targets[0]
        assert 20 < shown.path.rounds < 40
        reading = next(line for line in it.lines() if "latency to" in line)
        session.play(7)
        it.app.tick()
        assert it.context.state.moment == moment
        assert it.context.state.shown.targets[0].path.rounds == shown.path.rounds
        assert next(line for line in it.lines() if "latency to" in line)[50:80] == reading[50:80]
        await it.press("escape")
        assert it.context.state.shown.targets[0].path.rounds > 100


async def test_events_are_gone_to_one_after_the_other_and_back_to_now() -> None:
    async with driven(VirtualSession("outage").play(130)) as it:
        await it.press("comma")
        assert "event 2 of 2" in it.text()
        await it.press("comma")
        assert "event 1 of 2" in it.text()
        await it.press("comma")
        assert "nothing happened earlier" in it.text()
        await it.press("full_stop", "full_stop")
        assert "nothing happened later" in it.text()


async def test_on_a_change_of_route_the_paths_before_and_then_stand_side_by_side() -> None:
    async with driven(VirtualSession("route-change").play(130)) as it:
        await it.press("comma")
        lines = it.lines()
        assert any("Host then" in line and "was" in line and "difference" in line for line in lines)
        rows = {line[2:5].strip(): line for line in lines}
        assert "same" in rows["5"]
        assert "ae17.cr1.west.farline.example" in rows["6"]
        assert "ae5.cr2.south.farline.example" in rows["6"]
        assert "was hop 8" in rows["9"]
        assert "leaf12" in rows["11"]
        assert "was hop 10" in rows["11"]
        assert "was hop 11" in rows["12"]
        assert 20 < float(rows["12"].split()[-1].lstrip("+")) < 27
        await it.press("j", "k", "escape")
        assert "Host then" not in it.text()


async def test_a_click_on_chart_heat_map_ribbon_and_sparkline_goes_there() -> None:
    session = VirtualSession("outage").play(100)
    async with driven(session, (120, 40)) as it:
        views: tuple[ChartView, ...] = ("time", "heat")
        for view in views:
            it.context.state.chart_view = view
            it.context.redraw()
            y = next(i for i, line in enumerate(it.lines()) if "over time" in line or "latency to" in line) + 3
            await it.pilot.click(offset=(60, y))
            await it.pilot.pause()
            moment = it.context.state.moment
            left = heat.LEFT if view == "heat" else chart.LEFT
            axis = it.app._drawn.axis
            assert axis is not None
            assert moment == axis.moment(60 - left)
            await it.press("escape")
        y = next(i for i, line in enumerate(it.lines()) if "router.home" in line)
        x = len(it.lines()[y].rstrip()) - 20
        await it.pilot.click(offset=(x, y))
        await it.pilot.pause()
        moment = it.context.state.moment
        assert moment is not None
        assert 17 <= (session.now - moment) // S <= 22
        assert it.context.state.hops[1] == 1
    async with driven(session, (100, 24)) as it:
        y = len(it.lines()) - 3
        assert it.lines()[y].rstrip().endswith("min")
        await it.pilot.click(offset=(40, y))
        await it.pilot.pause()
        assert it.context.state.moment is not None


async def test_a_step_is_drawn_within_60_ms() -> None:
    session = VirtualSession("tour").play(900)
    async with driven(session) as it:
        await it.press("left_square_bracket")
        took = []
        for key in ("left_square_bracket",) * 6 + ("right_square_bracket",) * 4:
            began = time.process_time()
            it.app.action_do("chart.earlier" if key.startswith("left") else "chart.later")
            took.append(time.process_time() - began)
        assert sorted(took)[len(took) // 2] < 0.06


async def test_at_another_moment_numbers_over_another_window_are_those_that_the_head_names() -> None:
    async with driven(VirtualSession("outage").play(95)) as it:
        await it.press("comma", "F")
        assert "numbers last 60 s" in it.text()
        assert re.search(r"Host +last 60 s", it.text())
        await it.press("F")
        assert re.search(r"Host +last 5 min", it.text())


async def test_a_column_back_is_another_second_on_the_clock() -> None:
    async with driven(VirtualSession("outage").play(95)) as it:
        await it.press("comma")
        event = it.lines()[3].split()[1]
        await it.press("left_square_bracket")
        assert it.lines()[3].split()[1] < event
