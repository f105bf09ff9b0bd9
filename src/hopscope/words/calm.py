"""What is said where nothing is wrong: not yet, no more, or at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hopscope.judge.verdict import Incident, Note, Verdict
from hopscope.path.windows import WORDS
from hopscope.words.bad_paths import ms
from hopscope.words.clauses import (
    DETAILS,
    Background,
    Ways,
    access_line,
    between,
    how_long,
    sides,
    target_called,
)
from hopscope.words.numbers import about, nth, span
from hopscope.words.places import Place
from hopscope.words.verdicts import Circumstances, matter
from hopscope.words.where import where

_YOUNG: Final = 10

Calm = tuple[str, Ways, tuple[str | Ways, ...]]


def _starting(verdict: Verdict, setting: Circumstances, history: Background) -> Calm:
    del setting, history
    n = verdict.numbers
    if n.lost:
        return "too early to judge", ("",), (f"{n.lost} of {n.sent} lost.",)
    return "starting", ("",), ("No answer yet.",) if not n.sent else ("Too few rounds to judge.",)


def _healthy(verdict: Verdict, setting: Circumstances, history: Background) -> Calm:
    n, last = verdict.numbers, history.last
    rtt = f"{ms(setting.rtt_ns)}, " if setting.rtt_ns is not None else ""
    begin = last.end if last is not None else setting.started
    aside = (
        f" for {how_long(verdict.at - begin)}"
        if begin is not None and verdict.at > begin and n.rounds >= _YOUNG
        else ""
    )
    if last is not None:
        lost = "nothing lost since" if not n.lost else f"{n.lost} lost in the last {n.rounds} rounds: perhaps chance"
    elif not history.lost:
        lost = "nothing lost"
    elif "target-limits" in setting.notes:
        lost = "the target limits how often it answers, which is harmless"
    else:
        of = "" if history.window == "start" else f", {WORDS[history.window]}"
        lost = f"{history.lost} of {history.counted} lost{of}, perhaps by chance"
    was = (_before(last, history.place, setting),) if last is not None else ()
    matter_ = "fine so far" if n.rounds < _YOUNG else "fine"
    return matter_, (f"{aside}: {rtt}{lost}", f": {rtt}{lost}", aside), (*was, *_harmless(verdict.notes))


def _recovered(verdict: Verdict, setting: Circumstances, history: Background) -> Calm:
    was = setting.was or history.last
    aside = f" for {how_long(verdict.at - verdict.since)}" if verdict.since is not None else ""
    if was is None:
        return "fine again", (aside,), ()
    place = setting.place
    return "fine again", (aside,), (_was(was, place, setting), _began(was, place), _then(was))


def ended(verdict: Verdict, setting: Circumstances) -> str:
    """When the trouble that is over ended, in as few words as can be; empty where there is none."""
    was = setting.was
    if verdict.kind != "recovered" or was is None or was.end is None:
        return ""
    return f"Trouble until {setting.clock(was.end)}."


_RETURNING: Final = {
    "bufferbloat": "If it comes back, pause uploads and downloads.",
    "local-network": "If it comes back, try a cable instead of Wi-Fi.",
}
"""What to do about one's own part, once it is over."""


def _began(was: Incident, place: Place) -> Ways:
    """Where that was; by now the provider's name can be spared."""
    if was.kind == "bufferbloat":
        return access_line(place, "It began")[1:]
    return between(place, "It began", "brief")


def _then(was: Incident) -> str:
    ease = "There is nothing to do." if was.times == 1 else ""
    return _RETURNING.get(was.kind, ease)


QUIET: Final[dict[str, Callable[[Verdict, Circumstances, Background], Calm]]] = {
    "starting": _starting,
    "healthy": _healthy,
    "recovered": _recovered,
}


_HARM: Final[dict[str, str]] = {
    "outage": "no answer came {where}: {target} was cut off",
    "route-change": "traffic took another, {worse} way {where}{in_all}",
    "detour": "traffic took another, {worse} way {where}{in_all}",
    "bufferbloat": "your internet line was full {where}{more}",
    "congestion": "packets queued at a busy link {where}{more}",
    "loss": "{share} of packets were lost {where}",
    "bad-member": "one of several parallel links was bad {where}{more}",
}
"""What was the matter, and how bad it was."""


def _was(was: Incident, place: Place, setting: Circumstances) -> Ways:
    """``No answer came from hop 6 on: www.example.com was cut off for 15 s, 12:00:20 to 12:00:35.``"""
    more = f" (+{ms(was.delay_ns)})" if was.delay_ns is not None and was.delay_ns > 0 else ""
    short = matter(was.kind, place, is_over=True)
    whole = _HARM.get(was.kind, short).format(
        target=target_called(setting),
        where=where(place),
        worse="slower" if more else "worse",
        more=more,
        in_all=more.replace(")", " in all)"),
        share=about(100 * was.lost / was.sent) if was.sent and was.lost else "a part",
    )
    when = _when(was, setting)
    return tuple(f"{said[:1].upper()}{said[1:]}{when}." for said in (" ".join(whole.split()), short))


def _when(was: Incident, setting: Circumstances) -> str:
    if was.end is None:
        return ""
    begin, end = setting.clock(was.begin), setting.clock(was.end)
    if was.times > 1:
        return f" until {end}, the {nth(was.times)} time since {begin}"
    return f" for {span((was.end - was.begin) / 1e9)}, {begin} to {end}"


def _before(was: Incident, place: Place, setting: Circumstances) -> Ways:
    said = _was(was, place, setting)[-1]
    begin = f"Before that: {said[:1].lower()}{said[1:-1]}"
    ways = dict.fromkeys(each for each in (sides(place, detail) for detail in DETAILS) if each)
    return (*(f"{begin}, {each}." for each in ways), f"{begin}.")


def _harmless(notes: tuple[Note, ...]) -> tuple[str, ...]:
    """What is odd and no trouble, said to be so."""
    limits = [note.ttl for note in notes if note.kind == "rate-limit" and note.ttl is not None]
    silent = [note.ttl for note in notes if note.kind == "silent" and note.ttl is not None]
    out = []
    if limits:
        one = len(limits) == 1
        does, it = ("answers", "it") if one else ("answer", "them")
        out.append(f"{_listed(limits)} {does} only some probes: harmless, nothing behind {it} is lost.")
    if silent:
        out.append(f"{_listed(silent)} never {'answers' if len(silent) == 1 else 'answer'}: harmless.")
    return tuple(out)


def _listed(ttls: list[int]) -> str:
    if len(ttls) == 1:
        return f"Hop {ttls[0]}"
    if len(ttls) > 3:
        return f"{len(ttls)} hops"
    return f"Hops {', '.join(map(str, ttls[:-1]))} and {ttls[-1]}"
