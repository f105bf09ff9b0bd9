"""What a session is asked for and what it hands out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from hopscope.judge.verdict import Judged, Verdict
from hopscope.names.facts import AddressInfo
from hopscope.names.segments import End
from hopscope.path.flows import FlowPath
from hopscope.path.shared import SharedHop
from hopscope.path.snapshot import Path
from hopscope.wire.discovered import Discovered
from hopscope.wire.messages import (
    Counters,
    MethodChoice,
    Opening,
    Plan,
    Protocol,
    Refused,
    SourceChanged,
    Started,
)

if TYPE_CHECKING:
    from hopscope.judge.parallel import FlowFinding

ProtocolChoice: TypeAlias = Literal["auto", "icmp", "udp", "tcp"]


class Probing(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """How targets are probed: the command line's options, in its units, before a name is resolved."""

    family: Literal[4, 6] | None = None
    protocol: ProtocolChoice = "auto"
    """``auto``: ICMP, or UDP where this machine refuses ICMP to this user."""
    method: MethodChoice = "auto"
    port: int | None = None
    interval_s: float = 1.0
    timeout_s: float = 3.0
    first_ttl: int = 1
    max_ttl: int = 30
    max_unknown: int = 12
    packet_size: int = 64
    pattern: int = 0
    tos: int = 0
    source: str | None = None
    interface: str | None = None
    rounds: int | None = None
    scenario: str | None = None
    seed: int | None = None
    opening: Opening = "window"
    grace_s: float | None = None
    local_port: int | None = None
    flows: int = 1
    """Parallel flows, told apart by their source ports: UDP and TCP. 0: as many as discovery finds paths."""
    certainty_pct: float = 95.0
    """Discovery: how sure it is that no path was missed, if all are equally likely."""
    budget: float = 1.0
    """Error answers a second that one router is asked for by several targets together; 0: no bound."""

    @property
    def first_protocol(self) -> Protocol:
        """What is tried first."""
        return "icmp" if self.protocol == "auto" else self.protocol

    @property
    def family_of_names(self) -> Literal[4, 6] | None:
        """The family that a name's address must have: the one asked for, else that of the source address."""
        if self.family is None and self.source is not None:
            return 6 if ":" in self.source else 4
        return self.family


TargetState: TypeAlias = Literal["resolving", "unresolved", "starting", "running", "paused", "finished", "refused"]
WorkerState: TypeAlias = Literal["starting", "running", "restarting", "failed"]


class Target(msgspec.Struct, frozen=True):
    """One target at one moment."""

    id: int
    query: str
    """What the user asked for, cleaned."""
    state: TargetState
    address: str | None
    plan: Plan | None
    started: Started | None
    refusal: Refused | None
    error: str | None
    """Why it is unresolved."""
    path: Path
    names: dict[str, AddressInfo]
    """For the addresses of the path, as far as known. Not to be changed by its reader."""
    notes: tuple[str, ...] = ()
    """What is done otherwise than asked for, and why: a line each."""
    is_tried_again: bool = False
    """It could not be started, or its name not be resolved; after some seconds that is tried again by itself."""
    source_change: SourceChanged | None = None
    """When probes began to leave from another address of this machine, the last time."""
    judged: Judged = Judged(verdict=Verdict(kind="starting"))
    """What is wrong now, what was, and what else happened."""
    shared: dict[int, SharedHop] = {}
    """By TTL, the hops that several targets share and ask in turn. Not to be changed by its reader."""
    flows: tuple[FlowPath, ...] = ()
    """The parallel flows beside the one whose path is `path`."""
    findings: tuple[FlowFinding, ...] = ()
    """What each of several flows is like beside the others, the first one included."""
    discovered: Discovered | None = None
    """Which parallel paths there are, where that was asked for (`Plan.flows`) and found."""
    site: str | None = None
    """Where it is probed from, where that is elsewhere."""
    unheard_s: int | None = None
    """For so many seconds nothing was heard of whoever probes it; None: it is heard of."""
    is_brief: bool = False
    """None of its probes were read: it has what was said of it, and no path."""

    @property
    def _ends_at_target(self) -> bool:
        """The path's last hop is the target, and no router that sends errors in its place, or goes on in a circle."""
        if not self.path.reached:
            return False
        who = (self.address, self.started.answered_by if self.started else None)
        return any(node.address in who for node in self.path.hops[-1].nodes)

    @property
    def end(self) -> End:
        """What is known of the path's two ends beside its hops."""
        return End(
            self.query,
            self.address,
            self.names.get(self.address or "") or AddressInfo(),
            reached=self._ends_at_target,
            source=self.started.source if self.started else None,
        )


class Snapshot(msgspec.Struct, frozen=True):
    """The whole session at one moment."""

    targets: tuple[Target, ...]
    worker: WorkerState
    worker_note: str | None
    """In words, what became of the worker, where its state is not ``running``."""
    restarts: int
    counters: Counters
    user: str | None
    """Who the worker runs as, in words."""
    now: int
    """Epoch ns on the session's time line."""
    clock_offset_ns: int = 0
    """How much the worker's clock is ahead of this machine's, where it has one of its own; times are this machine's."""
    history_note: str | None = None
    """Why it is not recorded, or no history of it is kept right now, in a line; None: it is, or nobody wants that."""
    stale: str | None = None
    """Why nothing of it is news, in a line: whoever gathers it elsewhere is silent; None: all of it is."""
