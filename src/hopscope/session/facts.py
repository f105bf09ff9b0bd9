"""The one stream of a session: all that happens to its targets, in order. Recorded, it can be replayed."""

from __future__ import annotations

from typing import TypeAlias, Union

import msgspec

from hopscope.session.model import Probing
from hopscope.wire.facts import DriverFact
from hopscope.wire.messages import Event, Int


class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """A target is asked for, or asked for in another way: from here on it is looked up. `query`: as it was typed."""

    at: Int
    query: str
    probing: Probing


class Removed(msgspec.Struct, frozen=True, tag="removed"):
    """A target is probed no more, and forgotten: the last fact of its number."""

    at: Int


TargetFact: TypeAlias = Union[Asked, DriverFact, Event]  # noqa: UP007 - msgspec wants a runtime Union
"""What a target's fold takes. Strings in it are safe already (`hopscope.names.clean.clean`)."""
SessionFact: TypeAlias = TargetFact | Removed
"""What a session tells of its targets."""
