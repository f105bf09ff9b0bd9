"""Plays a case in virtual time through the real engine and fold, and asks for the verdict at every round."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from hopscope.cli.namers import StaticNamer
from hopscope.judge.verdict import Verdict
from hopscope.probe.channel import ChannelContext, Flow, Probe
from hopscope.probe.channels.simulated import SimulatedChannel
from hopscope.probe.virtual import EPOCH_START_NS, VirtualEngine
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.model import Probing, Target
from hopscope.session.plans import plan_of
from hopscope.session.report import report
from hopscope.session.target_fold import TargetFold
from hopscope.sim import demo
from hopscope.sim.network import PacketTruth
from hopscope.wire.facts import Begun, Found
from hopscope.wire.messages import Finished, Method, Plan, RoundStarted, Start
from tests.verdict.case import Case, Refusal, toml

TARGET: Final = {4: "192.0.2.200", 6: "2001:db8:300::200"}
_STEP_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What was said when a round began, or at the end."""

    round: int
    at_s: float
    """Since the first probe."""
    verdict: Verdict
    segment: str | None = None
    """As the report has it; asked for only where the verdict became another one, and at the end."""


@dataclass
class Play:
    """A case as it was played with one seed."""

    case: Case
    seed: int
    moments: list[Moment] = field(default_factory=list)
    facts: list[TargetFact] = field(default_factory=list)
    """What the fold was told, where that was asked for."""
    truth: list[PacketTruth] = field(default_factory=list)
    """What the network did, where that was asked for."""


def play(case: Case, seed: int, folder: Path, *, keep: bool = False) -> Play:
    """Play the case to its end. `folder`: where its scenario is written. `keep`: facts and truth as well."""
    path = folder / f"{case.name}-{case.half}.toml"
    path.write_text(toml(case.scenario), encoding="utf-8")
    probing = msgspec.convert(
        {"method": "simulated", "scenario": str(path), "seed": seed, "protocol": "icmp", **case.probing}, Probing
    )
    known = demo(str(path))
    namer = StaticNamer(known.names, known.origins)
    engine = _Engine(case.refusals, seed, keep)
    fold = TargetFold(1, Asked(EPOCH_START_NS, "www.shop.example", probing))
    plan = plan_of(probing, TARGET[probing.family or 4])
    played = Play(case, seed)
    told: list[TargetFact] = []

    def tell(fact: TargetFact) -> None:
        fold.apply(fact)
        if keep:
            told.append(fact)

    tell(Found(EPOCH_START_NS, plan.address))
    tell(Begun(EPOCH_START_NS, plan))
    engine.handle(Start(1, plan))
    is_over = False
    while not is_over:
        for event in engine.advance(_STEP_S, stop_when_idle=True):
            if getattr(event, "target", None) != 1:
                continue
            tell(event)
            if isinstance(event, RoundStarted):
                _ask(played, fold, namer, event.round, event.at)
            is_over = is_over or isinstance(event, Finished)
    _ask(played, fold, namer, fold.last_round + 1, engine.wall, is_end=True)
    played.facts = told
    if keep and engine.channel is not None:
        played.truth = [fact for network in engine.channel.networks.values() for fact in network.truth or ()]
    return played


def _ask(played: Play, fold: TargetFold, namer: StaticNamer, number: int, at: int, *, is_end: bool = False) -> None:
    """What the target's verdict is now."""
    target = fold.snapshot()
    verdict = verdict_of(target)
    last = played.moments[-1] if played.moments else None
    is_same = last is not None and last.verdict.kind == verdict.kind and last.verdict.last_ttl == verdict.last_ttl
    segment = last.segment if last is not None and is_same else None
    if verdict.is_trouble and (is_end or not is_same):
        said: Any = msgspec.to_builtins(report(fold.snapshot(namer), now=at, host="here"))
        segment = (said.get("verdict") or {}).get("segment")
    played.moments.append(Moment(number, (at - EPOCH_START_NS) / 1e9, verdict, segment))


def verdict_of(target: Target) -> Verdict:
    """The judge's; before there is one, that nothing is known."""
    judged = getattr(target, "judged", None)
    return judged.verdict if judged is not None else Verdict(kind="starting")


class _Engine(VirtualEngine):
    """A machine that may refuse to send."""

    def __init__(self, refusals: tuple[Refusal, ...], seed: int, keep_truth: bool) -> None:
        super().__init__(keep_truth=keep_truth)
        self._refusals = refusals
        self._seed = seed
        self._keep = keep_truth

    def _make(self, method: Method, context: ChannelContext) -> SimulatedChannel:
        self.channel = _Refusing(self._refusals, self._seed, context, keep_truth=self._keep)
        return self.channel


class _Refusing(SimulatedChannel):
    def __init__(self, refusals: tuple[Refusal, ...], seed: int, context: ChannelContext, *, keep_truth: bool) -> None:
        super().__init__(context, keep_truth=keep_truth)
        self._refusals = refusals
        self._rng = Random(seed)

    def open(self, target: int, plan: Plan) -> Any:
        flow = super().open(target, plan)
        return _RefusingFlow(flow, self._refusals, self._rng, self.context) if self._refusals else flow


class _RefusingFlow:
    """A flow whose sends fail as its refusals say; all else is the flow's own."""

    def __init__(self, flow: Flow, refusals: tuple[Refusal, ...], rng: Random, context: ChannelContext) -> None:
        self._flow = flow
        self._refusals = refusals
        self._rng = rng
        self._monotonic = context.monotonic
        self._began = context.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._flow, name)

    def send(self, probe: Probe) -> None:
        """As `Flow.send`."""
        at_s = (self._monotonic() - self._began) / 1e9
        for refusal in self._refusals:
            is_on = refusal.from_s <= at_s and (refusal.until_s is None or at_s < refusal.until_s)
            if is_on and self._rng.random() < refusal.share:
                raise OSError(refusal.number, "refused")
        self._flow.send(probe)
