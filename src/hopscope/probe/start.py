"""The worker's beginning, run by its path: ``python -I .../hopscope/probe/start.py [--scapy]``.

The order is the point. First the sockets that need a privilege, then every privilege is given up for good, and only
then is anything large imported (Scapy, the simulator) and the first byte read from anyone. ``-I`` and this file's own
path keep the environment and the current folder out of what is imported.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> int:
    """The process's exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver, who gets it too, decides
    _find_the_package()
    from hopscope.probe import privileges

    raw_sockets: object = None
    scapy_sockets: object = None
    if os.geteuid() == 0 or privileges.has(privileges.CAP_NET_RAW):
        from hopscope.probe import raw_sockets as raw

        try:
            raw_sockets = raw.open_sockets()
        except OSError:
            raw_sockets = None  # the survey and each refusal say why
        if "--scapy" in sys.argv[1:]:
            # The portable channel opens its sockets by Scapy itself: only for who asked for it is that loaded as root.
            from hopscope.probe.channels import scapy

            try:
                scapy_sockets = scapy.open_sockets()
            except OSError:
                scapy_sockets = None
    try:
        user = privileges.give_up(_needed_files())
    except (privileges.StillPrivileged, OSError) as problem:
        print(f"hopscope: the worker could not give its privileges up: {problem}", file=sys.stderr)
        return 1
    from hopscope.probe import worker

    return worker.run(user, raw_sockets, scapy_sockets)


def _find_the_package() -> None:
    try:
        import hopscope
    except ImportError:
        sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
        import hopscope  # noqa: F401 - from its own place


def _needed_files() -> list[str]:
    """Files that stand for all that is still to be imported: if these can be read, so can their neighbours."""
    from importlib.util import find_spec

    origins = [os.__file__, __file__]
    for name in ("msgspec", "scapy", "selectors"):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            origins.append(spec.origin)
    return origins


if __name__ == "__main__":
    sys.exit(main())
