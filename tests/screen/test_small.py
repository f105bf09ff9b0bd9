"""Numbers, lines, keys, sparklines, options: the small parts, as tables."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from rich.style import Style

from hopscope.path.snapshot import FAILED, LATE, LOST, NO_PROBE, PENDING, Window
from hopscope.views.screen import keymap, spark, text, themes
from hopscope.views.screen.actions import ACTIONS
from hopscope.views.screen.canvas import changed
from hopscope.views.screen.check import check
from hopscope.views.screen.columns import COLUMNS
from hopscope.views.screen.options import ScreenOptions
from hopscope.views.screen.outcome import status_of
from hopscope.views.screen.styles import look_of
from hopscope.wire.messages import Refused
from hopscope.words import numbers
from tests.screen.scripted import Scripted, ScriptedSession, tour, usual

PLAIN = Style()
LOOK = look_of(themes.OWN[0])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0.0412, "41 µs"),
        (0.9994, "999 µs"),
        (1.0, "1.0 ms"),
        (12.34, "12.3 ms"),
        (99.94, "99.9 ms"),
        (99.96, "100 ms"),
        (999.4, "999 ms"),
        (1234.0, "1.23 s"),
    ],
)
def test_a_time_is_said_in_the_unit_that_fits(value: float | None, words: str) -> None:
    assert numbers.span_ms(value) == words


@pytest.mark.parametrize(
    ("value", "micro", "words"),
    [
        (None, False, "–  "),
        (0.0, False, "0.0 "),
        (-0.04, False, "0.0 "),
        (0.06, False, "+0.1 "),
        (-12.34, False, "−12.3 "),
        (999.6, False, "+1000   "),
        (0.0003, True, "0 "),
        (-0.0126, True, "−13 "),
    ],
)
def test_a_difference_has_a_sign_unless_it_is_none(value: float | None, micro: bool, words: str) -> None:
    assert numbers.signed_ms(value, micro) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (0.02, "<0.1 %"),
        (0.4, "0.4 %"),
        (4.0, "4 %"),
        (3.46, "3.5 %"),
        (9.96, "10 %"),
        (12.0, "12 %"),
        (99.2, "99.2 %"),
        (99.97, ">99.9 %"),
        (100.0, "100 %"),
    ],
)
def test_a_share_is_never_none_or_all_where_it_is_not(value: float | None, words: str) -> None:
    assert numbers.percent(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "00:00:00"), (751.9, "00:12:31"), (86_399, "23:59:59"), (273_610, "3 d 04:00:10"), (-5, "00:00:00")],
)
def test_a_duration_counts_days_from_the_first_on(seconds: float, words: str) -> None:
    assert numbers.clock(seconds) == words


@pytest.mark.parametrize(
    ("value", "end"),
    [
        (0.0, 1.0),
        (0.7, 0.8),
        (1.0, 1.0),
        (11.0, 20.0),
        (41.0, 50.0),
        (61.0, 80.0),
        (801.0, 1000.0),
        (float("nan"), 1.0),
    ],
)
def test_an_axis_ends_at_a_round_number(value: float, end: float) -> None:
    assert numbers.nice_ceiling(value) == pytest.approx(end)


@pytest.mark.parametrize(
    ("words", "width", "shown"),
    [
        ("abc", 5, "abc"),
        ("abcdef", 4, "abc…"),
        ("abcdef", 1, "…"),
        ("abc", 0, ""),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("a b", 2, "a…"),
    ],
)
def test_what_is_cut_ends_with_a_sign(words: str, width: int, shown: str) -> None:
    assert text.cut(words, width) == shown


def test_a_line_that_is_too_long_ends_with_a_sign_and_one_too_short_is_filled() -> None:
    assert text.Line().add("abcdef", PLAIN).row(4, PLAIN).text == "abc…"
    assert text.Line().add("ab", PLAIN).row(4, PLAIN).text == "ab  "


def test_a_click_finds_what_stands_there() -> None:
    hit = text.Hit("hop", 3)
    row = text.Line().add("ab", PLAIN).add("cd", PLAIN, hit).row(8, PLAIN)
    assert [row.hit(x) for x in range(5)] == [None, None, hit, hit, None]


def test_only_changed_cells_are_repainted() -> None:
    a = text.Line().add("12 ", LOOK.text).add("host ", LOOK.strong).add("1.0", LOOK.quiet).row(20, LOOK.text).strip
    b = text.Line().add("12 ", LOOK.text).add("host ", LOOK.strong).add("2.0", LOOK.quiet).row(20, LOOK.text).strip
    assert changed(a, b) == (8, 11)
    assert changed(a, a) is None
    assert changed(a, text.Line().row(20, LOOK.quiet).strip) == (0, 20)


def test_a_sparkline_shows_each_fate_by_its_own_shape() -> None:
    ms = 1_000_000

    def drawn(*samples: int, loss: spark.Loss = "trouble", each: int = 1) -> list[tuple[str, Style]]:
        window = Window(0, memoryview(array("q", samples)))
        cells = -(-len(samples) // each)
        return spark.cells(window, cells, spark.excess(2 * ms, in_us=False), LOOK, loss, each, len(samples) - 1)

    runs = drawn(NO_PROBE, ms, 5 * ms, 99 * ms, 202 * ms, LOST, LATE, FAILED, PENDING)
    assert "".join(part for part, _ in runs) == " ▁▂▆█▀»!…"
    assert dict(runs)["▀"] is LOOK.bad
    assert dict(drawn(LOST, loss="over"))["▀"] is not LOOK.bad
    assert drawn(LOST, LOST, loss="harmless") == [("··", LOOK.quiet)]
    assert drawn(LOST, PENDING, LOST, loss="silent") == [("···", LOOK.quiet)]
    assert drawn(*[ms] * 9, LOST, *[LOST] * 4, *[ms] * 6, *[PENDING] * 10, each=10) == [
        ("▔▀", LOOK.bad),
        ("…", LOOK.faint),
    ]


def test_the_common_scale_rests_until_it_must_move() -> None:
    hops = usual().play(60).snapshot().targets[0].path.hops
    ceiling = spark.ceiling_for(hops, 60)
    assert ceiling == 20.0
    assert spark.ceiling_for(hops, 60, before=30.0) == 30.0
    assert spark.ceiling_for(hops, 60, before=10.0) == 20.0
    assert spark.ceiling_for(hops, 60, before=500.0) == 20.0


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("?", "question_mark"),
        ("ctrl+p", "ctrl+p"),
        (" Space", "space"),
        ("+", "plus"),
        ("F5", "f5"),
        ("T", "T"),
        ("ctrl+?", "ctrl+question_mark"),
        ("", None),
        ("foo", None),
        ("hyper+a", None),
        ("ab", None),
        ("\x1b", None),
    ],
)
def test_keys_are_known_by_name_or_character(key: str, name: str | None) -> None:
    assert keymap.normal(key) == name


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"probe.paws": "p"}, "keys.probe.paws: no such action; there are "),
        ({"probe.pause": "foo"}, "keys.probe.pause: 'foo' is no key"),
        ({"probe.pause": "q"}, "keys.probe.pause: 'q' is bound to program.quit already"),
        ({"probe.pause": "x,x"}, "is bound to"),
        ({"probe.pause": "f5", "stats.reset": "f5"}, "'f5' is bound to probe.pause already"),
    ],
)
def test_a_key_that_cannot_work_is_one_line(keys: dict[str, str], says: str) -> None:
    line = check(ScreenOptions(keys=keys))
    assert line is not None
    assert says in line
    assert "\n" not in line


def test_keys_may_be_moved_swapped_and_taken_away() -> None:
    assert check(ScreenOptions(keys={"probe.pause": "q", "program.quit": "p", "stats.reset": ""})) is None
    bound = keymap.keys_of({"probe.pause": "q", "program.quit": "p", "stats.reset": ""})
    assert (bound["probe.pause"], bound["program.quit"], bound["stats.reset"]) == (("q",), ("p",), ())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (ScreenOptions(columns=("loss", "latency")), "no column 'latency'"),
        (ScreenOptions(columns=("loss", "loss")), "twice"),
        (ScreenOptions(theme="solarised"), "no theme 'solarised'"),
        (ScreenOptions(refresh_s=0.0), "not between"),
    ],
)
def test_options_that_cannot_work_are_one_line(options: ScreenOptions, says: str) -> None:
    assert says in (check(options) or "")
    assert check(ScreenOptions()) is None


def test_the_columns_registry_is_whole() -> None:
    letters = [column.letter for column in COLUMNS.values() if column.letter]
    assert len(letters) == len(set(letters))
    assert set(ScreenOptions().columns) <= set(COLUMNS)
    hop = usual().play(5).snapshot().targets[0].path.hops[0]
    assert all(len(column.cell(hop)) < column.width for column in COLUMNS.values())


def test_each_theme_gives_a_look_in_which_health_differs_by_shape() -> None:
    marks = {
        LOOK.health(state)[0]
        for state in ("healthy", "slow", "loss", "unreachable", "starting", "paused", "this-computer", "refused")
    }
    assert len(marks) == 8


def test_without_colour_no_style_has_one() -> None:
    from textual.theme import BUILTIN_THEMES

    look = look_of(BUILTIN_THEMES["ansi-dark"], no_color=True)
    styles = [value for value in (getattr(look, name) for name in look.__struct_fields__) if isinstance(value, Style)]
    assert all(style.color is None and style.bgcolor is None for style in styles)


@pytest.mark.parametrize(
    ("environment", "wish", "theme"),
    [
        ({"TERM": "xterm-256color"}, "hopscope", "hopscope"),
        ({"TERM": "linux"}, "hopscope", "ansi-dark"),
        ({"TERM": "xterm"}, "hopscope-light", "ansi-light"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "hopscope", "hopscope"),
        ({"TERM": "linux"}, "dracula", "dracula"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "hopscope", "ansi-dark"),
    ],
)
def test_the_theme_suits_the_terminal(
    environment: dict[str, str], wish: str, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "COLORTERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
        if name in environment:
            monkeypatch.setenv(name, environment[name])
    assert themes.effective(wish) == theme


def test_the_exit_status_is_the_outcome() -> None:
    refusal = Refused(1, "permission", "no")
    unresolved = Scripted(1, "no.x", None, (), state="unresolved")
    refused = Scripted(2, "b", "192.0.2.1", (), state="refused", refusal=refusal)
    silent = Scripted(3, "c", "192.0.2.2", tour()[2:3])
    fine = Scripted(4, "d", "192.0.2.53", tour())
    for targets, status in (
        ([], 0),
        ([unresolved], 2),
        ([refused], 3),
        ([unresolved, refused], 3),
        ([silent], 1),
        ([silent, refused], 1),
        ([fine, refused], 0),
    ):
        assert status_of(ScriptedSession(*targets).play(2).snapshot()) == status
    session = ScriptedSession(Scripted(3, "c", "192.0.2.2", tour()[2:3]))
    session.worker = "failed"
    assert status_of(session.snapshot()) == 4


def test_the_documentation_knows_every_action_key_column_and_theme() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "screen.md").read_text(encoding="utf-8")
    for action in ACTIONS.values():
        keys = " ".join(f"`{key}`" for key in action.keys.split(",") if key)
        assert f"| {keys} | `{action.id}` | {action.help} |" in page
    for column in COLUMNS.values():
        assert f"| `{column.key}` |" in page
        assert column.definition in page
    assert all(f"`{theme.name}`" in page for theme in themes.OWN)
