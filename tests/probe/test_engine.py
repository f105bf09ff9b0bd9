"""Commands and answers in, events out: all targets of a worker, without a socket."""

from __future__ import annotations

import errno
from collections.abc import Sequence

import msgspec
import pytest

from hopscope.probe.channel import ChannelRefused
from hopscope.probe.crowd import MAX_TOLD
from hopscope.probe.packets.senders import can_answer
from hopscope.wire.messages import (
    Adjust,
    Answered,
    Counters,
    Duplicate,
    Event,
    Failed,
    Finished,
    Late,
    Lost,
    Method,
    Pause,
    Plan,
    Problem,
    Protocol,
    Refused,
    Resume,
    RoundStarted,
    Sent,
    Start,
    Started,
    Stop,
    Stopped,
)
from tests.probe.fake import MS, SECOND, EngineHarness

PLAN = Plan("192.0.2.1", 4, method="simulated", max_ttl=1)


def kinds(events: Sequence[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_target_starts_with_its_facts_its_round_and_its_first_probe() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(7, PLAN))
    harness.engine.tick()
    events = harness.engine.take()
    assert kinds(events) == ["Started", "RoundStarted", "Sent"]
    started, _, sent = events
    assert isinstance(started, Started)
    assert (started.target, started.method, started.source) == (7, "simulated", "10.0.0.1")
    assert isinstance(sent, Sent)
    assert sent.sent_at == harness.now + harness.engine.time_line.anchor


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "ff02::1%eth0", "255.255.255.255", "127.0.0.1", "::1"],
)
def test_what_comes_from_an_address_that_no_host_sends_from_is_no_answer(address: str) -> None:
    """Whoever is on the path can forge any address; these would also stand for something else in a report."""
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    harness.engine.tick()
    (probe,) = harness.channel.sent
    harness.channel.answer(probe, 1.0, address=address)
    harness.channel.answer(probe, 2.0, address="240.0.0.1")
    harness.until(harness.now + SECOND)
    (answered,) = [event for event in harness.engine.take() if isinstance(event, Answered | Duplicate)]
    assert answered.address == "240.0.0.1"


@pytest.mark.parametrize("target", ["127.0.0.1", "127.0.0.2", "::1"])
def test_this_machines_loopback_answers_where_it_is_probed(target: str) -> None:
    assert can_answer("127.0.0.1", target)
    assert can_answer("::1", target)


def test_an_answer_in_time_a_second_one_and_one_after_the_timeout_are_three_things() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, msgspec.structs.replace(PLAN, rounds=2)))
    harness.engine.tick()
    first = harness.channel.sent[0]
    harness.now += 5 * MS
    harness.channel.answer(first, 4.5, "echo-reply")
    harness.channel.answer(first, 4.9, "echo-reply")
    harness.until(harness.now + SECOND)
    second = harness.channel.sent[1]
    harness.until(harness.now + 4 * SECOND)
    harness.channel.answer(second, 4000, "echo-reply")
    events = [event for event in harness.engine.take() if not isinstance(event, (Started, RoundStarted, Sent))]
    assert kinds(events) == ["Answered", "Duplicate", "Lost", "Finished", "Late"]
    answered, duplicate, _, finished, late = events
    assert isinstance(answered, Answered)
    assert (answered.rtt_ns, answered.clock) == (4_500_000, "kernel")
    assert isinstance(duplicate, Duplicate)
    assert isinstance(late, Late)
    assert isinstance(finished, Finished)
    assert finished.rounds == 2


def duplicates_of(events: Sequence[Event]) -> list[Duplicate]:
    return [event for event in events if isinstance(event, Duplicate)]


