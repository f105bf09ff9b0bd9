"""What the engine sees of a way to probe: a `Channel` opens a `Flow` for each target; a flow sends probes; answers
come back through `Deliver`.

The rules that every channel keeps:

- A probe is written down (`Probe`, in the flow's own lookup) before it is sent: an answer can be faster than the
  return from the system call.
- An answer is matched to a probe of ours before anything else of it is parsed. What matches nothing is counted
  (`Tally.foreign`), what cannot be parsed is counted (`Tally.malformed`), and neither ever raises.
- Time comes from the kernel's stamps where the socket gives them. `clocks.rtt` decides which clock an answer's RTT has.
- Source, ports and checksum stay the same over TTLs and rounds (one flow), unless `FlowInfo.flow` says otherwise.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from hopscope.wire.messages import Clock, FlowKind, Kind, Label, Method, Plan

SEQUENCES: Final = 1 << 16

Fate: TypeAlias = Literal["answered", "lost", "late"]
"""What the engine remembers of a probe for the next answer to it."""


class Probe(msgspec.Struct, eq=False, gc=False):
    """One probe, from before it is sent until nobody remembers it. The channel fills in the times of its sending."""

    target: int
    """The engine's number for the flow of a target that it belongs to; with round and TTL its identity."""
    round: int
    ttl: int
    seq: int
    """0 to 65535, not reused within a target while an answer to it can still arrive."""
    sent_mono: int = 0
    """Monotonic ns, read just before the system call."""
    sent_wall: int = 0
    """Wall clock ns, read just before the system call: what a kernel stamp is checked against."""
    sent_stamp: int = 0
    """The kernel's own stamp of the sending (wall clock ns), 0 while there is none."""
    fate: Fate | None = None
    """The engine's: None while pending."""
    duplicates: int = 0
    """Answers beyond the first."""


class Match(msgspec.Struct, frozen=True, gc=False):
    """The probe that an answer names, and how well: see `Reply.vouched`."""

    probe: Probe
    vouched: bool
    tos: int = 0
    """The type of service it was sent with, where the method can compare it with what is quoted."""
    ident: int = -1
    """The same of its source port."""


class Reply(msgspec.Struct, frozen=True, gc=False):
    """An answer, parsed. Times as in `Probe`."""

    address: str
    """Who answered: numeric, with a zone where the address needs one."""
    kind: Kind
    icmp_type: int | None
    icmp_code: int | None
    reply_ttl: int | None
    """TTL of the answer's own IP header on arrival, where the socket tells."""
    mpls: tuple[Label, ...]
    received_mono: int
    """Monotonic ns, read right after the system call."""
    received_stamp: int
    """The kernel's stamp of the arrival (wall clock ns), 0 where there is none."""
    vouched: bool = True
    """It shows something of the probe that nobody off the path could know; else only numbers that can be tried out."""
    quoted_dscp: int | None = None
    """The quoted packet's class of service (DSCP), where it is another than was sent."""
    mtu: int | None = None
    """``fragmentation-needed``: what the router says, bytes."""
    quoted_port: int | None = None
    """The quoted packet's source port, where it is another than it left by."""


@dataclass(slots=True)
class Tally:
    """What a channel heard and could not use, since its start."""

    malformed: int = 0
    foreign: int = 0
    overflow: int = 0


class ChannelRefused(Exception):
    """A target cannot be probed this way. `reason` is `wire.Refused.reason`."""

    def __init__(self, reason: str, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.remedy = remedy


@dataclass(slots=True)
class FlowInfo:
    """What `wire.Started` tells of a flow."""

    source: str | None
    source_port: int | None
    port: int | None
    packet_size: int
    flow: FlowKind = "one"
    clock: Clock = "kernel"
    note: str | None = None
    answered_by: str | None = None
    label: int | None = None


class Flow(ABC):
    """One target on one channel."""

    info: FlowInfo
    one_at_a_time: bool = False
    """A probe can leave only when the one before has its answer, or is heard no more (`probe.one_at_a_time`)."""
    receive_overflow_at: int = 0
    """Monotonic ns of the last moment at which this machine's own buffers are known to have dropped answers of this
    flow, perhaps: whatever was in flight then cannot be called lost by the network."""

    def first_sequence(self) -> int:
        """Where the sequence numbers of this flow's probes begin: nobody off the path can guess it, since a short quote
        shows nothing else."""
        return int.from_bytes(os.urandom(2), "big") % SEQUENCES

    @abstractmethod
    def send(self, probe: Probe) -> None:
        """Send `probe`, and fill in its times. `OSError`: this machine could not (never the network's fault)."""

    def follow(self) -> bool:
        """See where probes leave this machine now, and go on from there: the route may have moved to another source
        address, an interface may have been made anew. Whether it was another place; then `info` was told by
        `ChannelContext.changed`, and what was in flight may not be heard any more. Nothing changes while there is no
        way at all: sending says why. The engine calls this before it sends, at most each second or after a send that
        failed."""
        return False

    def own_fault(self) -> tuple[str, str] | None:
        """Why probes do not leave this machine now, although it takes them, or cannot be answered: its next hop does
        not answer, or the source address that was asked for is gone (`wire.Failed.error` and its words). The engine
        asks before it calls a probe lost since whose sending nothing was heard at all, and where a probe with such a
        source could not be sent."""
        return None

    def last_word(self, probe: Probe) -> Reply | None:
        """An answer to `probe` that was held back, since a better one could come. The engine asks when the probe's
        timeout is over."""
        return None

    @abstractmethod
    def forget(self, probe: Probe) -> None:
        """No answer to `probe` is expected any more: drop what the channel keeps of it."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is this flow's alone. Idempotent."""


class Watch(Protocol):
    """Where a channel says which file descriptors to wait for. `ready` is called when `fd` is readable or has an
    error queued; it drains what is there. `timestamped`: what arrives there has the kernel's stamp, so that it may lie
    for a while and still tell when it came."""

    def add(self, fd: int, ready: Callable[[], None], *, timestamped: bool = False) -> None: ...

    def remove(self, fd: int) -> None: ...


Deliver = Callable[[Probe, Reply], None]
"""An answer to a probe of ours, given to the engine."""

FailedHere = Callable[[Probe, str, str], None]
"""A probe of ours that left, as far as the channel could see, was refused by this machine itself: `wire.Failed.error`
and its words."""

Changed = Callable[[Flow, int], None]
"""A flow's info changed (it fell back, its source moved); the second is the target."""


@dataclass(slots=True)
class ChannelContext:
    """What a channel is given to work with."""

    watch: Watch
    deliver: Deliver
    changed: Changed
    monotonic: Callable[[], int]
    wall: Callable[[], int]
    failed_here: FailedHere = lambda probe, error, message: None
    tally: Tally = field(default_factory=Tally)


class Channel(ABC):
    """One way to probe, for any number of targets."""

    method: Method
    timestamped: bool = False
    """Each answer says itself when it arrived (see `Watch`): it need not be fetched at once, nor `work` be called at
    once."""

    @property
    def has_backlog(self) -> bool:
        """Whether more lies in the sockets than was read in the last turn: then even what is stamped must be fetched
        at once, or the buffers overflow."""
        return False

    @abstractmethod
    def open(self, target: int, plan: Plan) -> Flow:
        """A flow for this target. Raises `ChannelRefused`."""

    def deadline(self) -> int | None:
        """Monotonic ns of the next moment at which `work` has something to do; None: none."""
        return None

    def work(self, now: int) -> None:  # noqa: B027 - most channels have no deadlines
        """Do what is due, if anything is: handle what was read, let attempts end."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything. Idempotent."""
