"""A built-in scenario after so many seconds of virtual time, as the screen gets it."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from hopscope.names.facts import AddressInfo
from hopscope.session.model import Snapshot
from tests.screen.virtual import VirtualSession


@lru_cache(maxsize=128)
def at(scenario: str, seconds: float, *, bare: bool = False) -> Snapshot:
    """The scenario, `seconds` after its start. `bare`: without owner data, with names alone."""
    snapshot = VirtualSession(scenario).play(float(seconds)).snapshot()
    if not bare:
        return snapshot
    targets = tuple(
        msgspec.structs.replace(
            target, names={address: AddressInfo(hostname=facts.hostname) for address, facts in target.names.items()}
        )
        for target in snapshot.targets
    )
    return msgspec.structs.replace(snapshot, targets=targets)
