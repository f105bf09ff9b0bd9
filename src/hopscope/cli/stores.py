"""The stores that ``hopscope history`` reads: which is meant, and how what is wrong with one is said."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from hopscope.cli import config as configuration
from hopscope.cli.errors import UsageError
from hopscope.cli.options import Options
from hopscope.cli.output import say
from hopscope.history import streams
from hopscope.history.store import Store, StoreError
from hopscope.history.where import STORE, state_folder
from hopscope.session.target_fold import IllegalFact
from hopscope.words.numbers import utc

T = TypeVar("T")
UNREADABLE: Final = (StoreError, IllegalFact, ValueError, LookupError)
"""What a store raises whose parts are not what they should be."""


def store_path(options: Options) -> str:
    """The store that is meant where no file is named."""
    folder = Path(options.store) if options.store is not None else state_folder(os.environ)
    return str(folder / STORE)


def watched_path(options: Options, words: Sequence[str]) -> str:
    """The store that a screen is to watch: a file, or a folder's; else this user's history. `UsageError`."""
    path = words[0] if words else store_path(options)
    if "://" in path:
        raise UsageError(f"{configuration.plain(path)}: a broker is no store; name that of the hub")
    return os.path.join(path, STORE) if os.path.isdir(path) else path


def may_be_there(path: str) -> bool:
    """Whether a store is there, or stands where this user may not look."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def opened(path: str) -> Store:
    """A store that is there. `UsageError`."""
    try:
        if streams.is_text(path):
            store, limits = streams.read(path)
            for words in limits:
                say(f"{configuration.plain(path)}: {words}")
            return store
        return Store(path)
    except FileNotFoundError:
        raise UsageError(f"{configuration.plain(path)}: no such recording (hopscope history list)") from None
    except StoreError as why:
        raise UsageError(f"{configuration.plain(path)}: {why}") from None


def asked(path: str, ask: Callable[[], T]) -> T:
    """What is asked of the store at `path`. `UsageError`."""
    try:
        return ask()
    except StoreError as why:
        raise UsageError(f"{configuration.plain(path)}: {why}") from None


def say_broken(path: str, store: Store) -> None:
    """Of which runs a part cannot be read."""
    for run in store.runs() if store.broken else ():
        if run.id in store.broken:
            words = "a part of it is broken and left out"
            say(f"{configuration.plain(path)}: of what was recorded from {utc(run.begun)} on {words}")
