"""Events on their way to the driver, and whether it reads them.

Events wait in a buffer, so that a driver that does not read holds no probe up. Past the high-water mark, or where the
driver consumes nothing for long, probing is held; it goes on below the low-water mark.
"""

from __future__ import annotations

import array
import fcntl
import os
import termios
from collections.abc import Sequence
from typing import Final

from hopscope.probe.poller import Poller
from hopscope.wire.framing import encode_all
from hopscope.wire.messages import Event

HIGH_WATER_BYTES: Final = 8 << 20
"""Hold probing at this many unread bytes."""
LOW_WATER_BYTES: Final = 1 << 20
"""Go on probing below this many."""
LOOK_AT_READER_NS: Final = 1_000_000_000
"""Ask the pipe this often whether the driver reads."""
UNREAD_NS: Final = 10_000_000_000
"""Hold probing when the driver has consumed nothing for this long."""
_CHUNK: Final = 1 << 16


class Outbox:
    """What is written to one descriptor, which does not block. Times are monotonic ns."""

    def __init__(self, sink: int, poller: Poller, now: int) -> None:
        self._sink = sink
        self._poller = poller
        self._buffer = bytearray()
        self._waits = False
        """Whether the descriptor takes nothing now, and the poller tells when it does."""
        self._written = 0
        self._consumed = 0
        self._read_at = now
        """When the driver was last seen to read, or to have read all."""
        self.is_held = False
        """Whether nobody reads: no probes are to be sent."""

    def put(self, events: Sequence[Event], now: int) -> bool:
        """Write the events, as far as they are taken now. Whether `is_held` changed. `BrokenPipeError`: nobody will
        read any more."""
        if events:
            self._buffer += encode_all(events)
        if now - self._read_at > LOOK_AT_READER_NS:
            self._look_at_reader(now)
        if self._buffer and not self._waits:
            self._flush()
        unread = len(self._buffer) > HIGH_WATER_BYTES or now - self._read_at > UNREAD_NS
        holds = unread or (self.is_held and len(self._buffer) >= LOW_WATER_BYTES)
        changed = holds != self.is_held
        self.is_held = holds
        return changed

    def append(self, event: Event) -> None:
        """Let an event follow when there is room."""
        self._buffer += encode_all([event])

    def _look_at_reader(self, now: int) -> None:
        """Does it read? One that was stopped (Ctrl-Z) may look away for long before a pipe is full."""
        unread = _unread(self._sink)
        if unread == 0 or self._written - unread > self._consumed:
            self._consumed = self._written - unread
            self._read_at = now

    def _flush(self) -> None:
        try:
            while self._buffer:
                written = os.write(self._sink, self._buffer[:_CHUNK])
                self._written += written
                del self._buffer[:written]
        except BlockingIOError:
            if not self._waits:
                self._waits = True
                self._poller.add_writable(self._sink, self._flush)
            return
        if self._waits:
            self._waits = False
            self._poller.remove(self._sink)


def _unread(fd: int) -> int:
    """Bytes in a pipe that nobody has read yet; 0 where the system does not tell."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(fd, termios.FIONREAD, count)
    except OSError:
        return 0
    return count[0]
