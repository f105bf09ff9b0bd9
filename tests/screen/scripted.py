"""A session that plays a script instead of probing: hops as data, seeded, by a virtual clock. Folds real events."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from hopscope.judge.judge import Judge
from hopscope.names.facts import AddressInfo, Asn
from hopscope.path.bins import SpanBins
from hopscope.path.fold import PathFold
from hopscope.path.log import MOST_BYTES
from hopscope.path.past import Past
from hopscope.path.snapshot import NumbersWindow
from hopscope.path.windows import WindowName
from hopscope.session.model import Probing, Snapshot, Target, TargetState, WorkerState
from hopscope.session.recall import state_at
from hopscope.session.told import Happening, Told
from hopscope.wire.facts import Begun, Reset
from hopscope.wire.messages import (
    DEFAULT_PORT,
    Answered,
    Counters,
    Event,
    Failed,
    Label,
    Lost,
    Plan,
    Refused,
    RoundStarted,
    Sent,
    SourceChanged,
    Started,
)

SECOND = 1_000_000_000
START = 1_795_446_120 * SECOND
"""15:02:00 on 2026-11-23, UTC."""


@dataclass(frozen=True)
class Router:
    """A hop of the script. Times in ms; `lossy` and `spike` are probabilities."""

    addresses: tuple[str, ...]
    names: tuple[str | None, ...] = (None,)
    ms: float = 1.0
    wobble: float = 0.1
    lossy: float = 0.0
    spike: float = 0.0
    label: int | None = None
    silent: bool = False
    asn: Asn | None = None


def tour(loss: float = 0.0, scale: float = 1.0) -> tuple[Router, ...]:
    """A path with the things that people meet."""
    ix = Asn(64500, "EXAMPLE-IX", "198.51.100.0/24", "NL")
    core = Asn(64501, "EXAMPLE-CORE", "203.0.113.0/24", "NL")
    return (
        Router(("192.168.1.1",), ("gateway.lan",), 0.8 * scale, 0.15),
        Router(("100.64.0.1",), (None,), 4.1 * scale, 0.3, spike=0.02),
        Router((), silent=True),
        Router(
            ("203.0.113.9", "203.0.113.13"),
            ("ae1.core2.example.net", "ae2.core2.example.net"),
            8.0 * scale,
            0.4,
            lossy=0.12,
            asn=core,
        ),
        Router(("198.51.100.3",), ("ix-gw.example.org",), 11.9 * scale, 0.3, label=16004, asn=ix),
        Router(
            ("192.0.2.53",),
            ("one.one.one.one",),
            12.3 * scale,
            0.4,
            loss,
            spike=0.01,
            asn=Asn(13335, "CLOUDFLARENET", "192.0.2.0/24", "US"),
        ),
    )


@dataclass
class Scripted:
    """One target of the script."""

    id: int
    query: str
    address: str | None
    routers: tuple[Router, ...]
    probing: Probing = field(default_factory=Probing)
    port: int | None = None
    """The one that stood beside it, as in ``localhost:443``."""
    state: TargetState = "running"
    error: str | None = None
    refusal: Refused | None = None
    broken: bool = False
    """This machine cannot send."""
    is_tried_again: bool = False
    source_change: SourceChanged | None = None
    fold: PathFold = field(init=False)
    past: Past = field(init=False)
    told: Told = field(init=False)
    judge: Judge = field(init=False)
    random: random.Random = field(init=False)
    round: int = 0

    def __post_init__(self) -> None:
        self.fold = PathFold(self.address or "")
        self.judge = Judge(self.address or "")
        self.past, self.told = Past(MOST_BYTES), Told()
        if self.address is not None:
            self.past.append(Begun(START, Plan(self.address, 4, "icmp")), self.fold)
        self.random = random.Random(f"{self.id}{self.query}")

    def tell(self, event: Event) -> None:
        """What happened."""
        self.fold.apply(event)
        self.past.append(event, self.fold)
        self.judge.apply(event)

    def reset(self, at: int) -> None:
        """Statistics anew."""
        self.fold.reset(at)
        self.past.append(Reset(at), self.fold)
        self.judge.apply(Reset(at))

    def play(self, at: int, upto: int | None = None) -> None:
        """A round; `upto`: only so many hops have answered so far, the rest is pending."""
        if self.state not in ("running",):
            return
        chance = self.random
        self.tell(RoundStarted(self.id, self.round, at))
        for ttl, router in enumerate(self.routers, 1):
            sent = at + ttl * SECOND // 50
            if self.broken:
                self.tell(Failed(self.id, self.round, ttl, sent, "ENETUNREACH", "Network is unreachable"))
                continue
            self.tell(Sent(self.id, self.round, ttl, sent))
            wobble = abs(chance.gauss(0, router.wobble))
            lost = chance.random() < router.lossy
            spike = chance.random() < router.spike
            which = chance.random()
            if upto is not None and ttl > upto:
                continue
            if router.silent or lost:
                self.tell(Lost(self.id, self.round, ttl, sent))
                continue
            index = 0 if which < 0.62 or len(router.addresses) == 1 else 1
            rtt = router.ms + wobble + (router.ms * 1.2 if spike else 0)
            last = ttl == len(self.routers)
            self.tell(
                Answered(
                    self.id,
                    self.round,
                    ttl,
                    sent,
                    int(rtt * 1_000_000),
                    router.addresses[index],
                    "echo-reply" if last else "time-exceeded",
                    0 if last else 11,
                    0,
                    64 - ttl,
                    mpls=(Label(router.label, 0, True, 1),) if router.label else (),
                )
            )
        self.round += 1

    def recall(self, now: Target, moment: int, window: WindowName) -> Target:
        """As it was known at a moment."""
        path = self.past.path(moment, window)
        assert path is not None
        judged = self.told.at(moment, now.judged)
        state = state_at(judged, moment, has_begun=path.started_at is not None)
        return msgspec.structs.replace(now, state=state, path=path, judged=judged)

    def _port(self) -> int | None:
        if self.probing.first_protocol == "icmp":
            return None
        return self.probing.port or self.port or DEFAULT_PORT[self.probing.first_protocol]

    def target(self, names: dict[str, AddressInfo]) -> Target:
        """As the session would hand it out."""
        plan = None
        if self.address is not None:
            plan = Plan(
                self.address,
                4,
                self.probing.first_protocol,
                interval_ns=int(self.probing.interval_s * SECOND),
                port=self._port(),
            )
        facts = None
        if self.state in ("running", "paused", "finished"):
            facts = Started(
                self.id, "ping-socket", "192.168.1.20", None, plan.port if plan else None, 64, "one", "kernel"
            )
        return Target(
            self.id,
            self.query,
            self.state,
            self.address,
            plan,
            facts,
            self.refusal,
            self.error,
            self.fold.snapshot(),
            names,
            is_tried_again=self.is_tried_again,
            source_change=self.source_change,
            judged=self.judge.judged(),
        )


def over(target: Target, window: WindowName) -> Target:
    """The target with numbers that are said to be over a window."""
    if window == "start":
        return target
    path = msgspec.structs.replace(target.path, numbers=NumbersWindow(window, target.path.started_at))
    return msgspec.structs.replace(target, path=path)


class ScriptedSession:
    """A `SessionLike` whose time passes when it is told to."""

    def __init__(self, *targets: Scripted) -> None:
        self.targets = list(targets)
        self.now = START
        self.version = 0
        self.worker: WorkerState = "running"
        self.worker_note: str | None = None
        self.counters = Counters()
        self.calls: list[tuple[object, ...]] = []
        self._next = max([0, *(target.id for target in targets)]) + 1
        self.window: WindowName = "start"
        self.aside: dict[int, tuple[int, Scripted]] = {}
        self.former: dict[int, list[tuple[Probing, PathFold, Judge]]] = {}
        self._changed = asyncio.Event()

    def play(self, rounds: int = 1, upto: int | None = None) -> ScriptedSession:
        """Let rounds pass, a second each."""
        for _ in range(rounds):
            for target in self.targets:
                target.play(self.now, upto)
                target.told.keep(target.judge.judged(), self.now)
            self.now += SECOND
        self.touch()
        return self

    def touch(self) -> None:
        """Something changed."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def _names(self) -> dict[str, AddressInfo]:
        names = {}
        for target in self.targets:
            for router in target.routers:
                for address, name in zip(router.addresses, router.names * 2, strict=False):
                    names[address] = AddressInfo(hostname=name, asns=(router.asn,) if router.asn else ())
        return names

    def snapshot(self) -> Snapshot:
        names = self._names()
        return Snapshot(
            tuple(over(target.target(names), self.window) for target in self.targets),
            self.worker,
            self.worker_note,
            0,
            self.counters,
            "plain user",
            self.now,
        )

    is_recalled = True

    def recall(self, moment: int, chosen: int | None = None) -> Snapshot:
        now = self.snapshot()
        known = zip(self.targets, now.targets, strict=True)
        return msgspec.structs.replace(
            now, targets=tuple(one.recall(target, moment, self.window) for one, target in known), now=moment
        )

    @property
    def earliest(self) -> int:
        return START

    def let_go(self) -> None:
        self.calls.append(("let_go",))

    def bins(self, target: int, begin: int, end: int, span: int, ttls: Container[int]) -> list[SpanBins]:
        one = self.find(target)
        return one.past.timeline.between(one.fold.snapshot(), begin, end, span, ttls)

    def happenings(self, target: int) -> list[Happening]:
        one = self.find(target)
        return one.told.happenings(one.judge.judged())

    async def changed(self, version: int | None = None) -> int:
        version = self.version if version is None else version
        while self.version == version:
            await self._changed.wait()
        return self.version

    def find(self, target: int) -> Scripted:
        return next(one for one in self.targets if one.id == target)

    def add(self, query: str, probing: Probing | None = None) -> int:
        self.calls.append(("add", query))
        id_ = self._next
        self._next += 1
        if query.startswith("no."):
            one = Scripted(id_, query, None, (), state="unresolved", error=f"{query}: no such name")
        else:
            one = Scripted(id_, query, "192.0.2.77", tour(), probing or Probing())
        self.targets.append(one)
        self.touch()
        return id_

    def remove(self, target: int) -> None:
        self.calls.append(("remove", target))
        self.targets.remove(self.find(target))
        self.touch()

    def set_aside(self, target: int) -> None:
        self.calls.append(("set_aside", target))
        one = self.find(target)
        self.aside[target] = self.targets.index(one), one
        self.targets.remove(one)
        self.touch()

    def bring_back(self, target: int) -> bool:
        self.calls.append(("bring_back", target))
        place, one = self.aside.pop(target, (0, None))
        if one is not None:
            self.targets.insert(place, one)
            self.touch()
        return one is not None

    def take_back(self, target: int) -> bool:
        self.calls.append(("take_back", target))
        one = self.find(target)
        former = self.former.get(target)
        if not former:
            return False
        one.probing, one.fold, one.judge = former.pop()
        one.fold.go_on_after(one.fold)
        self.touch()
        return True

    def _keep(self, one: Scripted) -> None:
        self.former.setdefault(one.id, []).append((one.probing, one.fold.copy(), one.judge.copy()))

    def pause(self, target: int | None = None) -> None:
        self.calls.append(("pause", target))
        for one in self.targets:
            if target in (None, one.id) and one.state == "running":
                one.state = "paused"
        self.touch()

    def resume(self, target: int | None = None) -> None:
        self.calls.append(("resume", target))
        for one in self.targets:
            if target in (None, one.id) and one.state == "paused":
                one.state = "running"
        self.touch()

    def reset(self, target: int | None = None) -> None:
        self.calls.append(("reset", target))
        for one in self.targets:
            if target in (None, one.id):
                self._keep(one)
                one.reset(self.now)
        self.touch()

    def retry(self, target: int | None = None) -> bool:
        self.calls.append(("retry", target))
        return self.worker == "restarting"

    def probing(self, target: int) -> Probing:
        return self.find(target).probing

    def numbers_over(self, window: WindowName) -> None:
        self.calls.append(("numbers_over", window))
        self.window = window
        self.touch()

    def ask_owners(self, on: bool) -> None:
        self.calls.append(("ask_owners", on))

    def adjust(
        self,
        target: int,
        *,
        interval_s: float | None = None,
        timeout_s: float | None = None,
        first_ttl: int | None = None,
        max_ttl: int | None = None,
        max_unknown: int | None = None,
    ) -> None:
        self.calls.append(("adjust", target, interval_s))
        one = self.find(target)
        if interval_s is not None:
            one.probing = msgspec.structs.replace(one.probing, interval_s=interval_s)
        self.touch()

    def restart(self, target: int, probing: Probing) -> None:
        self.calls.append(("restart", target, probing))
        one = self.find(target)
        self._keep(one)
        one.probing = probing
        one.reset(self.now)
        self.touch()


def usual() -> ScriptedSession:
    """Three targets: one healthy, one with loss, one that stopped answering."""
    gone = tuple(tour()[:4])
    return ScriptedSession(
        Scripted(1, "one.one.one.one", "192.0.2.53", tour()),
        Scripted(2, "example.net", "192.0.2.80", tour(loss=0.06, scale=2.4)),
        Scripted(3, "198.18.0.7", "198.18.0.7", gone),
    )


@asynccontextmanager
async def launch(session: ScriptedSession) -> AsyncIterator[ScriptedSession]:
    """The session as `launch()` hands it out."""
    yield session
