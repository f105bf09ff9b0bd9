"""Clauses and sentences that headlines of all kinds are made of: since when, between whom, whom to tell."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

import msgspec

from hopscope.judge.verdict import Incident, Numbers, Verdict
from hopscope.names.segments import Role
from hopscope.path.windows import WindowName
from hopscope.words.numbers import nth, resting
from hopscope.words.places import Place
from hopscope.words.verdicts import Circumstances

_LONG: Final = 40
"""Cells from which a target's name is too long for a sentence."""
_ONE_IN: Final = 10
"""Of so many packets fewer than one is lost where loss seems to come and go."""
_PASSING_NS: Final = 60_000_000_000
"""How long trouble may have lasted to be over before anybody was told of it, ns."""
Ways: TypeAlias = tuple[str, ...]
"""A sentence, and shorter ones that say as much as there is room for."""
Detail: TypeAlias = Literal["whole", "brief", "bare"]
"""How much is said of who is beside a place: role and name; no name where the role says enough; no role of a network
in between."""
DETAILS: Final[tuple[Detail, ...]] = get_args(Detail)


class Background(msgspec.Struct, frozen=True):
    """What a headline needs to know beside the verdict of now."""

    last: Incident | None
    """The last trouble that is over, by its end."""
    place: Place
    """Where that was."""
    lost: int
    """Of the target, as the table counts."""
    counted: int
    window: WindowName
    """What the table counts over."""
    now: int | None
    """The moment that is shown, as far as facts go."""


def since(verdict: Verdict, setting: Circumstances, history: Background, *, is_now: bool) -> Ways:
    """Since when, and that it lasts."""
    begin = setting.since
    now = "again and again" if _is_sparse(verdict) else "now"
    if begin is None:
        often = _which_time(setting)
        return (f", {now}{often}", f", {now}") if is_now and often else (" now",) if is_now else (often,)
    long = how_long(max(0, (verdict.at if history.now is None else history.now) - begin))
    if setting.started is not None and begin <= setting.started:
        last = "now and ever" if now == "now" else now
        return (f", {last} since the start ({long})",) * is_now + (", ever since the start",)
    clock = setting.clock(begin)
    clocks = [f"{clock}, when the route changed"] * verdict.is_of_route + [clock]
    if not is_now:
        return tuple(f", since {each}" for each in clocks)
    return *(f", {now} for {long} (since {each})" for each in clocks), f", now, since {clock}"


def _which_time(setting: Circumstances) -> str:
    """Since when it comes again, where nobody knows since when it lasts this time."""
    first = setting.first
    if first is None or setting.times < 2:
        return ""
    is_start = setting.started is not None and first <= setting.started
    return f", the {nth(setting.times)} time since {'the start' if is_start else setting.clock(first)}"


def _is_sparse(verdict: Verdict) -> bool:
    """Whether so little is lost that for a while nothing may be, or nothing is between two outages."""
    n = verdict.numbers
    return verdict.comes_and_goes or (verdict.kind == "loss" and n.lost * _ONE_IN < n.sent)


def how_long(ns: int) -> str:
    return resting(ns / 1e9)


def again(kind: str, setting: Circumstances) -> tuple[str, ...]:
    """That it is not the first time, where `since` does not say so."""
    is_said = kind == "flapping" or (setting.since is None and setting.first is not None)
    return (f"It is the {nth(setting.times)} time.",) if setting.times > 1 and not is_said else ()


def span_of(n: Numbers, history: Background) -> str:
    """Of which time a share is, where the table counts over another one."""
    if history.counted and (n.lost, n.sent) == (history.lost, history.counted):
        return ""
    return f"last {n.rounds} rounds" if n.rounds else ""


