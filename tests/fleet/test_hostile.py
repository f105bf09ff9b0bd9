"""A hub that is sent what no agent sends: nothing of it is believed, and nobody else notices."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import msgspec
import pytest

from hopscope.fleet import hub_store, messages
from hopscope.fleet.hub_store import HubStore
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
    SentBins,
    SentSegment,
)
from hopscope.fleet.sender import _Progress
from hopscope.history import notes
from hopscope.history.block import MOST_BYTES, PACKED, BadBlock, PackedRow
from hopscope.history.notes import Named
from hopscope.history.store import Store
from hopscope.history.tiers import MINUTE
from hopscope.history.unpacking import parts_of
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from tests.fleet.shipping import BEGUN, all_facts, all_messages, hand_over, head, message_of, received, second, writer

BOOT = "00000000000000aa"


@pytest.fixture
def store(tmp_path: Path) -> HubStore:
    return HubStore(str(tmp_path / "hub"))


def commit(store: HubStore, *what: FleetMessage | bytes, site: str = "fra1") -> list[str]:
    """Why what was refused."""
    told: list[str] = []
    store.on_refused = lambda site, why, count: told.append(why)
    store.commit([received(one, site) for one in what], BEGUN)
    return told


def asked(query: str = "192.0.2.1") -> bytes:
    return notes.encode(Asked(BEGUN, query, Probing()))


def test_bytes_that_are_no_message_are_left_out(store: HubStore) -> None:
    good = messages.encode(message_of(Ended(BEGUN)))
    chance = random.Random(1)
    told = commit(store, b"", b"\xc1", b"\x00" * 100, b"\xdd\xff\xff\xff\xff", b"\x91" * 5000, good + b"x")
    assert len(told) == 6
    for _ in range(300):
        wild = bytearray(good)
        for _ in range(chance.randrange(1, 4)):
            wild[chance.randrange(len(wild))] = chance.randrange(256)
        commit(store, bytes(wild[: chance.randrange(1, len(wild) + 1)]))


def test_what_is_too_large_is_not_even_read() -> None:
    with pytest.raises(BadMessage, match="bytes"):
        messages.read(bytes(messages.MOST_BYTES + 1))


@pytest.mark.parametrize(
    "body",
    [
        Facts([(1, b"{}")]),
        Facts([(1, b'{"type":"asked"}')]),
        Facts([(1, asked("a b\x00c"))]),
        Facts([(1, b'{"type":"found","at":1,"address":"not an address"}')]),
        Facts([(1, b"[" * 100_000)]),
        Facts([(1, asked()[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")]),
        Probes(BEGUN, PACKED + b"\x93\x90\xc4\x00" + b"\x91" * 100_000 + b"\xc0"),
        SegmentRows([SentSegment(1, 0, 7, 0, 1, 1, 1, b"")]),
        SegmentRows([SentSegment(1, 0, 0, 2, 1, 1, 1, b"")]),
        Bins([SentBins(1, 7, 0, 1, b"")]),
        Bins([SentBins(1, MINUTE, 5, 5, b"")]),
        SegmentRows([SentSegment(1, 0, 0, 0, 1, 1 << 52, 1, b"")]),
        Sealed(9),
    ],
)
def test_a_body_that_says_what_cannot_be_is_refused_and_its_boot_stands_still(store: HubStore, body: Body) -> None:
    commit(store, message_of(Facts([(1, asked())])))
    assert commit(store, message_of(body, 1))
    assert store.mark("fra1", BOOT) == 0
    assert not commit(store, message_of(Ended(BEGUN), 1))


@pytest.mark.parametrize("site", ["", "a.b", "*", ">", "x" * 64, "\x1b[31m", "fra1 ", "-x"])
def test_a_site_that_cannot_be_has_no_store(store: HubStore, site: str) -> None:
    assert commit(store, message_of(Ended(BEGUN)), site=site) == ["there can be no such site"]
    assert store.sites == set()


def test_numbers_that_lie_move_nothing(store: HubStore) -> None:
    """Ahead, back, the other way round, beyond any: only the next row is taken."""
    commit(store, message_of(Facts([(1, asked())])))
    for number in (2, 50, messages.MOST_NUMBER):
        assert commit(store, message_of(Ended(BEGUN), number)) == []
    commit(store, message_of(Ended(BEGUN), 0))
    assert commit(store, message_of(Gone()).__class__(BOOT, 5, 1, BEGUN, "", BEGUN, Gone()))
    assert commit(store, message_of(Ended(BEGUN), messages.MOST_NUMBER + 1))
    assert store.mark("fra1", BOOT) == 0
    commit(store, message_of(Ended(BEGUN), 1))
    assert store.mark("fra1", BOOT) == 1


def test_a_name_is_cleaned_again(store: HubStore, tmp_path: Path) -> None:
    evil = Named("192.0.2.1", "evil\x1b]0;owned\x07\u202e.example")
    commit(store, message_of(Facts([(0, notes.encode(evil)), (1, asked())])))
    with Store(str(tmp_path / "hub")) as one:
        (name,) = [info.hostname for info in one.names(one.runs()[0]).values()]
    assert name is not None
    assert name.isprintable()
    assert b"\x1b" not in (tmp_path / "hub").read_bytes()


def test_a_bomb_in_packed_probes_opens_within_bounds_and_spares_the_others(store: HubStore, tmp_path: Path) -> None:
    """A hundred times what a row may hold. Who lists the store does not open it; who looks at that trace is told."""
    bomb = zlib.compress(bytes(10 * MOST_BYTES), 9)
    assert len(bomb) < messages.MOST_BYTES
    data = PACKED + msgspec.msgpack.encode(PackedRow([], bomb))
    commit(store, message_of(Facts([(1, asked("192.0.2.66"))])), message_of(Probes(BEGUN, data), 1), site="evil")
    with pytest.raises(BadBlock):
        parts_of(data)
    agent = tmp_path / "agent"
    one = writer(agent)
    for fact in [*head(), *second(1), *second(2)]:
        one.add(1, fact)
    one.commit()
    one.close()
    hand_over(agent, store)
    with Store(str(tmp_path / "hub")) as there:
        assert {trace.run.host for trace in there.traces()} == {"evil", "fra1"}
        (good,) = [trace for trace in there.traces() if trace.run.host == "fra1"]
        assert [fact for _, fact in there.facts(good)] == all_facts(agent)[0][2]


def test_a_site_of_more_targets_than_a_store_may_have_loses_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins again and again, each time with as many as it may ask for: so whoever was there first stays."""
    monkeypatch.setattr(hub_store, "MOST_TRACES", 60)
    agent = tmp_path / "agent"
    for boot in ("00000000000000b1", "00000000000000b2"):
        one = writer(agent, boot)
        one.extend(1, [*head(), *second(1)])
        one.end(BEGUN + 2 * 1_000_000_000)
        one.close()
    store = HubStore(str(tmp_path / "hub"), limit=1 << 30)
    hand_over(agent, store)
    assert store.prune()
    many = Facts([(target, asked()) for target in range(1, 31)])
    for number in range(5):
        commit(
            store, message_of(many, boot=f"{number:016x}"), message_of(Ended(BEGUN), 1, f"{number:016x}"), site="evil"
        )
    while not store.prune():
        pass
    store.close()
    with Store(str(tmp_path / "hub")) as there:
        hosts = [trace.run.host for trace in there.traces()]
    assert (hosts.count("fra1"), hosts.count("evil")) == (2, 30)


