"""Targets by mtr's rules, for a program that was called as ``mtr``: how names are resolved, and what is said of those
that cannot be probed."""

from __future__ import annotations

import socket
from typing import Final

from hopscope.cli.mtr_options import Wrong
from hopscope.cli.options import Options
from hopscope.cli.output import say
from hopscope.cli.prelaunch import StartedProbing
from hopscope.names.clean import clean
from hopscope.session.hostname import ascii_name
from hopscope.session.launch import WorkerProcess
from hopscope.session.model import Probing, Target
from hopscope.session.plans import plan_of
from hopscope.session.query import read_query
from hopscope.system import threads

LONGEST_LINE: Final = 1000
"""Characters of a line about a name, which repeats it."""
_GAI_SYSTEM: Final = getattr(socket, "EAI_SYSTEM", None)


def begin(options: Options, launched: WorkerProcess) -> StartedProbing:
    """As `hopscope.cli.prelaunch.begin`, by mtr's rules: what does not resolve is said and left out. Raises `Wrong`
    where mtr ends."""
    probing = options.probing
    found: list[tuple[str, str]] = []
    for name in options.targets:
        try:
            address = _resolve(name, probing, found[0][1] if found else None)
        except Wrong as wrong:
            if options.format is None:
                raise
            say(clean(str(wrong), LONGEST_LINE))
            continue
        _check_source(probing, address)
        found.append((name, address))
    for name, address in found:
        launched.begin(name, plan_of(probing, address))
    targets = tuple(name for name, _ in found)
    return StartedProbing(launched, targets, probing, {read_query(name).host: address for name, address in found})


def _resolve(name: str, probing: Probing, first: str | None) -> str:
    """The first address. The first host's family is that of all that follow. Raises `Wrong` where there is none."""
    family = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}[probing.family]
    if first is not None:
        family = _family_of(first)
    why = ""
    try:
        asked = ascii_name(name).encode() if name else b""
        known = threads.outcome(lambda: socket.getaddrinfo(asked, None, family, socket.SOCK_DGRAM), "hopscope-targets")
        read_query(name)  # what a session reads of it
        for _, _, _, _, address in known:
            return str(address[0])
    except socket.gaierror as error:
        if error.errno != _GAI_SYSTEM:
            why = f": {error.strerror}"
    except (ValueError, OSError):
        why = ": Name or service not known"
    raise Wrong(f"Failed to resolve host: {name}{why}")


def _check_source(probing: Probing, address: str) -> None:
    family = _family_of(address)
    if probing.interface is not None and probing.interface not in (name for _, name in socket.if_nameindex()):
        raise Wrong("no such interface")
    if probing.source is not None:
        try:
            socket.inet_pton(family, probing.source)
        except OSError:
            raise Wrong("invalid local address") from None


def _family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def is_without_hops(target: Target) -> bool:
    """Whether mtr would print a report without hops of a target that was refused, and say nothing: the source address
    is none of this machine's."""
    return target.refusal is not None and target.refusal.reason == "address"


def refusal(target: Target) -> str:
    """What mtr says of a target that could not be probed."""
    refused = target.refusal
    if refused is None:
        return target.error or "Unable to start net module"
    if refused.reason == "no-route":
        return "udp socket connect failed: Network is unreachable"
    return "Permission denied" if refused.reason == "permission" else refused.message
