"""Each key, pressed in a real terminal on the real command: what a person then sees.

The network is simulated. Every key that is bound stands in one of the tables; the last test holds that.
"""

from __future__ import annotations

import base64
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from hopscope.views.screen.keymap import keys_of
from tests.lab.terminal import Terminal

SCENARIO = """
title = "Keys"
seed = 5
source = ["192.168.7.23"]
hops = [
  {{ at = "192.168.7.1", delay = "1ms" }},
  {{ at = "100.64.0.1", delay = "3ms" }},
  {{ at = "203.0.113.9", delay = "1ms", mpls = [{{ label = 16004, ttl = 1 }}] }},
  {{ at = ["203.0.113.65", "203.0.113.69"], balance = "packet", delay = "1ms", jitter = "0.5ms" }},
{more}
]
[names]
"192.168.7.1" = "router.home.example"
"203.0.113.9" = "labels.example"
[[origins]]
prefix = "203.0.113.0/24"
asn = 64500
name = "NEARBY-ACCESS Nearby Internet"
country = "NL"
{targets}
"""
HOPS = 14
"""Routers; the target is one further."""
TARGETS = 9
NAMES = {
    "question_mark": "?",
    "space": "Space",
    "left": "Left",
    "right": "Right",
    "up": "Up",
    "down": "Down",
    "pageup": "PageUp",
    "pagedown": "PageDown",
    "home": "Home",
    "end": "End",
    "enter": "Enter",
    "escape": "Escape",
    "tab": "Tab",
    "shift+tab": "BTab",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "comma": ",",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "at": "@",
    "slash": "/",
    "ctrl+c": "C-c",
    "ctrl+z": "C-z",
    "ctrl+p": "C-p",
    "ctrl+r": "C-r",
}
"""What tmux calls keys."""


class Step(NamedTuple):
    """A key, and what is then on the screen: a pattern that must be found, one that must not."""

    key: str
    seen: str
    gone: str | None = None
    typed: str = ""
    """What is typed after the key was answered, for what it opened."""


def cursor(ttl: int) -> str:
    """The cursor stands on this hop."""
    return rf"^.▶ +{ttl} "


def target(number: int) -> str:
    """This target is the one that is shown."""
    return rf"latency to t{number}\.example"


def row(words: str) -> str:
    """A hop's row has these words in it."""
    return rf"^.[▶ ] +\d+ .*{words}"


