"""What the worker takes away from itself when all that it needs is loaded, before it reads its first byte.

No file is written, made or removed any more and no program executed, by Landlock and by seccomp, each where the kernel
has it. A worker that had to stay uid 0 can read nothing but the program and the scenario files that it was told of when
it was started.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from hopscope.probe import scapy_home
from hopscope.sandbox import bytecode, landlock, reading, seccomp
from hopscope.wire.messages import Confinement

_PACKAGES: Final = (
    "hopscope.probe",
    "hopscope.probe.channels",
    "hopscope.probe.packets",
    "hopscope.sim",
    "hopscope.wire",
)
"""Of which a worker imports some when they are first asked for."""


def confine(uid: int, may_read: Sequence[str] = ()) -> Confinement:
    """Do it, and say what holds. `may_read`: files for a worker that is uid 0."""
    _leave_bytecode()
    rights = landlock.WRITING | landlock.EXECUTE
    rules: list[landlock.Rule] = []
    if uid == 0:
        rights |= landlock.READING
        rules = [*reading.of_program(execute=False), *(landlock.Rule(path, landlock.READ_FILE) for path in may_read)]
    try:
        is_ruled = landlock.restrict(rights, rules, scoped=True)
    except OSError:  # more domains than the kernel nests (landlock(7): 16)
        is_ruled = False
    return Confinement(
        landlock="none" if not is_ruled else "named-files" if uid == 0 else "no-writing",
        seccomp=seccomp.restrict(),
    )


def _leave_bytecode() -> None:
    scapy = find_spec("scapy")
    with scapy_home.kept_out():
        bytecode.leave(name for name in bytecode.modules_of(*_PACKAGES) if name != "hopscope.probe.start")
        if scapy is not None and scapy.submodule_search_locations:
            bytecode.leave(["scapy.layers.inet6"], top=scapy.submodule_search_locations[0])
