"""A consumer that is too slow misses events, is told which where they would be, and goes on."""

from __future__ import annotations

import asyncio

import pytest

from hopscope.session import feeds
from hopscope.session.events import EndEvent, GapEvent, MarkEvent, ProbeEvent, StartEvent, StreamEvent
from hopscope.session.feeds import Feeds

DEEPEST = 10


@pytest.fixture(autouse=True)
def shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "DEEPEST", DEEPEST)
    monkeypatch.setattr(feeds, "CAUGHT_UP", DEEPEST // 2)


def probe(number: int, target: str = "x") -> ProbeEvent:
    return ProbeEvent(target=target, round=number, ttl=1, sent_at=f"at {number}", outcome="lost")


def end(target: str = "x") -> EndEvent:
    return EndEvent(target=target, rounds=1, reached=True)


def fed(*events: StreamEvent) -> tuple[Feeds, feeds.Feed]:
    made = Feeds()
    feed = made.subscribe()
    for event in events:
        made.put(event)
    return made, feed


async def rest(made: Feeds, feed: feeds.Feed) -> list[StreamEvent]:
    made.close()
    return [event async for event in feed]


async def test_a_gap_stands_where_the_events_would_and_what_comes_later_follows() -> None:
    made, feed = fed(*map(probe, range(DEEPEST + 3)))
    heard = [await anext(feed) for _ in range(DEEPEST // 2)]
    made.put(probe(50))
    heard += await rest(made, feed)
    gap = GapEvent(
        target="x",
        at=f"at {DEEPEST}",
        until=f"at {DEEPEST + 2}",
        events=3,
        first_round=DEEPEST,
        last_round=DEEPEST + 2,
    )
    assert heard == [*map(probe, range(DEEPEST)), gap, probe(50)]


async def test_a_gap_goes_from_the_earliest_moment_to_the_latest_in_whatever_order_they_were_told() -> None:
    made, feed = fed(*map(probe, range(DEEPEST)), probe(52), probe(51), probe(54), probe(53))
    gap = (await rest(made, feed))[-1]
    assert isinstance(gap, GapEvent)
    assert (gap.at, gap.until, gap.first_round, gap.last_round) == ("at 51", "at 54", 51, 54)


async def test_until_it_has_caught_up_with_half_nothing_is_added_to_what_it_has() -> None:
    made, feed = fed(*map(probe, range(DEEPEST + 1)))
    await anext(feed)
    made.put(probe(50))
    left = await rest(made, feed)
    assert left[:-1] == [probe(number) for number in range(1, DEEPEST)]
    assert isinstance(left[-1], GapEvent)
    assert (left[-1].events, left[-1].last_round) == (2, 50)


async def test_each_target_has_a_gap_of_its_own() -> None:
    made, feed = fed(*map(probe, range(DEEPEST)), probe(1, "a"), probe(2, "b"), probe(3, "a"))
    gaps = [event for event in await rest(made, feed) if isinstance(event, GapEvent)]
    assert [(gap.target, gap.events, gap.first_round, gap.last_round) for gap in gaps] == [
        ("a", 2, 1, 3),
        ("b", 1, 2, 2),
    ]


async def test_heads_and_ends_are_never_missed_and_follow_their_targets_gap() -> None:
    start = StartEvent(
        target="y",
        query="y",
        source=None,
        protocol="icmp",
        method="raw",
        family=4,
        port=None,
        interval_s=1.0,
        timeout_s=3.0,
        packet_size=64,
        tos=0,
        flow_kind="one",
        started="now",
    )
    made, feed = fed(*map(probe, range(DEEPEST + 1)), end(), start)
    *_, gap, last, head = await rest(made, feed)
    assert isinstance(gap, GapEvent)
    assert (last, head) == (end(), start)


async def test_a_mark_that_is_missed_is_counted() -> None:
    mark = MarkEvent(target="x", at="then", kind="address-change", begin="then", end="then", text="moved")
    made, feed = fed(*map(probe, range(DEEPEST)), mark)
    gap = (await rest(made, feed))[-1]
    assert gap == GapEvent(target="x", at="then", until="then", events=1, first_round=None, last_round=None)


async def test_a_gap_is_told_as_soon_as_it_is_over_whether_or_not_more_comes() -> None:
    _, feed = fed(*map(probe, range(DEEPEST + 1)))
    heard = [await asyncio.wait_for(anext(feed), 1) for _ in range(DEEPEST + 1)]
    assert isinstance(heard[-1], GapEvent)


async def test_memory_is_bounded_however_much_is_missed() -> None:
    made, feed = fed()
    for number in range(100 * DEEPEST):
        made.put(probe(number, f"target {number % 4}"))
    assert len(feed._events) <= DEEPEST
    assert len(feed._gaps) == 4