def test_a_site_of_many_targets_that_began_once_saves_no_other_from_losing_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_store, "MOST_TRACES", 45)
    store = HubStore(str(tmp_path / "hub"), limit=1 << 30)
    few = Facts([(target, asked()) for target in range(1, 11)])
    commit(store, message_of(Facts([(target, asked()) for target in range(1, 31)])), site="large")
    for number in range(5):
        boot = f"{number:016x}"
        commit(store, message_of(few, boot=boot), message_of(Ended(BEGUN), 1, boot), site="evil")
    while not store.prune():
        pass
    store.close()
    with Store(str(tmp_path / "hub")) as there:
        hosts = [trace.run.host for trace in there.traces()]
    assert (hosts.count("large"), hosts.count("evil")) == (30, 10)


def test_what_claims_to_be_of_the_future_makes_nobody_else_lose_what_is_old(tmp_path: Path) -> None:
    """Rows, segments and minutes of the year 2116: where there is no more room they go first, and hide no row."""
    agent, never = tmp_path / "agent", (1 << 62) - 1
    one = writer(agent)
    for number in range(1, 200):
        one.extend(1, [*(head() if number == 1 else ()), *second(number)])
        one.commit()
        if number == 100:
            one.compact()
    one.close()
    store = HubStore(str(tmp_path / "hub"))
    hand_over(agent, store)
    before = (tmp_path / "hub").stat().st_size + (tmp_path / "hub-wal").stat().st_size
    chance = random.Random(3)
    row = PACKED + msgspec.msgpack.encode(PackedRow([], chance.randbytes(50_000)))
    bodies: list[Body] = [Facts([(1, asked())])]
    for _ in range(20):
        bodies.append(Probes(never, row))
        bodies.append(SegmentRows([SentSegment(1, 0, 0, 0, never, 1, 1, chance.randbytes(50_000))]))
        bodies.append(Bins([SentBins(1, MINUTE, never - MINUTE, never, chance.randbytes(50_000))]))
    assert not commit(store, *(message_of(body, number) for number, body in enumerate(bodies)), site="evil")
    store.close()
    store = HubStore(str(tmp_path / "hub"), limit=before + 200_000)
    while not store.prune():
        pass
    store.close()
    with Store(str(tmp_path / "hub")) as there:
        (good,) = [trace for trace in there.traces() if trace.run.host == "fra1"]
        assert [fact for _, fact in there.facts(good)] == all_facts(agent)[0][2]


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\xc1\x92\x91\x94\x01\xff\x01\x01\xc4\x00", b"junk", b"\x90", b"\xdd\xff\xff\xff\xff"]
)
def test_rows_that_are_none_are_refused_and_hide_no_other_site(data: bytes, store: HubStore, tmp_path: Path) -> None:
    assert commit(store, message_of(Facts([(1, asked())])), message_of(Probes(BEGUN, data), 1), site="evil")
    commit(store, message_of(Facts([(1, asked())])))
    with Store(str(tmp_path / "hub")) as one:
        assert {trace.run.host for trace in one.traces()} == {"evil", "fra1"}


