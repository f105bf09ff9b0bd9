"""`--privacy N`: the first N hops' addresses and names, and this machine's own, are taken out of a snapshot before
any view sees it. So what is not there cannot be shown, printed, exported or copied by mistake."""

from __future__ import annotations

from typing import Final

import msgspec

from hopscope.judge.verdict import Judged
from hopscope.path.snapshot import Hop, Path
from hopscope.session.model import Snapshot, Target
from hopscope.wire.discovered import with_routers

HIDDEN: Final = "hidden"
"""What stands in the place of an address."""


def hidden_addresses(path: Path, hops: int) -> frozenset[str]:
    """The addresses that answered at the first `hops` TTLs; they are hidden wherever else they answer, too."""
    return frozenset(node.address for hop in path.hops if hop.ttl <= hops for node in hop.nodes)


def former_addresses(judged: Judged, hops: int) -> frozenset[str]:
    """Those that answered there on a path that is no more."""
    return frozenset(
        address
        for epoch in judged.epochs
        for ttl, addresses in enumerate(epoch.addresses, epoch.first_ttl)
        if ttl <= hops
        for address in addresses
    )


def masked(target: Target, hops: int) -> Target:
    """`target` without the addresses and names of its first `hops` hops (0: as it is) and without the source's.

    The target's own query and address stay: they are what the user asked about.
    """
    if hops <= 0:
        return target
    paths = [target.path, *(flow.path for flow in target.flows)]
    hidden = former_addresses(target.judged, hops).union(*(hidden_addresses(path, hops) for path in paths))
    return msgspec.structs.replace(
        target,
        path=_mask_path(target.path, hidden),
        flows=tuple(msgspec.structs.replace(flow, path=_mask_path(flow.path, hidden)) for flow in target.flows),
        discovered=target.discovered
        and with_routers(target.discovered, lambda ttl, one: HIDDEN if ttl <= hops or one in hidden else one),
        names={address: facts for address, facts in target.names.items() if address not in hidden},
        judged=_mask_judged(target.judged, hidden),
        started=msgspec.structs.replace(target.started, source=HIDDEN if target.started.source else None)
        if target.started
        else None,
        source_change=msgspec.structs.replace(target.source_change, before=HIDDEN, after=HIDDEN)
        if target.source_change
        else None,
        plan=msgspec.structs.replace(target.plan, source=HIDDEN if target.plan.source else None)
        if target.plan
        else None,
    )


def masked_snapshot(snapshot: Snapshot, hops: int) -> Snapshot:
    """`snapshot` with every target `masked`."""
    if hops <= 0:
        return snapshot
    return msgspec.structs.replace(snapshot, targets=tuple(masked(target, hops) for target in snapshot.targets))


def _mask_path(path: Path, hidden: frozenset[str]) -> Path:
    return msgspec.structs.replace(
        path,
        hops=tuple(_mask(hop, hidden) for hop in path.hops),
        target=path.target and _mask(path.target, hidden),
    )


def _mask(hop: Hop, hidden: frozenset[str]) -> Hop:
    if not any(node.address in hidden for node in hop.nodes):
        return hop
    return msgspec.structs.replace(
        hop,
        nodes=tuple(
            msgspec.structs.replace(node, address=HIDDEN) if node.address in hidden else node for node in hop.nodes
        ),
    )


def _mask_judged(judged: Judged, hidden: frozenset[str]) -> Judged:
    """What was found, without hidden addresses, also those of a path that is no more."""

    def veil(address: str | None) -> str | None:
        return HIDDEN if address in hidden else address

    def veiled(addresses: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(HIDDEN if address in hidden else address for address in addresses)

    numbers = judged.verdict.numbers
    numbers = msgspec.structs.replace(numbers, address=veil(numbers.address), addresses=veiled(numbers.addresses))
    return msgspec.structs.replace(
        judged,
        verdict=msgspec.structs.replace(judged.verdict, numbers=numbers),
        incidents=tuple(
            msgspec.structs.replace(one, addresses=(veil(one.addresses[0]), veil(one.addresses[1])))
            for one in judged.incidents
        ),
        marks=tuple(
            msgspec.structs.replace(mark, before=HIDDEN, after=HIDDEN)
            if mark.kind == "source-change"
            else msgspec.structs.replace(mark, before=veil(mark.before), after=veil(mark.after))
            for mark in judged.marks
        ),
        epochs=tuple(
            msgspec.structs.replace(epoch, addresses=tuple(veiled(at) for at in epoch.addresses))
            for epoch in judged.epochs
        ),
    )


class PrivacyFilter:
    """Snapshots in front of which the first hops are hidden; how many can be changed while they are looked at.

    A target that did not change is masked once, so that whoever keeps what it drew by a target's identity still can.
    """

    def __init__(self, hops: int = 0) -> None:
        """`hops`: how many are hidden at first."""
        self._hops = hops
        self.turns = 0
        """Grows with every change: part of a version."""
        self._masked: dict[int, tuple[Target, Target]] = {}

    @property
    def hops(self) -> int:
        """How many hops are hidden now."""
        return self._hops

    @hops.setter
    def hops(self, hops: int) -> None:
        if hops != self._hops:
            self._hops = hops
            self.turns += 1
            self._masked.clear()

    def over(self, snapshot: Snapshot) -> Snapshot:
        """`snapshot` as it may be shown."""
        if not self._hops:
            return snapshot
        known = self._masked
        self._masked = {}
        for target in snapshot.targets:
            before = known.get(target.id)
            kept = before if before is not None and before[0] is target else (target, masked(target, self._hops))
            self._masked[target.id] = kept
        return msgspec.structs.replace(snapshot, targets=tuple(shown for _, shown in self._masked.values()))