OVERVIEW = r"^    Target .*What is wrong"
PANEL = r" ╭─ hop \d+"
LOOKING = (
    Step("home", cursor(1)),
    Step("down", cursor(2), cursor(1)),
    Step("j", cursor(3)),
    Step("up", cursor(2)),
    Step("k", cursor(1)),
    Step("pagedown", cursor(11)),
    Step("end", cursor(HOPS + 1)),
    Step("pageup", cursor(HOPS - 9)),
    Step("escape", cursor(HOPS + 1)),
    Step("n", row(r"192\.168\.7\.1 "), "router.home"),
    Step("n", row(r"router\.home\.example  192\.168\.7\.1")),
    Step("n", row(r"router\.home\.example"), row(r"192\.168\.7\.1 ")),
    Step("z", row("AS64500 NEARBY-ACCESS")),
    Step("z", "AS hidden", row("AS64500")),
    Step("e", "labels hidden", row("MPLS 16004")),
    Step("e", row("MPLS 16004")),
    Step("m", "^ +[├└] 203"),
    Step("m", row("2 links"), "^ +[├└] 203"),
    Step("l", "0–[0-9]+ ms"),
    Step("l", "own scales"),
    Step("l", "over usual"),
    *(Step("F", f"numbers {words}") for words in ("last 60 s", "last 5 min", "last 15 min", "last hour")),
    Step("F", "numbers since the start"),
    Step("b", "the first 2 hops are hidden", "router.home"),
    Step("b", "router.home"),
    Step("v", PANEL),
    Step("v", row("."), PANEL),
    Step("f", "probing on · esc live"),
    Step("f", row("."), "esc live"),
    Step("T", "theme hopscope-light"),
)
CHART = (
    Step("d", "along the path: best, median, p95"),
    Step("d", "distribution of t1"),
    Step("d", "all hops over time"),
    Step("d", "latency to t1"),
    Step("c", row("."), "latency to t1"),
    Step("c", "latency to t1"),
    Step("left_square_bracket", r"◀ \d\d:\d\d:\d\d.* · probing on · esc live"),
    Step("escape", row("."), "esc live"),
    Step("comma", r"event \d+ of \d+: |nothing has happened so far"),
    Step("escape", row("."), "esc live"),
    Step("at", "─ go to a time ─", typed=" -2s"),
    Step("enter", r"◀ \d\d:\d\d:\d\d.* ago · probing on · esc live", "─ go to a time ─"),
    Step("full_stop", r"event \d+ of \d+: |nothing happened later|nothing has happened so far"),
    Step("escape", row("."), "esc live"),
)
CHOOSING = (
    *(Step(str(number), target(number)) for number in range(2, TARGETS + 1)),
    Step("1", target(1)),
    Step("right", target(2)),
    Step("tab", target(3)),
    Step("left", target(2)),
    Step("shift+tab", target(1)),
    Step("g", OVERVIEW),
    Step("home", r"^▶.\d t\d"),
    Step("enter", r"latency to t\d", OVERVIEW),
    Step("0", OVERVIEW),
    Step("escape", "^     #  Host", OVERVIEW),
)
OPENING = (
    Step("enter", "─ details ─"),
    Step("escape", row("."), "─ details ─"),
    Step("slash", "─ find ─", typed="labels"),
    Step("enter", r"1 of \d+: hop 3 of", "─ find ─"),
    Step("escape", row("."), r"1 of \d+: hop"),
    Step("E", "─ why, and what happened ─"),
    Step("escape", row("."), "─ why, and what happened ─"),
    Step("P", "one flow takes one path: start with -u --flows 16"),
    Step("o", "─ columns ─"),
    Step("escape", row("."), "─ columns ─"),
    Step("s", "─ settings ─"),
    Step("escape", row("."), "─ settings ─"),
    Step("question_mark", "─ help ─"),
    Step("escape", row("."), "─ help ─"),
    Step("h", "─ help ─"),
    Step("escape", row("."), "─ help ─"),
    Step("ctrl+p", "Search"),
    Step("escape", row("."), "Search"),
)
PROBING = (
    Step("p", "no probes are sent"),
    Step("p", "probing goes on", "no probes are sent"),
    Step("space", "no probes are sent"),
    Step("space", "probing goes on", "no probes are sent"),
    Step("u", r"udp port 33434 · every"),
    Step("u", r"icmp · every"),
    Step("t", r"tcp port 80 · every"),
    Step("t", r"icmp · every"),
    Step("i", "─ interval ─", typed="2"),
    Step("enter", "icmp · every 2 s", "─ interval ─"),
    Step("a", "─ add a target ─", typed="198.51.100.200"),
    Step("enter", r"latency to 198\.51\.100\.200", "─ add a target ─"),
    Step("x", r"removed 198\.51\.100\.200; U brings it back", r"latency to 198\.51\.100\.200"),
    Step("U", r"198\.51\.100\.200 is back, with all that was found"),
    Step("U", "interval 500ms again"),
)
APART = (
    "r", "ctrl+r", "y", "w", "q", "ctrl+c", "ctrl+z",
    "plus", "equals_sign", "minus", "right_square_bracket",
)  # fmt: skip
"""Keys with a test of their own: below, or (ctrl+z) where a shell started it."""


@pytest.fixture
def scenario() -> Iterator[Path]:
    """The network of the tests, in a file that a worker without privileges may read."""
    more = "".join(f'  {{ at = "198.51.100.{ttl}", delay = "1ms", jitter = "0.2ms" }},\n' for ttl in range(5, HOPS + 1))
    ends = "".join(
        f'[[targets]]\nname = "t{n}.example"\nat = "198.51.100.{100 + n}"\ndelay = "1ms"\nopen = [80]\n'
        for n in range(1, TARGETS + 1)
    )
    with TemporaryDirectory(prefix="hopscope-keys-") as folder:
        os.chmod(folder, 0o755)
        file = Path(folder) / "keys.toml"
        file.write_text(SCENARIO.format(more=more, targets=ends))
        yield file


@contextmanager
def shown(scenario: Path, *words: str, size: tuple[int, int] = (160, 50), **environment: str) -> Iterator[Terminal]:
    """The command in a terminal, its path whole."""
    plain = [
        "env",
        "-u",
        "COLUMNS",
        "-u",
        "LINES",
        "-u",
        "NO_COLOR",
    ]  # Textual would believe these, and not the terminal
    settings = {"XDG_CONFIG_HOME": str(scenario.parent / "none"), "HOPSCOPE_OPTIONS": "", "TZ": "UTC", **environment}
    plain += [f"{name}={value}" for name, value in settings.items()]
    command = [*plain, sys.executable, "-m", "hopscope", "demo", str(scenario), "-i", "0.5", "--budget", "0", *words]
    with Terminal(command, *size) as terminal:
        terminal.until(lambda screen: found(rf"^.▶ *{HOPS + 1} ", screen) and found("lost", screen), 40)
        yield terminal


def found(pattern: str, screen: str) -> bool:
    """Is it on the screen?"""
    return re.search(pattern, screen, re.MULTILINE) is not None


def press(terminal: Terminal, key: str) -> None:
    """Press a key, by Textual's name."""
    terminal.press(NAMES.get(key, key))


