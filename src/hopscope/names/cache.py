"""A bounded memory of answers, each with the time at which it should be asked for again. Time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

LONGEST: Final = 24 * 3600.0
SHORTEST: Final = 300.0
NEGATIVE: Final = 300.0
"""Seconds a name that does not exist is believed not to."""
RETRY_FIRST: Final = 20.0
RETRY_LONGEST: Final = 300.0


class CacheEntry(NamedTuple, Generic[T]):
    """What is known, and when (seconds) to ask again."""

    value: T
    until: float


class Cache(Generic[T]):
    """At most `size` entries; the one that was asked for longest ago goes first."""

    def __init__(self, size: int = 16_384) -> None:
        self._size = size
        self._entries: OrderedDict[str, CacheEntry[T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> CacheEntry[T] | None:
        """The entry, stale or not."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: str, value: T, until: float) -> None:
        """Remember `value` until `until`."""
        self._entries[key] = CacheEntry(value, until)
        self._entries.move_to_end(key)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def drop(self, key: str) -> None:
        """Forget one entry."""
        self._entries.pop(key, None)


def lifetime(key: str, ttl: float) -> float:
    """The record's TTL within bounds, shortened by up to a tenth so that a path's names are not all asked at once.

    The shortening depends on the key alone: the same run does the same.
    """
    bounded = min(LONGEST, max(SHORTEST, ttl))
    return bounded * (1 - (sum(key.encode()) % 64) / 640)
