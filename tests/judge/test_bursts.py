"""When an event is a new one: after its burst, by what bursts of the others look like."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from hopscope.judge.bursts import Bursts

OTHERS = range(1, 4)


def after(rounds: Iterable[list[bool | None]]) -> tuple[Bursts, int]:
    """What is known after these rounds, and the next one."""
    bursts, round_ = Bursts(4), 0
    for events in rounds:
        for member, event in enumerate(events):
            if event and bursts.is_new(member, round_):
                bursts.counted(member, round_)
        bursts.take(round_, events)
        round_ += 1
    return bursts, round_


def wait(bursts: Bursts, round_: int, *, losing: bool) -> int:
    """How many rounds after an event that is compared, after forty rounds without one, the first member is compared
    again."""
    round_ += 40
    assert bursts.is_new(0, round_)
    bursts.counted(0, round_)
    for rounds in range(1, 200):
        bursts.take(round_ + rounds - 1, [losing or rounds == 1, False, False, False])
        if bursts.is_new(0, round_ + rounds):
            return rounds
    return 200


def single(rounds: int, seed: int = 1) -> list[list[bool | None]]:
    rng = Random(seed)
    return [[rng.random() < 0.02 for _ in range(4)] for _ in range(rounds)]


def in_bursts(rounds: int, length: float, share: float = 1.0, seed: int = 1) -> list[list[bool | None]]:
    """Bursts of this mean length; a `share` of the rounds of one have an event."""
    rng, bad = Random(seed), [False] * 4
    made: list[list[bool | None]] = []
    for _ in range(rounds):
        bad = [rng.random() < (1 - 1 / length if is_bad else 0.01) for is_bad in bad]
        made.append([is_bad and rng.random() < share for is_bad in bad])
    return made


def test_one_is_compared_again_after_four_rounds_without_an_event_or_when_events_go_on_for_eleven() -> None:
    assert wait(*after([]), losing=False) == 5
    assert wait(*after([]), losing=True) == 11
    assert wait(*after(single(2000)), losing=False) == 5
    assert wait(*after(single(2000)), losing=True) == 11


def test_where_the_others_have_longer_bursts_events_have_to_go_on_for_longer() -> None:
    assert 20 <= wait(*after(in_bursts(600, 4.0)), losing=True) <= 60
    assert wait(*after(in_bursts(600, 30.0)), losing=True) == 60


def test_where_the_others_bursts_have_long_gaps_more_rounds_without_an_event_are_waited_for() -> None:
    assert wait(*after(in_bursts(4000, 4.0)), losing=False) == 5  # they have none
    assert wait(*after(in_bursts(1500, 20.0, share=0.25)), losing=False) in (11, 31)


def test_a_member_that_has_events_all_the_time_tells_nothing_of_the_others_bursts() -> None:
    dead: list[list[bool | None]] = [[False, True, False, False]] * 300
    assert wait(*after(dead), losing=True) == 11


def test_a_round_in_which_all_have_an_event_is_nobodys_burst() -> None:
    outage: list[list[bool | None]] = [[True] * 4] * 200
    calm: list[list[bool | None]] = [[False] * 4] * 60
    assert wait(*after([*calm, *outage, *calm]), losing=True) == 11


def test_what_is_long_past_is_forgotten_by_and_by() -> None:
    calm: list[list[bool | None]] = [[False] * 4] * 2100
    long = wait(*after(in_bursts(600, 8.0)), losing=True)
    bursts, round_ = after(
        [*in_bursts(600, 8.0), *calm, [False, True, False, False], *calm, [False, True, False, False]]
    )
    assert wait(bursts, round_, losing=True) < long


def test_a_round_of_which_nothing_is_known_changes_nothing() -> None:
    unknown: list[list[bool | None]] = [[None] * 4] * 100
    assert wait(*after(unknown), losing=True) == 11
