"""Attacks from end to end, each bounded, in namespaces of their own."""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import subprocess
import time
from contextlib import suppress

import pytest

from hopscope.wire.messages import Family, Plan, Protocol
from tests.cli.command import COMMAND, environment, start
from tests.lab import netns
from tests.lab.drive import Driver, channel_class
from tests.lab.odd_router import (
    ROUTER,
    TARGET,
    OddRouter,
    destination,
    echoed,
    expired,
    family_of,
    header_length,
    icmp,
    mpls,
    ttl_of,
)
from tests.lab.processes import children
from tests.lab.storm import storm

METHODS: list[tuple[str, Protocol]] = [
    ("ping-socket", "icmp"),
    ("udp-socket", "udp"),
    ("tcp-socket", "tcp"),
    ("raw", "icmp"),
    ("raw", "udp"),
    ("raw", "tcp"),
    ("scapy", "icmp"),
]
PORTS = {"icmp": None, "udp": 33434, "tcp": 80}
STRANGER = {4: "198.18.0.66", 6: "fd00:18::66"}
"""Of whom nothing may ever be heard: what it sends is broken, or about another packet."""


def _error(
    family: Family, quote: bytes, *, kind: int | None = None, rest: bytes = bytes(4), code: int = 0, of: str = ""
) -> bytes:
    kind = kind if kind is not None else (11 if family == 4 else 3)
    return icmp(family, kind, rest + quote, of or STRANGER[family], code)


def _changed(packet: bytes, at: int, *values: int) -> bytes:
    return packet[:at] + bytes(values) + packet[at + len(values) :]


def lies(packet: bytes, dice: random.Random) -> list[bytes]:
    """What a router, a firewall or an enemy may send for a probe and that shows nothing of it: from a stranger, or with
    the target's own address and a made-up acknowledgement."""
    family, at = family_of(packet), header_length(packet)
    out = [
        _error(family, b""),
        _error(family, packet[: at + 7]),
        _error(family, packet[:3]),
        _error(family, _error(family, packet)),  # an error about an error
        _error(family, packet[:at] + dice.randbytes(len(packet) - at)),  # about another flow
        _error(family, packet, kind=5 if family == 4 else 137),  # a redirect
        _error(family, packet, kind=4 if family == 4 else 200),  # a quench; a private experiment
        _error(family, packet, kind=201),
        _error(family, dice.randbytes(600)),
        icmp(family, 0 if family == 4 else 129, dice.randbytes(60), STRANGER[family]),  # an echo reply of nobody
        dice.randbytes(80),
        b"\x45",
    ]
    if family == 4:
        out += [
            _error(4, _changed(packet, 0, 0x4F)[: at + 8]),  # a header of 60 bytes in 28
            _error(4, _changed(packet, 0, 0x41)),  # one of 4 bytes
            _error(4, _changed(packet, 0, 0x60)),  # of the other family
        ]
    else:
        chain = bytes([60, 0, 0, 0, 0, 0, 0, 0]) * 20
        out += [
            _error(6, _changed(packet, 6, 60)[:40] + chain + packet[40:]),
            _error(6, _changed(packet, 6, 0)[:40] + b"\x00\xff"),
        ]
    if (packet[9] if family == 4 else packet[6]) == 6:  # SYN-ACK and RST for a SYN that was not sent
        answer = echoed(packet)
        acknowledged = header_length(answer) + 8
        out += [_changed(answer, acknowledged, *dice.randbytes(4)) for _ in range(4)]
    return out


def odd(packet: bytes, dice: random.Random) -> list[bytes]:
    """What quotes the probe and is broken besides, from who truly answers: it may be heard, and does no harm."""
    family, at = family_of(packet), header_length(packet)
    router = ROUTER[family]
    whole = _error(family, packet, of=router)
    labels = b"".join(struct.pack("!I", n << 12 | 1) for n in range(50))
    stack = struct.pack("!BBHHBB", 0x20, 0, 0, 4 + len(labels), 1, 1) + labels
    target_at = 16 if family == 4 else 24
    out = [
        _extended(packet, stack, 32 if family == 4 else 16),  # fifty labels, no checksum
        _extended(packet, stack, 255),  # a length beyond the end
        _extended(packet, stack[:7], 32),  # cut off
        _extended(packet, struct.pack("!BBHHBB", 0x20, 0, 0, 0, 1, 1), 32),  # an object of no length
        _extended(packet, mpls(16), 1),  # an extension within the quote
        _error(family, _changed(packet, target_at, *bytes(4 if family == 4 else 16)), of=router),  # as after NAT
        _error(family, _changed(packet, at, *dice.randbytes(8)), of=router),
        _error(family, packet.ljust(1400, b"\xff"), kind=12 if family == 4 else 4, code=250, of=router),
        _error(family, packet.ljust(60_000, b"\xff"), of=router),
        _changed(whole, header_length(whole) + 2, 0, 1),  # a wrong checksum
    ]
    if family == 4:
        out += [
            _changed(whole, 10, 0, 1),  # a wrong checksum of the header
            _changed(whole, 6, 0x20, 0),  # the first of several fragments
            _changed(whole, 6, 0x20, 0xFF),
            _changed(whole, 0, 0x4F),  # options that are none
        ]
    else:
        out.append(_error(6, _changed(packet, 6, 44)[:40] + b"\x3a\xff" + bytes(6) + packet[40:48], of=router))
    return out


