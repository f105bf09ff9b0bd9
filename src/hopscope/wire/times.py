"""Time lines: what the moments of an event are on, and from one to another."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

E = TypeVar("E", bound=msgspec.Struct)

MOMENTS: Final = ("at", "sent_at", "now_at")
"""Fields of messages that are points on a time line (epoch ns)."""

SLEPT_NS: Final = 100_000_000
"""A machine that stood still for longer has slept."""


def asleep() -> int:
    """How long this machine has slept since its start, ns; 0 where no clock says so."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()


class TimeLine:
    """Nanoseconds since the Unix epoch that never go back: the monotonic clock (clock_gettime(2)) plus `anchor`, which
    grows by how long the machine sleeps, as that clock stands still meanwhile. A wall clock that is set moves nothing.
    """

    __slots__ = ("_former", "_woke_at", "anchor", "heeds_sleep")

    def __init__(self, anchor: int) -> None:
        """`anchor`: wall clock minus monotonic clock, ns."""
        self.heeds_sleep = True
        """Whoever has the same line sleeps when this machine does: not where a driver is on another one."""
        self.begin(anchor)

    def begin(self, anchor: int) -> None:
        """Have this anchor, as a driver on the same machine has it."""
        self.anchor = self._former = anchor
        self._woke_at = 0

    def at(self, monotonic: int) -> int:
        """The moment of a reading of the monotonic clock."""
        return monotonic + (self.anchor if monotonic >= self._woke_at else self._former)

    def woke(self, monotonic: int, slept: int) -> None:
        """By this reading of the monotonic clock the machine had slept for so long (ns)."""
        if self.heeds_sleep:
            self._former, self._woke_at = self.anchor, monotonic
            self.anchor += slept


class OwnTimeLine(TimeLine):
    """One that looks itself, each time that it is asked for the present moment."""

    __slots__ = ("_asleep", "_monotonic", "_slept")

    def __init__(
        self,
        anchor: int | None = None,
        monotonic: Callable[[], int] = time.monotonic_ns,
        asleep: Callable[[], int] = asleep,
    ) -> None:
        self._monotonic, self._asleep, self._slept = monotonic, asleep, asleep()
        super().__init__(time.time_ns() - monotonic() if anchor is None else anchor)

    @property
    def now(self) -> int:
        """This moment."""
        slept, monotonic = self._asleep(), self._monotonic()
        if slept - self._slept > SLEPT_NS:
            self.woke(monotonic, slept - self._slept)
            self._slept = slept
        return self.at(monotonic)


def earlier(event: E, by_ns: int) -> E:
    """The event with every moment that much earlier."""
    moments = {name: getattr(event, name) - by_ns for name in MOMENTS if name in event.__struct_fields__}
    return msgspec.structs.replace(event, **moments) if moments else event
