"""A hub's store on the screen: sites by targets, who is silent, and one cause seen from several sites."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import time_ns
from typing import Literal

import msgspec
import pytest

from hopscope.cli import fleet_past
from hopscope.cli import fleet_reading as following
from hopscope.cli.errors import UsageError
from hopscope.cli.fleet_files import LOCK, alone
from hopscope.cli.fleet_screen import FleetScreen
from hopscope.cli.follow import Follow
from hopscope.fleet import broker as broker_module
from hopscope.fleet.connection import BrokerAddress
from hopscope.fleet.hub_store import HubStore
from hopscope.fleet.messages import Facts, Probes
from hopscope.fleet.mirror import Mirror
from hopscope.fleet.transport import NotConnected
from hopscope.history.block import PACKED, Counted, PackedRow, ProbeFact
from hopscope.history.names import RecordedNames
from hopscope.history.notes import Named, SaidVerdict
from hopscope.history.unpacking import Rows
from hopscope.judge.verdict import Epoch, Verdict
from hopscope.session.model import Snapshot
from hopscope.views.screen import frame, themes
from hopscope.views.screen.app import HopscopeApp
from hopscope.views.screen.keymap import keys_of
from hopscope.views.screen.options import ScreenOptions
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import look_of
from hopscope.wire.messages import Answered, Lost
from hopscope.words.causes import cause_words
from hopscope.words.common_cause import causes
from hopscope.words.numbers import time_of_day
from tests.cli.command import run
from tests.fleet.shipping import (
    BEGUN,
    TARGET,
    S,
    all_facts,
    all_messages,
    hand_over,
    head,
    message_of,
    received,
    second,
    writer,
)
from tests.fleet.test_hostile import asked
from tests.history.test_store import moved
from tests.lab.broker import Broker, agent, probes_of, until
from tests.lab.broker import hub as hub_program
from tests.screen.scripted import Router, Scripted, ScriptedSession, tour


class Site:
    """One that measures, and sends it to a hub."""

    def __init__(self, folder: Path, hub: HubStore, name: str, boot: str = "00000000000000aa", begin: int = 0) -> None:
        """`begin`: seconds after `BEGUN`."""
        self.path, self.hub, self.name = folder / f"{name}{boot}", hub, name
        self.writer = writer(self.path, boot, site=name, begun=BEGUN + begin * S)
        for fact in head():
            at = {"at": BEGUN + begin * S} if hasattr(fact, "at") else {}
            self.writer.add(1, msgspec.structs.replace(fact, **at))
        self.number = begin
        self.measure(20)

    def measure(self, rounds: int, now: int = BEGUN) -> None:
        for number in range(self.number + 1, self.number + rounds + 1):
            for fact in second(number):
                self.writer.add(1, fact)
        self.number += rounds
        self.writer.commit()
        hand_over(self.path, self.hub, self.name, now)


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look reads all that there is, however busy the machine."""
    monkeypatch.setattr(following, "FIRST_S", 600)
    monkeypatch.setattr(following, "SLICE_S", 600)
    monkeypatch.setattr(fleet_past, "SLICE_S", 600)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubStore]:
    store = HubStore(str(tmp_path / "hub"))
    yield store
    store.close()


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[[], FleetScreen]]:
    begun: list[FleetScreen] = []

    def begin() -> FleetScreen:
        begun.append(FleetScreen(str(tmp_path / "hub"), RecordedNames))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


def screen(snapshot: Snapshot, size: tuple[int, int] = (120, 36)) -> str:
    state = ViewState.begin(ScreenOptions(), snapshot)
    state.see(snapshot)
    state.overview = True
    look = look_of(themes.OWN[0])
    return "\n".join(row.text for row in frame.compose(state, look, *size, keys_of({}), frame.FrameCache()).rows)


def recalled(one: FleetScreen, moment: int, chosen: int | None = None) -> Snapshot:
    """As it stood at a moment, once all of that is read: a look takes only so long."""
    return whole(one, lambda: one.recall(moment, chosen))


def whole(one: FleetScreen, look: Callable[[], Snapshot]) -> Snapshot:
    """What is seen once all of it is read."""
    seen = look()
    while not one.is_recalled:
        seen = look()
    return seen


