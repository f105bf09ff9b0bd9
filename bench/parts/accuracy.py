"""How true each RTT is and how punctual each probe, by a capture on the device: ours, peers' and a bare loop's."""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from bench.lab import (
    CC,
    HOPS,
    MTR,
    PROGRAMS,
    TARGET,
    TRACEROUTE,
    TRIP,
    built,
    hopscope,
    inside,
    path_file,
    python,
    trip,
)
from bench.measure import Row, busy_loops, nearest_rank, run_cpu
from bench.parts.wire import Trips, errors, events_of, late, mean_error, told_by, told_by_bare, trips_of
from tests.lab.capture import Capture
from tests.lab.tun import DEVICE, TunLab

INTERVAL_NS: Final = 200_000_000
LOOPS: Final = 4
"""Busy loops of a loaded run."""
PEERS_ROUNDS: Final = 20
PROTOCOL: Final[dict[str, list[str]]] = {"icmp": [], "udp": ["-u"], "tcp": ["-T"]}
RUNS: Final[tuple[tuple[str, Literal[4, 6], bool], ...]] = (
    ("icmp", 4, True), ("icmp", 6, True), ("udp", 4, True), ("udp", 6, True), ("tcp", 4, True), ("tcp", 6, True),
    ("icmp", 4, False), ("icmp", 6, False), ("tcp", 4, False), ("tcp", 6, False), ("udp", 4, False), ("udp", 6, False),
)  # fmt: skip
"""Protocol, family, and whether as a plain user: the others by raw sockets."""


class _Lab:
    """One state of the machine, and how programs are run in it."""

    def __init__(self, scenario: Path, folder: Path, rounds: int, *, loaded: bool) -> None:
        self.scenario = scenario
        self.folder = folder
        self.rounds = rounds
        self.loaded = loaded
        self.state = "loaded" if loaded else "idle"

    @contextmanager
    def path(self) -> Iterator[tuple[str, Capture]]:
        """A namespace and the capture in it, under this state's load."""
        with (
            TunLab(self.scenario) as lab,
            Capture(lab.name, DEVICE) as capture,
            busy_loops(LOOPS if self.loaded else 0),
        ):
            yield lab.name, capture

    def pacing(self, trips: Trips, what: str, goal: float | None, note: str = "") -> Row:
        """The row of how late probes left."""
        behind = late(trips, INTERVAL_NS)
        said = f"median {nearest_rank(behind, 0.5):.2g}, of {len(behind)} probes{note}"
        return Row("pacing", f"p99 sent later than due, {what}", "ms", (nearest_rank(behind, 0.99),), goal, note=said)


def accuracy(quick: bool, folder: Path) -> list[Row]:
    """Reported RTTs against the capture's and sends against their grid, each method and family, idle and loaded."""
    scenario = path_file(folder)
    rows: list[Row] = []
    for loaded in (False, True):
        rounds = 6 if quick else 60 if loaded else 40
        lab = _Lab(scenario, folder, rounds, loaded=loaded)
        for protocol, family, plain in RUNS[:2] + RUNS[-1:] if quick else RUNS:
            rows += _ours(lab, protocol, family, plain)
        rows += _ours(lab, "icmp", 4, True, own_session=True)
        rows += _bare(lab)
    return rows


def _ours(lab: _Lab, protocol: str, family: Literal[4, 6], plain: bool, *, own_session: bool = False) -> list[Row]:
    with lab.path() as (name, capture):
        words = hopscope(
            name, "--format", "ndjson", "-c", str(lab.rounds), "-i", str(INTERVAL_NS / 1e9), "-Z", "1",
            *([] if plain else ["--method", "raw"]), *PROTOCOL[protocol], TARGET[family], plain=plain,
        )  # fmt: skip
        _, out = run_cpu(words, own_session=own_session)
        trips = trips_of(capture, protocol, family, TARGET[family])
    method, probes = events_of(out)
    what = f"{method} {protocol} IPv{family}, {lab.state}"
    if own_session:
        return [lab.pacing(trips, f"{what}, in a session of its own", None)]
    found = errors(trips, told_by(probes))
    of_tcp = method == "tcp-socket"
    goal = (0.5 if lab.loaded else 0.1) if of_tcp else (0.010 if lab.loaded else 0.005)
    by_program = sum(event.get("clock") == "program" for event in probes) / len(probes)
    peers = _peers(lab) if (protocol, family, plain) == ("icmp", 4, True) else {}
    notes = [f"{by_program:.1%} of RTTs by the program's clock"] if by_program else []
    notes += [found.note()] if found.left_out else []
    rows = [Row("accuracy", f"mean error, {what}", "ms", (found.mean,), goal, peers, "; ".join(notes))]
    if lab.loaded:
        rows.append(_worst(found.singles, what, None if of_tcp else 0.02))
    rows.append(lab.pacing(trips, what, 2))
    return rows


