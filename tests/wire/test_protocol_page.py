"""The protocol's page is true: it names every message and field, and its session is what a worker really says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from hopscope.probe.engine import MOST_TARGETS
from hopscope.probe.outbox import HIGH_WATER_BYTES
from hopscope.wire.framing import MAX_LINE, Garbage, command_reader
from hopscope.wire.messages import VERSION, Command, Event, Kind, Plan, Refused

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
SESSION = re.findall(r"^([<>]) (.*)$", PAGE, re.MULTILINE)
SAME_AS_ANSWERED = {"late", "duplicate"}
# What differs from run to run: times, the process, and who the worker runs as.
VARIES = {"pid", "user", "anchor_ns", "now_at", "at", "sent_at", "rtt_ns", "hopscope"}


def rows(heading: str) -> dict[str, set[str]]:
    """A table's first column, and the code words of its whole row."""
    part = PAGE.split(f"{heading}\n", 1)[1].split("\n#", 1)[0]
    lines = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", part, re.MULTILINE)
    return {name: set(re.findall(r"`([\w-]+)`", rest)) for name, rest in lines if name != "type"}


@pytest.mark.parametrize(("heading", "union"), [("## Commands", Command), ("## Events", Event)])
def test_the_page_names_every_message_with_every_field(heading: str, union: Any) -> None:
    described = rows(heading)
    assert set(described) == {kind.__struct_config__.tag for kind in get_args(union)}
    for kind in get_args(union):
        tag = kind.__struct_config__.tag
        if tag not in SAME_AS_ANSWERED:
            assert set(kind.__struct_fields__) <= described[tag], tag


def test_the_page_names_every_key_of_a_plan() -> None:
    assert list(rows("### A plan")) == list(Plan.__struct_fields__)


def test_the_page_states_the_real_bounds_and_vocabulary() -> None:
    assert f"version {VERSION}." in PAGE
    assert f"at most {MAX_LINE:,} bytes" in PAGE.replace("\n", " ")
    assert f"{HIGH_WATER_BYTES >> 20} MiB" in PAGE
    assert f"{MOST_TARGETS:,} targets" in PAGE
    for word in (*get_args(Kind), *get_args(get_type_hints(Refused)["reason"])):
        assert f"`{word}`" in PAGE


def test_the_pages_session_is_what_a_worker_really_says() -> None:
    said = [msgspec.json.decode(line, type=Event) for side, line in SESSION if side == "<"]
    with subprocess.Popen(
        [sys.executable, "-I", str(ROOT / "src" / "hopscope" / "probe" / "start.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        heard: list[Any] = []
        for side, line in SESSION:
            if side == ">":
                worker.stdin.write(line.encode() + b"\n")
            else:
                heard.append(msgspec.json.decode(worker.stdout.readline(), type=Event))
        worker.stdin.close()
        assert worker.wait(10) == 0
    assert sorted(map(steady, heard)) == sorted(map(steady, said))
    assert [type(event) for event in heard] == [type(event) for event in said]


def test_the_pages_commands_are_commands_but_for_the_one_that_is_a_problem() -> None:
    reader = command_reader()
    said = [message for side, line in SESSION if side == ">" for message in reader.feed(line.encode() + b"\n")]
    assert [isinstance(message, Garbage) for message in said] == [False, False, True, False]


def steady(event: Any) -> str:
    """An event without what differs from run to run."""
    fields = {name: value for name, value in msgspec.to_builtins(event).items() if name not in VARIES}
    return msgspec.json.encode(fields).decode()
