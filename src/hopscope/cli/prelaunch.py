"""From options to a worker that probes already: before anything heavy is imported.

The worker is launched first, before the options are read even, and the names are looked up while it comes up; then each
target is begun at once, and whoever takes the session over (a report, the screen) finds the first answers waiting.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from hopscope.cli.errors import UsageError
from hopscope.cli.options import Options
from hopscope.cli.parser import hint_at_subcommand
from hopscope.names.clean import clean
from hopscope.session.launch import WorkerProcess
from hopscope.session.model import Probing
from hopscope.session.plans import numeric, plan_of
from hopscope.session.query import Query, read_query
from hopscope.session.resolve import Unresolvable, resolve

if TYPE_CHECKING:
    from hopscope.sim.library import Demo
    from hopscope.wire.messages import Plan

LOOKUPS = 16
"""Names that are looked up at once."""
SCREEN_WAIT_S = 0.3
"""Seconds that the screen's first frame waits for the names of targets; most name servers take a tenth of that."""
REPORT_WAIT_S = 1.0
"""Seconds that a report's other targets wait for a name that is not known yet."""


class StartedProbing(msgspec.Struct, frozen=True):
    """A worker under way."""

    launched: WorkerProcess
    targets: tuple[str, ...]
    """As they were typed, without those that can be no targets."""
    probing: Probing
    addresses: dict[str, str]
    """By host. One that is missing did not resolve: a session looks it up again, and says why."""
    demo: Demo | None = None
    complaints: tuple[str, ...] = ()
    """A line for each target that was left out."""
    waited_s: float = 0.0
    """Seconds that names were waited for in vain."""


def begin(options: Options, launched: WorkerProcess, demo: Demo | None = None) -> StartedProbing:
    """Find each target's address, and begin to probe it. A target that is wrong, or whose name does not resolve, keeps
    none of the others from being probed. `UsageError` where none ever can be; the worker is then closed."""
    try:
        return _begin(launched, options, demo)
    except BaseException:
        launched.close()
        raise


def _begin(launched: WorkerProcess, options: Options, demo: Demo | None) -> StartedProbing:
    probing = options.probing
    unresolved: list[Unresolvable] = []
    waited_s = 0.0
    if demo is not None:
        by_text = simulated_targets(options, demo)
        wanted, complaints = _read(options.targets or tuple(by_text))
        addresses = {query.host: by_text[text] for text, query in wanted.items()}
    else:
        wanted, complaints = _read(options.targets)
        hosts = list(dict.fromkeys(query.host for query in wanted.values()))
        began = monotonic()
        addresses, unresolved = _resolved(hosts, probing, SCREEN_WAIT_S if options.format is None else REPORT_WAIT_S)
        waited_s = monotonic() - began if any(why.is_temporary for why in unresolved) else 0.0
    plans: dict[str, Plan] = {}
    for text, query in list(wanted.items()):
        if query.host in addresses:
            try:
                plans[text] = plan_of(probing, addresses[query.host], query.port)
            except ValueError as error:
                complaints.append(f"{clean(query.host)}: {error}")
                del wanted[text]
    is_screen = options.format is None  # which has no place for what never becomes a target
    if (complaints and is_screen) or not (plans or any(why.is_temporary for why in unresolved)):
        hint = hint_at_subcommand(options.targets[0]) if len(options.targets) == 1 else ""
        raise UsageError("\n".join([*complaints, *map(str, unresolved)]) + hint)
    targets = tuple(text for text in options.targets or wanted if text in wanted)
    for text in targets:
        if text in plans:
            launched.begin(text, plans[text])
    return StartedProbing(launched, targets, probing, addresses, demo, tuple(complaints), waited_s)


def _read(texts: tuple[str, ...]) -> tuple[dict[str, Query], list[str]]:
    """What is meant by each text, and a line for each that can be no target."""
    wanted: dict[str, Query] = {}
    complaints = []
    for text in dict.fromkeys(texts):
        try:
            wanted[text] = read_query(text)
        except ValueError as error:
            complaints.append(str(error))
    return wanted, complaints


def _resolved(hosts: list[str], probing: Probing, wait_s: float) -> tuple[dict[str, str], list[Unresolvable]]:
    """The address of each host, and why others have none. Names are looked up so many at once as `LOOKUPS` says, and
    waited for `wait_s` at most: what is not known then is left to the session, which looks it up in the background."""
    found: dict[str, str | Unresolvable] = {}
    names = []
    for host in hosts:
        if numeric(host) is None:
            names.append(host)
        else:
            found[host] = _resolve(host, probing)
    if names:
        found |= _looked_up(names, probing, wait_s)
    addresses = {host: found[host] for host in hosts}
    return (
        {host: one for host, one in addresses.items() if isinstance(one, str)},
        [one for one in addresses.values() if isinstance(one, Unresolvable)],
    )


def _looked_up(names: list[str], probing: Probing, wait_s: float) -> dict[str, str | Unresolvable]:
    # Daemon threads: a resolver that waits for a dead server holds nobody up at the end.
    from queue import Empty, SimpleQueue

    from hopscope.system import threads

    waiting: SimpleQueue[str] = SimpleQueue()
    done: SimpleQueue[tuple[str, str | Unresolvable]] = SimpleQueue()
    for name in names:
        waiting.put(name)

    def work() -> None:
        while True:
            try:
                name = waiting.get_nowait()
            except Empty:
                return
            done.put((name, _resolve(name, probing)))

    deadline = monotonic() + wait_s
    try:
        for _ in range(min(LOOKUPS, len(names))):
            threads.start(work, "hopscope-targets")
    except RuntimeError:  # this user may start no more threads: those that there are do it, or else this one
        work()
    found: dict[str, str | Unresolvable] = {}
    while len(found) < len(names):
        try:
            name, one = done.get(timeout=max(0.0, deadline - monotonic()))
        except Empty:
            break
        found[name] = one
    late = "the name server has not answered yet"
    return {name: found.get(name) or Unresolvable(f"{clean(name)}: {late}", is_temporary=True) for name in names}


def _resolve(host: str, probing: Probing) -> str | Unresolvable:
    try:
        return resolve(host, probing)
    except Unresolvable as error:
        return error


def _of_family(demo: Demo, probing: Probing) -> list[tuple[str, str]]:
    return [(name, address) for name, address in demo.targets if probing.family in (None, 6 if ":" in address else 4)]


def simulated_targets(options: Options, demo: Demo) -> dict[str, str]:
    """The targets of a scenario that are to be probed, each with its address. Names are the scenario's own; a numeric
    address is taken as it is. `UsageError`."""
    probing = options.probing
    known = dict(reversed(_of_family(demo, probing)))
    targets = options.targets or tuple(dict(_of_family(demo, probing)))
    addresses = {}
    for target in targets:
        try:
            host = read_query(target).host
        except ValueError as error:
            raise UsageError(str(error)) from None
        address = known.get(host) or numeric(host)
        if address is None:
            raise UsageError(f"{clean(host)}: the scenario has no such target; it has {', '.join(known) or 'none'}")
        addresses[target] = address
    if not addresses:
        raise UsageError(f"-{probing.family}: the scenario has no target of this family")
    return addresses
