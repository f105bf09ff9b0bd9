"""Made-up addresses are asked about at a bounded rate, real ones as quickly as name servers answer."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from hopscope.names.allowance import BURST, PER_S, ZONE_BURST, ZONE_PER_S, Allowance
from hopscope.names.dns import TIMEOUT_S
from hopscope.names.resolver import MAX_QUEUED, MAX_TASKS, Names, NamesConfig
from tests.names.dns_server import PTR, A, Server, name, record, reply


def addresses(count: int) -> list[str]:
    """Each in a reverse zone of its own."""
    return [f"44.{number >> 8 & 255}.{number & 255}.1" for number in range(count)]


def asked_within(seconds: int, candidates: list[str]) -> int:
    """How many of them an allowance lets through in that time, when each is tried each millisecond."""
    allowance = Allowance(0.0)
    count = 0
    for millisecond in range(seconds * 1000):
        now = millisecond / 1000
        while count < len(candidates) and allowance.wait_s(now) == 0:
            allowance.take(candidates[count], now)
            count += 1
    return count


def test_ten_seconds_of_made_up_addresses_cost_at_most_fifty_questions_a_second() -> None:
    count = asked_within(10, addresses(50_000))
    assert BURST <= count <= BURST + 10 * PER_S + 1
    assert count <= 500


@pytest.mark.parametrize("zone", ["2001:db8:5::{:x}", "2001:db8:5:{:x}::1"])
def test_one_reverse_zone_is_asked_at_a_rate_of_its_own(zone: str) -> None:
    allowance = Allowance(0.0)
    now, count = 0.0, 0
    for number in range(5000):
        now = number / 10  # so slowly that the bucket of all has room
        address = zone.format(number)
        if allowance.wait_s(now) == 0 and allowance.zone_wait_s(address, now) == 0:
            allowance.take(address, now)
            count += 1
    assert count <= ZONE_BURST + now * ZONE_PER_S + 1


def test_a_question_that_led_to_a_name_costs_nothing() -> None:
    allowance = Allowance(0.0)
    for address in addresses(5000):
        assert allowance.wait_s(0.0) == 0
        allowance.take(address, 0.0)
        allowance.give_back(address, 0.0)


def test_a_wait_is_as_long_as_it_says() -> None:
    allowance = Allowance(0.0)
    for address in addresses(BURST):
        allowance.take(address, 0.0)
    wait = allowance.wait_s(0.0)
    assert wait == pytest.approx(1 / PER_S)
    assert allowance.wait_s(wait + 1e-9) == 0


@pytest.mark.parametrize("is_silent", [True, False], ids=["silent", "says no"])
async def test_five_thousand_made_up_addresses_a_second_cost_little_whatever_the_name_server_does(
    is_silent: bool,
) -> None:
    async with Server(lambda _name, _kind, packet: [] if is_silent else [reply(packet, rcode=3)]) as server:
        names = Names(NamesConfig(servers=(server.address,)))
        began = time.monotonic()
        for turn in range(20):
            for number in range(500):
                names.look_up(f"44.{turn}.{number >> 8}.{number & 255}")
            await asyncio.sleep(0.1)
        seconds = time.monotonic() - began
        assert len(names._tasks) <= MAX_TASKS
        assert len(names._queue) <= MAX_QUEUED
        began = time.monotonic()
        await names.close()
        assert time.monotonic() - began < TIMEOUT_S  # it waits for no answer
        assert 0 < len(set(server.asked)) <= BURST + PER_S * seconds + 1


async def test_what_found_no_room_is_looked_up_once_there_is_some() -> None:
    def script(_name: str, kind: int, packet: bytes) -> list[bytes]:
        return [
            reply(packet, record(PTR, name("r.example")) if kind == PTR else record(A, socket.inet_aton("44.0.0.1")))
        ]

    async with Server(script) as server:
        names = Names(NamesConfig(servers=(server.address,), verify=False))
        many = addresses(MAX_QUEUED + MAX_TASKS + 200)
        version = -1
        end = time.monotonic() + 20
        while version != names.version and time.monotonic() < end:  # as a screen does: it looks again when that grew
            version = names.version
            for address in many:
                names.look_up(address)
            await names.settle(10)
        assert all(names.look_up(address).hostname == "r.example" for address in many)
        await names.close()
