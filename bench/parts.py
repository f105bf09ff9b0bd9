"""The parts of the bench. Each takes whether to be quick and a folder for its files, and gives its rows."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from hopscope.path.fold import PathFold
from hopscope.wire.messages import Lost, Plan, Start
from measure import Row, busy_loops, cpu_seconds, lateness, marginal, nearest_rank, pss_mib, run_cpu, tree
from tests.lab import netns
from tests.lab.capture import Capture, RoundTrip
from tests.lab.plain_user import as_plain_user, as_root
from tests.lab.terminal import Terminal
from tests.lab.tun import DEVICE, TunLab
from tests.lab.virtual import Virtual, simulated

HOPS = 15
TARGET = {4: "192.0.2.80", 6: "2001:db8:300::80"}
NUMBERS = {
    ("icmp", 4): socket.IPPROTO_ICMP,
    ("icmp", 6): socket.IPPROTO_ICMPV6,
    ("udp", 4): socket.IPPROTO_UDP,
    ("udp", 6): socket.IPPROTO_UDP,
    ("tcp", 4): socket.IPPROTO_TCP,
    ("tcp", 6): socket.IPPROTO_TCP,
}
STEADY_FROM = 2
"""Rounds: the first is sent at once, to show the path soon; from here on each TTL keeps its place in the round."""
PROTOCOL = {"icmp": [], "udp": ["-u"], "tcp": ["-T"]}
MTR = shutil.which("mtr")
TRACEROUTE = shutil.which("traceroute")


def path_file(folder: Path) -> Path:
    """A network of 15 hops whose target is 30 ms away."""
    hops = "".join(
        f'  {{ at = ["198.51.100.{n}", "2001:db8:100::{n:x}"], delay = "1ms", jitter = "0.1ms" }},\n'
        for n in range(1, HOPS)
    )
    text = (
        f'title = "The bench"\nstory = "Fifteen hops."\nseed = 1\nsource = ["192.168.1.23", "2001:db8:1::23"]\n'
        f"hops = [\n{hops}]\n[[targets]]\n"
        f'name = "far.example"\nat = ["{TARGET[4]}", "{TARGET[6]}"]\ndelay = "1ms"\njitter = "0.1ms"\nopen = [80]\n'
    )
    file = folder / "bench.toml"
    file.write_text(text)
    return file


def hopscope(lab: TunLab, *words: str, plain: bool = False) -> list[str]:
    """The command in the lab."""
    start = as_plain_user(lab.name) if plain else as_root(lab.name)
    return [*start, "-I", "-m", "hopscope", "-n", *words]


def version(quick: bool, folder: Path) -> list[Row]:
    """How long ``--version`` takes."""
    times = []
    for _ in range(5 if quick else 15):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-m", "hopscope", "--version"], check=True, capture_output=True)
        times.append((time.perf_counter() - began) * 1e3)
    return [Row("start", "--version", "ms", tuple(times), 100)]


# --- accuracy --------------------------------------------------------------------------------------------------


def by_ttl(trips: list[RoundTrip]) -> dict[int, list[RoundTrip]]:
    """The captured round trips of each TTL, in order."""
    found: dict[int, list[RoundTrip]] = defaultdict(list)
    for trip in trips:
        found[trip.probe.ttl].append(trip)
    return found


def accuracy(quick: bool, folder: Path) -> list[Row]:
    """Reported RTTs against the capture's, each method and family, idle and loaded."""
    rows = []
    rounds = 5 if quick else 20
    scenario = path_file(folder)
    for loaded in (False, True):
        state = "loaded" if loaded else "idle"
        for protocol, family, plain in [
            ("icmp", 4, True), ("icmp", 6, True), ("udp", 4, True), ("udp", 6, True), ("tcp", 4, True),
            ("tcp", 6, True), ("icmp", 4, False), ("icmp", 6, False), ("tcp", 4, False), ("udp", 4, False),
        ]:  # fmt: skip
            with TunLab(scenario) as lab, Capture(lab.name, DEVICE) as capture, busy_loops(4 if loaded else 0):
                words = hopscope(
                    lab, "--format", "ndjson", "-c", str(rounds), "-i", "0.2", "-Z", "1",
                    *([] if plain else ["--method", "raw"]), *PROTOCOL[protocol], TARGET[family], plain=plain,
                    )  # fmt: skip
                _, out = run_cpu(words)
                trips = by_ttl(capture.round_trips(NUMBERS[protocol, family], TARGET[family]))
            events = [json.loads(line) for line in out.splitlines()]
            method = next(event["method"] for event in events if event["event"] == "start")
            probes = [event for event in events if event["event"] == "probe" and event["outcome"] == "answered"]
            means, singles, left_out = [], [], 0
            for ttl, seen in trips.items():
                told = [event["rtt_ms"] for event in probes if event["ttl"] == ttl]
                wire = [trip.rtt_ns / 1e6 for trip in seen if trip.answer is not None]
                if len(told) != len(wire) or not told:
                    left_out += 1  # said in the row: what cannot be paired proves nothing
                    continue
                means.append(abs(statistics.fmean(told) - statistics.fmean(wire)))
                singles += [abs(a - b) for a, b in zip(told, wire, strict=True)]
            if not means:
                raise RuntimeError(f"{method} over IPv{family}: nothing to compare")
            of_tcp = method == "tcp-socket"
            goal = (0.5 if loaded else 0.1) if of_tcp else (0.010 if loaded else 0.005)
            by_program = sum(event.get("clock") == "program" for event in probes) / len(probes)
            peers = {}
            if protocol == "icmp" and family == 4 and plain:
                peers = _peers(scenario, rounds, loaded)
            what = f"{method} {protocol} IPv{family}, {state}"
            note = f"{by_program:.1%} of RTTs by the program's clock" if by_program else ""
            if left_out:
                note += f"{'; ' if note else ''}{left_out} of {len(trips)} hops not paired, left out"
            rows.append(Row("accuracy", f"mean error, {what}", "ms", (statistics.fmean(means),), goal, peers, note))
            if loaded:
                goal_single = None if of_tcp else 0.02
                rows.append(Row("accuracy", f"worst single RTT's error, {what}", "ms", (max(singles),), goal_single))
            late = [
                ms
                for seen in trips.values()
                if len(seen) > STEADY_FROM
                for ms in lateness([t.probe.stamp for t in seen[STEADY_FROM:]], 200_000_000)
            ]
            rows.append(
                Row(
                    "pacing", f"p99 sent later than due, {what}", "ms", (nearest_rank(late, 0.99),), 2,
                    note=f"of {len(late)} probes",
                )
            )  # fmt: skip
    return rows


