"""The scenario language: a simulated network as a TOML file, read strictly into frozen structs.

``docs/scenarios.md`` explains every key. Hops are counted from 1, in the order of the list ``hops``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from hopscope.sim.name_tables import Dns, Origin
from hopscope.sim.values import (
    Address,
    Addresses,
    Answer,
    Duration,
    HashField,
    HexBytes,
    IcmpError,
    Loss,
    Table,
    read_value,
)
from hopscope.sim.weather_tables import Weather

Transport: TypeAlias = Literal["icmp", "udp", "tcp"]
Distribution: TypeAlias = Literal["uniform", "normal", "exponential", "pareto", "spikes"]
Port: TypeAlias = Annotated[int, Meta(ge=0, le=65_535)]
Byte: TypeAlias = Annotated[int, Meta(ge=0, le=255)]
Rate: TypeAlias = Annotated[float, Meta(gt=0, le=1e9)]
Weight: TypeAlias = Annotated[float, Meta(ge=0, le=1e6)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=40)]

MAX_HOPS = 255
_OF_A_LINK: Final = ("delay", "jitter", "distribution", "loss", "return_loss", "queue")
"""What the further mention of a router may say: its link is another one."""


class RateLimit(Table, frozen=True, kw_only=True):
    """A token bucket for the ICMP errors and replies that one router makes."""

    rate: Rate
    """Tokens a second."""
    burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    """How many tokens the bucket holds; it starts full."""


class Queue(Table, frozen=True, kw_only=True):
    """A queue in front of a link: the wait grows with the load, and what finds it full is dropped."""

    rate: Rate
    """Packets a second that the link carries."""
    load: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """Share of the link that other traffic takes."""
    limit: Duration = Duration(200_000_000)
    """The longest wait; a packet that would wait longer is dropped."""


class MplsEntry(Table, frozen=True, kw_only=True):
    """A label stack entry (RFC 4950), outermost first; the last of a stack gets the bottom bit."""

    label: Annotated[int, Meta(ge=0, le=0xFFFFF)]
    tc: Annotated[int, Meta(ge=0, le=7)] = 0
    ttl: Byte = 1


class Interface(Table, frozen=True, kw_only=True):
    """What an RFC 5837 object tells of an interface; only what is given is told."""

    role: Literal["incoming", "sub-ip", "outgoing", "next-hop"] = "incoming"
    index: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)] | None = None
    address: Address | None = None
    name: Annotated[str, Meta(max_length=63)] | None = None
    mtu: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)] | None = None


class Extension(Table, frozen=True, kw_only=True):
    """An ICMP extension object of any class (RFC 4884)."""

    number: Byte
    """Class-Num."""
    kind: Byte = 0
    """C-Type."""
    data: HexBytes = HexBytes()


class Nat(Table, frozen=True, kw_only=True):
    """What a translator rewrites in packets that leave it, and what it puts back into quotes on the way home."""

    source: Addresses = Addresses()
    """New source addresses, at most one a family."""
    source_port: Port | None = None
    """New source port; for ICMP the new identifier."""
    identification: Port | None = None
    """New identification field (IPv4)."""
    checksum: Literal["fix", "keep", "zero"] = "fix"
    """The transport checksum in the packets that leave: made right, left as it was, or zero."""
    restore: tuple[Literal["address", "port", "checksum"], ...] = ("address", "port", "checksum")
    """What the quotes of ICMP errors get back before the sender sees them."""


class Node(Table, frozen=True, kw_only=True):
    """What routers and targets share. The link meant by `delay`, `jitter`, `loss` and `queue` is the one before the
    node, as a probe comes."""

    at: Addresses = Addresses()
    delay: Duration = Duration(1_000_000)
    jitter: Duration = Duration(0)
    distribution: Distribution = "uniform"
    loss: Loss | None = None
    return_loss: Loss | None = None
    reply_loss: Loss | None = None
    reply_delay: Duration = Duration(0)
    reply_jitter: Duration = Duration(0)
    rate_limit: RateLimit | None = None
    queue: Queue | None = None
    silent: bool | tuple[Transport, ...] = False
    quote: Annotated[int, Meta(ge=0, le=65_535)] | Literal["all"] = "all"
    mpls: Annotated[tuple[MplsEntry, ...], Meta(max_length=16)] = ()
    interface: Interface | None = None
    extensions: Annotated[tuple[Extension, ...], Meta(max_length=8)] = ()
    extension_flaw: Literal["none", "checksum", "version", "no-length", "truncated"] = "none"
    reply_ttl: Annotated[int, Meta(ge=1, le=255)] | None = None
    return_hops: Annotated[int, Meta(ge=0, le=254)] | None = None


class Hop(Node, frozen=True, kw_only=True):
    """A router, or with `branches` a fork."""

    id: Name | None = None
    """What `same_as` of other hops calls this router."""
    same_as: Name | None = None
    """This hop is that router once more, over a link of its own: meshed links."""
    balance: Literal["flow", "packet"] = "flow"
    hash: tuple[HashField, ...] | None = None
    """What of a packet its choice depends on; where it is not given, see `balancing.Fields.flow`."""
    hash_seed: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)] | None = None
    """Hops with the same one choose alike; others choose independently of each other."""
    resilient: bool = False
    """Where a weight changes, only those flows move that have to."""
    return_balance: Literal["same", "flow"] = "same"
    """Of a fork, what way answers from behind it take home: that of the probe, or one by their own hash."""
    weights: Annotated[tuple[Weight, ...], Meta(max_length=64)] = ()
    branches: Annotated[tuple[Branch, ...], Meta(max_length=64)] = ()
    error: IcmpError | None = None
    mtu: Annotated[int, Meta(ge=28, le=65_535)] | None = None
    mtu_silent: bool = False
    nat: Nat | None = None
    dscp: Annotated[int, Meta(ge=0, le=63)] | None = None
    ecn: Annotated[int, Meta(ge=0, le=3)] | None = None
    decrement: bool = True
    zero_ttl_forwarding: bool = False

    def __post_init__(self) -> None:
        if self.branches and self.at:
            raise ValueError("a hop has either `at` or `branches`")
        if self.branches and not any(branch.weight for branch in self.branches):
            raise ValueError("one of the branches has a `weight` above 0")
        if self.weights and not any(self.weights):
            raise ValueError("one of the `weights` is above 0")
        if self.return_balance != "same" and not self.branches:
            raise ValueError("`return_balance` needs `branches`")
        if self.same_as is not None:
            _check_mention(self)
        for family in (4, 6):
            if self.weights and len(self.at.family(family)) not in (0, len(self.weights)):
                raise ValueError("as many `weights` as the hop has addresses of each family")


def _check_mention(hop: Hop) -> None:
    allowed = (*_OF_A_LINK, "same_as")
    for key, default in zip(Hop.__struct_fields__, Hop.__struct_defaults__, strict=True):
        if key not in allowed and getattr(hop, key) != default:
            raise ValueError(f"beside `same_as` a hop has only {', '.join(_OF_A_LINK)}; not `{key}`")


def mention(hop: Hop, router: Hop) -> Hop:
    """`router` over the link of `hop`, which is its further mention."""
    return msgspec.structs.replace(router, **{key: getattr(hop, key) for key in _OF_A_LINK})


class Branch(Table, frozen=True, kw_only=True):
    """One of the ways that a fork offers; it may be empty."""

    hops: Annotated[tuple[Hop, ...], Meta(max_length=64)] = ()
    weight: Weight = 1.0


class Target(Node, frozen=True, kw_only=True):
    """An end of the path."""

    name: Annotated[str, Meta(min_length=1, max_length=253)]
    hops: Annotated[tuple[Hop, ...], Meta(max_length=MAX_HOPS)] = ()
    """Routers of its own, behind the shared ones."""
    shared: Annotated[int, Meta(ge=0, le=MAX_HOPS)] | None = None
    """How many of the shared hops lead to it; all of them where it is not given."""
    icmp: Answer = Answer("reply")
    udp: Answer = Answer("port-unreachable")
    open: tuple[Port, ...] = ()
    closed: Answer = Answer("reset")


class Loop(Table, frozen=True, kw_only=True):
    """Packets that reach hop `at` go back to hop `back_to`, for ever."""

    at: Annotated[int, Meta(ge=1, le=MAX_HOPS)]
    back_to: Annotated[int, Meta(ge=1, le=MAX_HOPS)]


class Change(Table, frozen=True, kw_only=True):
    """Something that is different from `at` on, until `until`, every `every`."""

    at: Duration
    until: Duration | None = None
    every: Duration | None = None
    """Repeats: `at` and `until` then lie within a period of this length."""
    from_hop: Annotated[int, Meta(ge=1, le=MAX_HOPS)] | None = None
    """The shared hop where `remove` and `insert` work."""
    remove: Annotated[int, Meta(ge=0, le=MAX_HOPS)] = 0
    insert: Annotated[tuple[Hop, ...], Meta(max_length=MAX_HOPS)] = ()
    hop: Annotated[int, Meta(ge=1, le=MAX_HOPS)] | None = None
    """The shared hop whose keys `set` replaces."""
    inside: Annotated[tuple[Annotated[int, Meta(ge=1, le=MAX_HOPS)], ...], Meta(max_length=8)] = ()
    """What of that hop, a fork: its branch of this number, or that branch's hop of the second number, and so on."""
    target: str | None = None
    """The target whose keys `set` replaces."""
    set: dict[str, Any] = msgspec.field(default_factory=dict)
    loop: Loop | None = None
    outage: Annotated[int, Meta(ge=1, le=MAX_HOPS + 1)] | None = None
    """Nothing gets over the link before this hop; one more than there are hops is the target's own link."""

    def __post_init__(self) -> None:
        if self.until is not None and self.until <= self.at:
            raise ValueError("`until` is later than `at`")
        if self.every is not None and (self.until is None or self.until > self.every):
            raise ValueError("`every` needs an `until` that is not beyond the period")
        ways = [self.from_hop is not None, bool(self.set), self.loop is not None, self.outage is not None]
        if sum(ways) != 1:
            raise ValueError("a change has exactly one of `from_hop`, `set`, `loop` and `outage`")
        if self.set and (self.hop is None) == (self.target is None):
            raise ValueError("`set` needs either a `hop` or a `target`")
        if self.inside and self.hop is None:
            raise ValueError("`inside` needs the `hop` that is the fork")
        if (self.remove or self.insert) and self.from_hop is None:
            raise ValueError("`remove` and `insert` need `from_hop`")


