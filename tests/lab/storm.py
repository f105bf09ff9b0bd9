"""A router that answers each probe thousands of times, from addresses that it makes up, and a name server that counts
what is asked meanwhile; both as threads, with real sockets in a namespace of their own."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.cli.command import COMMAND, environment
from tests.lab import netns
from tests.lab.odd_router import TARGET, OddRouter, expired, header_length
from tests.names.dns_server import question_of, reply

A_SECOND = 5000
"""Answers from made-up addresses."""


ROUNDS = ("--format", "json", "-c", "6", "-i", "1", "-Z", "1", "-m", "2")
"""A report of six seconds."""


class NameServer(threading.Thread):
    """A name server on a socket: says that there is no such name, or nothing."""

    def __init__(self, network: str, *, is_silent: bool) -> None:
        super().__init__(daemon=True)
        with netns.entered(network):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self._is_silent = is_silent
        self._over = threading.Event()
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked: list[str] = []

    def run(self) -> None:
        while not self._over.is_set():
            with suppress(TimeoutError):
                packet, asker = self._socket.recvfrom(2048)
                self.asked.append(question_of(packet)[0])
                if not self._is_silent:
                    self._socket.sendto(reply(packet, rcode=3), asker)
        self._socket.close()

    def close(self) -> None:
        self._over.set()
        self.join()


class Storm(threading.Thread):
    """The router's end of the device: for each probe a first answer, and `A_SECOND` further ones over a second where
    `is_storm`; `first` gives the address of the first."""

    def __init__(self, router: OddRouter, first: Callable[[int], str], *, is_storm: bool) -> None:
        super().__init__(daemon=True)
        self._router = router
        self._first = first
        self._is_storm = is_storm
        self._over = threading.Event()
        self.probes = 0
        self.made_up = 0

    def run(self) -> None:
        packet = b""
        router = self._router
        router.answer = self._answer
        while not self._over.is_set():
            if select.select([router.fd], [], [], 0.02)[0]:
                router.on_ready()
            if self._is_storm and router.seen:
                packet = router.seen[-1]
                for _ in range(A_SECOND // 50):
                    self.made_up += 1
                    with suppress(BlockingIOError):
                        os.write(router.fd, self._from(packet, made_up_address(self.made_up)))

    def _answer(self, packet: bytes) -> list[bytes]:
        self.probes += 1
        return [self._from(packet, self._first(self.probes))]

    def _from(self, packet: bytes, address: str) -> bytes:
        return expired(packet, len(packet) - header_length(packet), router=address)

    def close(self) -> None:
        self._over.set()
        self.join()


def made_up_address(number: int) -> str:
    """A public address, each in its turn."""
    return f"44.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@contextmanager
def storm(first: Callable[[int], str], *, is_storm: bool, is_silent: bool) -> Iterator[tuple[str, Storm, NameServer]]:
    """The namespace's name, its weather and its name server."""
    with OddRouter(lambda _packet: []) as router:
        weather = Storm(router, first, is_storm=is_storm)
        names = NameServer(router.name, is_silent=is_silent)
        weather.start()
        names.start()
        try:
            yield router.name, weather, names
        finally:
            weather.close()
            names.close()


def run_in(network: str, *words: str) -> tuple[float, float]:
    """The command's front end: its largest memory in MiB, and how long it ran in seconds."""
    began = time.monotonic()
    with netns.entered(network):
        process = subprocess.Popen(
            [*COMMAND, *words, TARGET[4]],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=environment(),
        )
    peak = 0.0
    while process.poll() is None:
        with suppress(OSError, StopIteration), open(f"/proc/{process.pid}/status") as status:
            peak = max(peak, next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS")))
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    assert process.stderr is not None
    errors = process.stderr.read()
    process.stderr.close()
    assert process.returncode in (0, 1), errors
    assert b"Traceback" not in errors
    return peak, time.monotonic() - began


def calm_and_stormy(*, is_silent: bool) -> tuple[float, float, float]:
    """What a storm costs a report: the front end's MiB without one and without names, its MiB in one with names, and
    the questions a second. `AssertionError` where there was none."""
    with storm(lambda _probe: "10.0.0.1", is_storm=False, is_silent=is_silent) as (network, _, _):
        calm, _ = run_in(network, *ROUNDS, "-n")
    with storm(lambda _probe: "45.0.0.1", is_storm=True, is_silent=is_silent) as (network, weather, names):
        stormy, seconds = run_in(network, *ROUNDS, "--dns-server", names.address)
        assert weather.made_up > 2 * A_SECOND
        assert names.asked
        return calm, stormy, len(names.asked) / seconds
