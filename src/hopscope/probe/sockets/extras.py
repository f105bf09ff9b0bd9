"""Socket options that only add knowledge. A kernel that lacks one (an old one, user-mode emulation, gVisor, WSL 1) is
probed with all the same; what is then not known, a flow's note and the doctor's table say in words.

What probing cannot do without (IP_RECVERR, the TTL of a packet, an interface or source that was asked for) is no extra:
it raises, and the error names the option.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

Lack: TypeAlias = Literal["stamps", "reply-ttl", "labels", "fragments", "drops", "filter"]

WORDS: Final[dict[Lack, str]] = {
    "stamps": "this system's kernel stamps no packets: times are by the program's clock",
    "reply-ttl": "this system does not tell an answer's TTL",
    "labels": "this system does not tell MPLS labels",
    "fragments": "this system may refuse packets larger than the path's MTU",
    "drops": "this system does not count what its buffers drop",
    "filter": "this system cannot filter what raw sockets hear",
}
"""What is not known or not done for want of an option, in the order in which it is said."""
_QUIET: Final[frozenset[Lack]] = frozenset(("labels", "drops", "filter"))
"""Not worth a flow's note: kernels that are in wide use lack them, or nothing that is shown is less exact for it."""


def ask(sock: socket.socket, level: int, option: int, value: int | bytes) -> bool:
    """Set an option that may be missing; whether it is there."""
    try:
        sock.setsockopt(level, option, value)
    except OSError:
        return False
    return True


def need(sock: socket.socket, level: int, option: int, value: int | bytes, name: str) -> None:
    """Set an option that must be there. `OSError` names it."""
    try:
        sock.setsockopt(level, option, value)
    except OSError as problem:
        number = problem.errno or 0
        raise OSError(number, f"{name}: {os.strerror(number)}") from None


def missing(problem: OSError) -> str:
    """Why a method cannot be used, from what `need` raised."""
    return f"this system lacks {problem.strerror or problem}"


def note(lacks: Iterable[Lack], before: str | None = None) -> str | None:
    """A flow's note: `before`, its method's own, and what is not known here. Null where there is nothing to say."""
    found = frozenset(lacks) - _QUIET
    return "; ".join([*([before] if before else []), *(WORDS[lack] for lack in WORDS if lack in found)]) or None


def in_words(lacks: Iterable[Lack], reason: str) -> str:
    """The doctor's reason why a method works, with all that is missing."""
    found = frozenset(lacks)
    return "; ".join([reason, *(WORDS[lack] for lack in WORDS if lack in found)])
