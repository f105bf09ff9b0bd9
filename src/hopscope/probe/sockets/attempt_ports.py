"""The source ports of connection attempts: one for each TTL, or of a parallel flow one for all."""

from __future__ import annotations

import errno
import socket
from typing import Any


class AttemptPorts:
    """One flow's ports. A port is kept as long as it can be bound."""

    def __init__(self, *, is_one: bool, wanted: int | None = None) -> None:
        """`is_one`: all TTLs have the same, `wanted` if that is free."""
        self._is_one = is_one
        self._ports: dict[int, list[int]] = {0: [wanted]} if is_one and wanted else {}
        self._busy: set[int] = set()

    @property
    def one(self) -> int | None:
        """The port that all TTLs have."""
        return self._ports[0][0] if self._is_one and self._ports else None

    def bind(self, sock: socket.socket, ttl: int, source: Any, *, afresh: bool) -> int:
        """To the first of the TTL's ports that no attempt in flight has, or to a new one; `afresh`: to a new one. The
        port. `OSError`: this machine has no such address now, or no port left."""
        ports = self._ports.setdefault(0 if self._is_one else ttl, [])
        for port in ports:
            if port not in self._busy and not afresh:
                try:
                    sock.bind((source[0], port, *source[2:]))
                    return port
                except OSError as problem:
                    if problem.errno != errno.EADDRINUSE:
                        raise
        sock.bind(source)
        port = int(sock.getsockname()[1])
        if self._is_one:
            ports[:] = [port]  # a flow that goes to and fro between two ports would be two
        elif afresh:
            # The one that was tried before is no use: this goes first from now on.
            ports.insert(0, port)
        else:
            ports.append(port)
        return port

    def take(self, port: int) -> None:
        """An attempt has it."""
        self._busy.add(port)

    def free(self, port: int) -> None:
        """It has it no more."""
        self._busy.discard(port)

    def moved(self) -> None:
        """Probes leave from another address, where other ports are free."""
        if not self._is_one:
            self._ports.clear()
