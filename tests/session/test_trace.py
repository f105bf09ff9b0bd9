"""`hopscope.trace`: a report in one call, whatever thread, loop or signal it meets."""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading

import msgspec
import pytest

import hopscope
from hopscope.names.facts import AddressInfo, Asn
from hopscope.path.fold import PathFold
from hopscope.session.model import Target
from hopscope.session.report import Report, document, report, to_json
from hopscope.wire.messages import Answered, Failed, Lost, Plan, Refused, RoundStarted, Sent, Started

TARGET = "192.0.2.80"
NOW = 1_764_000_000_123_456_789


def quick(rounds: int = 2) -> Report:
    return hopscope.trace(TARGET, rounds=rounds, method="simulated", interval_s=0.05, timeout_s=0.3)


def test_a_trace_is_the_json_document() -> None:
    traced = quick()
    again = msgspec.json.decode(traced.to_json(), type=Report)
    assert again == traced
    assert (traced.target.query, traced.method, traced.rounds, traced.reached) == (TARGET, "simulated", 2, True)
    assert traced.error is None
    assert "\n" not in traced.to_json(indent=0)


async def test_a_trace_works_where_a_loop_is_running() -> None:
    assert quick().reached
    traced = await hopscope.trace_async(TARGET, rounds=1, method="simulated", timeout_s=0.3)
    assert traced.reached


def test_a_trace_works_in_a_thread() -> None:
    reports: list[Report] = []
    thread = threading.Thread(target=lambda: reports.append(quick(1)))
    thread.start()
    thread.join()
    assert reports[0].reached


