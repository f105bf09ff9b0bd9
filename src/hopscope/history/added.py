"""What a store says of what was added to it, and what of that is broken."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Final, TypeAlias

from hopscope.history import notes
from hopscope.history.schema import StoreError
from hopscope.history.sound import made_safe, read_note, sound
from hopscope.history.tables import BROKEN, Tables
from hopscope.history.unpacking import Rows
from hopscope.session.facts import SessionFact

MOST_NOTES: Final = 200_000
"""Of one question: as many changes as a year of trouble has."""
RowedFact: TypeAlias = tuple[int, SessionFact]
OnBroken: TypeAlias = Callable[[int, int, int, int], None]
"""Is told of which run, target (0: of all) and time (epoch ns, 0: not known) something cannot be read."""


class Added:
    """A part of `store.Store`."""

    _tables: Tables
    on_broken: OnBroken | None = None
    """Where that is somebody, what is broken is left out; else that is raised."""

    def _leave_out(self, why: StoreError, run: int, target: int = 0, since: int = 0, until: int = 0) -> None:
        if self.on_broken is None or why.passes:
            raise why
        self.on_broken(run, target, since, until)

    def _read_note(self, data: bytes, run: int, target: int = 0) -> notes.Note | None:
        try:
            return read_note(data)
        except StoreError as why:
            self._leave_out(why, run, target)
            return None

    def newest_row(self, run: int) -> int:
        """The last row of a run; -1: there is none. `StoreError`."""
        words = (
            "SELECT max(row) AS newest FROM (SELECT max(row) AS row FROM live WHERE run = ?1 UNION ALL"
            " SELECT max(last_row) FROM segment WHERE run = ?1 UNION ALL SELECT max(row) FROM note WHERE run = ?1)"
        )
        ((newest,),) = self._tables.rows(words, run)
        return -1 if newest is None else int(newest)

    def rows_after(self, run: int, row: int, reader: Rows) -> list[tuple[int, int, SessionFact | notes.Note]]:
        """What a run's later rows hold: row, target, fact. `reader` has read the rows before, and reads these.
        `StoreError`, also where some of them are in segments already."""
        told: list[tuple[int, int, SessionFact | notes.Note]] = []
        words = "SELECT row, target, fact FROM note WHERE run = ? AND row > ? ORDER BY id LIMIT ?"
        found = self._tables.rows(words, run, row, MOST_NOTES)
        for number, target, data in found:
            note = self._read_note(data, run, target)
            if note is not None:
                told.append((number, target, note))
        words = "SELECT row, data FROM live WHERE run = ? AND row > ? ORDER BY id"
        for number, data in self._tables.rows(words, run, row):
            broken: set[int] = set()
            try:
                for target, facts in sound(reader.unpack, data, None, broken):
                    told += [(number, target, fact) for _, fact in made_safe([(number, fact) for fact in facts])]
                if broken:
                    raise StoreError(BROKEN)
            except StoreError as why:
                self._leave_out(why, run)
        told.sort(key=itemgetter(0))  # a row's notes stand before its probes, and so they stay
        return told

    def segments_after(self, run: int, row: int) -> bool:
        """Whether later rows than this one are in segments by now. `StoreError`."""
        return bool(self._tables.rows("SELECT 1 FROM segment WHERE run = ? AND last_row > ? LIMIT 1", run, row))
