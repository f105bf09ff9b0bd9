"""A name server that says nothing costs the screen nothing, and a report its own small budget and no more."""

from __future__ import annotations

import socket
import time

import pytest

from hopscope.cli.prelaunch import SCREEN_WAIT_S
from tests.cli.command import run
from tests.lab import dead_dns

BUDGET_S = 2.0
NOISE_S = 1.0
"""What two starts of the program may differ by on a busy machine."""


def test_a_report_with_a_dead_name_server_ends_at_most_two_seconds_later_than_without_names() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        took = []
        for names in (("-n",), ("--dns-server", server)):
            began = time.monotonic()
            done = run("-u", "-r", "-c", "1", "-Z", "500ms", *names, "127.0.0.1")
            took.append(time.monotonic() - began)
            assert done.returncode == 0
            assert "127.0.0.1" in done.stdout
        silent.setblocking(False)
        assert silent.recv(512), "it was asked"
    assert took[1] - took[0] <= BUDGET_S + NOISE_S


@pytest.mark.needs("namespaces")
def test_a_report_of_an_address_that_only_the_dead_system_resolver_may_know_ends_as_soon() -> None:
    without, with_names = dead_dns.run(dead_dns.REPORT)
    assert with_names - without <= BUDGET_S + NOISE_S


@pytest.mark.needs("namespaces")
def test_the_screen_is_drawn_and_hears_keys_while_the_system_resolver_waits_for_a_dead_server() -> None:
    without, with_names = dead_dns.run(dead_dns.SCREEN)
    assert with_names - without <= NOISE_S


@pytest.mark.needs("namespaces")
def test_the_first_frame_does_not_wait_for_a_targets_name_and_quitting_does_not_either() -> None:
    address, end, name, end_with_name = dead_dns.run(dead_dns.NAMED)
    assert name - address <= SCREEN_WAIT_S + NOISE_S
    assert end_with_name - end <= NOISE_S


@pytest.mark.needs("namespaces")
def test_a_target_whose_name_nobody_tells_delays_the_report_of_another_one_by_two_seconds_at_most() -> None:
    alone, beside = dead_dns.run(dead_dns.TWO_TARGETS)
    assert beside - alone <= BUDGET_S + NOISE_S


@pytest.mark.needs("namespaces")
def test_no_signal_waits_for_a_look_up() -> None:
    hub, report, as_mtr = dead_dns.run(dead_dns.SIGNALLED)
    assert max(hub, report, as_mtr) <= 2.0


NDJSON = """
from tests.cli.command import run
done = run("-u", "--format", "ndjson", "-c", "1", "-Z", "500ms", "127.0.0.77")
assert done.returncode == 0 and "127.0.0.77" in done.stdout, done
try:
    silent.recv(512)
    print("true")
except BlockingIOError:
    print("false")
"""


@pytest.mark.needs("namespaces")
def test_nobody_is_asked_about_names_by_a_format_that_has_none() -> None:
    was_asked = dead_dns.run(NDJSON)
    assert not was_asked


LOOP = """
import asyncio
from hopscope.names.resolver import Names

async def main():
    names = Names()
    for last in range(1, 5):
        names.look_up(f"10.0.0.{last}")
        names.look_up(f"fe80::{last}%lo")
    longest, before = 0.0, time.monotonic()
    end = before + 1.5
    while before < end:
        await asyncio.sleep(0.01)
        now = time.monotonic()
        longest, before = max(longest, now - before), now
    assert silent.recv(512), "it was asked"
    began = time.monotonic()
    await names.close()
    return longest, time.monotonic() - began

print(json.dumps(asyncio.run(main())))
"""


@pytest.mark.needs("namespaces")
def test_no_look_up_holds_the_interpreter_and_closing_waits_for_none() -> None:
    longest, closing = dead_dns.run(LOOP)
    assert longest < 0.5
    assert closing < 0.5
