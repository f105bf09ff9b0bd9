"""The worker's beginning, run by its path: ``python -I .../hopscope/probe/start.py [OPTIONS]``.

The order is the point. First the sockets that need a privilege, then every privilege is given up for good, then what
is needed is imported (Scapy, the simulator), then the file system and the system calls are taken away, and only then
the first byte is read from anyone. ``-I`` and this file's own path keep the environment and the current folder out of
what is imported.

``--mark N``: mark what the raw sockets send. ``--scapy``: load Scapy while there are privileges, for the method of
that name. ``--may-read FILE``: a scenario, for a worker that has to stay uid 0. ``--lifeline FD``: a pipe's reading
end; when something is written to the other end, or nobody holds it any more, the kernel kills the worker.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hopscope.wire.methods import PrivilegedSockets


def main() -> int:
    """The process's exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver, who gets it too, decides
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would hide how a child ended (wait(2))
    _find_the_package()
    from hopscope.sandbox import capabilities, privileges

    opened: dict[PrivilegedSockets, object] = {}
    if capabilities.has(capabilities.CAP_NET_RAW):
        from hopscope.probe.sockets import raw_sockets as raw

        try:  # the survey and each refusal say why
            opened["raw"] = raw.open_sockets(*map(int, _values("--mark")[:1]))
        except OSError as problem:
            opened["raw"] = problem
        if "--scapy" in sys.argv[1:]:
            # The portable channel opens its sockets by Scapy itself: only for who asked for it is that loaded as root.
            from hopscope.probe.channels import scapy

            try:
                opened["scapy"] = scapy.open_sockets()
            except OSError as problem:
                opened["scapy"] = problem
    try:
        standing = privileges.drop(privileges.intend(_needed_files() if privileges.any_held() else ()))
    except (privileges.StillPrivileged, OSError) as problem:
        print(f"hopscope: the worker could not give its privileges up: {problem}", file=sys.stderr)
        return 1
    for descriptor in _values("--lifeline"):
        _die_with(int(descriptor))
    from hopscope.probe import worker

    return worker.run(standing, opened, _values("--may-read"))


def _find_the_package() -> None:
    """Let ``hopscope`` be the package that this file is part of, whatever else of that name is installed."""
    from importlib.util import module_from_spec, spec_from_file_location

    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    above = os.path.dirname(package)
    if above not in sys.path:
        sys.path.append(above)  # where it may stand beside what it depends on
    spec = spec_from_file_location(
        "hopscope", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["hopscope"] = module = module_from_spec(spec)
    spec.loader.exec_module(module)


def _needed_files() -> list[str]:
    """Files that stand for all that is still to be imported: if these can be read, so can their neighbours."""
    from importlib.util import find_spec

    origins = [os.__file__, __file__]
    for name in ("msgspec", "scapy", "selectors"):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            origins.append(spec.origin)
    return origins


def _values(option: str) -> list[str]:
    words = sys.argv
    return [words[place + 1] for place in range(1, len(words) - 1) if words[place] == option]


def _die_with(lifeline: int) -> None:
    """Be killed when the driver says so by this pipe, or is gone (fcntl(2), F_SETSIG): a driver that has given its own
    privileges up may not send signals to the user that this process became, and a stopped process reads nothing."""
    import fcntl
    import select

    try:
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, _F_SETSIG, signal.SIGKILL)
    except PermissionError:  # a filter of the driver's: then this goes with the thread that started it
        from hopscope.sandbox import capabilities

        capabilities.die_with_parent()
    else:
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    # It may have happened before; only a change sends a signal.
    if select.select([lifeline], [], [], 0)[0]:
        os._exit(1)


_F_SETSIG = 10
"""linux/fcntl.h, asm-generic."""

if __name__ == "__main__":
    sys.exit(main())