async def test_cancelling_a_trace_ends_its_worker() -> None:
    task = asyncio.create_task(hopscope.trace_async(TARGET, rounds=1000, method="simulated"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _children() == []


def _children() -> list[str]:
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return file.read().split()


CALL = f"hopscope.trace({TARGET!r}, rounds=100000, method='simulated', interval_s=0.05)"
INTERRUPTED = """
except KeyboardInterrupt:
    # A thread that did its work may need a moment to be gone.
    for thread in set(threading.enumerate()) - {threading.current_thread()}:
        thread.join(10)
    print('interrupted', threading.active_count(), flush=True)
"""
PROGRAM = """
import asyncio, os, signal, subprocess, threading
import hopscope
from hopscope.session import launch

class Popen(subprocess.Popen):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        print(self.pid, flush=True)

launch.subprocess.Popen = Popen
try:
"""


@pytest.mark.parametrize(
    "body",
    [
        f"    {CALL}",
        f"    async def main():\n        {CALL}\n    asyncio.run(main())",
        f"    async def main():\n        async def inner():\n            {CALL}\n"
        "        await asyncio.gather(inner())\n    asyncio.run(main())",
    ],
    ids=["alone", "in a loop", "in a task of a loop"],
)
def test_ctrl_c_ends_a_trace_in_order(body: str) -> None:
    program = PROGRAM + body + INTERRUPTED
    with subprocess.Popen([sys.executable, "-W", "error", "-c", program], stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        worker = int(driver.stdout.readline())
        handle = os.pidfd_open(worker)
        driver.send_signal(signal.SIGINT)
        assert driver.stdout.read() == b"interrupted 1\n"
        assert driver.wait(20) == 0
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            assert selector.select(10), "the worker still runs"
        os.close(handle)


async def test_a_ctrl_c_at_the_very_moment_the_trace_begins_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Thread(threading.Thread):
        def start(self) -> None:
            super().start()
            if self.name == "hopscope-trace":
                task = asyncio.current_task()
                assert task is not None
                task.cancel()  # what asyncio's handler of SIGINT does

    monkeypatch.setattr(threading, "Thread", Thread)
    with pytest.raises(KeyboardInterrupt):
        hopscope.trace(TARGET, rounds=20, method="simulated", interval_s=0.05)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()  # not before: since Python 3.13 it takes back what was not yet thrown


def test_what_cannot_be_is_an_error_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="a target is needed"):
        hopscope.trace("")
    with pytest.raises(ValueError, match="max_ttl 300: allowed are 1 to 255"):
        hopscope.trace(TARGET, max_ttl=300)
    with pytest.raises(ValueError, match="rounds 0"):
        hopscope.trace(TARGET, rounds=0)
    with pytest.raises(TypeError, match="max_tll"):
        hopscope.trace(TARGET, max_tll=3)  # type: ignore[call-arg]  # the mistake that is tested
    with pytest.raises(hopscope.Refusal, match="no-such-scenario") as refused:
        hopscope.trace(TARGET, method="simulated", scenario="no-such-scenario")
    assert refused.value.reason == "scenario"

    def nowhere(*arguments: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(hopscope.Unresolvable, match=r"^nowhere\.invalid: no address is known for this name$"):
        hopscope.trace("nowhere.invalid")


# --- the report of a path that is known to the last digit ---------------------------------------------------------


def _target() -> Target:
    fold = PathFold("192.0.2.9", "udp")
    fold.apply(RoundStarted(1, 0, NOW))
    for ttl in (1, 2, 3):
        fold.apply(Sent(1, 0, ttl, NOW))
    fold.apply(Answered(1, 0, 1, NOW, 1_234_567, "10.0.0.1", "time-exceeded", 11, 0, 64))
    fold.apply(Lost(1, 0, 2, NOW))
    fold.apply(Answered(1, 0, 3, NOW, 3_000_001, "192.0.2.9", "port-unreachable", 3, 3, 60))
    fold.apply(RoundStarted(1, 1, NOW + 10**9))
    fold.apply(Failed(1, 1, 1, NOW + 10**9, "ENETUNREACH", "no route"))
    plan = Plan("192.0.2.9", 4, protocol="udp", port=33434, tos=8)
    facts = Started(1, "udp-socket", "10.0.0.2", 40000, 33434, 64, "one", "kernel", note="as a plain user")
    names = {
        "10.0.0.1": AddressInfo(
            "gw.example", asns=(Asn(64500, "EXAMPLE", "10.0.0.0/8", "NL"), Asn(1, None, None, None))
        )
    }
    return Target(1, "name.example", "running", "192.0.2.9", plan, facts, None, None, fold.snapshot(), names)


def test_the_report_carries_every_value_in_its_unit() -> None:
    data = json.loads(report(_target(), now=NOW + 2 * 10**9, host="box").to_json())
    hops, series = data.pop("hops"), data.pop("target_series")
    assert data.pop("verdict")["kind"] == "starting"
    assert [data.pop(name) for name in ("incidents", "marks", "epochs")] == [[], [], []]
    assert data.pop("window") == {"from": data["started"], "to": data["finished"], "rounds": 2}
    (flow,) = data.pop("flows")
    assert (flow["flow"], flow["source_port"], flow["port"]) == (0, 40000, 33434)
    (path,) = data.pop("paths")
    assert (path["members"], path["flows"], path["share_pct"], path["state"]) == ({}, [0], 100.0, "unknown")
    for name in ("sent", "received", "lost", "loss_pct", "loss_ci95_pct", "rtt_ms"):
        assert flow[name] == series[name]
    assert data == {
        "schema": "hopscope.report/1",
        "hopscope": hopscope.__version__,
        "target": {"query": "name.example", "address": "192.0.2.9", "answered_by": None},
        "source": {"host": "box", "address": "10.0.0.2"},
        "protocol": "udp",
        "method": "udp-socket",
        "family": 4,
        "port": 33434,
        "interval_s": 1.0,
        "timeout_s": 3.0,
        "packet_size": 64,
        "tos": 8,
        "started": "2025-11-24T16:00:00.123456+00:00",
        "finished": "2025-11-24T16:00:02.123456+00:00",
        "rounds": 2,
        "reached": True,
        "discovery": None,
        "flow_kind": "one",
        "clock": "kernel",
        "note": "as a plain user",
        "error": None,
    }
    first, silent, end = hops
    assert first["nodes"] == [
        {
            "address": "10.0.0.1",
            "hostname": "gw.example",
            "verified": None,
            "received": 1,
            "asn": {"number": 64500, "name": "EXAMPLE", "prefix": "10.0.0.0/8", "country": "NL"},
            "geo": None,
            "best_ms": 1.234567,
            "avg_ms": 1.234567,
            "last_ms": 1.234567,
        }
    ]
    assert first["rtt_ms"]["avg"] == 1.234567
    assert first["rtt_ms"]["stddev"] is None
    assert first["jitter_ms"] is None
    assert first["reply"] == {
        "type": 11,
        "code": 0,
        "kind": "time-exceeded",
        "ttl": 64,
        "clock": "kernel",
        "vouched": True,
    }
    assert first["last_error"] == {
        "error": "ENETUNREACH",
        "message": "no route",
        "at": "2025-11-24T16:00:01.123456+00:00",
    }
    assert (first["sent"], first["received"], first["failed"], first["loss_pct"]) == (2, 1, 1, 0.0)
    assert (silent["nodes"], silent["loss_pct"], silent["rtt_ms"], silent["reply"]) == ([], 100.0, None, None)
    assert [hop["is_target"] for hop in hops] == [False, False, True]
    assert end["rtt_ms"]["last"] == 3.000001
    assert (series["sent"], series["received"], series["lost"]) == (end["sent"], end["received"], end["lost"])
    assert (series["rtt_ms"], series["loss_pct"]) == (end["rtt_ms"], end["loss_pct"])


def test_of_one_target_the_document_is_its_report_and_of_several_a_list() -> None:
    target = _target()
    one = document([target], now=NOW, host="box")
    two = document([target, target], now=NOW, host="box")
    assert isinstance(one, Report)
    begins = '{"schema":"hopscope.reports/1","reports":[{"schema":"hopscope.report/1"'
    assert to_json(two, indent=0).startswith(begins)


def test_a_target_that_was_never_probed_has_a_report_that_says_why_and_knows_nothing_else() -> None:
    fold = PathFold("")
    unresolved = Target(1, "x.example", "unresolved", None, None, None, None, "x.example: nowhere", fold.snapshot(), {})
    plan = Plan("192.0.2.9", 4)
    refusal = Refused(1, "permission", "not allowed", "sudo")
    refused = Target(2, "192.0.2.9", "refused", "192.0.2.9", plan, None, refusal, None, fold.snapshot(), {})
    first, second = (report(target, now=NOW, host="box") for target in (unresolved, refused))
    assert first.error == "x.example: nowhere"
    assert (first.target.address, first.protocol, first.method, first.started, first.hops) == (
        None,
        None,
        None,
        None,
        (),
    )
    assert second.error == "not allowed"
    assert (second.protocol, second.method, second.reached) == ("icmp", None, False)
