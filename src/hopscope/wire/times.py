"""From one time line to another: the moments that an event speaks of."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

E = TypeVar("E", bound=msgspec.Struct)

MOMENTS: Final = ("at", "sent_at", "now_at")
"""Fields of messages that are points on a time line (epoch ns)."""


def earlier(event: E, by_ns: int) -> E:
    """The event with every moment that much earlier."""
    moments = {name: getattr(event, name) - by_ns for name in MOMENTS if name in event.__struct_fields__}
    return msgspec.structs.replace(event, **moments) if moments else event
