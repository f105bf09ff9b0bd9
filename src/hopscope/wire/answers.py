"""What an answer's kind says of whose it is, and when two addresses are one."""

from __future__ import annotations

from typing import Final

from hopscope.wire.messages import Kind

REACHING: Final[frozenset[Kind]] = frozenset(("echo-reply", "tcp-open", "tcp-reset"))
"""Kinds of answer that only the target itself gives."""
PASSING: Final[frozenset[Kind]] = frozenset(("time-exceeded", "fragmentation-needed"))
"""Kinds of answer from routers that a probe has passed; every other one says that it went no further than here by
somebody's decision."""


def plain(address: str) -> str:
    """Without its zone: a reply's may be named differently from the target's."""
    return address.partition("%")[0].lower()
