"""What was told against what was on the wire: round trips of a capture beside those of a program."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.measure import lateness
from tests.lab.capture import NUMBERS, Capture, RoundTrip

Trips = dict[int, list[RoundTrip]]
"""Captured round trips of each TTL, in the order of sending."""

STEADY_FROM: Final = 2
"""Rounds: the first is sent at once, to show the path soon; from here on each TTL keeps its place in the round."""


@dataclass(frozen=True)
class Errors:
    """How far a program's figures are from the capture's, ms."""

    mean: float
    """Mean over hops of |average told - average captured|."""
    singles: tuple[float, ...]
    """|told - captured| of each probe."""
    left_out: int
    """Hops that could not be paired probe by probe."""
    hops: int

    def note(self) -> str:
        """What is to be said of it."""
        return f"{self.left_out} of {self.hops} hops not paired, left out" if self.left_out else ""


def trips_of(capture: Capture, protocol: str, family: int, target: str) -> Trips:
    """The captured round trips of each TTL."""
    found: Trips = defaultdict(list)
    for trip in capture.round_trips(NUMBERS[protocol, family], target):
        found[trip.probe.ttl].append(trip)
    return found


def errors(trips: Trips, told: Mapping[int, Sequence[float]]) -> Errors:
    """Compare RTTs told (ms, of each TTL in the order of sending) with the capture's."""
    means: list[float] = []
    singles: list[float] = []
    left_out = 0
    for ttl, seen in trips.items():
        mine = told.get(ttl, ())
        wire = [trip.rtt_ns / 1e6 for trip in seen if trip.answer is not None]
        if len(mine) != len(wire) or not mine:
            left_out += 1  # said in the row: what cannot be paired proves nothing
            continue
        means.append(abs(statistics.fmean(mine) - statistics.fmean(wire)))
        singles += [abs(a - b) for a, b in zip(mine, wire, strict=True)]
    if not means:
        raise RuntimeError("nothing to compare with the capture")
    return Errors(statistics.fmean(means), tuple(singles), left_out, len(trips))


def mean_error(trips: Trips, averages: Mapping[int, float]) -> float | None:
    """Of a program that tells averages (ms) alone; null where there is nothing to compare."""
    found = [
        abs(averages[ttl] - statistics.fmean(trip.rtt_ns / 1e6 for trip in seen if trip.answer is not None))
        for ttl, seen in trips.items()
        if ttl in averages and any(trip.answer is not None for trip in seen)
    ]
    return statistics.fmean(found) if found else None


def late(trips: Trips, interval_ns: int) -> list[float]:
    """How much later than due each probe left, ms, from the third round on."""
    return [
        ms
        for seen in trips.values()
        if len(seen) > STEADY_FROM
        for ms in lateness([trip.probe.stamp for trip in seen[STEADY_FROM:]], interval_ns)
    ]


def told_by_bare(out: bytes) -> tuple[dict[int, list[float]], float, float]:
    """What ``bare`` printed: RTTs of each TTL in ms; CPU ns and wake-ups of its loop."""
    told: dict[int, list[float]] = defaultdict(list)
    cpu = wakes = 0.0
    for line in out.decode().splitlines():
        words = line.split()
        if words[0] == "cpu":
            cpu, wakes = float(words[1]), float(words[2])
        else:
            told[int(words[1])].append((int(words[3]) - int(words[2])) / 1e6)
    return told, cpu, wakes


def events_of(out: bytes) -> tuple[str, list[dict[str, Any]]]:
    """What ``--format ndjson`` printed: the method, and the answered probes."""
    events = [json.loads(line) for line in out.splitlines()]
    method: str = next(event["method"] for event in events if event["event"] == "start")
    return method, [event for event in events if event["event"] == "probe" and event["outcome"] == "answered"]


def told_by(probes: Sequence[Mapping[str, Any]]) -> dict[int, list[float]]:
    """RTTs of each TTL in ms, in the order of the rounds."""
    told: dict[int, list[float]] = defaultdict(list)
    for event in sorted(probes, key=lambda event: int(event["round"])):
        told[event["ttl"]].append(event["rtt_ms"])
    return told
