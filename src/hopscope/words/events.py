"""Incidents and marks in words."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from hopscope.judge.verdict import Epoch, Incident, Mark
from hopscope.words.numbers import nth, span, span_ms
from hopscope.words.places import Place
from hopscope.words.verdicts import Clock, lasted, lost_words, matter
from hopscope.words.where import placed

_NS: Final = 1e9
_NS_PER_MS: Final = 1e6
MarkName: TypeAlias = Literal["pause", "reset", "route-change", "address-change", "worker-restart", "gap"]


def mark_name(mark: Mark) -> MarkName:
    """What a mark's kind is called in outputs."""
    return "address-change" if mark.kind == "source-change" else mark.kind


def incident_words(incident: Incident, place: Place, clock: Clock) -> str:
    """``no answer came from hop 6 on for 15 s, 4 times``; what lasts has its begin in the place of how long."""
    words = matter(incident.kind, place, is_over=incident.end is not None)
    if incident.kind in ("unreachable", "mtu"):
        words = placed(words, place)
    parts = [f"{words}{lasted(incident)}"]
    if incident.times > 1:
        often = f"{incident.times} times" if incident.end is not None else f"the {nth(incident.times)} time"
        parts.append(f"{often} since {clock(incident.begin)}")
    elif incident.end is None:
        parts.append(f"since {clock(incident.begin)}")
    if incident.delay_ns is not None and incident.delay_ns > 0:
        than = "the others" if incident.kind == "bad-member" else "usual"
        parts.append(f"up to {span_ms(incident.delay_ns / _NS_PER_MS)} more than {than}")
    if incident.kind in ("loss", "bad-member") and incident.sent and incident.lost:
        lost = lost_words(incident.lost, incident.sent)
        at = "the target" if incident.stand_in is None else f"hop {incident.stand_in}"
        parts.append(f"its connections lost {lost}" if incident.of_flows else f"{lost} lost at {at}")
    return ", ".join(parts)


def address_change(before: str | None, after: str | None) -> str:
    """That this machine's address changed."""
    return f"this computer's address changed from {before} to {after}"


def epoch_words(before: Epoch, epoch: Epoch) -> str:
    """That the path is another one, and from where on."""
    hops = f"{len(epoch.addresses)} hops instead of {len(before.addresses)}"
    longer = hops if len(epoch.addresses) != len(before.addresses) else ""
    sides = zip(before.addresses, epoch.addresses, strict=False)
    at = next((ttl for ttl, (old, new) in enumerate(sides, epoch.first_ttl) if not set(old) & set(new)), None)
    return ", ".join(part for part in (f"another path from hop {at} on" if at else "another path", longer) if part)


def mark_words(mark: Mark) -> str:
    """What happened."""
    lasted_ = f" for {span((mark.end - mark.begin) / _NS)}" if mark.end is not None and mark.end > mark.begin else ""
    at = f" at hop {mark.ttl}" if mark.ttl is not None else ""
    match mark.kind:
        case "pause":
            return f"probing was paused{lasted_}" if mark.end is not None else "probing is paused"
        case "reset":
            return "statistics were begun anew"
        case "route-change":
            hops = (
                f" from {mark.before or 'no answer'} to {mark.after or 'no answer'}"
                if mark.before or mark.after
                else ""
            )
            return f"the route changed{at}{hops}"
        case "source-change":
            return address_change(mark.before, mark.after)
        case "worker-restart":
            return "the probe worker was started again"
        case "gap":
            return f"nothing was probed{lasted_}: this computer slept, or the clock jumped"
