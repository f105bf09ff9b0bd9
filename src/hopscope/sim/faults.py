"""What happens to packets by chance or by load: losses, token buckets, delays, queues. State, but no clock: time and
the random numbers' source are arguments."""

from __future__ import annotations

import math
from random import Random

from hopscope.sim.language import Distribution, Queue, RateLimit
from hopscope.sim.values import LossTable


class LossProcess:
    """Says of one packet after the other whether it is lost (`LossTable`)."""

    __slots__ = ("_bad", "_count", "_table")

    def __init__(self, table: LossTable) -> None:
        self._table = table
        self._count = 0
        self._bad = False

    def takes(self, rng: Random) -> bool:
        """The next packet is lost."""
        table = self._table
        if table.random is not None:
            return rng.random() < table.random
        if table.every is not None:
            number = self._count
            self._count = number + 1
            return number % table.every == table.offset
        if self._bad:
            self._bad = rng.random() >= table.recover
        else:
            self._bad = rng.random() < (table.burst or 0.0)
        share = table.in_burst if self._bad else table.between
        return share >= 1 or rng.random() < share


class TokenBucket:
    """A rate limit: an answer costs a token."""

    __slots__ = ("_at", "_burst", "_per_ns", "_tokens")

    def __init__(self, limit: RateLimit) -> None:
        self._per_ns = limit.rate / 1e9
        self._burst = float(limit.burst)
        self._tokens = self._burst
        self._at: int | None = None

    def allows(self, now: int) -> bool:
        """Take a token at `now`, if there is one. A `now` before the last one adds none."""
        if self._at is None:
            self._at = now
        elif now > self._at:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_ns)
            self._at = now
        # Tokens come in fractions whose sum can fall a rounding short of one.
        if self._tokens > 1 - 1e-9:
            self._tokens -= 1
            return True
        return False


def spread(jitter: int, distribution: Distribution, rng: Random) -> int:
    """A random extra delay in ns, of the size of `jitter`:

    - ``uniform``: 0 to `jitter`;
    - ``normal``: the absolute value of a normal number with a standard deviation of `jitter`;
    - ``exponential``: with a mean of `jitter`;
    - ``pareto``: heavy-tailed, shape 2.5, with a median of `jitter`, at most 100 times that;
    - ``spikes``: one packet in twenty gets `jitter`, the rest nothing.
    """
    if distribution == "uniform":
        return int(rng.random() * jitter)
    if distribution == "normal":
        return int(abs(rng.gauss(0.0, 1.0)) * jitter)
    if distribution == "exponential":
        return int(-math.log(1.0 - rng.random()) * jitter)
    if distribution == "pareto":
        return int(min(100.0, ((1.0 - rng.random()) ** -0.4 - 1.0) / (2**0.4 - 1.0)) * jitter)
    return jitter if rng.random() < 0.05 else 0


class Backlog:
    """A queue in front of a link.

    Other traffic makes a packet wait for an exponential time whose mean is that of an M/M/1 queue, s·ρ/(1-ρ) with s
    the time that one packet takes and ρ the load; what was sent before and has not left yet adds to it.
    """

    __slots__ = ("_busy_until", "_limit", "_mean_wait", "_service")

    def __init__(self, queue: Queue) -> None:
        self._service = round(1e9 / queue.rate / (1 - queue.load))
        self._mean_wait = 1e9 / queue.rate * queue.load / (1 - queue.load)
        self._limit = int(queue.limit)
        self._busy_until: int | None = None

    def wait(self, now: int, rng: Random) -> int | None:
        """How long a packet waits that comes at `now`; None: the queue is full, and the packet dropped."""
        wait = max(0, (self._busy_until or now) - now)
        if self._mean_wait:
            wait += int(-math.log(1.0 - rng.random()) * self._mean_wait)
        if wait > self._limit:
            return None
        self._busy_until = max(now, self._busy_until or now) + self._service
        return wait + self._service
