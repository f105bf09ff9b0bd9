"""The store's tables, and how one is opened.

- ``run``: a session that was recorded. `ended` is null while it goes on, and for ever where its writer was killed.
- ``note``: a fact that is no probe's, `kind` its type. It comes before the probes of its row.
- ``live``: the probes of all targets that were written by one commit; `at` is a moment in it.
- ``segment``: the probes of one target over many rows, taken out of ``live`` ten minutes later.
- ``tier``: bins of one target (`path.bins`): the minutes of a segment in one, and each hour in one. They stay when the
  segments are gone.

The stores of a fleet have four more:

- ``boot``: which run belongs to which boot of which site's agent; `mark` is the last row of it that the hub has on its
  disk. A hub also keeps when (epoch ns) it `heard` from it last, and by how many ns its clock is `ahead`.
- ``parcel``: in an agent's store, the rows of a run that stand for segments, bins or its end, and which those are.
- ``assigned``: the targets of a site, a JSON list, and their version.
- ``hub``: a hub's own name, and how much of which stream it has read.

A row is a number that a run counts up with each commit (and within one, where a note stands between probes).
Times are epoch ns on the run's own time line.
"""

from __future__ import annotations

import os
import pwd
import sqlite3
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from hopscope.history import place

VERSION: Final = 3
"""Of what stands in a store."""
FORMER: Final = 2
"""The one before: its rows are told apart (`block.FormerPart`), the rest is the same, so that it is read as it is, and
made one of `VERSION` by whoever writes to it. An older one is refused, in words: no released hopscope wrote one."""
APPLICATION: Final = 0x484F5053
"""``HOPS``: what makes an SQLite file one of ours."""
MAGIC: Final = b"SQLite format 3\0"
_WITHOUT_LOG, _WITH_LOG = b"\1\1", b"\2\2"
"""The versions of the file format at its 18th and 19th byte (sqlite.org/fileformat2.html, 1.3.3)."""
BUSY_S: Final = 1.0
"""How long another writer is waited for."""
MOST_BLOB: Final = 16 << 20
MOST_LOG_PAGES: Final = 4000
"""Of the log, until a commit has to put them into the file; a writer does so itself, when it makes segments."""

_TABLES: Final = {
    "run": "CREATE TABLE run (id INTEGER PRIMARY KEY, begun INTEGER NOT NULL, ended INTEGER, host TEXT NOT NULL,"
    " hopscope TEXT NOT NULL) STRICT",
    "note": "CREATE TABLE note (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, row INTEGER NOT NULL,"
    " target INTEGER NOT NULL, kind TEXT NOT NULL, fact BLOB NOT NULL) STRICT",
    "note_of": "CREATE INDEX note_of ON note (run, target, kind)",
    "live": "CREATE TABLE live (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, row INTEGER NOT NULL,"
    " at INTEGER NOT NULL, data BLOB NOT NULL) STRICT",
    "segment": "CREATE TABLE segment (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, target INTEGER NOT NULL,"
    " first_row INTEGER NOT NULL, last_row INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,"
    " rounds INTEGER NOT NULL, probes INTEGER NOT NULL, bytes INTEGER NOT NULL, data BLOB NOT NULL) STRICT",
    # What is asked of segments stands in the index: their rows lie among their blobs.
    "segment_of": "CREATE INDEX segment_of ON segment (run, target, first_row, last_row, since, until,"
    " rounds, probes, bytes)",
    "tier": "CREATE TABLE tier (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, target INTEGER NOT NULL,"
    " span INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, data BLOB NOT NULL) STRICT",
    "tier_of": "CREATE INDEX tier_of ON tier (run, target, span, since, until)",
}
FLEET_TABLES: Final = {
    "boot": "CREATE TABLE boot (run INTEGER PRIMARY KEY, site TEXT NOT NULL, boot TEXT NOT NULL, mark INTEGER NOT NULL,"
    " heard INTEGER NOT NULL, ahead INTEGER NOT NULL) STRICT",
    "boot_of": "CREATE INDEX boot_of ON boot (site, boot)",
    "parcel": "CREATE TABLE parcel (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, row INTEGER NOT NULL,"
    " kind TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT",
    "parcel_of": "CREATE INDEX parcel_of ON parcel (run, row)",
    "assigned": "CREATE TABLE assigned (id INTEGER PRIMARY KEY, site TEXT NOT NULL, version INTEGER NOT NULL,"
    " targets BLOB NOT NULL) STRICT",
    "hub": "CREATE TABLE hub (id INTEGER PRIMARY KEY, name TEXT NOT NULL, stream TEXT NOT NULL,"
    " position INTEGER NOT NULL) STRICT",
}
"""What an agent's store and a hub's have besides."""


