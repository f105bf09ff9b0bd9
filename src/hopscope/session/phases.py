"""What phase a target is in: a table, by the fact and the phase before."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from hopscope.session.facts import Asked
from hopscope.wire.discovered import Discovered
from hopscope.wire.facts import (
    Abandoned,
    Adjusted,
    Begun,
    Continued,
    Found,
    Paused,
    Remembered,
    Reset,
    Resumed,
    Shared,
    TakenBack,
    Unresolved,
)
from hopscope.wire.messages import (
    Answered,
    Duplicate,
    Failed,
    Finished,
    Late,
    Lost,
    Refused,
    RoundStarted,
    Sent,
    SourceChanged,
    Started,
)

Phase: TypeAlias = Literal["resolving", "unresolved", "starting", "running", "finished", "refused"]

_ANY: Final[tuple[Phase, ...]] = ("resolving", "unresolved", "starting", "running", "finished", "refused")


def _same(*phases: Phase) -> dict[Phase, Phase]:
    return {phase: phase for phase in phases}


def _to(after: Phase, *before: Phase) -> dict[Phase, Phase]:
    return dict.fromkeys(before, after)


_PROBES: Final = _same("starting", "running", "finished")

PHASES: Final[dict[type, dict[Phase, Phase]]] = {
    Asked: _to("resolving", *_ANY),
    Unresolved: _to("unresolved", "resolving", "unresolved"),
    Found: _same("resolving", "unresolved", "refused"),
    Begun: _to("starting", "resolving", "unresolved", "starting", "running", "refused"),
    Continued: _same("starting", "running", "refused"),
    Started: _to("running", "starting", "running", "refused") | _same("finished"),
    Refused: _to("refused", "resolving", "unresolved", "starting", "running", "refused"),
    Finished: _to("finished", "starting", "running", "finished"),
    SourceChanged: _PROBES,
    RoundStarted: _PROBES,
    Sent: _PROBES,
    Answered: _PROBES,
    Late: _PROBES,
    Duplicate: _PROBES,
    Lost: _PROBES,
    Failed: _PROBES,
    Discovered: _PROBES,
    Adjusted: _same(*_ANY),
    Paused: _same(*_ANY),
    Resumed: _same(*_ANY),
    Reset: _same(*_ANY),
    Abandoned: _same(*_ANY),
    TakenBack: _same(*_ANY),
    Remembered: _same(*_ANY),
    Shared: _same(*_ANY),
}
"""By fact: the phases in which it can happen, and the one after it."""

OF_PATH: Final = frozenset({RoundStarted, Finished, Reset, Abandoned})
"""Facts of the path alone, as a probe's are, but for the number of a round."""

OF_JUDGE: Final = frozenset({Finished, Paused, Resumed, Continued, Started, SourceChanged, Remembered, Shared})
"""Facts that the judge must hear of beside those of the path."""
