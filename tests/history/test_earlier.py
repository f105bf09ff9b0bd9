"""Going on where an earlier run was: whose past it is, and what is taken of it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from hopscope.history.earlier import Earlier, earlier
from hopscope.history.store import Store
from hopscope.history.ways import TraceKey, WayIn, way_in
from hopscope.history.writer import StoreWriter
from hopscope.path.fold import PathFold
from hopscope.path.snapshot import Path as SeenPath
from hopscope.path.timeline import Timeline
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Answered, Kind, Plan, RoundStarted, Sent, Started
from tests.history.test_store import BEGUN, TARGET, S, second, written

HOME = WayIn("192.0.2.1", None)
MINE = TraceKey(TARGET, TARGET, "icmp", None, HOME)
LATER = BEGUN + 10_000 * S


@pytest.fixture
def store(tmp_path: Path) -> str:
    path = tmp_path / "history.db"
    out = written(path, 300, end=False)
    out.add(1, HOME)
    out.end(BEGUN + 300 * S)
    out.close()
    return str(path)


def today(*addresses: str | None, rounds: int = 1) -> SeenPath:
    """A path on which these answered, hop by hop."""
    fold = PathFold(TARGET)
    for number in range(rounds):
        at = LATER + number * S
        fold.apply(RoundStarted(1, number, at))
        for ttl, address in enumerate(addresses, 1):
            fold.apply(Sent(1, number, ttl, at + ttl))
            if address is not None:
                kind: Kind = "echo-reply" if address == TARGET else "time-exceeded"
                fold.apply(Answered(1, number, ttl, at + ttl, 1_000_000 * ttl, address, kind))
    return fold.snapshot()


def found(path: str, whose: TraceKey = MINE, now: SeenPath | None = None, before: int = LATER) -> Earlier | None:
    with Store(path) as store:
        (one,) = earlier(store, [(whose, now or today("192.0.2.1", "192.0.2.2", TARGET))], before)
    return one


def test_the_same_target_from_the_same_network_has_its_past_back(store: str) -> None:
    past = found(store)
    assert past is not None
    assert past.until == BEGUN + 300 * S
    assert sum(span.bins[3].sent for span in past.bins) == 300
    assert sum(span.bins[3].lost for span in past.bins) == sum(number % 7 == 0 for number in range(300))
    usual = [one for one in past.delays if one.ttl == 0]
    assert usual
    assert all(one.median == pytest.approx(3.0, abs=0.001) for one in usual)


@pytest.mark.parametrize(
    "whose",
    [
        MINE._replace(query="other.example"),
        MINE._replace(address="192.0.2.81"),
        MINE._replace(protocol="udp"),
        MINE._replace(port=443),
        MINE._replace(way=WayIn("198.51.100.1", None)),
        MINE._replace(way=WayIn(None, "192.168.1.7")),
    ],
)
def test_whatever_is_otherwise_is_another_past(store: str, whose: TraceKey) -> None:
    assert found(store, whose) is None


def test_what_began_later_is_no_past(store: str) -> None:
    assert found(store, before=BEGUN) is None
    past = found(store, before=BEGUN + 100 * S)
    assert past is not None
    assert sum(span.bins[3].sent for span in past.bins) == 100


def test_where_a_hop_is_another_router_now_nothing_is_usual_yet(store: str) -> None:
    past = found(store, now=today("192.0.2.1", "198.51.100.9", TARGET))
    assert past is not None
    assert (past.delays, bool(past.bins)) == ((), True)
    past = found(store, now=today("192.0.2.1", None, TARGET))
    assert past is not None
    assert past.delays


def test_the_newest_run_of_several_is_gone_on_with(store: str) -> None:
    for host, way in ((1, HOME), (2, WayIn("198.51.100.1", None))):
        begin = BEGUN + host * 1000 * S
        out = StoreWriter(store, host="box", begun=begin)
        out.add(1, Asked(begin, TARGET, Probing()))
        out.add(1, Begun(begin, Plan(TARGET, 4)))
        out.add(1, Started(1, "ping-socket", "192.0.2.2", None, None, 64, "one", "kernel"))
        for number in range(30):
            for fact in second(number + host * 1000):
                out.add(1, fact)
        out.add(1, way)
        out.end(begin + 30 * S)
        out.close()
    past = found(store)
    assert past is not None
    assert past.until == BEGUN + 1030 * S


def test_the_way_in_is_the_first_public_hop_once_all_before_it_are_known() -> None:
    assert way_in(today("192.168.1.1", "198.51.100.1", TARGET), "192.168.1.7") == WayIn("198.51.100.1", None)
    assert way_in(today("192.168.1.1", None, TARGET), "192.168.1.7") is None
    assert way_in(today("192.168.1.1", None, TARGET, rounds=2), "192.168.1.7") == WayIn(TARGET, None)
    assert way_in(today("192.168.1.1", "192.168.1.9"), "192.168.1.7") is None
    assert way_in(today("192.168.1.1", "192.168.1.9", rounds=2), "192.168.1.7") == WayIn(None, "192.168.1.7")
    assert way_in(today(), None) is None


def test_hours_and_days_of_several_runs_come_back_once_each(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    out = written(path, 4000, end=False)
    out.add(1, HOME)
    out.end(BEGUN + 4000 * S)
    out.close()
    out = StoreWriter(str(path), host="box", begun=BEGUN + 20_000 * S)
    begin = BEGUN + 20_000 * S
    out.add(1, Asked(begin, TARGET, Probing()))
    out.add(1, Begun(begin, Plan(TARGET, 4)))
    out.add(1, Started(1, "ping-socket", "192.0.2.2", None, None, 64, "one", "kernel"))
    for number in range(20_000, 20_700):
        for fact in second(number):
            out.add(1, fact)
        out.commit()
    out.add(1, HOME)
    out.end(begin + 700 * S)
    out.close()
    past = found(str(path), before=BEGUN + 100_000 * S)
    assert past is not None
    assert sum(span.bins[3].sent for span in past.bins) == 4700
    assert max(span.span for span in past.bins) == 3600 * S
    timeline = Timeline(1 << 20)
    timeline.add(past.bins)
    spans = timeline.between(PathFold(TARGET).snapshot(), BEGUN, BEGUN + 30_000 * S, 3600 * S)
    assert sum(span.bins[3].sent for span in spans) == 4700
    assert [(later.begin - one.begin) // (3600 * S) for one, later in pairwise(spans)] == [1, 4]