def test_of_thousands_of_answers_to_a_probe_the_first_are_told_and_the_others_counted_once_a_second() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    harness.engine.tick()
    probe = harness.channel.sent[0]
    harness.engine.take()
    for _ in range(1 + 5000):
        harness.channel.answer(probe, 1, "echo-reply")
    at_once = duplicates_of(harness.engine.take())
    assert [event.count for event in at_once] == [1] * MAX_TOLD
    harness.until(harness.now + 1100 * MS)
    later = [event for event in duplicates_of(harness.engine.take()) if event.round == 0]
    assert [event.count for event in later] == [5000 - MAX_TOLD]
    assert (later[0].address, later[0].ttl, later[0].sent_at) == (at_once[0].address, 1, at_once[0].sent_at)


def test_what_was_counted_is_told_before_its_target_is_finished_and_not_after_it_was_stopped() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, msgspec.structs.replace(PLAN, rounds=1, max_ttl=2)))
    harness.engine.tick()
    harness.until(harness.now + 200 * MS)
    first, second = harness.channel.sent
    for _ in range(41):
        harness.channel.answer(first, 1, "time-exceeded")
    harness.channel.answer(second, 1, "echo-reply")
    events = harness.engine.take()
    assert sum(event.count for event in duplicates_of(events)) == 40
    assert isinstance(events[-1], Finished)
    for _ in range(100):
        harness.channel.answer(first, 1, "time-exceeded")
    harness.engine.handle(Stop(1))
    harness.until(harness.now + 5 * SECOND)
    assert duplicates_of(harness.engine.take()) == []


def test_an_answer_that_took_longer_than_the_timeout_is_late_however_soon_it_is_looked_at() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, msgspec.structs.replace(PLAN, timeout_ns=100 * MS)))
    harness.engine.tick()
    harness.now += 120 * MS  # the expiry is due, but the answer is read first
    harness.channel.answer(harness.channel.sent[0], 110, "echo-reply")
    assert kinds(harness.engine.take())[3:] == ["Lost", "Late"]


def test_an_answer_that_waited_in_the_socket_while_this_machine_was_busy_is_in_time() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    harness.engine.tick()
    harness.now += 10 * SECOND
    harness.channel.answer(harness.channel.sent[0], 20, "echo-reply")
    harness.engine.tick()
    events = harness.engine.take()
    assert [event for event in events if isinstance(event, Lost)] == []
    assert [event.rtt_ns for event in events if isinstance(event, Answered)] == [20 * MS]


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EPERM, errno.ENOBUFS, errno.ENETDOWN, errno.ENODEV])
def test_what_this_machine_cannot_send_is_failed_in_words_and_never_lost(number: int) -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    harness.engine.handle(Start(2, PLAN))
    harness.channel.error = OSError(number, "x")
    harness.until(harness.now + 5 * SECOND)
    events = harness.engine.take()
    failed = [event for event in events if isinstance(event, Failed)]
    assert len(failed) >= 10
    assert {event.error for event in failed} == {errno.errorcode[number]}
    assert all(event.message and event.message != "x" for event in failed)
    assert not any(isinstance(event, (Lost, Sent)) for event in events)
    harness.channel.error = None  # and it resumes by itself
    harness.until(harness.now + SECOND)
    assert any(isinstance(event, Sent) for event in harness.engine.take())


REFUSED = ChannelRefused("permission", "not allowed", "sudo it")


@pytest.mark.parametrize(
    ("refusing", "protocol", "chosen"),
    [
        ([], "icmp", "ping-socket"),
        (["ping-socket"], "icmp", "raw"),
        (["ping-socket", "raw"], "icmp", "scapy"),
        ([], "udp", "raw"),
        (["raw"], "udp", "udp-socket"),
        (["raw"], "tcp", "tcp-socket"),
    ],
)
def test_auto_takes_the_best_method_that_opens(refusing: list[Method], protocol: str, chosen: str) -> None:
    harness = EngineHarness(dict.fromkeys(refusing, REFUSED))
    harness.engine.handle(Start(1, Plan("192.0.2.1", 4, protocol=protocol)))  # type: ignore[arg-type]  # from a table
    (started,) = harness.engine.take()
    assert isinstance(started, Started)
    assert started.method == chosen


