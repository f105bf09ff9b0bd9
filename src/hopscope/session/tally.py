"""A session as numbers that only add up: what a scrape of its metrics asks for, and what it costs little to say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from hopscope.judge.verdict import VerdictKind
from hopscope.names.facts import AddressInfo, Namer
from hopscope.path.totals import Responder, Totals
from hopscope.session.naming import is_worth_a_name

if TYPE_CHECKING:
    from hopscope.session.target_fold import TargetFold

_UNKNOWN = AddressInfo()


class TargetTally(msgspec.Struct, frozen=True, kw_only=True):
    """One target."""

    id: int
    """Unique among the targets of a site; a target that is removed and added again has another one."""
    name: str
    """What the user asked for, cleaned."""
    site: str = ""
    """Where it is probed from; empty: here."""
    address: str | None = None
    protocol: str | None = None
    method: str | None = None
    totals: Totals
    """Since it was added, whatever was begun anew since. A lost probe that turns out to be late is lost no more."""
    hops: int = 0
    """How many hops its path has now."""
    is_answering: bool | None = None
    """Whether the target answered in the newest round whose fate is known."""
    verdict: VerdictKind = "starting"
    first_ttl: int | None = None
    last_ttl: int | None = None
    """Where the trouble is."""
    responders: tuple[tuple[Responder, AddressInfo], ...] = ()
    """Who answered, and what is known of them."""
    is_brief: bool = False
    """It is one of very many: no buckets of RTTs, and of the kinds of incidents only those that there were."""


class SessionTally(msgspec.Struct, frozen=True, kw_only=True):
    """A session, or whatever else has targets, at one moment."""

    targets: Iterable[TargetTally]
    """Each is made when it is asked for, so that whoever has many can do something else in between."""
    now: int
    """Epoch ns."""
    restarts: int | None = 0
    """How often the probe worker was started again; None: there is none here."""
    is_probing: bool | None = True
    """The probe worker is there; None: none should be."""
    heard: tuple[tuple[str, int], ...] = ()
    """Other sites that these targets are probed from: when each was heard of last (epoch ns)."""


def tally_of(fold: TargetFold, namer: Namer | None) -> TargetTally:
    """A target of this session."""
    path = fold.path.tallied()
    verdict = fold.judge.verdict()
    counted = path.totals._replace(incidents=fold.judge.begun)
    plan, started = fold.plan, fold.started
    return TargetTally(
        id=fold.number,
        name=fold.query,
        address=fold.address,
        protocol=plan.protocol if plan is not None else None,
        method=started.method if started is not None else None,
        totals=counted if fold.before is None else fold.before.plus(counted),
        hops=path.hops,
        is_answering=path.is_answering,
        verdict=verdict.kind,
        first_ttl=verdict.first_ttl,
        last_ttl=verdict.last_ttl,
        responders=tuple([(one, _known(one, namer)) for one in path.responders]),
    )


def _known(one: Responder, namer: Namer | None) -> AddressInfo:
    if namer is None or not is_worth_a_name(one.place, one.received):
        return _UNKNOWN
    return namer.look_up(one.address)
