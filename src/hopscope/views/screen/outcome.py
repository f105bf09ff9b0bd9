"""How a session that was watched ends: the exit status."""

from __future__ import annotations

from hopscope.session.model import Snapshot


def status_of(snapshot: Snapshot) -> int:
    """0: a target answered (or there is none any more); 1: none did; 2: no name resolved; 3: each was refused;
    4: the worker failed."""
    targets = snapshot.targets
    if not targets or any(target.path.reached for target in targets):
        return 0
    if snapshot.worker == "failed":
        return 4
    if all(target.state == "unresolved" for target in targets):
        return 2
    if all(target.state in ("refused", "unresolved") for target in targets):
        return 3
    return 1


def is_over(snapshot: Snapshot) -> bool:
    """Whether nothing is left to be probed."""
    return all(target.state in ("finished", "refused", "unresolved") for target in snapshot.targets)
