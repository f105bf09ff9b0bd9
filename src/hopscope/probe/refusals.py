"""What went wrong on this machine, and which of several refusals to tell."""

from __future__ import annotations

import errno
import os
from typing import Final

from msgspec.structs import replace

from hopscope.probe.channel import ChannelRefused
from hopscope.wire.check import check, check_address
from hopscope.wire.messages import DEFAULT_PORT, Plan, Refused

LONGEST_TEXT: Final = 400
"""Characters of what is said of a bad command, which may quote it: an event must fit on a line."""

WORDS: Final = {
    errno.ENETUNREACH: "this computer has no route to the target",
    errno.EHOSTUNREACH: "this computer finds no way to the next hop",
    errno.ENETDOWN: "the network interface of this computer is down",
    errno.ENODEV: "the network interface of this computer is gone",
    errno.EADDRNOTAVAIL: "this computer does not have that source address now",
    errno.EPERM: "this computer's firewall or policy forbids the probe",
    errno.EACCES: "this computer's routing prohibits it (a prohibit route)",
    errno.EINVAL: "this computer's routing discards it (a blackhole route)",
    errno.ENOBUFS: "this computer's network buffers are full",
    errno.EMSGSIZE: "the packet is larger than this computer's interface can send",
    errno.EMFILE: "this process has no file descriptor left",
}

AS_ROOT: Final = "sudo hopscope --method {} TARGET"
"""The remedy of a method that needs root; the driver knows what stands for ``hopscope`` and ``TARGET``."""

_HELPFUL: Final = ("scenario", "no-route", "address", "limit", "permission", "unsupported")


def words_for(problem: OSError) -> str:
    """What went wrong on this machine, in words."""
    number = problem.errno or 0
    return WORDS.get(number) or (os.strerror(number) if number else str(problem) or "the probe could not be sent")


def refusal_of(problem: OSError) -> ChannelRefused:
    """Why a method cannot be used."""
    return ChannelRefused(_reason(problem), words_for(problem))


def without_sockets(words: str, method: str, problem: OSError | None) -> ChannelRefused:
    """Why a method has not the sockets that it needs: nobody could try to open them (None), or that failed."""
    if problem is None:
        return ChannelRefused("permission", words, AS_ROOT.format(method))
    if problem.errno in (errno.EPERM, errno.EACCES):
        return ChannelRefused("permission", f"{words} that this system does not give, to root either")
    return ChannelRefused("unsupported", f"the method {method} cannot be used here: {problem.strerror or problem}")


def _reason(problem: OSError) -> str:
    if problem.errno in (errno.EPERM, errno.EACCES):
        return "permission"
    if problem.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN):
        return "no-route"
    if problem.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
        return "limit"
    if problem.errno in (errno.EADDRNOTAVAIL, errno.EINVAL, errno.ENODEV):
        return "address"
    return "unsupported"


def most_helpful(refusals: list[ChannelRefused]) -> ChannelRefused:
    """What concerns the target or this machine's network says more than that another method is not allowed either.
    Where one that needs no permission cannot be used here, that is said as well as what the others would need."""
    found = min(refusals, key=lambda refusal: (_HELPFUL.index(refusal.reason), refusal.remedy is None))
    # The last is Scapy's, which is taken only where nothing else is left.
    missing = next((refusal for refusal in refusals[:-1] if refusal.reason == "unsupported"), None)
    if found.reason == "permission" and missing is not None:
        return ChannelRefused("permission", f"{missing.message}; {found.message}", found.remedy)
    return found


def completed(plan: Plan) -> Plan:
    """`plan`, checked, with its protocol's port. Raises `ChannelRefused`."""
    for look, reason in ((check_address, "address"), (check, "unsupported")):
        try:
            look(plan)
        except ValueError as problem:
            raise ChannelRefused(reason, str(problem)) from None
    if plan.port is None and DEFAULT_PORT[plan.protocol] is not None:
        return replace(plan, port=DEFAULT_PORT[plan.protocol])
    return plan


def refused(number: int, refusal: ChannelRefused) -> Refused:
    """The event that a target could not be started."""
    message = refusal.message[:LONGEST_TEXT]
    return Refused(number, refusal.reason, message, refusal.remedy)  # type: ignore[arg-type]  # its own vocabulary
