"""What lasts while nothing gets through for a while goes on afterwards: the same, since its own beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from random import Random

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged
from hopscope.wire.messages import Event, Finished
from tests.judge.rounds import each_round
from tests.path.network import MS, TARGET, answered, at, begun, lost, reached, sent

HOPS = 8
Cut = Callable[[int, int], Event | None]
"""What becomes of a probe of this round and TTL while nothing gets through; None: it gets through."""


def outage(first: int) -> Cut:
    return lambda round_, ttl: lost(round_, ttl) if ttl >= first else None


def refusal(by: int) -> Cut:
    return lambda round_, ttl: (
        answered(round_, ttl, address="203.0.113.7", kind="host-unreachable") if ttl >= by else None
    )


def circles(begin: int) -> Cut:
    """Between the routers of this TTL and the next."""
    return lambda round_, ttl: answered(round_, ttl, address=f"203.0.113.{ttl % 2 + 20}") if ttl >= begin else None


def waits(ttl: int, most_ms: float, since: int) -> Callable[[Random, int, int], float]:
    """How long a packet waits on the link to this TTL."""
    return lambda rng, round_, at_ttl: rng.uniform(0, most_ms) if at_ttl >= ttl and round_ >= since else 0.0


def way(
    rounds: int, wait: Callable[[Random, int, int], float], cut: Cut, spans: list[tuple[int, int]], seed: int
) -> Iterator[Event]:
    rng = Random(seed)
    for round_ in range(rounds):
        yield begun(round_)
        is_cut = any(first <= round_ < last for first, last in spans)
        for ttl in range(1, HOPS + 1):
            yield sent(round_, ttl)
            fact = cut(round_, ttl) if is_cut else None
            rtt = int((3 * ttl + rng.random() + wait(rng, round_, ttl)) * MS)
            address = f"192.168.1.{ttl}" if ttl < 3 else None
            yield fact or (reached(round_, ttl, rtt) if ttl == HOPS else answered(round_, ttl, rtt, address))
    yield Finished(1, rounds)


def said(wait: Callable[[Random, int, int], float], cut: Cut, spans: list[tuple[int, int]], seed: int) -> list[Judged]:
    return list(each_round(way(900, wait, cut, spans, seed), Judge(TARGET)))


CUTS = {"outage-before": outage(4), "outage-behind": outage(7), "refusal": refusal(7), "loop": circles(3)}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("begins", [0, 200])
@pytest.mark.parametrize(("ttl", "kind"), [(1, "local-network"), (3, "bufferbloat"), (6, "congestion")])
def test_round_trips_that_swing_are_one_queue_around_a_silence(
    ttl: int, kind: str, begins: int, cut: str, seed: int
) -> None:
    judged = said(waits(ttl, 150, begins), CUTS[cut], [(500, 560)], seed)
    (queue,) = (each for each in judged[-1].incidents if each.kind == kind)
    assert (queue.times, queue.end) == (1, None)
    assert (queue.begin - at(0)) / 1e9 == pytest.approx(begins, abs=10)
    assert ((judged[-1].since or 0) - at(0)) / 1e9 == pytest.approx(begins, abs=10)
    # It goes on at once: nothing is fine in between.
    kinds = [kind for kind, _ in groupby(each.verdict.kind for each in judged[400:])]
    assert len(kinds) == 3
    assert (kinds[0], kinds[2]) == (kind, kind)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_queue_that_is_over_when_a_silence_is_lasted_until_then(seed: int) -> None:
    def wait(rng: Random, round_: int, ttl: int) -> float:
        return rng.uniform(0, 150) if ttl >= 6 and round_ < 530 else 0.0

    judged = said(wait, outage(4), [(500, 560)], seed)
    (queue,) = (each for each in judged[-1].incidents if each.kind == "congestion")
    assert queue.end is not None
    assert queue.end <= at(560)
    assert queue.sent <= (queue.end - queue.begin) // 10**9 + 3  # until the silence is known as one
    assert not any(each.verdict.is_trouble for each in judged[615:])
    later = [each.verdict for each in judged[615:]]
    assert not any(note.kind in ("chance-loss", "early-loss") for verdict in later for note in verdict.notes)
    assert later[0].kind == "recovered"
    assert later[0].since == at(560)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_queue_is_one_around_each_of_several_silences(seed: int) -> None:
    judged = said(waits(6, 150, 0), outage(3), [(n, n + 6) for n in range(200, 800, 120)], seed)
    times = {each.kind: each.times for each in judged[-1].incidents}
    assert times == {"congestion": 1, "outage": 5}
