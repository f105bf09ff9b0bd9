"""``--record FILE``: what happens is kept in a store, beside whatever else is done with it."""

from __future__ import annotations

import socket
from contextlib import suppress
from time import time_ns
from typing import TYPE_CHECKING

from hopscope.cli.config import plain
from hopscope.cli.errors import UsageError
from hopscope.cli.output import say
from hopscope.cli.replacing import open_own
from hopscope.names.clean import clean

if TYPE_CHECKING:
    from hopscope.history.recorder import Recorder
    from hopscope.history.writer import StoreWriter


def prepare(path: str) -> list[str]:
    """Make the files that a process which can make none any more will write to; which they are. What is wrong with them
    shows when they are opened."""
    from hopscope.history.schema import StoreError, make_ready

    with suppress(OSError, ValueError, StoreError):
        return make_ready(path, open_own)
    return []


def open_writer(path: str, begun: int | None = None) -> StoreWriter:
    """A run in the store at `path`, which begins at `begun` (epoch ns; None: now). `UsageError`."""
    from hopscope.history.writer import StoreError, StoreWriter

    try:
        return StoreWriter(path, host=clean(socket.gethostname()), begun=time_ns() if begun is None else begun)
    except StoreError as why:
        raise UsageError(f"--record {plain(path)}: {why}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"--record {plain(path)}: {getattr(error, 'strerror', None) or error}") from None


def begin(path: str | None) -> Recorder | None:
    """Whoever keeps what happens from now on; None: nobody was asked to. `UsageError`."""
    if path is None:
        return None
    from hopscope.history.recorder import Recorder

    return Recorder(open_writer(path))


def end(recorder: Recorder | None, path: str | None, at: int) -> None:
    """Wait until all is written, and say where it is not."""
    if recorder is not None:
        recorder.close(at)
        complain(recorder.trouble, path)


def complain(trouble: str | None, path: str | None) -> None:
    """A line on what was not recorded, and why."""
    if trouble is not None:
        say(f"--record {plain(path or '')}: {trouble}; what happened since then is not in it")
