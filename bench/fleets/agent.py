"""One real agent with many targets: what it costs, and whether it says of anything that it was lost."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.lab import CC, HOPS, built
from bench.measure import cpu_seconds, pss_mib, tree
from hopscope.history.store import Store
from hopscope.wire.messages import Lost, Sent
from tests.lab import netns
from tests.lab.broker import Broker, Program, hub, probes_of, until

SITE = "fra1"
S = 1_000_000_000
MOST_CPU = 180
MOST_LOSS = 0.01


@contextmanager
def reflected(folder: Path) -> Iterator[None]:
    """Within the block the calling thread, and what it starts, is in a namespace with loopback and a path of `HOPS`
    hops to 172.16.0.0/12, that answers each probe at once."""
    name = netns.new_name("fleet")
    netns.add(name)
    try:
        netns.sysctl(name, {"ipv4.ping_group_range": "0 2147483647"})
        with netns.entered(name):
            far = subprocess.Popen([built("reflector", folder), str(HOPS)], stdout=subprocess.PIPE)
            try:
                assert far.stdout is not None
                far.stdout.readline()
                lines = [
                    "address add 10.99.0.2/32 dev sim0",
                    "link set sim0 up txqueuelen 10000",
                    "route add 172.16.0.0/12 dev sim0 src 10.99.0.2",
                ]
                netns.ip(lines, name)
                yield
            finally:
                far.kill()
                far.wait()
                assert far.stdout is not None
                far.stdout.close()
    finally:
        netns.remove([name])


def agent(targets: int, seconds: int, folder: Path) -> bool:
    """Run and print; whether it costs and loses no more than it may."""
    assert CC, "the reflector needs a C compiler"
    here, there = folder / "hub", folder / "agent"
    asked = folder / "targets"
    asked.write_text("".join(f"172.16.{n >> 8}.{n & 255}\n" for n in range(targets)))
    with reflected(folder), Broker(folder / "broker") as broker, hub(broker.url, here) as other:
        words = ["fleet", "agent", "--connect", broker.url, "--site", SITE, "--store", str(there), "-n"]
        with Program([*words, "--budget", "0", "-F", str(asked)], folder / "agent.log") as one:
            until(lambda: len(probes_of(here)) == targets, "the hub has heard of all targets", 60)
            time.sleep(15)  # until the rush of the start is over
            assert one.process is not None
            assert other.process is not None
            assert broker.process is not None
            pid = one.process.pid
            (worker,) = tree(pid)[1:]
            pids = {"session": pid, "worker": worker, "hub": other.process.pid, "broker": broker.process.pid}
            begin, at = time.time_ns(), time.perf_counter()
            before, threads = {name: cpu_seconds([one]) for name, one in pids.items()}, _threads(pid)
            time.sleep(seconds)
            passed, end = time.perf_counter() - at, time.time_ns()
            cpu = {name: 100 * (cpu_seconds([one]) - before[name]) / passed for name, one in pids.items()}
            since = _threads(pid)
            main = 100 * (since[pid] - threads[pid]) / passed
            memory = {name: pss_mib([one]) for name, one in pids.items()}
            status = one.end()
            said = one.said
        wanted = probes_of(there)
        until(lambda: probes_of(here) == wanted, "the hub has all of it", 120)
        assert other.end() == 0
    sent, lost = _fates(here, begin, end)
    loss = 100 * lost / max(1, sent)
    of = cpu["session"] + cpu["worker"]
    print(
        f"an agent with {targets} targets x {HOPS} hops, a round a second, {seconds} s: {of:.0f} % of a core"
        f" (session {cpu['session']:.0f}, of which its main thread {main:.0f}; worker {cpu['worker']:.0f}),"
        f" {memory['session']:.0f} + {memory['worker']:.0f} MiB; hub {cpu['hub']:.1f} %, broker {cpu['broker']:.1f} %"
    )
    print(
        f"{sent} probes sent of {round(targets * HOPS * passed)} due, {lost} called lost: {loss:.4f} %;"
        f" {sum(wanted.values())} probes in all, each in the hub; ended with {status}; it said: {said.splitlines()}"
    )
    return of <= MOST_CPU and loss <= MOST_LOSS


def _threads(pid: int) -> dict[int, float]:
    """CPU seconds of each thread (proc_pid_schedstat(5))."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return {int(task.name): int((task / "schedstat").read_text().split()[0]) / 1e9 for task in tasks}


def _fates(store: Path, begin: int, end: int) -> tuple[int, int]:
    """Probes that were sent in that time, and how many of them were lost."""
    sent = lost = 0
    with Store(str(store / "history.db")) as one:
        for trace in one.traces():
            for _, fact in one.facts(trace):
                if begin <= getattr(fact, "sent_at", 0) < end:
                    sent += type(fact) is Sent
                    lost += type(fact) is Lost
    return sent, lost
