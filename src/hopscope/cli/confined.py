"""A front end that is root and can become nobody else, without what it does not need.

Landlock leaves it the program, the system's tables, the files that the command line and the configuration name, and the
folders of its configuration and state; a seccomp filter takes what its number alone lets a process do to others.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from hopscope.cli.scribe import Scribe
from hopscope.history.where import state_folder
from hopscope.sandbox import bytecode, landlock, seccomp
from hopscope.sandbox.landlock import READING, WRITING, Rule

if TYPE_CHECKING:
    from hopscope.cli.options import Options

_LATER: Final = ("hopscope.views.screen.app", "hopscope.names.resolver", "hopscope.cli.live", "hopscope.cli.report")
"""What a front end imports once it knows what it is for, and with it Textual."""


class RootConfinement(msgspec.Struct, frozen=True):
    """What holds by now: see `FrontEndStanding`."""

    landlock: bool
    seccomp: bool
    scribe: Scribe | None


def confine_root(options: Options, *, is_behind: bool) -> RootConfinement:
    """Take it away. `is_behind`: somebody called it by sudo, for whom nothing is read or written by name."""
    recorded = _recorded(options)
    _leave_bytecode()
    kept = [] if is_behind else _kept(options)
    scribe = _scribe() if options.format is None and not is_behind and landlock.abi() else None
    try:
        holds = landlock.restrict(READING | WRITING | landlock.EXECUTE, [*_reading(options), *kept, *recorded])
    except OSError:
        holds = False
    return RootConfinement(holds, seccomp.restrict_root(), scribe)


def _leave_bytecode() -> None:
    from importlib.util import find_spec

    bytecode.leave(_LATER)
    textual = find_spec("textual")
    if textual is not None and textual.submodule_search_locations:
        bytecode.leave(["textual.app"], top=textual.submodule_search_locations[0])


def _reading(options: Options) -> list[Rule]:
    """The program, and the files that the options name."""
    from hopscope.sandbox.reading import of_program

    named = [*options.config.config.names.databases]
    scenario = options.probing.scenario
    if scenario is not None:
        named.append(scenario)
    return [*of_program(execute=True), *(Rule(path, landlock.READ_FILE) for path in named)]


def _recorded(options: Options) -> list[Rule]:
    """What ``--record`` writes, or ``history`` reads: files that are there by then, and no folder."""
    written: list[Rule] = []
    if options.record is not None:
        from hopscope.cli.recording import prepare

        rights = landlock.READ_FILE | landlock.WRITE_FILE | landlock.TRUNCATE
        written = [Rule(path, rights) for path in prepare(options.record)]
    if options.action == "fleet":
        from hopscope.cli.fleet_files import files_of

        store, *read = files_of(options)
        return [Rule(store, READING | WRITING), *(Rule(path, READING) for path in read)]
    if options.action != "history":
        return written
    folder = [Rule(options.store, READING | WRITING)] if options.store is not None else []
    named = [os.path.realpath(word) for word in options.targets]
    if options.targets[:1] == ("follow",):  # a store whose log comes and goes
        folder += [Rule(path if os.path.isdir(path) else os.path.dirname(path), READING) for path in named[1:]]
    return [
        *written,
        *folder,
        *(Rule(path + ending, landlock.READ_FILE) for path in named for ending in ("", "-wal", "-shm")),
    ]


def _scribe() -> Scribe | None:
    from hopscope.views.report.formats import BY_SUFFIX

    try:
        return Scribe((*BY_SUFFIX, "svg"))
    except OSError:
        return None


def _kept(options: Options) -> list[Rule]:
    """Where this program keeps what is its own: its folders, or where the configuration is another file, that alone. On
    the screen settings may be kept, so the folder has to be there: else it could not be named to Landlock."""
    from hopscope.cli import config as configuration

    folder = configuration.default_path(os.environ).parent
    if options.format is None and os.environ.get("HOME", "/") != "/":
        with suppress(OSError):
            folder.mkdir(0o700, parents=True, exist_ok=True)
    from hopscope.cli import recording

    if recording.keeps_history(options):
        with suppress(OSError):
            recording.make_history_folder()
    rules = [Rule(str(path), READING | WRITING) for path in (folder, state_folder(os.environ))]
    named = options.config.path
    if named is not None:
        rules.append(Rule(os.path.realpath(named), landlock.READ_FILE | landlock.WRITE_FILE | landlock.TRUNCATE))
    return rules
