"""A hop that several targets ask in turn says so in its details."""

from __future__ import annotations

import msgspec
from textual.theme import BUILTIN_THEMES

from hopscope.path.shared import SharedHop
from hopscope.views.screen import detail
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
