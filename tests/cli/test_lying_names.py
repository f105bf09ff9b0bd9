"""Whoever owns a router's reverse zone writes what stands there: what the command makes of it, format by format."""

from __future__ import annotations

import csv
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.cli.command import run
from tests.names.dns_server import PTR, A, labels, question_of, record, reply

ROUTER = "127.0.0.77"
QUICK = ("-u", "-c", "1", "-Z", "500ms")
LIES = {
    "nothing": b"",
    "another address": b"8.8.8.8",
    "short": b"127.1",
    "hexadecimal": b"0x7f000001",
    "the sign for no answer": b"???",
    "blank": b" ",
    "the sign for what is hidden": b"hidden",
}


@contextmanager
def zone(spoken: bytes, forward: str | None = None) -> Iterator[str]:
    """A name server on loopback that calls every address `spoken`, and each name `forward`; its ``address:port``."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(0.05)
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                packet, asker = server.recvfrom(2048)
                kind = question_of(packet)[1]
                records = []
                if kind == PTR:
                    records = [record(PTR, labels(*spoken.split(b".")) if spoken else b"\0")]
                elif kind == A and forward is not None:
                    records = [record(A, socket.inet_aton(forward))]
                server.sendto(reply(packet, *records), asker)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        over.set()
        thread.join()
        server.close()


def _text(printed: str) -> str:
    return next(line for line in printed.splitlines() if "|--" in line).split()[1]


def _mtr_csv(printed: str) -> str:
    return next(csv.DictReader(io.StringIO(printed)))["Ip"]


def _mtr_json(printed: str) -> str:
    host: str = json.loads(printed)["report"]["hubs"][0]["host"]
    return host


def _markdown(printed: str) -> str:
    return next(line for line in printed.splitlines() if line.startswith("| 1 |")).split("|")[2].strip()


HOST_IN: dict[str, Callable[[str], str]] = {
    "text": _text,
    "mtr-csv": _mtr_csv,
    "mtr-json": _mtr_json,
    "markdown": _markdown,
}


@pytest.mark.parametrize("lie", LIES)
def test_the_address_stands_where_a_lie_would_hide_or_impersonate_it(lie: str) -> None:
    with zone(LIES[lie]) as server:
        done = run(*QUICK, "-r", "--dns-server", server, ROUTER)
    assert done.returncode == 0, done.stderr
    assert _text(done.stdout) == ROUTER


@pytest.mark.parametrize("name", HOST_IN)
def test_another_address_is_no_name_in_any_format(name: str) -> None:
    with zone(b"203.0.113.9") as server:
        done = run(*QUICK, "--format", name, "--dns-server", server, ROUTER)
    assert HOST_IN[name](done.stdout) == ROUTER
    assert "203.0.113.9" not in done.stdout


@pytest.mark.parametrize(("forward", "verified"), [(ROUTER, True), ("127.0.0.78", False), (None, False)])
def test_a_report_says_whether_a_name_leads_back(forward: str | None, verified: bool) -> None:
    with zone(b"gw.example.net", forward) as server:
        done = run(*QUICK, "--format", "json", "--dns-server", server, ROUTER)
    (node,) = json.loads(done.stdout)["hops"][0]["nodes"]
    assert (node["hostname"], node["verified"]) == ("gw.example.net", verified)


def test_a_scenarios_names_are_a_strangers_too(tmp_path: Path) -> None:
    scenario = tmp_path / "lies.toml"
    scenario.write_text(
        """
[[hops]]
at = "10.0.0.1"
[[hops]]
at = "10.0.0.2"
[[targets]]
name = "t.example"
at = "192.0.2.1"
[names]
"10.0.0.1" = "8.8.8.8"
"10.0.0.2" = "gw.example.net"
""",
        encoding="utf-8",
    )
    done = run("demo", str(scenario), "--fast", "-r", "-c", "2")
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines() if "|--" in line][:2] == ["10.0.0.1", "gw.example.net"]
