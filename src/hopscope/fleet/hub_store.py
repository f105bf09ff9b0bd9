"""A hub's store: what agents sent, each row once, as if it had been recorded here. What they send is believed in
nothing: see `messages`; facts are decoded, checked and cleaned, and probes are read as those of any recording are,
which may come from a stranger."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, Final

import msgspec

from hopscope.fleet import messages
from hopscope.fleet.messages import (
    BadMessage,
    Bins,
    Body,
    Ended,
    Facts,
    FleetMessage,
    Gone,
    Probes,
    Sealed,
    SegmentRows,
)
from hopscope.fleet.transport import Received
from hopscope.history import notes, schema
from hopscope.history.block import PACKED, BadBlock
from hopscope.history.parcels import add_tables, new_run
from hopscope.history.pruning import Pruner
from hopscope.history.rows import without
from hopscope.history.schema import StoreError
from hopscope.history.sound import read_note
from hopscope.history.store import MOST_TRACES
from hopscope.history.tiers import HOUR, MINUTE
from hopscope.history.transaction import Transaction
from hopscope.history.unpacking import Rows
from hopscope.names.clean import clean
from hopscope.session.facts import Asked

MOST_BOOTS: Final = 10_000
"""Of a site."""
MOST_ASKED: Final = 16 * messages.MOST_TARGETS
"""Targets that one boot may ever ask for."""
_NOBODY: Final = -1


class BootState(msgspec.Struct):
    """How far one boot of an agent has got here."""

    run: int
    mark: int
    """The last row that is here; -1: none."""
    targets: set[int] = msgspec.field(default_factory=set)
    """Those that it asked for and that are here: of one that was forgotten nothing more is kept."""


class HubStore:
    """One store, for one hub; for one thread at a time."""

    def __init__(self, path: str, *, limit: int | None = None) -> None:
        """`limit`: bytes that it may have, the oldest goes beyond that. `StoreError`, `OSError`."""
        self.path = path
        self._connection = schema.open_to_write(path)
        try:
            add_tables(self._connection)
            self._load()
        except BaseException:
            self._connection.close()
            raise
        self._pruner = None
        if limit is not None:
            self._pruner = Pruner(self._connection, _NOBODY, limit, traces=MOST_TRACES * 3 // 4, is_hubs=True)
        self._refused: dict[str, int] = {}
        self.on_refused: Callable[[str, str, int], None] = lambda site, why, count: None
        """Is told of a body that was refused: whose, why, and how many of that site's were by now."""
        self.on_kept: Callable[[str, int, Body], None] | None = None
        """Is told of a body that is on the disk: whose, and of which run."""

    def _load(self) -> None:
        with Transaction(self._connection) as do:
            found = do.execute("SELECT name, stream, position FROM hub").fetchone()
            if found is None:
                found = (os.urandom(8).hex(), "", 0)
                do.execute("INSERT INTO hub (name, stream, position) VALUES (?, ?, ?)", found)
            boots = do.execute("SELECT run, site, boot, mark FROM boot").fetchall()
            asked: dict[int, set[int]] = {}
            for run, target in do.execute("SELECT run, target FROM note WHERE kind = 'asked'"):
                asked.setdefault(run, set()).add(target)
        self.name, self.stream, self.position = found
        self._boots = {(site, boot): BootState(run, mark, asked.get(run, set())) for run, site, boot, mark in boots}
        self._of_site: dict[str, int] = {}
        for site, _ in self._boots:
            self._of_site[site] = self._of_site.get(site, 0) + 1

    def close(self) -> None:
        """Idempotent."""
        schema.leave_plain(self._connection)
        self._connection.close()

    @property
    def sites(self) -> set[str]:
        """Those that something is here of."""
        return set(self._of_site)

    # --- what agents send ---------------------------------------------------------------------------------------

    def mark(self, site: str, boot: str) -> int:
        """The last row that is here of a boot; -1: none."""
        state = self._boots.get((site, boot))
        return -1 if state is None else state.mark

    def commit(self, received: Iterable[Received], now: int) -> dict[str, set[str]]:
        """Put what is new onto the disk, all of it or nothing; the boots of each site that were heard of. What is not
        the next row of its boot is left out: its agent sends it again. `now`: epoch ns. `StoreError`."""
        work = _Work(self, now)
        with Transaction(self._connection) as do:
            position = self.position
            for one in received:
                position = max(position, one.position)
                try:
                    if not messages.is_site(one.site):
                        raise BadMessage("there can be no such site")
                    work.take(do, one, messages.read(one.data))
                except BadMessage as why:
                    work.refused.append((one.site, str(why)))
            work.finish(do)
            do.execute("UPDATE hub SET stream = ?, position = ?", (self.stream, position))
        self.position = position
        for key, state in work.states.items():
            if key not in self._boots:
                self._of_site[key[0]] = self._of_site.get(key[0], 0) + 1
                if self._pruner is not None:
                    self._pruner.count_again()
            self._boots[key] = state
        if self.on_kept is not None:
            for site, run, body in work.kept:
                self.on_kept(site, run, body)
        for site, words in work.refused:
            if site in self._refused or len(self._refused) < messages.MOST_SITES:
                self._refused[site] = self._refused.get(site, 0) + 1
            self.on_refused(clean(site), clean(words), self._refused.get(site, 0))
        heard: dict[str, set[str]] = {}
        for site, boot in work.heard:
            heard.setdefault(site, set()).add(boot)
        return heard

    def known(self, site: str, boot: str) -> BootState | None:
        """A copy of what is known of a boot. `BadMessage` where a site may have no more of them."""
        state = self._boots.get((site, boot))
        if state is not None:
            return msgspec.structs.replace(state)
        if site not in self._of_site and len(self._of_site) >= messages.MOST_SITES:
            raise BadMessage(f"there are {messages.MOST_SITES} sites already")
        if self._of_site.get(site, 0) >= MOST_BOOTS:
            raise BadMessage(f"its agent began {MOST_BOOTS} times already")
        return None

    def newest(self) -> list[tuple[str, str]]:
        """Site and boot of each site's last run."""
        last: dict[str, tuple[int, str]] = {}
        for (site, boot), state in self._boots.items():
            last[site] = max(last.get(site, (0, "")), (state.run, boot))
        return [(site, boot) for site, (_, boot) in sorted(last.items())]

    def prune(self) -> bool:
        """Let some of the oldest go where there is too much; whether that was enough. `StoreError`."""
        return self._pruner is None or self._pruner.prune()

    # --- what is assigned to them -------------------------------------------------------------------------------

    def assigned(self) -> dict[str, tuple[int, list[str]]]:
        """By site: the version of its targets, and which. `StoreError`."""
        try:
            rows = self._connection.execute("SELECT site, version, targets FROM assigned").fetchall()
        except schema.ERRORS as error:
            raise schema.explained(error) from None
        return {site: (version, msgspec.json.decode(data, type=list[str])) for site, version, data in rows}

    def assign(self, targets: Mapping[str, list[str]]) -> None:
        """From now on these; what changed has a higher version. `StoreError`."""
        before = self.assigned()
        with Transaction(self._connection) as do:
            for site in {**before, **targets}:
                version, old = before.get(site, (0, []))
                new = targets.get(site, [])
                if new == old and version:
                    continue
                do.execute("DELETE FROM assigned WHERE site = ?", (site,))
                words = "INSERT INTO assigned (site, version, targets) VALUES (?, ?, ?)"
                do.execute(words, (site, version + 1, msgspec.json.encode(new)))


