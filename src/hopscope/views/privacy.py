"""`--privacy N`: of the first N hops addresses, names and MPLS labels, and this machine's own addresses, are taken out
of a target before any view sees it. So what is not there cannot be shown, printed, exported or copied by mistake.

It does not depend on where in a target an address stands: each text of it is looked at, whatever field or sentence has
it, and of all addresses those alone are left that are known to stand behind the first N hops, and nowhere before
(`path.places`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from typing import Any, Final, TypeAlias, TypeVar, cast

import msgspec
from msgspec.structs import replace

from hopscope.judge.verdict import Epoch, Mark, Verdict
from hopscope.path.places import Answerer, Places, behind_of
from hopscope.path.snapshot import Hop, Path
from hopscope.session.events import ProbeEvent, StartEvent, StreamEvent
from hopscope.session.model import Snapshot, Target
from hopscope.session.told import Happening
from hopscope.views.behind import FlowAnswerers, known_behind

HIDDEN: Final = "hidden"
"""What stands in the place of an address."""
_MOST_HAPPENED: Final = 65_536
_MOST_NAMES: Final = 65_536
"""Hidden names that are remembered: strangers can make up one for each answer."""
_MOST_FLOWS: Final = 4096
"""Flows whose events are looked at. Of others nobody becomes known."""
_NO_TEXT: Final = frozenset((int, float, bool, type(None), memoryview))
_ADDRESS: Final = re.compile(
    r"(?<![\w.])(?:[0-9a-f]{0,4}:[0-9a-f:.]*(?:%[\w.-]+)?|[0-9]{1,3}(?:\.[0-9]{1,3}){3})", re.IGNORECASE
)
"""What may be an address in a sentence."""

T = TypeVar("T")
What: TypeAlias = Verdict | Mark | Epoch


def rewritten(thing: T, word: Callable[[str], str]) -> T:
    """`thing` with each of its texts as `word` has it; the same object where that changes nothing. `TypeError` of what
    might hold a text and is not known here."""
    return cast("T", _rewritten(thing, word))


def _rewritten(thing: Any, word: Callable[[str], str]) -> Any:
    kind = type(thing)
    if kind is str:
        return word(thing)
    if kind in _NO_TEXT:
        return thing
    if isinstance(thing, msgspec.Struct):
        changed = {}
        for field in thing.__struct_fields__:
            before = getattr(thing, field)
            if type(before) not in _NO_TEXT:
                after = _rewritten(before, word)
                if after is not before:
                    changed[field] = after
        return replace(thing, **changed) if changed else thing
    if isinstance(thing, dict):
        return {_rewritten(key, word): _rewritten(value, word) for key, value in thing.items()}
    if isinstance(thing, tuple | frozenset):
        parts = [_rewritten(part, word) for part in thing]
        if all(after is before for after, before in zip(parts, thing, strict=True)):
            return thing
        return thing._make(parts) if hasattr(thing, "_make") else kind(parts)
    raise TypeError(f"privacy does not know {kind.__name__}")


class Words:
    """Texts without any address but those that may be seen, and sentences without some names."""

    def __init__(
        self,
        visible: frozenset[str],
        names: frozenset[str] = frozenset(),
        called: Callable[[str], str] = lambda address: HIDDEN,
    ) -> None:
        """`called`: what stands in the place of an address."""
        self.visible = visible
        self._names = names
        self._called = called
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """The text as it may be seen."""
        said = self._known.get(text)
        if said is None:
            said = self._known[text] = self._said(text)
        return said

    def _said(self, text: str) -> str:
        if text in self.visible:
            return text
        said = _ADDRESS.sub(self._one, text)
        if " " in text:  # a sentence: what a kind or a state is called, a stranger may have called his router, too
            for name in self._names:
                if name in said:
                    said = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", HIDDEN, said)
        return said

    def _one(self, found: re.Match[str]) -> str:
        whole = found[0]
        for word in (whole, whole.rstrip(":.")):  # a sentence goes on behind it
            try:
                ip_address(word)
            except ValueError:
                continue
            return whole if word in self.visible else self._called(word) + whole[len(word) :]
        return whole


class Veil:
    """Targets and events without what is hidden. What stood at a first hop of any of them once is hidden in all of
    them from then on, wherever it answers."""

    def __init__(self, hops: int, first_ttl: int = 1) -> None:
        """`hops`: how many of the first are hidden; 0: nothing is, and all is handed on as it is. `first_ttl`: the
        first of which there are events."""
        self.hops = hops
        self._first_ttl = first_ttl
        self._places = Places()
        self._hearings: dict[tuple[str, int], FlowAnswerers] = {}
        """By target and flow."""
        self._names: set[str] = set()

    @property
    def version(self) -> int:
        """Grows with each change of what is known to be hidden, or to stand behind."""
        return self._places.version + len(self._names)

    def learn(self, target: Target) -> None:
        """What is to be hidden of it."""
        if self.hops:
            self._words(target)

    def know(self, heard: Sequence[Answerer]) -> None:
        """Who answered on a path whose events follow, where that is known beforehand."""
        for one in heard:
            if one.ttl <= self.hops:
                self._places.put_near(one.address)
        self._places.learn(behind_of(heard, self.hops))

    def target(self, target: Target) -> Target:
        """The target as it may be shown. Its own query and address stay: they are what the user asked about."""
        return self.and_words(target)[0] if self.hops else target

    def and_words(self, target: Target) -> tuple[Target, Words]:
        """The same, and what makes other things of this target fit to be shown."""
        words = self._words(target)
        bare = replace(
            target,
            query="",
            address=None,
            names={},
            path=self._unlabelled(target.path, words.visible),
            flows=tuple(replace(flow, path=self._unlabelled(flow.path, words.visible)) for flow in target.flows),
        )
        said, started, plan = rewritten(bare, words), target.started, target.plan
        names = {address: info for address, info in target.names.items() if address in words.visible}
        return replace(
            said,
            query=target.query,
            address=target.address,
            names={
                address: replace(info, hostname=None, verified=None) if info.hostname in self._names else info
                for address, info in names.items()
            },
            # Where a machine probes itself, its address is the target's.
            started=said.started and replace(said.started, source=HIDDEN if started and started.source else None),
            plan=said.plan
            and replace(said.plan, address=plan.address if plan else "", source=HIDDEN if said.plan.source else None),
        ), words

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """All targets so, and what else is said."""
        if not self.hops:
            return snapshot
        for target in snapshot.targets:
            self._words(target)
        return self.around(snapshot, tuple(self.target(target) for target in snapshot.targets))

    def around(self, snapshot: Snapshot, targets: tuple[Target, ...]) -> Snapshot:
        """The snapshot with these targets instead."""
        return replace(rewritten(replace(snapshot, targets=()), Words(frozenset())), targets=targets)

    def event(self, event: StreamEvent) -> StreamEvent:
        """A live event. What has sentences was made of a target that had been here."""
        if not self.hops:
            return event
        if isinstance(event, StartEvent):
            return replace(event, source=HIDDEN if event.source else None)
        if not isinstance(event, ProbeEvent):
            return event
        self._note(event)
        if event.error is not None:
            event = replace(event, error=Words(frozenset((event.target,)))(event.error))
        if event.address is None:
            return event
        if event.ttl <= self.hops:
            self._places.put_near(event.address)
        if event.ttl <= self.hops or not self._is_visible(event.address, event.target):
            return replace(event, address=HIDDEN, mpls=())
        return event

    def _note(self, event: ProbeEvent) -> None:
        key = event.target, event.flow
        hearing = self._hearings.get(key)
        if hearing is None:
            if len(self._hearings) >= _MOST_FLOWS:
                return
            hearing = self._hearings[key] = FlowAnswerers(self.hops, self._first_ttl)
        hearing.note(event)
        self._places.learn(hearing.said)

    def _is_visible(self, address: str, target: str) -> bool:
        return self._places.is_behind(address) or (address == target and address not in self._places.near)

    def _words(self, target: Target) -> Words:
        near, seen = set[str](), set[str]()
        for ttl, address in _routers(target):
            (near if ttl <= self.hops else seen).add(address)
        near.update(address for ttl, address in _said_of(target) if ttl <= self.hops)
        near.update(_sources(target) - {target.address})
        for address in near:
            self._places.put_near(address)
        said = known_behind(target, self.hops)
        self._places.learn(said)
        own = said.known | {target.address or ""}
        visible = (own - self._places.near | self._places.are_behind(seen)) - near
        for address, info in target.names.items():
            name = info.hostname
            if address not in visible and name and name != target.query and len(self._names) < _MOST_NAMES:
                self._names.add(name)
        return Words(frozenset(visible), frozenset(self._names))

    def _unlabelled(self, path: Path, visible: frozenset[str]) -> Path:
        """Whose labels they are is said by where they were seen."""

        def bare(hop: Hop) -> Hop:
            is_hidden = hop.ttl <= self.hops or any(node.address not in visible for node in hop.nodes)
            return replace(hop, mpls=()) if is_hidden and hop.mpls else hop

        hops, pooled = tuple(map(bare, path.hops)), tuple(map(bare, path.pooled))
        return replace(path, hops=hops, pooled=pooled, target=path.target and bare(path.target))


def _routers(target: Target) -> Iterator[tuple[int, str]]:
    """Who answered where, by TTL: now and on paths that are no more."""
    for path in (target.path, *(flow.path for flow in target.flows)):
        for hop in (*path.hops, *path.pooled):
            for node in hop.nodes:
                yield hop.ttl, node.address
    for epoch in target.judged.epochs:
        for ttl, addresses in enumerate(epoch.addresses, epoch.first_ttl):
            for address in addresses:
                yield ttl, address
    if target.discovered is not None:
        for found in target.discovered.hops:
            for router in found.routers:
                if router.address is not None:
                    yield found.ttl, router.address
        for way in target.discovered.paths:
            for ttl, member in way.members:
                if member is not None:
                    yield ttl, member


def _said_of(target: Target) -> Iterator[tuple[int, str]]:
    """What findings say of who stands where."""
    sides = target.judged.verdict.numbers.sides
    for mark in target.judged.marks:
        sides += tuple((mark.ttl, address) for address in (mark.before, mark.after) if mark.ttl is not None)
    for ttl, address in sides:
        if address is not None:
            yield ttl, address


def _sources(target: Target) -> set[str]:
    """This machine's addresses."""
    own = [target.started.source if target.started else None, target.plan.source if target.plan else None]
    if target.source_change is not None:
        own += [target.source_change.before, target.source_change.after]
    for mark in target.judged.marks:
        if mark.kind == "source-change":
            own += [mark.before, mark.after]
    return {address for address in own if address is not None}


