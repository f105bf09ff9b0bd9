"""What a store says that it holds: sessions, and what each of them traced."""

from __future__ import annotations

import msgspec

from hopscope.wire.messages import Protocol


class RecordedRun(msgspec.Struct, frozen=True):
    """A session that was recorded."""

    id: int
    begun: int
    """Epoch ns on its time line."""
    ended: int | None
    """None: it goes on, or its writer was killed."""
    host: str
    hopscope: str
    """The version that wrote it."""


class Trace(msgspec.Struct, frozen=True):
    """A target of a run."""

    run: RecordedRun
    target: int
    """Its number in the run."""
    query: str
    address: str | None
    protocol: Protocol | None
    port: int | None
    begun: int
    until: int
    """The newest that is known of it, or the run's end (epoch ns)."""
    rounds: int
    probes: int
    bytes: int
    """That its probes take on the disk."""


class SiteBoot(msgspec.Struct, frozen=True):
    """One run of a site's agent, in the store of its hub."""

    run: int
    site: str
    heard: int
    """When the hub heard of it last, on its clock (epoch ns)."""
    ahead: int
    """By how many ns the agent's clock is ahead of the broker's."""
