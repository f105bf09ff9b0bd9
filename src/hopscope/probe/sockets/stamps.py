"""The kernel's time stamps of sending and arrival (Documentation/networking/timestamping.rst).

A socket with `switch_on` gets a stamp with each message, and for each packet that it sends one on its error queue,
with a number that counts the socket's sends. `SendStamps` gives each to the probe it belongs to.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from hopscope.probe.sockets.extras import ask

if TYPE_CHECKING:  # loaded as root, by raw_sockets
    from hopscope.probe.channel import Probe

SO_TIMESTAMPING: Final = 37
"""Option and control message alike (SO_TIMESTAMPING_OLD, asm-generic/socket.h)."""

_TX_SOFTWARE = 1 << 1
_RX_SOFTWARE = 1 << 3
_SOFTWARE = 1 << 4
_OPT_ID = 1 << 7
_OPT_TSONLY = 1 << 11
_WITHOUT_NUMBERS = _TX_SOFTWARE | _RX_SOFTWARE | _SOFTWARE | _OPT_TSONLY
_TIMESPEC = struct.Struct("@2l")
_TIMESPECS_SIZE = 3 * _TIMESPEC.size
"""Of struct scm_timestamping: three timespecs, the first of which is the software's stamp."""

_MOST_WAITING = 4096
_CLOCK_STEP_NS = 1_000_000
"""A stamp may seem to lie so far outside of what the program's clock saw: the two are read by different means."""


def switch_on(sock: socket.socket) -> None:
    """Ask for stamps of arrival and of sending. Numbers of sends start at 0."""
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, _WITHOUT_NUMBERS)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, _WITHOUT_NUMBERS | _OPT_ID)


def ask_for_arrivals(sock: socket.socket) -> bool:
    """Ask for stamps of arrival alone; whether this kernel has them."""
    return ask(sock, socket.SOL_SOCKET, SO_TIMESTAMPING, _RX_SOFTWARE | _SOFTWARE)


def nanoseconds(control: bytes) -> int:
    """The stamp in an SO_TIMESTAMPING control message, wall clock ns; 0 where there is none."""
    if len(control) < _TIMESPECS_SIZE:
        return 0
    seconds: int
    nanos: int
    seconds, nanos = _TIMESPEC.unpack_from(control)
    return seconds * 1_000_000_000 + nanos


def keep_warm() -> socket.socket:
    """An idle socket that wants stamps. The kernel stamps arrivals only while some socket asks for it, and is some
    milliseconds late in starting: whoever holds this one spares his first probes the wait."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        switch_on(sock)
    except OSError:
        sock.close()
        raise
    return sock


class SendStamps:
    """Which probe a stamp of sending belongs to, on one socket.

    The kernel numbers a socket's sends. A send that failed may or may not have used a number up (kernels differ), so
    after one the count is started anew; and a stamp counts only if it lies between the clock read before the send and
    now, so that no mix-up can ever make an RTT.
    """

    def __init__(self, sock: socket.socket, wall: Callable[[], int]) -> None:
        self._socket = sock
        self._wall = wall
        self._next = 0
        self._waiting: dict[int, Probe] = {}
        self.works = True
        """Whether this kernel stamps at all."""
        try:
            switch_on(sock)
        except OSError:
            self.works = False
            ask_for_arrivals(sock)

    def sent(self, probe: Probe) -> None:
        """The socket's latest send, a success, was this probe."""
        if not self.works:
            return
        self._waiting[self._next] = probe
        self._next = (self._next + 1) & 0xFFFFFFFF
        if len(self._waiting) > _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]

    def failed(self) -> None:
        """A send failed: nobody knows the next number, so start again from 0. What still waits for its stamp has the
        program's clock."""
        if not self.works:
            return
        self._waiting.clear()
        self._next = 0
        switch_on(self._socket)

    def stamp(self, number: int, stamp: int) -> None:
        """The kernel says when send `number` left."""
        probe = self._waiting.pop(number, None)
        if probe is None or not stamp:
            return
        if probe.sent_wall - _CLOCK_STEP_NS <= stamp <= self._wall() + _CLOCK_STEP_NS:
            probe.sent_stamp = stamp
