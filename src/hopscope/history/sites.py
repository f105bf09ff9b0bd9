"""What a store says of sites: a hub's has the runs of many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from hopscope.history.tables import Tables
from hopscope.history.traces import SiteBoot, Trace
from hopscope.names.clean import clean

MOST_BOOTS: Final = 40_000
"""The newest so many are read."""


class Sites:
    """A part of `store.Store`."""

    _tables: Tables

    def rows(self, words: str, *values: int) -> list[tuple[Any, ...]]:
        """See `Tables.rows`."""
        return self._tables.rows(words, *values)

    def newest_note(self) -> int:
        """The id of the last note that there is; 0: there is none. `StoreError`."""
        ((newest,),) = self._tables.rows("SELECT max(id) AS newest FROM note")
        return 0 if newest is None else int(newest)

    def is_hubs(self) -> bool:
        """Whether it has what several sites sent. `StoreError`."""
        is_of_fleet = self._tables.rows("SELECT 1 FROM sqlite_schema WHERE name = 'hub'")
        return bool(is_of_fleet and self._tables.rows("SELECT 1 FROM hub LIMIT 1"))

    def is_agents(self) -> bool:
        """Whether it has what is to be sent to a hub. `StoreError`."""
        return bool(self._tables.rows("SELECT 1 FROM sqlite_schema WHERE name = 'boot'")) and not self.is_hubs()

    def newest(self, traces: Iterable[Trace]) -> int:
        """The newest moment of these traces (epoch ns). Of a hub's none is newer than when the hub heard of it last: an
        agent's clock may say anything. `StoreError`."""
        heard = {boot.run: boot.heard for boot in self.boots() if boot.heard}
        return max(min(trace.until, heard.get(trace.run.id, trace.until)) for trace in traces)

    def boots(self) -> list[SiteBoot]:
        """Of a hub's store, the runs of agents, the oldest first; else none. `StoreError`."""
        if not self.is_hubs():
            return []
        words = "SELECT run, site, heard, ahead FROM boot ORDER BY run DESC LIMIT ?"
        found = self._tables.rows(words, MOST_BOOTS)
        return [SiteBoot(run, clean(site), heard, ahead) for run, site, heard, ahead in found][::-1]
