"""What q leaves on the terminal, the bell, `/`, and a footer that follows what is shown."""

from __future__ import annotations

import dataclasses

import pytest

from hopscope.session.model import Snapshot
from hopscope.views.screen.bell import Bell
from hopscope.views.screen.finding import find
from hopscope.views.screen.footer import Footing
from hopscope.views.screen.judged import HealthCache
from hopscope.views.screen.options import ScreenOptions
from tests.screen.conftest import Drive
from tests.screen.scripted import Scripted, ScriptedSession, tour, usual
from tests.screen.terminal import Terminal


def report(snapshot: Snapshot, target: int, format_: str) -> str:
    return f"{format_} of {target}\n"


@pytest.mark.parametrize("size", [(120, 34), (40, 12)])
def test_q_leaves_the_sentence_and_the_table_on_the_terminal(size: tuple[int, int]) -> None:
    with Terminal("demo", "hostile", "-i", "0.2", size=size) as terminal:
        terminal.read(b"\x1b[?1049h")
        terminal.read(b"Fine" if size[0] > 60 else b"hop")
        terminal.type("q")
        assert terminal.wait() == 0
        assert terminal.is_restored()
        left = terminal.bytes[terminal.bytes.rindex(b"\x1b[?1049l") :].decode()
        assert "www.example.com" in left
        assert "Loss%" in left
        text = left[left.index("www.example.com") :]
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert all(char.isprintable() or char in "\r\n" for char in text)


def test_ctrl_c_leaves_nothing() -> None:
    with Terminal("demo", "-i", "0.2") as terminal:
        terminal.read(b"leaf12.dc3")
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert b"Loss%" not in terminal.bytes[terminal.bytes.rindex(b"\x1b[?1049l") :]


async def test_of_the_other_targets_the_sentence_is_left(drive: Drive) -> None:
    async with drive(usual().play(30), options=ScreenOptions(glyphs="unicode", report=report)) as it:
        await it.press("2", "q")
        lines = it.app.left.splitlines()
        assert lines[0] == "ticket of 2"
        assert [line.split(":")[0] for line in lines[2:]] == ["one.one.one.one", "198.18.0.7"]


async def test_nothing_is_left_where_nothing_was_found_or_mtr_was_called(drive: Drive) -> None:
    for session, options in (
        (usual(), ScreenOptions(glyphs="unicode", report=report)),
        (usual().play(30), ScreenOptions(glyphs="unicode", report=report, leaves_table=False)),
    ):
        async with drive(session, options=options) as it:
            await it.press("q")
            assert it.app.left == ""


def test_the_bell_rings_when_a_target_is_lost_and_when_it_is_back() -> None:
    one = Scripted(1, "one.one.one.one", "192.0.2.53", tour())
    session = ScriptedSession(one, Scripted(2, "silent", "192.0.2.9", tour()[:4]))
    bell, judge, rung = Bell(), HealthCache(), []
    whole = one.routers
    for second in range(120):
        gone = tuple(dataclasses.replace(router, silent=True) for router in whole[4:])
        one.routers = (*whole[:4], *gone) if 40 <= second < 70 else whole
        if bell.rings(session.play().snapshot().targets, judge):
            rung.append(second)
    assert len(rung) == 2
    assert 40 <= rung[0] < 55
    assert 70 <= rung[1] < 80


async def test_the_bell_is_silent_unless_it_is_asked_for(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    for asked in (False, True):
        one = Scripted(1, "one.one.one.one", "192.0.2.53", tour())
        async with drive(ScriptedSession(one).play(40), options=ScreenOptions(glyphs="unicode", bell=asked)) as it:
            rung: list[bool] = []
            monkeypatch.setattr(it.app, "bell", lambda rung=rung: rung.append(True))
            whole = one.routers
            one.routers = (*whole[:4], *(dataclasses.replace(router, silent=True) for router in whole[4:]))
            for _ in range(20):
                it.session.play()
                it.app.tick()
            assert bool(rung) is asked


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("example.net", (2, None)),
        ("192.0.2.80", (2, None)),
        ("gateway", (1, 1)),
        ("GATEWAY", (1, 1)),
        ("hop 2", (1, 2)),
        ("as64501", (1, 4)),
        ("example-ix", (1, 5)),
        ("nowhere", None),
        ("", None),
    ],
)
def test_find_looks_into_names_addresses_networks_and_hops(text: str, first: tuple[int, int | None] | None) -> None:
    found = find(text, usual().play(20).snapshot().targets)
    assert ((found[0].target, found[0].ttl) if found else None) == first


async def test_slash_goes_to_what_is_found_and_again_to_the_next(drive: Drive) -> None:
    async with drive(usual().play(20)) as it:
        await it.press("slash", *"core2", "enter")
        await it.until(lambda: it.in_front == "MainScreen")
        assert "1 of 3: hop 4 of one.one.one.one, ae1.core2.example.net; / and enter: the next" in it.text()
        await it.press("slash", "enter")
        await it.until(lambda: it.in_front == "MainScreen")
        assert (it.context.state.target, it.context.state.hops[2]) == (2, 4)
        await it.press("slash", *"zzz", "enter")
        await it.pilot.pause()
        assert it.in_front == "Prompt"


async def test_slash_in_the_overview_moves_its_cursor(drive: Drive) -> None:
    async with drive(usual().play(20)) as it:
        await it.press("g", "slash", *"198.18", "enter")
        await it.until(lambda: it.in_front == "MainScreen")
        assert it.context.state.overview
        assert it.context.state.target == 3


async def test_the_line_of_keys_follows_what_is_shown(drive: Drive) -> None:
    async with drive(usual().play(20), (160, 34)) as it:
        assert "p pause" in it.lines()[-1]
        await it.press("p")
        assert "p resume" in it.lines()[-1]
        await it.press("p", "g")
        assert "↑↓ target   ⏎ open   / find   m fold" in it.lines()[-1]
        await it.press("g", "f")
        assert "esc now" in it.lines()[-1]
        await it.press("f")
        assert "esc now" not in it.lines()[-1]


def test_the_footer_of_a_recording_names_no_key_that_probes() -> None:
    for of in (Footing(), Footing(several=True), Footing(overview=True), Footing(away=True)):
        live, recorded = of.actions, of._replace(recording=True).actions
        assert not {"probe.pause", "stats.reset", "target.add"} & set(recorded)
        assert "program.help" in live
        assert "program.help" in recorded
    assert {"time.previous", "verdict.why", "take.copy"} <= set(Footing(recording=True).actions)
