"""Twenty sites of a thousand targets on one screen. ``bench/sites.py make FOLDER [--sites N] [--targets N]`` makes a
hub's store of that size: some minutes of probes, verdicts, paths and minutes of each site. ``bench/sites.py screen
FOLDER`` opens the screen on it and measures: until something useful stands there, until all of it was read, keys in the
list, a target that is opened, a moment that is gone to, CPU and memory. Nothing is probed, and nothing is sent.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any, Literal

TOP = Path(__file__).resolve().parent.parent
sys.path[0] = str(TOP)

from hopscope.cli.fleet_screen import FleetScreen
from hopscope.fleet import messages
from hopscope.fleet.hub_store import HubStore
from hopscope.fleet.messages import Body, Facts, FleetMessage
from hopscope.fleet.outbox import SiteOutbox
from hopscope.fleet.transport import Received
from hopscope.history import notes
from hopscope.history.names import RecordedNames
from hopscope.history.notes import Named, SaidVerdict
from hopscope.history.parcels import Parcels
from hopscope.history.writer import StoreWriter
from hopscope.judge.verdict import VERSION, Epoch, Incident, Numbers, Trouble, Verdict
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.views.screen.app import HopscopeApp
from hopscope.views.screen.options import ScreenOptions
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Answered, Kind, Lost, Plan, RoundStarted, Sent, Started

S = 1_000_000_000
HOPS = 15
ROUNDS = 240
SEALED = 180
"""Rounds that are in segments; the rest is in rows."""
LOSSY = 7
"""Targets of this number modulo 50 go by one router, behind which they lose."""
BROKEN_AT = 90
"""The round from which on they do."""


def address_at(target: int, ttl: int) -> str:
    """Who answers: nearby the site's own routers, then those of one of fifty ways, then the target's."""
    if ttl == HOPS:
        return address_of(target)
    return (
        f"10.0.{ttl}.1"
        if ttl < 4
        else f"203.0.{ttl}.{target % 50 + 1}"
        if ttl < 10
        else f"198.19.{ttl}.{target % 250 + 1}"
    )


def address_of(target: int) -> str:
    return f"198.51.{100 + (target >> 8)}.{target & 255}"


def probes(path: str, targets: int, begun: int) -> list[Body]:
    """What an agent sends of its probes: rows, and what was made of the older ones."""
    chance = random.Random(1)
    writer = StoreWriter(path, host="x", begun=begun, parcels=Parcels("x", "0" * 16))
    for target in range(1, targets + 1):
        writer.add(target, Asked(begun, address_of(target), Probing()))
        writer.add(target, Begun(begun, Plan(address_of(target), 4)))
    writer.commit()
    offsets = [chance.randrange(S) for _ in range(targets)]
    for second in range(ROUNDS):
        for target in range(1, targets + 1):
            at = begun + second * S + offsets[target - 1]
            writer.add(target, RoundStarted(target, second, at))
            is_bad = target % 50 == LOSSY and second >= BROKEN_AT
            for ttl in range(1, HOPS + 1):
                left = at + ttl * 2_000_000
                writer.add(target, Sent(target, second, ttl, left))
                if ttl > 6 and is_bad and chance.random() < 0.3:
                    writer.add(target, Lost(target, second, ttl, left))
                    continue
                rtt = int(ttl * 700_000 + math.exp(chance.gauss(0, 0.8)) * 100_000)
                kind: Kind = "echo-reply" if ttl == HOPS else "time-exceeded"
                writer.add(target, Answered(target, second, ttl, left, rtt, address_at(target, ttl), kind))
        writer.commit()
        if second == SEALED:
            writer.compact()
    outbox = SiteOutbox(path, "x")
    bodies: list[Body] = []
    (boot,) = outbox.boots()
    after = -1
    while after < boot.newest:
        for message in outbox.messages(boot, after):
            bodies += [message.body] * (message.last - message.first + 1)
            after = message.last
    outbox.close()
    writer.close()
    return bodies


def said(
    kind: Trouble | Literal["healthy"], at: int, epoch: Epoch, first: int | None = None, last: int | None = None
) -> SaidVerdict:
    """A verdict as an agent says it."""
    numbers = Numbers(span_from=at - 60 * S, rounds=60, sent=60, lost=0 if kind == "healthy" else 18)
    verdict = Verdict(kind=kind, at=at, first_ttl=first, last_ttl=last, since=at, confidence=0.97, numbers=numbers)
    if kind == "healthy":
        return SaidVerdict(verdict, (), VERSION, epoch)
    incident = Incident(id=f"{kind}{at}", kind=kind, begin=at, first_ttl=first, last_ttl=last, sent=60, lost=18)
    return SaidVerdict(verdict, (incident,), VERSION, epoch)


def facts_of(site: int, targets: int, begun: int) -> list[tuple[int, notes.Note]]:
    """What is told beside probes, in order."""
    told: list[tuple[int, notes.Note]] = []
    for ttl in range(1, HOPS):
        told += [(0, Named(address_at(way, ttl), hostname=f"r{ttl}-{way}.transit.example")) for way in range(50)]
    epochs: dict[int, Epoch] = {}
    for target in range(1, targets + 1):
        address = address_of(target)
        epochs[target] = Epoch(begin=begun, addresses=tuple((address_at(target, ttl),) for ttl in range(1, HOPS + 1)))
        told.append((target, Asked(begun, address, Probing())))
        told.append((target, Begun(begun, Plan(address, 4))))
        told.append((target, Started(target, "ping-socket", "192.0.2.2", None, None, 64, "one", "kernel")))
        told.append((target, said("healthy", begun + 3 * S, epochs[target])))
    for target in range(1, targets + 1):
        at = begun + (BROKEN_AT + 6) * S + (target + site) % 20 * S // 2
        if target % 50 == LOSSY:
            told.append((target, said("loss", at, epochs[target], 6, 7)))
        elif target % 331 == site:
            told.append((target, said("outage", at - 40 * S - site * 3 * S, epochs[target], 14, 15)))
        elif target % 397 == site:
            told.append((target, said("congestion", at - 20 * S - site * 2 * S, epochs[target], 9, 10)))
    return told


def make(folder: Path, sites: int, targets: int) -> None:
    """The store."""
    folder.mkdir(0o700, parents=True)
    begun = time.time_ns() - (ROUNDS + 5) * S
    bodies = probes(str(folder / "agent"), targets, begun)
    store = HubStore(str(folder / "history.db"))
    store.on_refused = lambda site, why, count: sys.exit(f"{site}: {why}")
    parts = {}
    for site in range(1, sites + 1):
        facts = [(target, notes.encode(note)) for target, note in facts_of(site, targets, begun)]
        parts[site] = [Facts(facts[i : i + 400]) for i in range(0, len(facts), 400)]
    now = time.time_ns()
    numbers = dict.fromkeys(parts, 0)

    def send(site: int, body: Body) -> None:
        number = numbers[site]
        numbers[site] += 1
        message = FleetMessage(f"{site:016x}", number, number, begun, "0.1.0", now, body)
        batch.append(Received(f"site{site:02}", messages.encode(message), number + 1, now))

    first = next(i for i, body in enumerate(bodies) if not isinstance(body, Facts))
    longest = max(len(one) for one in parts.values())
    for site, one in parts.items():
        batch: list[Received] = []
        for facts_of_some in one:
            send(site, facts_of_some)
        for _ in range(longest - len(one)):
            send(site, messages.Gone())
        store.commit(batch, now)
    shift = longest - first
    for body in bodies[first:]:
        batch = []
        if isinstance(body, messages.Sealed):
            body = messages.Sealed(body.before + shift)
        elif isinstance(body, messages.SegmentRows):
            moved = [[*_row(one, shift)] for one in body.segments]
            body = messages.SegmentRows([messages.SentSegment(*one) for one in moved])
        for site in parts:
            send(site, body)
        store.commit(batch, now)
    store.close()


def _row(one: messages.SentSegment, shift: int) -> tuple[Any, ...]:
    return (
        one.target,
        one.first_row + shift,
        one.last_row + shift,
        one.since,
        one.until,
        one.rounds,
        one.probes,
        one.data,
    )


# --- the screen on it -----------------------------------------------------------------------------------------------

KEYS = ("down", "down", "pagedown", "up", "end", "home", "m", "end", "m", "pageup")


async def _screen(folder: Path, presses: int) -> None:
    """Without a terminal: what is drawn goes nowhere. CPU is this process', which has nothing else to do."""
    path = str(folder / "history.db")
    began, cpu = time.perf_counter(), time.process_time()
    app = HopscopeApp(lambda: FleetScreen(path, RecordedNames), ScreenOptions())
    async with app.run_test(size=(120, 34)) as pilot:
        while app.context is None or not app.shown.rows:
            await asyncio.sleep(0.005)
        _say("something useful", began, cpu, f"{len(app.context.state.shown.targets)} targets")
        session = app.context.session
        assert isinstance(session, FleetScreen)
        while not session.is_read or len(app.context.state.shown.targets) < len(session.snapshot().targets):
            await asyncio.sleep(0.01)
        _say("all of it", began, cpu, f"{len(app.context.state.shown.targets)} targets")
        await asyncio.sleep(2)
        for what, keys in (("keys of the list", KEYS), ("steps in time", ("left_square_bracket",))):
            took = []
            for number in range(presses):
                used = time.process_time()
                await pilot.press(keys[number % len(keys)])
                took.append((time.process_time() - used) * 1000)
                await asyncio.sleep(0.05)
            took.sort()
            median, p95 = took[len(took) // 2], took[len(took) * 95 // 100]
            print(f"{what}: median {median:.0f}, p95 {p95:.0f} ms of CPU", flush=True)
        await pilot.press("escape", "home", "enter", "down")
        began, cpu = time.perf_counter(), time.process_time()
        await pilot.press("enter")
        while app.context.state.chosen is None or app.context.state.chosen.is_brief:
            await asyncio.sleep(0.01)
        _say("a target opened", began, cpu, f"{app.context.state.chosen.path.rounds} rounds")
        await pilot.press("g")
        began, cpu = time.perf_counter(), time.process_time()
        app.context.go_to(session.earliest + 60 * S)
        while not session.is_recalled:
            await asyncio.sleep(0.01)
        _say("a moment long ago", began, cpu, f"{len(app.context.state.shown.targets)} targets")
        app.context.go_to(None)
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.sleep(20)
        print(f"left alone: {(time.process_time() - cpu) / (time.perf_counter() - began):.1%} of a core")
        print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB at the most")


def _say(what: str, began: float, cpu: float, more: str) -> None:
    print(f"{what}: {time.perf_counter() - began:.2f} s, {time.process_time() - cpu:.2f} s of CPU, {more}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "screen"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sites", type=int, default=20)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--keys", type=int, default=60)
    asked = parser.parse_args()
    if asked.what == "screen":
        asyncio.run(_screen(asked.folder, asked.keys))
        return
    began = time.perf_counter()
    make(asked.folder, asked.sites, asked.targets)
    size = (asked.folder / "history.db").stat().st_size >> 20
    print(f"{asked.sites} sites x {asked.targets} targets: {size} MiB, made in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
