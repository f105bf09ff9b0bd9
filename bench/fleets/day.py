"""A day of an agent in virtual time: its engine, folds, store and outbox, with a hub that is away for some hours."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass
from pathlib import Path

from hopscope.fleet import messages
from hopscope.fleet.hub_store import HubStore
from hopscope.fleet.outbox import SiteOutbox
from hopscope.fleet.transport import Received
from hopscope.history.parcels import Parcels
from hopscope.history.recorder import Seen
from hopscope.history.store import Store
from hopscope.history.writer import StoreWriter
from hopscope.probe.virtual import VirtualEngine
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Plan, RoundStarted, Sent, Start
from tests.lab.virtual import simulated

SITE = "fra1"
S = 1_000_000_000
HOUR_S = 3600
MARK_S = 10
"""Between two times that the hub's marks are kept, as `fleet.sender` does."""
FLAT = 1.25
"""The last hours may take so much of what earlier ones took."""


@dataclass
class Hour:
    """What one was like."""

    cpu_s: float
    memory_mib: float
    store_mib: float
    """The agent's file, without its log."""
    unsent: int
    """Rows that the hub did not have at its end."""
    probes: int


class Day:
    """An agent of some targets, and a hub, in one process."""

    def __init__(self, folder: Path, targets: int, hops: int, keep: int) -> None:
        self.agent, self.hub = folder / "agent.db", folder / "hub.db"
        scenario = folder / "net.toml"
        scenario.write_text(_network(targets, hops))
        self._engine = VirtualEngine()
        begun = self._engine.wall
        self._seen = Seen()
        self._writer = StoreWriter(str(self.agent), host=SITE, begun=begun, limit=keep, parcels=Parcels(SITE, "0" * 16))
        self._outbox = SiteOutbox(str(self.agent), SITE)
        self._store = HubStore(str(self.hub))
        self._folds: dict[int, TargetFold] = {}
        self._after = -1
        self.probes = 0
        for number in range(1, targets + 1):
            address = f"192.0.2.{number}"
            asked = Asked(begun, address, Probing(method="simulated"))
            fold = self._folds[number] = TargetFold(number, asked)
            plan = simulated(Plan(address, 4, budget=0.0), str(scenario))
            fold.apply(begin := Begun(begun, plan))
            self._writer.add(number, asked)
            self._writer.add(number, begin)
            self._engine.handle(Start(number, plan))

    def hour(self, *, is_sent: bool) -> Hour:
        """Play the next one, a second at a time."""
        at, before = time.process_time(), self.probes
        for second in range(HOUR_S):
            self._measure()
            if is_sent:
                self._send()
                if second % MARK_S == 0:
                    self._outbox.has("0" * 16, self._store.mark(SITE, "0" * 16))
        gc.collect()
        boots = self._outbox.boots()
        unsent = boots[0].newest - self._store.mark(SITE, "0" * 16) if boots else 0
        size = self.agent.stat().st_size
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        spent = time.process_time() - at
        return Hour(spent, resident / (1 << 20), size / (1 << 20), unsent, self.probes - before)

    def _measure(self) -> None:
        for event in self._engine.advance(1.0):
            number = getattr(event, "target", 0)
            fold = self._folds.get(number)
            if fold is None:
                continue
            self.probes += type(event) is Sent
            fold.apply(event)
            self._writer.add(number, event)
            if isinstance(event, RoundStarted) and (said := self._seen.said(number, fold.judge.judged())) is not None:
                self._writer.add(number, said)
        self._writer.commit()
        self._writer.compact_if_due()

    def _send(self) -> None:
        """All that is there, as it is sent, at once onto the hub's disk."""
        for boot in self._outbox.boots():
            while self._after < boot.newest:
                batch = self._outbox.messages(boot, self._after)
                now = self._engine.wall
                self._store.commit([Received(SITE, messages.encode(one), 1, now) for one in batch], now)
                self._after = batch[-1].last

    def end(self) -> tuple[int, int]:
        """Probes that are in the hub, and facts that were missed anywhere."""
        self._writer.end(self._engine.wall)
        self._writer.close()
        self._send()
        self._outbox.has("0" * 16, self._store.mark(SITE, "0" * 16))
        self._outbox.close()
        self._store.close()
        with Store(str(self.hub)) as one:
            missed = sum(one.missed(run) for run in one.runs())
            return sum(trace.probes for trace in one.traces()), missed


def _network(targets: int, hops: int) -> str:
    lines = "".join(
        f'  {{ at = "198.51.100.{ttl}", delay = "1ms", jitter = "0.3ms", loss = "0.02%" }},\n' for ttl in range(1, hops)
    )
    text = f'title = "x"\nstory = "x"\nseed = 1\nhops = [\n{lines}]\n'
    for number in range(1, targets + 1):
        text += f'[[targets]]\nname = "t{number}.example"\nat = "192.0.2.{number}"\ndelay = "1ms"\njitter = "0.5ms"\n'
    return text + f'[[changes]]\nat = "20m"\nuntil = "22m"\nevery = "60m"\noutage = {max(1, hops // 2)}\n'


def day(hours: int, targets: int, hops: int, folder: Path, *, keep: int = 4 << 20) -> list[str]:
    """Play and print; what was not as it must be."""
    one = Day(folder, targets, hops, keep)
    away = range(hours // 3, hours * 7 // 12)
    played: list[Hour] = []
    print(f"an agent with {targets} targets x {hops} hops, a round a second, and its hub, in one process; {hours} h")
    print("hour   CPU s   MiB resident   store MiB   rows unsent")
    for number in range(hours):
        is_away = number in away
        hour = one.hour(is_sent=not is_away)
        played.append(hour)
        words = "   no broker" if is_away else ""
        line = f"{number + 1:4}{hour.cpu_s:8.1f}{hour.memory_mib:15.0f}{hour.store_mib:12.1f}{hour.unsent:14}"
        print(line + words, flush=True)
    there, missed = one.end()
    print(f"{one.probes} probes sent, {there} of them in the hub, {missed} facts missed")
    wrong = []
    if there != one.probes or missed:
        wrong.append("the hub has not what was recorded")
    if any(hour.unsent for number, hour in enumerate(played) if number not in away):
        wrong.append("something was not sent an hour later")
    early, last = played[: max(1, hours // 3)][-3:], played[-max(1, hours // 4) :]
    if max(hour.memory_mib for hour in last) > FLAT * max(hour.memory_mib for hour in early):
        wrong.append("memory grew")
    if max(hour.store_mib for hour in last) > FLAT * keep / (1 << 20):
        wrong.append("the store is larger than it may be")
    if min(hour.cpu_s for hour in last) > FLAT * max(hour.cpu_s for hour in early):
        wrong.append("an hour's CPU grew")
    print("flat, nothing lost, nothing twice" if not wrong else f"WRONG: {', '.join(wrong)}")
    return wrong
