"""What could not be started is tried again: a target without a route, a name, a worker that keeps dying."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from hopscope.session import supervisor
from hopscope.session.errors import WorkerFailed
from hopscope.session.launch import launch as real_launch
from hopscope.session.model import Probing
from hopscope.session.retries import TARGET_PAUSES_S, WORKER_PAUSES_S, Retries
from hopscope.session.session import Session
from tests.session.test_session import TARGET, fake, until

QUICK_S = 0.01


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of no length to speak of."""
    monkeypatch.setattr("hopscope.session.target.TARGET_PAUSES_S", (QUICK_S,))
    monkeypatch.setattr(supervisor, "WORKER_PAUSES_S", (QUICK_S,))


# --- the series -----------------------------------------------------------------------------------------------


def test_pauses_grow_to_the_last_one_and_begin_anew_after_a_success() -> None:
    series = Retries((1.0, 2.0, 4.0))
    assert [series.failed(0.0) for _ in range(5)] == [1.0, 2.0, 4.0, 4.0, 4.0]
    series.succeeded()
    assert series.failed(9.0) == 1.0


def test_the_last_try_of_a_series_is_at_its_end() -> None:
    series = Retries((1.0,), lasts_s=5.0)
    series.begun(10.0)
    assert [series.failed(at) for at in (10.0, 12.0, 14.0)] == [1.0, 1.0, 1.0]
    assert series.failed(14.5) == 0.5
    assert series.failed(15.0) is None


def test_a_target_is_tried_again_within_three_seconds_and_a_worker_within_a_minute() -> None:
    assert max(TARGET_PAUSES_S) <= 3.0
    assert WORKER_PAUSES_S[-1] == max(WORKER_PAUSES_S) == 60.0


# --- targets --------------------------------------------------------------------------------------------------


async def test_a_target_without_a_route_is_tried_until_there_is_one_and_all_its_rounds_are_probed(
    quick: None, tmp_path: Path
) -> None:
    command = fake("no-route-twice", tmp_path / "memory")
    async with Session(["192.0.2.1"], Probing(rounds=2), worker_command=command) as session:
        refused = await until(session, lambda snapshot: snapshot.targets[0].state == "refused")
        assert refused.targets[0].is_tried_again
        await session.finished()
        (target,) = session.snapshot().targets
    assert (target.state, target.refusal, target.path.reached) == ("finished", None, True)
    assert not target.is_tried_again


async def test_a_target_that_never_gets_a_route_is_given_up_when_its_rounds_would_be_over(
    quick: None, tmp_path: Path
) -> None:
    probing = Probing(rounds=2, interval_s=0.1)
    memory = tmp_path / "memory"
    async with Session(["192.0.2.1"], probing, worker_command=fake("no-route", memory)) as session:
        await session.finished()
        (target,) = session.snapshot().targets
    assert target.state == "refused"
    assert target.refusal is not None
    assert target.refusal.reason == "no-route"
    assert not target.is_tried_again
    assert memory.read_text().count('"type":"start"') > 2


async def test_a_refusal_that_no_time_mends_ends_the_wait_at_once(tmp_path: Path) -> None:
    async with Session(["192.0.2.1"], Probing(rounds=100), worker_command=fake("refuses")) as session:
        await asyncio.wait_for(session.finished(), 20)
        (target,) = session.snapshot().targets
    assert target.refusal is not None
    assert target.refusal.reason == "permission"


async def test_it_goes_on_by_itself_when_the_user_has_allowed_it(quick: None, tmp_path: Path) -> None:
    command = fake("forbids-twice", tmp_path / "memory")
    async with Session(["192.0.2.1"], worker_command=command) as session:
        snapshot = await until(session, lambda snapshot: snapshot.targets[0].path.reached)
    assert snapshot.targets[0].refusal is None


async def test_a_target_is_tried_at_once_when_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("hopscope.session.target.TARGET_PAUSES_S", (3600.0,))
    command = fake("no-route-twice", tmp_path / "memory")
    async with Session(["192.0.2.1"], worker_command=command) as session:
        for _ in range(2):
            await until(session, lambda s: s.targets[0].state == "refused" and s.targets[0].is_tried_again)
            await until(session, lambda _: session._targets[1].retry is not None)
            assert session.retry(1)
        await until(session, lambda snapshot: snapshot.targets[0].path.reached)
        assert not session.retry(1)


