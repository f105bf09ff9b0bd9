"""Names that others made are words to a shell that completes them, and no commands: in real shells, at a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from hopscope.cli.completion import script
from hopscope.cli.table import OPTIONS, SUBCOMMANDS

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
BEGIN = {
    "bash": "source ./script && PS1='rea''dy> '",
    "zsh": "autoload -Uz compinit; compinit -u -D; source ./script && PS1='rea''dy> '",
    "fish": "function fish_greeting; end; source ./script && function fish_prompt; echo -n rea'dy> '; end",
}
EACH = [pytest.param(shell, marks=[] if shell == "bash" else pytest.mark.needs(shell)) for shell in SHELLS]
HOSTILE = "$(touch${IFS}made) `touch made` 'a\"b;touch made.txt"
"""Of a file."""
NO_BLANK = "$(>made)'a;>made"
"""Of an interface or a host."""
FILES = [option.flags[-1] for option in OPTIONS if option.completes == "file" and not option.verdict]


class Shell:
    """One at a terminal, that has read the script; `hopscope` there writes what words it got. A context manager."""

    def __init__(self, shell: str, folder: Path, text: str) -> None:
        self.folder = folder / "here"
        self.folder.mkdir()
        tools = folder / "tools"
        tools.mkdir()
        (tools / "hopscope").write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" > {folder}/told\n")
        (tools / "hopscope").chmod(0o755)
        self._told = folder / "told"
        self._script = self.folder / "script"
        self._script.write_text(text)
        self._shell = shell
        self._env = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
            "HOSTFILE": str(folder / "hosts"),
        }
        self.seen = ""

    def __enter__(self) -> Self:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            try:
                os.chdir(self.folder)
                os.execvpe(SHELLS[self._shell][0], SHELLS[self._shell], self._env)
            finally:
                os._exit(127)
        self._type(f"{BEGIN[self._shell]}\r")
        self._until("ready> ")
        self._script.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)

    def _type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def _read(self) -> None:
        if select.select([self._terminal], [], [], 0.05)[0]:
            with suppress(OSError):
                came = os.read(self._terminal, 1 << 16)
                self.seen += came.decode("utf-8", "replace")
                for asked, answer in ((b"\x1b[c", "\x1b[?1;2c"), (b"\x1b[0c", "\x1b[?1;2c"), (b"\x1b[6n", "\x1b[1;1R")):
                    if asked in came:  # fish waits for a terminal's answer
                        self._type(answer)

    def _until(self, words: str, begin: int = 0) -> None:
        end = time.monotonic() + 20
        while words not in self.seen[begin:]:
            assert time.monotonic() < end, self.seen[-2000:]
            self._read()

    def completed(self, line: str, sign: str) -> list[str]:
        """What words `hopscope` is given by this line, completed and entered. `sign` is a part of what is inserted."""
        self._told.unlink(missing_ok=True)
        begin = len(self.seen)
        self._type(line + "\t")
        self._until(sign, begin)
        self._type("\r")
        end = time.monotonic() + 20
        while not (self._told.exists() and self._told.read_bytes().endswith(b"\0")):
            assert time.monotonic() < end, self.seen[begin:]
            self._read()
        return self._told.read_text().split("\0")[:-1]


@pytest.fixture
def no_commands(tmp_path: Path) -> Iterator[None]:
    """Nothing that a name says was done."""
    yield
    assert not list(tmp_path.rglob("made"))


@pytest.mark.usefixtures("no_commands")
@pytest.mark.parametrize("shell", EACH)
def test_a_file_that_is_named_like_a_command_is_completed_as_a_name(shell: str, tmp_path: Path) -> None:
    with Shell(shell, tmp_path, script(shell)) as one:
        (one.folder / HOSTILE).touch()
        for words in FILES if shell == "bash" else [FILES[0], "web"]:
            assert one.completed(f"hopscope {words} ", "made.txt") == [words, HOSTILE]


@pytest.mark.usefixtures("no_commands")
@pytest.mark.parametrize("shell", [each for each in EACH if each.values[0] != "zsh"])  # zsh has its own list of them
def test_an_interface_that_is_named_like_a_command_is_completed_as_a_name(shell: str, tmp_path: Path) -> None:
    interfaces = tmp_path / "net"
    interfaces.mkdir()
    (interfaces / NO_BLANK).touch()
    text = script(shell)
    assert "/sys/class/net" in text
    with Shell(shell, tmp_path, text.replace("/sys/class/net", str(interfaces))) as one:
        assert one.completed("hopscope -I ", "made") == ["-I", NO_BLANK]


@pytest.mark.usefixtures("no_commands")
def test_a_host_that_is_named_like_a_command_is_completed_as_a_name(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(f"192.0.2.1 a{NO_BLANK}\n")
    with Shell("bash", tmp_path, script("bash")) as one:
        assert one.completed("hopscope -4 a", "made") == ["-4", f"a{NO_BLANK}"]


@pytest.mark.usefixtures("no_commands")
def test_what_is_listed_is_what_there_is(tmp_path: Path) -> None:
    """A host that is called `*` is no pattern for files, and the commands stand there still."""
    (tmp_path / "hosts").write_text("192.0.2.1 *\n")
    with Shell("bash", tmp_path, script("bash")) as one:
        (one.folder / "a file").touch()
        assert one.completed("hopscope doc", "doctor") == ["doctor"]
        assert one.completed("hopscope -4 ", "\\*") == ["-4", "*"]
    assert "doctor" in SUBCOMMANDS
