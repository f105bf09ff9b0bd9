"""A recorded stream gives the same snapshots again: over networks drawn at random and commands drawn at random."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from hopscope.probe.virtual import VirtualEngine
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.model import Probing, Target
from hopscope.session.replay import replay
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import (
    Abandoned,
    Adjusted,
    Begun,
    Continued,
    Found,
    Paused,
    Remembered,
    Reset,
    Resumed,
    TakenBack,
    UsualDelay,
)
from hopscope.wire.messages import Adjust, Event, Pause, Plan, Resume, Start, Stop
from tests.conformance.test_random_networks import networks, plan_of
from tests.lab.virtual import simulated

USUAL = tuple(UsualDelay(ttl, 5.0, 4.5, 0.5, 7.0) for ttl in range(4) for _ in range(3))
COMMANDS = ("remember", "pause", "resume", "reset", "adjust", "worker dies", "anew", "take back", "nothing")


class Played:
    """One target in virtual time, driven as a session drives it; every fact is kept."""

    def __init__(self, scenario: str, plan: Plan) -> None:
        self.engine = VirtualEngine()
        self.plan = simulated(plan, scenario)
        self.flow_id = 0
        asked = Asked(self.engine.wall, plan.address, Probing())
        self.facts: list[tuple[int, TargetFact]] = [(1, asked)]
        self.fold = TargetFold(1, asked)
        self.shown: list[tuple[int, Target]] = []
        """After how many facts, what was seen."""
        self.tell(Found(self.engine.wall, plan.address))
        self.begin(self.plan)

    def tell(self, fact: TargetFact) -> None:
        self.fold.apply(fact)
        self.facts.append((1, fact))

    def begin(self, plan: Plan) -> None:
        self.tell(Begun(self.engine.wall, plan))
        self.open(plan)

    def open(self, plan: Plan) -> None:
        self.flow_id += 1
        self.engine.handle(Start(self.flow_id, plan))
        if self.fold.is_paused:
            self.engine.handle(Pause(self.flow_id))

    def run(self, seconds: float) -> None:
        for event in self.engine.advance(seconds):
            self.hear(event)
        self.shown.append((len(self.facts), self.fold.snapshot()))

    def hear(self, event: Event) -> None:
        if getattr(event, "target", 0) == self.flow_id:
            self.tell(event)

    def do(self, command: str) -> None:
        now, engine = self.engine.wall, self.engine
        for event in engine.engine.take():
            self.hear(event)
        if command == "pause":
            self.tell(Paused(now))
            engine.handle(Pause(self.flow_id))
        elif command == "resume":
            self.tell(Resumed(now))
            engine.handle(Resume(self.flow_id))
        elif command == "reset":
            self.tell(Reset(now))
        elif command == "adjust":
            change = Adjust(self.flow_id, interval_ns=130_000_000, max_unknown=2)
            self.tell(Adjusted(now, change))
            engine.handle(change)
        elif command == "worker dies":
            self.tell(Abandoned(now, "the probe worker ended while this probe was in flight"))
            plan = self.fold.continued()
            if plan is not None and self.fold.phase != "finished":
                engine.handle(Stop(self.flow_id))
                self.tell(Continued(now, plan))
                self.open(plan)
        elif command == "remember":
            self.tell(Remembered(now, USUAL))
        elif command == "anew":
            engine.handle(Stop(self.flow_id))
            self.tell(Asked(now, self.plan.address, Probing(tos=8)))
            self.begin(self.plan)
        elif command == "take back":
            fact = self.fold.taken_back(now) or TakenBack(now)
            if fact.plan is not None:
                engine.handle(Stop(self.flow_id))
            self.tell(fact)
            if fact.plan is not None:
                self.open(fact.plan)


steps = st.lists(st.tuples(st.floats(0.01, 0.9), st.sampled_from(COMMANDS)), max_size=8)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("network")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


def play(folder: Path, text: str, script: list[tuple[float, str]]) -> Played:
    note(text)
    file = folder / "network.toml"
    file.write_text(text)
    played = Played(str(file), plan_of("icmp", 4))
    for seconds, command in script:
        played.run(seconds)
        played.do(command)
    played.run(3)
    return played


@settings(max_examples=60, deadline=None)
@given(text=networks(), script=steps)
def test_what_was_recorded_is_shown_again_exactly(shared: Path, text: str, script: list[tuple[float, str]]) -> None:
    played = play(shared, text, script)
    for count, seen in played.shown:
        assert replay(played.facts[:count])[1].snapshot() == seen


@settings(max_examples=30, deadline=None)
@given(text=networks(), script=steps, share=st.floats(0, 1))
def test_a_fold_can_be_stopped_copied_and_continued(
    shared: Path, text: str, script: list[tuple[float, str]], share: float
) -> None:
    played = play(shared, text, script)
    facts = played.facts
    at = max(1, int(share * len(facts)))
    half = replay(facts[:at])[1]
    before = half.snapshot()
    twin = half.copy()
    for _, fact in facts[at:]:
        twin.apply(fact)
    assert twin.snapshot() == played.fold.snapshot()
    assert half.snapshot() == before == replay(facts[:at])[1].snapshot()