_CUT_OFF: Final = "nothing is in it: its making was cut off, as by a full disk; the next run with room makes it whole"


class StoreError(Exception):
    """The store cannot be used: why, in a few words, without its name. `passes`: that may be over in a moment."""

    def __init__(self, words: str, *, passes: bool = False) -> None:
        super().__init__(words)
        self.passes = passes


_NETWORK_SYSTEMS: Final = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "ncpfs", "fuse.sshfs", "fuse.glusterfs")
)


ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises. The second: a broken file's error names what is broken, in bytes that are no text."""


def explained(error: Exception) -> StoreError:
    """An error of SQLite's in words."""
    if isinstance(error, UnicodeDecodeError):
        return StoreError("it is broken, or no recording of hopscope's")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreError("the disk is full", passes=True)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError("another program holds it", passes=True)
    if code == sqlite3.SQLITE_READONLY:
        return StoreError("it cannot be written to")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreError("it is broken, or no recording of hopscope's")
    if code == sqlite3.SQLITE_IOERR:
        return StoreError("the disk does not take it", passes=True)
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreError("it cannot be opened")
    return StoreError(str(error) or "it cannot be used")


def open_to_write(path: str) -> sqlite3.Connection:
    """A store that is there, or a new one, for its owner alone. `StoreError`, `OSError`."""
    system = network_system(os.path.dirname(os.path.abspath(path)))
    if system is not None:
        raise StoreError(f"it stands on a network file system ({system}), on which several writers break it")
    _looked_at(place.check_folder, path)
    # Made here, so that nobody else can read it for a moment either; SQLite gives what stands beside it the same mode.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK, 0o600)
    try:
        if not Path(path).is_file():
            raise StoreError("it is no file")
        head = os.read(descriptor, 20)
        if head and not head.startswith(MAGIC):
            raise StoreError("it is no recording of hopscope's")
        if not head:
            # Whatever the umask is: one that leaves nobody a right would leave the owner none.
            with suppress(OSError):
                os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    _looked_at(place.check_beside, path)
    try:
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    except ERRORS as error:
        raise explained(error) from None
    try:
        _harden(connection)
        if not head.endswith(_WITH_LOG):
            _without_journal(connection)
        if not head:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        connection.execute(f"PRAGMA wal_autocheckpoint = {MOST_LOG_PAGES}")
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            _make_tables(connection)
        if _check(connection) == FORMER:
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        _looked_at(place.check_opened, path)
    except ERRORS as error:
        connection.close()
        raise explained(error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    for words in _TABLES.values():
        connection.execute(words)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def open_in_memory() -> sqlite3.Connection:
    """A new store that is no file."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _harden(connection)
    _make_tables(connection)
    return connection


def make_ready(path: str, opener: Callable[[str, int, int], int]) -> list[str]:
    """Make a new store, or one that is there, such that a process can write to it which can make no file any more;
    with these files. Nothing of one that is there is read. `opener` opens them, as `os.open` does. `StoreError`,
    `OSError`."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    _looked_at(place.check_folder, path)
    descriptor = opener(path, flags, 0o600)
    try:
        _looked_at(place.check_beside, path)
        head = os.read(descriptor, 20)
        if head.startswith(MAGIC) and head.endswith(_WITHOUT_LOG):
            os.pwrite(descriptor, _WITH_LOG, 18)
    finally:
        os.close(descriptor)
    real = os.path.realpath(path)
    if not head:
        open_to_write(real).close()
    for ending in place.BESIDE:
        os.close(opener(real + ending, flags, 0o600))
    return [real, *(real + ending for ending in place.BESIDE)]


def open_to_read(path: str) -> sqlite3.Connection:
    """A store that is there, also one that somebody writes, or on a medium that nobody can write. `StoreError`,
    `FileNotFoundError`."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise StoreError("it is no file")
        with open(path, "rb") as file:
            head = file.read(16)
            if head != MAGIC:
                raise StoreError(_CUT_OFF if not head else "it is no recording of hopscope's")
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as unreadable:
        raise StoreError(why_not_read(path, unreadable)) from None
    _looked_at(place.check_beside, path)
    name = Path(os.path.abspath(path)).as_uri()
    why: Exception | None = None
    # A file in WAL mode without its log beside it needs a folder that can be written to, unless nobody writes it.
    log = f"{path}-wal"
    for mode in ("mode=ro", *(("immutable=1",) if not os.path.exists(log) or not os.path.getsize(log) else ())):
        try:
            connection = sqlite3.connect(
                f"{name}?{mode}", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
        except ERRORS as problem:
            why = why or problem
            continue
        try:
            _harden(connection)
            connection.execute("PRAGMA query_only = ON")
            _check(connection)
            _looked_at(place.check_opened, path)
        except ERRORS as problem:
            connection.close()
            why = why or problem
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    assert why is not None
    raise explained(why) from None


def why_not_read(path: str, unreadable: OSError) -> str:
    """In words that say what to do: a store is its owner's alone, and so is, mostly, the folder that it stands in."""
    if not isinstance(unreadable, PermissionError):
        return unreadable.strerror or str(unreadable)
    while path != os.path.dirname(path):
        with suppress(OSError):
            owner = os.stat(path).st_uid
            if owner == os.geteuid():
                break
            with suppress(KeyError):
                return f"it is for the user {pwd.getpwuid(owner).pw_name} alone; look at it as that user"
            return f"it is for the user of number {owner} alone; look at it as that user"
        path = os.path.dirname(os.path.abspath(path))
    return "this user may not read it"


def leave_plain(connection: sqlite3.Connection) -> None:
    """Before it is closed: leave one plain file, where nobody else has it open."""
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = MEMORY")  # and no journal beside it, even for a moment


def _without_journal(connection: sqlite3.Connection) -> None:
    """Until the store has its log no journal is made beside it. Where another writer has made the log by now, that is
    as well."""
    connection.execute("PRAGMA busy_timeout = 0")
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")


def _looked_at(check: Callable[[str], None], path: str) -> None:
    try:
        check(path)
    except place.UnsafePlace as unsafe:
        raise StoreError(str(unsafe)) from None
    except FileNotFoundError:
        raise
    except OSError as unknown:
        raise StoreError(unknown.strerror or str(unknown)) from None


def _harden(connection: sqlite3.Connection) -> None:
    """Whoever made the file may mean harm: nothing in it is run, and nothing of it is larger than it may be."""
    connection.text_factory = lambda data: data.decode("utf-8", "backslashreplace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BLOB)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -2048")


def _check(connection: sqlite3.Connection) -> int:
    """That these are our tables, and nothing else is there; of which version. `StoreError`."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        is_empty = not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        raise StoreError(_CUT_OFF if is_empty else "it is no recording of hopscope's")
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version not in (VERSION, FORMER):
        newer = "a later" if version > VERSION else "another"
        raise StoreError(f"it was written by {newer} version of hopscope (tables {version}, here {VERSION})")
    # Whole: a trigger may have the name of a table, and is run by who writes to that.
    most = len(_TABLES) + len(FLEET_TABLES) + 1
    found = sorted(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchmany(most))
    if found not in (_made(_TABLES), _made(_TABLES | FLEET_TABLES)):
        raise StoreError("its tables are not those of a recording of hopscope's")
    return version


def _made(tables: dict[str, str]) -> list[tuple[str, str, str, str]]:
    """What the schema of a store says, sorted: kind, name, of which table, and how it was made."""
    return sorted(
        ("index", name, words.split(" ON ")[1].split()[0], words)
        if words.startswith("CREATE INDEX")
        else ("table", name, name, words)
        for name, words in tables.items()
    )


def network_system(folder: str) -> str | None:
    """The kind of network file system that a folder stands on; None: it stands on none, or that cannot be known."""
    try:
        real = os.path.realpath(folder)
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            mounts = [line.split() for line in file]
    except (OSError, ValueError):
        return None
    best, system = -1, ""
    for words in mounts:
        if len(words) < 7 or "-" not in words:
            continue
        # proc(5): blanks in a name are octal.
        place = words[4].replace("\\040", " ")
        if (real == place or real.startswith(place.rstrip("/") + "/")) and len(place) >= best:
            best, system = len(place), words[words.index("-") + 1]
    return system if system in _NETWORK_SYSTEMS else None
