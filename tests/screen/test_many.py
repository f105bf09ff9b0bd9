"""With many targets a key is answered before the session is asked for anything new."""

from __future__ import annotations

import pytest

from hopscope.session.model import Snapshot
from tests.screen.conftest import Drive
from tests.screen.scripted import Scripted, ScriptedSession, tour


def of(count: int) -> ScriptedSession:
    return ScriptedSession(*(Scripted(n, f"t{n}.example", f"192.0.2.{n}", tour()) for n in range(1, count + 1)))


@pytest.mark.parametrize("key", ["n", "l", "e", "m", "j", "d", "2", "g", "p", "r", "T"])
async def test_a_key_takes_no_snapshot_of_many_targets(drive: Drive, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with drive(of(25).play(3)) as it:
        drawn: list[str] = []
        snapshot, show = it.session.snapshot, it.app.show

        def counted() -> Snapshot:
            drawn.append("snapshot")
            return snapshot()

        def shown() -> None:
            drawn.append("shown")
            show()

        monkeypatch.setattr(it.app, "tick", lambda: None)  # a look that is due meanwhile is not the key's
        monkeypatch.setattr(it.session, "snapshot", counted)
        monkeypatch.setattr(it.app, "show", shown)
        await it.press(key)
        assert drawn[0] == "shown"


async def test_a_pause_of_many_targets_is_said_at_once_and_shown_right_after(drive: Drive) -> None:
    async with drive(of(25).play(3)) as it:
        await it.press("p")
        await it.until(lambda: "Paused" in it.lines()[1])
        await it.press("p")
        await it.until(lambda: "Paused" not in it.lines()[1])
        assert [call[0] for call in it.session.calls] == ["pause", "resume"]
