"""The least that a probing loop in Python can do: wake at a time, send one probe on a ping socket, take the kernel's
stamps of sends and arrivals. Standard library only; what hopscope is compared with.

``bare.py probe|wake TARGET HOPS ROUNDS INTERVAL_NS`` prints a line ``ROUND TTL SENT_NS RECEIVED_NS`` for each answered
probe (kernel stamps), then ``cpu NS WAKES`` for the loop. ``wake`` sends nothing.
"""

from __future__ import annotations

import resource
import socket
import struct
import sys
import time

SO_TIMESTAMPING = 37
IP_RECVERR = 11
FLAGS = 1 << 1 | 1 << 3 | 1 << 4 | 1 << 11  # stamps in software of sends and arrivals, without the packet
NUMBERED = FLAGS | 1 << 7
FROM_ICMP, FROM_STAMP = 2, 4
SPREAD = 0.9
"""The share of the interval over which a round's probes are spread, as hopscope does."""
SETTLE_S = 0.5


class Bare:
    """One ping socket and the stamps that came on it."""

    def __init__(self, target: str) -> None:
        self.destination = (target, 0)
        self.sent: dict[int, int] = {}
        self.received: dict[int, int] = {}
        self._base = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        self._number_from(0)

    def _number_from(self, probe: int) -> None:
        """The kernel counts sends from 0 again."""
        self._base = probe
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, FLAGS)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, NUMBERED)

    def send(self, probe: int, ttl: int) -> None:
        """Probe number `probe`."""
        data = struct.pack("!BBHHH", 8, 0, 0, 0, probe & 0xFFFF) + bytes(36)
        control = [(socket.IPPROTO_IP, socket.IP_TTL, struct.pack("=i", ttl))]
        while True:
            try:
                self._socket.sendmsg((data,), control, 0, self.destination)
                return
            except OSError:  # an ICMP error that came meanwhile: off the socket with this, and the count unsure
                self.drain()
                self._number_from(probe)

    def drain(self) -> None:
        """Read both queues empty."""
        for flags in (socket.MSG_ERRQUEUE, 0):
            while self._take_one(flags):
                pass

    def _take_one(self, flags: int) -> bool:
        try:
            data, control, _, _ = self._socket.recvmsg(256, 256, flags)
        except BlockingIOError:
            return False
        except OSError:  # an ICMP message's error, now off the socket
            return True
        self._take(data, control)
        return True

    def _take(self, data: bytes, control: list[tuple[int, int, bytes]]) -> None:
        stamp, origin, number = 0, 0, 0
        for level, kind, value in control:
            if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPING):
                seconds, nanos = struct.unpack_from("=qq", value)
                stamp = seconds * 1_000_000_000 + nanos
            elif (level, kind) == (socket.IPPROTO_IP, IP_RECVERR):
                origin = value[4]
                number = struct.unpack_from("=I", value, 12)[0]
        if origin == FROM_STAMP:
            self.sent[self._base + number] = stamp
        elif len(data) >= 8 and origin in (0, FROM_ICMP):
            self.received.setdefault(struct.unpack_from("!H", data, 6)[0], stamp)


def main(mode: str, target: str, hops: int, rounds: int, interval_ns: int) -> None:
    """Run and print."""
    bare = Bare(target)
    time.sleep(0.1)  # the kernel is some milliseconds late in starting to stamp
    gap = int(interval_ns * SPREAD) // hops
    start = time.monotonic_ns() + gap
    cpu, wakes = time.process_time_ns(), resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    for probe in range(hops * rounds):
        due = start + probe // hops * interval_ns + probe % hops * gap
        wait = due - time.monotonic_ns()
        if wait > 0:
            time.sleep(wait / 1e9)
        if mode == "probe":
            bare.drain()
            bare.send(probe, probe % hops + 1)
    cpu = time.process_time_ns() - cpu
    wakes = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - wakes
    time.sleep(SETTLE_S)
    bare.drain()
    for probe, stamp in sorted(bare.sent.items()):
        if probe & 0xFFFF in bare.received:
            print(probe // hops, probe % hops + 1, stamp, bare.received[probe & 0xFFFF])
    print("cpu", cpu, wakes)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
