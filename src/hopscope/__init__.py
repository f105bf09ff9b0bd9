"""hopscope: a full-screen, continuous traceroute. The library's surface is small: see ``docs/library.md``.

Names are imported when they are first used: ``import hopscope`` itself loads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hopscope._version import __version__

if TYPE_CHECKING:
    from hopscope.history.library import History, RecordedTrace
    from hopscope.history.schema import StoreError
    from hopscope.path.snapshot import Hop, Path
    from hopscope.session.errors import Refusal, TraceError, Unresolvable, WorkerFailed
    from hopscope.session.events import (
        EndEvent,
        EpochEvent,
        GapEvent,
        IncidentEvent,
        MarkEvent,
        ProbeEvent,
        SessionEvent,
        StartEvent,
        VerdictEvent,
    )
    from hopscope.session.model import Probing, Snapshot, Target
    from hopscope.session.report import Report, ReportHop
    from hopscope.session.session import Session
    from hopscope.session.trace import trace, trace_async

_PLACES = {
    "hopscope.history.library": ("History", "RecordedTrace"),
    "hopscope.history.schema": ("StoreError",),
    "hopscope.path.snapshot": ("Hop", "Path"),
    "hopscope.session.errors": ("Refusal", "TraceError", "Unresolvable", "WorkerFailed"),
    "hopscope.session.events": (
        "EndEvent",
        "EpochEvent",
        "GapEvent",
        "IncidentEvent",
        "MarkEvent",
        "ProbeEvent",
        "SessionEvent",
        "StartEvent",
        "VerdictEvent",
    ),
    "hopscope.session.model": ("Probing", "Snapshot", "Target"),
    "hopscope.session.report": ("Report", "ReportHop"),
    "hopscope.session.session": ("Session",),
    "hopscope.session.trace": ("trace", "trace_async"),
}
_PLACE_OF = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "EndEvent",
    "EpochEvent",
    "GapEvent",
    "History",
    "Hop",
    "IncidentEvent",
    "MarkEvent",
    "Path",
    "ProbeEvent",
    "Probing",
    "RecordedTrace",
    "Refusal",
    "Report",
    "ReportHop",
    "Session",
    "SessionEvent",
    "Snapshot",
    "StartEvent",
    "StoreError",
    "Target",
    "TraceError",
    "Unresolvable",
    "VerdictEvent",
    "WorkerFailed",
    "__version__",
    "trace",
    "trace_async",
]


def __getattr__(name: str) -> Any:
    module = _PLACE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
