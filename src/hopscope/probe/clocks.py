"""The machine's clocks, compared with each other: was the wall clock set, did the machine sleep?

The kernel's stamps are of the wall clock (CLOCK_REALTIME, clock_gettime(2)), which may be set at any moment; time that
passes is measured by CLOCK_MONOTONIC, which never is, and which stands still while the machine sleeps, where
CLOCK_BOOTTIME goes on. `Clocks.look` compares the three; what it notices, `rtt` and the engine heed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from hopscope.probe.channel import Probe, Reply
from hopscope.wire.messages import Clock
from hopscope.wire.times import SLEPT_NS

SLACK_NS: Final = 2_000_000
"""How far the program's clock may seem to be inside the kernel's interval before the stamps are distrusted."""
_TIGHT_NS: Final = 200_000
"""Two clocks that were read farther apart than this say nothing of each other."""
_SET_NS: Final = 1_000_000
"""A wall clock that moved this far against the monotonic one was set: adjtimex(2) slows down or speeds up both."""


class Step(NamedTuple):
    """The wall clock was set, forward by `by` ns, between two moments of the monotonic clock."""

    after: int
    before: int
    by: int


class Clocks:
    """What is known of this machine's clocks: whether the wall clock was set, and whether the machine slept."""

    def __init__(
        self, monotonic: Callable[[], int], wall: Callable[[], int], asleep: Callable[[], int] = lambda: 0
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._asleep = asleep
        self.offset = wall() - monotonic()
        """Wall clock minus monotonic clock, ns, when they were last compared."""
        self.step: Step | None = None
        """The last time that the wall clock was set."""
        self.woke_at: int | None = None
        """Monotonic ns at which it was noticed that the machine had slept…"""
        self.slept_for = 0
        """…and for how long, ns."""
        self._slept = asleep()
        self._looked_at = monotonic()

    def look(self) -> None:
        """Compare. To be called before anything that was received is handled."""
        before = self._monotonic()
        offset = self._wall() - before
        now = self._monotonic()
        if now - before > _TIGHT_NS:
            return  # interrupted between two readings: the next look will tell
        moved = offset - self.offset
        if not -_SET_NS < moved < _SET_NS:
            self.step = Step(self._looked_at, now, moved)
            # A sleep moves the two against each other, too.
            slept = self._asleep()
            if slept - self._slept > SLEPT_NS:
                self.woke_at, self.slept_for = now, slept - self._slept
            self._slept = slept
        self.offset = offset
        self._looked_at = now


def rtt(probe: Probe, reply: Reply, clocks: Clocks | None = None) -> tuple[int, Clock]:
    """The answer's round trip time in ns, and whose clock it is.

    ``kernel``: both kernel stamps, where they are there and lie within what the program saw by the monotonic clock (the
    kernel's interval is inside the program's). ``program``: an end without its stamp has the program's reading, and
    where the wall clock was set while the probe was under way, that is taken out by what the program noticed of it.
    """
    program = reply.received_mono - probe.sent_mono
    if program < 0:
        program = 0
    if not reply.received_stamp:
        return program, "program"
    if probe.sent_stamp:
        kernel = reply.received_stamp - probe.sent_stamp
        if clocks is not None and (step := clocks.step) is not None and step.before > probe.sent_mono:
            return _across(step, probe, kernel, program), "program"
        if 0 <= kernel <= program + SLACK_NS:
            return kernel, "kernel"
    if clocks is not None:
        # It may have waited in the socket: when it arrived, its stamp tells.
        since_sending = reply.received_stamp - clocks.offset - probe.sent_mono
        if 0 <= since_sending <= program:
            return since_sending, "program"
    return program, "program"


def _across(step: Step, probe: Probe, kernel: int, program: int) -> int:
    """The RTT of a probe that was under way when the clock was set, or an answer of it was waiting in the socket:
    `kernel` by the stamps, `program` until it was read."""
    fits = []
    if 0 <= kernel <= program + SLACK_NS and probe.sent_mono + kernel <= step.before:
        fits.append(kernel)  # it had arrived by then
    shown = kernel - step.by
    if 0 <= shown <= program + SLACK_NS and probe.sent_mono + shown >= step.after - SLACK_NS:
        fits.append(shown)
    return min(fits, default=program)