def _extended(packet: bytes, extension: bytes, length: int) -> bytes:
    """A whole quote with an extension whose length field says something else."""
    family = family_of(packet)
    rest = struct.pack("!BBH", 0, length, 0) if family == 4 else struct.pack("!BBH", length, 0, 0)
    return _error(family, packet.ljust(128, b"\0") + extension, rest=rest, of=ROUTER[family])


@pytest.mark.needs("tun")
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(("method", "protocol"), METHODS)
def test_broken_answers_of_every_kind_invent_no_hop_and_cost_no_answer(
    method: str, protocol: Protocol, family: Family
) -> None:
    dice = random.Random(f"{method} {protocol} {family}")

    def answer(packet: bytes) -> list[bytes]:
        true = echoed(packet) if ttl_of(packet) >= 2 else expired(packet, len(packet) - header_length(packet))
        return [*dice.sample(lies(packet, dice), 12), *dice.sample(odd(packet, dice), ttl_of(packet) % 2 * 8), true]

    with OddRouter(answer) as router, netns.entered(router.name):
        driver = Driver(channel_class(method), Plan(TARGET[family], family, protocol, port=PORTS[protocol]))
        driver.watch.add(router.fd, lambda: answer_all(router))
        try:
            probes = driver.sweep(12, 2)
            assert driver.answered(probes)
            assert {reply.address for probe, reply in driver.heard if probe.ttl == 1} == {ROUTER[family]}
            assert {reply.address for probe, reply in driver.heard if probe.ttl == 2} == {TARGET[family]}
            assert all(len(reply.mpls) <= 32 for _, reply in driver.heard)
        finally:
            driver.watch.remove(router.fd)
            driver.close()


def answer_all(router: OddRouter) -> None:
    """As `OddRouter.on_ready`; the kernel may refuse what is no packet at all."""
    while True:
        try:
            packet = os.read(router.fd, 65536)
        except BlockingIOError:
            return
        if destination(packet) in TARGET.values():
            for reply in router.answer(packet):
                with suppress(OSError):
                    os.write(router.fd, reply)


@pytest.mark.needs("tun")
def test_a_storm_of_names_keeps_no_signal_waiting() -> None:
    with storm(lambda _probe: "45.0.0.1", is_storm=True, is_silent=False) as (network, weather, names):
        words = ("--format", "json", "-c", "100", "-i", "0.5", "-m", "2", "--dns-server", names.address, TARGET[4])
        with netns.entered(network):
            process = subprocess.Popen(
                [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
            )
        end = time.monotonic() + 20
        while not names.asked or weather.made_up < 5000:
            assert time.monotonic() < end, "there is no storm"
            time.sleep(0.05)
        process.terminate()
        out, err = process.communicate(timeout=15)
    assert process.returncode == 128 + signal.SIGTERM
    assert b"Traceback" not in err
    assert json.loads(out)["hops"][0]["received"] >= 1


def test_a_worker_that_is_killed_again_and_again_costs_no_count() -> None:
    process = start(("demo", "--format", "json", "-c", "30", "-i", "200ms", "-Z", "1"))
    killed: set[int] = set()
    end = time.monotonic() + 60
    while process.poll() is None and len(killed) < 4:
        assert time.monotonic() < end
        for pid in children(process.pid):
            if pid not in killed:
                time.sleep(0.4)  # it has begun to probe by then, or has not: both are to be met
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        time.sleep(0.02)
    out, err = process.communicate(timeout=60)
    assert process.returncode in (0, 1), err
    assert b"Traceback" not in err
    report = json.loads(out)
    assert len(killed) == 4
    for hop in report["hops"]:
        fates = ("received", "lost", "late", "pending", "failed")
        assert hop["sent"] == sum(hop[fate] for fate in fates)
