"""What can go wrong for who uses a session or `hopscope.trace`, as a small tree:

- `TraceError`
    - `Unresolvable`: a name leads to no address
    - `Refusal`: a target cannot be probed (permission, no route, …)
    - `WorkerFailed`: the probe worker ended, and could not be kept alive

What is wrong in itself (a target that cannot be one, a value out of range) is a `ValueError`. Each message is one
clean line.
"""

from __future__ import annotations


class TraceError(Exception):
    """Whatever keeps a trace from going on. The message is one clean line."""


class Unresolvable(TraceError):
    """A name that leads to no address; one line of why. `is_temporary`: nobody who could know was asked."""

    def __init__(self, message: str, *, is_temporary: bool = False) -> None:
        super().__init__(message)
        self.is_temporary = is_temporary


class Refusal(TraceError):
    """A target that cannot be probed. `reason` is that of `wire.Refused`; `remedy` is what would allow it, or None."""

    def __init__(self, message: str, reason: str, remedy: str | None = None) -> None:
        super().__init__(f"{message}; {remedy}" if remedy else message)
        self.message = message
        self.reason = reason
        self.remedy = remedy


class WorkerFailed(TraceError):
    """The probe worker ended, and could not be started again. The message says what is known of it."""
