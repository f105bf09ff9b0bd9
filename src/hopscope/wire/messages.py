"""The messages of the worker protocol, version 2, as typed structs.

Commands go to the worker, events come from it; each travels as one JSON object on one line with its name under
``"type"``. Times are nanoseconds. ``*_at`` are points on the worker's time line: nanoseconds since the Unix epoch,
steady (the monotonic clock plus an anchor; see `Hello.anchor_ns`): a wall clock that is set in mid-trace moves nothing,
and a machine that slept wakes at the new time (`hopscope.wire.times`).

A probe has six fates: answered, lost, late, duplicate (an answer beyond the first; the probe keeps its own fate),
failed (this machine could not send it) and, until one of those is known, pending.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, Union

import msgspec

from hopscope.wire.discovered import Discovered
from hopscope.wire.numbers import Int as Int

VERSION = 2
"""The protocol's version. A worker that is greeted with another one refuses with `Problem` and ends."""


Family: TypeAlias = Literal[4, 6]
Protocol: TypeAlias = Literal["icmp", "udp", "tcp"]
Method: TypeAlias = Literal["ping-socket", "udp-socket", "tcp-socket", "raw", "scapy", "simulated"]
MethodChoice: TypeAlias = Literal["auto", Method]
Kind: TypeAlias = Literal[
    "time-exceeded",
    "echo-reply",
    "port-unreachable",
    "host-unreachable",
    "net-unreachable",
    "prohibited",
    "fragmentation-needed",
    "tcp-reset",
    "tcp-open",
    "other",
]
Clock: TypeAlias = Literal["kernel", "program"]
FlowKind: TypeAlias = Literal["one", "per-ttl", "per-probe"]
"""How many transport flows a target's probes make: one for all, one for each TTL, or a new one for each probe."""
Opening: TypeAlias = Literal["window", "stepwise"]
"""How the first round finds the path's end: several TTLs in flight at once, or one after the other, as mtr does."""


DEFAULT_PORT: dict[Protocol, int | None] = {"icmp": None, "udp": 33434, "tcp": 80}


class Label(msgspec.Struct, frozen=True):
    """One MPLS label stack entry of an ICMP extension (RFC 4950)."""

    label: Int
    tc: Int
    bottom: bool
    ttl: Int


