"""A name server that says nothing costs a report its own small budget, and no more."""

from __future__ import annotations

import socket
import time

from tests.cli.command import run

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