N = TypeVar("N", Hop, Branch, Target)


def with_keys(node: N, change: Change) -> N:
    """`node` with the keys that `change` sets. Raises `msgspec.ValidationError` or `ValueError`."""
    table = dict(change.set)
    if isinstance(node, Target):
        table.setdefault("name", node.name)
    fresh = msgspec.convert(table, type(node), dec_hook=read_value)
    return msgspec.structs.replace(node, **{key: getattr(fresh, key) for key in change.set})


def edited(hop: Hop, change: Change) -> Hop:
    """`hop` with the keys that `change` sets in it, or inside of it. Raises as `with_keys`, or where there is no such
    branch or hop."""
    return _edited(hop, change.inside, change)


def _edited(hop: Hop, inside: tuple[int, ...], change: Change) -> Hop:
    if not inside:
        return with_keys(hop, change)
    number, *further = inside
    if number > len(hop.branches):
        raise ValueError(f"`inside`: branch {number}, but there are {len(hop.branches)}")
    branch = hop.branches[number - 1]
    if not further:
        branch = with_keys(branch, change)
    else:
        place, *rest = further
        if place > len(branch.hops):
            raise ValueError(f"`inside`: hop {place} of a branch, but there are {len(branch.hops)}")
        hops = list(branch.hops)
        hops[place - 1] = _edited(hops[place - 1], tuple(rest), change)
        branch = msgspec.structs.replace(branch, hops=tuple(hops))
    branches = list(hop.branches)
    branches[number - 1] = branch
    return msgspec.structs.replace(hop, branches=tuple(branches))