def test_sites_boots_and_targets_have_bounds(store: HubStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MOST_SITES", 3)
    monkeypatch.setattr(hub_store, "MOST_BOOTS", 2)
    monkeypatch.setattr(hub_store, "MOST_ASKED", 4)
    for number in range(5):
        told = commit(store, message_of(Ended(BEGUN)), site=f"s{number}")
        assert bool(told) == (number >= 3)
    for number in range(3):
        told = commit(store, message_of(Ended(BEGUN), boot=f"{number:016x}"), site="s1")
        assert bool(told) == (number >= 1)
    many = Facts([(target, asked()) for target in range(1, 6)])
    assert "targets" in commit(store, message_of(many, 1), site="s0")[0]
    assert store.mark("s0", BOOT) == 0
    again = Facts([(target, asked()) for target in (1, 2, 3, 4)] * 2)
    assert not commit(store, message_of(again, 1), message_of(again, 2), site="s0")
    assert "targets" in commit(store, message_of(Facts([(5, asked())]), 3), site="s0")[0]


def test_nothing_of_a_refused_message_is_there(store: HubStore, tmp_path: Path) -> None:
    commit(store, message_of(Facts([(1, asked("192.0.2.9")), (1, b"{}")])))
    with Store(str(tmp_path / "hub")) as one:
        assert one.runs() == []


def test_an_agent_believes_no_mark_beyond_what_it_has(tmp_path: Path) -> None:
    from hopscope.fleet.outbox import SiteOutbox

    agent = tmp_path / "agent"
    one = writer(agent)
    for fact in [*head(), *second(1)]:
        one.add(1, fact)
    one.commit()
    one.close()
    before = all_messages(agent)
    outbox = SiteOutbox(str(agent), "fra1")
    outbox.has(BOOT, 10_000)
    assert outbox.boots() == []
    outbox.has(BOOT, -1)
    outbox.close()
    assert len(all_messages(agent)) == len(before)


def test_a_mark_that_goes_back_is_sent_from_again_at_once_and_one_that_stands_after_a_while() -> None:
    progress = _Progress(-1)
    progress.at = 20
    assert not progress.heard(20)
    assert progress.heard(5)
    assert (progress.at, progress.mark) == (5, 5)
    progress.at = 20
    assert not progress.heard(5)
    progress.moved_at -= 1000
    assert progress.heard(5)
    assert progress.repeats == 2
