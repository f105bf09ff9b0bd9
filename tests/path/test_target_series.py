"""The target by round, whatever TTL it stands at: what counts as an answer of it, and what as a loss."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import cast

import pytest
from msgspec import Struct

from hopscope.path.fold import PathFold
from hopscope.path.snapshot import FAILED, LATE, NO_PROBE, PENDING, Hop
from hopscope.path.target_series import FRESHER
from hopscope.wire.facts import Abandoned
from hopscope.wire.messages import Answered, Event, Finished, Kind, Sent
from tests.path.network import MS, TARGET, answered, at, begun, failed, late, lost, reached, router, sent


def round_of(round_: int, distance: int, beyond: int = 0, rtt: int = 20 * MS) -> Iterable[Event]:
    """A round in which everything answers, the target from `distance` on, with `beyond` probes too many."""
    yield begun(round_)
    for ttl in range(1, distance + 1 + beyond):
        yield sent(round_, ttl)
    for ttl in range(1, distance):
        yield answered(round_, ttl)
    for ttl in range(distance, distance + 1 + beyond):
        yield reached(round_, ttl, rtt + ttl * MS)


def silent(round_: int, length: int, answering: int) -> Iterable[Event]:
    """A round in which only the first `answering` TTLs of `length` answer."""
    yield begun(round_)
    for ttl in range(1, length + 1):
        yield sent(round_, ttl)
        yield answered(round_, ttl) if ttl <= answering else lost(round_, ttl)


def error(round_: int, ttl: int, kind: Kind = "host-unreachable") -> Answered:
    return answered(round_, ttl, 3 * MS, router(ttl), kind)


def series(*events: Event | Iterable[Event | Struct], over: bool = False) -> Hop:
    """The target after these events; `over`: all rounds were sent."""
    fold = PathFold(TARGET)
    for some in events:
        for event in some if isinstance(some, Iterable) else [some]:
            fold.apply(cast(Event, event))
    if over:
        fold.apply(Finished(1, 0))
    found = fold.snapshot().target
    assert found is not None
    assert found.sent == found.received + found.lost + found.late + found.pending + found.failed
    return found


def samples(hop: Hop) -> list[int]:
    return hop.window.samples.tolist()


def test_nothing_is_known_of_a_target_before_anything_was_sent() -> None:
    assert PathFold(TARGET).snapshot().target is None


def test_on_a_path_that_stays_the_target_has_the_numbers_of_its_hop() -> None:
    fold = PathFold(TARGET)
    for round_ in range(40):
        if round_ % 7 == 3:
            fold.apply_all(silent(round_, 4, 3))
        else:
            fold.apply_all(round_of(round_, 4, rtt=(10 + round_ % 5) * MS))
    path = fold.snapshot()
    assert path.target == path.hops[-1]
    assert path.rows == path.hops
    assert path.target_hop is path.target


def test_a_target_that_moves_has_one_series() -> None:
    found = series(*(round_of(r, 5 if r < 10 else 7) for r in range(20)), over=True)
    assert (found.sent, found.received, found.lost, found.ttl) == (20, 20, 0, 7)
    assert found.rtt is not None
    assert (found.rtt.best, found.rtt.worst) == (25.0, 27.0)


def test_a_target_that_moves_with_each_round_loses_nothing() -> None:
    found = series(*(round_of(r, 5 + r % 3) for r in range(30)), over=True)
    assert (found.sent, found.received, found.lost) == (30, 30, 0)


def test_of_several_answers_in_a_round_the_nearest_counts() -> None:
    found = series(round_of(0, 3, beyond=4))
    assert (found.ttl, found.received, samples(found)) == (3, 1, [23 * MS])


def test_the_nearest_counts_whatever_came_first() -> None:
    events = list(round_of(0, 3, beyond=4))
    assert series(reversed(events)) == series(events)


def test_a_shorter_path_is_followed_at_once() -> None:
    found = series(round_of(0, 6), round_of(1, 4), round_of(2, 4), over=True)
    assert (found.ttl, found.received, found.lost) == (4, 3, 0)


def test_a_path_that_grew_beyond_what_was_tried_loses_nothing_by_that() -> None:
    """A router answers where the target was: in that round the target was not asked."""
    grown = [begun(2), *(event for ttl in (1, 2, 3) for event in (sent(2, ttl), answered(2, ttl)))]
    found = series(round_of(0, 3), round_of(1, 3), grown, round_of(3, 4), over=True)
    assert (found.sent, found.received, found.lost) == (3, 3, 0)
    assert samples(found)[2] == NO_PROBE


def test_a_path_that_grew_and_is_not_reached_any_more_loses_its_target() -> None:
    found = series(round_of(0, 3), *(silent(r, 8, 5) for r in range(1, 9)), over=True)
    assert (found.sent, found.received, found.lost) == (9, 1, 8)


def test_a_second_try_beyond_a_lost_probe_is_no_answer() -> None:
    """One TTL beyond the target is tried while its own is silent, and the target answers there as well."""
    events: list[Event] = []
    for round_ in range(40):
        if round_ % 4 == 3:
            events += [begun(round_), sent(round_, 1), sent(round_, 2), sent(round_, 3)]
            events += [answered(round_, 1), lost(round_, 2), reached(round_, 3)]
        else:
            events += round_of(round_, 2)
    found = series(events, over=True)
    assert (found.sent, found.received, found.lost, found.ttl) == (40, 30, 10, 2)


def test_a_path_that_grew_over_a_silent_hop_is_followed_after_three_rounds() -> None:
    grown = [
        [begun(r), sent(r, 1), sent(r, 2), sent(r, 3), answered(r, 1), lost(r, 2), reached(r, 3)] for r in range(5, 20)
    ]
    found = series(*(round_of(r, 2) for r in range(5)), *grown, over=True)
    assert (found.ttl, found.sent, found.lost) == (3, 20, 2)


def test_a_silent_target_is_lost_at_its_place() -> None:
    found = series(*(round_of(r, 4) for r in range(5)), *(silent(r, 5, 3) for r in range(5, 9)), over=True)
    assert (found.sent, found.received, found.lost, found.ttl) == (9, 5, 4, 4)


def test_a_target_that_never_answered_lost_each_round() -> None:
    found = series(*(silent(r, 6, 2) for r in range(10)), over=True)
    assert (found.sent, found.received, found.lost, found.loss_pct, found.ttl) == (10, 0, 10, 100.0, 0)
    assert found.rtt is None


def test_a_target_that_is_farther_away_than_is_tried_lost_each_round() -> None:
    found = series(*(silent(r, 6, 6) for r in range(10)), over=True)
    assert (found.sent, found.received, found.lost) == (10, 0, 10)


@pytest.mark.parametrize("kind", ["host-unreachable", "net-unreachable", "prohibited"])
def test_a_routers_error_is_no_arrival(kind: Kind) -> None:
    """It is answered and received at its hop, and counted there as an error; the target has lost the round."""
    fold = PathFold(TARGET)
    for round_ in range(5):
        fold.apply_all(round_of(round_, 4))
    for round_ in range(5, 9):
        fold.apply_all([begun(round_), sent(round_, 1), answered(round_, 1), sent(round_, 2), error(round_, 2, kind)])
    fold.apply(Finished(1, 9))
    path = fold.snapshot()
    assert [(hop.received, hop.lost, hop.errors) for hop in path.hops] == [(9, 0, 0), (9, 0, 4)]
    assert path.target is not None
    assert (path.target.sent, path.target.received, path.target.lost, path.target.errors) == (9, 5, 4, 4)
    assert path.target.rtt is not None
    assert path.target.rtt.best == 24.0
    assert path.rows == path.hops


def test_an_error_of_one_hop_beside_an_answer_of_the_target_is_no_loss() -> None:
    events = [e for e in round_of(0, 4) if not (isinstance(e, Answered) and e.ttl == 2)]
    found = series(events, error(0, 2))
    assert (found.received, found.lost, found.errors) == (1, 0, 0)


def test_an_error_counts_once_the_targets_own_probe_has_its_fate() -> None:
    started = [begun(1), *(sent(1, ttl) for ttl in (1, 2, 3)), answered(1, 1), error(1, 2)]
    assert series(round_of(0, 3), started).pending == 1
    assert series(round_of(0, 3), started, reached(1, 3)).received == 2
    assert series(round_of(0, 3), started, lost(1, 3)).errors == 1


def test_the_targets_own_port_unreachable_is_an_arrival() -> None:
    fold = PathFold(TARGET, "udp")
    fold.apply_all([sent(0, 1), answered(0, 1, MS, TARGET, "port-unreachable")])
    path = fold.snapshot()
    assert path.target is not None
    assert (path.target.received, path.target.errors, path.hops[0].errors) == (1, 0, 0)


def test_a_round_in_flight_is_pending_and_no_loss() -> None:
    found = series(round_of(0, 2), begun(1), sent(1, 1), sent(1, 2))
    assert (found.sent, found.pending, found.loss_pct) == (2, 1, 0.0)
    assert samples(found)[-1] == PENDING


def test_a_round_whose_probe_to_the_target_has_not_left_yet_counts_not_at_all() -> None:
    found = series(round_of(0, 3), begun(1), sent(1, 1), answered(1, 1))
    assert (found.sent, found.received) == (1, 1)


def test_a_late_answer_of_the_target_is_neither_received_nor_lost() -> None:
    one = [begun(1), sent(1, 1), sent(1, 2), answered(1, 1), lost(1, 2)]
    found = series(round_of(0, 2), one, round_of(2, 2), late(1, 2, address=TARGET, kind="echo-reply"))
    assert (found.sent, found.received, found.late, found.lost) == (3, 2, 1, 0)
    assert samples(found)[1] == LATE


def test_a_late_answer_to_a_round_that_was_looked_at_long_before_counts_the_same() -> None:
    fold = PathFold(TARGET)
    fold.apply_all([*round_of(0, 2), begun(1), sent(1, 1), sent(1, 2), answered(1, 1), lost(1, 2)])
    for round_ in range(2, 30):
        fold.apply_all(round_of(round_, 2))
        fold.snapshot()
    fold.apply(late(1, 2, address=TARGET, kind="echo-reply"))
    found = fold.snapshot().target
    assert found is not None
    assert (found.late, found.lost, samples(found)[1]) == (1, 0, LATE)


def test_what_this_machine_could_not_send_is_no_loss_of_the_target() -> None:
    found = series(round_of(0, 2), begun(1), sent(1, 1), answered(1, 1), failed(1, 2), round_of(2, 2))
    assert (found.sent, found.failed, found.lost, samples(found)[1]) == (3, 1, 0, FAILED)
    assert found.last_error is not None


def test_what_was_in_flight_when_the_worker_died_has_failed() -> None:
    fold = PathFold(TARGET)
    fold.apply_all([*round_of(0, 2), begun(1), sent(1, 1), sent(1, 2)])
    fold.apply(Abandoned(at(2), "the worker died"))
    found = fold.snapshot().target
    assert found is not None
    assert (found.failed, found.pending, found.lost) == (1, 0, 0)


def test_a_probe_may_be_in_flight_for_longer_than_the_window() -> None:
    fold = PathFold(TARGET, window=16)
    for round_ in range(64):
        fold.apply_all([begun(round_), sent(round_, 1), sent(round_, 2), answered(round_, 1)])
        if round_ % 5 == 0:
            fold.snapshot()
    for round_ in range(64):
        fold.apply(reached(round_, 2))
    found = fold.snapshot().target
    assert found is not None
    assert (found.sent, found.received, found.pending) == (64, 64, 0)


def test_rounds_that_jump_by_a_million_cost_nothing() -> None:
    fold = PathFold(TARGET)
    for i in range(50):
        fold.apply(Sent(1, i * 1_000_000, 1, at(i)))
        fold.snapshot()
    found = fold.snapshot().target
    assert found is not None
    assert found.sent == found.pending


def test_a_reset_begins_the_targets_numbers_anew() -> None:
    fold = PathFold(TARGET)
    for round_ in range(10):
        fold.apply_all(round_of(round_, 3))
    fold.reset(at(10))
    assert fold.snapshot().target is None
    fold.apply_all(round_of(10, 3))
    found = fold.snapshot().target
    assert found is not None
    assert (found.sent, found.received) == (1, 1)


def refused_at(place: int, rounds: range, every: int) -> list[Event]:
    """Every so many rounds somebody refuses the probe in the target's place, and one TTL further reaches it."""
    out: list[Event] = []
    for round_ in rounds:
        if round_ % every:
            out += round_of(round_, place)
            continue
        out += round_of(round_, place + 1)
        out[-2] = answered(round_, place, 3 * MS, router(place - 1), "prohibited")
    return out


