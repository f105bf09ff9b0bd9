"""Events in, path out: fates, order, the window, the end of the path."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable

import msgspec
import pytest

from hopscope.path.fold import PathFold
from hopscope.path.snapshot import FAILED, LATE, LOST, NO_PROBE, PENDING, Hop, Path
from hopscope.wire.messages import Answered, Event, Failed, Kind, Label, Lost, Protocol, Sent, Stopped
from tests.path.network import (
    MS,
    TARGET,
    S,
    answered,
    at,
    begun,
    duplicate,
    failed,
    late,
    lost,
    reached,
    router,
    sent,
)


def fold(*events: Event, protocol: Protocol = "icmp", first_ttl: int = 1, window: int = 1024) -> PathFold:
    """A fold that has seen `events`."""
    out = PathFold(TARGET, protocol, first_ttl, window=window)
    out.apply_all(events)
    return out


def path(*events: Event) -> Path:
    return fold(*events).snapshot()


def hop(*events: Event) -> Hop:
    """The first hop after `events`."""
    return path(*events).hops[0]


def counts(found: Hop) -> dict[str, int]:
    """The counts that are not 0."""
    names = ("sent", "received", "lost", "late", "pending", "failed", "duplicates")
    return {name: getattr(found, name) for name in names if getattr(found, name)}


# --- fates -------------------------------------------------------------------------------------------------------


def test_nothing_is_known_of_a_path_without_events() -> None:
    found = path()
    assert found.hops == ()
    assert (found.reached, found.rounds, found.started_at, found.last_at, found.route_changes) == (
        False,
        0,
        None,
        None,
        0,
    )
    assert list(found.round_times) == []
    assert found.target_hop is None


def test_a_probe_in_flight_is_pending_and_no_loss() -> None:
    found = hop(sent(0))
    assert counts(found) == {"sent": 1, "pending": 1}
    assert (found.loss_pct, found.loss_ci95_pct, found.rtt, found.jitter) == (None, None, None, None)
    assert found.window.samples.tolist() == [PENDING]


def test_an_answer_settles_its_probe() -> None:
    found = hop(sent(0), answered(0, rtt=12 * MS))
    assert counts(found) == {"sent": 1, "received": 1}
    assert found.loss_pct == 0
    assert found.window.samples.tolist() == [12 * MS]
    assert found.reply is not None
    assert (found.reply.type, found.reply.code, found.reply.kind, found.reply.ttl) == (11, 0, "time-exceeded", 60)


def test_a_lost_probe_is_a_hole_and_not_a_zero() -> None:
    found = hop(sent(0), answered(0), sent(1), lost(1))
    assert counts(found) == {"sent": 2, "received": 1, "lost": 1}
    assert found.loss_pct == 50
    assert found.rtt is not None
    assert (found.rtt.best, found.rtt.avg, found.rtt.median) == (10, 10, 10)
    assert found.window.samples.tolist() == [10 * MS, LOST]


def test_a_hop_that_never_answered_has_all_lost_and_no_numbers() -> None:
    found = hop(sent(0), lost(0))
    assert (found.loss_pct, found.nodes, found.rtt, found.jitter, found.reply) == (100, (), None, None, None)


def test_a_late_answer_turns_a_lost_probe_late() -> None:
    found = hop(sent(0), lost(0), late(0))
    assert counts(found) == {"sent": 1, "late": 1}
    assert (found.loss_pct, found.rtt) == (None, None)
    assert found.window.samples.tolist() == [LATE]


def test_a_late_answer_shows_who_answered_but_not_how_fast() -> None:
    found = hop(sent(0), lost(0), sent(1), answered(1, address="192.0.2.77"), late(0, address="192.0.2.66"))
    assert [(node.address, node.received) for node in found.nodes] == [("192.0.2.66", 0), ("192.0.2.77", 1)]
    assert (found.nodes[0].best_ms, found.nodes[0].avg_ms, found.nodes[0].last_ms, found.nodes[0].last_at) == (
        None,
        None,
        None,
        None,
    )
    assert found.rtt is not None
    assert found.rtt.worst == 10


def test_nodes_stand_in_the_order_of_sending_of_the_first_probe_that_each_answered_late_or_not() -> None:
    one, two = "192.0.2.66", "192.0.2.77"
    events: list[Event] = [sent(0), lost(0), sent(1), answered(1, address=two), sent(2), answered(2, address=one)]
    assert [node.address for node in hop(*events).nodes] == [two, one]
    assert [node.address for node in hop(*events, late(0, address=one)).nodes] == [one, two]
    gone: list[Event] = [lost(0), answered(1, address=two), lost(2), late(2, address=one), late(0, address=one)]
    assert [(node.address, node.received) for node in hop(*gone).nodes] == [(one, 0), (two, 1)]


def test_a_duplicate_changes_no_count_but_its_own() -> None:
    one = hop(sent(0), answered(0))
    two = hop(sent(0), answered(0), duplicate(0, address="192.0.2.50"))
    assert counts(two) == {"sent": 1, "received": 1, "duplicates": 1}
    assert (two.rtt, two.nodes, two.replies, two.window.samples.tolist()) == (
        one.rtt,
        one.nodes,
        one.replies,
        one.window.samples.tolist(),
    )


def test_a_probe_that_this_machine_could_not_send_is_no_loss() -> None:
    found = hop(failed(0), sent(1), answered(1))
    assert counts(found) == {"sent": 2, "received": 1, "failed": 1}
    assert found.loss_pct == 0
    assert found.last_error is not None
    assert (found.last_error.error, found.last_error.message, found.last_error.at) == (
        "ENETUNREACH",
        "Network is unreachable",
        at(0, 1),
    )
    assert found.window.samples.tolist() == [FAILED, 10 * MS]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (first, second)
        for first in (answered(0), lost(0), failed(0), late(0))
        for second in (sent(0), answered(0), lost(0), failed(0))
        if (first, second) != (lost(0), failed(0))  # this machine's own fault after all
    ],
)
def test_a_fate_is_counted_once_and_does_not_change(first: Event, second: Event) -> None:
    folded = fold(sent(0), first)
    before = folded.snapshot()
    folded.apply(second)
    assert folded.snapshot() is before


def test_a_late_answer_is_counted_once() -> None:
    assert counts(hop(sent(0), lost(0), late(0), late(0))) == {"sent": 1, "late": 1}


def test_an_answered_probe_cannot_become_late() -> None:
    assert counts(hop(sent(0), answered(0), late(0))) == {"sent": 1, "received": 1}


@pytest.mark.parametrize(
    ("fate", "name"), [(answered(0), "received"), (lost(0), "lost"), (late(0), "late"), (failed(0), "failed")]
)
def test_a_fate_whose_sending_was_not_seen_counts_as_sent(fate: Event, name: str) -> None:
    assert counts(hop(fate)) == {"sent": 1, name: 1}


def test_a_duplicate_may_stand_for_many_and_for_no_impossible_number() -> None:
    many = [msgspec.structs.replace(duplicate(0), count=count) for count in (4984, 0, -5, 2**62)]
    assert counts(hop(sent(0), answered(0), duplicate(0), *many))["duplicates"] == 4985


def test_a_duplicate_of_an_unknown_hop_invents_no_hop() -> None:
    assert path(duplicate(0)).hops == ()


def test_events_that_are_no_probes_are_ignored() -> None:
    folded = fold(sent(0))
    before = folded.snapshot()
    folded.apply(Stopped(1))
    assert folded.snapshot() is before


@pytest.mark.parametrize(
    "event",
    [
        Answered(1, 0, 1, at(0), -1, "192.0.2.1", "time-exceeded"),
        Answered(1, 0, 1, at(0), 2**70, "192.0.2.1", "time-exceeded"),
        Answered(1, 0, 0, at(0), 1, "192.0.2.1", "time-exceeded"),
        Answered(1, 0, 256, at(0), 1, "192.0.2.1", "time-exceeded"),
        Answered(1, -1, 1, at(0), 1, "192.0.2.1", "time-exceeded"),
        Answered(1, 2**63, 1, at(0), 1, "192.0.2.1", "time-exceeded"),
        Answered(1, 0, 1, -1, 1, "192.0.2.1", "time-exceeded"),
        Answered(1, 0, 1, 2**63, 1, "192.0.2.1", "time-exceeded"),
    ],
)
def test_numbers_that_cannot_be_change_nothing(event: Answered) -> None:
    assert fold(event).version == 0


# --- order -------------------------------------------------------------------------------------------------------


def test_jitter_is_taken_in_the_order_of_sending_not_of_arrival() -> None:
    found = hop(sent(0), sent(1), sent(2), answered(2, rtt=30 * MS), answered(0, rtt=10 * MS), answered(1, rtt=20 * MS))
    assert found.jitter is not None
    assert (found.jitter.last, found.jitter.avg, found.jitter.worst) == (10, 10, 10)
    assert found.rtt is not None
    assert found.rtt.last == 30


def test_an_answer_whose_sending_was_not_seen_takes_its_place_in_the_order() -> None:
    found = hop(sent(0), sent(2), answered(2, rtt=30 * MS), answered(1, rtt=20 * MS), answered(0, rtt=10 * MS))
    assert found.jitter is not None
    assert (found.jitter.last, found.jitter.worst) == (10, 10)


def test_the_end_of_the_path_follows_the_newest_probe_not_the_newest_arrival() -> None:
    folded = fold(sent(0), sent(1), answered(1), reached(0, 1), sent(1, 2))
    assert [h.is_target for h in folded.snapshot().hops] == [False, False]


def test_an_answer_behind_a_pending_probe_is_already_shown() -> None:
    found = hop(sent(0), sent(1), answered(1, rtt=7 * MS, address="192.0.2.9"))
    assert counts(found) == {"sent": 2, "received": 1, "pending": 1}
    assert found.rtt is not None
    assert (found.rtt.last, found.rtt.avg, found.rtt.median) == (7, 7, 7)
    assert [node.address for node in found.nodes] == ["192.0.2.9"]


def test_what_is_shown_of_the_tail_is_not_counted_again_when_it_is_settled() -> None:
    folded = fold(sent(0), sent(1), answered(1, rtt=7 * MS))
    folded.snapshot()
    folded.apply(answered(0, rtt=9 * MS))
    found = folded.snapshot().hops[0]
    assert found.rtt is not None
    assert (found.received, found.nodes[0].received, found.replies[0].count) == (2, 2, 2)
    assert (found.rtt.avg, found.rtt.last) == (8, 7)


def test_last_is_the_last_answered_probe_in_the_order_of_sending() -> None:
    mpls = (Label(16004, 0, True, 1),)
    newer = Answered(1, 1, 1, at(1, 1), 5 * MS, "192.0.2.8", "time-exceeded", 11, 0, 61, "program", mpls)
    found = hop(sent(0), sent(1), newer, answered(0))
    assert found.rtt is not None
    assert found.rtt.last == 5
    assert found.reply is not None
    assert (found.reply.ttl, found.reply.clock, found.mpls, found.program_clock) == (61, "program", mpls, 1)


def test_a_lost_probe_between_two_answers_leaves_them_consecutive() -> None:
    found = hop(sent(0), answered(0, rtt=10 * MS), sent(1), lost(1), sent(2), answered(2, rtt=14 * MS))
    assert found.jitter is not None
    assert found.jitter.last == 4


def test_replies_are_counted_by_kind_the_most_frequent_first() -> None:
    events = [answered(i, kind="host-unreachable" if i == 2 else "time-exceeded") for i in range(5)]
    assert [(reply.kind, reply.count) for reply in hop(*events).replies] == [
        ("time-exceeded", 4),
        ("host-unreachable", 1),
    ]


def test_nodes_of_a_hop_have_their_own_numbers() -> None:
    events = [answered(i, rtt=(10 + i) * MS, address=f"192.0.2.{i % 2}") for i in range(5)]
    one, two = hop(*events).nodes
    assert (one.address, one.received, one.best_ms, one.avg_ms, one.last_ms) == ("192.0.2.0", 3, 10, 12, 14)
    assert (two.address, two.received, two.best_ms, two.avg_ms, two.last_ms) == ("192.0.2.1", 2, 11, 12, 13)
    assert two.last_at == at(3, 1)


def test_a_thousand_addresses_at_a_hop_are_not_a_thousand_nodes() -> None:
    events = [answered(i, address=f"2001:db8::{i:x}") for i in range(1000)]
    found = hop(*events)
    assert (found.received, len(found.nodes)) == (1000, 64)


def test_the_example_of_the_documentation_comes_out() -> None:
    rtts = {0: 10, 1: 20, 3: 10, 4: 30, 7: 12}
    fates: dict[int, list[Event]] = {2: [lost(2)], 5: [lost(5), late(5)]}
    events: list[Event] = []
    for i in range(9):
        events.append(failed(i) if i == 6 else sent(i))
        events += [answered(i, rtt=rtts[i] * MS)] if i in rtts else fates.get(i, [])
    found = hop(*events)
    assert counts(found) == {"sent": 9, "received": 5, "lost": 1, "late": 1, "pending": 1, "failed": 1}
    assert found.rtt is not None
    assert found.jitter is not None
    page = (pathlib.Path(__file__).parents[2] / "docs" / "statistics.md").read_text()
    for name, value in {
        "last": found.rtt.last,
        "avg": found.rtt.avg,
        "stddev": found.rtt.stddev,
        "gmean": found.rtt.gmean,
        "median": found.rtt.median,
        "p95": found.rtt.p95,
        "p99": found.rtt.p99,
        "worst": found.jitter.worst,
        "rfc3550": found.jitter.rfc3550,
    }.items():
        assert value is not None
        assert f"| {name} | {round(value, 4):g} |" in page
    assert f"| last | {found.jitter.last:g} |" in page
    assert f"| avg | {found.jitter.avg:g} |" in page
    assert found.loss_pct is not None
    assert found.loss_ci95_pct is not None
    low, high = found.loss_ci95_pct
    assert f"1 of 6, {found.loss_pct:.1f} %" in page
    assert f"{low:.1f} to {high:.1f} %" in page


# --- window ------------------------------------------------------------------------------------------------------


def test_the_samples_are_those_of_the_last_rounds_and_percentiles_see_all() -> None:
    folded = fold(window=4)
    for i in range(10):
        folded.apply_all([begun(i), sent(i), answered(i, rtt=(i + 1) * MS)])
    found = folded.snapshot()
    assert found.hops[0].window.first_round == found.first_round == 6
    assert found.hops[0].window.samples.tolist() == [7 * MS, 8 * MS, 9 * MS, 10 * MS]
    assert found.round_times.tolist() == [at(6), at(7), at(8), at(9)]
    rtt = found.hops[0].rtt
    assert rtt is not None
    assert rtt.median == pytest.approx(5, rel=0.004)
    assert (rtt.p99, rtt.best, rtt.avg) == (10, 1, 5.5)


def test_all_windows_of_a_path_stand_in_line() -> None:
    found = path(begun(0), sent(0, 1), answered(0, 1), begun(1), sent(1, 1), sent(1, 2), begun(2))
    assert [h.window.samples.tolist() for h in found.hops] == [
        [10 * MS, PENDING, NO_PROBE],
        [NO_PROBE, PENDING, NO_PROBE],
    ]
    assert [h.window.first_round for h in found.hops] == [0, 0]
    assert len(found.round_times) == 3


def test_the_windows_last_samples_are_padded_in_front() -> None:
    window = hop(sent(0), answered(0)).window
    assert window.last(3) == [NO_PROBE, NO_PROBE, 10 * MS]
    assert window.last(0) == []


def test_the_windows_samples_cannot_be_written() -> None:
    found = path(begun(0), sent(0))
    for view in (found.hops[0].window.samples, found.round_times):
        assert view.readonly
        assert view.format == "q"


def test_an_old_snapshot_stays_what_it_was() -> None:
    folded = fold(begun(0), sent(0), sent(1))
    old = folded.snapshot()
    folded.apply_all([answered(0), answered(1)])
    assert old.hops[0].window.samples.tolist() == [PENDING, PENDING]
    assert folded.snapshot().hops[0].window.samples.tolist() == [10 * MS, 10 * MS]


def test_a_probe_may_be_in_flight_for_longer_than_the_window() -> None:
    folded = fold(window=4)
    folded.apply(sent(0))
    for i in range(1, 12):
        folded.apply_all([sent(i), answered(i)])
    folded.apply(answered(0, rtt=11 * S))
    found = folded.snapshot().hops[0]
    assert counts(found) == {"sent": 12, "received": 12}
    assert found.rtt is not None
    assert (found.rtt.worst, found.rtt.p99) == (11_000, 11_000)
    assert found.rtt.median == pytest.approx(10, rel=0.004)


def test_a_fate_of_a_probe_that_is_older_than_the_window_stays() -> None:
    folded = fold(sent(0), lost(0), window=4)
    for i in range(1, 9):
        folded.apply_all([sent(i), answered(i)])
    folded.apply_all([late(0), answered(0), lost(0)])
    assert counts(folded.snapshot().hops[0]) == {"sent": 9, "received": 8, "lost": 1}


def test_a_gap_longer_than_the_window_empties_it() -> None:
    found = fold(sent(0), answered(0), sent(50), window=8).snapshot()
    assert found.hops[0].window.samples.tolist() == [NO_PROBE] * 7 + [PENDING]
    assert found.hops[0].rtt is not None
    assert found.hops[0].rtt.median == 10
    assert found.round_times.tolist() == [at(50, 1)] * 8


def test_percentiles_remember_what_left_the_samples_even_while_a_hop_is_quiet() -> None:
    folded = fold(sent(0), answered(0, rtt=5 * MS), window=4)
    for i in range(1, 8):
        folded.apply_all([begun(i), sent(i, 2), answered(i, 2)])
    rtt = folded.snapshot().hops[0].rtt
    assert rtt is not None
    assert (rtt.median, rtt.last) == (5, 5)


# --- rows and the end of the path --------------------------------------------------------------------------------


def test_rows_have_no_gap_from_the_first_ttl_on() -> None:
    found = fold(sent(0, 5), first_ttl=3).snapshot()
    assert [h.ttl for h in found.hops] == [3, 4, 5]
    assert counts(found.hops[0]) == {}
    assert found.hops[0].window.samples.tolist() == [NO_PROBE]


def sweep(round_: int, length: int, beyond: int = 0) -> Iterable[Event]:
    """A round over a path whose target is `length` hops away."""
    yield begun(round_)
    for ttl in range(1, length + beyond + 1):
        yield sent(round_, ttl)
    for ttl in range(1, length + beyond + 1):
        yield answered(round_, ttl) if ttl < length else reached(round_, ttl)


def test_the_path_ends_at_the_first_hop_where_the_target_answers() -> None:
    found = path(*sweep(0, 3, beyond=2))
    assert [h.ttl for h in found.hops] == [1, 2, 3]
    assert [h.is_target for h in found.hops] == [False, False, True]
    assert found.reached
    assert found.target_hop == found.hops[-1]


def test_a_path_that_has_no_end_lists_what_was_tried() -> None:
    found = path(sent(0, 1), answered(0, 1), sent(0, 2), sent(0, 3))
    assert [h.ttl for h in found.hops] == [1, 2, 3]
    assert not found.reached
    assert found.target_hop is None


def test_a_path_that_shrinks_is_followed() -> None:
    found = path(*sweep(0, 5), *sweep(1, 3))
    assert [h.ttl for h in found.hops] == [1, 2, 3]


def test_a_path_that_grows_is_followed() -> None:
    found = path(*sweep(0, 3), *sweep(1, 5))
    assert [h.ttl for h in found.hops] == [1, 2, 3, 4, 5]
    assert [h.is_target for h in found.hops] == [False, False, False, False, True]


def test_a_path_that_grows_over_a_silent_hop_is_followed() -> None:
    events: list[Event] = list(sweep(0, 3))
    for i in range(1, 5):
        events += [sent(i, 1), answered(i, 1), sent(i, 2), answered(i, 2), sent(i, 3), lost(i, 3), sent(i, 4)]
        events += [reached(i, 4)]
    assert [(h.ttl, h.is_target) for h in path(*events).hops][-2:] == [(3, False), (4, True)]


def test_a_lost_answer_of_the_target_leaves_the_path_as_long_as_it_is() -> None:
    found = path(*sweep(0, 3), sent(1, 3), lost(1, 3), sent(1, 4), reached(1, 4))
    assert [h.ttl for h in found.hops] == [1, 2, 3]


def test_a_passing_unreachable_of_a_router_hides_nothing_behind_it_unless_nobody_answers_from_there() -> None:
    def refused(round_: int) -> list[Event]:
        return [sent(round_, 2), answered(round_, 2, kind="host-unreachable")]

    assert [h.ttl for h in path(*sweep(0, 4), *refused(1)).hops] == [1, 2, 3, 4]
    alone: list[Event] = [event for round_ in range(1, 5) for event in refused(round_)]
    assert [h.ttl for h in path(*sweep(0, 4), *alone).hops] == [1, 2]
    behind: list[Event] = [
        event
        for ttl in (3, 4)
        for event in (sent(1, ttl), answered(1, ttl, address=router(2), kind="host-unreachable"))
    ]
    assert [h.ttl for h in path(*sweep(0, 4), *refused(1), *behind).hops] == [1, 2]
    assert [h.ttl for h in path(*sweep(0, 4), *alone, *behind, *sweep(5, 4)).hops] == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["host-unreachable", "prohibited", "port-unreachable", "other"])
def test_a_router_that_refuses_what_expires_there_and_forwards_the_rest_ends_no_path(kind: Kind) -> None:
    events: list[Event] = []
    for round_ in range(6):
        for ttl in (1, 2, 3, 4):
            is_last = ttl == 4
            its = reached(round_, 4) if is_last else answered(round_, ttl, kind="time-exceeded" if ttl != 2 else kind)
            events += [sent(round_, ttl), its]
    found = path(*events)
    assert [(h.ttl, h.is_target) for h in found.hops] == [(1, False), (2, False), (3, False), (4, True)]
    assert found.target is not None
    assert (found.target.received, found.target.lost) == (6, 0)


def test_a_late_answer_of_the_target_ends_the_path_too() -> None:
    found = path(
        sent(0, 1), answered(0, 1), sent(0, 2), lost(0, 2), sent(0, 3), late(0, 2, address=TARGET, kind="echo-reply")
    )
    assert [h.ttl for h in found.hops] == [1, 2]
    assert found.reached


@pytest.mark.parametrize(
    ("protocol", "kind", "icmp_type", "address", "is_end", "is_reached"),
    [
        ("icmp", "time-exceeded", 11, TARGET, False, False),
        ("icmp", "fragmentation-needed", 3, router(1), False, False),
        ("icmp", "echo-reply", 0, "203.0.113.1", True, True),
        ("tcp", "tcp-open", None, TARGET, True, True),
        ("tcp", "tcp-reset", None, "203.0.113.1", True, True),
        ("udp", "port-unreachable", 3, "203.0.113.1", True, True),
        ("icmp", "port-unreachable", 3, router(1), True, False),
        ("udp", "other", None, "203.0.113.1", True, True),
        ("udp", "other", 12, router(1), True, False),
        ("icmp", "host-unreachable", 3, router(1), True, False),
        ("icmp", "net-unreachable", 3, router(1), True, False),
        ("icmp", "prohibited", 3, router(1), True, False),
        ("udp", "prohibited", 3, TARGET, True, True),
        ("udp", "prohibited", 3, TARGET + "%eth0", True, True),
    ],
)
def test_what_ends_a_path_and_what_reaches_the_target(
    protocol: Protocol, kind: Kind, icmp_type: int | None, address: str, is_end: bool, is_reached: bool
) -> None:
    event = Answered(1, 0, 1, at(0, 1), MS, address, kind, icmp_type, 0, 60)
    found = fold(sent(0), event, protocol=protocol).snapshot()
    assert (found.hops[0].is_target, found.reached) == (is_end, is_reached)


# --- route changes -----------------------------------------------------------------------------------------------


def route(letters: str, ttl: int = 2) -> list[Event]:
    """The addresses that answer a hop, round by round; a dot is a lost probe."""
    return [
        lost(i, ttl) if letter == "." else answered(i, ttl, address=f"2001:db8::{ord(letter):x}")
        for i, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "changes"),
    [
        ("aaaaaaaa", 0),
        ("aaaabbbb", 1),
        ("aaaab", 0),
        ("aaaabaaa", 0),
        ("abababab", 0),
        ("aabbaabbaabb", 0),
        ("abcdabcdabcd", 0),
        ("aa..b.b..b", 1),
        ("aaaabbbbaaaa", 2),
        ("ababababcccc", 1),
    ],
)
def test_a_route_change_is_a_new_address_that_stays(letters: str, changes: int) -> None:
    assert path(*route(letters)).route_changes == changes


def test_hops_that_change_together_are_one_change() -> None:
    assert path(*route("aaaabbbb", 2), *route("ccccdddd", 3), *route("eeeeefff", 4)).route_changes == 1
    assert path(*route("aaaabbbbbbbbb", 2), *route("cccccccccdddd", 3)).route_changes == 2


def test_a_route_that_flaps_for_days_is_counted_in_bounded_memory() -> None:
    assert path(*route(("aaa" + "bbb") * 100)).route_changes == 199


# --- time, versions, reset ---------------------------------------------------------------------------------------


def test_rounds_and_times_are_told() -> None:
    found = path(begun(0), sent(0, 1), begun(1), sent(1, 1), answered(0, 1, rtt=3 * S))
    assert (found.rounds, found.started_at, found.last_at) == (2, at(0), at(0, 1) + 3 * S)


def test_a_snapshot_of_an_unchanged_fold_is_the_same_object() -> None:
    folded = fold(begun(0), sent(0), sent(0, 2))
    one = folded.snapshot()
    assert folded.snapshot() is one
    folded.apply(answered(0))
    two = folded.snapshot()
    assert two.version > one.version
    assert two.hops[0] is not one.hops[0]
    assert two.hops[1] is one.hops[1]


def test_a_reset_begins_anew_and_ignores_what_was_sent_before() -> None:
    folded = fold(*sweep(0, 2), begun(1), sent(1, 1), sent(1, 2))
    version = folded.version
    folded.reset(at(1, 2))
    assert folded.snapshot().hops == ()
    assert not folded.snapshot().reached
    folded.apply_all([answered(1, 1), lost(1, 1), late(1, 1), reached(1, 2), begun(2), sent(2, 1), answered(2, 1)])
    found = folded.snapshot()
    assert [counts(h) for h in found.hops] == [{"sent": 1, "received": 1}, {"sent": 1, "received": 1}]
    assert (found.rounds, found.started_at) == (1, at(1, 2))
    assert found.version > version


def test_probes_of_a_worker_that_died_are_this_machines_fault() -> None:
    folded = fold(begun(0), sent(0, 1), answered(0, 1), begun(1), sent(1, 1), sent(1, 2), sent(0, 3), lost(0, 3))
    folded.abandon(at(2), "the probe worker died")
    found = folded.snapshot()
    assert [counts(h) for h in found.hops] == [
        {"sent": 2, "received": 1, "failed": 1},
        {"sent": 1, "failed": 1},
        {"sent": 1, "lost": 1},
    ]
    assert found.hops[0].loss_pct == 0
    error = found.hops[1].last_error
    assert error is not None
    assert (error.message, error.at) == ("the probe worker died", at(2))
    before = folded.snapshot()
    folded.apply_all([answered(1, 1), lost(1, 2)])
    folded.abandon(at(3), "again")
    assert folded.snapshot() is before


def test_a_flood_of_probes_without_fates_is_bounded() -> None:
    folded = fold(window=8)
    for i in range(65_536 + 100):
        folded.apply(sent(i))
    found = folded.snapshot().hops[0]
    assert found.sent == found.pending == 65_536 + 100
    folded.apply(answered(0))
    assert folded.snapshot().hops[0].received == 0


def test_a_lost_probe_that_this_machine_refused_after_all_has_failed() -> None:
    fold = PathFold("192.0.2.80")
    fold.apply(Sent(1, 0, 1, 1000))
    fold.apply(Lost(1, 0, 1, 1000))
    fold.apply(Failed(1, 0, 1, 1000, "EHOSTUNREACH", "the next hop does not answer"))
    (hop,) = fold.snapshot().hops
    assert (hop.sent, hop.lost, hop.failed, hop.loss_pct) == (1, 0, 1, None)
    fold.apply(Failed(1, 0, 1, 1000, "EHOSTUNREACH", "said twice"))
    assert fold.snapshot().hops[0].failed == 1
