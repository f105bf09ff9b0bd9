"""Where ICMP is refused and nothing explicit was asked for, UDP takes its place, and that is said."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hopscope.session.model import Probing, Snapshot, Target
from hopscope.session.plans import fallback_plan, plan_of
from hopscope.session.report import report
from hopscope.session.session import Session
from tests.session.test_session import fake, until

TARGET = "192.0.2.1"


def by_udp(snapshot: Snapshot) -> bool:
    target = snapshot.targets[0]
    return target.started is not None and target.plan is not None and target.plan.protocol == "udp"


async def fallen_back(tmp_path: Path, probing: Probing) -> Target:
    """The target after a worker whose first life has ICMP and whose second has none."""
    async with Session([TARGET], probing, worker_command=fake("loses-icmp", tmp_path / "memory")) as session:
        snapshot = await until(session, by_udp)
    assert snapshot.restarts == 1
    return snapshot.targets[0]


async def test_a_worker_that_comes_back_without_icmp_goes_on_by_udp_with_the_rounds_that_were_left(
    tmp_path: Path,
) -> None:
    target = await fallen_back(tmp_path, Probing(rounds=5))
    assert target.plan is not None
    assert (target.plan.protocol, target.plan.port) == ("udp", 33434)
    assert (target.plan.first_round, target.plan.rounds) == (1, 4)
    (note,) = target.notes
    assert note.startswith(
        "ICMP is refused here, so probes are UDP from round 2 on, and the numbers are of those alone; "
    )
    document = report(target, now=0, host="here")
    assert (document.protocol, document.note) == ("udp", note)


async def test_where_everything_is_refused_icmps_reason_and_remedy_are_told() -> None:
    async with Session([TARGET], worker_command=fake("refuses")) as session:
        snapshot = await until(session, lambda snapshot: snapshot.targets[0].state == "refused")
    refusal = snapshot.targets[0].refusal
    assert refusal is not None
    assert refusal.message == "not allowed"


@pytest.mark.parametrize(
    "explicit", [{"protocol": "icmp"}, {"protocol": "tcp"}, {"method": "ping-socket"}, {"method": "raw"}]
)
def test_what_was_asked_for_explicitly_is_refused(explicit: dict[str, str]) -> None:
    probing = msgspec.convert(explicit, Probing)
    assert fallback_plan(probing, plan_of(probing, TARGET), "permission") is None


@pytest.mark.parametrize("reason", ["no-route", "address", "limit", "scenario"])
def test_what_udp_would_meet_as_well_is_refused(reason: str) -> None:
    assert fallback_plan(Probing(), plan_of(Probing(), TARGET), reason) is None


def test_a_port_beside_the_target_is_not_taken_for_one_of_udp() -> None:
    plan = fallback_plan(Probing(), plan_of(Probing(), TARGET, 443), "permission")
    assert plan is not None
    assert (plan.protocol, plan.port) == ("udp", 33434)
