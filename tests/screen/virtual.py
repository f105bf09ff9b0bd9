"""A session on the simulated network in virtual time: the real engine, folds and judge, looked at once a second as the
screen does. Time passes when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from hopscope.names.clean import clean
from hopscope.names.facts import AddressInfo, Asn
from hopscope.path.bins import SpanBins
from hopscope.path.windows import WindowName
from hopscope.probe.virtual import VirtualEngine
from hopscope.session.facts import Asked
from hopscope.session.model import Probing, Snapshot
from hopscope.session.recall import Recall
from hopscope.session.target_fold import TargetFold
from hopscope.session.told import Happening
from hopscope.sim.library import demo
from hopscope.wire.discovered import Discovered
from hopscope.wire.facts import Begun, Paused, Resumed
from hopscope.wire.messages import Answered, Counters, Failed, Lost, Plan, Protocol, RoundStarted, Sent, Start, Started
from tests.lab.virtual import simulated

S = 1_000_000_000
NOON = 1_795_435_200 * S
"""2026-11-23, 12:00 UTC: when probing begins."""


class Known:
    """A namer that knows what the scenario says."""

    version = 0

    def __init__(self, facts: dict[str, AddressInfo]) -> None:
        self._facts = facts

    def look_up(self, address: str) -> AddressInfo:
        return self._facts.get(address, AddressInfo())


class VirtualSession:
    """Implements `SessionLike` and `Recalling` of `hopscope.views.screen.source`."""

    def __init__(
        self, *scenarios: str | tuple[str, str | None, int | None], interval_s: float = 1.0, flows: int = 1
    ) -> None:
        """`scenarios`: a name of the demo's or a file's, or that, the target's own name (perhaps one of the scenario's)
        and a seed. `flows`: of each target; of several, probes are UDP."""
        self._engine = VirtualEngine()
        self._shift = NOON - self._engine.wall
        self._recall: Recall | None = None
        self._window: WindowName = "start"
        self._folds: dict[int, TargetFold] = {}
        self.version = 1
        facts: dict[str, AddressInfo] = {}
        for number, scenario in enumerate(scenarios, 1):
            name, own, seed = (scenario, None, None) if isinstance(scenario, str) else scenario
            story = demo(name)
            known, address = next((one for one in story.targets if one[0] == own), story.targets[0])
            protocol: Protocol = "icmp" if flows == 1 else "udp"
            plan = Plan(address, 6 if ":" in address else 4, protocol, seed=seed, flows=flows)
            plan = msgspec.structs.replace(simulated(plan, name), interval_ns=int(interval_s * S))
            fold = TargetFold(number, Asked(NOON, own or known, Probing(method="simulated", interval_s=interval_s)))
            fold.apply(Begun(NOON, plan))
            self._folds[number] = fold
            for at in {*story.names, *story.origins}:
                origin = story.origins.get(at)
                asns = (Asn(origin[0], clean(origin[1]), origin[2], origin[3]),) if origin else ()
                facts[at] = AddressInfo(hostname=clean(story.names[at]) if at in story.names else None, asns=asns)
            self._engine.handle(Start(number, plan))
        self._namer: Any = Known(facts)

    @property
    def now(self) -> int:
        return self._engine.wall + self._shift

    def play(self, seconds: float) -> VirtualSession:
        """Let time pass."""
        left = seconds
        while left > 0:
            for event in self._engine.advance(min(1.0, left)):
                if isinstance(event, RoundStarted):
                    event = msgspec.structs.replace(event, at=event.at + self._shift)
                elif isinstance(event, Sent | Answered | Lost | Failed):
                    event = msgspec.structs.replace(event, sent_at=event.sent_at + self._shift)
                elif isinstance(event, Discovered):
                    event = msgspec.structs.replace(event, at=event.at + self._shift)
                elif not isinstance(event, Started):
                    continue
                self._folds[event.target].apply(event)
            left -= 1.0
            self.snapshot()
        self.version += 1
        return self

    def pause(self, target: int | None = None) -> None:
        for fold in self._folds.values():
            fold.apply(Paused(self.now))
        self.version += 1

    def resume(self, target: int | None = None) -> None:
        for fold in self._folds.values():
            fold.apply(Resumed(self.now))
        self.version += 1

    def snapshot(self) -> Snapshot:
        targets = tuple(fold.snapshot(self._namer, window=self._window, now=self.now) for fold in self._folds.values())
        return Snapshot(targets, "running", None, 0, Counters(), "plain user", self.now)

    def recall(self, moment: int, chosen: int | None = None) -> Snapshot:
        self._recall = self._recall or Recall()
        now = self.snapshot()
        known = list(zip(self._folds.values(), now.targets, strict=True))
        targets = self._recall.targets(known, moment, self._window, chosen, self._namer)
        return msgspec.structs.replace(now, targets=targets, now=moment)

    @property
    def is_recalled(self) -> bool:
        return self._recall is None or self._recall.is_whole

    @property
    def earliest(self) -> int:
        return NOON

    def let_go(self) -> None:
        self._recall = None

    def bins(self, target: int, begin: int, end: int, span: int, ttls: Container[int]) -> list[SpanBins]:
        return self._folds[target].bins(begin, end, span, ttls)

    def happenings(self, target: int) -> list[Happening]:
        fold = self._folds[target]
        return fold.told.happenings(fold.judge.judged())

    async def changed(self, version: int | None = None) -> int:
        await asyncio.Event().wait()
        return self.version

    def probing(self, target: int) -> Probing:
        return self._folds[target].probing

    def numbers_over(self, window: WindowName) -> None:
        self._window = window
        self.version += 1

    def _nothing(self, *_: object, **__: object) -> None:
        """It is played, and not steered."""

    reset = remove = set_aside = adjust = restart = ask_owners = _nothing

    def retry(self, target: int | None = None) -> bool:
        return False

    def bring_back(self, target: int) -> bool:
        return False

    take_back = bring_back

    def add(self, query: str, probing: Probing | None = None) -> int:
        raise ValueError("a played session takes no targets")


@asynccontextmanager
async def launch(session: VirtualSession) -> AsyncIterator[VirtualSession]:
    """The session as the application asks for it."""
    yield session
