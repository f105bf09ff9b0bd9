"""Minutes and hours: they say what the probes said, before the probes are gone and after."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hopscope.history import pruning, writer
from hopscope.history import store as store_
from hopscope.history.pruning import Pruner
from hopscope.history.store import Store, Trace
from hopscope.history.writer import StoreWriter
from hopscope.path.bins import SPANS, TARGET, Bin, SpanBins, together
from hopscope.path.snapshot import Hop
from hopscope.wire.messages import Answered
from tests.conformance.test_random_networks import networks
from tests.conformance.test_replay import play
from tests.history.recorded import record
from tests.history.test_store import BEGUN, S, head, second, written
from tests.history.test_store import TARGET as ADDRESS

MINUTE, HOUR = SPANS[2], SPANS[4]


def counts(spans: Iterable[SpanBins], ttl: int) -> tuple[int, ...]:
    one = Bin()
    for span in spans:
        one.merge(span.bins.get(ttl, Bin()))
    return one.sent, one.received, one.lost, one.late, one.failed, one.pending


def counted(hop: Hop) -> tuple[int, ...]:
    return hop.sent, hop.received, hop.lost, hop.late, hop.failed, hop.pending


@settings(max_examples=30, deadline=None)
@given(text=networks(), seed=st.integers(0, 2**32), wait=st.integers(1, 60))
def test_minutes_count_what_the_path_counted_whatever_the_network(
    tmp_path_factory: pytest.TempPathFactory, text: str, seed: int, wait: int
) -> None:
    folder = tmp_path_factory.mktemp("recording")
    played = play(folder, text, [(float(wait), "run")])
    record(folder / "store", played.facts, chance=random.Random(seed))
    path = played.fold.snapshot().path
    with Store(str(folder / "store")) as store:
        (trace,) = store.traces()
        for span in (MINUTE, HOUR):
            bins = store.bins(trace, span)
            assert all(part.span == span for part in bins)
            for hop in path.hops:
                assert counts(bins, hop.ttl) == counted(hop)


def test_the_targets_own_series_is_that_of_the_path(tmp_path: Path) -> None:
    written(tmp_path / "store", 1500)
    with Store(str(tmp_path / "store")) as store:
        (trace,) = store.traces()
        bins = store.bins(trace, MINUTE)
    lost = len(range(0, 1500, 7))
    assert counts(bins, TARGET) == (1500, 1500 - lost, lost, 0, 0, 0)
    assert [span.begin for span in bins] == [BEGUN + number * MINUTE for number in range(25)]


def test_what_is_in_no_segment_yet_is_in_its_minutes_and_nothing_is_there_twice(tmp_path: Path) -> None:
    out = written(tmp_path / "store", 1000, end=False)
    with Store(str(tmp_path / "store")) as store:
        (trace,) = store.traces()
        assert counts(store.bins(trace, MINUTE), 1) == (1000, 1000, 0, 0, 0, 0)
        assert counts(store.bins(trace, HOUR), 1) == (1000, 1000, 0, 0, 0, 0)
        (part,) = store.bins(trace, MINUTE, BEGUN + 2 * MINUTE, BEGUN + 3 * MINUTE)
        assert (part.begin, counts([part], 1)[0]) == (BEGUN + 2 * MINUTE, 60)
        assert store.bins(trace, MINUTE, ttls=(2,))[0].bins.keys() == {2}
    out.close()


def sparse(path: Path, rounds: int, each: int = 30) -> StoreWriter:
    """A run with a round in 40 seconds, in segments of `each` rounds."""
    out = StoreWriter(str(path), host="box", begun=BEGUN)
    for fact in head():
        out.add(1, fact)
    for number in range(rounds):
        for fact in second(number * 40):
            out.add(1, fact)
        out.commit()
        if number % each == each - 1:
            out.compact()
    return out


def only(store: Store) -> Trace:
    (trace,) = store.traces()
    return trace


def test_what_is_too_much_goes_the_probes_first_then_minutes_then_hours_and_what_was_said_stays(tmp_path: Path) -> None:
    path = tmp_path / "store"
    out = sparse(path, 900)
    connection = out._connection
    whole = connection.execute("PRAGMA page_count").fetchone()[0] * 4096
    seen = []
    with Store(str(path)) as store:
        for limit in range(whole, -1, -8192):
            pruner = Pruner(connection, out._run, limit)
            while not pruner.prune():
                pass
            trace = only(store)
            spans = store.bins(trace, MINUTE)
            assert spans == together(spans, MINUTE)
            lengths = [span.span for span in spans]
            assert lengths == sorted(lengths, reverse=True)
            seen.append((trace.probes, lengths.count(MINUTE), lengths.count(HOUR)))
            assert [fact for _, fact in store.facts(trace)][:3] == head()
            assert trace.query == ADDRESS
    out.close()
    assert (seen[0][0], seen[-1]) == (2700, (0, 0, 0))
    probes, minutes, hours = zip(*seen, strict=True)
    assert list(probes) == sorted(probes, reverse=True)
    assert len(set(probes)) > 2
    assert all(not one or two == minutes[0] for one, two in zip(probes, minutes, strict=True))
    assert any(0 < one < minutes[0] for one in minutes)
    assert all(one + two for one, two in zip(minutes, hours, strict=True) if one)


def test_a_clock_that_is_not_set_yet_calls_nothing_ahead(tmp_path: Path) -> None:
    """As on a machine without a clock of its own, until it has asked for the time."""
    kept = {}
    for name, now in (("set", BEGUN + 2 * HOUR), ("unset", 0)):
        out = sparse(tmp_path / name, 900)
        connection = out._connection
        used = connection.execute("PRAGMA page_count").fetchone()[0] * 4096
        pruner = Pruner(connection, out._run, used // 2, now=partial(int, now))
        while not pruner.prune():
            pass
        with Store(str(tmp_path / name)) as store:
            spans = store.bins(only(store), MINUTE)
            kept[name] = only(store).probes, [(span.begin, span.span) for span in spans]
        out.close()
    assert kept["set"] == kept["unset"]
    assert kept["unset"][1]


def test_a_store_with_a_limit_keeps_to_it_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "SEGMENT_ROWS", 30)
    path, limit, chance = tmp_path / "store", 90_000, random.Random(1)
    out = StoreWriter(str(path), host="box", begun=BEGUN, limit=limit)
    for fact in head():
        out.add(1, fact)
    sizes = []
    for number in range(7200):
        for fact in second(number, hops=1):
            noise = chance.getrandbits(40)
            out.add(1, msgspec.structs.replace(fact, rtt_ns=noise) if isinstance(fact, Answered) else fact)
        if number % 20 == 19:
            out.commit()
            out.compact_if_due()
            sizes.append(out._connection.execute("PRAGMA page_count").fetchone()[0] * 4096)
    out.end(BEGUN + 7200 * S)
    out.close()
    assert max(sizes) < limit + 80_000
    assert path.stat().st_size <= limit
    with Store(str(path)) as store:
        trace = only(store)
        assert 0 < trace.probes < 7200
        assert counts(store.bins(trace, HOUR), 1)[0] == 7200
        assert max(span.begin for span in store.bins(trace, MINUTE)) == BEGUN + 119 * MINUTE


def test_another_runs_oldest_goes_before_this_ones_newest_and_a_run_that_is_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "store"
    written(path, 2000, target="192.0.2.99")
    out = sparse(path, 100)
    pruner = Pruner(out._connection, out._run, 0)
    while not pruner.prune():
        pass
    with Store(str(path)) as store:
        assert [trace.query for trace in store.traces()] == [ADDRESS]
    out.close()


def test_rows_that_a_killed_writer_left_go_once_nobody_can_be_writing_them(tmp_path: Path) -> None:
    path = tmp_path / "store"
    written(path, 100, end=False).close()
    out = StoreWriter(str(path), host="box", begun=BEGUN, limit=0)
    for fact in (*head(), *second(50)):
        out.add(1, fact)
    out.commit()
    assert out._pruner is not None
    out._pruner.prune()
    with Store(str(path)) as store:
        assert [trace.rounds for trace in store.traces()] == [100, 1]
    for fact in second(5000):
        out.add(1, fact)
    out.commit()
    out._pruner.prune()
    with Store(str(path)) as store:
        assert [trace.rounds for trace in store.traces()] == [2]
    out.close()


def test_a_writer_whose_rows_were_let_go_while_it_slept_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "store"
    out = written(path, 100, end=False)
    other = written(path, 0, end=False)
    for fact in second(50_000):
        other.add(1, fact)
    other.commit()
    used = other._connection.execute("PRAGMA page_count").fetchone()[0] * 4096
    Pruner(other._connection, other._run, used - 1).prune()
    for fact in second(100):
        out.add(1, fact)
    out.compact()
    for fact in second(101):
        out.add(1, fact)
    out.compact()
    with Store(str(path)) as store:
        assert [trace.rounds for trace in store.traces()] == [1, 1]
    other.close()
    out.close()


def test_a_history_of_many_short_runs_lets_the_oldest_go_and_can_always_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "KEPT_TRACES", 4)
    monkeypatch.setattr(store_, "MOST_TRACES", 6)
    path = tmp_path / "store"
    for number in range(9):
        written(path, 1, target=f"192.0.2.{number}")
    with Store(str(path)) as store:
        assert [trace.query for trace in store.traces()] == [f"192.0.2.{number}" for number in range(3, 9)]
    out = StoreWriter(str(path), host="box", begun=BEGUN, limit=1 << 28)
    for fact in head():
        out.add(1, fact)
    out.commit()
    out.end(BEGUN + S)
    out.close()
    with Store(str(path)) as store:
        assert [trace.query for trace in store.traces()] == ["192.0.2.6", "192.0.2.7", "192.0.2.8", ADDRESS]
