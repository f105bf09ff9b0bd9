"""A real worker in a namespace, as a plain user or started by root: commands in, events out."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

import msgspec

from hopscope.wire.messages import VERSION, Command, Event, Hello
from tests.lab import plain_user

User = Literal["plain", "root"]


class Conversation:
    """A worker and all that it said, as a context manager."""

    def __init__(self, namespace: str, user: User, *options: str) -> None:
        # A plain user's copy of the package stands where the package of the plain user's Python says.
        words = (plain_user.as_plain_user if user == "plain" else plain_user.as_root)(namespace)
        program = "import hopscope.probe.start as start, sys; sys.exit(start.main())"
        self.worker = subprocess.Popen(
            [*words, "-I", "-c", program, *options], cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.events: list[Event] = []
        self.say(Hello(VERSION, time.time_ns() - time.monotonic_ns()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.worker.stdin is not None
        assert self.worker.stdout is not None
        self.worker.stdin.close()
        self.worker.stdout.close()
        self.worker.wait(10)

    def say(self, *commands: Command) -> None:
        """Tell it."""
        assert self.worker.stdin is not None
        self.worker.stdin.write(b"".join(msgspec.json.encode(command) + b"\n" for command in commands))
        self.worker.stdin.flush()

    def until(self, enough: Callable[[Event], object]) -> Event:
        """The next event that is enough."""
        assert self.worker.stdout is not None
        while True:
            line = self.worker.stdout.readline()
            assert line, "the worker ended"
            event: Event = msgspec.json.decode(line, type=Event)
            self.events.append(event)
            if enough(event):
                return event
