"""A hop that several targets ask in turn says so in its details."""

from __future__ import annotations

import msgspec
from textual.theme import BUILTIN_THEMES

from hopscope.path.shared import SharedHop, pooled
from hopscope.views.screen import detail, frame
from hopscope.views.screen.keymap import keys_of
from hopscope.views.screen.options import ScreenOptions
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import look_of
from hopscope.words.hops import hop_finding
from tests.screen.scripted import usual


def test_the_panel_and_the_dialog_say_by_how_many() -> None:
    (target,) = usual().play(5).snapshot().targets[:1]
    target = msgspec.structs.replace(target, shared={2: SharedHop(40, 40, 0, 117, 3, 2.5, (0.85, 7.1), None)})
    look = look_of(BUILTIN_THEMES["textual-dark"])
    for render, width in ((detail.panel, 40), (detail.everything, 100)):
        said = {}
        for hop in target.path.hops[:2]:
            verdict = hop_finding(target.path, hop, target.judged.verdict)
            said[hop.ttl] = " ".join(row.text.strip() for row in render(target, hop, verdict, look, width))
        words = "shared by 40 targets, which take turns to ask it: 3 of 120 lost"
        assert words in " ".join(said[2].split())
        assert "shared by" not in said[1]


def test_its_row_shows_their_numbers_and_by_how_many_it_is_shared() -> None:
    snapshot = usual().play(5).snapshot()
    (target,) = snapshot.targets[:1]
    shared = SharedHop(40, 40, 0, 117, 3, 2.5, (0.85, 7.1), None)
    path = msgspec.structs.replace(target.path, pooled=(pooled(target.path.hops[1], shared),))
    target = msgspec.structs.replace(target, shared={2: shared}, path=path)
    state = ViewState.begin(ScreenOptions(), msgspec.structs.replace(snapshot, targets=(target,)))
    state.see(state.shown)
    rows = frame.compose(state, look_of(BUILTIN_THEMES["textual-dark"]), 170, 34, keys_of({}), frame.FrameCache()).rows
    first, second = (next(row.text for row in rows if row.text.split()[:1] == [ttl]) for ttl in "12")
    assert "shared by 40" in second
    assert second.split("shared by 40")[1].split()[:2] == ["2.5", "120"]
    assert "shared by" not in first
