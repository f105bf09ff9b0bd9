"""What the screen is started with, and the screen itself in a real terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import termios
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from hopscope.cli.live import screen_options
from hopscope.cli.options import Options, read
from hopscope.session.model import Snapshot
from hopscope.views.screen.check import check
from hopscope.views.screen.options import ScreenOptions
from hopscope.wire.messages import Counters
from tests.cli.command import COMMAND, environment
from tests.report import sample


def _options(tmp_path: Path, text: str, *words: str) -> Options:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return read([*words, "--config", str(path), "h"], {})


def _screen(options: Options) -> ScreenOptions:
    return screen_options(options, options.probing)


_FILE = """
[screen]
names = "both"
owners = true
mpls = false
columns = ["loss", "avg"]
refresh = "500ms"
[keys]
"probe.pause" = ["p", "f2"]
"""


def test_the_screen_is_as_the_file_says(tmp_path: Path) -> None:
    chosen = _screen(_options(tmp_path, _FILE))
    assert (chosen.names, chosen.owners, chosen.mpls) == ("both", True, False)
    assert (chosen.columns, chosen.refresh_s) == (("loss", "avg"), 0.5)
    assert chosen.keys == {"probe.pause": "p,f2"}
    assert check(chosen) is None


def test_the_command_line_is_stronger_than_the_file(tmp_path: Path) -> None:
    chosen = _screen(_options(tmp_path, _FILE, "-n", "-e", "--no-aslookup"))
    assert (chosen.names, chosen.owners, chosen.mpls) == ("addresses", False, True)


def test_mtrs_letters_choose_the_screens_columns_too(tmp_path: Path) -> None:
    chosen = _screen(_options(tmp_path, _FILE, "-o", "LS NABWVL"))
    assert chosen.columns == ("loss", "sent", "last", "avg", "best", "worst", "stddev", "spark")
    assert check(chosen) is None
    assert _screen(_options(tmp_path, "")).columns == ScreenOptions().columns


def test_a_report_from_the_screen_is_of_one_target_and_hides_what_is_hidden(tmp_path: Path) -> None:
    chosen = _screen(_options(tmp_path, "", "--privacy", "1"))
    assert chosen.report is not None
    snapshot = Snapshot((sample.target(), sample.silent_target()), "running", None, 0, Counters(), None, sample.START)
    report = json.loads(chosen.report(snapshot, 1, "json"))
    assert report["target"]["query"] == "www.example.com"
    assert "192.168.1.1" not in json.dumps(report)


def test_settings_are_kept_in_the_file_that_is_in_force(tmp_path: Path) -> None:
    chosen = _screen(_options(tmp_path, _FILE))
    assert chosen.save_settings is not None
    path = chosen.save_settings({"screen": {"theme": "hopscope", "chart": None}, "probe": {"interval": 2.0}})
    kept = tomllib.loads(Path(path).read_text())
    assert kept["screen"]["theme"] == "hopscope"
    assert kept["probe"] == {"interval": 2.0}
    assert kept["keys"] == {"probe.pause": ["p", "f2"]}


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self._descriptor = descriptor
        self.drawn = b""

    def type(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def until(self, words: bytes) -> None:
        """Read until these bytes were drawn."""
        deadline = time.monotonic() + 30
        while words not in self.drawn:
            assert time.monotonic() < deadline, (words, self.drawn[-2000:])
            self._read()

    def pump(self, is_so: Callable[[], bool]) -> None:
        """Read until something is so."""
        deadline = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < deadline, self.drawn[-2000:]
            self._read()

    def end(self) -> int:
        """The exit status."""
        while self._read():
            pass
        return self.process.wait(30)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], 30)
        try:
            more = os.read(self._descriptor, 65536) if ready else b""
        except OSError:
            return False
        self.drawn += more
        return bool(more)


@contextmanager
def on_terminal(*words: str, command: Sequence[str] = COMMAND, **more: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 34, 120, 0, 0))
    with subprocess.Popen(
        [*command, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(TERM="xterm-256color", COLUMNS="120", LINES="34", **more),
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = Terminal(process, ours)
        try:
            yield shown
        finally:
            if process.poll() is None:
                process.kill()
            os.close(ours)


def test_the_screen_starts_shows_the_path_and_gives_the_terminal_back() -> None:
    with on_terminal("demo", "healthy", "-i", "200ms") as terminal:
        terminal.until(b"www.example.com")
        terminal.until(b"router.home")
        terminal.until(b"Fine")  # the verdict: the target has answered
        terminal.type(b"q")
        assert terminal.end() == 0
        assert b"\x1b[?1049l" in terminal.drawn
        assert b"Traceback" not in terminal.drawn


def test_what_is_wrong_with_the_screens_configuration_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[screen]\ntheme = "nosuch"\n')
    with on_terminal("demo", "--config", str(path)) as terminal:
        assert terminal.end() == 2
        assert terminal.drawn.startswith(b"hopscope: ")
        assert b"nosuch" in terminal.drawn
        assert terminal.drawn.count(b"\n") == 1


def test_a_screen_is_not_begun_with_a_target_that_can_be_none() -> None:
    with on_terminal("-u", "127.0.0.1", "10.0.0.0/8") as terminal:
        assert terminal.end() == 2
        assert terminal.drawn.startswith(b"hopscope: target '10.0.0.0/8' is a network")


@pytest.mark.parametrize("which", ["stdin", "stdout", "stderr"])
def test_a_screen_without_a_whole_terminal_is_refused(which: str) -> None:
    ours, theirs = pty.openpty()
    files = dict.fromkeys(("stdin", "stdout", "stderr"), theirs) | {which: subprocess.DEVNULL}
    done = subprocess.run(
        [*COMMAND, "demo"],
        stdin=files["stdin"],
        stdout=files["stdout"],
        stderr=files["stderr"],
        env=environment(TERM="xterm"),
        timeout=30,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
