"""Which file descriptors are ready, and what is done then; sleeping until one is, or until a moment."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Callable
from typing import Any, Final

MIN_SLEEP_NS: Final = 1_000_000
"""Sleep at least this long between two wake-ups: with many targets something is due all the time."""
_MAX_WAIT_S: Final = 3600.0


class Poller:
    """`Watch` over epoll (or poll, where there is none).

    Descriptors whose messages are timestamped have an epoll of their own, which the other one holds: where the wait may
    be deferred it is left out of the waiting, and looked at whenever something else was due.
    """

    def __init__(self) -> None:
        has_epoll = hasattr(select, "epoll")
        self._poll: Any = select.epoll() if has_epoll else select.poll()
        self._deferred: Any = select.epoll() if has_epoll else None
        self._in = select.EPOLLIN if has_epoll else select.POLLIN
        self._out = select.EPOLLOUT if has_epoll else select.POLLOUT
        self._heard: list[tuple[int, int]] = []
        self._ready: dict[int, Callable[[], None]] = {}
        self._deferred_ready: dict[int, Callable[[], None]] = {}
        self._defers = False
        self._woke_at = 0
        if self._deferred is not None:
            self._poll.register(self._deferred.fileno(), self._in)

    def add(self, fd: int, ready: Callable[[], None], *, timestamped: bool = False) -> None:
        """Call `ready` when `fd` is readable or has an error queued; see `Watch`."""
        if timestamped and self._deferred is not None:
            self._deferred_ready[fd] = ready
            self._deferred.register(fd, self._in)
        else:
            self._ready[fd] = ready
            self._poll.register(fd, self._in)

    def add_writable(self, fd: int, ready: Callable[[], None]) -> None:
        """Call `ready` when `fd` can be written."""
        self._ready[fd] = ready
        self._poll.register(fd, self._out)

    def mute(self, fd: int, muted: bool) -> None:
        """Muted, `fd` is ready only where its other end is gone."""
        if fd in self._ready:
            self._poll.modify(fd, 0 if muted else self._in)

    def remove(self, fd: int) -> None:
        """Do not wait for `fd` any more."""
        with contextlib.suppress(OSError):  # closed already: the kernel has forgotten it
            if self._ready.pop(fd, None) is not None:
                self._poll.unregister(fd)
            elif self._deferred_ready.pop(fd, None) is not None:
                self._deferred.unregister(fd)

    @property
    def has_deferred(self) -> bool:
        """Whether descriptors are registered whose messages may be read late."""
        return bool(self._deferred_ready)

    def wait(self, until: int, *, may_defer: bool) -> None:
        """Wait until a moment of the monotonic clock (ns) at the latest; `may_defer`: not for what is timestamped."""
        if may_defer != self._defers and self._deferred is not None:
            self._defers = may_defer
            self._poll.modify(self._deferred.fileno(), 0 if may_defer else self._in)
        until = max(until, self._woke_at + MIN_SLEEP_NS)
        seconds = min(max(0, until - time.monotonic_ns()) / 1e9, _MAX_WAIT_S)
        if self._deferred is None:
            self._heard = self._poll.poll(seconds * 1000)
        elif select.select((self._poll,), (), (), seconds)[0]:  # in microseconds, where epoll knows milliseconds
            self._heard = self._poll.poll(0)
        else:
            self._heard = []
        self._woke_at = time.monotonic_ns()

    def hear(self) -> None:
        """Do what is ready."""
        for fd, _ in self._heard:
            ready = self._ready.get(fd)
            if ready is not None:
                ready()
        if self._deferred_ready:
            for fd, _ in self._deferred.poll(0):
                ready = self._deferred_ready.get(fd)
                if ready is not None:
                    ready()
