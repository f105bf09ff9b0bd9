"""``--metrics`` of the real command: the screen and reports are scraped while they run."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hopscope.cli.errors import UsageError
from hopscope.cli.options import read as read_options
from hopscope.cli.values import endpoint
from tests.cli.command import QUICK, run, start
from tests.cli.test_unprivileged import start as start_as_root
from tests.metrics.openmetrics import Scrape, read
from tests.screen.terminal import Terminal

TOLD = re.compile(rb"metrics: (http://\S+:\d+/metrics)")


def scrape(url: str) -> Scrape:
    # No proxy of the environment's stands between this and loopback.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        return read(answer.read().decode())


def until(url: str, enough: Callable[[Scrape], bool], seconds: float = 30) -> Scrape:
    """The first scrape that is enough."""
    latest = time.monotonic() + seconds
    while True:
        found = scrape(url)
        if enough(found):
            return found
        assert time.monotonic() < latest, found.samples[:20]
        time.sleep(0.05)


def answered(found: Scrape, hop: int = 1) -> float:
    return sum(one.value for one in found.of("hopscope_probes_total", hop=str(hop), fate="answered"))


@contextmanager
def under_way(*words: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A command that serves metrics, and their address, which it chose itself."""
    process = start(words, stdout=subprocess.DEVNULL)
    try:
        assert process.stderr is not None
        told = TOLD.search(process.stderr.readline())
        assert told is not None
        yield process, told[1].decode()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("at", ["127.0.0.1:0", "[::1]:0", "0"])
def test_an_endless_stream_is_scraped_until_it_is_told_to_end(at: str) -> None:
    with under_way("demo", "--format", "ndjson", "--metrics", at, "-i", "50ms") as (process, url):
        found = until(url, lambda one: answered(one) > 12)  # a report without metrics has ten rounds
        assert found.value("hopscope_probes_total", hop="1", fate="lost") == 0
        names = {one.labels.get("name") for one in found.of("hopscope_hop_info", hop="1")}
        assert names <= {None, "router.home.example"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
        with pytest.raises(urllib.error.URLError):
            scrape(url)


def test_a_report_with_a_number_of_rounds_ends_with_them() -> None:
    done = run("demo", "--format", "ndjson", "--metrics", "0", *QUICK)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith('{"event":"end"')


def test_the_screen_is_scraped_and_its_reset_lowers_nothing() -> None:
    with Terminal("demo", "--metrics", "0", "-i", "50ms") as terminal:
        terminal.read(b"/metrics")
        told = TOLD.search(terminal.bytes)
        assert told is not None
        url = told[1].decode()
        before = until(url, lambda one: answered(one) > 20)
        at = len(terminal.bytes)
        terminal.type("r")
        terminal.read(b"anew", at)
        after = scrape(url)
        assert answered(after) >= answered(before)
        counters = after.counters()
        assert not {key for key, value in before.counters().items() if counters.get(key, value) < value}
        until(url, lambda one: any(sample.value for sample in one.of("hopscope_verdict", kind="healthy")))
        terminal.type("q")
        assert terminal.wait() == 0


def test_a_port_in_use_is_one_line_and_nothing_is_probed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("demo", "-r", "--metrics", f"127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"hopscope: --metrics 127.0.0.1:{port}: Address already in use\n"


def test_the_same_port_is_free_again_at_once() -> None:
    with under_way("demo", "--format", "events", "--metrics", "0") as (_, url):
        scrape(url)
    port = url.rpartition(":")[2].partition("/")[0]
    done = run("demo", "-r", *QUICK, "--metrics", f"127.0.0.1:{port}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("word", "where"),
    [
        ("127.0.0.1:9101", "127.0.0.1:9101"),
        ("9101", "127.0.0.1:9101"),
        (":9101", "127.0.0.1:9101"),
        ("localhost:9101", "127.0.0.1:9101"),
        ("LOCALHOST:0", "127.0.0.1:0"),
        ("[::1]:9101", "[::1]:9101"),
        ("[::]:9101", "[::]:9101"),
        ("0.0.0.0:65535", "0.0.0.0:65535"),
        ("[fe80::1%lo]:9101", "[fe80::1%lo]:9101"),
    ],
)
def test_where_metrics_are_served(word: str, where: str) -> None:
    assert str(endpoint(word)) == where


NO_PLACES = (
    "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http", "::1:9101", "[::1]",
    "[127.0.0.1]:1", "[localhost]:9101", "example.net:9101", "127.1:9101", "1.2.3.4:٣", "a" * 5000, "*:9101",
    "[::1]:9101/metrics", "\x1b[2J:9101",
)  # fmt: skip


@pytest.mark.parametrize("word", NO_PLACES, ids=range(len(NO_PLACES)))
def test_what_is_no_such_place_is_refused_in_a_line(word: str) -> None:
    with pytest.raises(UsageError) as refused:
        endpoint(word)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "words",
    [("doctor",), ("config",), ("history", "list"), ("demo", "--fast", "-r")],
    ids=lambda words: words[0],
)
def test_where_nothing_is_probed_in_true_time_there_are_no_metrics(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"^--metrics: "):
        read_options([*words, "--metrics", "9101"], {})


def test_a_stream_with_metrics_is_endless_and_nothing_else_is() -> None:
    def rounds(*words: str) -> int | None:
        return read_options([*words, "--config", "", "192.0.2.1"], {}).probing.rounds

    assert rounds("--format", "ndjson", "--metrics", "9101") is None
    assert rounds("--format", "events", "--metrics", "9101") is None
    assert rounds("--format", "ndjson", "--metrics", "9101", "-c", "3") == 3
    assert rounds("--format", "ndjson") == 10
    assert rounds("--format", "json", "--metrics", "9101") == 10
    assert rounds("--format", "mtr-raw", "--metrics", "9101") == 10


@pytest.mark.needs("root")
@pytest.mark.parametrize("called", [{}, {"SUDO_UID": "12345", "SUDO_GID": "12346"}], ids=["root", "sudo"])
def test_root_serves_a_port_of_roots_and_has_given_its_privileges_up(called: dict[str, str]) -> None:
    """The port is taken before; accepting and answering need no privilege, and the filters let them pass."""
    process = start_as_root("demo", "--format", "events", "-i", "50ms", "--metrics", "127.0.0.1:911", **called)
    try:
        url = "http://127.0.0.1:911/metrics"
        latest = time.monotonic() + 30
        while True:
            try:
                until(url, lambda one: answered(one) > 3)
                break
            except urllib.error.URLError:
                assert time.monotonic() < latest
                time.sleep(0.05)
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    finally:
        os.kill(process.pid, signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (143, "")


@pytest.mark.needs("root")
def test_root_is_told_of_a_port_in_use_too() -> None:
    with socket.create_server(("127.0.0.1", 912)):
        process = start_as_root("demo", "-r", "--metrics", "127.0.0.1:912")
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (2, "hopscope: --metrics 127.0.0.1:912: Address already in use\n")
