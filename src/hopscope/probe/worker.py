"""The worker's loop: commands from standard input, events to standard output, sockets in between.

Receive first, then what is due, then write: an answer that waits in a socket is heard before its probe can expire, and
no write stands between "due" and "sent". A reader that does not read cannot hold a probe up: events wait in a buffer,
and past a bound no new probe is sent until it is read, so that nothing counted is ever lost. The end of standard input
is the end of the worker: nobody is left to probe for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial

from hopscope._version import __version__
from hopscope.probe.confinement import confine
from hopscope.probe.engine import HELD_POLL_NS, Engine
from hopscope.probe.methods import Opened, capabilities, in_order, make_channel
from hopscope.probe.outbox import Outbox
from hopscope.probe.poller import Poller
from hopscope.probe.wake import WakePolicy
from hopscope.sandbox.privileges import Standing
from hopscope.wire.check import check_batching
from hopscope.wire.framing import Garbage, command_reader
from hopscope.wire.messages import (
    VERSION,
    Batching,
    Capabilities,
    CapabilitiesReport,
    Command,
    Confinement,
    Hello,
    Problem,
    Welcome,
)
from hopscope.wire.times import asleep


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
        self._reader = command_reader()
        self._poller = Poller()
        self._outbox = Outbox(sink, self._poller, time.monotonic_ns())
        self._wake = WakePolicy()
        self._greeted = False
        self._over = False
        anchor = time.time_ns() - time.monotonic_ns()
        factory = partial(make_channel, opened=opened)
        order = partial(in_order, opened=opened)
        self._engine = Engine(factory, self._poller, time.monotonic_ns, time.time_ns, anchor, asleep, order)
        os.set_blocking(source, False)
        os.set_blocking(sink, False)
        try:
            self._poller.add(source, self._read)
        except PermissionError:  # epoll_ctl(2), EPERM: a plain file or /dev/null, which cannot be waited for
            raise SystemExit("hopscope: the worker's standard input has to be a pipe, a socket or a terminal") from None

    def run(self) -> int:
        """Until the end of standard input, a closed standard output, or a fatal command; the exit code."""
        engine, poller, wake, outbox = self._engine, self._poller, self._wake, self._outbox
        try:
            while not self._over:
                may_defer = wake.may_defer(is_latency_critical=engine.is_latency_critical)
                due = engine.next_deadline(may_defer=may_defer)
                has_waiting = engine.queued > 0 or poller.has_deferred
                due = wake.next_wake(due, may_defer=may_defer, has_waiting=has_waiting)
                if outbox.is_held:
                    due = min(due, time.monotonic_ns() + HELD_POLL_NS)  # does somebody read again? Nothing else tells
                poller.wait(due, may_defer=may_defer)
                engine.check_clocks()
                poller.hear()
                engine.tick()
                now = time.monotonic_ns()
                if wake.flushes(now, engine.queued, may_defer=may_defer, must_flush=engine.must_flush):
                    self._tell(now)
        except BrokenPipeError:
            return 0  # nobody reads any more: a quiet end
        finally:
            engine.close()
        return 0 if self._greeted else 1

    # --- commands ---------------------------------------------------------------------------------------------

    def _read(self) -> None:
        if self._outbox.is_held:
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
            engine.emit_now(Problem(f"not understood: {message.reason}: {message.excerpt}"))
        elif isinstance(message, Hello):
            if self._greeted:
                engine.emit_now(Problem("hello was said already"))
            else:
                self._greet(message)
        elif not self._greeted:
            engine.emit_now(Problem("the first command is hello"))
        elif isinstance(message, Capabilities):
            engine.emit_now(CapabilitiesReport(self._user, capabilities(self._opened), self._confinement))
        elif isinstance(message, Batching):
            try:
                self._wake.allow_delay(check_batching(message))
            except ValueError as problem:
                engine.emit_now(Problem(str(problem)))
        else:
            engine.handle(message)

    def _greet(self, hello: Hello) -> None:
        engine = self._engine
        if hello.version != VERSION:
            said = f"this worker speaks version {VERSION} of the protocol, not {hello.version}"
            engine.emit_now(Problem(said, fatal=True))
            self._over = True
            return
        time_line = engine.time_line
        time_line.heeds_sleep = hello.anchor_ns is not None
        if hello.anchor_ns is not None:
            time_line.begin(hello.anchor_ns)
        self._greeted = True
        now_at = time_line.at(time.monotonic_ns())
        engine.emit_now(Welcome(VERSION, __version__, os.getpid(), self._user, time_line.anchor, now_at))

    # --- events -----------------------------------------------------------------------------------------------

    def _tell(self, now: int) -> None:
        """Write what there is to say; hold probing where nobody reads it."""
        if not self._outbox.put(self._engine.take(), now):
            return
        is_held = self._outbox.is_held
        self._engine.hold(is_held)
        self._poller.mute(self._source, is_held)  # each command may need an answer
        if is_held:
            self._outbox.append(Problem("nobody reads the events: no probes are sent until somebody does"))


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
