"""Findings in plain words: the one place where a sentence is made of them.

A sentence has a head, which says what is the matter, and perhaps a tail with its numbers; whoever shows it may set them
apart, and nobody cuts a sentence up again. Sentences hold no clock time (a view knows the time zone): say `since`
beside them. They begin with a small letter and have no full stop.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from hopscope.path.evidence import COLLECTING
from hopscope.path.findings import (
    EarlyLoss,
    Finding,
    Healthy,
    HopFinding,
    LateAnswers,
    LocalFailure,
    LoopFound,
    LossFound,
    NoUdpAnswer,
    OutOfReach,
    SaidUnreachable,
    Slow,
    Starting,
    TargetSilent,
)
from hopscope.path.snapshot import LocalError
from hopscope.wire.messages import Kind
from hopscope.words.numbers import percent, span_ms

_NS_PER_MS: Final = 1e6
_SAYS: Final[dict[Kind, str]] = {
    "host-unreachable": "host unreachable",
    "net-unreachable": "no route",
    "prohibited": "prohibited",
    "port-unreachable": "port unreachable",
    "other": "an error",
}


class Sentence(NamedTuple):
    """What is said of a path."""

    head: str
    tail: str
    """Behind a colon; empty: there is none."""
    short: str
    """The same in one to five words."""

    @property
    def line(self) -> str:
        """Head and tail together."""
        return f"{self.head}: {self.tail}" if self.tail else self.head


def sentence(found: Finding) -> Sentence:
    """A path's finding in words."""
    match found:
        case Starting(farthest=farthest):
            so_far = "no answer yet" if farthest is None else f"hop {farthest} answers so far"
            return Sentence("starting", so_far, "starting")
        case EarlyLoss(recent_lost=lost, of=n):
            return Sentence("too early to judge", f"{lost} of {n} lost", "starting")
        case Healthy():
            return _healthy(found)
        case LocalFailure(error=error):
            return Sentence(error_words(error), "", "this computer")
        case SaidUnreachable(address=address, kind=kind):
            said = _SAYS.get(kind, kind)
            return Sentence("unreachable", f"{address or f'hop {found.first_ttl}'} says {said}", said)
        case LoopFound(addresses=addresses):
            between = " and ".join(addresses) if len(addresses) <= 2 else f"{len(addresses)} routers"
            head = f"a forwarding loop between {between}"
            return Sentence(head, "probes go round and never reach the target", "forwarding loop")
        case OutOfReach(last_ttl=ttl):
            return Sentence(f"the target is not within {ttl} hops", f"hop {ttl} still is a router", "not reached")
        case TargetSilent(ever=True):
            return Sentence("no answer", "", "no answer")
        case TargetSilent(farthest=None):
            return Sentence("no answer from anywhere", "", "no answer")
        case TargetSilent(farthest=farthest):
            head = f"no answer from the target; hop {farthest} is the last that answers"
            return Sentence(head, "", "no answer")
        case NoUdpAnswer(farthest=farthest):
            tail = "" if farthest is None else f"hop {farthest} is the last that answers"
            return Sentence("the target does not answer UDP, which alone is no outage", tail, "no answer by UDP")
        case LateAnswers(late=late, of=n):
            tail = f"{late} of the last {n} answers came after the timeout; raise it"
            return Sentence("slow", tail, "answers late")
        case LossFound():
            return _loss(found)
        case Slow(now_ns=now, more_ns=more):
            return Sentence("slow", f"{_span(now)}, {_span(more)} more than at its best", "slow")


def _healthy(found: Healthy) -> Sentence:
    parts = [] if found.lost else [f"0 of {found.n} lost"]
    if found.median_ns is not None:
        parts.append(_span(found.median_ns))
        if found.is_steady:
            parts.append("steady")
        elif found.high_ns is not None:
            parts.append(f"up to {_span(found.high_ns)}")
    if found.lost:  # not right behind "healthy", which it would seem to contradict
        parts.append(f"{found.lost} of {found.n} lost {'may be chance' if found.all_recent else 'since the start'}")
    return Sentence("healthy" if found.n >= COLLECTING else "healthy so far", ", ".join(parts), "healthy")


def _loss(found: LossFound) -> Sentence:
    pct = percent(found.loss_pct)
    match found.place:
        case "onward":
            head = f"{pct} loss from hop {found.first_ttl} on"
        case "everywhere":
            head = f"{pct} loss from the first hop on"
        case "target":
            head = f"{pct} loss at the target alone"
        case "unknown":
            return Sentence(
                f"{pct} loss at the target, too early to say from where on", "", f"{pct} loss at the target"
            )
    return Sentence(head, "", head)


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
            return f"slow to answer by {_span(found.extra_ns)}, not slow to forward: later hops answer sooner"
        case "cosmetic":
            return f"{pct} loss here goes no further: the router limits how often it answers, traffic is not lost"
        case "loss":
            if found.goes_on_pct is not None:
                return f"{pct} loss, of which {percent(found.goes_on_pct)} goes on"
            if found.begins_here:
                return f"{pct} loss that goes on to the target begins here, just before, or on the way back"
            return f"{pct} loss" if found.is_last else f"{pct} loss that goes on to the target"
        case "ok":
            return f"{found.lost} of {found.n} lost" if found.lost else "no loss"


def error_words(error: LocalError | None) -> str:
    """What happened on this computer: a send that failed has an errno's name, all else says itself what it was."""
    if error is None:
        return "this computer cannot send"
    says_who = not error.error.startswith("E") or error.message.startswith("this computer")
    return error.message if says_who else f"this computer cannot send: {error.message}"


def _span(ns: float) -> str:
    return span_ms(ns / _NS_PER_MS)