class _Work:
    """What one commit does."""

    def __init__(self, store: HubStore, now: int) -> None:
        self._store = store
        self._now = now
        self.states: dict[tuple[str, str], BootState] = {}
        self.heard: dict[tuple[str, str], int] = {}
        """By site and boot: by how many ns the agent's clock is ahead."""
        self.refused: list[tuple[str, str]] = []
        self.kept: list[tuple[str, int, Body]] = []

    def take(self, do: sqlite3.Connection, one: Received, message: FleetMessage) -> None:
        """A message, if it is the next one. `BadMessage`: nothing was done."""
        key = (one.site, message.boot)
        state = self.states.get(key) or self._store.known(*key)
        mark = -1 if state is None else state.mark
        if message.last <= mark or message.first > mark + 1:
            if state is not None:
                self.heard[key] = message.sent_at - one.at
            return
        rows, more = rows_of(message, set() if state is None else state.targets)
        if state is None:
            run = new_run(do, message.begun, one.site, clean(message.hopscope))
            do.execute("INSERT INTO boot VALUES (?, ?, ?, -1, 0, 0)", (run, *key))
            state = BootState(run, -1)
        elif do.execute("SELECT 1 FROM run WHERE id = ?", (state.run,)).fetchone() is None:
            rows = []  # it was forgotten here, and what it asked for with it
        for words, columns in rows:
            do.executemany(words, [(state.run, *values) for values in columns])
        state.mark = message.last
        if more:
            state.targets = state.targets | more
        self.states[key] = state
        self.heard[key] = message.sent_at - one.at
        if rows:
            self.kept.append((one.site, state.run, message.body))

    def finish(self, do: sqlite3.Connection) -> None:
        """The marks, after all that they stand for."""
        for key, ahead in self.heard.items():
            state = self.states.get(key) or self._store.known(*key)
            assert state is not None
            words = "UPDATE boot SET mark = ?, heard = ?, ahead = ? WHERE run = ?"
            do.execute(words, (state.mark, self._now, max(-(1 << 62), min(ahead, 1 << 62)), state.run))


