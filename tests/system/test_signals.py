"""A signal is a flag: never lost in a pipe that others fill, and behind it stands somebody who sees to the end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from hopscope.cli.signals import StopSignal
from hopscope.system.signals import Signals


def fill(loop: asyncio.AbstractEventLoop) -> None:
    """What a thread does that wakes the loop up more often than it can turn: the loop's own pipe is full."""
    with suppress(BlockingIOError):
        while True:
            loop._csock.send(b"\0" * 4096)  # type: ignore[attr-defined]  # asyncio's self-pipe


async def test_a_signal_comes_through_though_the_loop_s_own_pipe_is_full() -> None:
    with StopSignal() as stop:
        fill(asyncio.get_running_loop())
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stop.wait(), 5)
        assert stop.signal == signal.SIGTERM


async def test_a_loop_that_sleeps_is_woken_by_it() -> None:
    with StopSignal() as stop:
        asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), signal.SIGHUP)
        await asyncio.wait_for(stop.wait(), 5)
        assert stop.signal == signal.SIGHUP


async def test_what_was_there_before_is_there_afterwards() -> None:
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    pipe = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(pipe)
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        with StopSignal():
            pass
    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.set_wakeup_fd(pipe) == pipe
    end = time.monotonic() + 5
    while len(os.listdir("/proc/self/fd")) > descriptors:
        assert time.monotonic() < end, "descriptors are left"
        await asyncio.sleep(0.01)


async def test_a_signal_that_our_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals({signal.SIGHUP: lambda _: None}, ending=(signal.SIGHUP,)) as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.end is None
    finally:
        signal.signal(signal.SIGHUP, before)


BLOCKED = """
import asyncio, os, signal, sys, time
from hopscope.system.signals import Signals
async def main():
    def last():
        os.write(1, b"last resort\\n")
    handlers = {signal.SIGTERM: lambda _: None}
    with Signals(handlers, ending=(signal.SIGTERM,), last_resort=last, stuck_s=0.3, longest_s=1):
        os.write(1, b"ready\\n")
        while True:
            %s
asyncio.run(main())
"""


def ended(body: str) -> tuple[int, bytes, float]:
    """Exit status, output, and how long it took after SIGTERM."""
    with subprocess.Popen([sys.executable, "-c", BLOCKED % body], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        began = time.monotonic()
        process.terminate()
        rest = process.stdout.read()
        return process.wait(10), rest, time.monotonic() - began


def test_a_loop_that_is_stuck_is_ended_with_its_last_resort() -> None:
    status, words, _seconds = ended("time.sleep(60)")
    assert status == 128 + signal.SIGTERM
    assert words == b"last resort\n"


def test_a_program_that_turns_and_turns_but_does_not_end_is_ended_too() -> None:
    status, words, seconds = ended("await asyncio.sleep(0.01)")
    assert status == 128 + signal.SIGTERM
    assert words == b"last resort\n"
    assert seconds >= 1
