"""``history replay … --record FILE``: a span of a recording as a recording of its own, to be sent to somebody."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final

import msgspec

from hopscope.cli import config as configuration
from hopscope.cli.errors import OK, UsageError
from hopscope.cli.options import Options
from hopscope.cli.recording import open_writer
from hopscope.history.notes import Named
from hopscope.history.store import RecordedRun, Store, StoreError, Trace
from hopscope.names.facts import AddressInfo
from hopscope.session.facts import Asked, SessionFact
from hopscope.views.privacy import HIDDEN
from hopscope.wire.discovered import Discovered, with_routers
from hopscope.wire.facts import Begun, Continued, TakenBack
from hopscope.wire.messages import Answered, Failed, SourceChanged, Started

_TOGETHER: Final = 20_000
"""Facts of a commit."""


def copy(options: Options, path: str, store: Store, traces: list[Trace], since: int | None, until: int | None) -> int:
    """The exit status. `UsageError`."""
    target = options.record or ""
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
    masks = {trace.target: _Mask(store, trace, options.privacy) for trace in traces}
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
            writer.add(target, masks[target].over(fact))
            told += 1
        hidden = {address for mask in masks.values() for address in mask.hidden}
        met = {address for trace in traces for address in store.addresses(trace)}
        for address, info in store.names(run).items():
            if address in met and address not in hidden:
                writer.add(0, Named.of(address, info))
        for stand_in in {one for mask in masks.values() for one in mask.hidden.values()}:
            writer.add(0, Named.of(stand_in, AddressInfo(HIDDEN)))
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
    """Hides a trace's first hops, and the machine that probed. `hidden`: what stands in the place of each address."""

    def __init__(self, store: Store, trace: Trace, hops: int) -> None:
        self._hops = hops
        self.hidden: dict[str, str] = {}
        if hops:
            for _, fact in store.facts(trace):
                if isinstance(fact, Answered) and fact.ttl <= hops and fact.address != trace.address:
                    self.hidden.setdefault(fact.address, f"0.0.{trace.target % 256}.{len(self.hidden) % 255 + 1}")

    def over(self, fact: SessionFact) -> SessionFact:
        """The fact as it may be sent."""
        if not self._hops:
            return fact
        replace = msgspec.structs.replace
        match fact:
            case Answered():
                return replace(fact, address=self.hidden.get(fact.address, fact.address))
            case Failed():
                return replace(fact, message=fact.error)
            case Started():
                return replace(fact, source=None, answered_by=self.hidden.get(fact.answered_by or "", fact.answered_by))
            case SourceChanged():
                return replace(fact, before="0.0.0.0", after="0.0.0.0")  # noqa: S104 - it stands for an address
            case Discovered():
                return with_routers(fact, lambda _, router: self.hidden.get(router, router))
            case Begun() | Continued():
                return replace(fact, plan=replace(fact.plan, source=None, interface=None))
            case TakenBack() if fact.plan is not None:
                return replace(fact, plan=replace(fact.plan, source=None, interface=None))
            case Asked():
                return replace(fact, probing=replace(fact.probing, source=None, interface=None))
        return fact
