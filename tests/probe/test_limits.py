"""What must not stop a worker: no sequence number left, a pause in the last round, a text that no kernel takes."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hopscope.probe.channel import SEQUENCES, ChannelRefused
from hopscope.probe.probe_book import MOST_REMEMBERED
from hopscope.probe.schedule import Sweep
from hopscope.wire.framing import Garbage, encode, event_reader
from hopscope.wire.messages import VERSION, Adjust, Finished, Hello, Pause, Plan, Problem, Refused, Resume, Start
from tests.probe.fake import MS, SECOND, EngineHarness

START = Path(__file__).resolve().parents[2] / "src" / "hopscope" / "probe" / "start.py"
PLAN = Plan("192.0.2.1", 4, method="simulated", max_ttl=4, max_unknown=4, timeout_ns=SECOND)


def test_where_no_sequence_number_is_left_rounds_wait_until_there_are_some_again() -> None:
    plan = Plan("192.0.2.1", 4, interval_ns=10 * MS, timeout_ns=60 * SECOND, max_ttl=255, max_unknown=255)
    sweep = Sweep(1, plan, 0)
    now = sent = 0
    while now < 55 * SECOND:
        sweep.start_round_if_due(now)
        while (probe := sweep.take_due(now)) is not None:
            probe.sent_mono = now
            sweep.sent(probe)
            sent += 1
            assert sent <= SEQUENCES
        now = max(now + 1, sweep.next_deadline())
    assert sent > MOST_REMEMBERED
    now += 200 * SECOND
    while (old := sweep.first_expired(now)) is not None:
        sweep.lose(old)
    sweep.take_forgettable(now)
    assert sweep.start_round_if_due(now)


def test_an_answer_to_a_lost_probe_of_the_first_round_opens_its_window_no_further() -> None:
    sweep = Sweep(1, Plan("192.0.2.1", 4, max_ttl=30, max_unknown=30, timeout_ns=MS), 0)
    sweep.start_round_if_due(0)
    first = []
    while (probe := sweep.take_due(0)) is not None:
        sweep.sent(probe)
        first.append(probe)
    for probe in first:
        sweep.lose(probe)
        sweep.heard(probe, 2 * MS, 2 * MS, "time-exceeded")
    second = 0
    while (probe := sweep.take_due(2 * MS)) is not None:
        sweep.sent(probe)
        second += 1
    assert second == len(first)


@pytest.mark.parametrize("change", [Resume(1), Adjust(1, max_ttl=1)], ids=["resumed", "cut short"])
def test_a_last_round_that_is_not_sent_to_its_end_still_finishes(change: Resume | Adjust) -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, msgspec.structs.replace(PLAN, rounds=2)))
    harness.until(harness.now + SECOND + 300 * MS)
    assert [probe.round for probe in harness.channel.sent].count(1) == 2
    harness.engine.handle(Pause(1))
    harness.until(harness.now + 10 * SECOND)
    assert not any(isinstance(event, Finished) for event in harness.engine.take())
    harness.engine.handle(change)
    assert [event for event in harness.engine.take() if isinstance(event, Finished)] == [Finished(1, 2)]


def test_a_shorter_interval_is_not_held_up_by_the_long_round_under_way() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, msgspec.structs.replace(PLAN, interval_ns=3600 * SECOND)))
    harness.until(harness.now + 3601 * SECOND)
    before = len(harness.channel.sent)
    harness.engine.handle(Adjust(1, interval_ns=SECOND))
    harness.until(harness.now + 2 * SECOND)
    assert len(harness.channel.sent) - before >= 7


@pytest.mark.parametrize(
    "plan",
    [
        Plan("fe80::1%\0", 6, method="ping-socket"),
        Plan("fe80::1%" + "y" * 60_000, 6, method="ping-socket"),
        Plan("127.0.0.1", 4, method="ping-socket", interface="lo\0"),
        Plan("127.0.0.1", 4, method="simulated", scenario="/" + "x" * 60_000),
        Plan("a" * 60_000, 4),
    ],
    ids=["NUL in a zone", "long zone", "NUL in an interface", "long scenario", "long address"],
)
def test_a_text_that_no_kernel_takes_is_refused_in_one_line_before_any_socket_is_opened(plan: Plan) -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, plan))
    (refused,) = harness.engine.take()
    assert isinstance(refused, Refused)
    assert harness.channels == {}
    assert refused.message.isprintable()
    assert len(refused.message) < 500


def test_what_is_said_of_a_refused_target_fits_on_a_line() -> None:
    harness = EngineHarness({"simulated": ChannelRefused("scenario", "x" * 100_000)})
    harness.engine.handle(Start(1, PLAN))
    assert len(encode(harness.engine.take()[0])) < 1000


def test_standard_input_that_cannot_be_waited_for_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    file = tmp_path / "commands"
    file.write_bytes(encode(Hello(VERSION)))
    with file.open("rb") as commands:
        done = subprocess.run(
            [sys.executable, "-I", str(START)], stdin=commands, capture_output=True, check=False, timeout=20
        )
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"standard input" in done.stderr


def feed_until_it_reads_no_more(worker: subprocess.Popen[bytes]) -> int:
    """Bytes of garbage commands, two a command, that a worker took while nobody read what it said of them."""
    assert worker.stdin is not None
    os.set_blocking(worker.stdin.fileno(), False)
    fed = 0
    with selectors.DefaultSelector() as selector:
        selector.register(worker.stdin, selectors.EVENT_WRITE)
        while True:
            if selector.select(0.5):
                fed += worker.stdin.write(b"x\n" * 2048) or 0
                assert fed < 4 << 20, "it takes every command, and owes an answer to each"
            elif Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S":
                return fed  # not merely slow: it sleeps, and the pipe is full


def test_commands_of_a_driver_that_reads_nothing_fill_no_memory_and_wait_until_it_does() -> None:
    with subprocess.Popen(
        [sys.executable, "-I", str(START)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(encode(Hello(VERSION)))
        reader = event_reader()
        reader.feed(worker.stdout.read(10))  # it runs
        fed = feed_until_it_reads_no_more(worker)
        memory = int(Path(f"/proc/{worker.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        assert memory < 200 << 20
        answered = 0
        stalls = 0
        while answered < fed // 2:
            for event in reader.feed(worker.stdout.read(1 << 16)):
                assert not isinstance(event, Garbage)
                if isinstance(event, Problem):
                    answered += event.message.startswith("not understood")
                    stalls += event.message.startswith("nobody reads")
        assert stalls >= 1


def test_a_driver_that_ends_while_the_worker_waits_for_it_to_read_takes_the_worker_along() -> None:
    with subprocess.Popen(
        [sys.executable, "-I", str(START)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(encode(Hello(VERSION)))
        worker.stdout.read(10)
        feed_until_it_reads_no_more(worker)
        worker.stdin.close()
        assert worker.wait(10) == 0
