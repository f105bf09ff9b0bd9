"""The command line of agents and hubs: what is wrong is one line, and nothing secret is in any."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hopscope.cli import fleet
from hopscope.cli.errors import UsageError
from hopscope.cli.options import read
from hopscope.cli.stores import watched_path
from hopscope.cli.unprivileged import FrontEndStanding
from hopscope.history.where import STORE
from tests.cli.command import environment, run
from tests.fleet import shipping
from tests.fleet.shipping import BEGUN
from tests.lab.broker import hub, until

BROKER = "nats://127.0.0.1:4"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "agent or hub?"),
        (("hug",), "there is no 'hug'"),
        (("agent", "--connect", BROKER), "--site NAME is missing"),
        (("agent", "--site", "fra1"), "--connect URL is missing"),
        (("agent", "--site", "a.b", "--connect", BROKER), "--site 'a.b'"),
        (("agent", "--site", "*", "--connect", BROKER), "--site '*'"),
        (("agent", "--site", "fra1", "--connect", "http://127.0.0.1"), "no address of a NATS server"),
        (("agent", "--site", "fra1", "--connect", "nats://127.0.0.1:0x"), "no address of a NATS server"),
        (("agent", "--site", "fra1", "--connect", BROKER, "--nkey", "/nowhere"), "--nkey '/nowhere'"),
        (("agent", "--site", "fra1", "--connect", BROKER, "--tls-ca", "/dev/null"), "--tls-ca"),
        (("agent", "--site", "fra1", "--connect", BROKER, "--format", "json"), "prints no report"),
        (("agent", "--site", "fra1", "--connect", BROKER, "--store", "/dev/null/x"), "--store"),
        (("hub", "--connect", BROKER, "192.0.2.1"), "one word too many"),
        (("hub", "--connect", BROKER, "--site", "x"), "--site is an agent's"),
        (("hub", "--connect", BROKER, "-F", "/nowhere"), "-F '/nowhere'"),
    ],
)
def test_what_is_wrong_is_one_line(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as wrong:
        run_fleet(*words, folder=tmp_path)
    assert says in str(wrong.value)
    assert len(str(wrong.value).splitlines()) == 1


def run_fleet(*words: str, folder: Path) -> None:
    store = () if "--store" in words else ("--store", str(folder))
    options = read(["fleet", *words, *store], {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder)})
    fleet.run(options, None, FrontEndStanding())


@pytest.mark.parametrize("url", ["nats://me:hunter2@127.0.0.1:4222", "nats://hunter2@127.0.0.1"])
def test_no_password_stands_on_a_command_line_and_none_is_repeated(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--creds") as wrong:
        run_fleet("hub", "--connect", url, folder=tmp_path)
    assert "hunter2" not in str(wrong.value)


def test_a_broker_is_no_store_that_could_be_followed() -> None:
    with pytest.raises(UsageError, match="name that of the hub"):
        watched_path(read(["history", "follow", BROKER], {}), (BROKER,))


def test_elsewhere_its_options_are_none() -> None:
    with pytest.raises(UsageError, match="--site: only a fleet has that"):
        read(["--site", "fra1", "192.0.2.1"], {})


def test_where_the_extra_lacks_a_line_names_it(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom importlib.machinery import PathFinder\n"
        "find = PathFinder.find_spec\n"
        "PathFinder.find_spec = classmethod(lambda cls, name, *more: None if name == 'nats' else find(name, *more))\n"
        f"sys.argv = ['hopscope', 'fleet', 'hub', '--connect', '{BROKER}', '--store', {str(tmp_path)!r}]\n"
        "from hopscope.__main__ import main\nsys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment())
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "hopscope[fleet]" in done.stderr


def test_two_hubs_of_one_store_are_one_too_many(tmp_path: Path) -> None:
    with hub(BROKER, tmp_path / "hub") as first:
        until(lambda: (tmp_path / "hub" / "history.db").exists(), "the first has its store")
        done = run("fleet", "hub", "--connect", BROKER, "--store", str(tmp_path / "hub"))
        assert done.returncode == 2
        assert "another agent or hub has it" in done.stderr
        assert first.end() == 0


def test_what_contribs_unit_starts_is_a_command_line_of_ours(tmp_path: Path) -> None:
    """And its key is handed over by systemd, so that no user but root reads the file."""
    unit = (Path(__file__).parents[2] / "contrib" / "hopscope-agent.service").read_text(encoding="utf-8")
    line = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    key = tmp_path / "nkey"
    key.write_text("SU")
    variables = {
        "HOPSCOPE_BROKER": "tls://broker.example:4222",
        "HOPSCOPE_SITE": "fra1",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "STATE_DIRECTORY": str(tmp_path),
    }
    program, *words = re.sub(r"\$\{(\w+)\}", lambda found: variables[found[1]], line.removeprefix("ExecStart=")).split()
    assert program.endswith("/hopscope")
    options = read(words, {"HOME": str(tmp_path)})
    assert (options.action, options.targets, options.store) == ("fleet", ("agent",), str(tmp_path))
    assert options.fleet.nkey == str(key)
    assert "LoadCredential=nkey:" in unit


def test_nothing_is_forgotten_in_a_store_that_an_agent_or_hub_writes(tmp_path: Path) -> None:
    path = tmp_path / STORE
    out = shipping.writer(path)
    for begin in shipping.head():
        out.add(1, begin)
    out.end(BEGUN)
    out.close()
    words = ("history", "forget", shipping.TARGET, "--store", str(tmp_path))
    held = fleet._lock(str(tmp_path))
    refused = run(*words)
    assert refused.returncode == 2
    assert refused.stderr.endswith("an agent or hub writes it; end that first\n")
    assert len(refused.stderr.splitlines()) == 1
    assert len(shipping.all_facts(path)) == 1
    os.close(held)
    assert run(*words).stderr == "hopscope: 1 trace forgotten\n"
