"""Makes the JSON Schemas from the structs that are encoded: ``python -m tests.report.schema_maker`` writes them.

A test holds the shipped files to this, so that a struct that changes shows in the schema's diff.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

import hopscope.views.schemas as schemas
from hopscope.session.events import (
    EndEvent,
    EpochEvent,
    GapEvent,
    IncidentEvent,
    MarkEvent,
    ProbeEvent,
    StartEvent,
    VerdictEvent,
)
from hopscope.session.report import Report, Reports
from hopscope.wire.methods import METHODS, PROTOCOLS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_COUNTS = ("sent", "received", "lost", "late", "pending", "failed", "duplicates", "rounds", "round", "events")
_TIMES = ("started", "finished", "sent_at", "at", "until", "from", "to", "since")


def make(name: str) -> dict[str, Any]:
    """The schema of one of `schemas.NAMES`."""
    return {"report": _report, "events": _events, "mtr": _mtr, "doctor": _doctor}[name]()


def _report() -> dict[str, Any]:
    _, components = msgspec.json.schema_components([Report, Reports], ref_template="#/$defs/{name}")
    return _document(
        "A hopscope report, or several",
        {"oneOf": [{"$ref": "#/$defs/Report"}, {"$ref": "#/$defs/Reports"}], "$defs": _tightened(components)},
    )


def _events() -> dict[str, Any]:
    kinds = (StartEvent, ProbeEvent, VerdictEvent, IncidentEvent, MarkEvent, EpochEvent, GapEvent, EndEvent)
    _, components = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    return _document(
        "One line of hopscope --format ndjson",
        {"oneOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in kinds], "$defs": _tightened(components)},
    )


def _mtr() -> dict[str, Any]:
    head = {
        "src": {"type": "string"},
        "dst": {"type": "string"},
        "tos": {"type": "integer", "minimum": 0, "maximum": 255},
        "tests": {"type": "integer", "minimum": 0},
        "psize": {"type": "string", "pattern": "^[0-9]+$"},
        "bitpattern": {"type": "string", "pattern": "^0x[0-9A-F]{2}$"},
    }
    hub: dict[str, Any] = {
        "count": {"type": "integer", "minimum": 1, "maximum": 255},
        "host": {"type": "string"},
        "ASN": {"type": "string", "pattern": r"^AS([0-9]+|\?\?\?)$"},
        "Loss%": {"type": "number", "minimum": 0, "maximum": 100},
        **{name: {"type": "integer", "minimum": 0} for name in ("Snt", "Rcv", "Drop")},
        **{
            name: {"type": "number", "minimum": 0}
            for name in ("Last", "Best", "Avg", "Wrst", "StDev", "Gmean", "Jttr", "Javg", "Jmax", "Jint")
        },
    }
    return _document(
        "mtr's JSON report",
        _object(
            {
                "report": _object(
                    {"mtr": _object(head), "hubs": {"type": "array", "items": _object(hub, ("count", "host"))}}
                )
            }
        ),
    )


def _doctor() -> dict[str, Any]:
    method = {
        "method": {"enum": list(METHODS)},
        "protocol": {"enum": list(PROTOCOLS)},
        "family": {"enum": [4, 6]},
        "works": {"type": "boolean"},
        "reason": {"type": "string"},
        "remedy": {"type": ["string", "null"]},
    }
    return _document(
        "What hopscope doctor found",
        _object(
            {
                "schema": {"const": "hopscope.doctor/1"},
                "hopscope": {"type": "string"},
                "user": {"type": "string"},
                "worker": _object(
                    {
                        "user": {"type": "string"},
                        "landlock": {"enum": ["none", "no-writing", "named-files", None]},
                        "seccomp": {"type": ["boolean", "null"]},
                    }
                ),
                "front_end": _object({"user": {"type": "string"}, "landlock": {"enum": ["none", "named-files"]}}),
                "history": _object(
                    {
                        "folder": {"type": "string"},
                        "bytes": {"type": "integer", "minimum": 0},
                        "limit_bytes": {"type": ["integer", "null"]},
                    }
                ),
                "methods": {"type": "array", "items": _object(method)},
            }
        ),
    )


def _object(properties: dict[str, Any], required: tuple[str, ...] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties if required is None else required),
        "additionalProperties": False,
    }


def _document(title: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": _DIALECT, "title": title, **schema}


def _tightened(part: Any) -> Any:
    """What the types cannot say: moments are moments, counts begin at 0, loss is a share, and every key is there. More
    keys may come within a version, so they are not forbidden."""
    if isinstance(part, list):
        return [_tightened(one) for one in part]
    if not isinstance(part, dict):
        return part
    part = {key: _tightened(value) for key, value in part.items()}
    if isinstance(described := part.get("description"), str):
        part["description"] = " ".join(described.split())  # a docstring's indent depends on the Python version
    properties = part.get("properties")
    if isinstance(properties, dict):
        part["required"] = sorted(properties)
        for name, value in properties.items():
            bounds: dict[str, Any] = {}
            if name in _COUNTS:
                bounds = {"minimum": 0}
            elif name == "loss_pct":
                bounds = {"minimum": 0, "maximum": 100}
            elif name == "ttl":
                bounds = {"minimum": 0, "maximum": 255}
            elif name in _TIMES:
                bounds = {"format": "date-time"}
            value.update(bounds)
            value.pop("default", None)
    return part


if __name__ == "__main__":
    folder = Path(schemas.__file__).parent
    for each in schemas.NAMES:
        (folder / f"{each}.json").write_text(json.dumps(make(each), indent=2) + "\n", "utf-8")