class Scenario(Table, frozen=True, kw_only=True):
    """A whole network."""

    title: Annotated[str, Meta(max_length=80)] = ""
    story: Annotated[str, Meta(max_length=400)] = ""
    seed: Annotated[int, Meta(ge=0, le=0x7FFFFFFFFFFFFFFF)] = 0
    source: Addresses = Addresses((Address("198.18.0.2"), Address("2001:db8:ffff::2")))
    hops: Annotated[tuple[Hop, ...], Meta(max_length=MAX_HOPS)] = ()
    targets: Annotated[tuple[Target, ...], Meta(min_length=1, max_length=256)]
    elsewhere: Answer = Answer("net-unreachable")
    changes: Annotated[tuple[Change, ...], Meta(max_length=64)] = ()
    weather: Weather = Weather()
    dns: Dns | None = None
    names: dict[str, str] = msgspec.field(default_factory=dict)
    origins: Annotated[tuple[Origin, ...], Meta(max_length=1_000)] = ()

    def __post_init__(self) -> None:
        for place in self.names:
            try:
                Address.of(place)
            except ValueError:
                raise ValueError(f"`names`: {place!r} is no IP address") from None
        names = [target.name for target in self.targets]
        if len(set(names)) != len(names):
            raise ValueError("each target has a `name` of its own")
        for number, change in enumerate(self.changes):
            _check_change(number, change, self)
        ids = [hop.id for hop in every_hop(self) if hop.id is not None]
        if len(set(ids)) != len(ids):
            raise ValueError("each `id` is one router's")
        for hop in every_hop(self):
            if hop.same_as is not None and hop.same_as not in ids:
                raise ValueError(f"`same_as`: there is no hop with the `id` {hop.same_as!r}")