def test_each_sites_target_stands_there_and_opens_as_if_it_were_local(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen]
) -> None:
    sites = [Site(tmp_path, hub, name) for name in ("fra1", "ber2")]
    one = follow()
    assert [(target.site, target.query, target.path.rounds) for target in one.snapshot().targets] == [
        ("ber2", TARGET, 20), ("fra1", TARGET, 20),
    ]  # fmt: skip
    sites[1].measure(5)
    assert one.look()
    assert [target.path.rounds for target in one.snapshot().targets] == [25, 20]
    text = screen(one.snapshot())
    assert "fra1 192.0.2.80" in text
    assert next(line.split() for line in text.splitlines() if line.split()[:1] == ["Target"]) == [
        "Target",
        "ber2",
        "fra1",
    ]
    past = recalled(one, BEGUN + 10 * S)
    assert [target.path.rounds for target in past.targets] == [10, 10]


def test_of_a_silent_site_is_told_since_when_and_no_loss(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is heard of again, and told as ever."""
    sites = [Site(tmp_path, hub, name) for name in ("fra1", "ber2")]
    one = follow()
    sites[1].measure(1, BEGUN + 40 * S)
    monkeypatch.setattr(following, "time_ns", lambda: BEGUN + 40 * S)
    one.look()
    other, silent = one.snapshot().targets
    assert (silent.unheard_s, other.unheard_s) == (40, None)
    assert silent.path.target is not None
    assert silent.path.target.lost == 2  # as they were when it was last heard of
    text = screen(one.snapshot())
    assert text.count("last heard 40 s ago") == 1
    assert "1 not heard of" in text
    sites[0].measure(1, BEGUN + 40 * S)
    one.look()
    assert {target.unheard_s for target in one.snapshot().targets} == {None}
    assert "last heard" not in screen(one.snapshot())


@pytest.mark.parametrize("is_locked", [True, False])
def test_where_nothing_comes_at_all_no_agent_is_blamed(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen], monkeypatch: pytest.MonkeyPatch, is_locked: bool
) -> None:
    """It is the hub that is silent, or where that runs the broker; and what is shown was then."""
    for name in ("fra1", "ber2"):
        Site(tmp_path, hub, name)
    with open(tmp_path / "fleet.lock", "w") as lock:
        if is_locked:
            fcntl.flock(lock, fcntl.LOCK_EX)
        one = follow()
        monkeypatch.setattr(following, "time_ns", lambda: BEGUN + 40 * S)
        one.look()
        shown = one.snapshot()
    text = screen(shown)
    assert ("No agent at all has been heard for 40 s" if is_locked else "The hub has not been heard for 40 s") in text
    assert "last heard" not in text
    assert {target.unheard_s for target in shown.targets} == {None}


def test_an_agent_that_ended_in_order_loses_nothing_any_more(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "time_ns", lambda: BEGUN)
    sites = [Site(tmp_path, hub, name) for name in ("fra1", "ber2")]
    for site in sites:
        for number in range(21, 41):
            for fact in second(number):
                if isinstance(fact, Answered) and fact.ttl == 3 and number % 2:
                    fact = Lost(1, fact.round, fact.ttl, fact.sent_at)
                site.writer.add(1, fact)
        site.writer.commit()
        hand_over(site.path, hub, site.name)
    one = follow()
    assert "2 lose" in screen(one.snapshot())
    sites[0].writer.end(BEGUN + 41 * S)
    sites[0].writer.close()
    hand_over(sites[0].path, hub, "fra1")
    one.look()
    text = screen(one.snapshot())
    assert "1 loses, 1 finished" in text
    assert "finished, loss" in text
    assert causes(one.snapshot().targets) == []


def test_an_agent_that_begins_again_takes_its_own_place(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen]
) -> None:
    Site(tmp_path, hub, "fra1")
    one = follow()
    Site(tmp_path, hub, "fra1", "00000000000000bb").measure(3)
    one.look()
    assert [(target.site, target.path.rounds) for target in one.snapshot().targets] == [("fra1", 23)]
    assert [target.site for target in follow().snapshot().targets] == ["fra1"]


def test_of_a_run_that_is_shown_no_more_nothing_is_kept_in_memory_and_it_is_read_again_when_it_is_asked_for(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen]
) -> None:
    """A screen that is left open for months sees each agent begin again, and the oldest runs go."""
    before = Site(tmp_path, hub, "fra1")
    before.writer.add(0, Named("192.0.2.1", "gw.fra1.example"))
    before.measure(1)
    one = follow()
    then = recalled(one, BEGUN + 15 * S)
    assert [target.names["192.0.2.1"].hostname for target in then.targets] == ["gw.fra1.example"]
    one.let_go()
    Site(tmp_path, hub, "fra1", "00000000000000bb", begin=60)
    one.look()
    assert [*one.standings.runs] == [2]
    assert one.snapshot().targets[0].names["192.0.2.1"].hostname is None
    assert not one.standings.names(1)
    again = recalled(one, BEGUN + 15 * S)
    assert [(target.path, target.names) for target in again.targets] == [
        (target.path, target.names) for target in then.targets
    ]
    hub._connection.execute("DELETE FROM run")
    one.look()
    assert one.snapshot().targets == ()
    assert 2 not in one.standings.runs


def test_a_site_that_sends_what_cannot_be_read_is_left_out_alone(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen]
) -> None:
    evil = PACKED + msgspec.msgpack.encode(PackedRow([], b"not compressed"))
    hub.commit(
        [received(message_of(Facts([(1, asked())])), "evil"), received(message_of(Probes(BEGUN, evil), 1), "evil")],
        BEGUN,
    )
    Site(tmp_path, hub, "fra1")
    one = follow()
    assert [target.site for target in one.snapshot().targets] == ["fra1"]
    assert "evil is left out" in (one.snapshot().worker_note or "")


async def test_a_site_whose_probes_turn_out_to_be_none_once_a_target_is_open_is_left_out_alone(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "FOLDED", 1)
    sites = {name: Site(tmp_path, hub, name) for name in ("ber2", "fra1")}
    one = follow()
    await open_(one, one.snapshot().targets[1].id)
    evil = PACKED + msgspec.msgpack.encode(PackedRow([Counted(1, 1, 1, BEGUN)], b"not compressed"))
    (run,) = {boot.run for boot in one.boots["fra1"]}
    with closing(sqlite3.connect(hub.path)) as store, store:
        store.execute("INSERT INTO live (run, row, at, data) VALUES (?, 999999, ?, ?)", (run, BEGUN + 99 * S, evil))
    assert one.look()
    assert "fra1 is left out" in (one.snapshot().worker_note or "")
    sites["ber2"].measure(1)
    one.look()
    assert "ber2" not in (one.snapshot().worker_note or "")


def test_who_goes_back_while_all_is_still_being_read_disturbs_no_reading(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "FIRST_S", -1)
    for name in ("ber2", "fra1"):
        Site(tmp_path, hub, name)
    one = follow()
    one.recall(BEGUN + 10 * S)
    while not one.is_read:
        one.look()
    assert one.left_out == {}
    assert [target.site for target in one.snapshot().targets] == ["ber2", "fra1"]


def test_a_replay_goes_back_no_further_than_since(tmp_path: Path, hub: HubStore) -> None:
    Site(tmp_path, hub, "fra1")
    one = FleetScreen(str(tmp_path / "hub"), RecordedNames, is_live=False, since=lambda end: end - 5 * S)
    assert one.earliest == one.now - 5 * S
    one.close()


def test_who_only_looks_whether_a_store_is_written_keeps_nobody_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / LOCK).touch()
    with (tmp_path / LOCK).open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
        with alone(str(tmp_path / "history.db")):
            pass
    with (tmp_path / LOCK).open() as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        monkeypatch.setattr(time, "sleep", lambda _: None)
        with pytest.raises(UsageError, match="an agent or hub writes it"), alone(str(tmp_path / "history.db")):
            pass


def test_a_clock_that_is_off_is_said(tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen]) -> None:
    site = Site(tmp_path, hub, "fra1")
    site.writer.add(1, second(21)[0])
    site.writer.commit()
    hub.commit([received(one)._replace(at=time_ns() - 3600 * S) for one in all_messages(site.path)], BEGUN)
    assert "its clock is 60 min ahead" in follow().snapshot().targets[0].notes[0]


@pytest.mark.parametrize("is_small", [True, False])
def test_an_address_has_the_name_that_its_own_site_says(
    tmp_path: Path, hub: HubStore, monkeypatch: pytest.MonkeyPatch, is_small: bool
) -> None:
    """A private address is another router's at each site, and no site gives another's its names: on the screen, before,
    and in a report."""
    monkeypatch.setattr(following, "FOLDED", 24 if is_small else 0)
    names = {"fra1": "gw.fra1.example", "zrh9": "gw.zrh9.example"}
    for name, router in names.items():
        site = Site(tmp_path, hub, name)
        site.writer.add(0, Named("192.0.2.1", router))
        site.measure(1)
    for is_live in (True, False):
        with closing(FleetScreen(str(tmp_path / "hub"), RecordedNames, is_live=is_live)) as one:
            now = recalled(one, one.now)
            for snapshot in (now, *([one.snapshot()] if is_live else [])):
                found = {target.site: target.names["192.0.2.1"].hostname for target in snapshot.targets}
                assert found == names
    done = run("history", "replay", str(tmp_path / "hub"), "--format", "json")
    reports = json.loads(done.stdout)["reports"]
    assert {one["source"]["host"]: one["hops"][0]["nodes"][0]["hostname"] for one in reports} == names


@pytest.mark.parametrize("off_s", [-40 * 365 * 86_400, -3600, 3600, 10 * 365 * 86_400])
def test_a_clock_that_is_off_moves_no_other_sites_time(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen], off_s: int
) -> None:
    """Its own times are its own: at any moment of the others it stands there as it stood then."""
    now = BEGUN + 20 * S
    for name, begin in (("fra1", 0), ("ber2", off_s)):
        one = writer(tmp_path / name, site=name, begun=BEGUN + begin * S)
        measured = [*head(), *(fact for number in range(1, 21) for fact in second(number))]
        one.extend(1, [moved(fact, begin * S) for fact in measured])
        one.commit()
        one.close()
        for message in all_messages(tmp_path / name, name):
            sent = msgspec.structs.replace(message, sent_at=now + begin * S)
            hub.commit([received(sent, name)._replace(at=now)], now)
    screen = follow()
    assert screen.earliest == BEGUN
    assert now <= screen.now < now + S
    assert [target.path.rounds for target in screen.snapshot().targets] == [20, 20]
    assert [target.path.rounds for target in recalled(screen, BEGUN + 10 * S).targets] == [10, 10]


def test_one_cause_is_found_across_sites_whose_ways_are_of_other_lengths() -> None:
    """Behind one provider's router each loses, from two sites; what goes another way there is fine."""
    targets = []
    for number, (site, near) in enumerate((("fra1", 2), ("fra1", 2), ("ber2", 4), ("ber2", 4)), 1):
        routers = tour(scale=1)
        own = tuple(
            Router((f"10.{number // 3}.0.{hop}",), (f"r{hop}.{site}.example",), float(hop))
            for hop in range(1, near + 1)
        )
        way = "core" if number in (1, 3) else f"other-{number}"
        shared = Router(
            ("203.0.113.9" if way == "core" else f"203.0.113.{10 + number}",), (f"{way}.isp.example",), 14.0
        )
        end = dataclasses.replace(routers[5], addresses=(f"192.0.2.{number}",), ms=20.0)
        targets.append(Scripted(number, f"t{number}.example", end.addresses[0], (*own, shared, end)))
    session = ScriptedSession(*targets).play(60)
    for one in targets:
        if one.id in (1, 3):
            one.routers = (*one.routers[:-1], dataclasses.replace(one.routers[-1], lossy=0.4))
    snapshot = session.play(45).snapshot()
    sites = {1: "fra1", 2: "fra1", 3: "ber2", 4: "ber2"}
    seen = [msgspec.structs.replace(target, site=sites[target.id]) for target in snapshot.targets]
    (cause,) = causes(seen)
    assert sorted(cause.targets) == [1, 3]
    assert (cause.sites, cause.address) == (2, "203.0.113.9")
    words = cause_words(cause, 2, time_of_day)[0]
    assert words.startswith("One cause for all 2, at 2 sites: loss begins behind core.isp.example")


def test_two_sites_own_computers_are_no_common_cause() -> None:
    """Each loses from its first hop on: those are two."""
    targets = []
    for number in (1, 2):
        routers = tour(scale=1)
        first = dataclasses.replace(routers[0], addresses=(f"10.{number}.0.1",), lossy=0.0)
        targets.append(Scripted(number, f"t{number}.example", f"192.0.2.{number}", (first,)))
    session = ScriptedSession(*targets).play(60)
    for one in targets:
        one.routers = (dataclasses.replace(one.routers[0], lossy=0.5),)
    snapshot = session.play(45).snapshot()
    seen = [msgspec.structs.replace(target, site=f"s{target.id}") for target in snapshot.targets]
    assert causes(seen) == []


def test_an_agents_own_store_is_followed_as_any(tmp_path: Path, hub: HubStore) -> None:
    site = Site(tmp_path, hub, "fra1")
    one = Follow(str(site.path), RecordedNames)
    assert [(target.site, target.path.rounds) for target in one.snapshot().targets] == [(None, 20)]
    one.close()


def said(kind: Literal["healthy", "loss"], at: int) -> SaidVerdict:
    """As an agent says it of the path of `second`."""
    epoch = Epoch(begin=BEGUN, addresses=(("192.0.2.1",), ("192.0.2.2",), (TARGET,)))
    places = {} if kind == "healthy" else {"first_ttl": 1, "last_ttl": 2}
    return SaidVerdict(Verdict(kind=kind, at=at, since=at, **places), (), 1, epoch)  # type: ignore[arg-type]


def test_a_moment_before_an_agent_was_started_again_is_as_it_was(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen]
) -> None:
    """And between its two runs nobody measured, which is said."""
    first = Site(tmp_path, hub, "fra1")
    first.writer.add(1, said("loss", BEGUN + 12 * S))
    first.measure(1)
    first.writer.end(BEGUN + 22 * S)
    first.writer.close()
    hand_over(first.path, hub, "fra1")
    again = Site(tmp_path, hub, "fra1", "00000000000000bb", begin=100)
    again.writer.add(1, said("healthy", BEGUN + 121 * S))
    again.measure(1)
    Site(tmp_path, hub, "ber2", begin=90)
    one = follow()
    ber, fra = one.snapshot().targets
    assert (fra.site, fra.path.rounds, one.earliest) == ("fra1", 21, BEGUN)
    (then,) = recalled(one, BEGUN + 15 * S).targets
    assert (then.id, then.site, then.path.rounds, then.state) == (fra.id, "fra1", 15, "running")
    assert then.judged.verdict.kind == "loss"
    (between,) = recalled(one, BEGUN + 62 * S).targets
    assert (between.unheard_s, between.judged.verdict.kind) == (40, "loss")
    then_ber, then_fra = recalled(one, BEGUN + 125 * S).targets
    assert (then_ber.id, then_fra.id, then_fra.judged.verdict.kind) == (ber.id, fra.id, "healthy")
    assert one.happenings(fra.id)[0].at == BEGUN + 12 * S


