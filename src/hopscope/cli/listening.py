"""Where ``--metrics`` and ``hopscope web`` listen. Loaded with privileges where there are any: by the standard library
alone."""

from __future__ import annotations

import socket
from typing import Final

from hopscope.cli.errors import UsageError
from hopscope.cli.output import say
from hopscope.cli.values import Endpoint
from hopscope.metrics import PATH

_BACKLOG: Final = 32
_early: dict[Endpoint, socket.socket] = {}
"""What `listen_early` opened, until `listen` asks for it."""


def listen_early(endpoint: Endpoint) -> None:
    """Listen while this process may use more ports than later, or before anything else is begun. `UsageError`."""
    if endpoint not in _early:
        _early[endpoint] = _listen(endpoint)


def listen(endpoint: Endpoint) -> socket.socket:
    """A socket that listens. `UsageError` where it cannot. Where the kernel chose the port, it is told."""
    listening = _early.pop(endpoint, None) or _listen(endpoint)
    if endpoint.port == 0:
        say(f"metrics: http://{endpoint._replace(port=listening.getsockname()[1])}{PATH}")
    return listening


def bound(endpoint: Endpoint) -> socket.socket:
    """A TCP socket at `endpoint` that does not listen yet. `OSError`."""
    # getaddrinfo of a numeric address asks nobody, and knows the interface behind a `%`.
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    ((family, kind, protocol, _, where), *_) = socket.getaddrinfo(
        endpoint.address, endpoint.port, type=socket.SOCK_STREAM, flags=numeric
    )
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
    except OSError:
        listening.close()
        raise
    return listening


def _listen(endpoint: Endpoint) -> socket.socket:
    listening: socket.socket | None = None
    try:
        listening = bound(endpoint)
        listening.listen(_BACKLOG)
    except OSError as error:
        if listening is not None:
            listening.close()
        raise UsageError(f"--metrics {endpoint}: {error.strerror or error}") from None
    return listening
