"""``history replay … --record FILE``: a span of a recording as a recording of its own, to be sent to somebody."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from typing import Final

import msgspec

from hopscope.cli import config as configuration
from hopscope.cli.errors import OK, UsageError
from hopscope.cli.options import Options
from hopscope.cli.recorded_answers import heard_in
from hopscope.cli.recording import open_writer
from hopscope.history.notes import Named
from hopscope.history.store import RecordedRun, Store, StoreError, Trace
from hopscope.names.facts import AddressInfo
from hopscope.path.places import behind_of
from hopscope.session.facts import Asked, SessionFact
from hopscope.views.privacy import HIDDEN, Words, rewritten
from hopscope.wire.facts import Begun, Continued, Shared, TakenBack
from hopscope.wire.messages import Answered, Failed, Lost, Sent, SourceChanged, Started

_TOGETHER: Final = 20_000
"""Facts of a commit."""
_NO_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - it stands for an address


def copy(options: Options, path: str, store: Store, traces: list[Trace], since: int | None, until: int | None) -> int:
    """The exit status. `UsageError`."""
    target = options.record or ""
    if os.path.exists(target) and os.path.samefile(target, path):
        raise UsageError(f"--record {configuration.plain(target)}: this is the recording itself; name another file")
    try:
        for run in {trace.run.id: trace.run for trace in traces}.values():
            of_run = [trace for trace in traces if trace.run.id == run.id]
            _copy_run(options, store, run, of_run, since, until)
    except StoreError as why:
        raise UsageError(f"{configuration.plain(path)} to {configuration.plain(target)}: {why}") from None
    return OK


def _copy_run(
    options: Options, store: Store, run: RecordedRun, traces: list[Trace], since: int | None, until: int | None
) -> None:
    mask = _Mask(store, traces, options.privacy)
    host = HIDDEN if options.privacy else run.host
    writer = open_writer(options.record or "", run.begun, host)
    try:
        newest, told = -1, 0
        facts = [_rowed(store, trace, since, until) for trace in traces]
        for row, target, fact in heapq.merge(*facts, key=lambda one: one[0]):
            if row != newest:
                newest = row
                writer.cut()
                if told >= _TOGETHER:
                    writer.commit()
                    writer.compact_if_due()
                    told = 0
            writer.add(target, mask.over(fact))
            told += 1
        met = {address for trace in traces for address in store.addresses(trace)}
        for address, info in mask.names(store.names(run)).items():
            if address in met or address in mask.stand_ins:
                writer.add(0, Named.of(address, info))
        if not options.privacy:
            for trace in traces:
                for said in store.said(trace):
                    if until is None or said.verdict.at <= until:
                        writer.add(trace.target, said)
        writer.end(until if until is not None else run.ended or max(trace.until for trace in traces))
    finally:
        writer.close()


def _rowed(store: Store, trace: Trace, since: int | None, until: int | None) -> Iterator[tuple[int, int, SessionFact]]:
    for row, fact in store.facts(trace, since, until):
        yield row, trace.target, fact


class _Mask:
    """Hides the first hops of a run's traces, and the machine that probed."""

    def __init__(self, store: Store, traces: list[Trace], hops: int) -> None:
        self._hops = hops
        self._hidden: dict[str, str] = {}
        """What stands in the place of each address."""
        targets = {trace.address for trace in traces if trace.address is not None}
        near, known, doubtful, met = set[str](), set[str](), set[str](), dict[str, None]()
        for trace in traces if hops else ():
            for heard in heard_in(store, trace):
                said = behind_of(heard, hops)
                near.update(one.address for one in heard if one.ttl <= hops)
                met.update(dict.fromkeys(one.address for one in heard))
                known |= said.known
                doubtful |= said.doubtful
        visible = targets | (known - near - doubtful)
        for number, address in enumerate(address for address in met if address not in visible):
            self._hidden[address] = f"0.0.{number // 255 % 255 + 1}.{number % 255 + 1}"
        self._words = Words(frozenset(visible), called=self._called)

    def _called(self, address: str) -> str:
        return self._hidden.get(address, _NO_ADDRESS)

    @property
    def stand_ins(self) -> set[str]:
        """What stands in the place of addresses."""
        return set(self._hidden.values())

    def names(self, names: dict[str, AddressInfo]) -> dict[str, AddressInfo]:
        """What may be known of addresses."""
        secret = {info.hostname for address, info in names.items() if address in self._hidden}
        shown = {
            address: msgspec.structs.replace(info, hostname=None, verified=None) if info.hostname in secret else info
            for address, info in names.items()
            if address not in self._hidden
        }
        return shown | dict.fromkeys(self.stand_ins, AddressInfo(HIDDEN))

    def over(self, fact: SessionFact) -> SessionFact:
        """The fact as it may be sent."""
        if not self._hops or isinstance(fact, (Sent, Lost)):
            return fact
        replace = msgspec.structs.replace
        match fact:
            case Answered():
                return self._answered(fact)
            case Failed():
                return replace(fact, message=fact.error)
            case Asked():
                return replace(fact, probing=replace(fact.probing, source=None, interface=None))
            case Shared() if isinstance(fact.probe, Answered):
                fact = replace(fact, probe=self._answered(fact.probe))
            case Started():
                fact = replace(fact, source=None)
            case SourceChanged():
                fact = replace(fact, before=_NO_ADDRESS, after=_NO_ADDRESS)
            case Begun() | Continued():
                fact = replace(fact, plan=replace(fact.plan, source=None, interface=None))
            case TakenBack() if fact.plan is not None:
                fact = replace(fact, plan=replace(fact.plan, source=None, interface=None))
        return rewritten(fact, self._words)

    def _answered(self, fact: Answered) -> Answered:
        stand_in = self._hidden.get(fact.address)
        if fact.ttl > self._hops and fact.address in self._words.visible:
            return fact
        return msgspec.structs.replace(fact, address=stand_in or fact.address, mpls=())
