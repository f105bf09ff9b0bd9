"""JSON Schemas (2020-12) of what is printed as JSON, shipped with the package: ``schema("report")`` and the others."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

NAMES: Final = ("report", "events", "mtr", "doctor")
"""``report``: ``--format json``; ``events``: each line of ``--format ndjson``; ``mtr``: ``-j``; ``doctor``:
``hopscope doctor --format json``."""


def schema(name: str) -> dict[str, Any]:
    """The schema of this name. `KeyError` where there is none."""
    if name not in NAMES:
        raise KeyError(name)
    text = resources.files(__name__).joinpath(f"{name}.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
