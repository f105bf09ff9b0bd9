"""A program in a real pseudo-terminal: what it drew, as a person would see it, and every byte that it wrote.

tmux is the terminal; each `Terminal` is a tmux server of its own.
"""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.needs import uses

_numbers = itertools.count()


class Terminal:
    """`words` run in a terminal of `columns` x `rows`; afterwards its exit status is in `status`."""

    def __init__(self, words: Sequence[str], columns: int = 120, rows: int = 34, **environment: str) -> None:
        uses("tmux")
        self._folder = tempfile.TemporaryDirectory(prefix="hopscope-tty-")
        self._name = f"hopscope-{os.getpid()}-{next(_numbers)}"
        self._status = Path(self._folder.name) / "status"
        self._bytes = Path(self._folder.name) / "bytes"
        self._after = Path(self._folder.name) / "after"
        inner = " ".join(shlex.quote(word) for word in words)
        # What `stty` says afterwards shows whether the terminal was given back as it was.
        script = f"{inner}; echo $? > {self._status}; stty -a > {self._after}; echo gone; exec sleep 300"
        settings = [
            f"{key}={value}" for key, value in {"LANG": "C.UTF-8", "TERM": "xterm-256color", **environment}.items()
        ]
        try:
            self._tmux(
                "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                "env", *settings, "sh", "-c", script,
            )  # fmt: skip
            self._tmux("pipe-pane", "-o", f"cat > {self._bytes}")
        except BaseException:
            self.close()
            raise

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-L", self._name, *words], check=True, capture_output=True, text=True, cwd="/"
        )
        return done.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what runs in it. Idempotent."""
        with suppress(FileNotFoundError):
            subprocess.run(["tmux", "-L", self._name, "kill-server"], check=False, capture_output=True)
        self._folder.cleanup()

    def screen(self) -> str:
        """What stands on the screen."""
        return self._tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._tmux("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def child(self) -> int:
        """The process id of the shell in the terminal."""
        return int(self._tmux("list-panes", "-F", "#{pane_pid}"))

    def until(self, seen: Callable[[str], bool], seconds: float = 20) -> str:
        """The first screen of which `seen` is true."""
        end = time.monotonic() + seconds
        while not seen(screen := self.screen()):
            assert time.monotonic() < end, f"not seen:\n{screen}"
            time.sleep(0.05)  # tmux has no way to tell of a change
        return screen

    def ended(self, seconds: float = 20) -> int:
        """Wait for the program's end; its exit status."""
        self.until(lambda screen: self._after.exists() and "gone" in screen, seconds)
        return int(self._status.read_text())

    def is_restored(self) -> bool:
        """Whether the terminal echoes and edits lines again, the cursor shows, and the alternate screen is left."""
        modes = self._after.read_text().split()
        flags = self._tmux("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}").split()
        return {"icanon", "echo", "isig"} <= {mode.strip(";") for mode in modes} and flags == ["0", "1", "0"]

    def written(self) -> bytes:
        """Every byte that was written to the terminal."""
        return self._bytes.read_bytes()
