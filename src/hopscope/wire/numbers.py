"""The numbers of the wire."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

Int: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
"""JSON knows no bound of its own; no number of ours has more digits."""
