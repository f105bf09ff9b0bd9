"""The whole set: each generator draws one network for training and one that nobody looks at before it is measured."""

from __future__ import annotations

from collections.abc import Iterable

from tests.verdict import delay, fine, loss, pairs, reach, several
from tests.verdict.case import HALVES, Case, Half
from tests.verdict.draw import GENERATORS, drawn

PARTS = (loss, reach, delay, fine, several, pairs)
"""The modules that register generators."""


def cases(halves: Iterable[Half] = HALVES, having: str = "", draw: int = 0) -> list[Case]:
    """The cases of these halves whose names contain `having`, in a fixed order."""
    return [drawn(name, half, draw) for half in halves for name in GENERATORS if having in name]
