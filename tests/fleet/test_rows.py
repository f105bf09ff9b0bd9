"""What an agent recorded is in its hub, each row once, whatever was lost, repeated or mixed up on the way."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from hopscope.fleet import messages, outbox
from hopscope.fleet.hub import Hub
from hopscope.fleet.hub_store import HubStore
from hopscope.fleet.messages import Gone, Probes
from hopscope.fleet.outbox import SiteOutbox
from hopscope.fleet.transport import Received
from hopscope.history import parcels, writer
from hopscope.history.forgetting import forget
from hopscope.history.notes import SaidVerdict
from hopscope.history.store import Store
from hopscope.history.tail import Tail
from hopscope.history.tiers import HOUR, MINUTE
from hopscope.history.unpacking import parts_of
from hopscope.judge.verdict import Verdict
from hopscope.session.facts import SessionFact
from tests.fleet import shipping
from tests.fleet.shipping import BEGUN, SITE, S, all_facts, all_messages, hand_over, head, received, second

OTHER = "192.0.2.81"


def recorded(path: Path, seconds: int, boot: str = "00000000000000aa", *, compact_at: tuple[int, ...] = ()) -> None:
    """A run of two targets."""
    one = shipping.writer(path, boot)
    for number, target in ((1, shipping.TARGET), (2, OTHER)):
        for begin in head(target):
            one.add(number, begin)
    for number in range(1, seconds + 1):
        for each in (1, 2):
            for fact in second(number):
                one.add(each, fact)
        one.commit()
        if number in compact_at:
            one.compact()
    one.end(BEGUN + (seconds + 1) * S)
    one.close()


def listed(path: Path) -> list[tuple[str, str, int, int, int]]:
    """As ``history list`` says it, but for bytes."""
    with Store(str(path)) as store:
        return [(one.run.host, one.query, one.rounds, one.probes, one.until) for one in store.traces()]


def test_the_hub_has_what_the_agent_has(tmp_path: Path) -> None:
    agent, hub = tmp_path / "agent", tmp_path / "hub"
    recorded(agent, 90, compact_at=(30, 70))
    store = HubStore(str(hub))
    hand_over(agent, store)
    store.close()
    assert all_facts(hub) == all_facts(agent)
    assert listed(hub) == listed(agent)
    with Store(str(hub)) as one, Store(str(agent)) as other:
        for there, here in zip(one.traces(), other.traces(), strict=True):
            for span in (MINUTE, HOUR):
                assert one.bins(there, span) == other.bins(here, span)


@pytest.mark.parametrize("seed", range(3))
def test_each_row_is_there_once_whatever_happens_on_the_way(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages are lost, repeated and mixed up, the agent goes on, makes segments and begins again, the hub begins
    again; each time the agent sends on from the hub's mark."""
    chance = random.Random(seed)
    monkeypatch.setattr(outbox, "AT_ONCE", chance.choice((3, 10, 100)))
    monkeypatch.setattr(writer, "SENT_BYTES", 300)
    monkeypatch.setattr(parcels, "PARCEL_BYTES", chance.choice((1, 10_000)))
    agent, hub = tmp_path / "agent", tmp_path / "hub"
    store = HubStore(str(hub))
    for boot in range(3):
        name = f"{boot:016x}"
        one = shipping.writer(agent, name)
        for fact in head():
            one.add(1, fact)
        for number in range(1, 30):
            for fact in second(number):
                one.add(1, fact)
            one.commit()
            if chance.random() < 0.15:
                one.compact()
            if chance.random() < 0.5:
                store = _disturbed(agent, store, hub, chance)
        if chance.random() < 0.5:
            one.end(BEGUN + 40 * S)
        one.close()
    hand_over(agent, store)
    store.close()
    assert all_facts(hub) == all_facts(agent)
    assert [row[:4] for row in listed(hub)] == [row[:4] for row in listed(agent)]


