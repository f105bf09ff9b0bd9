"""What happens to a target beside its worker's events: what its user or driver does, and what becomes of the worker.

Together with `hopscope.wire.messages` they are one stream: whatever is shown of a target is a fold over it
(`hopscope.session.target_fold`). `at` is a point on the driver's time line, ns since the Unix epoch. The target that a
fact is about stands beside it, under the driver's own number.
"""

from __future__ import annotations

from typing import TypeAlias, Union

import msgspec

from hopscope.wire.messages import Adjust, Answered, Failed, Int, Lost, Plan, Refused, Sent


class Unresolved(msgspec.Struct, frozen=True, tag="unresolved"):
    """Its name leads nowhere. `is_temporary`: that may well pass (no name server answers)."""

    at: Int
    why: str
    is_temporary: bool = False


class Found(msgspec.Struct, frozen=True, tag="found"):
    """It leads to this address, numeric."""

    at: Int
    address: str


class Begun(msgspec.Struct, frozen=True, tag="begun", omit_defaults=True):
    """A new flow: statistics anew. `instead_of`: what was wanted first and was refused, where this takes its place."""

    at: Int
    plan: Plan
    instead_of: Refused | None = None


class Continued(msgspec.Struct, frozen=True, tag="continued"):
    """A new flow that goes on with the same statistics: another worker, or one that was refused and is tried again."""

    at: Int
    plan: Plan


class Adjusted(msgspec.Struct, frozen=True, tag="adjusted"):
    """What can change without a new flow was changed."""

    at: Int
    change: Adjust


class Paused(msgspec.Struct, frozen=True, tag="paused"):
    """No new probes are sent."""

    at: Int


class Resumed(msgspec.Struct, frozen=True, tag="resumed"):
    """Probing goes on, with a new round."""

    at: Int


class Reset(msgspec.Struct, frozen=True, tag="reset"):
    """All statistics anew. Probes that were sent before `at` count no more, whatever becomes of them."""

    at: Int


class Abandoned(msgspec.Struct, frozen=True, tag="abandoned"):
    """The worker ended: no fate will come for what is pending, so those probes failed, by this machine's fault."""

    at: Int
    message: str
    error: str = "WORKER"


class TakenBack(msgspec.Struct, frozen=True, tag="taken-back", omit_defaults=True):
    """The last `Reset`, or the last other way of probing, is taken back: the statistics before it, and what happened
    since a reset. `plan`: of the flow that goes on in the former way; one of which nothing is remembered is begun."""

    at: Int
    plan: Plan | None = None


class UsualDelay(msgspec.Struct, frozen=True, array_like=True):
    """RTTs of ten rounds of a hop (ms) at a time when nothing was wrong."""

    ttl: int
    """0: the target, whatever TTL it stood at."""
    median: float
    low: float
    """The 10th percentile."""
    iqr: float
    high: float
    """The largest."""


class Remembered(msgspec.Struct, frozen=True, tag="remembered"):
    """What was usual when the same target was probed the last time, in the same way from the same network."""

    at: Int
    delays: tuple[UsualDelay, ...]


class Shared(msgspec.Struct, frozen=True, tag="shared", omit_defaults=True):
    """Another flow's probe, this target's or another's, to a router that stands in the path of this one's first flow,
    too, as if it were that one's, in the round that was under way: the judge hears of it, no count of this target's
    does."""

    at: Int
    ttl: Int
    address: str
    """The router."""
    targets: Int
    """How many targets share it from here on."""
    flows: Int
    """How many flows of theirs in all; 1: no other does any more."""
    probe: Sent | Answered | Lost | Failed | None = None
    """That it left, or what became of it. Its `target` means nothing. None: only that it is shared."""


DriverFact: TypeAlias = Union[  # noqa: UP007 - msgspec wants a runtime Union
    Unresolved, Found, Begun, Continued, Adjusted, Paused, Resumed, Reset, Abandoned, TakenBack, Remembered, Shared
]
