"""The stores that ``hopscope history`` reads: which is meant, and how what is wrong with one is said."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from hopscope.cli import config as configuration
from hopscope.cli.errors import UsageError
from hopscope.cli.namers import StaticNamer
from hopscope.cli.options import Options
from hopscope.cli.recording import STORE
from hopscope.history.store import Store, StoreError
from hopscope.names.facts import AddressInfo

T = TypeVar("T")


def store_path(options: Options) -> str:
    """The store that is meant where no file is named."""
    folder = Path(options.store) if options.store is not None else configuration.state_folder(os.environ)
    return str(folder / STORE)


def opened(path: str) -> Store:
    """A store that is there. `UsageError`."""
    try:
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


class RecordedNames(StaticNamer):
    """A namer that knows what was known then."""

    def __init__(self, names: dict[str, AddressInfo], *, dns: bool = True) -> None:
        super().__init__({}, {})
        self._recorded = names
        self._dns = dns

    def look_up(self, address: str) -> AddressInfo:
        """What was known at the end of the recording."""
        known = self._recorded.get(address) or AddressInfo()
        return known if self._dns else msgspec.structs.replace(known, hostname=None, verified=None)
