"""Stores that are shared, killed, full, strange or broken."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from hopscope.history import schema, writer
from hopscope.history.block import FormerPart, RowPart, encoder
from hopscope.history.forgetting import forget
from hopscope.history.notes import Named, SaidVerdict
from hopscope.history.recorder import Recorder, Seen
from hopscope.history.store import Store, StoreError
from hopscope.history.unpacking import parts_of
from hopscope.history.writer import StoreWriter
from hopscope.judge.verdict import VERSION, Incident, Judged, Verdict
from hopscope.names.facts import AddressInfo, Geo, Origin
from hopscope.session.facts import Asked, SessionFact
from hopscope.session.model import Probing
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Answered, Lost, Plan, RoundStarted, Sent, Started
from tests.history.recorded import snapshot

BEGUN = 1_767_268_800_000_000_000
S = 1_000_000_000
TARGET = "192.0.2.80"


def head(target: str = TARGET) -> list[SessionFact]:
    plan = Plan(target, 4)
    started = Started(1, "ping-socket", "192.0.2.2", None, None, 64, "one", "kernel")
    return [Asked(BEGUN, target, Probing()), Begun(BEGUN, plan), started]


def second(number: int, hops: int = 3) -> list[SessionFact]:
    """What a round tells; the last hop's every seventh probe is lost."""
    at = BEGUN + number * S
    facts: list[SessionFact] = [RoundStarted(1, number, at)]
    for ttl in range(1, hops + 1):
        sent = at + ttl * 50_000_000
        facts.append(Sent(1, number, ttl, sent))
        if ttl == hops and number % 7 == 0:
            facts.append(Lost(1, number, ttl, sent))
        else:
            rtt = 1_000_000 * ttl + number
            if ttl == hops:
                facts.append(Answered(1, number, ttl, sent, rtt, TARGET, "echo-reply"))
            else:
                facts.append(Answered(1, number, ttl, sent, rtt, f"192.0.2.{ttl}", "time-exceeded"))
    return facts


