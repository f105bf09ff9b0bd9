"""Lines in, messages out, whatever the pieces: nothing good is lost for something bad, and nothing grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopscope.wire.framing import MAX_LINE, Garbage, command_reader, encode, encode_all, event_reader
from hopscope.wire.messages import (
    Answered,
    Command,
    Duplicate,
    Event,
    Hello,
    Label,
    Late,
    Lost,
    Pause,
    Plan,
    Start,
    Stop,
)

COMMANDS: list[Command] = [
    Hello(1),
    Start(1, Plan("2001:db8::1", 6, protocol="udp", rounds=3)),
    Pause(),
    Pause(2),
    Stop(1),
]
LABELS = (Label(16_004, 0, True, 1), Label(3, 7, False, 255))
EVENTS: list[Event] = [
    Answered(1, 2, 3, 4, 5, "192.0.2.1", "time-exceeded", 11, 0, 64, "program", LABELS),
    Late(1, 2, 3, 4, 5, "192.0.2.1", "tcp-open"),
    Duplicate(1, 2, 3, 4, 5, "fe80::1%eth0", "echo-reply"),
    Lost(1, 2, 3, 4),
]


def test_each_message_is_one_line_and_comes_back_the_same() -> None:
    block = encode_all(EVENTS)
    assert block == b"".join(map(encode, EVENTS))
    assert block.count(b"\n") == len(EVENTS)
    assert event_reader().feed(block) == EVENTS


@given(st.lists(st.integers(1, 40), max_size=60))
def test_messages_come_out_whole_and_in_order_however_they_were_cut(cuts: list[int]) -> None:
    data = encode_all(COMMANDS)
    reader = command_reader()
    out = []
    for cut in cuts:
        out += reader.feed(data[:cut])
        data = data[cut:]
    out += reader.feed(data)
    assert out == COMMANDS
    assert reader.end() == []


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_no_bytes_raise_or_cost_the_message_after_them(junk: list[bytes]) -> None:
    reader = command_reader()
    for piece in junk:
        reader.feed(piece)
    reader.feed(b"\n")
    assert reader.feed(encode(Stop(7))) == [Stop(7)]


@pytest.mark.parametrize("pieces", [1, 7, 100])
def test_a_line_that_is_too_long_is_one_piece_of_garbage_and_is_not_kept(pieces: int) -> None:
    line = b"x" * (2 * MAX_LINE) + b"\n"
    reader = command_reader()
    out = []
    step = len(line) // pieces + 1
    for start in range(0, len(line), step):
        out += reader.feed(line[start : start + step])
        assert len(reader._rest) <= MAX_LINE
    out += reader.feed(encode(Stop(1)))
    assert [type(message) for message in out] == [Garbage, Stop]


def test_the_longest_line_that_is_allowed_is_read() -> None:
    line = encode(Stop(1)).rstrip(b"\n")
    padded = line[:-1] + b" " * (MAX_LINE - len(line)) + b"}\n"
    assert len(padded) == MAX_LINE + 1
    assert command_reader().feed(padded) == [Stop(1)]
    (garbage,) = command_reader().feed(padded[:-2] + b" }\n")
    assert isinstance(garbage, Garbage)


def test_a_line_that_the_end_cut_off_is_told_once_and_never_acted_on() -> None:
    reader = command_reader()
    assert reader.feed(encode(Stop(1))[:-1]) == []
    (left,) = reader.end()
    assert isinstance(left, Garbage)
    assert reader.end() == []


def test_what_is_said_of_garbage_is_short_and_printable() -> None:
    for line in (b"\x1b[31m\xff" * 50, b'{"type":"start","target":1,"plan":{"' + b"\xc3\xa9" * 20_000 + b'":1}}'):
        (garbage,) = command_reader().feed(line + b"\n")
        assert isinstance(garbage, Garbage)
        assert len(garbage.reason) <= 200
        assert len(garbage.excerpt) <= 80
        assert (garbage.reason + garbage.excerpt).isascii()
        assert (garbage.reason + garbage.excerpt).isprintable()
