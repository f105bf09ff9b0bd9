"""The worker as a process: what it says on its pipes, what it survives, what it gives up, and when it ends."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hopscope.wire.framing import MAX_LINE, Garbage, encode, event_reader
from hopscope.wire.messages import (
    VERSION,
    Answered,
    Capabilities,
    CapabilitiesReport,
    Command,
    Event,
    Finished,
    Hello,
    Pause,
    Plan,
    Problem,
    Refused,
    Sent,
    Start,
    Started,
    Stop,
    Stopped,
    Welcome,
)
from tests.lab.plain_user import as_plain_user

START = Path(__file__).resolve().parents[2] / "src" / "hopscope" / "probe" / "start.py"
PLAN = Plan("192.0.2.80", 4, method="simulated", interval_ns=100_000_000)


class Driver:
    """A worker and its pipes."""

    def __init__(self, command: list[str] | None = None) -> None:
        self.process = subprocess.Popen(
            command or [sys.executable, "-I", str(START)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            bufsize=0,
        )
        self.reader = event_reader()
        self.events: list[Event | Garbage] = []

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def tell(self, *commands: Command) -> Driver:
        self.write(b"".join(map(encode, commands)))
        return self

    def hear(self, enough: Callable[[list[Any]], bool], seconds: float = 20) -> list[Any]:
        """Read until `enough` says so of all events so far; fails after a while."""
        assert self.process.stdout is not None
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not enough(self.events):
                left = until - time.monotonic()
                assert left > 0, f"not heard: {self.events[-5:]}"
                if selector.select(left):
                    data = os.read(self.process.stdout.fileno(), 1 << 16)
                    assert data, f"ended: {self.process.stderr and self.process.stderr.read()!r}"
                    self.events += self.reader.feed(data)
        return self.events

    def hear_a(self, kind: type) -> Any:
        return next(event for event in self.hear(has(kind)) if isinstance(event, kind))

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(10)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


def has(kind: type, count: int = 1) -> Callable[[list[Any]], bool]:
    return lambda events: sum(isinstance(event, kind) for event in events) >= count


@pytest.fixture
def worker() -> Iterator[Driver]:
    driver = Driver()
    yield driver
    driver.close()


def test_it_greets_probes_finishes_and_ends_with_its_input(worker: Driver) -> None:
    worker.tell(
        Hello(VERSION, 5), Start(3, PLAN.__class__(**{**as_dict(PLAN), "rounds": 1, "timeout_ns": 300_000_000}))
    )
    events = worker.hear(has(Finished))
    welcome = events[0]
    assert isinstance(welcome, Welcome)
    assert (welcome.version, welcome.anchor_ns, welcome.pid) == (VERSION, 5, worker.process.pid)
    assert isinstance(events[1], Started)
    # The moments are on the driver's time line.
    moments = [event.sent_at for event in events if isinstance(event, Sent)]
    assert moments
    assert all(0 < time.monotonic_ns() - moment < 60_000_000_000 for moment in moments)
    assert {event.target for event in events[1:]} == {3}
    assert worker.end() == 0


def as_dict(plan: Plan) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in plan.__struct_fields__}


def test_another_version_is_refused_and_it_ends(worker: Driver) -> None:
    worker.tell(Hello(VERSION + 1))
    problem = worker.hear_a(Problem)
    assert problem.fatal
    assert str(VERSION) in problem.message
    assert worker.process.wait(10) == 1


def test_before_the_greeting_nothing_is_done(worker: Driver) -> None:
    worker.tell(Start(1, PLAN), Hello(VERSION))
    events = worker.hear(has(Welcome))
    assert [type(event) for event in events] == [Problem, Welcome]


@pytest.mark.parametrize(
    "bad",
    [
        b"\n\n",
        b"garbage\n",
        b"\xff\xfe\x00\n",
        b"[1,2]\n",
        b'{"type":"fly"}\n',
        b'{"type":"start","target":"x"}\n',
        b'{"type":"start","target":1,"plan":{"address":"192.0.2.1","family":4,"colour":1}}\n',
        b"x" * (MAX_LINE + 1) + b"\n",
        b"y" * (3 * MAX_LINE) + b"\n",
        b'{"type":"pause","target":' + b"[" * 30_000 + b"\n",
        b'{"type":"stop","target":' + b"9" * 400 + b"}\n",
    ],
    ids=range(11),
)
def test_a_line_that_is_no_command_is_a_problem_and_the_next_one_is_heard(worker: Driver, bad: bytes) -> None:
    worker.tell(Hello(VERSION))
    worker.write(bad)
    worker.tell(Start(1, PLAN))
    events = worker.hear(has(Answered))
    problems = [event for event in events if isinstance(event, Problem)]
    assert len(problems) == (0 if not bad.strip() else 1)
    assert all(len(problem.message) < 400 and problem.message.isprintable() for problem in problems)


def test_commands_may_come_in_pieces_of_any_size(worker: Driver) -> None:
    for byte in encode(Hello(VERSION)) + encode(Start(1, PLAN)):
        worker.write(bytes([byte]))
    worker.hear(has(Answered))


def test_a_command_that_is_cut_off_by_the_end_is_not_carried_out(worker: Driver) -> None:
    worker.tell(Hello(VERSION))
    worker.hear(has(Welcome))
    worker.write(encode(Start(1, PLAN))[:-1])
    assert worker.end() == 0
    assert worker.process.stdout is not None
    rest = worker.reader.feed(worker.process.stdout.read())
    assert [type(event) for event in rest] == [Problem]


def test_a_target_that_is_stopped_says_nothing_more(worker: Driver) -> None:
    worker.tell(Hello(VERSION), Start(1, PLAN), Start(2, PLAN))
    worker.hear(has(Answered, 5))
    worker.tell(Stop(1))
    worker.hear(has(Stopped))
    at = next(index for index, event in enumerate(worker.events) if isinstance(event, Stopped))
    worker.hear(lambda events: has(Answered, 30)(events[at:]))
    assert {event.target for event in worker.events[at + 1 :] if hasattr(event, "target")} == {2}


def test_a_stalled_reader_holds_no_probe_up_and_loses_no_event(worker: Driver) -> None:
    worker.tell(Hello(VERSION))
    quick = {**as_dict(PLAN), "interval_ns": 10_000_000, "timeout_ns": 50_000_000}
    worker.tell(*(Start(number, Plan(**quick)) for number in range(1, 9)))
    worker.hear(has(Started, 8))
    began = cpu_of(worker.process.pid)
    while cpu_of(worker.process.pid) - began < 0.5:  # it works on, though nobody reads: far more than a pipe holds
        assert worker.process.poll() is None
        time.sleep(0.02)
    worker.tell(Pause(), Capabilities())
    events = worker.hear(has(CapabilitiesReport))
    assert not any(isinstance(event, Garbage) for event in events)
    for target in range(1, 9):
        rounds = [event.round for event in events if getattr(event, "target", 0) == target and hasattr(event, "at")]
        assert rounds == list(range(len(rounds)))


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_reader_that_is_gone_is_a_quiet_end(worker: Driver) -> None:
    worker.tell(Hello(VERSION), Start(1, PLAN))
    worker.hear(has(Answered))
    assert worker.process.stdout is not None
    worker.process.stdout.close()
    assert worker.process.wait(10) == 0
    assert worker.process.stderr is not None
    assert worker.process.stderr.read() == b""


def test_it_outlives_a_ctrl_c_that_is_meant_for_the_screen(worker: Driver) -> None:
    worker.tell(Hello(VERSION), Start(1, PLAN))
    worker.hear(has(Answered))
    worker.process.send_signal(2)
    worker.hear(has(Answered, 30))
    assert worker.end() == 0


def test_no_worker_survives_the_one_that_started_it() -> None:
    program = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-I', {str(START)!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        f"p.stdin.write({encode(Hello(VERSION)) + encode(Start(1, PLAN))!r}); p.stdin.flush()\n"
        "p.stdout.readline(); print(p.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        handle = os.pidfd_open(pid)
        parent.kill()
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            assert selector.select(10), "the worker still runs"
        os.close(handle)


def test_an_unknown_scenario_and_a_bad_plan_are_refused_in_one_line(worker: Driver) -> None:
    worker.tell(Hello(VERSION), Start(1, Plan("192.0.2.80", 4, method="simulated", scenario="nowhere")))
    refused = worker.hear_a(Refused)
    assert refused.reason == "scenario"
    assert "nowhere" in refused.message
    assert "\n" not in refused.message


def test_the_survey_names_each_method_protocol_and_family_with_a_reason(worker: Driver) -> None:
    worker.tell(Hello(VERSION), Capabilities())
    report = worker.hear_a(CapabilitiesReport)
    cells = {(state.method, state.protocol, state.family) for state in report.states}
    assert {(method, "icmp", family) for method in ("ping-socket", "raw", "scapy") for family in (4, 6)} <= cells
    assert {("udp-socket", "udp", 4), ("tcp-socket", "tcp", 6), ("raw", "tcp", 6)} <= cells
    assert all(state.reason for state in report.states)


root = pytest.mark.needs("root")  # to have privileges that can be given up


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


NOTHING = "0000000000000000"


@root
def test_a_worker_of_root_has_given_everything_up_before_it_answers(worker: Driver) -> None:
    worker.tell(Hello(VERSION))
    welcome = worker.hear_a(Welcome)
    status = status_of(worker.process.pid)
    assert [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")] == [NOTHING] * 5
    assert status["NoNewPrivs"] == "1"
    assert "given up" in welcome.user


@root
def test_under_sudo_the_worker_is_the_user_who_called_it() -> None:
    env_words = ["env", "SUDO_UID=12345", "SUDO_GID=12346", *as_plain_interpreter(), "-I"]
    driver = Driver([*env_words, start_of(as_plain_interpreter()[-1])])
    try:
        driver.tell(Hello(VERSION))
        driver.hear_a(Welcome)
        status = status_of(driver.process.pid)
        assert status["Uid"].split() == ["12345"] * 4
        assert status["Gid"].split() == ["12346"] * 4
        assert status["CapEff"] == status["CapBnd"] == NOTHING
    finally:
        driver.close()


def as_plain_interpreter() -> list[str]:
    """The interpreter that anybody may execute, run as the tests' own user."""
    return as_plain_user()[-1:]


def start_of(python: str) -> str:
    """Where that interpreter finds the worker's beginning."""
    program = "import hopscope.probe, os; print(os.path.join(os.path.dirname(hopscope.probe.__file__), 'start.py'))"
    return subprocess.run(
        [python, "-I", "-c", program], cwd="/", check=True, capture_output=True, text=True
    ).stdout.strip()


@root
def test_a_plain_users_worker_probes_without_any_privilege() -> None:
    words = as_plain_user()
    driver = Driver([*words, "-I", start_of(words[-1])])
    try:
        driver.tell(Hello(VERSION), Start(1, PLAN))
        driver.hear(has(Answered))
        status = status_of(driver.process.pid)
        assert status["CapEff"] == NOTHING
        assert status["NoNewPrivs"] == "1"
    finally:
        driver.close()


def test_the_environment_and_the_current_folder_cannot_put_another_module_in(tmp_path: Path) -> None:
    for name in ("msgspec.py", "selectors.py", "sitecustomize.py"):
        (tmp_path / name).write_text("import os; os._exit(99)")
    process = subprocess.run(
        [sys.executable, "-I", str(START)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "msgspec.py")},
        input=encode(Hello(VERSION)),
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert process.returncode == 0
    assert b'"welcome"' in process.stdout
