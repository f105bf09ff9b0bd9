"""Names are looked up of addresses that are shown, and of no others."""

from __future__ import annotations

from hopscope.names.facts import AddressInfo
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.session.naming import NAMED_AT_ONCE
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Answered, Duplicate, Event, Late, Lost, Plan, RoundStarted, Sent

MS = 1_000_000
START = 1_795_446_120_000 * MS


class Counting:
    """A namer that knows nothing and remembers what it was asked."""

    def __init__(self) -> None:
        self.version = 0
        self.asked: list[str] = []

    def look_up(self, address: str) -> AddressInfo:
        self.asked.append(address)
        return AddressInfo()

    async def settle(self, seconds: float) -> None: ...

    async def close(self) -> None: ...


def asked_of(*events: Event) -> set[str]:
    fold = TargetFold(1, Asked(START, "192.0.2.1", Probing()))
    fold.apply(Begun(START, Plan("192.0.2.1", 4)))
    for event in events:
        fold.apply(event)
    namer = Counting()
    fold.snapshot(namer)
    return set(namer.asked)


def answered(round_: int, address: str) -> list[Event]:
    at = START + round_ * 1000 * MS
    probe = (1, round_, 1, at)
    return [RoundStarted(1, round_, at), Sent(*probe), Answered(*probe, MS, address, "time-exceeded")]


def test_nobody_is_asked_about_an_address_that_sent_further_answers_only() -> None:
    storm = [Duplicate(1, 0, 1, START, MS, f"44.0.{n >> 8}.{n & 255}", "time-exceeded") for n in range(5000)]
    assert asked_of(*answered(0, "10.0.0.1"), *storm) == {"10.0.0.1"}


def test_who_answered_late_is_shown_and_asked_about() -> None:
    probe = (1, 0, 1, START)
    events: list[Event] = [
        RoundStarted(1, 0, START),
        Sent(*probe),
        Lost(*probe),
        Late(*probe, 5000 * MS, "10.0.0.1", "time-exceeded"),
    ]
    assert asked_of(*events) == {"10.0.0.1"}


def test_addresses_that_answer_once_each_are_asked_about_up_to_a_few_a_hop() -> None:
    made_up = [event for n in range(60) for event in answered(n, f"44.0.0.{n}")]
    assert asked_of(*made_up) == {f"44.0.0.{n}" for n in range(NAMED_AT_ONCE)}


def test_each_member_of_a_large_balancer_is_asked_about_once_it_answered_again() -> None:
    members = [event for n in range(120) for event in answered(n, f"203.0.113.{n % 60}")]
    assert asked_of(*members) == {f"203.0.113.{n}" for n in range(60)}