def _worst(singles: tuple[float, ...], what: str, goal: float | None) -> Row:
    note = f"p99 {nearest_rank(singles, 0.99):.2g}, of {len(singles)} probes"
    return Row("accuracy", f"worst single RTT's error, {what}", "ms", (max(singles),), goal, note=note)


def _bare(lab: _Lab) -> list[Row]:
    """What the kernel's stamps and its scheduler allow whoever asks: the least programs, judged in the same way."""
    arguments = ["probe", TARGET[4], str(HOPS), str(lab.rounds), str(INTERVAL_NS)]
    source = (PROGRAMS / "bare.py").read_text(encoding="utf-8")

    def in_python(name: str) -> list[str]:
        return [*python(name, plain=True), "-c", source, *arguments]

    def in_c(name: str) -> list[str]:
        return inside(name, str(built("bare", lab.folder)), *arguments)

    rows = []
    for words, what in [(in_python, "a bare loop in Python"), *([(in_c, "a bare loop in C")] if CC else [])]:
        with lab.path() as (name, capture):
            _, out = run_cpu(words(name))
            trips = trips_of(capture, "icmp", 4, TARGET[4])
        found = errors(trips, told_by_bare(out)[0])
        what = f"reference: {what}, {lab.state}"
        rows.append(Row("accuracy", f"mean error, {what}", "ms", (found.mean,), note=found.note()))
        if lab.loaded:
            rows.append(_worst(found.singles, what, None))
        rows.append(lab.pacing(trips, what, None))
    if CC:
        with lab.path() as (name, capture):
            run_cpu(in_c(name), own_session=True)
            trips = trips_of(capture, "icmp", 4, TARGET[4])
        what = f"reference: a bare loop in C, {lab.state}, in a session of its own"
        rows.append(lab.pacing(trips, what, None))
    return rows


# --- peers -----------------------------------------------------------------------------------------------------


def _peers(lab: _Lab) -> dict[str, float]:
    """The mean error of the peers' averages, on the same path under the same load."""
    rounds = str(min(lab.rounds, PEERS_ROUNDS))
    commands: dict[str, tuple[Callable[[str], list[str]], Callable[[bytes], dict[int, float]]]] = {}
    if MTR:
        commands["mtr"] = (
            lambda name: inside(name, str(MTR), "-n", "--json", "-c", rounds, "-i", "0.2", TARGET[4]),
            _told_by_mtr,
        )
    if TRACEROUTE:
        commands["traceroute"] = (
            lambda name: inside(name, str(TRACEROUTE), "-n", "-I", "-q", "5", "-N", "1", TARGET[4]),
            _told_by_traceroute,
        )
    if TRIP:
        commands["trippy"] = (
            lambda name: trip(name, "-m", "json", "-C", rounds, "-i", "200ms", "-T", "200ms", TARGET[4]),
            told_by_trip,
        )
    found = {}
    for peer, (words, told) in commands.items():
        with lab.path() as (name, capture):
            _, out = run_cpu(words(name))
            trips = trips_of(capture, "icmp", 4, TARGET[4])
        error = mean_error(trips, told(out))
        if error is not None:
            found[peer] = error
    return found


def _told_by_mtr(out: bytes) -> dict[int, float]:
    return {hub["count"]: hub["Avg"] for hub in json.loads(out)["report"]["hubs"]}


def _told_by_traceroute(out: bytes) -> dict[int, float]:
    told = {}
    for line in out.decode().splitlines()[1:]:
        fields = line.split()
        values = [float(word) for word, unit in itertools.pairwise(fields) if unit == "ms"]
        if values:
            told[int(fields[0])] = statistics.fmean(values)
    return told


def told_by_trip(out: bytes) -> dict[int, float]:
    """The averages in trippy's ``-m json``, whose numbers are strings and 0.00 where nothing answered."""
    hops = json.loads(out)["hops"]
    return {int(hop["ttl"]): float(hop["avg"]) for hop in hops if int(hop["recv"])}
