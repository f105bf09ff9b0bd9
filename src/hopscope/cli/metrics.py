"""``--metrics``: who answers whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hopscope.metrics.exposition import Exposition
from hopscope.metrics.server import MetricsServer
from hopscope.session.tally import SessionTally

if TYPE_CHECKING:
    import socket

    from hopscope.cli.options import Options
    from hopscope.session.session import Session


@asynccontextmanager
async def serving(session: Session, listening: socket.socket, options: Options) -> AsyncIterator[Session]:
    """A session, and its metrics for whoever asks at a socket that listens."""
    async with session, answering(session.tally, listening, options):
        yield session


def answering(tally: Callable[[], SessionTally], listening: socket.socket, options: Options) -> MetricsServer:
    """To be entered: answers whoever asks, with what `tally` says then."""
    return MetricsServer(listening, tally, Exposition(options.privacy))
