"""What happens is kept in a store, beside whatever else is done with it: the file of ``--record``, and the history."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING

from hopscope.cli import config as configuration
from hopscope.cli.config import plain
from hopscope.cli.errors import UsageError
from hopscope.cli.output import say
from hopscope.cli.replacing import open_own
from hopscope.history.where import STORE, state_folder
from hopscope.names.clean import clean

if TYPE_CHECKING:
    from hopscope.cli.options import Options
    from hopscope.history.recorder import Recorder
    from hopscope.history.writer import StoreWriter


def prepare(path: str) -> list[str]:
    """Make the files that a process which can make none any more will write to; which they are. What is wrong with them
    shows when they are opened."""
    from hopscope.history.schema import StoreError, make_ready

    with suppress(OSError, ValueError, StoreError):
        return make_ready(path, open_own)
    return []


def open_writer(path: str, begun: int | None = None, host: str | None = None) -> StoreWriter:
    """A run in the store at `path`, which begins at `begun` (epoch ns; None: now) on `host` (None: this one).
    `UsageError`."""
    from hopscope.history.writer import StoreError

    try:
        return _opened(path, time_ns() if begun is None else begun, host=host)
    except StoreError as why:
        raise UsageError(f"--record {plain(path)}: {why}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"--record {plain(path)}: {getattr(error, 'strerror', None) or error}") from None


def _opened(path: str, begun: int, limit: int | None = None, host: str | None = None) -> StoreWriter:
    from hopscope.history.writer import StoreWriter

    return StoreWriter(path, host=clean(socket.gethostname()) if host is None else host, begun=begun, limit=limit)


def say_what_it_has(options: Options) -> None:
    """Whoever hides hops from a report may take the recording for one that can be sent."""
    if options.record is not None and options.privacy:
        say(
            f"--record {plain(options.record)}: it has all hops, and this machine's name; to send it:"
            f" hopscope history replay {plain(options.record)} --record OTHER --privacy {options.privacy}"
        )


def begin(path: str | None) -> Recorder | None:
    """Whoever keeps what happens from now on in a file; None: nobody was asked to. `UsageError`."""
    if path is None:
        return None
    from hopscope.history.recorder import Recorder

    writer = open_writer(path)
    recorder = Recorder(lambda: writer)
    recorder.begin()
    return recorder


def end(recorder: Recorder | None, path: str | None, at: int) -> None:
    """Wait until all is written, and say where it is not."""
    if recorder is not None:
        recorder.close(at)
        complain(recorder.trouble, path)


def complain(trouble: str | None, path: str | None) -> None:
    """A line on what was not recorded, and why."""
    if trouble is not None:
        say(f"--record {plain(path or '')}: {trouble}; what happened since then is not in it")


# --- the history ---------------------------------------------------------------------------------------------------


def keeps_history(options: Options) -> bool:
    """Whether this run is one whose history is kept: the live screen of what is real. A program in mtr's place leaves
    no files, as mtr leaves none."""
    is_real = options.action == "trace" and options.probing.method != "simulated"
    return is_real and options.format is None and options.keep is not None and not options.as_mtr


def history_folder() -> str:
    """Where it is kept."""
    return str(state_folder(os.environ))


def history_path() -> str:
    """The store in it."""
    return os.path.join(history_folder(), STORE)


def history_bytes() -> int:
    """What is in it now."""
    size = 0
    for ending in ("", "-wal"):
        with suppress(OSError):
            size += os.stat(history_path() + ending).st_size
    return size


def make_history_folder() -> None:
    """For this user alone, with the folders above it, where they are not there yet. `OSError`."""
    missing = []
    folder = history_folder()
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for folder in reversed(missing):
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder) from None


def history(options: Options, behind: str | None = None) -> Recorder | None:
    """Whoever keeps the history of this run, once it was told to begin; None: it is not kept. `behind`: for whom this
    program opens no files."""
    if not keeps_history(options):
        return None
    from hopscope.history.recorder import Recorder

    if behind is not None or configuration.is_raised():
        return Recorder(partial(_refuse, behind))
    return Recorder(partial(_open_history, time_ns(), options.keep))


def _open_history(begun: int, limit: int | None) -> StoreWriter:
    make_history_folder()
    return _opened(history_path(), begun, limit)


def _refuse(behind: str | None) -> StoreWriter:
    from hopscope.history.schema import StoreError

    whom = behind or "its caller: it has more rights"
    raise StoreError(f"this program opens no file for {whom}")