def go(terminal: Terminal, steps: Sequence[Step]) -> None:
    """Press the keys one by one, each once the one before was answered."""
    for number, step in enumerate(steps):
        press(terminal, step.key)
        try:
            terminal.until(
                lambda screen, step=step: (  # type: ignore[misc] # mypy cannot infer a lambda's default
                    found(step.seen, screen) and not (step.gone and found(step.gone, screen))
                ),
                40,
            )
        except AssertionError as error:
            raise AssertionError(f"step {number}, {step}: {error}") from None
        if step.typed:
            terminal.press("-l", step.typed)
            terminal.until(lambda screen, words=step.typed: words in screen)  # type: ignore[misc] # as above


def sent(screen: str) -> int:
    """How many probes the first hop was sent."""
    line = re.search(r"^.[▶ ] +1 .*?  +\d[\d.]*°? +(\d+) ", screen, re.MULTILINE)
    return int(line[1]) if line else 0


@pytest.mark.parametrize(
    "steps", [LOOKING, CHART, CHOOSING, OPENING, PROBING], ids=["look", "chart", "choose", "open", "probe"]
)
@pytest.mark.needs("tmux")
def test_each_key_does_what_it_says(scenario: Path, steps: Sequence[Step]) -> None:
    with shown(scenario) as terminal:
        go(terminal, steps)
        press(terminal, "q")
        assert terminal.ended() == 0
        assert terminal.is_restored()
        assert b"Traceback" not in terminal.written()


DAY = 86_400


@pytest.mark.needs("tmux")
def test_the_chart_s_time_grows_shorter_and_longer_and_keys_go_through_it_both_ways(scenario: Path) -> None:
    def moment(screen: str) -> int:
        """In seconds of the day; 0: it is now."""
        shown = re.search(r"◀ (\d\d):(\d\d):(\d\d)", screen)
        return 3600 * int(shown[1]) + 60 * int(shown[2]) + int(shown[3]) if shown else 0

    with shown(scenario) as terminal:
        terminal.until(lambda screen: sent(screen) > 20, 40)
        for key, words in (("plus", "60 s"), ("minus", "2 min"), ("minus", "5 min"), ("equals_sign", "2 min")):
            press(terminal, key)
            terminal.until(lambda screen, words=words: f"the time axis spans {words}" in screen)  # type: ignore[misc] # default
        press(terminal, "left_square_bracket")
        newest = moment(terminal.until(lambda screen: moment(screen) > 0))
        for _ in range(4):
            press(terminal, "left_square_bracket")
        terminal.until(lambda screen: (newest - moment(screen)) % DAY == 4)
        for _ in range(3):
            press(terminal, "right_square_bracket")
        terminal.until(lambda screen: (newest - moment(screen)) % DAY == 1)
        press(terminal, "escape")
        terminal.until(lambda screen: not moment(screen))


@pytest.mark.needs("tmux")
def test_r_begins_one_target_s_statistics_anew_and_ctrl_r_all(scenario: Path) -> None:
    with shown(scenario, "-i", "0.2") as terminal:
        terminal.until(lambda screen: sent(screen) >= 20, 40)
        press(terminal, "r")
        terminal.until(lambda screen: "statistics of this target begin anew" in screen and 0 < sent(screen) < 20)
        press(terminal, "2")
        terminal.until(lambda screen: found(target(2), screen) and sent(screen) >= 20)
        press(terminal, "ctrl+r")
        terminal.until(lambda screen: "statistics of all targets begin anew" in screen and 0 < sent(screen) < 20)


@pytest.mark.needs("tmux")
def test_y_sends_the_report_to_the_clipboard_and_w_writes_it_and_a_picture(scenario: Path, tmp_path: Path) -> None:
    with shown(scenario) as terminal:
        press(terminal, "y")
        terminal.until(lambda screen: "sent to the clipboard" in screen)
        clip = re.search(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", terminal.written())
        assert clip is not None
        assert "router.home.example" in base64.b64decode(clip[1]).decode()
        for name, begins in (("out.txt", "Start:"), ("out.json", "{"), ("out.svg", "<svg")):
            path = tmp_path / name
            press(terminal, "w")
            terminal.until(lambda screen: "─ write ─" in screen)
            terminal.press("-l", str(path))
            terminal.until(lambda screen, words=name: words in screen)  # type: ignore[misc] # a lambda's default
            press(terminal, "enter")
            terminal.until(lambda screen, at=path: f"written to {at}" in screen)  # type: ignore[misc] # as above
            assert path.read_text().startswith(begins)


@pytest.mark.parametrize(("key", "status"), [("q", 0), ("ctrl+c", 130)])
@pytest.mark.needs("tmux")
def test_q_and_ctrl_c_end_it_each_with_its_status(scenario: Path, key: str, status: int) -> None:
    with shown(scenario) as terminal:
        press(terminal, key)
        assert terminal.ended() == status
        assert terminal.is_restored()


def test_no_key_is_left_out() -> None:
    pressed = {step.key for step in chain(LOOKING, CHART, CHOOSING, OPENING, PROBING)} | set(APART)
    assert {key for keys in keys_of({}).values() for key in keys} - pressed == set()