@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_what_a_system_lacks_is_told_beside_what_another_method_would_need(protocol: Protocol) -> None:
    lacks = ChannelRefused("unsupported", "IP_RECVERR: Protocol not available")
    denied = ChannelRefused("permission", "raw sockets need privileges", "sudo hopscope")
    plain: Method = "ping-socket" if protocol == "icmp" else "udp-socket"
    desk = EngineHarness({plain: lacks, "raw": denied, "scapy": denied})
    desk.engine.handle(Start(1, msgspec.structs.replace(PLAN, method="auto", protocol=protocol)))
    (refused,) = desk.engine.take()
    assert isinstance(refused, Refused)
    assert refused.reason == "permission"
    assert "IP_RECVERR: Protocol not available" in refused.message
    assert "raw sockets need privileges" in refused.message


def test_when_every_method_refuses_the_most_helpful_reason_is_told() -> None:
    harness = EngineHarness(
        {
            "ping-socket": ChannelRefused("permission", "the sysctl", "sudo sysctl"),
            "raw": ChannelRefused("permission", "needs privileges"),
            "scapy": ChannelRefused("unsupported", "no"),
        }
    )
    harness.engine.handle(Start(1, Plan("192.0.2.1", 4)))
    assert harness.engine.take() == [Refused(1, "permission", "the sysctl", "sudo sysctl")]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"address": "nonsense"}, "address"),
        ({"family": 6}, "family"),
        ({"interval_ns": 0}, "interval_ns 0"),
        ({"timeout_ns": -1}, "timeout_ns"),
        ({"first_ttl": 9, "max_ttl": 8}, "first_ttl 9"),
        ({"max_ttl": 256}, "max_ttl"),
        ({"packet_size": 70_000}, "packet_size"),
        ({"port": 80}, "ICMP has none"),
        ({"method": "udp-socket"}, "does not send icmp"),
        ({"source": "2001:db8::1"}, "source"),
        ({"interface": "x" * 16}, "interface"),
        ({"rounds": -1}, "rounds"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_with_the_value_and_what_is_allowed(
    change: dict[str, object], words: str
) -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, msgspec.structs.replace(Plan("192.0.2.1", 4), **change)))
    (refused,) = harness.engine.take()
    assert isinstance(refused, Refused)
    assert words in refused.message
    assert "\n" not in refused.message


def test_a_command_about_a_target_that_is_not_there_is_a_problem_and_no_more() -> None:
    harness = EngineHarness()
    for command in (Stop(9), Pause(9), Resume(9), Adjust(9)):
        harness.engine.handle(command)
    assert kinds(harness.engine.take()) == ["Problem"] * 4
    harness.engine.handle(Start(1, PLAN))
    harness.engine.handle(Start(1, PLAN))
    assert isinstance(harness.engine.take()[-1], Problem)


def test_pausing_stops_sending_and_resuming_begins_a_round_at_once() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    harness.until(harness.now + 100 * MS)
    harness.engine.handle(Pause())
    harness.until(harness.now + 5 * SECOND)
    assert len(harness.channel.sent) == 1
    harness.engine.handle(Resume(1))
    harness.engine.tick()
    assert len(harness.channel.sent) == 2


def test_a_stopped_target_is_forgotten_and_its_answers_are_foreign() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    harness.engine.tick()
    harness.engine.handle(Stop(1))
    assert harness.channel.flows[0].closed
    assert harness.engine.take()[-1] == Stopped(1)
    harness.channel.answer(harness.channel.sent[0], 3)
    harness.engine.tick()
    assert harness.engine.take() == [Counters(foreign=1)]
    assert harness.engine.next_deadline() > harness.now + 1000 * SECOND


def test_counters_are_told_when_they_changed_and_at_most_once_a_second() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    harness.channel.context.tally.malformed = 1
    harness.engine.tick()
    harness.channel.context.tally.malformed = 5
    harness.engine.tick()
    told = [event for event in harness.engine.take() if isinstance(event, Counters)]
    assert told == [Counters(malformed=1)]
    harness.until(harness.now + 2 * SECOND)
    assert [event for event in harness.engine.take() if isinstance(event, Counters)] == [Counters(malformed=5)]


