"""Threads beside the main one, which take no signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def start(work: Callable[[], object], name: str) -> threading.Thread:
    """Start a daemon thread, which takes no signals: they stay the main thread's.

    So a signal's handler has run before the main thread's next step (signal(7): the kernel hands a pending signal over
    before it returns to the program). Were it another thread's, the main thread might go on first: continued together
    with a signal to end, it would stop once more, and nobody would continue it. SIGBUS is of the thread that met it:
    were it blocked there, the kernel would end the program, whatever handles it.

    `RuntimeError` where no thread can be started.
    """
    thread = threading.Thread(target=work, name=name, daemon=True)
    others = signal.valid_signals() - {signal.SIGBUS}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, others)  # which the new one inherits
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread


def outcome(call: Callable[[], T], name: str) -> T:
    """What `call` returns or raises, from a thread: a signal reaches this one while it waits. Where no thread can be
    started, this one calls."""
    from queue import SimpleQueue

    done: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            done.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            done.put((None, error))

    try:
        start(work, name)
    except RuntimeError:
        work()
    value, error = done.get()
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # a T where there is no error


@contextmanager
def taking_signals() -> Iterator[None]:
    """Meanwhile this thread takes all signals, and a process that it starts will: the mask is inherited."""
    before = signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
