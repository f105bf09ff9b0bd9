"""Two troubles whose times overlap: each has an incident of its own, from its own begin to its own end, whichever of
them is said meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Incident, Judged
from hopscope.wire.messages import Event, Finished
from tests.judge.rounds import each_round
from tests.path.network import MS, TARGET, answered, at, begun, lost, reached, sent

_HOPS = 8
"""Routers before the target."""


class Fault(NamedTuple):
    """What is wrong with a link, and in which rounds."""

    begin: int
    end: int
    link: int
    """The TTL behind it."""
    loss: float = 0.0
    ms: float = 0.0
    wide: float = 0.0
    """What it adds at the most besides, drawn for each probe anew."""
    is_rerouted: bool = False
    """Another router stands behind it."""

    @property
    def span(self) -> tuple[int, int]:
        return self.begin, self.end


def _facts(rounds: int, faults: tuple[Fault, ...], seed: int) -> Iterator[Event]:
    rng = Random(seed)
    for round_ in range(rounds):
        yield begun(round_)
        now = [fault for fault in faults if fault.begin <= round_ < fault.end]
        others = {fault.link for fault in now if fault.is_rerouted}
        for ttl in range(1, _HOPS + 2):
            yield sent(round_, ttl)
            on_way = [fault for fault in now if fault.link <= ttl]
            rtt = round((3 * ttl + rng.random() + sum(each.ms + each.wide * rng.random() for each in on_way)) * MS)
            draws = [rng.random() for _ in on_way]
            if any(draw < each.loss for draw, each in zip(draws, on_way, strict=True)):
                yield lost(round_, ttl)
            elif ttl > _HOPS:
                yield reached(round_, ttl, rtt)
            else:
                yield answered(round_, ttl, rtt, f"{'203.0.113' if ttl in others else '192.0.2'}.{ttl}")
    yield Finished(1, rounds)


def _played(seed: int, *faults: Fault, rounds: int = 1100) -> list[Judged]:
    return list(each_round(_facts(rounds, faults, seed), Judge(TARGET)))


def _by_kind(judged: Judged) -> dict[str, Incident]:
    """The incidents; each kind is one, and came once."""
    assert {(each.kind, each.times) for each in judged.incidents} == {(each.kind, 1) for each in judged.incidents}
    found: dict[str, Incident] = {each.kind: each for each in judged.incidents}
    assert len(found) == len(judged.incidents)
    return found


def _is_of(incident: Incident, fault: Fault) -> None:
    """Place and time of the incident are the fault's."""
    assert incident.end is not None
    assert (incident.begin - at(0)) / 1e9 == pytest.approx(fault.begin, abs=8)
    assert (incident.end - at(0)) / 1e9 == pytest.approx(fault.end, abs=20)
    assert incident.first_ttl is not None
    assert incident.last_ttl is not None
    assert incident.first_ttl < fault.link <= incident.last_ttl


def _is_lost(incident: Incident, fault: Fault) -> None:
    """And its packets are those of that time."""
    assert incident.end is not None
    assert abs(incident.sent - (incident.end - incident.begin) / 1e9) <= 4
    assert incident.lost == pytest.approx(fault.loss * incident.sent, rel=0.35)


_SPANS = pytest.mark.parametrize(
    ("loss", "delay"),
    [((200, 600), (400, 900)), ((200, 900), (400, 600)), ((400, 900), (200, 600)), ((400, 600), (200, 900))],
    ids=["loss-first", "loss-around", "delay-first", "delay-around"],
)
_PLACES = pytest.mark.parametrize(("near", "far"), [(3, 6), (6, 3), (5, 5)])


@pytest.mark.parametrize("seed", [1, 2])
@_SPANS
@_PLACES
def test_a_loss_and_a_longer_way_each_have_their_own_time(
    near: int, far: int, loss: tuple[int, int], delay: tuple[int, int], seed: int
) -> None:
    losing, longer = Fault(*loss, near, loss=0.25), Fault(*delay, far, ms=50.0)
    *_, last = _played(seed, losing, longer)
    found = _by_kind(last)
    assert set(found) == {"loss", "detour"}
    _is_of(found["loss"], losing)
    _is_lost(found["loss"], losing)
    _is_of(found["detour"], longer)