def test_a_round_in_which_somebody_refuses_in_the_targets_place_is_lost_whatever_a_further_probe_reaches() -> None:
    target = series(round_of(0, 4), refused_at(4, range(1, 60), 5), over=True)
    assert (target.sent, target.lost, target.ttl) == (60, 11, 4)


def test_a_path_that_grew_behind_a_router_that_refuses_what_expires_there_is_followed() -> None:
    target = series(*(round_of(number, 4) for number in range(10)), refused_at(4, range(10, 40), 1), over=True)
    assert (target.sent, target.lost, target.ttl) == (40, FRESHER - 1, 5)


def losing(share: float, rounds: int, seed: int) -> list[Event]:
    """A target at TTL 3 that loses a share of all probes; while it is silent there, further TTLs are tried."""
    rng, out, beyond = Random(seed), list[Event](), 0
    for round_ in range(rounds):
        out.append(begun(round_))
        for ttl in (1, 2):
            out += [sent(round_, ttl), answered(round_, ttl)]
        silent = False
        for ttl in range(3, 4 + beyond):
            is_lost = rng.random() < share
            out += [sent(round_, ttl), lost(round_, ttl) if is_lost else reached(round_, ttl)]
            silent |= is_lost and ttl == 3
        beyond = min(beyond + 1, 4) if silent else 0
    return out


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
def test_what_answers_from_farther_away_by_chance_hides_no_loss(share: float) -> None:
    counts = [series(losing(share, 300, seed), over=True) for seed in range(20)]
    lost_ = sum(target.lost for target in counts) / sum(target.sent for target in counts)
    assert lost_ == pytest.approx(share, abs=0.04)


