"""Lines in, messages out: JSON Lines with a bound on a line's length. Sans-IO, no clock.

A line that is too long, is not JSON, or names no known message becomes a `Garbage` in its place in the order: the
reader goes on with the next line, so one bad message never costs a good one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Generic, TypeVar

import msgspec

from hopscope.wire.messages import Command, Event
from hopscope.wire.undecodable import UNDECODABLE

MAX_LINE: Final = 65_536
"""Bytes of one line, its newline not counted."""

M = TypeVar("M")


class Garbage(msgspec.Struct, frozen=True):
    """A line that was no message of ours: why, and its beginning (escaped, at most 80 characters)."""

    reason: str
    excerpt: str


class Reader(Generic[M]):
    """Bytes in, in pieces of any size; messages and `Garbage` out, in order. `end` says what a cut stream left over."""

    def __init__(self, decoder: msgspec.json.Decoder[M]) -> None:
        self._decoder = decoder
        self._rest = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[M | Garbage]:
        """All messages that `data` completes."""
        out: list[M | Garbage] = []
        rest = self._rest
        end = 0 if self._skipping else data.rfind(b"\n") + 1
        if end and (whole := self._whole_lines(bytes(rest) + data[:end] if rest else data[:end])):
            out += whole
            rest.clear()
            data = data[end:]
        rest += data
        start = 0
        while (end := rest.find(b"\n", start)) >= 0:
            line = rest[start:end]
            start = end + 1
            if self._skipping:
                self._skipping = False
            elif len(line) > MAX_LINE:
                out.append(_too_long(line))
            elif line:
                out.append(self._decode(line))
        del rest[:start]
        if len(rest) > MAX_LINE:
            if not self._skipping:
                out.append(_too_long(rest))
                self._skipping = True
            rest.clear()
        return out

    def _whole_lines(self, data: bytes) -> list[M]:
        """All messages of well-formed lines, by one call; empty where they are to be looked at one by one."""
        if len(data) > MAX_LINE or not (data.startswith(b"{") and data.endswith(b"}\n")):
            return []
        try:
            messages = self._decoder.decode_lines(data)
        except UNDECODABLE:
            return []
        # To the decoder any blank ends a message: a line is one where each ends between two of them.
        lines = data.count(b"\n")
        return messages if len(messages) == lines == data.count(b"}\n{") + 1 else []

    def end(self) -> list[M | Garbage]:
        """The stream ended: a last line without its newline was cut off, and is never acted on."""
        if self._rest and not self._skipping:
            left = Garbage("cut off in mid-line", _excerpt(self._rest))
            self._rest.clear()
            return [left]
        return []

    def _decode(self, line: bytearray) -> M | Garbage:
        try:
            return self._decoder.decode(line)
        except UNDECODABLE as error:
            return Garbage(_excerpt(str(error).encode()[:200], 200), _excerpt(line))


def _too_long(line: bytes | bytearray) -> Garbage:
    return Garbage(f"a line of more than {MAX_LINE} bytes", _excerpt(line))


def _excerpt(line: bytes | bytearray, most: int = 80) -> str:
    return ascii(bytes(line[:most]).decode("utf-8", "backslashreplace"))[1:-1][:most]


_encoder = msgspec.json.Encoder()


def encode(message: Command | Event) -> bytes:
    """One message as one line, newline included."""
    return _encoder.encode(message) + b"\n"


def encode_all(messages: Iterable[Command | Event]) -> bytes:
    """Many messages as one block of lines."""
    return _encoder.encode_lines(list(messages))


def command_reader() -> Reader[Command]:
    """What a worker reads its standard input with."""
    return Reader(msgspec.json.Decoder(Command))


def event_reader() -> Reader[Event]:
    """What a driver reads a worker's standard output with."""
    return Reader(msgspec.json.Decoder(Event))
