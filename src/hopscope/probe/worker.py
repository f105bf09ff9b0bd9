"""The worker's loop: commands from standard input, events to standard output, sockets in between.

Receive first, then what is due, then write: an answer that waits in a socket is heard before its probe can expire, and
no write stands between "due" and "sent". A reader that does not read cannot hold a probe up: events wait in a buffer,
and past a bound no new probe is sent until it is read, so that nothing counted is ever lost. The end of standard input
is the end of the worker: nobody is left to probe for.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import select
import signal
import sys
import termios
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from hopscope._version import __version__
from hopscope.probe.clocks import asleep
from hopscope.probe.confinement import confine
from hopscope.probe.engine import HELD_NS, Engine
from hopscope.probe.methods import Opened, make_channel, survey
from hopscope.sandbox.privileges import Standing
from hopscope.wire.check import check_patience
from hopscope.wire.framing import Garbage, command_reader, encode_all
from hopscope.wire.messages import (
    VERSION,
    Command,
    Confinement,
    Hello,
    Patience,
    Problem,
    Survey,
    Surveyed,
    Welcome,
)

FULL: Final = 8 << 20
"""Bytes of unread events at which no new probes are sent."""
EMPTY_ENOUGH: Final = 1 << 20
"""Bytes of unread events at which probing goes on."""
BREATH_NS: Final = 1_000_000
"""With many targets something is due all the time: what is due within so long is done at one wake-up."""
MANY: Final = 512
"""So many events are never kept back."""
LOOK_AT_READER_NS: Final = 1_000_000_000
UNREAD_NS: Final = 10_000_000_000
"""So long with something unread, and nobody reads."""
_LONGEST_WAIT_S: Final = 3600.0


class Loop:
    """`Watch` over epoll (or poll, where there is none): file descriptors and what to do when they are ready.

    Those whose messages are stamped have an epoll of their own, which the other one holds: while nobody is in a hurry
    it is left out of the waiting, and looked at whenever something else was due.
    """

    def __init__(self) -> None:
        has_epoll = hasattr(select, "epoll")
        self._poll: Any = select.epoll() if has_epoll else select.poll()
        self._quiet: Any = select.epoll() if has_epoll else None
        self._in = select.EPOLLIN if has_epoll else select.POLLIN
        self._out = select.EPOLLOUT if has_epoll else select.POLLOUT
        self._heard: list[tuple[int, int]] = []
        self._ready: dict[int, Callable[[], None]] = {}
        self._quiet_ready: dict[int, Callable[[], None]] = {}
        self._patient = False
        self._woke_at = 0
        if self._quiet is not None:
            self._poll.register(self._quiet.fileno(), self._in)

    def add(self, fd: int, ready: Callable[[], None], *, stamped: bool = False) -> None:
        """Call `ready` when `fd` is readable or has an error queued; see `Watch`."""
        if stamped and self._quiet is not None:
            self._quiet_ready[fd] = ready
            self._quiet.register(fd, self._in)
        else:
            self._ready[fd] = ready
            self._poll.register(fd, self._in)

    def add_writable(self, fd: int, ready: Callable[[], None]) -> None:
        """Call `ready` when `fd` can be written."""
        self._ready[fd] = ready
        self._poll.register(fd, self._out)

    def mute(self, fd: int, muted: bool) -> None:
        """Muted, `fd` is ready only where its other end is gone."""
        if fd in self._ready:
            self._poll.modify(fd, 0 if muted else self._in)

    def remove(self, fd: int) -> None:
        """Do not wait for `fd` any more."""
        with contextlib.suppress(OSError):  # closed already: the kernel has forgotten it
            if self._ready.pop(fd, None) is not None:
                self._poll.unregister(fd)
            elif self._quiet_ready.pop(fd, None) is not None:
                self._quiet.unregister(fd)

    @property
    def is_quiet(self) -> bool:
        """Whether something may lie there that nobody waits for."""
        return bool(self._quiet_ready)

    def wait(self, until: int, *, patient: bool) -> None:
        """Wait until a moment of the monotonic clock (ns) at the latest; `patient`: not for what is stamped."""
        if patient != self._patient and self._quiet is not None:
            self._patient = patient
            self._poll.modify(self._quiet.fileno(), 0 if patient else self._in)
        until = max(until, self._woke_at + BREATH_NS)
        seconds = min(max(0, until - time.monotonic_ns()) / 1e9, _LONGEST_WAIT_S)
        if self._quiet is None:
            self._heard = self._poll.poll(seconds * 1000)
        elif select.select((self._poll,), (), (), seconds)[0]:  # in microseconds, where epoll knows milliseconds
            self._heard = self._poll.poll(0)
        else:
            self._heard = []
        self._woke_at = time.monotonic_ns()

    def hear(self) -> None:
        """Do what is ready."""
        for fd, _ in self._heard:
            ready = self._ready.get(fd)
            if ready is not None:
                ready()
        if self._quiet_ready:
            for fd, _ in self._quiet.poll(0):
                ready = self._quiet_ready.get(fd)
                if ready is not None:
                    ready()


class Worker:
    """One worker on two file descriptors."""

    def __init__(
        self,
        user: str,
        opened: Opened,
        source: int,
        sink: int,
        confinement: Confinement | None = None,
    ) -> None:
        self._user = user
        self._confinement = confinement
        self._opened = opened
        self._source = source
        self._sink = sink
        self._reader = command_reader()
        self._loop = Loop()
        self._buffer = bytearray()
        self._waits_for_reader = False
        self._full = False
        self._patience = 0
        self._wrote_at = 0
        self._written = 0
        self._consumed = 0
        self._read_at = time.monotonic_ns()
        """When the reader was last seen to read, or to have read all."""
        self._greeted = False
        self._over = False
        anchor = time.time_ns() - time.monotonic_ns()
        factory = partial(make_channel, opened=opened)
        self._engine = Engine(factory, self._loop, time.monotonic_ns, time.time_ns, anchor, asleep)
        os.set_blocking(source, False)
        os.set_blocking(sink, False)
        try:
            self._loop.add(source, self._read)
        except PermissionError:  # epoll_ctl(2), EPERM: a plain file or /dev/null, which cannot be waited for
            raise SystemExit("hopscope: the worker's standard input has to be a pipe, a socket or a terminal") from None

    def run(self) -> int:
        """Until the end of standard input, a closed standard output, or a fatal command; the exit code."""
        engine, loop = self._engine, self._loop
        try:
            while not self._over:
                patient = self._patience > 0 and not engine.hurried
                due = engine.next_deadline(patient=patient)
                if patient and (engine.waiting or loop.is_quiet):
                    due = min(due, self._wrote_at + self._patience)
                if self._full:
                    due = min(due, time.monotonic_ns() + HELD_NS)  # does somebody read again? Nothing else tells
                loop.wait(due, patient=patient)
                engine.look()
                loop.hear()
                engine.tick()
                self._tell(patient)
        except BrokenPipeError:
            return 0  # nobody reads any more: a quiet end
        finally:
            engine.close()
        return 0 if self._greeted else 1

    # --- commands ---------------------------------------------------------------------------------------------

    def _read(self) -> None:
        if self._full:
            self._over = True  # muted, it is ready only where nobody is left
            return
        try:
            data = os.read(self._source, 1 << 16)
        except BlockingIOError:
            return
        messages = self._reader.feed(data) if data else self._reader.end()
        for message in messages:
            if not self._over:
                self._handle(message)
        if not data:
            self._over = True

    def _handle(self, message: Command | Garbage) -> None:
        engine = self._engine
        if isinstance(message, Garbage):
            engine.say(Problem(f"not understood: {message.reason}: {message.excerpt}"))
        elif isinstance(message, Hello):
            if self._greeted:
                engine.say(Problem("hello was said already"))
            else:
                self._greet(message)
        elif not self._greeted:
            engine.say(Problem("the first command is hello"))
        elif isinstance(message, Survey):
            engine.say(Surveyed(self._user, survey(self._opened), self._confinement))
        elif isinstance(message, Patience):
            try:
                self._patience = check_patience(message)
            except ValueError as problem:
                engine.say(Problem(str(problem)))
        else:
            engine.handle(message)

    def _greet(self, hello: Hello) -> None:
        engine = self._engine
        if hello.version != VERSION:
            said = f"this worker speaks version {VERSION} of the protocol, not {hello.version}"
            engine.say(Problem(said, fatal=True))
            self._over = True
            return
        if hello.anchor_ns is not None:
            engine.anchor = hello.anchor_ns
        self._greeted = True
        engine.say(Welcome(VERSION, __version__, os.getpid(), self._user, engine.anchor))

    # --- events -----------------------------------------------------------------------------------------------

    def _tell(self, patient: bool) -> None:
        """Write what there is to say, unless it may wait for more."""
        engine = self._engine
        now = time.monotonic_ns()
        # A little before it is due, where it is awake anyway: so telling seldom takes a wake-up of its own.
        if patient and not engine.urgent and engine.waiting < MANY and now < self._wrote_at + self._patience * 4 // 5:
            return
        self._wrote_at = now
        events = engine.take()
        if events:
            self._buffer += encode_all(events)
        if now - self._read_at > LOOK_AT_READER_NS:
            self._look_at_reader(now)
        if self._buffer and not self._waits_for_reader:
            self._flush()
        unread = len(self._buffer) > FULL or now - self._read_at > UNREAD_NS
        if unread and not self._full:
            self._full = True
            engine.hold(True)
            self._loop.mute(self._source, True)  # each command may need an answer
            self._buffer += encode_all([Problem("nobody reads the events: no probes are sent until somebody does")])
        elif self._full and not unread and len(self._buffer) < EMPTY_ENOUGH:
            self._full = False
            engine.hold(False)
            self._loop.mute(self._source, False)

    def _look_at_reader(self, now: int) -> None:
        """Does it read? One that was stopped (Ctrl-Z) may look away for long before a pipe is full."""
        unread = _unread(self._sink)
        if unread == 0 or self._written - unread > self._consumed:
            self._consumed = self._written - unread
            self._read_at = now

    def _flush(self) -> None:
        try:
            while self._buffer:
                written = os.write(self._sink, self._buffer[: 1 << 16])
                self._written += written
                del self._buffer[:written]
        except BlockingIOError:
            if not self._waits_for_reader:
                self._waits_for_reader = True
                self._loop.add_writable(self._sink, self._on_writable)
            return
        if self._waits_for_reader:
            self._waits_for_reader = False
            self._loop.remove(self._sink)

    def _on_writable(self) -> None:
        self._flush()


def run(standing: Standing, opened: Opened, may_read: Sequence[str] = ()) -> int:
    """Take standard input and output for the protocol, confine this process, and work until they end. `may_read`: files
    for a worker that is uid 0."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _raise_file_limit()
    source, sink = os.dup(0), os.dup(1)
    # Whatever a library prints must not stand among the events.
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    confinement = confine(standing.uid, may_read)
    return Worker(standing.words, opened, source, sink, confinement).run()


def _raise_file_limit() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _unread(fd: int) -> int:
    """Bytes in a pipe that nobody has read yet; 0 where the system does not tell."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(fd, termios.FIONREAD, count)
    except OSError:
        return 0
    return count[0]
