"""What a quoted payload shows of the probe that it was."""

from __future__ import annotations

COOKIE = 8
"""Bytes of a probe's payload that nobody off the path can guess."""
VOUCHING = 2
"""Bytes of the cookie of which an answer must show at least so many to be vouched for."""


def shown(quoted: bytes, head: bytes, cookie: bytes) -> bool | None:
    """Whether a quoted payload is one that began with `head` and `cookie`, of which it may show less: None where it is
    another one, else whether it shows enough of the cookie. A router that quotes less may fill up with zeros, up to an
    extension (RFC 4884)."""
    ours = head + cookie
    quoted = quoted[: len(ours)]
    if not ours.startswith(quoted):
        quoted = quoted.rstrip(b"\0")
        if not ours.startswith(quoted):
            return None
    return len(quoted) >= len(head) + VOUCHING
