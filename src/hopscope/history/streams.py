"""Streams that were printed, as stores: hopscope's NDJSON, and the lines of mtr's ``--raw``. A store of one is made in
memory, and what the lines do not say is said in words."""

from __future__ import annotations

import io
import os
import re
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from time import time_ns
from typing import BinaryIO, Final

import msgspec

from hopscope.history import schema
from hopscope.history.mtr_raw import OF_RAW, of_raw
from hopscope.history.notes import Named
from hopscope.history.schema import StoreError
from hopscope.history.store import Store
from hopscope.history.writer import StoreWriter
from hopscope.names.clean import clean
from hopscope.session.events import EndEvent, ProbeEvent, StartEvent
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.model import Probing
from hopscope.session.plans import numeric
from hopscope.system import files
from hopscope.wire.check import check
from hopscope.wire.facts import Begun
from hopscope.wire.messages import (
    Answered,
    Duplicate,
    Failed,
    Finished,
    Late,
    Lost,
    Plan,
    RoundStarted,
    Sent,
    Started,
)
from hopscope.wire.undecodable import UNDECODABLE

S: Final = 1_000_000_000
MOST_BYTES: Final = 256 << 20
_MOST_LINE: Final = 1 << 20
_MOST_TARGETS: Final = 10_000
_MOST_PROBES: Final = 1_000_000
"""A line of six bytes is a probe, and a probe takes some hundred in memory."""
_MOST_LABELS: Final = 64
_LARGEST: Final = 65_535
"""Packet, and port."""
_LATEST: Final = 1 << 62
_MOST_ROUNDS: Final = 1 << 40
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RAW: Final = re.compile(r"[xhdpmstu] \d{1,3}( |$)")
_OF_NDJSON: Final = (
    "read from NDJSON: verdicts are judged again; pauses, resets and names are not in it, and moments are to the"
    " microsecond"
)

Line = StartEvent | ProbeEvent | EndEvent
_decoder: Final = msgspec.json.Decoder(Line)


def is_text(path: str) -> bool:
    """Whether it is a file of lines, as far as its beginning tells, or a pipe or a socket, which have nothing else.
    `FileNotFoundError`."""
    try:
        descriptor = files.given_descriptor(path)
        if _flows(path if descriptor is None else descriptor):
            return True
        with _opened(path, descriptor) as file:
            head = file.read(256)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return head.lstrip()[:1] == b"{" or _RAW.match(head.decode("ascii", "replace")) is not None


def read(path: str) -> tuple[Store, list[str]]:
    """The store of a stream, from a file or a pipe, and what is to be said of it. `StoreError`."""
    try:
        descriptor = files.given_descriptor(path)
        is_pipe = _flows(path if descriptor is None else descriptor)
        with _opened(path, descriptor) as opened:
            there = os.fstat(opened.fileno())
            data = opened.read(MOST_BYTES + 1) if is_pipe else b""
            if max(there.st_size, len(data)) > MOST_BYTES:
                raise StoreError(
                    f"a stream of more than {MOST_BYTES >> 20} MiB is not read; --record keeps less than a tenth"
                )
            if data.startswith(schema.MAGIC):
                raise StoreError("a recording is read from a file, and not from a pipe")
            file = io.BytesIO(data) if is_pipe else opened
            is_json = file.read(256).lstrip()[:1] == b"{"
            file.seek(0)
            lines = iter(lambda: file.readline(_MOST_LINE), b"")
            if is_json:
                return _store(_of_ndjson(lines)), [_OF_NDJSON]
            return _store(of_raw(lines, time_ns() if is_pipe else there.st_mtime_ns, _bound)), [OF_RAW]
    except OSError as unreadable:
        raise StoreError(unreadable.strerror or str(unreadable)) from None


def _flows(file: str | int) -> bool:
    """Whether it can be read once only. `OSError`."""
    mode = os.stat(file).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _opened(path: str, descriptor: int | None) -> BinaryIO:
    file = open(path, "rb") if descriptor is None else open(descriptor, "rb", closefd=False)  # noqa: SIM115
    if file.seekable():  # whoever looked at it before, or began to read it, shares its position
        file.seek(0)
    return file


def _store(facts: Iterable[tuple[int, TargetFact | Named]]) -> Store:
    connection = schema.open_in_memory()
    try:
        _write(facts, connection)
    except BaseException:
        connection.close()
        raise
    return Store(connection)


def _write(facts: Iterable[tuple[int, TargetFact | Named]], connection: sqlite3.Connection) -> None:
    writer: StoreWriter | None = None
    end = 0
    for number, fact in facts:
        if writer is None:
            writer = StoreWriter(connection, host="", begun=getattr(fact, "at", 0))
        end = max(end, getattr(fact, "at", 0), getattr(fact, "sent_at", 0))
        writer.add(number, fact)
        if isinstance(fact, RoundStarted):
            writer.cut()
            writer.commit()
            writer.compact_if_due()
    if writer is None:
        raise StoreError("it has no trace in it")
    writer.end(end)


# --- hopscope's own ------------------------------------------------------------------------------------------------