def test_a_path_that_grew_while_nothing_came_through_is_followed_at_once() -> None:
    dark = [event for number in range(10, 40) for event in (begun(number), sent(number, 4), lost(number, 4))]
    grown = [
        event
        for number in range(40, 60)
        for event in (begun(number), sent(number, 4), lost(number, 4), sent(number, 5), reached(number, 5))
    ]
    target = series(*(round_of(number, 4) for number in range(10)), dark, grown, over=True)
    assert (target.sent, target.lost, target.ttl) == (60, 30, 5)


@pytest.mark.parametrize("readings", [1, 7, 1000])
@pytest.mark.parametrize("every", [2, 3, 5])
def test_a_round_in_which_packets_go_round_is_lost_however_often_the_series_is_read(every: int, readings: int) -> None:
    fold = PathFold(TARGET)
    for round_ in range(60):
        fold.apply(begun(round_))
        is_round = round_ % every == 1
        for ttl in range(1, 5 + 2 * is_round):
            fold.apply(sent(round_, ttl))
            if ttl > 3 and is_round:
                fold.apply(answered(round_, ttl, address=router(2 if ttl % 2 == 0 else 3)))
            else:
                fold.apply(reached(round_, ttl) if ttl == 4 else answered(round_, ttl))
        if round_ % readings == 0:
            fold.snapshot()
    fold.apply(Finished(1, 60))
    target = fold.snapshot().target
    assert target is not None
    assert (target.sent, target.lost, target.ttl) == (60, len(range(1, 60, every)), 4)


def test_a_path_that_grew_by_two_new_routers_is_followed_without_a_loss() -> None:
    target = series(*(round_of(number, 4) for number in range(10)), *(round_of(number, 6) for number in range(10, 20)))
    assert (target.lost, target.ttl) == (0, 6)
