"""The registry of probing options: each that a user has, once, as data that every floor may read.

It says what an option is, between which bounds it is possible, and whether it can be changed without a new flow. The
checks of both sides of the pipe, command line, configuration, the screen's settings and docs read it. To add an option
is an entry here and its field in `messages.Plan` and `session.model.Probing`, which tests hold to each other.

A duration is in seconds for a user (``interval_s``) and in nanoseconds on the wire (``interval_ns``); what is wrong
with one is said in the name and unit of whoever gave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_SECOND_NS: Final = 1_000_000_000


class ProbingOption(NamedTuple):
    """One option."""

    name: str
    """The field of `session.model.Probing`; one that ends with ``_s`` is in seconds."""
    brief: str
    """What it is, in a few words."""
    low: float | None = None
    high: float | None = None
    """The least and the greatest value, in the user's unit; None: none, or it is no number."""
    not_above: str | None = None
    """The option that it must not exceed."""
    is_adjustable: bool = False
    """Whether it can be changed without a new flow."""

    @property
    def is_duration(self) -> bool:
        """Whether it is in seconds."""
        return self.name.endswith("_s")

    @property
    def place(self) -> str:
        """The field of `messages.Plan`."""
        return self.name.removesuffix("_s") + "_ns" if self.is_duration else self.name

    def on_wire(self, value: Any) -> Any:
        """A user's value, which is within bounds, as a plan has it."""
        return round(value * _SECOND_NS) if self.is_duration and value is not None else value

    def for_user(self, value: Any) -> Any:
        """A plan's value as a user has it."""
        return value / _SECOND_NS if self.is_duration and value is not None else value

    def allowed(self, high: float | None = None) -> str:
        """The bounds in words, in the user's unit; `high`: another upper one."""
        high = self.high if high is None else high
        unit = " s" if self.is_duration else ""
        return f"at least {self.low:g}{unit}" if high is None else f"{self.low:.12g} to {high:.12g}{unit}"

    def check(self, value: Any, high: float | None = None) -> None:
        """`ValueError`, in the user's name and unit, where a value is out of bounds; `high`: another upper one."""
        high = self.high if high is None else high
        if value is None or self.low is None:
            return
        if not value >= self.low or (high is not None and value > high):
            unit = " s" if self.is_duration else ""
            raise ValueError(f"{self.name} {value}{unit}: allowed are {self.allowed(high)}")

    def check_on_wire(self, value: Any, high: int | None = None) -> None:
        """The same of a plan's value, in the wire's name and unit."""
        if value is None or self.low is None:
            return
        low = self.on_wire(self.low)
        high = high if high is not None else None if self.high is None else self.on_wire(self.high)
        if value < low or (high is not None and value > high):
            allowed = f"{low} to {high}" if high is not None else f"at least {low}"
            raise ValueError(f"{self.place} {value}: allowed are {allowed}")


_DAY_S: Final = 86_400.0

_ALL: Final = (
    ProbingOption("family", "4 or 6"),
    ProbingOption("protocol", "what a probe is; auto: ICMP, else UDP"),
    ProbingOption("method", "how probes are sent; auto takes the best this user may use"),
    ProbingOption("port", "destination port of UDP and TCP", 1, 65_535),
    ProbingOption("interval_s", "seconds between the starts of two rounds", 0.01, _DAY_S, is_adjustable=True),
    # No answer comes later: RFC 791 lets a datagram live for at most 255 s, RFC 1122 its parts for about 60.
    ProbingOption("timeout_s", "seconds after which a probe counts as lost", 0.001, 60.0, is_adjustable=True),
    ProbingOption("first_ttl", "where a round begins", 1, 255, not_above="max_ttl", is_adjustable=True),
    ProbingOption("max_ttl", "where a round ends at the latest", 1, 255, is_adjustable=True),
    ProbingOption("max_unknown", "how many TTLs beyond the last answer to try", 1, 255, is_adjustable=True),
    ProbingOption("packet_size", "bytes of a packet, IP header included", 0, 65_535),
    ProbingOption("pattern", "payload byte", 0, 255),
    ProbingOption("tos", "type of service, traffic class", 0, 255),
    ProbingOption("source", "source address"),
    ProbingOption("interface", "network interface"),
    ProbingOption("rounds", "after so many rounds a target is finished", 0, 1_000_000_000),
    ProbingOption("scenario", "a simulated network"),
    ProbingOption("seed", "of the simulated network's chances", 0, 2**62),
    ProbingOption("opening", "how the first round finds the path's end"),
    ProbingOption("grace_s", "seconds that the last round waits for answers", 0, _DAY_S),
    ProbingOption("flows", "parallel flows to a target, by their source ports; 0: as many as there are paths", 0, 64),
    ProbingOption("certainty_pct", "how sure discovery is that no path was missed", 50, 99),
    ProbingOption("budget", "error answers a second that several targets ask of one router", 0, 1_000_000),
    ProbingOption("local_port", "source port of UDP probes", 1, 65_535),
)

PROBING_OPTIONS: Final[Mapping[str, ProbingOption]] = {option.name: option for option in _ALL}
"""By name."""
ADJUSTABLE: Final = tuple(option for option in _ALL if option.is_adjustable)
"""Those that `messages.Adjust` has."""


def check_bounds(probing: object, *, on_wire: bool = False) -> None:
    """`ValueError` where a number of a `Probing` (`on_wire`: of a `Plan`) is out of bounds: which, and what is
    allowed."""
    # What bounds another one comes first.
    for option in sorted(_ALL, key=lambda option: option.not_above is not None):
        name = option.place if on_wire else option.name
        high = None
        if option.not_above is not None:
            above = PROBING_OPTIONS[option.not_above]
            high = getattr(probing, above.place if on_wire else above.name)
        value = getattr(probing, name)
        if on_wire:
            option.check_on_wire(value, high)
        else:
            option.check(value, high)
