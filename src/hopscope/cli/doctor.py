"""``hopscope doctor``: which probe methods this machine allows this user, why, and how to get the rest."""

from __future__ import annotations

import asyncio
import os
import textwrap
from typing import NamedTuple

import msgspec

from hopscope._version import __version__
from hopscope.cli import config as configuration
from hopscope.cli import recording, unprivileged
from hopscope.cli.errors import NOT_ALLOWED, OK, WORKER, UsageError
from hopscope.cli.options import Options
from hopscope.cli.output import Output, say
from hopscope.cli.unprivileged import FrontEndStanding
from hopscope.names.clean import clean
from hopscope.sandbox import identity
from hopscope.session.launch import WorkerProcess
from hopscope.session.session import Session, WorkerFailed
from hopscope.wire.messages import CapabilitiesReport, MethodState
from hopscope.wire.methods import METHODS, PROTOCOLS

_WIDTH = 100
_ROOTS_FILES = ", so it can still read and write root's own files"


def run(options: Options, launched: WorkerProcess, standing: FrontEndStanding) -> int:
    """Print the table; 0 where some method can probe a real network, else 3."""
    if options.format not in (None, "text", "wide", "json"):
        raise UsageError(f"doctor: there is no format {options.format}; there are text and json")
    output = Output(options.output)
    standing = unprivileged.confine(standing, options)
    try:
        told = asyncio.run(_ask(Session(launched=launched)))
    except WorkerFailed as error:
        say(str(error))
        return WORKER
    kept = Kept(recording.history_folder(), options.keep, recording.history_bytes())
    output.save(as_json(told, standing, kept) if options.format == "json" else table(told, standing, kept))
    works = any(state.works for state in told.states if state.method != "simulated")
    return OK if works else NOT_ALLOWED


class Kept(NamedTuple):
    """What the live screen keeps of what it measured."""

    folder: str
    limit: int | None
    """Bytes; None: nothing is kept."""
    bytes: int
    """What is there now."""

    @property
    def words(self) -> str:
        """The same in a sentence."""
        folder = configuration.plain(self.folder)
        there = f"{self.bytes / 2**20:.1f}"
        if self.limit is None:
            return f"The live screen keeps no history (history.keep = false); {there} MiB are in {folder}."
        return (
            f"The live screen keeps its history in {folder}: {there} of {self.limit >> 20} MiB, for this user alone;"
            " --no-history or history.keep = false turns it off."
        )


async def _ask(session: Session) -> CapabilitiesReport:
    async with session:
        return await session.capabilities()


def as_json(told: CapabilitiesReport, standing: FrontEndStanding, kept: Kept) -> str:
    """The survey as one JSON document."""
    document = {
        "schema": "hopscope.doctor/1",
        "hopscope": __version__,
        "user": clean(told.user),
        "worker": {
            "user": clean(told.user),
            "landlock": told.confinement.landlock if told.confinement else None,
            "seccomp": told.confinement.seccomp if told.confinement else None,
        },
        "front_end": {"user": standing.user or _own_name(), "landlock": standing.landlock},
        "history": {"folder": kept.folder, "bytes": kept.bytes, "limit_bytes": kept.limit},
        "methods": [
            {
                "method": state.method,
                "protocol": state.protocol,
                "family": state.family,
                "works": state.works,
                "reason": clean(state.reason, 500),
                "remedy": clean(state.remedy, 500) if state.remedy else None,
            }
            for state in told.states
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def table(told: CapabilitiesReport, standing: FrontEndStanding, kept: Kept) -> str:
    """The survey for people: what this user can do, a row for each method and protocol, then why something does not
    work and what helps."""
    states = {(state.method, state.protocol, state.family): state for state in told.states}
    lines = [*_summary(told.states), "", f"{'method':<13}{'protocol':<10}{'IPv4':<7}IPv6"]
    for method in METHODS:
        for protocol in PROTOCOLS:
            cells = [states.get((method, protocol, family)) for family in (4, 6)]
            if any(cells):
                marks = "".join(f"{_mark(cell):<7}" for cell in cells)
                lines.append(f"{method:<13}{protocol:<10}{marks}".rstrip())
    lines += _explanations(told.states)
    lines.append("")
    lines += [wrapped for line in (*confinement(told, standing), kept.words) for wrapped in _wrapped(line)]
    lines += ["", f"hopscope {__version__}, probing as {clean(told.user)}"]
    return "\n".join(lines) + "\n"


def _summary(states: tuple[MethodState, ...]) -> list[str]:
    real = {state.protocol for state in states if state.works and state.method != "simulated"}
    if not real:
        return ["This user can trace nothing real here; hopscope demo works."]
    able = ", ".join(protocol.upper() for protocol in PROTOCOLS if protocol in real)
    lines = [f"This user can trace by {able}."]
    if "icmp" not in real and "udp" in real:
        lines.append("Unless told otherwise hopscope probes by UDP here; mtr's formats need -u or -T.")
    return lines


def confinement(told: CapabilitiesReport, standing: FrontEndStanding) -> list[str]:
    """What the two processes may still do, a line each."""
    lines = []
    own = told.confinement
    if own is not None:
        held = {
            "no-writing": "by Landlock it writes and executes no file",
            "named-files": "by Landlock it reads the program alone, and writes and executes no file",
            "none": f"this kernel has no Landlock{_ROOTS_FILES if told.user.startswith('root') else ''}",
        }[own.landlock]
        calls = (
            "by seccomp it makes only the system calls of probing" if own.seccomp else "seccomp filters nothing here"
        )
        lines.append(f"The probe worker runs as {clean(told.user)}: {held}; {calls}.")
    calls = "; by seccomp it changes no file's mode or owner, and reaches no other process" if standing.seccomp else ""
    if not standing.user:
        lines.append(f"The rest of the program runs as {_own_name()}, who had no privileges.")
    elif not standing.is_root:
        lines.append(f"The rest of the program runs as {standing.user}.")
    elif standing.landlock == "none":
        lines.append(
            f"The rest of the program runs as {standing.user}: this kernel has no Landlock{_ROOTS_FILES}{calls}."
        )
    else:
        lines.append(
            f"The rest of the program runs as {standing.user}: by Landlock it reads the program and what was named, and"
            f" writes only its configuration, its state and the outputs that were named{calls}."
        )
    return lines


def _own_name() -> str:
    return identity.name(os.geteuid())


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH, subsequent_indent="  ")


def _mark(state: MethodState | None) -> str:
    return "-" if state is None else "yes" if state.works else "no"


def _explanations(states: tuple[MethodState, ...]) -> list[str]:
    """Each reason and each remedy once, with all that it is about."""
    about: dict[tuple[str, str | None], list[MethodState]] = {}
    for state in states:
        if not state.works:
            key = (clean(state.reason, 500), clean(state.remedy, 500) if state.remedy else None)
            about.setdefault(key, []).append(state)
    lines = []
    for (reason, remedy), subjects in about.items():
        lines.append("")
        lines += textwrap.wrap(f"{_named(subjects, states)}: {reason}", _WIDTH, subsequent_indent="  ")
        if remedy:
            lines.append(f"  to allow it: {remedy}")
    return lines


def _named(subjects: list[MethodState], states: tuple[MethodState, ...]) -> str:
    """What a reason is about: a method's name where it is about all of that method."""
    words: dict[str, None] = {}
    for method in METHODS:
        of_it = [state for state in subjects if state.method == method]
        if len(of_it) == sum(state.method == method for state in states):
            words[method] = None
        else:
            words.update(dict.fromkeys(f"{state.method} {state.protocol} IPv{state.family}" for state in of_it))
    return ", ".join(words)
