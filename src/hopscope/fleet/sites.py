"""Which site should probe what: a TOML file that a hub reads, and reads again when it has changed.

[sites]
"*" = ["example.net"]                 # every site
"edge-*" = ["192.0.2.1"]              # those of a pattern, too
fra1 = ["198.51.100.7:443"]           # this one, too
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Final

import msgspec

from hopscope.fleet.messages import MOST_SITES, MOST_TARGETS, Query, is_site
from hopscope.names.clean import clean
from hopscope.session.query import read_query
from hopscope.system.files import Unreadable, read_file, text_of

MOST_BYTES: Final = 4 << 20


class _File(msgspec.Struct, forbid_unknown_fields=True):
    sites: Annotated[dict[str, list[Query]], msgspec.Meta(max_length=MOST_SITES)]


class Assignments:
    """One file."""

    def __init__(self, path: str) -> None:
        """`ValueError`, `OSError` where it cannot be read."""
        self._path = path
        self._read: tuple[int, int] | None = None
        self._sites: frozenset[str] = frozenset()
        self._patterns = read(path)

    def changed(self, sites: Iterable[str]) -> dict[str, list[str]] | None:
        """The targets of each site that is named in it, or is one of `sites`; None: they are what they were.
        `ValueError`, `OSError` where it cannot be read now."""
        there = os.stat(self._path)
        stamp, known = (there.st_mtime_ns, there.st_size), frozenset(sites)
        if stamp == self._read and known == self._sites:
            return None
        if stamp != self._read:
            self._read = stamp
            self._patterns = read(self._path)
        self._sites = known
        named = {pattern for pattern in self._patterns if is_site(pattern)}
        return {site: targets_of(site, self._patterns) for site in sorted(named | known)}


def read(path: str) -> dict[str, list[str]]:
    """By pattern: targets. `ValueError`, `OSError`."""
    try:
        text = text_of(read_file(path, MOST_BYTES).data)
        found = msgspec.convert(tomllib.loads(text), _File).sites
    except (Unreadable, tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as why:
        raise ValueError(clean(str(why), 200)) from None
    for targets in found.values():
        for target in targets:
            read_query(target)
    for site in filter(is_site, found):
        if len(targets_of(site, found)) > MOST_TARGETS:
            raise ValueError(f"{site} has more than {MOST_TARGETS} targets")
    return found


def targets_of(site: str, patterns: dict[str, list[str]]) -> list[str]:
    """In the file's order, each once; not more than a site may have."""
    found = (target for pattern, targets in patterns.items() if fnmatchcase(site, pattern) for target in targets)
    return list(dict.fromkeys(found))[:MOST_TARGETS]
