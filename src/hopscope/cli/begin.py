"""From options to a worker that probes already: before anything heavy is imported.

The worker is launched first and the names are looked up while it comes up; then each target is begun at once, and
whoever takes the session over (a report, the screen) finds the first answers waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hopscope.cli.errors import WORKER, UsageError
from hopscope.cli.options import Options
from hopscope.session.launch import Launched, launch
from hopscope.session.model import Probing
from hopscope.session.plans import acceptable, plan_of
from hopscope.session.resolve import Unresolvable, resolve

if TYPE_CHECKING:
    from hopscope.sim.library import Demo

LOOKUPS = 16
"""So many names are looked up at once."""


class CannotStart(Exception):
    """The worker's process could not be started."""

    status = WORKER


@dataclass(frozen=True)
class Begun:
    """A worker under way."""

    launched: Launched
    targets: tuple[str, ...]
    probing: Probing
    addresses: dict[str, str]
    demo: Demo | None = None


def begin(options: Options, demo: Demo | None = None) -> Begun:
    """Launch the worker, find each target's address, and begin to probe it. `UsageError`, `CannotStart`."""
    probing = options.probing
    launched = start_worker(probing)
    try:
        if demo is not None:
            addresses = simulated_targets(options, demo)
            targets = options.targets or tuple(addresses)
        else:
            targets = tuple(_acceptable(target) for target in options.targets)
            addresses = _resolved(targets, probing)
        for target in targets:
            try:
                launched.begin(target, plan_of(probing, addresses[target]))
            except ValueError as error:
                raise UsageError(f"{target}: {error}") from None
    except BaseException:
        launched.close()
        raise
    return Begun(launched, targets, probing, addresses, demo)


def start_worker(probing: Probing) -> Launched:
    """The worker's process. `CannotStart`."""
    try:
        return launch(("--scapy",) if probing.method == "scapy" else ())
    except OSError as error:
        raise CannotStart(f"the probe worker cannot be started: {error.strerror or error}") from None


def _acceptable(target: str) -> str:
    try:
        return acceptable(target)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _resolved(targets: tuple[str, ...], probing: Probing) -> dict[str, str]:
    wanted = list(dict.fromkeys(targets))
    if len(wanted) == 1:
        return {wanted[0]: _resolve(wanted[0], probing)}
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(LOOKUPS, len(wanted))) as pool:
        return dict(zip(wanted, pool.map(lambda target: _resolve(target, probing), wanted), strict=True))


def _resolve(target: str, probing: Probing) -> str:
    try:
        return resolve(target, probing.family)
    except Unresolvable as error:
        raise UsageError(str(error)) from None


def _of_family(demo: Demo, probing: Probing) -> list[tuple[str, str]]:
    return [(name, address) for name, address in demo.targets if probing.family in (None, 6 if ":" in address else 4)]


def simulated_targets(options: Options, demo: Demo) -> dict[str, str]:
    """The targets of a scenario that are to be probed, each with its address. Names are the scenario's own; a numeric
    address is taken as it is. `UsageError`."""
    from hopscope.session.plans import numeric

    probing = options.probing
    known = dict(reversed(_of_family(demo, probing)))
    targets = options.targets or tuple(dict(_of_family(demo, probing)))
    addresses = {}
    for target in targets:
        address = known.get(target) or numeric(target)
        if address is None:
            raise UsageError(f"{target}: the scenario has no such target; it has {', '.join(known) or 'none'}")
        addresses[target] = address
    if not addresses:
        raise UsageError(f"-{probing.family}: the scenario has no target of this family")
    return addresses