def test_an_interval_changed_in_mid_trace_holds_and_a_bad_one_is_a_problem() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    harness.until(harness.now + 500 * MS)
    harness.engine.handle(Adjust(1, interval_ns=100 * MS))
    harness.until(harness.now + 2 * SECOND)
    assert len(harness.channel.sent) >= 15
    harness.engine.take()
    harness.engine.handle(Adjust(1, interval_ns=1))
    assert kinds(harness.engine.take()) == ["Problem"]


def test_while_nobody_reads_nothing_is_sent_and_fates_are_still_found() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    harness.engine.tick()
    harness.engine.hold(True)
    harness.until(harness.now + 5 * SECOND)
    assert len(harness.channel.sent) == 1
    assert [type(event) for event in harness.engine.take()].count(Lost) == 1
    harness.engine.hold(False)
    harness.until(harness.now + 50 * MS)
    assert len(harness.channel.sent) == 2


def test_a_probe_is_forgotten_by_its_channel_when_no_answer_is_expected_any_more() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    harness.until(harness.now + 60 * SECOND - 1)
    assert len(harness.channel.sent) == 60
    assert 40 <= len(harness.channel.forgotten) <= 50


def test_a_thousand_targets_keep_their_pace() -> None:
    harness = EngineHarness()
    for number in range(1000):
        harness.engine.handle(Start(number, PLAN))
    harness.until(harness.now + 3 * SECOND - 1)  # they begin in waves
    begun = len(harness.channel.sent)
    harness.until(harness.now + 10 * SECOND)
    assert len(harness.channel.sent) - begun == 10_000
    assert not any(isinstance(event, Late) for event in harness.engine.take())


def test_a_flood_is_told_once_with_its_rate() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    harness.channel.context.tally.foreign = 1
    harness.engine.tick()
    harness.engine.take()
    for second in range(1, 4):
        harness.channel.context.tally.foreign += 20_000 * second
        harness.until(harness.now + SECOND)
    events = harness.engine.take()
    rates = [event.flooded for event in events if isinstance(event, Counters)]
    assert rates == sorted(rates)
    assert 30_000 <= rates[-1] <= 60_000
    notes = [event.note for event in events if isinstance(event, Started)]
    assert len(notes) == 1
    assert notes[0] is not None
    assert notes[0].startswith("flooded: up to ")


def test_what_is_no_flood_is_not_called_one() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, PLAN))
    for _ in range(5):
        harness.channel.context.tally.foreign += 5_000
        harness.until(harness.now + SECOND)
    assert {event.flooded for event in harness.engine.take() if isinstance(event, Counters)} == {0}


def test_an_answer_that_waits_behind_a_flood_is_not_called_lost_before_it_is_read() -> None:
    desk = EngineHarness()
    desk.engine.handle(Start(1, msgspec.structs.replace(PLAN, rounds=1, max_ttl=1, timeout_ns=SECOND)))
    desk.until(desk.now + 10 * MS)
    (probe,) = desk.channel.sent
    desk.channel.backlog = True
    desk.until(desk.now + SECOND + 500 * MS)
    desk.channel.answer(probe, 900)
    desk.channel.backlog = False
    desk.until(desk.now + SECOND)
    assert [kind for kind in kinds(desk.engine.take()) if kind in ("Answered", "Lost", "Late")] == ["Answered"]


def test_a_flood_without_end_does_not_keep_a_probe_for_ever() -> None:
    desk = EngineHarness()
    desk.engine.handle(Start(1, msgspec.structs.replace(PLAN, rounds=1, max_ttl=1, timeout_ns=SECOND)))
    desk.until(desk.now + 10 * MS)
    desk.channel.backlog = True
    desk.until(desk.now + 3 * SECOND)
    assert "Lost" in kinds(desk.engine.take())