async def test_a_target_that_is_removed_while_it_waits_is_not_tried_again(quick: None, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    async with Session(["192.0.2.1"], worker_command=fake("no-route", memory)) as session:
        await until(session, lambda snapshot: snapshot.targets[0].is_tried_again)
        session.remove(1)
        told = memory.read_text().count('"type":"start"')
        passed = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(10 * QUICK_S, passed.set_result, None)
        await passed
        assert memory.read_text().count('"type":"start"') <= told + 1


class Resolver:
    """Names that lead nowhere for some time."""

    def __init__(self, failures: int, error: int) -> None:
        self.failures = failures
        self.error = error
        self.asked = 0

    def __call__(self, query: object, *how: object) -> list[tuple[object, ...]]:
        self.asked += 1
        if self.asked <= self.failures:
            raise socket.gaierror(self.error, "not now")
        return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", (TARGET, 0))]


@pytest.mark.parametrize("error", [socket.EAI_AGAIN, socket.EAI_NONAME])
async def test_a_name_is_looked_up_again_until_it_leads_somewhere(
    quick: None, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    resolver = Resolver(3, error)
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    async with Session(["name.example"], worker_command=fake("well")) as session:
        await until(session, lambda snapshot: snapshot.targets[0].state == "unresolved")
        snapshot = await until(session, lambda snapshot: snapshot.targets[0].path.reached)
    assert (resolver.asked, snapshot.targets[0].error) == (4, None)


async def test_a_dead_name_server_is_waited_for_and_a_name_that_does_not_exist_is_not(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(1, socket.EAI_AGAIN))
    async with Session(["name.example"], Probing(rounds=1), worker_command=fake("well")) as session:
        await session.finished()
        assert session.snapshot().targets[0].path.reached
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(10**6, socket.EAI_NONAME))
    async with Session(["name.example"], Probing(rounds=1000), worker_command=fake("well")) as session:
        await asyncio.wait_for(session.finished(), 20)
        assert session.snapshot().targets[0].state == "unresolved"


# --- the worker -----------------------------------------------------------------------------------------------


async def test_a_worker_that_keeps_dying_is_started_again_for_ever(quick: None, tmp_path: Path) -> None:
    async with Session(["192.0.2.1"], worker_command=fake("dies-often", tmp_path / "memory")) as session:
        bad = await until(session, lambda snapshot: snapshot.restarts > 2 * supervisor.MOST_RESTARTS)
        assert bad.worker == "restarting"
        assert "times" in (bad.worker_note or "")
        good = await until(session, lambda snapshot: snapshot.targets[0].path.reached)
    assert good.worker == "running"


async def test_a_worker_is_started_at_once_when_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(supervisor, "WORKER_PAUSES_S", (3600.0,))
    async with Session(["192.0.2.1"], worker_command=fake("dies-once", tmp_path / "memory")) as session:
        waiting = await until(session, lambda snapshot: "the next try is at" in (snapshot.worker_note or ""))
        assert waiting.worker == "restarting"
        assert session.retry()
        await until(session, lambda snapshot: snapshot.targets[0].path.reached)


async def test_whoever_waits_for_endless_rounds_waits_for_the_worker_too(quick: None, tmp_path: Path) -> None:
    async with Session(["192.0.2.1"], worker_command=fake("dies-at-once", tmp_path / "memory")) as session:
        waiting = asyncio.ensure_future(session.finished())
        await until(session, lambda snapshot: snapshot.restarts > 2 * supervisor.MOST_RESTARTS)
        assert not waiting.done()
        waiting.cancel()


async def test_a_short_series_of_rounds_is_not_given_up_while_a_worker_runs_again(quick: None, tmp_path: Path) -> None:
    probing = Probing(rounds=1, interval_s=0.01)
    command = fake("dies-five-times", tmp_path / "memory")
    async with Session(["192.0.2.1"], probing, worker_command=command) as session:
        await session.finished()
        assert session.snapshot().targets[0].path.reached


async def test_a_command_that_is_gone_meanwhile_is_tried_again(
    quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    starts = 0

    def launch(*extra: object, **how: object) -> object:
        nonlocal starts
        starts += 1
        if 1 < starts < 5:
            raise OSError(11, "Resource temporarily unavailable")
        return real_launch(*extra, **how)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr("hopscope.session.session.launch", launch)
    async with Session(["192.0.2.1"], worker_command=fake("dies-once", tmp_path / "memory")) as session:
        await until(session, lambda snapshot: "cannot be started again" in (snapshot.worker_note or ""))
        await until(session, lambda snapshot: snapshot.targets[0].path.reached)
    assert starts == 5


async def test_a_survey_fails_when_the_worker_is_given_up(quick: None, tmp_path: Path) -> None:
    async with Session(worker_command=fake("dies-at-once", tmp_path / "memory")) as session:
        with pytest.raises(WorkerFailed, match="no such luck"):
            await asyncio.wait_for(session.capabilities(), 20)
