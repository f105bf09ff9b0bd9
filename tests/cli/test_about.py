"""Help, manual and completions: made from one table, and read by the programs that they are for."""

from __future__ import annotations

import re
import subprocess

import pytest

from hopscope.cli.completion import script
from hopscope.cli.help import fleet_help, help_text
from hopscope.cli.man import page, roff
from hopscope.cli.table import GROUPS, OPTIONS, UNLISTED
from tests.cli.command import COMMAND, environment


def test_the_help_fits_a_screen_and_names_every_common_option() -> None:
    lines = help_text().splitlines()
    assert len(lines) <= 32
    assert max(len(line) for line in lines) <= 80
    for option in OPTIONS:
        if option.group not in UNLISTED:
            assert any(", ".join(option.flags) in line for line in lines), option.flags


def test_who_asks_about_a_fleet_is_told_what_it_is_and_how_to_begin() -> None:
    done = subprocess.run([*COMMAND, "fleet", "--help"], capture_output=True, text=True, timeout=30, env=environment())
    assert (done.returncode, done.stdout) == (0, fleet_help())
    lines = done.stdout.splitlines()
    assert len(lines) <= 32
    assert max(len(line) for line in lines) <= 80
    for words in ("nats-server", "fleet hub --connect", "fleet agent --connect", "history follow"):
        assert words in done.stdout


def test_every_option_that_is_a_fleets_stands_in_its_help() -> None:
    """What a sentence of the manual calls "With fleet" is one."""
    of_fleet = [option for option in OPTIONS if option.of_fleet]
    assert {option.dest for option in OPTIONS if "fleet" in option.long} <= {option.dest for option in of_fleet}
    lines = fleet_help().splitlines()
    for option in of_fleet:
        (line,) = [line for line in lines if line.startswith(f"{', '.join(option.flags)} ")]
        assert line.endswith(option.of_fleet)


def test_the_manual_names_every_option_and_exit_status() -> None:
    text = page()
    for option in OPTIONS:
        for flag in option.flags:
            assert rf"\fB{roff(flag)}\fR" in text
    for title in GROUPS.values():
        assert roff(title) in text


@pytest.mark.needs("man")
def test_the_manual_is_set_without_a_warning() -> None:
    done = subprocess.run(
        ["man", "--warnings", "-l", "-"],
        input=page(),
        capture_output=True,
        text=True,
        timeout=30,
        env={**environment(), "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0
    assert done.stderr == ""
    plain = re.sub(".\b", "", done.stdout)
    assert "--report-cycles" in plain
    assert "EXIT STATUS" in plain


@pytest.mark.parametrize(
    ("shell", "check"),
    [
        ("bash", ["-n"]),
        pytest.param("zsh", ["-n"], marks=pytest.mark.needs("zsh")),
        pytest.param("fish", ["--no-execute"], marks=pytest.mark.needs("fish")),
    ],
)
def test_a_completion_script_is_one_to_its_shell(shell: str, check: list[str]) -> None:
    done = subprocess.run([shell, *check], input=script(shell), capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_option_that_means_something_is_completed(shell: str) -> None:
    text = script(shell)
    for option in OPTIONS:
        for flag in option.flags:
            word = f"-l {flag[2:]} " if shell == "fish" and flag.startswith("--") else flag
            if not option.verdict and not (shell == "fish" and not flag.startswith("--")):
                assert word in text, flag


def _complete(words: str) -> set[str]:
    """What bash offers for the last word."""
    code = f"""
{script("bash")}
hopscope() {{ {" ".join(COMMAND)} "$@"; }}
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_hopscope
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", code], capture_output=True, text=True, timeout=30, env=environment(), check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("hopscope --form", {"--format"}),
        ("hopscope --format mtr-j", {"mtr-json"}),
        ("hopscope --method ping", {"ping-socket"}),
        ("hopscope demo heal", {"healthy"}),
        ("hopscope doc", {"doctor"}),
    ],
)
def test_bash_completes(words: str, offered: set[str]) -> None:
    assert _complete(words) == offered
