"""No key destroys evidence and none asks: what was done is said, and U undoes it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from hopscope.views.screen.dialogs.prompt import Prompt
from hopscope.views.screen.dialogs.settings import SETTINGS, put
from hopscope.views.screen.undoing import KEPT_NS, Undoing
from tests.screen.conftest import Drive, Driven
from tests.screen.scripted import SECOND, usual


def rounds(it: Driven) -> int:
    target = it.context.state.chosen
    return target.path.rounds if target else 0


async def test_a_target_that_was_removed_comes_back_with_all_that_was_found(drive: Drive) -> None:
    async with drive(usual().play(40)) as it:
        await it.press("2", "x")
        assert "removed example.net; U brings it back" in it.text()
        assert [target.id for target in it.context.state.shown.targets] == [1, 3]
        it.session.play(5)
        await it.press("U")
        assert "example.net is back, with all that was found before" in it.text()
        assert [target.id for target in it.context.state.shown.targets] == [1, 2, 3]
        assert (it.context.state.target, rounds(it)) == (2, 40)


async def test_resets_are_undone_of_one_target_and_of_all(drive: Drive) -> None:
    async with drive(usual().play(40)) as it:
        await it.press("r")
        assert "statistics of this target begin anew; U undoes it" in it.text()
        assert rounds(it) == 0
        await it.press("U")
        assert rounds(it) == 40
        await it.press("ctrl+r", "U")
        assert [target.path.rounds for target in it.context.state.shown.targets] == [40, 40, 40]
        assert "all targets go on as if nothing was reset" in it.text()


async def test_another_protocol_is_undone_with_what_was_found_before(drive: Drive) -> None:
    async with drive(usual().play(40)) as it:
        await it.press("t")
        assert "probing with TCP, port 80: statistics begin anew; U undoes it" in it.text()
        await it.press("U")
        assert "probing with ICMP again, with all that was found before" in it.text()
        assert (it.session.find(1).probing.protocol, rounds(it)) == ("auto", 40)


async def test_another_interval_is_undone(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("i", "2", "0", "0", "m", "s", "enter")
        await it.until(lambda: it.in_front == "MainScreen")
        assert "a round every 0.2 s; U undoes it" in it.text()
        await it.press("U")
        assert "interval 1s again" in it.text()
        assert it.session.find(1).probing.interval_s == 1


async def test_what_was_changed_in_the_settings_is_undone_too(drive: Drive) -> None:
    async with drive(usual().play(40)) as it:
        setting = {one.key: one for one in SETTINGS}
        assert put(it.context, setting["packet_size"], 512) is None
        assert rounds(it) == 0
        assert put(it.context, setting["timeout_s"], 1.5) is None
        await it.press("U", "U")
        assert (it.session.find(1).probing.packet_size, rounds(it)) == (64, 40)


async def test_several_steps_are_undone_the_newest_first_and_then_nothing_is_left(drive: Drive) -> None:
    async with drive(usual().play(20)) as it:
        await it.press("r", "x", "r")
        seen = []
        for _ in range(4):
            await it.press("U")
            seen.append([target.path.rounds for target in it.context.state.shown.targets])
        assert seen == [[20, 20], [0, 20, 20], [20, 20, 20], [20, 20, 20]]
        assert "nothing to undo" in it.text()


def test_after_a_minute_nothing_is_undone() -> None:
    done: list[str] = []
    undoing = Undoing()

    def doing(words: str) -> Callable[[], str]:
        def do() -> str:
            done.append(words)
            return words

        return do

    undoing.add(10 * SECOND, doing("first"))
    undoing.add(20 * SECOND, doing("second"))
    assert undoing.undo(20 * SECOND + KEPT_NS) == "second"
    assert "nothing to undo" in undoing.undo(20 * SECOND + KEPT_NS)
    assert done == ["second"]


async def test_a_digit_without_a_target_says_so(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await it.press("9")
        assert "there is no target 9: there are 3" in it.text()


async def test_a_picture_that_cannot_be_written_leaves_the_prompt_with_what_was_typed(drive: Drive) -> None:
    from textual.widgets import Input, Static

    async with drive(usual().play(3)) as it:
        await it.press("w")
        prompt = it.app.screen
        assert isinstance(prompt, Prompt)
        prompt.query_one(Input).value = "/nonexistent/x.svg"
        await it.press("enter")
        await it.until(lambda: "No such file" in str(it.app.screen.query_one("#reason", Static).content))
        assert it.app.screen is prompt
        assert prompt.query_one(Input).value == "/nonexistent/x.svg"


@pytest.mark.parametrize("key", ["r", "i", "u", "t", "x"])
async def test_what_was_removed_and_is_still_shown_cannot_be_changed_and_that_is_said(drive: Drive, key: str) -> None:
    async with drive(usual().play(40)) as it:
        query = it.context.state.shown.targets[0].query
        await it.press("f", "x", "1", key)
        assert f"{query} was removed: what was found of it is shown" in it.text()
        assert it.in_front == "MainScreen"
        await it.press("U", "1", "r")
        assert "was removed" not in it.text()


async def test_the_settings_of_what_was_removed_are_none(drive: Drive) -> None:
    async with drive(usual().play(40)) as it:
        await it.press("f", "x", "1")
        assert put(it.context, next(one for one in SETTINGS if one.key == "packet_size"), 512) == "there is no target"


async def test_no_setting_makes_a_real_path_a_simulated_one_or_the_reverse(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        method = next(one for one in SETTINGS if one.key == "method")
        assert "simulated" not in method.choices
        assert put(it.context, method, "raw") is None
        target = it.session.find(it.context.state.target or 0)
        target.probing = msgspec.structs.replace(target.probing, method="simulated")
        it.context.changed.clear()
        assert put(it.context, method, "auto") == "this is a demo network: no real method reaches it"
        assert "method" not in it.context.changed


async def test_a_setting_that_was_undone_is_not_kept_as_a_default(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        assert put(it.context, next(one for one in SETTINGS if one.key == "packet_size"), 512) is None
        assert it.context.changed == {"packet_size": 512}
        await it.press("U")
        assert it.context.changed == {}
