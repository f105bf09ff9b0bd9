"""A report's way out: what a slow reader does to it, and what it does not."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from io import FileIO

import pytest

from hopscope.cli.output import ClosedPipe, Output


@pytest.fixture
def pipe(tmp_path: object) -> Iterator[tuple[FileIO, Output]]:
    """The reading end of a pipe that is full, and an output to its other end."""
    path = f"{tmp_path}/pipe"
    os.mkfifo(path)
    reader = FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    filler = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(filler, b"x" * 4096)
    output = Output(path)
    os.close(filler)
    yield reader, output
    output.close()
    reader.close()


def _read_all(reader: FileIO) -> bytes:
    said = b""
    while more := reader.read(1 << 20):  # None where there is nothing now
        said += more
    return said


async def test_a_text_waits_for_its_reader_while_the_loop_goes_on(pipe: tuple[FileIO, Output]) -> None:
    reader, output = pipe
    sending = asyncio.ensure_future(output.send("a line\n"))
    await asyncio.sleep(0)  # the loop's next turn comes, although nobody has read
    assert not sending.done()
    assert set(_read_all(reader)) == {ord("x")}
    await sending
    assert _read_all(reader) == b"a line\n"


async def test_a_long_text_comes_whole_through_a_small_pipe(pipe: tuple[FileIO, Output]) -> None:
    reader, output = pipe
    text = "".join(f"{number}\n" for number in range(200_000))
    sending = asyncio.ensure_future(output.send(text))
    loop = asyncio.get_running_loop()
    said = bytearray()
    loop.add_reader(reader, lambda: said.extend(_read_all(reader)))
    await sending
    loop.remove_reader(reader)
    said += _read_all(reader)
    assert said.lstrip(b"x").decode() == text


async def test_a_text_that_waits_can_be_given_up(pipe: tuple[FileIO, Output]) -> None:
    reader, output = pipe
    sending = asyncio.ensure_future(output.send("a line\n"))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert set(_read_all(reader)) == {ord("x")}


async def test_a_reader_who_goes_while_a_text_waits_is_a_closed_pipe(pipe: tuple[FileIO, Output]) -> None:
    reader, output = pipe
    sending = asyncio.ensure_future(output.send("a line\n"))
    await asyncio.sleep(0)
    reader.close()
    with pytest.raises(ClosedPipe):
        await sending
