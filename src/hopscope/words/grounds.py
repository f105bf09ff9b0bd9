"""What a verdict rests on, what it is not, what to try next, and what is odd beside it: a line each."""

from __future__ import annotations

from typing import Final

from hopscope.judge.verdict import Note, Verdict
from hopscope.words.bad_paths import MANY, ONE_AT_A_TIME
from hopscope.words.numbers import span, span_ms
from hopscope.words.verdicts import SAYS, Circumstances, is_deaf, lost_words

_NS_PER_MS: Final = 1e6
_PROVIDER: Final = "tell your provider, with this report"
_WHOM: Final = {
    "your provider": _PROVIDER,
    "transit": f"{_PROVIDER}: only who pays a network in between can make it act",
    "your network": "try a cable instead of Wi-Fi, and restart the router",
}
_BY_TCP: Final = "try TCP to a port that it serves: -T -P 443"
_NEXT: Final = {
    "loss": ("is it this protocol alone? -T -P 443",),
    "outage": ("is it this target alone? add another one",),
    "no-answer": (_BY_TCP,),
    "filter": (_BY_TCP,),
    "bufferbloat": ("stop uploads and backups, and see whether it ends", "a router with fair queues (SQM) prevents it"),
    "bad-member": ("other ports take other links: -u, or -T -P 443", "whose link is it? tell them ports and addresses"),
    "mtu": ("smaller packets may pass: -s 1200",),
    "late": ("wait longer for answers: -Z 10",),
    "this-computer": ("see what this machine allows: hopscope doctor",),
}
_LINE: Final = ("restart the modem, and look at its lights", f"does another target answer? if none does, {_PROVIDER}")
_NOBODY: Final = frozenset(("no-answer", "late", "this-computer"))
"""Kinds in which there is nobody to call."""


def evidence(verdict: Verdict, setting: Circumstances) -> tuple[str, ...]:
    """What it rests on, the most important first; every number with its span."""
    n, place = verdict.numbers, setting.place
    stand_in = next((note.ttl for note in verdict.notes if note.kind == "stand-in"), None)
    end = "the target" if stand_in is None else f"hop {stand_in}"
    lines = []
    if n.paths:
        lines += _compared(verdict, setting)
    elif n.sent and not (verdict.kind == "no-answer" and setting.is_cut_short):
        lines.append(f"{lost_words(n.lost, n.sent)} lost at {end}{_span(verdict)}")
    if verdict.comes_and_goes:
        lines.append(f"it came {n.times} times in that time, and answers came in between")
    if n.behind_sent > n.sent and place.last is not None and (n.behind_lost or n.before_sent):
        lines.append(f"hop {place.last} and those behind it lost {n.behind_lost} of {n.behind_sent}")
    if n.also_sent:
        lost = f"lost {n.also_lost} of {n.also_sent}"
        begin = "nearer already" if place.last is not None and (n.also_ttl or 0) <= place.last else "farther on"
        if verdict.kind == "loss":
            lines.append(f"more than one loss: {begin}, hops from {n.also_ttl} on {lost}")
        else:
            lines.append(f"not with the queue, but from hop {n.also_ttl} on: {end} {lost}")
    if n.before_sent and place.first is not None and place.last is not None:
        until = place.first if place.first < place.last else place.last - 1
        hops = f"hops 1 to {until}" if until > 1 else "hop 1"
        limits = any(note.kind == "rate-limit" and (note.ttl or until + 1) <= until for note in verdict.notes)
        but = ", not counting those that limit their answers" if limits else ""
        lines.append(f"{hops} lost {n.before_lost} of {n.before_sent}{but}")
    if n.burst is not None and n.burst >= 1.5 and verdict.kind == "loss":
        lines.append(f"losses come together: runs are {n.burst:.1f} times as long as by chance")
    if n.usual_ns is not None and n.now_ns is not None and not n.paths:
        more = f"{span_ms(n.usual_ns / _NS_PER_MS)} usually, {span_ms(n.now_ns / _NS_PER_MS)} of late"
        lines.append(f"round trips to {end} take {more}")
    if n.quick_ns is not None and n.slow_ns is not None:
        apart = f"{span_ms(n.quick_ns / _NS_PER_MS)} to {span_ms(n.slow_ns / _NS_PER_MS)}"
        lines.append(f"eight in ten round trips to {end} take {apart}, and change from one to the next")
    if n.late:
        lines.append(f"{n.late} answers came after the timeout{_span(verdict)}")
    if n.failed:
        what = "answers could not be heard" if is_deaf(n) else "probes could not be sent"
        lines.append(f"{n.failed} {what}{_span(verdict)}")
    if n.error:
        lines.append(f"the system says {n.error}{f': {n.message}' if n.message else ''}")
    if n.says is not None and n.address is not None:
        lines.append(f"{setting.course().called(n.address)} says {SAYS.get(n.says, n.says)}")
    if verdict.kind in ("loop", "loss"):
        lines += [f"in the circle: {setting.course().called(address)}" for address in n.addresses]
    if n.mtu:
        lines.append(f"the largest packet that gets through there has {n.mtu} bytes")
    return (*lines, *_placed(verdict, setting))