@pytest.mark.parametrize("seed", [1, 2])
@_SPANS
def test_a_loss_and_a_queue_elsewhere_each_have_their_own_time(
    loss: tuple[int, int], delay: tuple[int, int], seed: int
) -> None:
    losing, queue = Fault(*loss, 3, loss=0.15), Fault(*delay, 6, ms=20.0, wide=80.0)
    said = _played(seed, losing, queue)
    found = _by_kind(said[-1])
    assert set(found) == {"loss", "congestion"}
    _is_of(found["loss"], losing)
    _is_lost(found["loss"], losing)
    _is_of(found["congestion"], queue)
    both = said[max(loss[0], delay[0]) + 60].verdict
    assert (both.kind, both.numbers.also_ttl) == ("congestion", 3)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_queue_and_a_loss_elsewhere_that_begin_together_are_two(seed: int) -> None:
    losing, queue = Fault(200, 600, 3, loss=0.15), Fault(200, 900, 6, ms=20.0, wide=80.0)
    *_, last = _played(seed, losing, queue)
    found = _by_kind(last)
    _is_of(found["loss"], losing)
    _is_of(found["congestion"], queue)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_worse_route_that_loses_is_said_to_lose_since_the_route_changed(share: float, seed: int) -> None:
    worse = Fault(200, 800, 5, loss=share, ms=50.0, is_rerouted=True)
    said = _played(seed, worse)
    for judged in said[260:795]:
        verdict = judged.verdict
        assert verdict.kind == "loss"
        assert verdict.since is not None
        assert (verdict.since - at(0)) / 1e9 == pytest.approx(200, abs=4)
        assert verdict.numbers.lost == pytest.approx(share * verdict.numbers.sent, abs=25)
    numbers = said[400].verdict.numbers
    assert numbers.more_ns == pytest.approx(50 * MS, rel=0.1), "and how much slower it is stands with it"
    found = _by_kind(said[-1])
    _is_of(found["loss"], worse)
    _is_lost(found["loss"], worse)
    _is_of(found["route-change"], worse)
    assert found["route-change"].delay_ns == pytest.approx(50 * MS, rel=0.1)
    assert found["route-change"].lost < 10, "what is lost is the loss's"


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("outage", [(500, 560), (500, 900)])
def test_a_loss_beside_a_queue_has_ended_with_an_outage_unless_it_is_there_after_it(
    outage: tuple[int, int], seed: int
) -> None:
    losing, queue = Fault(300, 800, 3, loss=0.15), Fault(200, 1050, 6, ms=20.0, wide=80.0)
    down = Fault(*outage, 5, loss=1.0)
    *_, last = _played(seed, losing, queue, down)
    found = _by_kind(last)
    assert set(found) == {"loss", "congestion", "outage"}
    _is_of(found["outage"], down)
    _is_of(found["congestion"], queue)
    _is_of(found["loss"], losing if outage[1] < losing.end else losing._replace(end=down.begin))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_wifi_has_ended_when_its_last_packet_was_late_though_a_loss_goes_on(seed: int) -> None:
    rng = Random(seed)
    judge = Judge(TARGET)
    for round_ in range(700):
        judge.apply(begun(round_))
        for ttl in range(1, _HOPS + 2):
            judge.apply(sent(round_, ttl))
            waits = rng.expovariate(1 / 30) if 100 <= round_ < 400 and rng.random() < 0.4 else 0.0
            if ttl >= 3 and 300 <= round_ < 650 and rng.random() < 0.2:
                judge.apply(lost(round_, ttl))
            else:
                rtt = int((3 * ttl + rng.random() + waits) * MS)
                judge.apply(reached(round_, ttl, rtt) if ttl > _HOPS else answered(round_, ttl, rtt, f"192.0.2.{ttl}"))
    judge.apply(Finished(1, 700))
    found = _by_kind(judge.judged())
    wifi, loss = found["local-network"], found["loss"]
    assert wifi.end is not None
    assert (wifi.end - at(0)) / 1e9 == pytest.approx(400, abs=6)
    assert (loss.begin - at(0)) / 1e9 == pytest.approx(300, abs=25)
