"""A signal is a flag: never lost in a pipe that others fill, and behind it stands somebody who sees to the end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

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
    def last(number):
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


FAULT = """
import asyncio, ctypes, mmap, os, signal, tempfile
from hopscope.system import threads
from hopscope.system.signals import Signals
file = tempfile.TemporaryFile()
file.truncate(4096)
mapped = mmap.mmap(file.fileno(), 4096)
place = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
def read():
    file.truncate(0)
    ctypes.CDLL(None).memcpy(ctypes.create_string_buffer(1), ctypes.c_void_p(place), 1)
async def main():
    with Signals({}, fatal=(signal.SIGBUS,), last_resort=lambda number: os.write(1, b"last %%d" %% number)):
        %s
asyncio.run(main())
"""


@pytest.mark.parametrize("body", ["read()", "threads.start(read, 'reader'); await asyncio.sleep(60)"])
def test_a_thread_that_cannot_get_over_what_it_met_ends_the_program_with_its_last_resort(body: str) -> None:
    done = subprocess.run([sys.executable, "-c", FAULT % body], stdout=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (128 + signal.SIGBUS, b"last %d" % signal.SIGBUS)


def test_a_program_that_turns_and_turns_but_does_not_end_is_ended_too() -> None:
    status, words, seconds = ended("await asyncio.sleep(0.01)")
    assert status == 128 + signal.SIGTERM
    assert words == b"last resort\n"
    assert seconds >= 1
