"""Scapy, as this program loads it: it keeps nothing below the home folder, and knows no makers of network cards.

Scapy writes a cache of 2.8 MB and an empty folder for its settings there, and reads both. The worker writes nothing,
and under sudo that folder could hold links that another user laid. Without the cache Scapy would parse its table of
hardware makers at each start, a tenth of a second for words that nobody sees; so it finds an empty one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final

_HOMES: Final = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "BASH_COMPLETION_USER_DIR")
_NOWHERE: Final = "/dev/null/none"
_TABLES: Final[dict[str, object]] = {"scapy.libs.manuf": "", "scapy.libs.bluetoothids": {}}


@contextmanager
def kept_out() -> Iterator[None]:
    """Import Scapy within this."""
    before = {name: os.environ.get(name) for name in _HOMES}
    os.environ.update(dict.fromkeys(_HOMES, _NOWHERE))
    for name, content in _TABLES.items():
        table = ModuleType(name)
        table.DATA = content  # type: ignore[attr-defined]
        sys.modules.setdefault(name, table)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