def test_a_replay_of_a_hub_has_every_site_and_the_matrix(tmp_path: Path, hub: HubStore) -> None:
    for name in ("fra1", "ber2"):
        Site(tmp_path, hub, name)
    one = FleetScreen(str(tmp_path / "hub"), RecordedNames, is_live=False)
    end = whole(one, one.snapshot)
    assert [(target.site, target.path.rounds) for target in end.targets] == [("ber2", 20), ("fra1", 20)]
    assert [target.notes[0].split(";")[0] for target in end.targets] == [
        "measured at ber2", "measured at fra1",
    ]  # fmt: skip
    assert any(line.split() == ["Target", "ber2", "fra1"] for line in screen(end).splitlines())
    one.close()
    ended = Site(tmp_path, hub, "fra1", "00000000000000bb", begin=100)
    ended.writer.end(BEGUN + 120 * S)
    ended.writer.close()
    hand_over(ended.path, hub, "fra1")
    one = FleetScreen(str(tmp_path / "hub"), RecordedNames, is_live=False)
    assert [(target.state, target.unheard_s) for target in whole(one, one.snapshot).targets] == [
        ("running", None), ("finished", None),
    ]  # fmt: skip
    one.close()
    none = FleetScreen(str(tmp_path / "hub"), RecordedNames, is_live=False, only="198.51.100.9")
    assert (none.has_any(), none.snapshot().targets) == (False, ())
    none.close()


