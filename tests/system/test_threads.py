"""Threads beside the main one take no signals; what they start does."""

from __future__ import annotations

import re
import subprocess
import sys
from queue import SimpleQueue

from hopscope.system import threads

_BLOCKED = "import re; print(re.search(r'SigBlk:\\s+(\\w+)', open('/proc/self/status').read())[1])"


def _of_a_process() -> str:
    with threads.taking_signals():
        return subprocess.run([sys.executable, "-c", _BLOCKED], capture_output=True, text=True, check=True).stdout


def _of_this_thread() -> int:
    with open("/proc/thread-self/status") as file:
        found = re.search(r"SigBlk:\s+(\w+)", file.read())
    assert found is not None
    return int(found[1], 16)


def test_a_thread_takes_no_signals_and_its_starter_goes_on_as_before() -> None:
    told: SimpleQueue[int] = SimpleQueue()
    before = _of_this_thread()
    threads.start(lambda: told.put(_of_this_thread()), "test").join(10)
    assert told.get() & 0x7FFF  # TERM, HUP, INT … of the first fifteen
    assert _of_this_thread() == before


def test_a_process_that_a_thread_starts_takes_all_signals() -> None:
    told: SimpleQueue[str] = SimpleQueue()
    threads.start(lambda: told.put(_of_a_process()), "test").join(10)
    assert int(told.get(), 16) == 0
