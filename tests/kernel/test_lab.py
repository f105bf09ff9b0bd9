"""The lab itself: what the other kernel tests stand on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.lab import netns, plain_user
from tests.lab.chain import Chain


def test_a_plain_user_has_no_privilege_and_cannot_get_one(chain: Chain) -> None:
    words = plain_user.as_plain_user(chain.client)
    program = "print(open('/proc/self/status').read())"
    done = subprocess.run([*words, "-I", "-c", program], cwd="/", capture_output=True, text=True, check=True)
    status = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert set(status["Uid"].split()) == {"65534"}
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"


def test_a_plain_user_gets_a_python_of_its_own_where_the_checkout_is_closed(
    lab_allowed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    usable = plain_user._works
    monkeypatch.setattr(plain_user, "_works", lambda python: "hopscope-plain-" in python and usable(python))
    python = plain_user._interpreter.__wrapped__()
    program = "import hopscope, textual, aiodns, plotext; print(hopscope.__file__)"
    done = subprocess.run(
        [*plain_user._DROP, python, "-I", "-c", program], cwd="/", capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_relative_to(Path(python).parents[1])


def test_a_chain_leaves_no_namespace_behind(lab_allowed: None) -> None:
    with Chain(1) as made:
        assert all(Path("/run/netns", name).exists() for name in made.names)
    assert not any(Path("/run/netns", name).exists() for name in made.names)


def test_what_a_killed_run_left_is_swept(lab_allowed: None) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = f"hopscope-{ended.pid}-0-client"
    netns.ip([f"netns add {left}"])
    with Chain(1):
        assert not Path("/run/netns", left).exists()
