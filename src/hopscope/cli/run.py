"""The order of a run: read the command line, start the worker, give all privileges up, read the rest (configuration,
files, environment), and only then import what shows the results."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hopscope.cli.errors import OK, SIGNALLED, USAGE, WORKER, UsageError, no_room
from hopscope.cli.output import ClosedPipe, Output, OutputError, keep_standard_descriptors, open_early, say
from hopscope.system import garbage

if TYPE_CHECKING:
    from hopscope.cli.options import Options
    from hopscope.cli.parser import Values
    from hopscope.cli.unprivileged import FrontEndStanding
    from hopscope.session.launch import WorkerProcess
    from hopscope.sim.library import Demo


def run(argv: Sequence[str], do: Callable[[Sequence[str]], int] | None = None) -> int:
    """The exit status of one run. Every error that a user can cause is a line on standard error. `do`: another program
    of this package, by its words."""
    keep_standard_descriptors()
    _take_signals()
    garbage.hold()
    try:
        return (do or _run)(argv)
    except UsageError as error:
        for line in str(error).splitlines():
            say(line)
        return USAGE
    except OutputError as error:
        say(str(error))
        return USAGE
    except ClosedPipe:
        return OK
    except KeyboardInterrupt:
        return SIGNALLED + signal.SIGINT
    except (RuntimeError, OSError, MemoryError) as error:
        words = no_room(error)
        if words is None:
            raise
        say(words)
        return WORKER
    finally:
        garbage.release()


def _take_signals() -> None:
    """Undo what a careless parent leaves behind: signals that are blocked (then none could end this program), and a
    SIGCHLD that is ignored (then nobody hears how a child ended, wait(2)). All else stays ignored (nohup)."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _run(argv: Sequence[str]) -> int:
    from hopscope.cli.parser import parse

    values = parse(argv)
    return OK if _print_about(values) else carry_out(values)


def carry_out(values: Values) -> int:
    """The exit status of what a command line asks for. Raises `UsageError`, `OutputError` and `ClosedPipe`."""
    from hopscope.cli import unprivileged
    from hopscope.cli.worker import CannotStart, start_worker
    from hopscope.sandbox.privileges import StillPrivileged

    intent = unprivileged.intend()
    try:
        launched = start_worker(values)
    except CannotStart as error:
        say(str(error))
        return CannotStart.status
    try:
        # Whoever needs a privilege has it now. From here on strangers' files and packets are read.
        try:
            if values.get("output") is not None and unprivileged.is_roots_own(intent):
                open_early(values["output"])
            if values.get("metrics") is not None and intent is not None:
                from hopscope.cli.listening import listen_early

                listen_early(values["metrics"])
            standing = unprivileged.drop(intent)
        except (StillPrivileged, OSError) as error:
            say(f"the privileges of this program could not be given up: {error}")
            return WORKER
        try:
            return _with_options(values, launched, standing)
        except UsageError as error:
            raise UsageError(unprivileged.explained(standing, str(error))) from None
    finally:
        if launched is not None:
            launched.close(0)


def _with_options(values: Values, launched: WorkerProcess | None, standing: FrontEndStanding) -> int:
    from hopscope.cli import options as reading
    from hopscope.cli import unprivileged

    unprivileged.refuse_files(standing, values)
    options = reading.combine(values, os.environ, raised=standing.behind is not None)
    for note in options.notes:
        say(note)
    if options.action == "doctor" and launched is not None:
        from hopscope.cli import doctor

        return doctor.run(options, launched, standing)
    if options.action == "config":
        from hopscope.cli import show_config

        return show_config.run(options, os.environ)
    if options.action == "history":
        from hopscope.cli import history

        standing = unprivileged.confine(standing, options)
        return history.run(options, standing.create)
    if options.action == "web":
        from hopscope.cli import web

        return web.run(options)
    if options.action == "fleet":
        from hopscope.cli import fleet

        return fleet.run(options, launched, standing)
    return _probe(options, launched, standing)


def _print_about(values: Values) -> bool:
    """What is printed without anything being done: version, help, completions, manual."""
    if values.get("version"):
        from hopscope._version import __version__

        text = f"hopscope {__version__}\n"
    elif values.get("help"):
        from hopscope.cli.help import fleet_help, help_text

        text = fleet_help() if values["action"] == "fleet" else help_text()
    elif values.get("completion"):
        from hopscope.cli.completion import script

        text = script(values["completion"])
    elif values.get("man"):
        from hopscope.cli.man import page

        text = page()
    else:
        return False
    Output().write(text)
    return True


def _probe(options: Options, launched: WorkerProcess | None, standing: FrontEndStanding) -> int:
    """Trace or demo: a report, or the screen."""
    if options.list:
        from hopscope.cli.demo import listing

        at_terminal = options.output is None and os.isatty(1)
        Output(options.output).save(listing(shutil.get_terminal_size().columns if at_terminal else None))
        return OK
    demo = None
    if options.action == "demo" or options.probing.method == "simulated":
        from hopscope.cli import demo as demos

        options, demo = demos.prepare(options)
    if options.format is None and not all(os.isatty(descriptor) for descriptor in (0, 1, 2)):
        raise UsageError(
            "the live screen needs a terminal; for a report add -r, or --format json (see hopscope --help)"
        )
    return _trace(options, demo, launched, standing)


def _trace(options: Options, demo: Demo | None, launched: WorkerProcess | None, standing: FrontEndStanding) -> int:
    from hopscope.cli import unprivileged
    from hopscope.cli.prelaunch import begin

    output = Output(options.output) if options.format is not None else None
    listening = None
    if options.metrics is not None:
        from hopscope.cli.listening import listen

        listening = listen(options.metrics)
    if options.record is not None or output is None:
        from hopscope.cli import recording

        recording.say_what_it_has(options)
    standing = unprivileged.confine(standing, options)
    if options.fast and demo is not None and output is not None:
        from hopscope.cli import fast, namers

        garbage.release()
        return fast.run(options, demo, namers.of_demo(demo, options), output)
    assert launched is not None
    recorder = recording.begin(options.record) if options.record is not None else None
    if options.as_mtr:
        from hopscope.cli import mtr_targets

        started = mtr_targets.begin(options, launched)
    else:
        started = begin(options, launched, demo)
    # The worker comes up while the rest is imported.
    from hopscope.cli import namers

    namer = namers.of_demo(demo, options) if demo is not None else namers.of_network(options)
    if output is not None:
        from hopscope.cli.report import run as run_report

        garbage.release()
        return run_report(options, started, namer, output, recorder, listening)
    from hopscope.cli.live import run as run_screen

    history = recording.history(options, standing.behind)  # nothing of it before the worker was told to begin
    return run_screen(options, started, namer, standing.create, recorder, history, listening)
