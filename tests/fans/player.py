"""Plays a network with parallel paths: its discovery, then rounds, and who is named when."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from hopscope.probe.virtual import EPOCH_START_NS, VirtualEngine
from hopscope.session.facts import Asked
from hopscope.session.model import Probing, Target
from hopscope.session.plans import plan_of
from hopscope.session.report import report
from hopscope.session.target_fold import TargetFold
from hopscope.wire.discovered import Discovered
from hopscope.wire.facts import Begun, Found
from hopscope.wire.messages import Finished, RoundStarted, Start

_STEP_S = 20.0
_TOLD = 3
"""Rounds after a flow is named until the verdict says so as well."""


def target_of(seed: int) -> str:
    """The target's address with a seed: ports follow from it, and from them who goes where."""
    return f"192.0.2.{1 + seed % 250}"


@dataclass
class Fan:
    """What came of it."""

    found: list[Discovered] = field(default_factory=list)
    named: dict[int, int] = field(default_factory=dict)
    """By flow, after how many rounds since flows are watched it was first called bad or dead."""
    states: dict[int, set[str]] = field(default_factory=dict)
    """By flow, all that it was ever said to be."""
    kinds: set[str] = field(default_factory=set)
    """Of all verdicts."""
    target: Target | None = None
    said: dict[str, Any] = field(default_factory=dict)
    """The report at the end."""

    @property
    def first(self) -> Discovered:
        return self.found[0]

    def by(self, router: str | None) -> set[int]:
        """The watched flows that go by this router, by what was found last."""
        last = self.found[-1]
        return {
            flow
            for path in last.paths
            for flow in path.flows
            if flow in last.watched and router in {one for _, one in path.members}
        }


def play(scenario: str, seed: int, folder: Path, rounds: int, *, until: str | None = None, **probing: Any) -> Fan:
    """Play so many rounds after the discovery (at once, where a number of flows is given). `until`: end as soon as
    flows by this router are named, and the verdict can say so."""
    path = folder / "fan.toml"
    path.write_text(scenario.replace("TARGET", target_of(seed)), encoding="utf-8")
    asked = msgspec.convert(
        {"method": "simulated", "scenario": str(path), "seed": seed, "protocol": "udp", "flows": 0, **probing}, Probing
    )
    fold = TargetFold(1, Asked(EPOCH_START_NS, target_of(seed), asked))
    plan = plan_of(asked, target_of(seed))
    engine, fan = VirtualEngine(), Fan()
    fold.apply(Found(EPOCH_START_NS, plan.address))
    fold.apply(Begun(EPOCH_START_NS, plan))
    engine.handle(Start(1, plan))
    watched, is_over = 0 if asked.flows else None, False
    while not is_over:
        for event in engine.advance(_STEP_S, stop_when_idle=True):
            if getattr(event, "target", None) != 1:
                continue
            fold.apply(event)
            if isinstance(event, Discovered):
                fan.found.append(event)
                watched = fold.last_round + 1 if watched is None else watched
            elif isinstance(event, RoundStarted):
                _look(fan, fold, event.round - (watched or 0))
                is_over = is_over or (watched is not None and event.round - watched >= rounds)
                told = {flow for flow, at in fan.named.items() if event.round - (watched or 0) >= at + _TOLD}
                is_over = is_over or bool(until and fan.found and fan.by(until) & told)
            is_over = is_over or isinstance(event, Finished)
    fan.target = fold.snapshot()
    fan.said = msgspec.to_builtins(report(fan.target, now=engine.wall, host="here"))
    return fan


def _look(fan: Fan, fold: TargetFold, round_: int) -> None:
    fan.kinds.add(fold.judge.judged().verdict.kind)
    numbers = [0, *sorted(fold.flows.folds)]
    for number, finding in zip(numbers, fold.comparison.findings if fold.comparison else (), strict=False):
        fan.states.setdefault(number, set()).add(finding.state)
        if finding.state in ("bad", "dead"):
            fan.named.setdefault(number, round_)