class Plan(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How one target is probed. Checked where it enters (`hopscope.wire.check`); everything below trusts it."""

    address: str
    """The target's numeric address, with a zone (``fe80::1%eth0``) where it needs one."""
    family: Family
    protocol: Protocol = "icmp"
    method: MethodChoice = "auto"
    port: Int | None = None
    """Destination port; null for ICMP. UDP and TCP take `DEFAULT_PORT` where it is null."""
    interval_ns: Int = 1_000_000_000
    timeout_ns: Int = 3_000_000_000
    first_ttl: Int = 1
    max_ttl: Int = 30
    max_unknown: Int = 12
    packet_size: Int = 64
    """Bytes, IP header included; raised to the smallest packet that the method can send."""
    pattern: Int = 0
    """Payload byte, 0 to 255."""
    tos: Int = 0
    source: str | None = None
    interface: str | None = None
    rounds: Int | None = None
    """After so many rounds, counted from `first_round`, the target is `Finished`. Null: endless."""
    first_round: Int = 0
    """The number of the first round: what a restarted worker goes on from."""
    scenario: str | None = None
    """For the method ``simulated``: a built-in scenario's name, or a file's path."""
    seed: Int | None = None
    """For the method ``simulated``: overrides the scenario's seed."""
    opening: Opening = "window"
    local_port: Int | None = None
    """Source port of UDP probes; where another program has it, one of the kernel's choice."""
    grace_ns: Int | None = None
    """After the last probe of the last round, answers are waited for at most this long: mtr's grace time. Null: until
    each probe's own timeout."""
    flows: Int = 1
    """Parallel flows, told apart by their source ports: UDP and TCP. 0: as many as there are paths (`Discovered`)."""
    certainty_pct: float = 95.0
    """Discovery: how sure it is that no path was missed, if all are equally likely."""
    budget: float = 1.0
    """Error answers a second that one router is asked for by several targets together; 0: no bound."""


# --- commands, to the worker -----------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, tag="hello", omit_defaults=True):
    """The first command. `anchor_ns` is wall clock minus monotonic clock as the driver sees it on the same machine;
    null (another machine) lets the worker take its own."""

    version: Int
    anchor_ns: Int | None = None


class Start(msgspec.Struct, frozen=True, tag="start"):
    """Probe a target. `target` is the driver's number for it, used in every later message."""

    target: Int
    plan: Plan


class Adjust(msgspec.Struct, frozen=True, tag="adjust", omit_defaults=True):
    """Change what can change without a new flow; null leaves a value as it is."""

    target: Int
    interval_ns: Int | None = None
    timeout_ns: Int | None = None
    first_ttl: Int | None = None
    max_ttl: Int | None = None
    max_unknown: Int | None = None


class Pause(msgspec.Struct, frozen=True, tag="pause", omit_defaults=True):
    """Send no new probes to this target (null: to any). What is in flight still finds its fate."""

    target: Int | None = None


class Resume(msgspec.Struct, frozen=True, tag="resume", omit_defaults=True):
    """Probe again, with a new round at once."""

    target: Int | None = None


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Forget a target. Its probes in flight stay pending for ever; `Stopped` is the last event that names it."""

    target: Int


class Batching(msgspec.Struct, frozen=True, tag="batching"):
    """Lets the worker delay probe events by up to `max_delay_ns` (0 to 1 s; 0, the default: off) and leave replies that
    carry the kernel's time in the socket: a wake-up costs more than all else that is done for a probe. Never delayed:
    events that are no probe's, a target's first round, and everything after its last probe."""

    max_delay_ns: Int


class Capabilities(msgspec.Struct, frozen=True, tag="capabilities"):
    """Ask which methods this machine allows this user; answered by `CapabilitiesReport`."""


Command: TypeAlias = Union[Hello, Start, Adjust, Pause, Resume, Stop, Batching, Capabilities]  # noqa: UP007 - msgspec wants a runtime Union


# --- events, from the worker -----------------------------------------------------------------------------------


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """Answers `Hello`."""

    version: Int
    hopscope: str
    pid: Int
    user: str
    """Who the worker runs as after it gave its privileges up, in words."""
    anchor_ns: Int
    now_at: Int
    """What time it is on the worker's time line: a driver that has another clock learns by how much it differs."""


class Started(msgspec.Struct, frozen=True, tag="started", omit_defaults=True):
    """A target's socket stands; also sent again when something of it changed (a fallback of the flow)."""

    target: Int
    method: Method
    source: str | None
    source_port: Int | None
    port: Int | None
    packet_size: Int
    flow: FlowKind
    clock: Clock
    """Where RTTs come from as a rule; each answer says its own."""
    note: str | None = None
    """In words, what a user should know: why this method, why not one flow."""
    answered_by: str | None = None
    """From which other address the target's answers come, where it is silent itself (anycast)."""
    number: Int = 0
    """Of several parallel flows, the one that it is about: what `Sent.flow` says."""
    label: Int | None = None
    """The IPv6 flow label of its probes, where it follows from the port (TCP sockets)."""


class SourceChanged(msgspec.Struct, frozen=True, tag="source-changed"):
    """Probes of a target leave from another address of this machine from now on (it roamed, a VPN came or went). A
    `Started` with the whole of it follows."""

    target: Int
    at: Int
    before: str | None
    after: str | None


class Refused(msgspec.Struct, frozen=True, tag="refused", omit_defaults=True):
    """A target could not be started at all. It is forgotten."""

    target: Int
    reason: Literal["permission", "no-route", "address", "unsupported", "scenario", "limit"]
    message: str
    remedy: str | None = None
    """The command that would allow it, or what to try instead."""


class Sent(msgspec.Struct, frozen=True, tag="sent", omit_defaults=True):
    """A probe left: from here until its fate it is pending. A probe is (target, flow, round, ttl)."""

    target: Int
    round: Int
    ttl: Int
    sent_at: Int
    flow: Int = 0


class Answered(msgspec.Struct, frozen=True, tag="answered", omit_defaults=True):
    """The first answer to a probe, in time."""

    target: Int
    round: Int
    ttl: Int
    sent_at: Int
    rtt_ns: Int
    address: str
    kind: Kind
    icmp_type: Int | None = None
    icmp_code: Int | None = None
    reply_ttl: Int | None = None
    clock: Clock = "kernel"
    mpls: tuple[Label, ...] = ()
    vouched: bool = True
    """False: what it quotes of the probe is so short that only numbers are in it, which a stranger can try out."""
    quoted_dscp: Int | None = None
    """The class of service (DSCP, RFC 2474) with which the probe came to where the error was made: where that is
    another than was sent, and the method sees it."""
    mtu: Int | None = None
    """``fragmentation-needed``: the largest packet (bytes) that gets through, as the router says; 0 where it says
    none."""
    flow: Int = 0


class Late(Answered, frozen=True, tag="late", omit_defaults=True):
    """The first answer to a probe that was already `Lost`: it is late now, and no longer lost."""


class Duplicate(Answered, frozen=True, tag="duplicate", omit_defaults=True):
    """A further answer to a probe. It changes no count but its own."""

    count: Int = 1
    """How many further answers it stands for: the first few are told one by one, the rest are counted."""


class Lost(msgspec.Struct, frozen=True, tag="lost", omit_defaults=True):
    """The probe's timeout passed without an answer."""

    target: Int
    round: Int
    ttl: Int
    sent_at: Int
    flow: Int = 0


class Failed(msgspec.Struct, frozen=True, tag="failed", omit_defaults=True):
    """This machine could not send the probe (then no `Sent` precedes it), or could not hear while it was in flight:
    never the network's loss."""

    target: Int
    round: Int
    ttl: Int
    sent_at: Int
    error: str
    """The errno's name, e.g. ``ENETUNREACH``; where it could not hear ``OVERFLOW`` (a receive buffer), ``ASLEEP``, or
    ``MOVED`` (probes leave from another address or interface)."""
    message: str
    """In words."""
    flow: Int = 0


class RoundStarted(msgspec.Struct, frozen=True, tag="round"):
    """A round begins."""

    target: Int
    round: Int
    at: Int


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """All rounds of the plan were sent and each probe's fate is known. The target is kept until `Stop`."""

    target: Int
    rounds: Int


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """Answers `Stop`."""

    target: Int


class Counters(msgspec.Struct, frozen=True, tag="counters", omit_defaults=True):
    """Totals since the worker's start, sent when one of them changed, at most once a second."""

    malformed: Int = 0
    """Packets that could not be parsed."""
    foreign: Int = 0
    """Well-formed answers to no probe of ours."""
    overflow: Int = 0
    """Packets that this machine's receive buffer dropped: this machine's fault, never loss."""
    flooded: Int = 0
    """The most of all these in one second, where that was a flood (10,000 or more); else 0."""


class MethodState(msgspec.Struct, frozen=True, omit_defaults=True):
    """One cell of the doctor's table."""

    method: Method
    protocol: Protocol
    family: Family
    works: bool
    reason: str
    """Why, in words."""
    remedy: str | None = None
    """The exact command that changes it."""


class Confinement(msgspec.Struct, frozen=True, omit_defaults=True):
    """What keeps a process that has no privilege from the rest of what its user may do."""

    landlock: Literal["none", "no-writing", "named-files"] = "none"
    """``no-writing``: no file is written or executed. ``named-files``: nor is any read but what was named when it was
    started; that is so where the process had to stay uid 0. ``none``: this kernel has no Landlock."""
    seccomp: bool = False
    """Only the system calls that probing takes are possible."""


class CapabilitiesReport(msgspec.Struct, frozen=True, tag="capabilities-report", omit_defaults=True):
    """Answers `Capabilities`."""

    user: str
    states: tuple[MethodState, ...]
    confinement: Confinement | None = None
    """The worker's own; null: it does not say."""


class Problem(msgspec.Struct, frozen=True, tag="problem"):
    """A command that was not understood or not possible. `fatal`: the worker ends after it."""

    message: str
    fatal: bool = False


Reply: TypeAlias = Union[Answered, Late, Duplicate]  # noqa: UP007
ProbeEvent: TypeAlias = Union[Sent, Answered, Lost, Late, Duplicate, Failed]  # noqa: UP007
Event: TypeAlias = Union[  # noqa: UP007
    Welcome,
    Started,
    SourceChanged,
    Refused,
    Sent,
    Answered,
    Late,
    Duplicate,
    Lost,
    Failed,
    RoundStarted,
    Finished,
    Stopped,
    Discovered,
    Counters,
    CapabilitiesReport,
    Problem,
]