def _peers(scenario: Path, rounds: int, loaded: bool) -> dict[str, float]:
    """The mean error of the peers' averages."""
    found = {}
    commands = {}
    if MTR:
        commands["mtr"] = [MTR, "-n", "--json", "-c", str(rounds), "-i", "0.2", TARGET[4]]
    if TRACEROUTE:
        commands["traceroute"] = [TRACEROUTE, "-n", "-I", "-q", "5", "-N", "1", TARGET[4]]
    for name, words in commands.items():
        with TunLab(scenario) as lab, Capture(lab.name, DEVICE) as capture, busy_loops(4 if loaded else 0):
            _, out = run_cpu(["ip", "netns", "exec", lab.name, *words])
            trips = by_ttl(capture.round_trips(socket.IPPROTO_ICMP, TARGET[4]))
        told: dict[int, float] = {}
        if name == "mtr":
            told = {hub["count"]: hub["Avg"] for hub in json.loads(out)["report"]["hubs"]}
        else:
            for line in out.decode().splitlines()[1:]:
                fields = line.split()
                values = [float(word) for word, unit in itertools.pairwise(fields) if unit == "ms"]
                if values:
                    told[int(fields[0])] = statistics.fmean(values)
        errors = [
            abs(told[ttl] - statistics.fmean(t.rtt_ns / 1e6 for t in seen if t.answer is not None))
            for ttl, seen in trips.items()
            if ttl in told and any(t.answer is not None for t in seen)
        ]
        if errors:
            found[name] = statistics.fmean(errors)
    return found


# --- cost ------------------------------------------------------------------------------------------------------


def cost(quick: bool, folder: Path) -> list[Row]:
    """CPU a probe, marginal, of reports at ten rounds a second."""
    few, many = (60, 160) if quick else (60, 300)  # a session settles after five seconds
    ours: list[float] = []
    theirs: list[float] = []
    with TunLab(path_file(folder)) as lab:
        for _ in range(1 if quick else 3):
            for words, into in (
                (hopscope(lab, "-r", "-i", "0.1", "-Z", "0.5", TARGET[4]), ours),
                (["ip", "netns", "exec", lab.name, str(MTR), "-n", "-r", "-i", "0.1", TARGET[4]], theirs),
            ):
                if into is ours or MTR:
                    short, _ = run_cpu([*words, "-c", str(few)])
                    long, _ = run_cpu([*words, "-c", str(many)])
                    into.append(marginal(long, short, many * HOPS, few * HOPS))
    peers = {"mtr": statistics.median(theirs)} if theirs else {}
    goal = peers["mtr"] / 2 if peers else None
    return [Row("cost", "CPU a probe, marginal, 15 hops x 10/s", "µs", tuple(ours), goal, peers)]


# --- screen ----------------------------------------------------------------------------------------------------