def _disturbed(agent: Path, store: HubStore, hub: Path, chance: random.Random) -> HubStore:
    sent = all_messages(agent)
    wild = [one for one in sent if chance.random() < 0.8]
    wild += chance.choices(sent, k=3) if sent else []
    if chance.random() < 0.5:
        place = chance.randrange(len(wild) + 1)
        wild = wild[place:] + wild[:place]
    store.commit([received(one) for one in wild], BEGUN)
    heard = SiteOutbox(str(agent), SITE)
    for boot in heard.boots():
        heard.has(boot.name, store.mark(SITE, boot.name))
    heard.close()
    if chance.random() < 0.3:
        store.close()
        store = HubStore(str(hub))
    return store


def test_a_hub_that_lost_all_gets_all_that_is_kept(tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    recorded(agent, 60, compact_at=(20, 40))
    for name in ("first", "second"):
        store = HubStore(str(tmp_path / name))
        heard = SiteOutbox(str(agent), SITE)
        heard.has("00000000000000aa", store.mark(SITE, "00000000000000aa"))
        heard.close()
        hand_over(agent, store)
        store.close()
        assert all_facts(tmp_path / name) == all_facts(agent)


@pytest.mark.parametrize("seconds_apart", [1, 3, 7])
def test_an_outbox_that_stays_open_tells_of_probes_as_they_come_over_any_number_of_segments(
    tmp_path: Path, seconds_apart: int
) -> None:
    """The rows of probes are all deleted when segments are made of them, and their ids begin anew."""
    agent = tmp_path / "agent"
    one = shipping.writer(agent)
    for begin in head():
        one.add(1, begin)
    told: list[messages.Body] = []
    with closing(SiteOutbox(str(agent), SITE)) as reader:
        after = -1
        for number in range(1, 43):
            for fact in second(number):
                one.add(1, fact)
            one.commit()
            if number % seconds_apart == 0:
                (boot,) = reader.boots()
                for message in reader.messages(boot, after):
                    told.append(message.body)
                    after = message.last
            if number % (3 * seconds_apart) == 0:
                one.compact()
        assert sum(isinstance(body, Probes) for body in told) == 42
        assert not any(isinstance(body, Gone) for body in told)
    one.close()


def test_rows_that_are_segments_by_now_are_told_once(tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    recorded(agent, 120, compact_at=(119,))
    sent = all_messages(agent)
    assert not [one for one in sent if isinstance(one.body, Probes)]
    assert any(isinstance(one.body, Gone) and one.last - one.first > 50 for one in sent)
    assert all(later.first == earlier.last + 1 for earlier, later in pairwise(sent))


def test_nothing_that_the_hub_lacks_is_forgotten_and_what_it_has_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SEGMENT_ROWS", 50)
    agent, hub = tmp_path / "agent", tmp_path / "hub"
    one = shipping.writer(agent, limit=50_000)
    for fact in head():
        one.add(1, fact)

    def go_on(begin: int, end: int) -> None:
        for number in range(begin, end):
            for fact in second(number, hops=12):
                one.add(1, fact)
            one.commit()
            one.compact_if_due()

    go_on(1, 800)
    store = HubStore(str(hub))
    before = all_facts(agent)
    assert agent.stat().st_size > 80_000
    assert len([fact for fact in before[0][2] if hasattr(fact, "ttl")]) == 799 * 24
    hand_over(agent, store)
    assert all_facts(hub) == before
    go_on(800, 900)
    assert len(all_facts(agent)[0][2]) < len(before[0][2])
    hand_over(agent, store)
    assert len(all_facts(hub)[0][2]) == len(before[0][2]) + 100 * 25
    one.close()
    store.close()


def test_agent_and_hub_go_on_after_all_was_forgotten_and_what_was_is_not_sent_again(tmp_path: Path) -> None:
    agent, hub = tmp_path / "agent", tmp_path / "hub"
    recorded(agent, 20, compact_at=(10,))
    store = HubStore(str(hub))
    hand_over(agent, store)
    store.close()
    assert forget(str(hub), None, BEGUN + 3600 * S) == 2
    store = HubStore(str(hub))
    hand_over(agent, store)
    assert all_facts(hub) == []
    assert forget(str(agent), None, BEGUN + 3600 * S) == 2
    recorded(agent, 20, "00000000000000bb")
    hand_over(agent, store)
    store.close()
    assert len(all_facts(hub)) == 2
    assert all_facts(hub) == all_facts(agent)


def test_of_a_target_that_was_forgotten_at_the_hub_nothing_comes_any_more_and_of_the_other_all(tmp_path: Path) -> None:
    """Rows, segments, minutes and what is said: none of it would be shown, and none of it takes room."""
    agent, hub = tmp_path / "agent", tmp_path / "hub"
    one, store = shipping.writer(agent), HubStore(str(hub))

    def go_on(begin: int, end: int) -> None:
        for number in range(begin, end):
            for target in (1, 2):
                one.extend(target, second(number))
            one.commit()
        one.add(1, SaidVerdict(Verdict(kind="loss", at=BEGUN + end * S)))
        one.commit()
        hand_over(agent, store)

    for number, target in ((1, shipping.TARGET), (2, OTHER)):
        one.extend(number, head(target))
    go_on(1, 70)
    store.close()
    assert forget(str(hub), shipping.TARGET, None) == 1
    store = HubStore(str(hub))
    go_on(70, 140)
    one.compact()
    go_on(140, 150)
    one.close()
    with closing(sqlite3.connect(hub)) as found:
        for table in ("note", "segment", "tier"):
            assert found.execute(f"SELECT DISTINCT target FROM {table} WHERE target > 0").fetchall() == [(2,)]
        rows = [data for (data,) in found.execute("SELECT data FROM live")]
    assert {part.target for data in rows for part in parts_of(data)} == {2}
    assert all_facts(hub) == [facts for facts in all_facts(agent) if facts[1] == OTHER]
    store.close()


def test_what_was_forgotten_at_an_agent_waits_for_no_hub(tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    recorded(agent, 20, compact_at=(10,))
    forget(str(agent), None, BEGUN + 3600 * S)
    with closing(sqlite3.connect(agent)) as one:
        assert one.execute("SELECT (SELECT count(*) FROM boot), (SELECT count(*) FROM parcel)").fetchone() == (0, 0)
    with closing(SiteOutbox(str(agent), SITE)) as reader:
        assert reader.boots() == []


def test_a_tail_of_a_run_that_was_forgotten_hears_nothing_of_what_still_comes(tmp_path: Path) -> None:
    agent, hub = tmp_path / "agent", tmp_path / "hub"
    one, store = shipping.writer(agent), HubStore(str(hub))
    for begin in head():
        one.add(1, begin)
    one.commit()
    hand_over(agent, store)
    with Store(str(hub)) as reader:
        tail = Tail(reader, 1)
        assert forget(str(hub), shipping.TARGET, None) == 1
        for fact in second(1):
            one.add(1, fact)
        one.compact()
        one.close()
        hand_over(agent, store)
        assert not tail.more()
        assert reader.newest_row(1) == -1  # nothing stands there of a run that is none
    store.close()


def test_segments_that_have_the_ids_of_others_that_went_are_told_in_their_own_place(tmp_path: Path) -> None:
    """What a hub had went, so its ids begin anew; then another hub asks for all."""
    agent, hub = tmp_path / "agent", tmp_path / "hub"
    one = shipping.writer(agent)
    for begin in head():
        one.add(1, begin)

    def go_on(begin: int, end: int) -> None:
        for number in range(begin, end):
            for fact in second(number):
                one.add(1, fact)
            one.commit()
        one.compact()

    go_on(1, 10)
    with closing(sqlite3.connect(agent)) as there, there:
        there.execute("DELETE FROM segment")
    go_on(10, 20)
    one.close()
    store = HubStore(str(hub))
    refused: list[str] = []
    store.on_refused = lambda site, why, count: refused.append(why)
    hand_over(agent, store)
    store.close()
    assert refused == []
    assert all_facts(hub) == all_facts(agent)


def test_a_screen_is_shown_up_to_the_hubs_mark_where_its_last_rows_are_segments(tmp_path: Path) -> None:
    agent, boot = tmp_path / "agent", "00000000000000aa"
    one = shipping.writer(agent)
    for begin in head():
        one.add(1, begin)
    for number in range(1, 20):
        for fact in second(number):
            one.add(1, fact)
        one.commit()
    one.compact()
    one.close()
    store, view = HubStore(str(tmp_path / "hub")), HubStore(str(tmp_path / "view"))
    hand_over(agent, store)

    async def shown() -> list[bytes]:
        return Hub(store, None, print)._shown(SITE, boot)  # type: ignore[arg-type] # no broker is asked

    view.commit([received(data) for data in asyncio.run(shown())], BEGUN)
    assert view.mark(SITE, boot) == store.mark(SITE, boot) > 0
    store.close()
    view.close()


def test_messages_of_many_targets_stay_small(tmp_path: Path) -> None:
    """64 KB, also where a thousand targets begin at once and where one sends a thousand probes a second."""
    agent = tmp_path / "agent"
    one = shipping.writer(agent)
    facts: list[list[SessionFact]] = [second(number, hops=15) for number in range(1, 4)]
    for target in range(1, 1001):
        for fact in head():
            one.add(target, fact)
    for of_second in facts:
        for target in range(1, 1001):
            for fact in of_second:
                one.add(target, fact)
        one.commit()
    for number in range(4, 700):
        for fact in second(number, hops=15):
            one.add(1, fact)
    one.commit()
    one.compact()
    one.close()
    sizes = [len(messages.encode(message)) for message in all_messages(agent, from_the_first=True)]
    assert max(sizes) <= 64 << 10
    assert len(sizes) < 120


def test_an_agents_clock_is_noted_and_its_times_stay(tmp_path: Path) -> None:
    """An hour ahead of the broker's: the trace has the agent's time line."""
    agent, hub = tmp_path / "agent", tmp_path / "hub"
    recorded(agent, 5)
    store = HubStore(str(hub))
    hour = 3600 * S
    sent = all_messages(agent)
    store.commit([Received(SITE, messages.encode(one), 1, one.sent_at - hour) for one in sent], BEGUN)
    store.close()
    assert all_facts(hub) == all_facts(agent)
    with closing(sqlite3.connect(hub)) as one:
        assert one.execute("SELECT ahead, heard FROM boot").fetchall() == [(hour, BEGUN)]


def test_where_a_hubs_minutes_go_their_hours_stay(tmp_path: Path) -> None:
    """Also the last hour of an agent that was killed in it."""
    agent, hub = tmp_path / "agent", tmp_path / "hub"
    recorded(agent, 90, compact_at=(30, 70))
    store = HubStore(str(hub), limit=0)
    hand_over(agent, store)
    with Store(str(hub)) as one:
        whole = [one.bins(trace, HOUR) for trace in one.traces()]
    for _ in range(20):
        # As far as minutes: without any bound hours, and all that was said, would go as well.
        with closing(sqlite3.connect(hub)) as there:
            if not there.execute("SELECT count(*) FROM tier WHERE span = ?", (MINUTE,)).fetchone()[0]:
                break
        store._pruner._step()  # type: ignore[union-attr]
    with Store(str(hub)) as one:
        assert [one.bins(trace, HOUR) for trace in one.traces()] == whole
        assert all(trace.probes == 0 for trace in one.traces())
    store.close()
