"""Threads beside the main one, which take no signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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


@contextmanager
def taking_signals() -> Iterator[None]:
    """Meanwhile this thread takes all signals, and a process that it starts will: the mask is inherited."""
    before = signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
