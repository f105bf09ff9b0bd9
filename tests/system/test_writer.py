"""A terminal that nobody reads holds up nobody who writes to it."""

from __future__ import annotations

import os
import select
import threading
import time

from hopscope.system.writer import AT_ONCE, MOST_WAITING, Writer


def read_all(descriptor: int, until: bytes) -> bytes:
    data = b""
    while until not in data:
        data += os.read(descriptor, 1 << 16)
    return data


def test_what_is_written_comes_in_order() -> None:
    reading, writing = os.pipe()
    writer = Writer(writing)
    for number in range(1000):
        writer.write(f"{number},")
    writer.write("end")
    assert read_all(reading, b"end") == "".join(f"{n}," for n in range(1000)).encode() + b"end"
    assert writer.drain(5)
    writer.end()


def test_nobody_waits_where_nobody_reads_and_whoever_draws_is_told_when_somebody_reads_again() -> None:
    reading, writing = os.pipe()
    told = threading.Event()
    writer = Writer(writing, told.set)
    frame = "x" * 10_000
    writer.write("y" * MOST_WAITING)  # more than the pipe holds
    assert select.select([reading], [], [], 5)[0]
    began = time.monotonic()
    for _ in range(1000):
        writer.write(frame)
    assert time.monotonic() - began < 2
    assert not writer.drain(0.05)
    assert not told.is_set()
    read = 0
    while not told.wait(0.01):
        read += len(os.read(reading, 1 << 16))
    assert read <= MOST_WAITING
    while not writer.drain(0.01):
        os.read(reading, 1 << 16)
    writer.write("whole")
    read_all(reading, b"whole")
    writer.end()


def test_one_drawing_may_be_longer_than_all_that_may_wait() -> None:
    reading, writing = os.pipe()
    writer = Writer(writing)
    writer.write("y" * (3 * MOST_WAITING) + "end")
    assert len(read_all(reading, b"end")) == 3 * MOST_WAITING + 3
    writer.end()


def test_once_it_is_cut_nothing_more_is_written_than_was_on_its_way() -> None:
    reading, writing = os.pipe()
    writer = Writer(writing)
    writer.write("z" * (1 << 20))
    writer.cut()
    writer.write("more")
    os.set_blocking(reading, False)
    read = 0
    while not writer.drain(0.01):
        read += len(os.read(reading, 1 << 16))
    assert read <= (1 << 16) + AT_ONCE
    writer.end()


def test_who_is_gone_is_told() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    gone = threading.Event()
    writer = Writer(writing, gone=gone.set)
    writer.write("anything")
    assert gone.wait(5)
    writer.write("is dropped")
    assert writer.drain(5)


def test_what_is_written_faster_than_the_thread_can_begin_is_written() -> None:
    """All of it waits before the first byte is on its way: then nothing is slow, and nothing is dropped."""
    for _ in range(20):
        reading, writing = os.pipe()
        writer = Writer(writing)
        for _ in range(40):
            writer.write("w" * 8192)
        seen = 0
        while not writer.drain(0.001):
            seen += len(os.read(reading, 1 << 16))
        writer.write("last")
        data = b""
        while b"last" not in data:
            assert select.select([reading], [], [], 5)[0], "it writes nothing any more"
            data += os.read(reading, 1 << 16)
        writer.end()
