"""Each key does what the contract says."""

from __future__ import annotations

from pathlib import Path

import pytest

from hopscope.session.model import Probing, Snapshot
from hopscope.views.screen.actions import ACTIONS
from hopscope.views.screen.dialogs.columns import ColumnsScreen
from hopscope.views.screen.dialogs.help import HelpScreen
from hopscope.views.screen.dialogs.hop import HopScreen
from hopscope.views.screen.dialogs.prompt import Prompt
from hopscope.views.screen.dialogs.settings import SETTINGS, SettingsScreen, put
from hopscope.views.screen.keymap import keys_of
from hopscope.views.screen.options import ScreenOptions
from tests.screen.conftest import Drive, Driven
from tests.screen.scripted import Scripted, ScriptedSession, tour, usual

CONTRACT = {
    "q": "program.quit",
    "p": "probe.pause",
    "space": "probe.pause",
    "question_mark": "program.help",
    "h": "program.help",
    "r": "stats.reset",
    "ctrl+r": "stats.reset_all",
    "right": "target.next",
    "left": "target.previous",
    "tab": "target.next",
    "shift+tab": "target.previous",
    "1": "target.1",
    "9": "target.9",
    "down": "hop.next",
    "up": "hop.previous",
    "j": "hop.next",
    "k": "hop.previous",
    "enter": "hop.details",
    "a": "target.add",
    "x": "target.remove",
    "n": "show.names",
    "z": "show.owners",
    "e": "show.mpls",
    "o": "show.columns",
    "c": "chart.toggle",
    "d": "chart.view",
    "i": "probe.interval",
    "u": "probe.udp",
    "t": "probe.tcp",
    "f": "display.freeze",
    "F": "show.window",
    "s": "program.settings",
    "y": "take.copy",
    "w": "take.write",
    "ctrl+p": "program.palette",
    "escape": "look.clear",
}


def test_the_keys_are_those_of_the_contract() -> None:
    owner = {key: id_ for id_, keys in keys_of({}).items() for key in keys}
    assert {key: owner.get(key) for key in CONTRACT} == CONTRACT


def test_every_action_says_what_it_does() -> None:
    assert all(action.help.endswith(".") and action.title for action in ACTIONS.values())