def written(path: Path, rounds: int, *, end: bool = True, target: str = TARGET) -> StoreWriter:
    out = StoreWriter(str(path), host="box", begun=BEGUN)
    for fact in head(target):
        out.add(1, fact)
    for number in range(rounds):
        for fact in second(number):
            out.add(1, fact)
        out.commit()
        out.compact_if_due()
    if end:
        out.end(BEGUN + rounds * S)
        out.close()
    return out


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_a_recording_that_has_ended_is_one_file_for_its_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        written(path, 3)
    finally:
        os.umask(before)
    assert sorted(file.name for file in path.parent.iterdir()) == ["store"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_stands_beside_it_while_it_is_written_is_private_too(path: Path) -> None:
    before = os.umask(0)
    try:
        out = written(path, 3, end=False)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    out.close()


def test_it_says_what_it_holds(path: Path) -> None:
    written(path, 700)
    with Store(str(path)) as store:
        (trace,) = store.traces()
    assert (trace.query, trace.address, trace.protocol) == (TARGET, TARGET, "icmp")
    assert (trace.rounds, trace.probes) == (700, 2100)
    assert (trace.begun, trace.until) == (BEGUN, BEGUN + 700 * S)
    assert (trace.run.host, trace.run.ended) == ("box", BEGUN + 700 * S)
    assert 0 < trace.bytes < path.stat().st_size


def test_a_span_has_the_probes_that_were_sent_in_it_with_their_fates(path: Path) -> None:
    written(path, 1500)
    with Store(str(path)) as store:
        (trace,) = store.traces()
        whole = snapshot(store, trace)
        part = snapshot(store, trace, BEGUN + 700 * S, BEGUN + 799 * S + S // 2)
    assert whole.path.rounds == 1500
    assert part.path.rounds == 100
    assert [(hop.sent, hop.received + hop.lost) for hop in part.path.hops] == [(100, 100)] * 3
    assert part.path.hops[-1].lost == sum(number % 7 == 0 for number in range(700, 800))
    assert part.path.started_at == BEGUN + 700 * S


def test_a_span_knows_nothing_of_what_came_later(path: Path) -> None:
    out = written(path, 650, end=False)
    out.add(1, Asked(BEGUN + 650 * S, "other.example", Probing()))
    out.add(1, Begun(BEGUN + 650 * S, Plan("198.51.100.1", 4)))
    out.end(BEGUN + 651 * S)
    out.close()
    with Store(str(path)) as store:
        (trace,) = store.traces()
        assert snapshot(store, trace).address == "198.51.100.1"
        assert snapshot(store, trace, until=BEGUN + 640 * S).address == TARGET


def test_two_may_write_one_store_while_three_read_it(path: Path) -> None:
    one = written(path, 5, end=False)
    two = written(path, 7, end=False, target="192.0.2.81")
    readers = [Store(str(path)) for _ in range(3)]
    for number in range(5, 10):
        for out in (one, two):
            for fact in second(number):
                out.add(1, fact)
            out.commit()
    assert [[trace.rounds for trace in reader.traces()] for reader in readers] == [[10, 12]] * 3
    for reader in readers:
        reader.close()
    one.close()
    two.close()


PROGRAM = """
import sys
from pathlib import Path
from tests.history.test_store import written, second
out = written(Path(sys.argv[1]), 0, end=False)
number = 0
while True:
    for fact in second(number):
        out.add(1, fact)
    out.commit()
    out.compact_if_due()
    number += 1
    print(number, flush=True)
"""


@pytest.mark.parametrize("rounds", [1, 37, 599, 640])
def test_a_writer_that_is_killed_loses_nothing_that_it_had_committed(path: Path, rounds: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True
    )
    assert process.stdout is not None
    with process.stdout:
        told = 0
        for line in process.stdout:
            told = int(line)
            if told >= rounds:
                process.send_signal(signal.SIGKILL)
                break
        told = max([told, *(int(line) for line in process.stdout if line.endswith("\n"))])
    process.wait()
    with Store(str(path)) as store:
        (trace,) = store.traces()
        assert trace.run.ended is None
        assert trace.rounds in (told, told + 1)
        path_seen = snapshot(store, trace).path
        assert path_seen.rounds == trace.rounds
        assert [hop.sent for hop in path_seen.hops] == [trace.rounds] * 3


def test_copies_of_the_files_at_any_moment_open(path: Path, tmp_path: Path) -> None:
    """What a power cut leaves: the log may end anywhere."""
    out = written(path, 40, end=False)
    log = (tmp_path / "store-wal").read_bytes()
    seen = set()
    refused = {}
    for share in range(21):
        folder = tmp_path / f"copy{share}"
        folder.mkdir()
        shutil.copy(path, folder / "store")
        (folder / "store-wal").write_bytes(log[: len(log) * share // 20])
        try:
            with Store(str(folder / "store")) as store:
                seen.add(sum(trace.rounds for trace in store.traces()))
        except StoreError as why:
            refused[share] = str(why)
    assert set(refused.values()) <= {schema._CUT_OFF}
    assert max(seen) == 40
    out.close()


def test_a_full_disk_costs_nothing_once_there_is_room_again(path: Path) -> None:
    out = written(path, 3, end=False)
    pages = out._connection.execute("PRAGMA page_count").fetchone()[0]
    out._connection.execute(f"PRAGMA max_page_count = {pages}")
    failures = set()
    for number in range(3, 200):
        for fact in second(number):
            out.add(1, fact)
        try:
            out.commit()
        except StoreError as why:
            failures.add((str(why), why.passes))
    assert failures == {("the disk is full", True)}
    out._connection.execute("PRAGMA max_page_count = 100000")
    out.end(BEGUN + 200 * S)
    out.close()
    with Store(str(path)) as store:
        (trace,) = store.traces()
        assert (trace.rounds, store.missed(trace.run)) == (200, 0)


def test_a_store_that_was_removed_takes_nothing_more_and_one_that_was_moved_does(path: Path, tmp_path: Path) -> None:
    for is_removed in (True, False):
        out = written(path, 3, end=False)
        path.unlink() if is_removed else path.rename(tmp_path / "moved")
        out.extend(1, second(3))
        if is_removed:
            for ending in (out.commit, lambda: out.end(BEGUN + 4 * S)):  # noqa: B023 - of this round
                with pytest.raises(StoreError, match=r"^somebody removed it meanwhile$") as why:
                    ending()
                assert not why.value.passes
        else:
            out.end(BEGUN + 4 * S)
        out.close()
    with Store(str(tmp_path / "moved")) as store:
        assert [trace.rounds for trace in store.traces()] == [4]


def test_what_a_full_disk_never_takes_is_counted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING", 2000)
    out = written(path, 1, end=False)
    out._connection.execute("PRAGMA max_page_count = 1")
    for number in range(1, 101):
        for fact in second(number):
            out.add(1, fact)
        with suppress(StoreError):
            out.commit()
    out._connection.execute("PRAGMA max_page_count = 100000")
    out.end(BEGUN + 101 * S)
    out.close()
    with Store(str(path)) as store:
        (trace,) = store.traces()
        assert store.missed(trace.run) == 7 * (101 - trace.rounds) > 0


def test_names_are_kept_as_they_were(path: Path) -> None:
    info = AddressInfo(
        "gw.example",
        True,
        (Origin(64500, "EXAMPLE", "192.0.2.0/24", "NL", "ripencc", None),),
        Geo("NL", None),
        "private",
    )
    out = written(path, 1, end=False)
    out.add(0, Named.of("192.0.2.1", AddressInfo()))
    out.add(0, Named.of("192.0.2.1", info))
    out.end(BEGUN + S)
    out.close()
    with Store(str(path)) as store:
        (run,) = store.runs()
        assert store.names(run) == {"192.0.2.1": info}


def test_a_file_that_is_no_recording_is_refused_in_a_line(path: Path, tmp_path: Path) -> None:
    path.write_text("not a database\n" * 100)
    with pytest.raises(StoreError, match="no recording"):
        Store(str(path))
    with pytest.raises(StoreError, match="no recording"):
        StoreWriter(str(path), host="box", begun=0)
    assert path.read_text() == "not a database\n" * 100
    other = tmp_path / "other"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (a)")
    connection.close()
    for use in (Store, lambda name: StoreWriter(name, host="box", begun=0)):
        with pytest.raises(StoreError, match="no recording"):
            use(str(other))
    with pytest.raises(FileNotFoundError):
        Store(str(tmp_path / "missing"))
    with pytest.raises(StoreError, match="no file"):
        Store(str(tmp_path))


def test_a_store_whose_making_was_cut_off_is_said_to_be_one_and_is_made_whole(path: Path) -> None:
    path.touch()
    with pytest.raises(StoreError, match="nothing is in it: its making was cut off"):
        Store(str(path))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("VACUUM")  # a file without tables
    connection.close()
    with pytest.raises(StoreError, match="nothing is in it: its making was cut off"):
        Store(str(path))
    written(path, 3)
    with Store(str(path)) as store:
        assert [trace.rounds for trace in store.traces()] == [3]


def test_a_row_that_is_broken_hides_nothing_else(path: Path) -> None:
    written(path, 4, end=False, target="192.0.2.81")._connection.close()
    written(path, 7, target="192.0.2.82")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE live SET data = x'00' WHERE row = (SELECT max(row) - 1 FROM live)")
    connection.commit()
    connection.close()
    with Store(str(path)) as store:
        one, two = store.traces()
        assert (one.rounds, two.rounds, store.broken) == (3, 7, {one.run.id})
        assert snapshot(store, one).path.rounds == 3
        assert snapshot(store, two).path.rounds == 7


def test_a_run_on_a_clock_before_1970_is_kept_as_any_other(path: Path) -> None:
    early = -5 * 86_400 * S
    out = StoreWriter(str(path), host="box", begun=early)
    for fact in [*head(), *second(0)]:
        out.add(1, moved(fact, early - BEGUN))
    out.end(early + S)
    out.close()
    with Store(str(path)) as store:
        (trace,) = store.traces()
        assert (trace.begun, trace.until) == (early, early + S)
        told = [fact for _, fact in store.facts(trace)]
    assert told == [moved(fact, early - BEGUN) for fact in [*head(), *second(0)]]


def moved(fact: SessionFact, by: int) -> SessionFact:
    """The same at another time, ns later."""
    if isinstance(fact, (Sent, Answered, Lost)):
        return msgspec.structs.replace(fact, sent_at=fact.sent_at + by)
    if isinstance(fact, (Asked, Begun, RoundStarted)):
        return msgspec.structs.replace(fact, at=fact.at + by)
    return fact


@pytest.mark.parametrize(("version", "words"), [(7, "a later version"), (1, "another version")])
def test_a_store_of_another_version_is_refused_in_words(path: Path, version: int, words: str) -> None:
    written(path, 1)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(StoreError, match=rf"{words} of hopscope \(tables {version}, here 3\)"):
        Store(str(path))
    with pytest.raises(StoreError, match=words):
        StoreWriter(str(path), host="box", begun=BEGUN)


def former(path: Path) -> None:
    """Make a store, whose writer was killed, one as version 2 wrote it."""
    connection = sqlite3.connect(path)
    for id_, data in connection.execute("SELECT id, data FROM live").fetchall():
        parts = [
            FormerPart(
                part.target,
                part.known,
                list(part.shapes),
                array("H", part.codes).tobytes(),
                array("q", part.rounds).tobytes(),
                array("q", part.times).tobytes(),
                array("q", part.rtts).tobytes(),
                list(part.odd),
            )
            for part in parts_of(data)
            if isinstance(part, RowPart)
        ]
        connection.execute("UPDATE live SET data = ? WHERE id = ?", (encoder.encode(parts), id_))
    connection.execute("PRAGMA user_version = 2")
    connection.commit()
    connection.close()


def facts_of(path: Path) -> list[list[tuple[int, SessionFact]]]:
    with Store(str(path)) as store:
        return [list(store.facts(trace)) for trace in store.traces()]


def test_a_store_of_the_version_before_is_read_as_it_is(path: Path) -> None:
    written(path, 20, end=False)._connection.close()
    facts = facts_of(path)
    former(path)
    before = path.read_bytes()
    assert facts_of(path) == facts
    assert path.read_bytes() == before


def test_a_store_of_the_version_before_is_written_to_and_becomes_one_of_today(path: Path) -> None:
    written(path, 20, end=False)._connection.close()
    facts = facts_of(path)
    former(path)
    written(path, 5, target="192.0.2.81")
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    connection.close()
    assert facts_of(path)[0] == facts[0]


def test_a_target_of_several_is_forgotten_in_rows_of_the_version_before(path: Path) -> None:
    out = written(path, 3, end=False)
    for fact in head("192.0.2.81"):
        out.add(2, fact)
    out.extend(2, second(3))
    out.commit()
    out._connection.close()
    facts = facts_of(path)
    former(path)
    assert forget(str(path), "192.0.2.81", None) == 1
    assert facts_of(path) == facts[:1]


def test_tables_that_are_not_ours_are_never_asked(path: Path) -> None:
    written(path, 1)
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE note")
    connection.execute("CREATE VIEW note AS SELECT 1 AS id, 1 AS run, 0 AS row, 1 AS target, randomblob(9) AS fact")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="its tables"):
        Store(str(path))


def use(path: Path) -> Iterator[object]:
    """Whatever a reader does with a store."""
    with Store(str(path)) as store:
        for run in store.runs():
            yield store.names(run)
        for trace in store.traces():
            yield from store.facts(trace)
            yield from store.bins(trace, 60 * S)


def test_a_file_in_which_bytes_were_changed_is_read_or_refused_in_a_line(path: Path, tmp_path: Path) -> None:
    written(path, 650)
    data = path.read_bytes()
    chance = random.Random(16)
    broken = tmp_path / "broken"
    said = set()
    for _ in range(150):
        changed = bytearray(data)
        for _ in range(chance.choice([1, 3, 40])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        broken.write_bytes(changed[: chance.randrange(len(data))] if chance.random() < 0.2 else changed)
        try:
            for _ in use(broken):
                pass
        except StoreError as why:
            said.add(str(why))
    assert {line.splitlines()[0] for line in said} == said != set()


def test_a_bomb_is_refused(path: Path) -> None:
    import zlib

    written(path, 1)
    connection = sqlite3.connect(path)
    bomb = zlib.compress(b"\x90" * (200 << 20), 9)
    connection.execute("UPDATE segment SET data = ?", (bomb,))
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="broken"):
        list(use(path))


def test_a_network_file_system_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "network_system", lambda folder: "nfs4")
    with pytest.raises(StoreError, match="network file system \\(nfs4\\)"):
        StoreWriter(str(path), host="box", begun=0)
    assert not path.exists()


def test_here_is_no_network_file_system(tmp_path: Path) -> None:
    assert schema.network_system(str(tmp_path)) is None


def test_a_recorder_writes_in_a_thread_and_keeps_what_was_told_before_the_end(path: Path) -> None:
    recorder = Recorder(lambda: StoreWriter(str(path), host="box", begun=BEGUN), every_s=0.01)
    for fact in [*head(), *(fact for number in range(20) for fact in second(number))]:
        recorder.fact(1, fact)
    recorder.end(BEGUN + 20 * S)
    for fact in second(20):
        recorder.fact(1, fact)
    recorder.close(BEGUN + 99 * S)
    assert recorder.trouble is None
    with Store(str(path)) as store:
        (trace,) = store.traces()
        assert (trace.rounds, trace.run.ended) == (20, BEGUN + 20 * S)


def test_a_recorder_whose_store_is_lost_says_why_and_nothing_else_happens(path: Path) -> None:
    out = StoreWriter(str(path), host="box", begun=BEGUN)
    out._connection.execute("PRAGMA query_only = ON")
    recorder = Recorder(lambda: out, every_s=0.01)
    for fact in head():
        recorder.fact(1, fact)
    recorder.close(BEGUN)
    assert recorder.trouble == "it cannot be written to"
    recorder.fact(1, second(0)[0])
    recorder.close(BEGUN)


def test_a_name_is_told_when_it_is_new_and_not_again() -> None:
    seen = Seen()
    assert seen.named({"192.0.2.1": AddressInfo()}) == [Named("192.0.2.1")]
    assert seen.named({"192.0.2.1": AddressInfo()}) == []
    assert seen.named({"192.0.2.1": AddressInfo("gw.example")}) == [Named("192.0.2.1", "gw.example")]


def test_a_verdict_is_told_when_its_kind_or_place_is_another_and_an_incident_when_it_begins_and_ends() -> None:
    seen = Seen()
    healthy, lost = Verdict(kind="healthy"), Verdict(kind="loss", first_ttl=3, last_ttl=4)
    begun = Incident(id="1", kind="loss", begin=5, sent=10, lost=2)
    ended = msgspec.structs.replace(begun, end=9)
    assert seen.said(1, Judged(verdict=Verdict(kind="starting"))) is None
    assert seen.said(1, Judged(verdict=healthy)) == SaidVerdict(healthy, (), VERSION)
    assert seen.said(1, Judged(verdict=Verdict(kind="healthy", round=7))) is None
    assert seen.said(1, Judged(verdict=lost, incidents=(begun,))) == SaidVerdict(lost, (begun,), VERSION)
    grown = msgspec.structs.replace(begun, sent=20, lost=4)
    assert seen.said(1, Judged(verdict=lost, incidents=(grown,))) is None
    assert seen.said(1, Judged(verdict=healthy, incidents=(ended,))) == SaidVerdict(healthy, (ended,), VERSION)
    assert seen.said(2, Judged(verdict=healthy)) == SaidVerdict(healthy, (), VERSION)
