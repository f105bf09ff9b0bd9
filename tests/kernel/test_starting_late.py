"""Started before there is a route, a name server or an interface: it goes on by itself as soon as there is one."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from tests.lab.plain_user import as_plain_user
from tests.lab.terminal import Terminal
from tests.lab.uplinks import TARGET, Uplinks

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/dev/null", "LANG": "C.UTF-8"}
LATE_S = 1.2
PROTOCOLS = pytest.mark.parametrize("protocol", [[], ["-u"], ["-T"]], ids=["icmp", "udp", "tcp"])


@pytest.fixture
def uplinks(lab_allowed: None) -> Iterator[Uplinks]:
    with Uplinks(1) as made:
        yield made


def hopscope(uplinks: Uplinks, *words: str) -> subprocess.CompletedProcess[str]:
    """A report by `nobody`."""
    command = [*as_plain_user(uplinks.client), "-I", "-m", "hopscope", "-n", *words]
    return subprocess.run(
        command, cwd="/", env=ENVIRONMENT, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


@PROTOCOLS
def test_a_report_waits_for_a_route_and_then_probes_all_its_rounds(uplinks: Uplinks, protocol: list[str]) -> None:
    route = threading.Timer(LATE_S, lambda: uplinks.use(1))
    route.start()
    done = hopscope(uplinks, *protocol, "--format", "json", "-c", "5", "-i", "0.5", "-Z", "1", TARGET[4])
    route.join()
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr, report["reached"]) == (0, "", True)
    assert [(hop["sent"], hop["received"], hop["failed"]) for hop in report["hops"]] == [(5, 5, 0)]
    assert report["source"]["address"] == uplinks.source(1, 4)


def test_a_report_that_never_finds_a_route_is_status_3_when_its_rounds_would_be_over(uplinks: Uplinks) -> None:
    began = time.monotonic()
    done = hopscope(uplinks, "-r", "-c", "4", "-i", "0.5", TARGET[6])
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"hopscope: {TARGET[6]}: no route to {TARGET[6]}")
    assert done.stderr.count("\n") == 1
    assert 1.0 < time.monotonic() - began < 10


def test_an_interface_that_does_not_exist_is_refused_at_once_in_a_report(uplinks: Uplinks) -> None:
    done = hopscope(uplinks, "-r", "-c", "1000", "-I", "tun9", TARGET[4])
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no interface tun9" in done.stderr


def live(uplinks: Uplinks, *words: str) -> Terminal:
    command = [*as_plain_user(uplinks.client), "-I", "-m", "hopscope", "-n", "-i", "0.3", *words]
    return Terminal(command, 120, 34, HOME="/dev/null")


@pytest.mark.needs("tmux")
def test_the_screen_goes_on_by_itself_when_there_is_a_route(uplinks: Uplinks) -> None:
    with live(uplinks, TARGET[4]) as terminal:
        terminal.until(lambda screen: "No route to" in screen and "tried again every few seconds" in screen)
        uplinks.use(1)
        added_at = time.monotonic()
        terminal.until(lambda screen: f"1 ╶ {TARGET[4]}" in screen)
        assert time.monotonic() - added_at < 5
        terminal.press("q")
        assert terminal.ended() == 0


@pytest.mark.needs("tmux")
def test_the_screen_goes_on_when_the_interface_that_was_asked_for_is_there(uplinks: Uplinks) -> None:
    uplinks.disconnect(1)
    with live(uplinks, "-I", "up1", TARGET[4]) as terminal:
        terminal.until(lambda screen: "There is no interface up1" in screen)
        uplinks.connect(1)
        uplinks.use(1)
        terminal.until(lambda screen: f"1 ╶ {TARGET[4]}" in screen)
        terminal.press("q")
        assert terminal.ended() == 0


def test_what_is_written_as_it_happens_says_that_this_computers_address_changed(lab_allowed: None) -> None:
    with Uplinks(2) as uplinks:
        uplinks.use(1)
        command = [*as_plain_user(uplinks.client), "-I", "-m", "hopscope", "-n", "--format", "ndjson"]
        command += ["-c", "20", "-i", "0.2", "-Z", "2", TARGET[4]]
        with subprocess.Popen(
            command, cwd="/", env=ENVIRONMENT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            events = []
            for line in process.stdout:
                events.append(json.loads(line))
                if len(events) == 3:
                    uplinks.use(2)
        (mark,) = (event for event in events if event["event"] == "mark")
        assert (mark["target"], mark["kind"], mark["at"]) == (TARGET[4], "address-change", mark["from"])
        before, after = uplinks.source(1, 4), uplinks.source(2, 4)
        assert mark["text"] == f"this computer's address changed from {before} to {after}"
        probes = [event for event in events if event["event"] == "probe"]
        assert {event["outcome"] for event in probes} == {"answered", "failed"}
        assert (events[-1]["event"], events[-1]["rounds"], events[-1]["reached"]) == ("end", 20, True)