def _check_change(number: int, change: Change, scenario: Scenario) -> None:
    count = len(scenario.hops)
    limits = [
        ("hop", change.hop, count),
        ("from_hop", change.from_hop, count + 1),
        ("outage", change.outage, count + 1),
    ]
    if change.loop is not None:
        limits += [("loop.at", change.loop.at, count), ("loop.back_to", change.loop.back_to, change.loop.at)]
    where = f"`changes[{number}]`"
    for key, hop, limit in limits:
        if hop is not None and hop > limit:
            raise ValueError(f"{where}: {key} = {hop}, but it is at most {limit} here")
    if change.target is not None and change.target not in {target.name for target in scenario.targets}:
        raise ValueError(f"{where}: there is no target {change.target!r}")
    try:
        for target in scenario.targets:
            if change.set and target.name == change.target:
                with_keys(target, change)
        if change.set and change.hop is not None:
            edited(scenario.hops[change.hop - 1], change)
    except (msgspec.ValidationError, ValueError) as error:
        raise ValueError(f"{error} - at `$.changes[{number}].set`") from None


def inner_hops(hops: Sequence[Hop]) -> Iterator[Hop]:
    """Hops and forks, and those in the forks' branches."""
    for hop in hops:
        yield hop
        for branch in hop.branches:
            yield from inner_hops(branch.hops)


def every_hop(scenario: Scenario) -> Iterator[Hop]:
    """Every hop that a scenario names: shared, of a target, or put in by a change."""
    yield from inner_hops(scenario.hops)
    for target in scenario.targets:
        yield from inner_hops(target.hops)
    for change in scenario.changes:
        yield from inner_hops(change.insert)


def every_node(scenario: Scenario) -> Iterator[Node]:
    """Every hop and target, as the file says them and as its changes leave them."""
    yield from every_hop(scenario)
    yield from scenario.targets
    for change in scenario.changes:
        if change.set and change.hop is not None:
            yield from inner_hops((edited(scenario.hops[change.hop - 1], change),))
        for target in scenario.targets:
            if change.set and target.name == change.target:
                yield with_keys(target, change)