def between(place: Place, begin: str = "It begins", most: Detail = "whole") -> Ways:
    """`most`: how much is said where there is room for all."""
    whole, brief, bare = sides(place, most), sides(place, "brief"), sides(place, "bare")
    ways = f"{begin} {whole}.", f"{begin} {brief}.", _sentence(brief), _sentence(bare)
    return tuple(dict.fromkeys(ways)) if whole else ()


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def access_line(place: Place, begin: str = "It begins") -> Ways:
    """The line that an internet provider's customer pays for."""
    name = f" ({place.provider})" if place.provider else ""
    whole, short = f"on the line between your router and your provider{name}", "on the line to your provider"
    return f"{begin} {whole}.", f"{begin} {short}.", f"{short[:1].upper()}{short[1:]}."


def sides(place: Place, detail: Detail = "whole") -> str:
    """``between your provider (nearby.example) and the next network (farline.example)``."""
    if place.segment == "this computer":
        return "on this computer"
    if place.between is None or place.last is None:
        return ""
    near, far = (
        _sided(name, role, place) for name, role in zip(place.between, (place.near, place.segment), strict=True)
    )
    if place.first == place.last:
        return f"at {named_role(place.segment, far, detail)}"
    if near == far:
        return f"inside {named_role(place.segment, far, detail)}"
    if place.near == place.segment and place.segment != "transit":  # its hops are known by their addresses alone
        return f"inside {named_role(place.segment, f'{near} to {far}', detail)}"
    here = named_role(place.near, near, detail, transit="another network")
    return f"between {here} and {named_role(place.segment, far, detail, transit='the next network')}"


def _sided(name: str, role: Role | None, place: Place) -> str:
    """Your provider by its name, where a hop of it is known by its address alone."""
    return place.provider or name if role == "your provider" and name[-1:].isdigit() else name


def named_role(role: Role | None, name: str, detail: Detail = "whole", transit: str = "a network in between") -> str:
    """``your provider (AS64500 NEARBY)``. A network in between, whose name tells nobody anything, is called one."""
    match role:
        case "your network":
            return "your own network"
        case "your provider" | "the target's network":
            return f"{role} ({name})" if name and name != role and detail == "whole" else role
        case "transit" if detail != "bare":
            return f"{transit} ({name})"
        case _:
            return name


def whom_to_tell(setting: Circumstances, history: Background) -> Ways:
    """What to do about it: at once, or if it lasts."""
    ways = _whom_to_tell(setting)
    return tuple(f"If it lasts, {way[:1].lower()}{way[1:]}" for way in ways) if _may_pass(setting, history) else ways


def _may_pass(setting: Circumstances, history: Background) -> bool:
    """Whether the trouble of now, the first of its kind, may be over before anybody has been told of it."""
    begin, now = setting.since, history.now
    return begin is not None and now is not None and setting.times == 1 and now - begin < _PASSING_NS


def _whom_to_tell(setting: Circumstances) -> Ways:
    place = setting.place
    name = f" ({place.provider})" if place.provider else ""
    match place.segment:
        case "this computer" | "your network":
            return ("Restart your router, or try a cable instead of Wi-Fi.",)
        case "your provider":
            return ("Call your provider.",)
        case "the target's network" if place.near != "your provider":
            return (f"Tell whoever runs {target_called(setting)}.",)
        case "transit" if place.near != "your provider":
            return f"Tell your provider{name}; only they can move a network in between.", "Tell your provider."
        case _:
            return ("Tell your provider.",)


def fine_before(place: Place, several: str = "answer", one: str = "answers") -> str:
    """What is well: all before the place."""
    until = place.first if place.first is not None else (place.last or 0) - 1
    if until < 1 or (place.last or 0) <= 1:
        return ""
    return f"Hops 1 to {until} {several}." if until > 1 else f"Hop 1 {one}."


def the_target(setting: Circumstances) -> str:
    return f"the target {target_called(setting, '')}".rstrip()


def target_called(setting: Circumstances, otherwise: str = "the target") -> str:
    return setting.query if setting.query and len(setting.query) <= _LONG else otherwise