async def test_q_quits_with_the_outcome(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("q")
        assert it.app.return_code == 0


async def test_ctrl_c_quits_as_an_interruption_even_while_a_prompt_is_open(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("a", "x", "ctrl+c")
        assert it.app.return_code == 130


async def test_p_pauses_and_p_resumes_and_the_screen_says_so(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("p")
        assert it.session.calls == [("pause", None)]
        assert "Paused" in it.lines()[1]
        assert "no probes are sent" in it.text()
        await it.press("space")
        assert it.session.calls[-1] == ("resume", None)
        assert "no probes are sent" not in it.text()


async def test_r_resets_this_target_and_ctrl_r_all(drive: Drive) -> None:
    async with drive(usual().play(12)) as it:
        await it.press("2", "r")
        assert it.session.calls == [("reset", 2)]
        await it.press("ctrl+r")
        assert it.session.calls[-1] == ("reset", None)
        assert "the first probes are on their way" in it.text()


async def test_arrows_tab_and_digits_choose_a_target(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        chosen = []
        for key in ("right", "tab", "right", "left", "shift+tab", "1"):
            await it.press(key)
            chosen.append(it.context.state.target)
        assert chosen == [2, 3, 1, 3, 2, 1]
        assert it.context.state.chosen is not None
        assert it.context.state.chosen.query == "one.one.one.one"


async def test_arrows_choose_a_hop_and_the_cursor_keeps_it(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("up", "k")
        assert [line[2:11].strip() for line in it.lines() if line[1:2] == "▶"] == ["4 ╶ ae1"]
        it.session.play(5)
        await it.until(lambda: it.context.state.shown.now == it.session.now)
        assert cursor(it) == 4
        await it.press("j")
        assert cursor(it) == 5


async def test_enter_opens_the_details_of_the_hop_and_escape_closes_them(drive: Drive) -> None:
    async with drive(usual().play(30)) as it:
        await it.press("up", "up", "enter")
        assert isinstance(it.app.screen, HopScreen)
        details = "\n".join(row.text for row in it.app.screen.canvas._rows)
        for words in (
            "ae1.core2.example.net",
            "203.0.113.13",
            "geometric",
            "RFC 3550",
            "time exceeded",
            "TTL of the last",
        ):
            assert words in details
        await it.press("escape")
        assert it.in_front == "MainScreen"


async def test_n_goes_through_names_addresses_and_both(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        assert "gateway.lan" in it.text()
        await it.press("n")
        assert "gateway.lan" not in it.text()
        assert "192.168.1.1" in it.text()
        await it.press("n")
        assert any("gateway.lan  192.168.1.1" in line for line in it.lines())
        await it.press("n")
        assert "192.168.1.1" not in it.text()


async def test_z_shows_owners_and_e_hides_mpls(drive: Drive) -> None:
    async with drive(usual().play(3), (160, 50), ScreenOptions(glyphs="unicode", details=False)) as it:
        assert "MPLS 16004" in it.text()
        assert "AS64501" not in it.text()
        await it.press("z", "e")
        assert "AS64501" in it.text()
        assert "MPLS 16004" not in it.text()


async def test_f_goes_through_the_windows_of_the_numbers_and_names_each(drive: Drive) -> None:
    async with drive(usual().play(3), (160, 50)) as it:
        assert "since the start" in it.text()
        for words in ("last 60 s", "last 5 min", "last 15 min", "last hour", "since the start"):
            await it.press("F")
            assert f"numbers {words}" in it.text()
            assert words in next(line for line in it.lines() if "Host" in line)
        await it.press("F", "g")
        assert "last 60 s" in next(line for line in it.lines() if "vs usual" in line)


async def test_c_switches_the_chart_and_d_goes_through_its_views(drive: Drive) -> None:
    async with drive(usual().play(30)) as it:
        titles = ["latency to", "along the path", "distribution of", "all hops over time"]
        for key, title in zip(("escape", "d", "d", "d", "d"), (*titles, titles[0]), strict=True):
            await it.press(key)
            assert [one for one in titles if f" {one}" in it.text()] == [title]
        await it.press("c")
        assert not it.app.shown.has_chart
        await it.press("c")
        assert it.app.shown.has_chart


async def test_f_holds_this_moment_while_probing_goes_on(drive: Drive) -> None:
    async with drive(usual().play(10)) as it:
        await it.press("f")
        before = it.lines()
        assert "probing on · esc live" in it.text()
        it.session.play(10)
        it.app.tick()
        assert "10 s ago" in it.text()
        table = [line for line in before if " 192.168.1.1" in line or "gateway" in line]
        assert table
        assert all(line in it.lines() for line in table)
        await it.press("f")
        assert "live" not in it.text()
        assert not all(line in it.lines() for line in table)


async def test_u_and_t_switch_the_protocol_and_back(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        for key, wanted in (("u", "udp"), ("u", "auto"), ("t", "tcp"), ("t", "auto")):
            await it.press(key)
            assert it.session.find(1).probing.protocol == wanted
        assert it.session.find(2).probing.protocol == "auto"


async def test_a_switch_names_the_port_that_stood_beside_the_target(drive: Drive) -> None:
    async with drive(ScriptedSession(Scripted(1, "localhost:443", "127.0.0.1", tour(), port=443)).play(3)) as it:
        for key, said in (("t", "TCP, port 443"), ("u", "UDP, port 443"), ("u", "ICMP")):
            await it.press(key)
            assert f"probing with {said}: statistics begin anew" in it.text()


async def test_a_port_that_was_asked_for_outlasts_a_time_with_icmp(drive: Drive) -> None:
    probing = Probing(protocol="tcp", port=8443)
    async with drive(ScriptedSession(Scripted(1, "localhost", "127.0.0.1", tour(), probing=probing)).play(3)) as it:
        for key, port in (("t", None), ("t", 8443), ("t", None), ("u", 8443), ("t", 8443)):
            await it.press(key)
            assert it.session.find(1).probing.port == port
        assert "probing with TCP, port 8443: statistics begin anew" in it.text()
        for protocol, port in (("icmp", None), ("tcp", 8443)):
            setting = next(one for one in SETTINGS if one.key == "protocol")
            assert put(it.context, setting, protocol) is None
            assert it.session.find(1).probing.port == port


async def test_i_changes_the_interval_and_says_what_is_no_interval(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("i")
        await it.press("f", "o", "o", "enter")
        await it.until(lambda: "no duration" in reason(it))
        await it.press(*["backspace"] * 4, "0", "full_stop", "0", "0", "1", "s", "enter")
        await it.until(lambda: "'0.001s' is out of range; allowed are 10ms to 86400s" in reason(it))
        await it.press(*["backspace"] * 6, "5", "0", "0", "m", "s", "enter")
        await it.until(lambda: it.in_front == "MainScreen")
        assert it.session.calls == [("adjust", 1, 0.5)]
        assert "every 0.5 s" in it.lines()[0]


async def test_a_adds_a_target_and_shows_it(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("a", "t", "w", "o", "enter")
        await it.until(lambda: it.in_front == "MainScreen")
        assert it.session.calls == [("add", "two")]
        assert it.context.state.chosen is not None
        assert it.context.state.chosen.query == "two"


async def test_a_name_that_does_not_resolve_is_said_in_the_prompt_and_not_kept(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("a")
        await it.press("n", "o", "full_stop", "x", "enter")
        await it.until(lambda: reason(it) == "no.x: no such name")
        assert [target.query for target in it.session.targets] == ["one.one.one.one", "example.net", "198.18.0.7"]
        await it.press("escape")
        assert it.in_front == "MainScreen"


async def test_several_names_in_the_prompt_are_several_targets_and_of_those_only_the_bad_one_is_asked_for_again(
    drive: Drive,
) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("a")
        prompt = it.app.screen
        assert isinstance(prompt, Prompt)
        fill(prompt, "two.example, no.x 'three.example'")
        await it.press("enter")
        await it.until(lambda: reason(it) == "no.x: no such name")
        await it.press("enter")
        await it.until(lambda: len(it.session.calls) == 6)
        added = [call[1] for call in it.session.calls if call[0] == "add"]
        assert added == ["two.example", "no.x", "'three.example'", "no.x"]
        assert [call for call in it.session.calls if call[0] == "remove"] == [("remove", 5), ("remove", 7)]
        await it.press("escape")
        assert it.in_front == "MainScreen"


async def test_x_removes_this_target_and_the_last_one_leaves_an_explanation(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("x")
        assert it.session.calls == [("set_aside", 1)]
        await it.press("x", "x")
        assert "no targets: a adds one" in it.text()
        await it.press("x", "up", "enter", "d", "left", "y", "r")


async def test_question_mark_and_h_open_help_with_every_key(drive: Drive) -> None:
    async with drive(usual().play(3), (100, 120)) as it:
        for key in ("question_mark", "h"):
            await it.press(key)
            assert isinstance(it.app.screen, HelpScreen)
            text = "\n".join(row.text for row in it.app.screen.canvas._rows)
            missing = [a.help for a in ACTIONS.values() if a.help[:40] not in text and not a.id[-1].isdigit()]
            assert missing == []
            await it.press("q")


async def test_o_switches_and_moves_columns_at_once(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("o")
        assert isinstance(it.app.screen, ColumnsScreen)
        await it.press("down", "space", "up", "right")
        assert it.context.state.columns == ("loss", "last", "best", "avg", "p95", "jitter", "spark")
        await it.press("down", "down", "left", "left")
        assert it.context.state.columns[:3] == ("best", "loss", "last")
        await it.press("d")
        assert it.context.state.columns == ScreenOptions().columns


async def test_s_opens_settings_in_which_enter_changes_a_line(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("s")
        assert isinstance(it.app.screen, SettingsScreen)
        await it.press("enter")
        assert it.session.find(1).probing.protocol == "udp"
        await it.press("left")
        assert it.session.find(1).probing.protocol == "auto"
        await it.press("down", "down", "down", "enter")
        assert isinstance(it.app.screen, Prompt)
        await it.press("2", "enter")
        await it.until(lambda: isinstance(it.app.screen, SettingsScreen))
        assert it.session.calls[-1] == ("adjust", 1, 2.0)


async def test_settings_can_be_kept_and_a_failure_is_said(drive: Drive) -> None:
    kept: list[object] = []

    def keep(settings: object) -> str:
        kept.append(settings)
        if len(kept) > 1:
            raise OSError(28, "No space left on device")
        return "/home/me/.config/hopscope/config.toml"

    async with drive(usual().play(3), options=ScreenOptions(glyphs="unicode", save_settings=keep)) as it:
        await it.press("s", "enter", "w")
        assert isinstance(kept[0], dict)
        assert kept[0]["probe"] == {"protocol": "udp"}
        assert kept[0]["screen"]["theme"] == "hopscope"
        assert "kept in /home/me" in it.lines()[3]
        await it.press("w")
        assert "not kept" in it.lines()[3]


def report(snapshot: Snapshot, target: int, format_: str) -> str:
    return f"{format_} report of {target}\n"


async def test_y_copies_the_report(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    async with drive(usual().play(3), options=ScreenOptions(glyphs="unicode", report=report)) as it:
        monkeypatch.setattr(it.app, "copy_to_clipboard", copied.append)
        await it.press("y")
        assert copied == ["ticket report of 1\n"]
        assert "clipboard" in it.lines()[3]


async def test_w_writes_a_report_or_a_picture_and_overwrites_nothing(drive: Drive, tmp_path: Path) -> None:
    async with drive(usual().play(3), options=ScreenOptions(glyphs="unicode", report=report)) as it:
        for ending, begins in (("json", "json report of 1"), ("svg", "<svg")):
            path = tmp_path / f"out.{ending}"
            await it.press("w")
            prompt = it.app.screen
            assert isinstance(prompt, Prompt)
            fill(prompt, str(path))
            await it.press("enter")
            await it.until(lambda: it.in_front == "MainScreen")
            await it.until(lambda at=path: bool(at.read_text()))  # type: ignore[misc] # a lambda's default
            assert path.read_text().startswith(begins)
            await it.press("w")
            assert isinstance(it.app.screen, Prompt)
            fill(it.app.screen, str(path))
            await it.press("enter")
            await it.until(lambda: "File exists" in reason(it))
            await it.press("escape")


async def test_the_palette_reaches_every_action(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        found = {command.help for command in it.app.get_system_commands(it.app.screen)}
        assert found >= {action.help for action in ACTIONS.values() if action.id != "program.palette"}
        await it.press("ctrl+p")
        await it.until(lambda: it.in_front == "Palette")
        await it.press("escape")
        await it.until(lambda: it.in_front == "MainScreen")


async def test_escape_clears_the_choice(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("up", "up")
        assert cursor(it) == 4
        await it.press("escape")
        assert cursor(it) == 6


async def test_the_overview_sorts_by_trouble_and_opens_what_is_chosen(drive: Drive) -> None:
    async with drive(usual().play(150)) as it:
        await it.press("g")
        order = [line[4:20].split()[0] for line in it.lines() if line[1:2] in "●▲×" and line[2:3].isdigit()]
        assert order == ["198.18.0.7", "example.net", "one.one.one.one"]
        await it.press("home", "enter")
        assert it.context.state.target != 1
        assert not it.context.state.overview


async def test_a_click_chooses_a_tab_a_hop_and_a_key_of_the_footer(drive: Drive) -> None:
    async with drive(usual().play(30)) as it:
        x = it.lines()[0].index("example.net")
        await it.pilot.click(offset=(x, 0))
        await it.pilot.pause()
        assert it.context.state.target == 2
        y = next(i for i, line in enumerate(it.lines()) if "100.64.0.1" in line)
        await it.pilot.click(offset=(8, y))
        await it.pilot.pause()
        assert cursor(it) == 2
        await it.pilot.click(offset=(it.lines()[-1].index("pause"), 33))
        await it.pilot.pause()
        assert it.session.calls == [("pause", None)]


async def test_a_click_on_the_chart_and_keys_go_to_another_moment_and_escape_comes_back(drive: Drive) -> None:
    async with drive(usual().play(60)) as it:
        await it.press("left_square_bracket", "left_square_bracket")
        assert it.context.state.shown.targets[0].path.rounds == 59
        assert "1 s ago · probing on · esc live" in it.text()
        await it.press("right_square_bracket", "right_square_bracket")
        assert it.context.state.moment is None
        y = next(i for i, line in enumerate(it.lines()) if "latency to" in line) + 3
        await it.pilot.click(offset=(50, y))
        await it.pilot.pause()
        before = it.context.state.shown.targets[0].path.rounds
        assert before < 45
        it.session.play(5)
        await it.pilot.pause()
        assert it.context.state.shown.targets[0].path.rounds == before
        await it.press("escape")
        assert it.context.state.shown.targets[0].path.rounds == 65
        assert "live" not in it.text()


async def test_plus_and_minus_change_the_span_of_the_time_axis(drive: Drive) -> None:
    async with drive(usual().play(120)) as it:
        spans = []
        for key in ("plus", "plus", "minus", "minus", "minus"):
            await it.press(key)
            spans.append(it.context.state.span_s)
        assert spans == [60, 60, 120, 300, 900]
        assert "the time axis spans 15 min" in it.text()


def cursor(it: Driven) -> int | None:
    target = it.context.state.chosen
    return it.context.state.cursor(target) if target else None


def reason(it: Driven) -> str:
    from textual.widgets import Static

    assert isinstance(it.app.screen, Prompt)
    return str(it.app.screen.query_one("#reason", Static).content)


def fill(prompt: Prompt, text: str) -> None:
    from textual.widgets import Input

    prompt.query_one(Input).value = text
