"""What an agent or a hub reads and writes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from hopscope.cli import config as configuration
from hopscope.cli.errors import UsageError
from hopscope.cli.options import Options
from hopscope.history.where import state_folder

LOCK: Final = "fleet.lock"
"""Beside a store: an agent or a hub that writes it holds it."""
_TRIES: Final = 5
_PAUSE_S: Final = 0.02
_CERTIFICATES: Final = ("/etc/ssl", "/usr/lib/ssl", "/etc/pki")
"""Where the system has those that it believes."""


def folder_of(options: Options) -> str:
    """The store's folder, for this user alone. `UsageError`."""
    name = options.store
    path = Path(name) if name is not None else state_folder(os.environ) / "fleet" / options.targets[0]
    try:
        path.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--store {configuration.plain(str(path))}: {error.strerror}") from None
    return os.path.realpath(path)


def _open_lock(store: str) -> int:
    """A descriptor of the lock beside a store (a file). `OSError`."""
    path = os.path.join(os.path.dirname(os.path.realpath(store)), LOCK)
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)


def take(descriptor: int) -> bool:
    """Whether the lock is ours from now on."""
    for _ in range(_TRIES):  # whoever looks whether it is held (`is_written`) has it for a moment
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_PAUSE_S)
    return False


@contextmanager
def alone(store: str) -> Iterator[None]:
    """While no agent or hub writes a store (a file), and none begins to. `UsageError`."""
    try:
        descriptor = _open_lock(store)
    except FileNotFoundError:
        yield
        return
    except OSError as error:
        raise UsageError(f"{configuration.plain(error.filename)}: {error.strerror}") from None
    try:
        if not take(descriptor):
            raise UsageError(f"{configuration.plain(store)}: an agent or hub writes it; end that first")
        yield
    finally:
        os.close(descriptor)


def files_of(options: Options) -> list[str]:
    """What is read, and the folder that is written, for root's Landlock."""
    fleet = options.fleet
    named = [options.file, fleet.creds, fleet.nkey, fleet.tls_ca, fleet.tls_cert, fleet.tls_key]
    found = [os.path.realpath(path) for path in named if path is not None]
    return [folder_of(options), *found, *_CERTIFICATES]


def is_written(store: str) -> bool | None:
    """Whether an agent or hub writes a store (a file) at this moment; None: that cannot be known."""
    try:
        descriptor = _open_lock(store)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    else:
        return False
    finally:
        os.close(descriptor)