class _OwnTarget:
    """One target of an NDJSON stream, until its end is read."""

    def __init__(self, number: int, head: StartEvent) -> None:
        self.number = number
        self.head = head
        self.probes: list[tuple[int, ProbeEvent]] = []

    def facts(self, rounds: int | None) -> Iterator[tuple[int, TargetFact | Named]]:
        """All of it, in the order of sending. `rounds`: the end's."""
        head, number = self.head, self.number
        at = _moment(head.started)
        address = numeric(head.target)
        if address is None:
            raise StoreError("a target in it has no address")
        probing = Probing(protocol=head.protocol, interval_s=head.interval_s, timeout_s=head.timeout_s)
        plan = Plan(
            address,
            head.family,
            head.protocol,
            port=head.port if head.protocol != "icmp" else None,
            interval_ns=round(head.interval_s * S),
            timeout_ns=round(head.timeout_s * S),
            rounds=rounds,
        )
        check(plan)
        if not (0 <= head.packet_size <= _LARGEST and 0 <= (head.port or 0) <= _LARGEST and 0 <= head.tos <= 255):
            raise StoreError("a number in it is none that a probe can have")
        yield number, Asked(at, head.query, probing)
        yield number, Begun(at, plan)
        yield (
            number,
            Started(number, head.method, head.source, None, head.port, head.packet_size, head.flow_kind, "kernel"),
        )
        newest = -1
        self.probes.sort(key=lambda one: one[0])
        for sent_at, probe in self.probes:
            if probe.round > newest:
                newest = probe.round
                yield number, RoundStarted(number, newest, sent_at)
            for fact in _fates(number, probe, sent_at):
                yield number, fact
        if rounds is not None:
            yield number, Finished(number, rounds)


def _fates(number: int, probe: ProbeEvent, at: int) -> list[TargetFact]:
    key = (number, probe.round, probe.ttl, at)
    sent = Sent(*key, probe.flow)
    if probe.outcome == "lost":
        return [sent, Lost(*key, probe.flow)]
    if probe.outcome == "failed":
        return [Failed(*key, "FAILED", clean(probe.error or "", 200), probe.flow)]
    if probe.address is None or probe.rtt_ms is None or probe.kind is None or not 0 <= probe.rtt_ms < 1e9:
        raise StoreError("an answer in it has no address, time or kind")
    kind = {"late": Late, "duplicate": Duplicate}.get(probe.outcome, Answered)
    answer = kind(
        *key,
        rtt_ns=round(probe.rtt_ms * 1e6),
        address=probe.address,
        kind=probe.kind,
        reply_ttl=probe.reply_ttl,
        mpls=probe.mpls,
        clock=probe.clock or "kernel",
        vouched=probe.vouched is not False,
        flow=probe.flow,
    )
    return [sent, answer] if kind is Answered else [answer]


def _of_ndjson(lines: Iterable[bytes]) -> Iterator[tuple[int, TargetFact | Named]]:
    under_way: dict[str, _OwnTarget] = {}
    numbers: dict[tuple[str, str], int] = {}
    probes = 0
    for line in lines:
        event = _event(line)
        if isinstance(event, StartEvent):
            number = numbers.setdefault((event.target, event.query), len(numbers) + 1)
            if number > _MOST_TARGETS:
                raise StoreError("it holds more targets than any recording")
            if event.target in under_way:
                yield from _whole(under_way.pop(event.target), None)
            under_way[event.target] = _OwnTarget(number, event)
        elif isinstance(event, ProbeEvent):
            target = under_way.get(event.target)
            if target is None:
                raise StoreError("it begins in the midst of a stream: it has no start event")
            if not _is_a_probes(event):
                raise StoreError("a number in it is none that a probe can have")
            probes += 1
            _bound(probes)
            target.probes.append((_moment(event.sent_at), event))
        elif isinstance(event, EndEvent) and event.target in under_way:
            yield from _whole(under_way.pop(event.target), event.rounds)
    for left in under_way.values():  # it was cut off
        yield from _whole(left, None)


def _is_a_probes(event: ProbeEvent) -> bool:
    """Whether its numbers are such as a probe and its answer can have."""
    numbers = [(event.round, _MOST_ROUNDS), (event.ttl, 255), (event.flow, 255), (event.count, _MOST_ROUNDS)]
    if event.reply_ttl is not None:
        numbers.append((event.reply_ttl, 255))
    if len(event.mpls) > _MOST_LABELS:
        return False
    numbers += [(value, 1 << 20) for label in event.mpls for value in (label.label, label.tc, label.ttl)]
    return all(0 <= number <= most for number, most in numbers)


def _bound(probes: int) -> None:
    if probes > _MOST_PROBES:
        raise StoreError(f"a stream of more than {_MOST_PROBES:,} probes is not read; --record takes any number")


def _whole(target: _OwnTarget, rounds: int | None) -> Iterator[tuple[int, TargetFact | Named]]:
    try:
        yield from target.facts(rounds)
    except (ValueError, OverflowError) as wrong:
        raise StoreError(f"it is no stream of hopscope's: {clean(str(wrong), 200)}") from None


def _event(line: bytes) -> Line | None:
    """None: a line that is not about a probe, or one that was cut off at the end."""
    try:
        event: Line = _decoder.decode(line)
    except msgspec.ValidationError:
        if b'"event"' in line:
            return None
        raise StoreError(_no_stream(line)) from None
    except UNDECODABLE:
        if not line.endswith(b"\n") and b'"event"' in line:
            return None
        raise StoreError(_no_stream(line)) from None
    return event


def _no_stream(line: bytes) -> str:
    if b'"report"' in line or line.strip() == b"{":
        return "a JSON report, mtr's too, has totals and no probes; NDJSON and mtr's --raw lines can be replayed"
    return "it is no recording of hopscope's"


def _moment(text: str) -> int:
    """Epoch ns. `StoreError`."""
    try:
        span = datetime.fromisoformat(text) - _EPOCH
    except (ValueError, TypeError):
        raise StoreError("a moment in it is none") from None
    moment = ((span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds) * 1000
    if not 0 <= moment <= _LATEST:
        raise StoreError("a moment in it is none")
    return moment
