"""Give every privilege up, for good, and make sure of it.

Called by sudo, doas or pkexec, the process goes back to the user behind it. As plain root the worker becomes `nobody`;
each only where that user can read what is still to be imported. Where none can, the process stays uid 0 without any
capability: root's files are then still its own, and `hopscope.sandbox.landlock` has to keep it from them. In each case:
empty capability sets, ``no_new_privs``, and an empty bounding set where the kernel lets that be emptied.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hopscope.sandbox import capabilities, identity
from hopscope.sandbox.capabilities import StillPrivileged
from hopscope.sandbox.identity import NOBODY, Caller, User


class Standing(NamedTuple):
    """What a process is after it gave its privileges up."""

    was_privileged: bool
    caller: Caller | None
    """Who called it as root; None: nobody, so far as it can be told."""
    uid: int

    @property
    def is_root(self) -> bool:
        """Whether root's own files are still its own."""
        return self.uid == 0

    @property
    def words(self) -> str:
        """Who it is now, for people."""
        who = identity.name(self.uid)
        return f"{who}, privileges given up" if self.was_privileged else who


def any_held() -> bool:
    """Whether there is anything to give up."""
    if os.geteuid() == 0 or os.getuid() != os.geteuid() or os.getgid() != os.getegid():
        return True
    try:
        return not capabilities.get().is_empty
    except OSError:
        return True


class Intent(NamedTuple):
    """Who a process is going to be."""

    was_privileged: bool
    caller: Caller | None
    user: User | None
    """None: it stays who it is."""


def intend(
    needed_files: Iterable[str] = (), environ: Mapping[str, str] | None = None, *, else_nobody: bool = True
) -> Intent:
    """Find out whom to become; nothing changes yet.

    `needed_files`: what another user has to be able to read for the process to become that user. `else_nobody`: root
    that nobody called becomes `nobody`.
    """
    caller = identity.caller(os.environ if environ is None else environ)
    return Intent(any_held(), caller, _whom(caller, needed_files, else_nobody))


def drop(intent: Intent) -> Standing:
    """Drop everything, check it, and say who the process is now. Raises `StillPrivileged`."""
    if not sys.platform.startswith("linux"):
        return _drop_elsewhere(intent)
    emptied = capabilities.empty_bounding_set()
    if intent.user is not None:
        identity.become(intent.user)
    capabilities.drop_all()
    capabilities.verify(bounding_emptied=emptied)
    identity.verify(intent.user or User(os.geteuid(), os.getegid()))
    return Standing(intent.was_privileged, intent.caller, os.geteuid())


def _whom(caller: Caller | None, needed_files: Iterable[str], else_nobody: bool) -> User | None:
    if caller is not None and caller.tool == "set-user-ID":
        return caller.user
    if os.geteuid() != 0:
        return None
    candidates = [caller.user] if caller is not None else []
    if else_nobody:
        candidates.append(User(NOBODY, NOBODY))
    files = list(needed_files)
    return next((user for user in candidates if identity.can_read(user, files)), None)


def _drop_elsewhere(intent: Intent) -> Standing:
    """Without Linux's facilities: back to the caller, if there is one."""
    caller = intent.caller
    if caller is not None:
        os.setgroups([])
        os.setgid(caller.user.gid)
        os.setuid(caller.user.uid)
        if os.geteuid() == 0:
            raise StillPrivileged("the user id is still root's")
    return Standing(intent.was_privileged, caller, os.geteuid())


__all__ = ["NOBODY", "Intent", "Standing", "StillPrivileged", "any_held", "drop", "intend"]
