"""A worker's pipes on the running loop: its events in batches, commands without ever blocking, its end noticed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import Final

from hopscope.session.background import in_background
from hopscope.session.launch import Launched
from hopscope.wire.framing import Garbage, encode_all, event_reader
from hopscope.wire.messages import Command, Event

_CHUNK: Final = 1 << 15
"""Bytes read in one turn of the loop, some 160 events: what else waits, a key or a signal, is not kept for long."""


class Link:
    """Holds a `Launched` worker until `close`. `heard` gets each batch of events, `ended` is called once when the
    worker's output has ended."""

    def __init__(
        self,
        launched: Launched,
        heard: Callable[[list[Event | Garbage]], None],
        ended: Callable[[], None],
    ) -> None:
        assert launched.process.stdin is not None
        assert launched.process.stdout is not None
        assert launched.process.stderr is not None
        self.launched = launched
        self._heard = heard
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._reader = event_reader()
        self._out = bytearray()
        self._source = launched.process.stdout.fileno()
        self._sink = launched.process.stdin.fileno()
        self._writing = False
        self._open = True
        os.set_blocking(self._source, False)
        os.set_blocking(self._sink, False)
        self._loop.add_reader(self._source, self._read)
        self._words = launched.process.stderr.fileno()
        self._loop.add_reader(self._words, self._hear_words)

    def tell(self, commands: Iterable[Command]) -> None:
        """Send commands, in order, as soon as the worker takes them."""
        if self._open:
            self._out += encode_all(commands)
            if not self._writing:
                self._write()

    def _read(self) -> None:
        try:
            data = os.read(self._source, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        messages = self._reader.feed(data) if data else self._reader.end()
        if messages:
            self._heard(messages)
        if not data and self._open:
            self._let_go()
            self._ended()

    def _write(self) -> None:
        try:
            while self._out:
                written = os.write(self._sink, self._out[:_CHUNK])
                del self._out[:written]
        except BlockingIOError:
            if not self._writing:
                self._writing = True
                self._loop.add_writer(self._sink, self._write)
            return
        except OSError:  # it is gone; its output's end will say so
            self._out.clear()
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._sink)

    def _hear_words(self) -> None:
        if not self.launched.hear_words():
            self._loop.remove_reader(self._words)

    def _let_go(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._source)
            self._loop.remove_reader(self._words)
            if self._writing:
                self._loop.remove_writer(self._sink)

    async def close(self) -> tuple[int, str]:
        """End the worker and reap it. Its exit code, and its last words. Idempotent."""
        self._let_go()
        await in_background(self.launched.close)
        return self.launched.process.returncode or 0, self.launched.last_words()
