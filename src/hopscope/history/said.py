"""What was said of a target at a moment: it was said then, and is not judged again."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hopscope.history.notes import SaidVerdict
from hopscope.judge.verdict import Incident, Judged


def as_said(judged: Judged, said: Iterable[SaidVerdict], moment: int) -> Judged:
    """`judged` is what a judge finds who knows some minutes before the moment (epoch ns) alone; with the verdict and
    the incidents that stood then. `said`: in their order. Where that is the same verdict, the numbers are newer."""
    stood = None
    incidents: dict[str, Incident] = {}
    for one in said:
        if one.verdict.at > moment:
            break
        stood = one.verdict
        incidents |= {incident.id: incident for incident in one.incidents}
    if stood is None:
        return judged
    now = judged.verdict
    if (stood.kind, stood.first_ttl, stood.last_ttl) == (now.kind, now.first_ttl, now.last_ttl):
        stood = msgspec.structs.replace(now, since=stood.since)
    ordered = sorted(incidents.values(), key=lambda incident: incident.begin)
    return msgspec.structs.replace(judged, verdict=stood, incidents=tuple(ordered))
