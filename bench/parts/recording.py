"""What a recording costs: bytes and CPU a probe, how long a commit takes, and how long any moment takes to be read."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import time
import zlib
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bench.lab import TARGET, path_file
from bench.measure import Row, nearest_rank, run_cpu
from hopscope.history.block import PROBE_FACTS, PackedBlock, encoder
from hopscope.history.recorder import Recorder
from hopscope.history.tiers import HOUR
from hopscope.history.writer import StoreWriter
from hopscope.path.bins import decode, encode
from hopscope.probe.virtual import VirtualEngine
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Answered, Event, Lost, Plan, Sent, Start, Started
from tests.lab.virtual import simulated

_READING: Final = Path(__file__).parent.parent / "programs" / "reading.py"
_TARGETS: Final = 5
_MOMENTS: Final = 12
_REPEATS: Final = 5
DAY_NS: Final = 86_400 * 10**9


def recording(quick: bool, folder: Path) -> list[Row]:
    """An hour of 15 hops at a round a second, a commit each second, as by the clock; then a
    store of 28 days (two if quick) of five targets, made of that hour again and again, and read with nothing of it in
    the machine's memory."""
    seconds = 3600
    plan = simulated(Plan(TARGET[4], 4), str(path_file(folder)))
    virtual = VirtualEngine()
    virtual.handle(Start(1, plan))
    begun = virtual.wall
    told = [
        [_jittered(event) for event in virtual.advance(1) if type(event) in PROBE_FACTS or isinstance(event, Started)]
        for _ in range(seconds)
    ]
    alone = _written(folder / "alone", told, plan, begun, 1)
    fives = [
        _written(folder / f"five{number}", told, plan, begun, _TARGETS) for number in range(1 if quick else _REPEATS)
    ]
    five, alone_us = fives[0], 1e6 * alone.cpu_s / alone.probes
    rows = [
        Row("recording", "on the disk, all in", "bytes a probe", (five.bytes / five.probes,), 6.5),
        Row(
            "recording",
            "CPU of five targets, of a thread of its own",
            "µs a probe",
            tuple(1e6 * one.cpu_s / one.probes for one in fives),
            3,
        ),
        Row("recording", "CPU of one target alone", "µs a probe", (alone_us,)),
        Row("recording", "CPU of one target alone", "% of a core", (alone.cpu_s / seconds * 100,)),
        Row("recording", "a second's commit, the 99th percentile", "ms", (nearest_rank(five.commits_ms, 0.99),), 1),
    ]
    store = folder / "nights"
    days = 2 if quick else 28
    _repeat(folder / "five0", store, days)
    return [*rows, *_read(store, f"{days} days of five targets ({os.path.getsize(store) / 1e6:,.0f} MB)")]


class _Written(NamedTuple):
    bytes: int
    probes: int
    cpu_s: float
    commits_ms: list[float]


def _jittered(fact: Event) -> Event:
    """As a real clock would have it, not as the simulation's even steps: RTTs and departures are noise below 20 µs."""
    if isinstance(fact, (Sent, Lost, Answered)):
        noise = hash((fact.round, fact.ttl)) * 2654435761 % 20_000
        fact = msgspec.structs.replace(fact, sent_at=fact.sent_at + noise)
    if isinstance(fact, Answered):
        return msgspec.structs.replace(fact, rtt_ns=fact.rtt_ns + hash((fact.ttl, fact.round, 1)) * 40503 % 100_000)
    return fact


def _written(path: Path, told: list[list[Event]], plan: Plan, begun: int, targets: int) -> _Written:
    writer = StoreWriter(str(path), host="bench", begun=begun)
    for target in range(1, targets + 1):
        writer.add(target, Asked(begun, f"{plan.address}", Probing()))
        writer.add(target, Begun(begun, plan))
    recorder = Recorder(lambda: writer)
    commits: list[float] = []
    cpu = 0.0

    def commit() -> None:
        writer.cut()
        began = time.perf_counter()
        StoreWriter.commit(writer)
        commits.append((time.perf_counter() - began) * 1e3)

    writer.commit = commit  # type: ignore[method-assign] # the recorder's own, with a clock beside it
    for facts in told:
        for target in range(1, targets + 1):
            for fact in facts:
                recorder.fact(target, fact)
        began = time.thread_time()
        recorder._write(writer)
        cpu += time.thread_time() - began
    began = time.thread_time()
    writer.end(begun + len(told) * 10**9)
    writer.close()
    cpu += time.thread_time() - began
    probes = targets * sum(isinstance(fact, Sent) for facts in told for fact in facts)
    return _Written(os.path.getsize(path), probes, cpu, commits)


# --- a store of weeks -----------------------------------------------------------------------------------------


def _repeat(source: Path, path: Path, days: int) -> None:
    """The run of a store over and over, one after the other, as one run of so many days."""
    shutil.copy(source, path)
    connection = sqlite3.connect(path, isolation_level=None)
    ((begun, ended),) = connection.execute("SELECT begun, ended FROM run")
    length = -(-(ended - begun) // HOUR) * HOUR
    segments = connection.execute("SELECT * FROM segment").fetchall()
    tiers = connection.execute("SELECT * FROM tier").fetchall()
    ((rows, rounds),) = connection.execute("SELECT max(last_row) + 1, max(rounds) FROM segment")
    connection.execute("BEGIN")
    for number in range(1, days * DAY_NS // length):
        later = number * length
        for _, run, target, first, last, since, until, count, probes, _, data in segments:
            again = _shifted(data, later, number * rounds * 6)
            place = (first + number * rows, last + number * rows, since + later, until + later)
            words = "INSERT INTO segment VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            connection.execute(words, (run, target, *place, count, probes, len(again), again))
        for _, run, target, span, since, until, data in tiers:
            spans = [part._replace(begin=part.begin + later) for part in decode(zlib.decompress(data))]
            words = "INSERT INTO tier VALUES (NULL, ?, ?, ?, ?, ?, ?)"
            again = zlib.compress(encode(spans), 1)
            connection.execute(words, (run, target, span, since + later, until + later, again))
    connection.execute("UPDATE run SET ended = ?", (begun + days * DAY_NS,))
    connection.execute("COMMIT")
    connection.close()


def _shifted(data: bytes, later: int, rounds: int) -> bytes:
    """A block as if it had happened later."""
    block = msgspec.msgpack.decode(zlib.decompress(data), type=PackedBlock)
    series = [msgspec.structs.replace(one, at=one.at + later, round=one.round + rounds) for one in block.series]
    return zlib.compress(encoder.encode(msgspec.structs.replace(block, series=series)), 1)


def _read(path: Path, what: str) -> list[Row]:
    """In a process of its own, for its memory."""
    said = run_cpu([sys.executable, str(_READING), str(path), str(_MOMENTS)])[1]
    figures = msgspec.json.decode(said, type=dict[str, list[float]])
    return [
        Row("recording", f"any moment of {what}, cold, on the screen", "ms", tuple(figures["cold"]), 150),
        Row("recording", "the same, CPU of it alone", "ms", tuple(figures["cpu"])),
        Row("recording", "the same, its numbers over 5 min", "ms", tuple(figures["five"]), 150),
        Row("recording", "its end, when it is opened (cold)", "ms", tuple(figures["open"])),
        Row("recording", "a step from there", "ms", tuple(figures["step"]), 60),
        Row("recording", "the axis of a week, of one target", "ms", tuple(figures["week"]), 120),
        Row("recording", "what it is, listed (cold)", "ms", tuple(figures["list"])),
        Row("recording", "memory for it", "MiB", tuple(figures["memory"]), 10),
    ]