def screen(quick: bool, folder: Path) -> list[Row]:
    """The open screen in a terminal of 160x50: start, CPU and memory."""
    seconds = 10 if quick else 30
    last: dict[str, list[float]] = defaultdict(list)
    with TunLab(path_file(folder)) as lab:
        commands = {"hopscope": hopscope(lab, TARGET[4])}
        if MTR:
            commands["mtr"] = ["ip", "netns", "exec", lab.name, MTR, "-n", TARGET[4]]
        for name, words in commands.items():
            for repeat in range(1 if quick else 3):
                began = time.perf_counter()
                with Terminal(words, 160, 50) as terminal:
                    terminal.until(lambda seen: "198.51.100.1 " in seen)
                    last[f"{name} first hop"].append((time.perf_counter() - began) * 1e3)
                    terminal.until(lambda seen: all(f"198.51.100.{n} " in seen for n in range(1, HOPS)))
                    last[f"{name} path"].append((time.perf_counter() - began) * 1e3)
                    if repeat:
                        continue
                    _pass(8)
                    pids = tree(terminal.child())[1:]
                    before, at = cpu_seconds(pids), time.perf_counter()
                    _pass(seconds)
                    last[f"{name} cpu"].append((cpu_seconds(pids) - before) / (time.perf_counter() - at) * 100)
                    last[f"{name} memory"].append(pss_mib(pids))
    seen_by = "seen through tmux, ± 50 ms"
    return [
        Row("screen", what, unit, tuple(last[f"hopscope {key}"]), goal,
            {"mtr": statistics.median(last[f"mtr {key}"])} if MTR else {}, note)
        for what, key, unit, goal, note in (
            ("start to first hop", "first hop", "ms", None, seen_by),
            ("start to whole path", "path", "ms", 800, seen_by),
            ("CPU, steady, 15 hops x 1/s", "cpu", "% of a core", 1.3, ""),
            ("memory, all processes (PSS)", "memory", "MiB", 90, ""),
        )
    ]  # fmt: skip


def _pass(seconds: float) -> None:
    time.sleep(seconds)


# --- scale -----------------------------------------------------------------------------------------------------


def scale(quick: bool, folder: Path) -> list[Row]:
    """Many targets in one session, against a reflector that answers at once."""
    rows = []
    seconds = 8 if quick else 30
    here = Path(__file__).resolve().parent
    reflector = folder / "reflector"
    subprocess.run(["cc", "-O2", "-o", reflector, here / "reflector.c"], check=True)
    for count in (256, 1000):
        name = netns.new_name("scale")
        netns.add(name)
        try:
            netns.sysctl(name, {"ipv4.ping_group_range": "0 2147483647"})
            with netns.entered(name):
                far = subprocess.Popen([reflector, str(HOPS)], stdout=subprocess.PIPE)
                assert far.stdout is not None
                far.stdout.readline()
                netns.ip(["address add 10.99.0.2/32 dev sim0", "link set sim0 up txqueuelen 10000",
                          "route add 0.0.0.0/0 dev sim0 src 10.99.0.2"], name)  # fmt: skip
                done = subprocess.run(
                    [sys.executable, here / "many.py", str(count), str(seconds)],
                    check=True, capture_output=True, text=True,
                )  # fmt: skip
            far.kill()
            far.wait()
            far.stdout.close()
        finally:
            netns.remove([name])
        got = json.loads(done.stdout)
        what = f"{count} targets x 15 hops x 1/s"
        big = count == 1000
        rows += [
            Row("scale", f"{what}: false loss", "%", (got["loss"],), 0.01 if big else 0),
            Row("scale", f"{what}: rate kept", "%", (got["rate"],)),
            Row("scale", f"{what}: CPU, session and worker", "% of a core", (got["cpu"],), None if big else 60),
            Row("scale", f"{what}: memory (PSS)", "MiB", (got["memory"],), None if big else 150),
        ]
    return rows


# --- a day -----------------------------------------------------------------------------------------------------


def day(quick: bool, folder: Path) -> list[Row]:
    """A day of 15 hops in virtual time: what an hour costs and holds at the end against the beginning."""
    hours = 3 if quick else 24
    virtual = Virtual(keep_truth=False)
    virtual.handle(Start(1, simulated(Plan(TARGET[4], 4), str(path_file(folder)))))
    fold = PathFold(TARGET[4])
    costs, memory, lost = [], [], 0
    for _ in range(hours):
        began = time.process_time()
        for event in virtual.advance(3600):
            lost += isinstance(event, Lost)
            if getattr(event, "target", None) == 1 and type(event).__name__ in _FOLDED:
                fold.apply(event)  # type: ignore[arg-type] # by its name it is one of the fold's
        costs.append(time.process_time() - began)
        memory.append(pss_mib([os.getpid()]))
    return [
        Row("day", f"engine, network and fold, an hour of 15 hops ({hours} hours)", "s", tuple(costs)),
        Row("day", "cost of the last hour over the second", "times", (costs[-1] / costs[1],), 1.1),
        Row("day", "memory gained from the second hour to the last", "MiB", (memory[-1] - memory[1],), 2),
        Row("day", "probes lost", "", (lost,), 0),
    ]


_FOLDED = frozenset({"Sent", "Answered", "Lost", "Late", "Duplicate", "Failed", "RoundStarted"})
