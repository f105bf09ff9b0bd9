"""What is found of a path and of a hop: kinds, places, moments and numbers. Words are made of them in `views.prose`.

Times are epoch ns, durations ns, shares percent; what is unknown is None.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, Union

import msgspec

from hopscope.path.evidence import Confidence, confidence
from hopscope.path.snapshot import LocalError
from hopscope.wire.messages import Kind

HealthState: TypeAlias = Literal["starting", "healthy", "slow", "loss", "no-answer", "unreachable", "this-computer"]


class PathFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What every finding about a path has."""

    n: int
    """Probes of the target with a fate (answered or lost), since the last reset."""
    lost: int
    """Those of them that were lost."""
    since: int | None = None
    """When the present trouble began; None where there is none, or it began before the window."""
    first_ttl: int | None = None
    """The TTL from which the trouble goes on to the target, where there is one: it lies there, before, or on the way
    back."""
    loss_pct: float | None = None
    """Loss at the target over the recent rounds."""

    @property
    def state(self) -> HealthState:
        """The state in a word, for colour and order."""
        return _STATES[type(self)]

    @property
    def confidence(self) -> Confidence:
        """How much so many probes can tell."""
        return confidence(self.n)


class Starting(PathFinding, frozen=True, kw_only=True, tag="starting"):
    """Too few fates to say anything. `farthest`: the largest TTL that answered, if any."""

    farthest: int | None = None


class EarlyLoss(PathFinding, frozen=True, kw_only=True, tag="early-loss"):
    """Some probes of few were lost: too early to judge. `of`: how many fates there are yet."""

    recent_lost: int
    of: int


class Healthy(PathFinding, frozen=True, kw_only=True, tag="healthy"):
    """Nothing is wrong. The numbers are of the recent rounds."""

    all_recent: bool = True
    """Whether all that is `lost` was lost in the recent rounds."""
    median_ns: float | None = None
    high_ns: float | None = None
    """The 95th percentile; None where the round trips are steady, or too few to tell."""
    is_steady: bool = False


class LocalFailure(PathFinding, frozen=True, kw_only=True, tag="local-failure"):
    """This computer cannot send, or cannot hear."""

    error: LocalError | None = None


class SaidUnreachable(PathFinding, frozen=True, kw_only=True, tag="refused"):
    """Somebody says that the target cannot be reached."""

    address: str | None
    """Who says so."""
    kind: Kind


class LoopFound(PathFinding, frozen=True, kw_only=True, tag="loop"):
    """A forwarding loop between these routers, in the order in which probes pass them."""

    addresses: tuple[str, ...]


class OutOfReach(PathFinding, frozen=True, kw_only=True, tag="out-of-reach"):
    """At the largest TTL there still is a router."""

    last_ttl: int


class TargetSilent(PathFinding, frozen=True, kw_only=True, tag="no-answer"):
    """The target does not answer."""

    ever: bool
    """Whether it answered before."""
    farthest: int | None = None
    """The largest TTL that answers, where it never did."""


class NoUdpAnswer(PathFinding, frozen=True, kw_only=True, tag="no-udp-answer"):
    """The target alone does not answer UDP. Many hosts never do, and others rarely: that is no outage."""

    farthest: int | None = None
    """The largest TTL that answers, where the target never did."""


class LateAnswers(PathFinding, frozen=True, kw_only=True, tag="late"):
    """The target answers after the timeout: `late` of the last `of`."""

    late: int
    of: int


class LossFound(PathFinding, frozen=True, kw_only=True, tag="loss"):
    """Probes of the target are lost."""

    place: Literal["onward", "everywhere", "target", "unknown"]
    """From `first_ttl` on, from the first hop on, at the target alone, or at the target and too early to say more."""


class Slow(PathFinding, frozen=True, kw_only=True, tag="slow"):
    """The target answers clearly later than at its best."""

    now_ns: float
    more_ns: float


Finding: TypeAlias = Union[  # noqa: UP007 - msgspec wants a runtime Union
    Starting,
    EarlyLoss,
    Healthy,
    LocalFailure,
    SaidUnreachable,
    LoopFound,
    OutOfReach,
    TargetSilent,
    NoUdpAnswer,
    LateAnswers,
    LossFound,
    Slow,
]

_STATES: dict[type[PathFinding], HealthState] = {
    Starting: "starting",
    EarlyLoss: "starting",
    Healthy: "healthy",
    LocalFailure: "this-computer",
    SaidUnreachable: "unreachable",
    LoopFound: "unreachable",
    OutOfReach: "unreachable",
    TargetSilent: "unreachable",
    NoUdpAnswer: "no-answer",
    LateAnswers: "slow",
    LossFound: "loss",
    Slow: "slow",
}


HopState: TypeAlias = Literal[
    "starting", "ok", "silent", "cosmetic", "slow-to-answer", "loss", "no-answer", "this-computer"
]


class HopFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What a hop is like."""

    state: HopState
    confidence: Confidence
    error: LocalError | None = None
    """``this-computer``: what failed."""
    lost: int = 0
    """``ok``: chance losses, of `n`."""
    n: int = 0
    loss_pct: float | None = None
    """``cosmetic`` and ``loss``."""
    goes_on_pct: float | None = None
    """``loss``: of it, what a later hop loses as well, where that is less."""
    begins_here: bool = False
    """``loss``: it begins here, just before, or on the way back."""
    is_last: bool = False
    """``loss``: no later hop answers."""
    extra_ns: int | None = None
    """``slow-to-answer``: by how much it answers later than hops behind it; None: it answers after the timeout only."""

    @property
    def is_trouble(self) -> bool:
        """Worth the colour of trouble."""
        return self.state in ("loss", "no-answer", "this-computer")