def masked(target: Target, hops: int) -> Target:
    """`target` without what is hidden of its first `hops` hops (0: as it is)."""
    return Veil(hops).target(target)


class PrivacyFilter:
    """Snapshots in front of which the first hops are hidden; how many can be changed while they are looked at.

    A target that did not change is masked once, so that whoever keeps what it drew by a target's identity still can.
    """

    def __init__(self, hops: int = 0) -> None:
        """`hops`: how many are hidden at first."""
        self._veil = Veil(hops)
        self.turns = 0
        """Grows with every change: part of a version."""
        self._masked: tuple[dict[int, _Shown], dict[int, _Shown]] = {}, {}
        """By target, of the present and of an earlier moment."""
        self._happened: dict[int, tuple[frozenset[str], dict[int, tuple[What, What]]]] = {}
        """By target: which addresses may be seen, and by its `id` what happened, as it is and as it is shown."""

    @property
    def hops(self) -> int:
        """How many hops are hidden now."""
        return self._veil.hops

    @hops.setter
    def hops(self, hops: int) -> None:
        if hops != self.hops:
            self._veil = Veil(hops)
            self.turns += 1
            self._masked, self._happened = ({}, {}), {}

    def over(self, snapshot: Snapshot, *, is_past: bool = False) -> Snapshot:
        """`snapshot` as it may be shown."""
        veil = self._veil
        if not veil.hops:
            return snapshot
        known = self._masked[is_past]
        for target in snapshot.targets:
            if target.id not in known or known[target.id].target is not target:
                veil.learn(target)
        shown: dict[int, _Shown] = {}
        for target in snapshot.targets:
            before = known.get(target.id)
            if before is not None and before.target is target and before.version == veil.version:
                shown[target.id] = before
            else:
                shown[target.id] = _Shown(veil, target)
        known.clear()
        known.update(shown)
        return veil.around(snapshot, tuple(one.masked for one in shown.values()))

    def happenings(self, target: int, happened: Sequence[Happening]) -> Sequence[Happening]:
        """What happened to a target, as it may be shown."""
        if not self.hops:
            return happened
        shown = self._masked[0].get(target)
        words = shown.words if shown is not None else Words(frozenset())
        if target not in self._happened or self._happened[target][0] != words.visible:
            self._happened[target] = words.visible, {}
        known = self._happened[target][1]
        return [one._replace(what=self._what(one.what, known, words)) for one in happened]

    def _what(self, what: What, known: dict[int, tuple[What, What]], words: Words) -> What:
        """Each is made once: it is asked for with every look at the time axis."""
        if id(what) not in known:
            if len(known) > _MOST_HAPPENED:
                known.clear()
            known[id(what)] = what, rewritten(what, words)
        return known[id(what)][1]


class _Shown:
    """A target, what is shown of it, and the version of what was known by then."""

    def __init__(self, veil: Veil, target: Target) -> None:
        self.target = target
        self.masked, self.words = veil.and_words(target)
        self.version = veil.version