_Statements = list[tuple[str, list[tuple[Any, ...]]]]
"""Words of SQL whose first value is the run, and the others of each row."""
_NOTE: Final = "INSERT INTO note (run, row, target, kind, fact) VALUES (?, ?, ?, ?, ?)"
_LIVE: Final = "INSERT INTO live (run, row, at, data) VALUES (?, ?, ?, ?)"
_SEGMENT: Final = (
    "INSERT INTO segment (run, target, first_row, last_row, since, until, rounds, probes, bytes, data)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_TIER: Final = "INSERT INTO tier (run, target, span, since, until, data) VALUES (?, ?, ?, ?, ?, ?)"
_OTHER_TIER: Final = "DELETE FROM tier WHERE run = ? AND target = ? AND span = ? AND since = ?"


def rows_of(message: FleetMessage, known: Set[int]) -> tuple[_Statements, Set[int]]:
    """What a message is in tables, without what is of targets that are not `known`; and those that it asks for besides.
    `BadMessage`."""
    row = message.last
    body: Body = message.body
    match body:
        case Facts():
            found: list[tuple[Any, ...]] = []
            asked: set[int] = set()
            for target, data in body.facts:
                try:
                    fact = read_note(data)
                except StoreError as why:
                    raise BadMessage(f"a fact: {why}") from None
                if isinstance(fact, Asked) and target not in known:
                    asked.add(target)
                    if len(known) + len(asked) > MOST_ASKED:
                        raise BadMessage(f"it asks for more than {MOST_ASKED} targets")
                if target == 0 or target in known or target in asked:
                    found.append((row, target, notes.kind_of(fact), notes.encode(fact)))
            return [(_NOTE, found)], asked
        case Probes():
            return [(_LIVE, [(row, body.at, _probes_of(body.data, known))])], set()
        case SegmentRows():
            for one in body.segments:
                if not (one.first_row <= one.last_row < message.first and one.since <= one.until):
                    raise BadMessage("a segment is out of its place")
            segments = [
                (*msgspec.structs.astuple(one)[:-1], len(one.data), one.data)
                for one in body.segments
                if one.target in known
            ]
            return [(_SEGMENT, segments)], set()
        case Bins():
            for bins in body.bins:
                if bins.span not in (MINUTE, HOUR) or bins.since >= bins.until:
                    raise BadMessage("bins are out of their place")
            kept = [bins for bins in body.bins if bins.target in known]
            before = [(bins.target, bins.span, bins.since) for bins in kept if bins.span == HOUR]
            after = [(bins.target, bins.span, bins.since, bins.until, bins.data) for bins in kept]
            return [(_OTHER_TIER, before), (_TIER, after)], set()
        case Sealed():
            if body.before > message.first:
                raise BadMessage("it seals what was not sent")
            return [("DELETE FROM live WHERE run = ? AND row < ?", [(body.before,)])], set()
        case Ended():
            return [("UPDATE run SET ended = max(begun, ?2) WHERE id = ?1", [(body.at,)])], set()
        case Gone():
            return [], set()


def _probes_of(data: bytes, known: Set[int]) -> bytes:
    """A row of probes without targets that are not `known`. `BadMessage`."""
    try:
        if not data.startswith(PACKED):
            raise BadBlock("they are not packed")
        others = {part.target for part in Rows().count(data)} - known
        return without(data, others) if others else data
    except BadBlock as why:
        raise BadMessage(f"probes: {why}") from None


__all__ = ["HubStore"]
