"""What a report's progress line says."""

from __future__ import annotations

import msgspec
import pytest

from hopscope.cli.progress import line
from hopscope.wire.messages import Refused
from tests.screen.scripted import Scripted, ScriptedSession, tour

NO_ROUTE = Refused(1, "no-route", "no route to 192.0.2.1", "ip -4 route get 192.0.2.1")


def waiting(number: int = 1) -> Scripted:
    return Scripted(number, "a", "192.0.2.1", (), state="refused", refusal=NO_ROUTE, is_tried_again=True)


def test_what_all_targets_that_are_left_wait_for_is_said() -> None:
    assert line(ScriptedSession(waiting()).snapshot()) == "no route to 192.0.2.1: tried again every few seconds"
    done = Scripted(2, "b", "192.0.2.2", tour(), state="finished")
    assert line(ScriptedSession(done, waiting()).play(1).snapshot()).startswith("no route to 192.0.2.1")


@pytest.mark.parametrize("error", ["a.example: the name server does not answer"])
def test_a_name_that_is_waited_for_is_said(error: str) -> None:
    target = Scripted(1, "a.example", None, (), state="unresolved", error=error, is_tried_again=True)
    assert line(ScriptedSession(target).snapshot()) == f"{error}: tried again every few seconds"


def test_while_another_target_is_probed_the_rounds_are_said() -> None:
    session = ScriptedSession(waiting(), Scripted(2, "b", "192.0.2.2", tour())).play(2)
    snapshot = session.snapshot()
    first, second = snapshot.targets
    assert second.plan is not None
    second = msgspec.structs.replace(second, plan=msgspec.structs.replace(second.plan, rounds=10))
    snapshot = msgspec.structs.replace(snapshot, targets=(first, second))
    assert line(snapshot).startswith("round 2 of 10, ")
