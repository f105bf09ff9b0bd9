"""A hop in words, in the verdict's light: no hop is trouble where the verdict names none."""

from __future__ import annotations

from typing import Final

import msgspec

from hopscope.judge.verdict import Verdict
from hopscope.path.hop_health import HopFinding, hop_health
from hopscope.path.shared import SharedHop
from hopscope.path.snapshot import Hop, Path
from hopscope.words.numbers import percent, span_ms
from hopscope.words.verdicts import error_words

_NS_PER_MS: Final = 1e6
_UNANSWERED: Final = frozenset(("outage", "no-answer", "filter", "unreachable", "loop", "mtu"))
"""Verdicts under which the target does not answer (but where that comes and goes)."""
_WITHOUT_LOSS: Final = frozenset(("detour", "late", "this-computer"))
"""Troubles in which nothing is lost."""


def hop_finding(path: Path, hop: Hop, verdict: Verdict) -> HopFinding:
    """What a hop of `path` is like while `verdict` stands. Loss that its own numbers show is trouble where the verdict
    is one that loses, and from its place on; anywhere else it was, and is no more."""
    found = hop_health(path, hop)
    match found.state:
        case "loss" if not _loses(verdict, hop):
            return msgspec.structs.replace(found, state="past", lost=hop.lost, n=hop.lost + hop.received)
        case "cosmetic" if verdict.kind == "loss" and _loses(verdict, hop) and not _limits(verdict, hop):
            # Few numbers alone would call the very loss that is said harmless.
            return msgspec.structs.replace(found, state="loss")
        case "cosmetic" if not _limits(verdict, hop):
            # It may be the beginning of a loss that is small: what is harmless is said by who has the evidence.
            return HopFinding(state="ok", confidence=found.confidence, lost=hop.lost, n=hop.lost + hop.received)
        case "no-answer" if not _is_unanswered(verdict) and not _loses(verdict, hop):
            return msgspec.structs.replace(found, state="starting" if verdict.kind == "starting" else "silent")
        case "this-computer" if verdict.kind != "this-computer":
            return HopFinding(state="ok", confidence=found.confidence, lost=hop.lost, n=hop.lost + hop.received)
    return found


def _is_unanswered(verdict: Verdict) -> bool:
    return verdict.kind in _UNANSWERED and not verdict.comes_and_goes


def _loses(verdict: Verdict, hop: Hop) -> bool:
    """Whether what this hop loses may be what the verdict speaks of."""
    if not verdict.is_trouble or verdict.kind in _WITHOUT_LOSS:
        return False
    begins = verdict.first_ttl if verdict.first_ttl is not None else verdict.last_ttl
    return begins is None or hop.ttl >= begins


def _limits(verdict: Verdict, hop: Hop) -> bool:
    """Whether the judge is sure that this hop loses answers of its own."""
    return any(note.kind == "rate-limit" and note.ttl == hop.ttl for note in verdict.notes)


def shared_by(shared: SharedHop) -> str:
    """The same in three words: whose numbers a row shows."""
    return f"shared by {shared.targets if shared.targets > 1 else shared.flows}"


def shared_words(shared: SharedHop) -> str:
    """What all targets together know of a hop that they ask in turn."""
    n = shared.received + shared.lost
    known = f"{shared.lost} of {n} lost" if n else "nothing known yet"
    median = f", median {span_ms(shared.rtt.median)}" if shared.rtt is not None else ""
    who = f"{shared.targets} targets" if shared.targets > 1 else f"{shared.flows} flows"
    return f"shared by {who}, which take turns to ask it: {known}{median}"


def hop_now(found: HopFinding, verdict: Verdict) -> str:
    """A hop's finding in words, while `verdict` stands: one that is cut off says that before its loss in all."""
    if found.state == "loss" and _is_unanswered(verdict):
        return f"no answer now; {percent(found.loss_pct)} lost in all"
    return hop_words(found)


def hop_words(found: HopFinding) -> str:
    """A hop's finding in words."""
    pct = percent(found.loss_pct)
    match found.state:
        case "starting":
            return "no answer yet"
        case "this-computer":
            return error_words(found.error)
        case "silent":
            return "does not answer, but forwards: later hops answer"
        case "no-answer":
            return "no answer from here on"
        case "slow-to-answer":
            if found.extra_ns is None:
                return "answers only after the timeout"
            extra = span_ms(found.extra_ns / _NS_PER_MS)
            return f"slow to answer by {extra}, not slow to forward: later hops answer sooner"
        case "cosmetic":
            return f"{pct} are not answered here, all else passes: the router limits how often it answers"
        case "loss":
            if found.goes_on_pct is not None:
                return f"{pct} loss, of which {percent(found.goes_on_pct)} goes on"
            if found.begins_here:
                return f"{pct} loss that goes on to the target. It begins here, just before, or on the way back"
            return f"{pct} loss" if found.is_last else f"{pct} loss that goes on to the target"
        case "past":
            return f"{found.lost} of {found.n} lost, no trouble now"
        case "ok":
            return f"{found.lost} of {found.n} lost" if found.lost else "no loss"
