"""A connection attempt that goes nowhere, made just before the one that counts.

No plain user's socket gets a kernel stamp of a SYN's departure: the program's clock is read before ``connect``, and
what the kernel does between the two is measured with the network. After the pause between two probes that code and its
data have left the processor's caches, and it takes 38 µs (median, three hops away); right after a rehearsal 15 µs. The
rehearsal is refused at once, on loopback, by a port that this process holds and does not listen on: it costs the
processor some 30 µs and the network nothing.
"""

from __future__ import annotations

import socket
from contextlib import suppress

from hopscope.probe.sockets import endpoint
from hopscope.wire.messages import Family

_LOOPBACK: dict[Family, str] = {4: "127.0.0.1", 6: "::1"}


class Rehearsal:
    """Holds the port that refuses. Where there is no loopback, rehearsing does nothing."""

    def __init__(self, family: Family) -> None:
        self._family = endpoint.socket_family(family)
        self._refusing: socket.socket | None = None
        with suppress(OSError):
            holder = socket.socket(self._family, socket.SOCK_STREAM)
            try:
                holder.bind((_LOOPBACK[family], 0))
            except OSError:
                holder.close()
                raise
            self._refusing = holder
            self._address = holder.getsockname()

    def run(self) -> None:
        """Try to connect to the port that refuses."""
        if self._refusing is not None:
            with suppress(OSError), socket.socket(self._family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as attempt:
                attempt.connect_ex(self._address)

    def close(self) -> None:
        """Let the port go. Idempotent."""
        if self._refusing is not None:
            self._refusing.close()
            self._refusing = None
