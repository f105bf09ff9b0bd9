"""Minutes and hours: they say what the probes said, before the probes are gone and after."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hopscope.history.store import Store, Trace
from hopscope.history.writer import StoreWriter
from hopscope.path.bins import SPANS, TARGET, Bin, SpanBins, together
from hopscope.path.snapshot import Hop
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


def prune(path: Path, limit: int, rounds: int, each: int = 30) -> StoreWriter:
    """A run whose store may have `limit` bytes, with segments of `each` rounds."""
    out = StoreWriter(str(path), host="box", begun=BEGUN, limit=limit)
    for fact in head():
        out.add(1, fact)
    for number in range(rounds):
        for fact in second(number * 40):
            out.add(1, fact)
        out.commit()
        if number % each == each - 1:
            out.compact()
            assert out._pruner is not None
            out._pruner.prune()
    return out


def only(store: Store) -> Trace:
    (trace,) = store.traces()
    return trace


@pytest.mark.parametrize(("limit", "left"), [(400_000, "probes"), (170_000, "minutes"), (60_000, "hours"), (0, "said")])
def test_what_is_too_much_goes_the_probes_first_then_minutes_then_hours_and_what_was_said_stays(
    tmp_path: Path, limit: int, left: str
) -> None:
    path = tmp_path / "store"
    out = prune(path, limit, 3000)
    out.end(BEGUN + 120_000 * S)
    out.close()
    with Store(str(path)) as store:
        trace = only(store)
        spans = store.bins(trace, MINUTE)
        lengths = {span.span for span in spans}
        kept = "probes" if trace.probes else "minutes" if MINUTE in lengths else "hours" if lengths else "said"
        assert kept == left
        assert (trace.query, trace.until) == (ADDRESS, BEGUN + 120_000 * S)
        if lengths == {MINUTE, HOUR}:
            assert max(span.begin + HOUR for span in spans if span.span == HOUR) <= min(
                span.begin for span in spans if span.span == MINUTE
            )
        assert spans == together(spans, MINUTE)
        facts = [fact for _, fact in store.facts(trace)]
        assert facts[:3] == head()
    if limit:
        assert path.stat().st_size <= limit


def test_another_runs_oldest_goes_before_this_ones_newest_and_a_run_that_is_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "store"
    written(path, 2000, target="192.0.2.99")
    out = prune(path, 0, 100)
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