async def open_(one: FleetScreen, target: int) -> None:
    """Look at a target until its probes are there."""
    one.look_at(target)
    await one.changed()


async def test_of_many_targets_only_what_somebody_looks_at_is_unpacked(
    tmp_path: Path, hub: HubStore, follow: Callable[[], FleetScreen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "FOLDED", 1)
    unpacked: list[int | None] = []
    unpack = Rows.unpack

    def counted(rows: Rows, data: bytes, target: int | None = None) -> list[tuple[int, list[ProbeFact]]]:
        unpacked.append(target)
        return unpack(rows, data, target)

    monkeypatch.setattr(Rows, "unpack", counted)
    sites = {name: Site(tmp_path, hub, name) for name in ("ber2", "fra1")}
    for site in sites.values():
        site.writer.add(1, said("healthy", BEGUN + 3 * S))
        site.measure(1)
    one = follow()
    fine, other = one.snapshot().targets
    assert (fine.is_brief, fine.path.rounds, fine.judged.verdict.kind, fine.address) == (True, 0, "healthy", TARGET)
    sites["fra1"].writer.add(1, said("loss", BEGUN + 21 * S))
    sites["fra1"].measure(1)
    assert one.look()
    assert one.snapshot().targets[1].judged.verdict.kind == "loss"
    assert "1 loses, 1 fine" in screen(one.snapshot())
    assert recalled(one, BEGUN + 20 * S).targets[1].judged.verdict.kind == "healthy"
    assert unpacked == []
    await open_(one, other.id)
    fine, other = one.snapshot().targets
    assert (fine.is_brief, other.is_brief, other.path.rounds) == (True, False, 22)
    sites["fra1"].measure(2)
    one.look()
    assert one.snapshot().targets[1].path.rounds == 24
    assert recalled(one, BEGUN + 20 * S, other.id).targets[1].path.rounds == 20


def test_a_report_of_a_hubs_store_has_each_site(tmp_path: Path) -> None:
    hub = HubStore(str(tmp_path / "history.db"))
    for name in ("fra1", "ber2"):
        Site(tmp_path, hub, name)
    hub.close()
    done = run("history", "replay", "--store", str(tmp_path), "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert [one["source"]["host"] for one in json.loads(done.stdout)["reports"]] == ["fra1", "ber2"]
    text = run("history", "replay", "--store", str(tmp_path), "-r").stdout
    assert [line.split()[1] for line in text.splitlines() if line.startswith("HOST:")] == ["fra1", "ber2"]


async def test_the_screen_begins_with_all_and_what_is_opened_is_read_then(
    tmp_path: Path, hub: HubStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "FOLDED", 1)
    monkeypatch.setattr(following, "time_ns", lambda: BEGUN)
    for name in ("ber2", "fra1"):
        site = Site(tmp_path, hub, name)
        site.writer.add(1, said("loss" if name == "fra1" else "healthy", BEGUN + 12 * S))
        site.measure(1)
    app = HopscopeApp(lambda: FleetScreen(str(tmp_path / "hub"), RecordedNames), ScreenOptions())
    async with app.run_test(size=(120, 34)) as pilot:
        while app.context is None or not app.shown.rows:
            await pilot.pause(0.01)
        state = app.context.state
        assert state.overview
        assert [target.site for target in state.shown.targets if target.id == state.target] == ["fra1"]
        await pilot.press("enter")
        while state.chosen is None or state.chosen.is_brief:
            await pilot.pause(0.01)
        assert (state.overview, state.chosen.site, state.chosen.path.rounds) == (False, "fra1", 21)
        assert state.chosen.judged.verdict.kind == "loss"  # as its agent said, who knows more than some minutes
        assert any("measured at fra1" in row.text for row in app.shown.rows)
        await pilot.press("g", "down")
        assert state.overview
        assert [target.site for target in state.shown.targets if target.id == state.target] == ["ber2"]


def test_what_a_hub_has_is_followed_over_the_broker(tmp_path: Path) -> None:
    """From what it has now, and on from there; a site that comes later, too."""
    there, here = tmp_path / "there", tmp_path / "mirror"
    here.mkdir()
    with (
        Broker(tmp_path / "broker") as broker,
        hub_program(broker.url, there) as other,
        agent(broker.url, "fra1", tmp_path / "a", "--scenario", "healthy", "-i", "50ms") as first,
    ):
        until(lambda: sum(probes_of(there).values()) > 50, "the hub has something")
        with Mirror(str(here / "history.db"), BrokerAddress(url=broker.url)) as mirror:
            assert sum(probes_of(here).values()) > 20
            one = FleetScreen(mirror.path, RecordedNames)
            assert [target.site for target in one.snapshot().targets] == ["fra1"]
            with agent(broker.url, "ber2", tmp_path / "b", "--scenario", "healthy", "-i", "50ms") as second:
                until(lambda: one.look() and len(one.snapshot().targets) == 2, "the other site comes")
                assert second.end() == 0
            assert first.end() == 0
            until(lambda: probes_of(here) == probes_of(there), "all of it")
            one.close()
        assert all_facts(here / "history.db") == all_facts(there / "history.db")
        assert other.end() == 0


def test_where_no_hub_answers_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "SHOWN_S", 0.3)
    with Broker(tmp_path / "broker") as broker, pytest.raises(NotConnected, match="no hub shows"):
        Mirror(str(tmp_path / "other.db"), BrokerAddress(url=broker.url)).__enter__()