def _compared(verdict: Verdict, setting: Circumstances) -> list[str]:
    """What flows beside each other show."""
    n, course = verdict.numbers, setting.course()
    routers = f" by {', '.join(course.called(address) for address in n.addresses)}" if n.addresses else ""
    lines = []
    if n.usual_ns is not None and n.now_ns is not None:
        takes = span_ms(n.now_ns / _NS_PER_MS), span_ms(n.usual_ns / _NS_PER_MS)
        lines.append(f"round trips of flows{routers} take {takes[0]}, those of all others {takes[1]}{_span(verdict)}")
    if n.now_ns is None or n.lost:
        lines += [
            f"flows{routers} lost {lost_words(n.lost, n.sent)}{_span(verdict)}",
            f"all other flows lost {n.others_lost} of {n.others_sent} in the same time",
        ]
    if n.ports:
        which = "bad" if n.now_ns is None else "slow"
        lines.append(f"the source ports of the {which} ones: {', '.join(map(str, n.ports))}")
    if n.sent and n.lost == n.sent and len(n.ports) >= MANY:
        lines.append(f"so many flows end also where {ONE_AT_A_TIME}")
    if n.is_hidden:
        lines.append("others that go by the same routers are fine: a link that is hidden below one address is bad")
    return lines


def _placed(verdict: Verdict, setting: Circumstances) -> list[str]:
    """Who stands at both sides of the place."""
    place = setting.place
    if not verdict.is_trouble or place.last is None or place.between is None:
        return []
    lines = [f"before it: {place.before}"] if place.before and verdict.kind != "loop" else []
    behind = setting.course().host(place.last)
    if place.owner is not None and place.owner.by == "name":
        lines.append(f"behind it: {behind}, {place.owner.words} by its name")
    elif place.owner is not None:
        lines.append(f"behind it: {behind}, {place.owner.words}")
    elif behind != f"hop {place.last}":
        lines.append(f"behind it: {behind}")
    return lines


def _span(verdict: Verdict) -> str:
    """Of which time a number is."""
    n = verdict.numbers
    if n.span_from is not None and verdict.at > n.span_from:
        rounds = f" ({n.rounds} rounds)" if n.rounds else ""
        return f" in the last {span((verdict.at - n.span_from) / 1e9)}{rounds}"
    return f" in the last {n.rounds} rounds" if n.rounds else ""


def against(verdict: Verdict, setting: Circumstances) -> tuple[str, ...]:
    """What it is not, though it may look so."""
    n, place = verdict.numbers, setting.place
    lines = [
        note_words(note, setting) for note in verdict.notes if note.kind in ("rate-limit", "silent", "slow-answers")
    ]
    if verdict.is_trouble and n.before_sent >= 30 and not n.before_lost and place.segment not in ("your network", None):
        lines.append("not this computer, nor what lies before: nothing is lost there")
    return tuple(lines)


def steps(verdict: Verdict, setting: Circumstances) -> tuple[str, ...]:
    """What to try next, and whom to tell."""
    kind = verdict.kind
    if not verdict.is_trouble:
        limits = any(note.kind == "target-limits" for note in verdict.notes)
        return ("ask the target less often: -i 5",) if limits else ()
    lines = list(_NEXT.get(kind, ()))
    if kind == "no-answer" and setting.is_cut_short:
        return ("ask farther, by a larger -m: 30 by default",)
    if setting.place.is_line:
        return (*_LINE, *lines)
    if kind not in _NOBODY:
        segment = setting.place.segment
        if segment == "the target's network":
            lines.append(f"tell whoever runs {setting.query or 'the target'}, with this report")
        else:
            lines.append(_WHOM.get(segment or "", _PROVIDER))
    return tuple(lines)


def note_words(note: Note, setting: Circumstances) -> str:
    """What is odd and no trouble."""
    hop = f"hop {note.ttl}" if note.ttl is not None else "a hop"
    at = f", at hop {note.ttl}" if note.ttl is not None else ""
    match note.kind:
        case "rate-limit":
            return f"{hop} limits how often it answers; nothing behind it is lost for that"
        case "target-limits":
            return "the target limits how often it answers: what it leaves out is no lost traffic"
        case "silent":
            return f"{hop} never answers, but forwards"
        case "slow-answers":
            return f"{hop} is slow to answer, not slow to forward"
        case "route-change":
            when = f" at {setting.clock(note.at)}" if note.at is not None else ""
            was = setting.was
            is_cause = note.at is not None and (
                note.at == setting.since or (was is not None and was.begin <= note.at <= (was.end or note.at))
            )
            return f"the route changed{when}{at}{'' if is_cause else ', without harm'}"
        case "balanced":
            return f"{hop} is several routers side by side"
        case "nat":
            return f"addresses are translated on the way (NAT){at}"
        case "double-nat":
            return f"addresses are translated twice (double NAT){at}: calls and games may suffer"
        case "stand-in":
            if "target-limits" in setting.notes:
                return f"{hop} stands in for the target"
            return f"the target did not answer when this began: {hop} stands in for it"
        case "dscp":
            return f"the class of service of packets (DSCP) is changed on the way{at}"
        case "foreign-answers":
            return f"answers come that belong to nothing that was sent{at}"
        case "chance-loss":
            return f"{note.lost} of {note.sent} lost{at}, which may be chance"
        case "early-loss":
            return f"{note.lost} of {note.sent} lost{at}: too early to tell a limit from loss"
        case "jitter":
            return f"round trips vary more than on most paths{at}"
