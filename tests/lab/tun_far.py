"""The far side of a TUN device: a simulated network that real kernel sockets meet.

Run inside a namespace (``python tun_far.py SCENARIO DEVICE TRUTH [SEED]``; `tests.lab.tun` does). It makes the device
and says ``made``; after a line on its standard input it says ``ready`` and answers packets until its standard input
ends. Then it writes the truth: the network's facts, one JSON object a packet that it was given.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import sys
import time
from pathlib import Path

import msgspec

from hopscope import sim
from hopscope.sim.network import Network

_TUNSETIFF = 0x400454CA
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
_SPIN_NS = 1_500_000
"""The poll's own grain is a millisecond: the last of a wait is spun away."""


def make_device(name: str) -> int:
    """A TUN device without packet information; the file descriptor of its far side."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return fd


def main(scenario: str, device: str, truth: str, seed: str | None = None) -> None:
    """Answer until standard input ends."""
    network = Network(sim.load(scenario), None if seed is None else int(seed), keep_truth=True)
    tun = make_device(device)
    os.write(1, b"made\n")
    sys.stdin.readline()  # the lab has put addresses on it
    os.write(1, b"ready\n")
    poll = select.poll()
    poll.register(tun, select.POLLIN)
    poll.register(0, select.POLLIN)
    running = True
    while running:
        due = network.next_due()
        left = None if due is None else due - time.monotonic_ns() - _SPIN_NS
        for fd, _ in poll.poll(None if left is None else max(0, left / 1e6)):
            if fd == 0:
                running = False
                continue
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet = os.read(tun, 65536)
                    network.packet_in(time.monotonic_ns(), packet)
        for _, packet in network.due(time.monotonic_ns()):
            with contextlib.suppress(OSError):  # the kernel need not take a malformed packet
                os.write(tun, packet)
    Path(truth).write_bytes(b"".join(msgspec.json.encode(fact, enc_hook=str) + b"\n" for fact in network.truth or ()))


if __name__ == "__main__":
    main(*sys.argv[1:])
