"""A verdict as the sentences at the top of a screen: a home user's words first, then what an expert wants to know.

Each is whole, the most important first: good or bad, where and since when; between whom; what one would notice; what to
do; what is fine. What has no room is left out from the end, so that nothing is ever cut where it matters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

from hopscope.judge.verdict import Incident, Note, Numbers, Verdict
from hopscope.names.segments import Role
from hopscope.path.windows import WORDS, WindowName
from hopscope.words.numbers import about, nth, resting, span
from hopscope.words.places import Place
from hopscope.words.verdicts import SAYS, Circumstances, error_words, matter, more_ms, ms, where

State: TypeAlias = Literal["running", "then", "paused", "finished"]
"""What becomes of a target; ``then``: it is looked at as it was at a moment that is past."""
_LONG: Final = 40
"""Cells from which a target's name is too long for a sentence."""
_YOUNG: Final = 10
_STUTTER: Final = "Calls and games stutter"


Ways: TypeAlias = tuple[str, ...]
"""A sentence, and shorter ones that say as much as there is room for."""


class Headline(NamedTuple):
    """What stands at the top."""

    matter: str
    """What is the matter and where: the beginning of the first sentence, which stands out."""
    asides: Ways
    """The rest of that sentence: since when, and whether it lasts."""
    more: tuple[Ways, ...] = ()
    """Further sentences, the most important first."""

    @property
    def sentences(self) -> tuple[Ways, ...]:
        """All of it."""
        return (tuple(f"{self.matter}{aside}." for aside in self.asides), *self.more)


class Background(NamedTuple):
    """What a headline needs to know beside the verdict of now."""

    last: Incident | None
    """The last trouble that is over, by its end."""
    place: Place
    """Where that was."""
    open: Incident | None
    """The trouble that lasts."""
    lost: int
    """Of the target, as the table counts."""
    counted: int
    window: WindowName
    """What the table counts over."""
    now: int | None


def headline(verdict: Verdict, setting: Circumstances, history: Background, state: State) -> Headline:
    """The verdict's sentences; nothing is "now" where nobody looks, or at another moment."""
    if verdict.is_trouble:
        head, more = _TROUBLE[verdict.kind](verdict.numbers, setting, history)
        asides = _since(verdict, setting, history, is_now=state == "running")
        more = (*more, *_again(verdict))
    else:
        head, asides, more = _QUIET[verdict.kind](verdict, setting, history)
    ways = tuple((each,) if isinstance(each, str) else each for each in more if each)
    if state in ("running", "then"):
        return Headline(head[:1].upper() + head[1:], asides, ways)
    begin = "Paused; so far " if state == "paused" else "Finished: "
    return Headline(f"{begin}{head.removesuffix(' so far')}", asides, ways)


# --- trouble: its matter and place, and further sentences ------------------------------------------------------------

_Told = tuple[str, tuple[str | Ways, ...]]


def _loss(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    share = about(100 * n.lost / n.sent) if n.sent else "a part"
    how = " in bursts" if n.burst is not None and n.burst >= 2 else ""
    feel = (f"Pages load slowly, {_STUTTER[0].lower()}{_STUTTER[1:]}.",) * (n.lost * 50 >= n.sent) + (f"{_STUTTER}.",)
    place = setting.place
    fine = _fine(place, "lose nothing", "loses nothing") if n.before_sent and not n.before_lost else ""
    head = f"{share} of packets are lost{how} {where(place)}".rstrip()
    return f"{head}{_span(n, history)}", (_between(place), _tell(setting), feel, fine)


def _outage(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del n, history
    place = setting.place
    feel = f"Nothing gets through to {_query(setting)}."
    return f"no answer {where(place)}".rstrip(), (_between(place), _tell(setting), feel, _fine(place))


def _no_answer(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del n, history
    place = setting.place
    if place.last is not None and place.last <= 1:
        return "no answer from anywhere", ("Is the cable in, or the Wi-Fi on?", "Look at your router first.")
    how = "UDP" if setting.protocol == "udp" else "pings" if setting.protocol == "icmp" else "TCP"
    until = place.first if place.first is not None else (place.last or 1) - 1
    near = _name(place.near, place.between[0]).replace(" (", ", ").removesuffix(")") if place.between else ""
    at: Ways = ()
    if until:
        at = (f"Up to hop {until}{f' ({near})' if near else ''} all is fine.", f"Up to hop {until} all is fine.")
    try_ = "Try another port." if setting.protocol == "tcp" else "Try TCP to a port that it serves."
    use = "" if setting.protocol == "tcp" else f"Many never answer {how}; a browser may work."
    return f"{_target(setting)} does not answer {how}", (at, use, try_)


def _filter(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del history
    place = setting.place
    does = "swallows" if n.address is None and n.says is None else "turns away"
    feel = ("Other kinds of packets may pass: try TCP to a port that it serves.", "Try TCP to a port that it serves.")
    return f"a firewall {does} these packets {where(place)}".rstrip(), (_between(place), feel, _fine(place))


def _unreachable(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del history
    place = setting.place
    if n.address is None and n.says is None:
        within = f" within {place.last} hops" if place.last is not None else ""
        return f"{_target(setting)} is not reached{within}", ("The last one that answers still is a router.",)
    said = SAYS.get(n.says, n.says.replace("-", " ")) if n.says is not None else "so"
    who = f'Hop {place.last} says "{said}".' if place.last is not None else f'A router says "{said}".'
    return f"{_target(setting)} cannot be reached", (_between(place, "Its way ends"), who, _tell(setting), _fine(place))


def _loop(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del history
    place = setting.place
    at = f" at hops {place.first} and {place.last}" if place.first is not None and place.last is not None else ""
    feel = f"Nothing reaches {_query(setting)}."
    count = len(n.addresses)
    who = f"{count} routers there pass packets on to each other, round and round." if count else ""
    return f"packets go in circles{at}", (_between(place, "That is"), feel, _tell(setting), who)


def _flapping(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del history
    often = f"{n.times} times in {n.rounds} rounds." if n.times > 1 and n.rounds else ""
    feel = "Connections may hang for moments."
    place = setting.place
    return f"the route keeps changing {where(place)}".rstrip(), (_between(place), _tell(setting), feel, often)


def _slower_way(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del history
    place = setting.place
    more = more_ms(n)
    harm = f" (+{more})" if more else f" ({about(100 * n.lost / n.sent)} lost)" if n.lost and n.sent else ""
    lost = "" if n.lost else " and nothing is lost"
    feel = f"All works{lost}, but calls and games may feel it." if more else f"{_STUTTER}."
    takes = f"A round trip takes {ms(n.now_ns)} instead of {ms(n.usual_ns)}." if n.now_ns and n.usual_ns else ""
    head = f"traffic takes another, {'slower' if more else 'worse'} way {where(place)}".rstrip()
    return f"{head}{harm}", (_between(place), _tell(setting), takes, feel)


def _local_network(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del history
    more = more_ms(n)
    bad = [f"{more} slower in bursts"] if more else ["delays in bursts"]
    if n.lost and n.sent:
        bad.append(f"{about(100 * n.lost / n.sent)} lost")
    begins = ("It begins between here and hop 1, your router.", "Between here and hop 1, your router.")
    feel = (f"{_STUTTER}: {', '.join(bad)}.", f"Calls stutter: {bad[-1]}.")
    do = ("Try a cable in the place of Wi-Fi.", "Try a cable.")
    fine = "All rows show it, but nothing is wrong further out." if setting.place.last else ""
    return "your own network is unsteady (Wi-Fi?)", (begins, do, feel, fine)


def _bufferbloat(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del history
    place = setting.place
    name = f" ({place.provider})" if place.provider else ""
    line = (
        f"It begins on the line between your router and your provider{name}.",
        "It begins on the line to your provider.",
    )
    do = ("Stop uploads, backups and big downloads, and see whether it ends.", "Stop uploads and downloads.")
    head = f"your internet line is full {where(place)}".rstrip()
    return f"{head}{_slower(n)}", (line, do, _slow(n), f"{_STUTTER}.")


def _congestion(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del history
    place = setting.place
    head = f"packets queue at a busy link {where(place)}".rstrip()
    return f"{head}{_slower(n)}", (_between(place), _tell(setting), _slow(n), _fine(place))


def _slower(n: Numbers) -> str:
    more = more_ms(n)
    return f" (+{more})" if more else ""


def _slow(n: Numbers) -> str:
    """What one would notice of a queue."""
    return f"All is slow, {about(100 * n.lost / n.sent)} is lost." if n.lost and n.sent else "All is slow."


def _bad_member(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del history
    lost = f"{about(100 * n.lost / n.sent)} of all packets are lost." if n.lost and n.sent else ""
    feel = "Some connections suffer, always the same ones; the others are fine."
    place = setting.place
    head = f"one of several parallel links is bad {where(place)}".rstrip()
    return head, (_between(place), feel, _tell(setting), lost)


def _mtu(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del history
    place = setting.place
    size = f"packets above {n.mtu} bytes" if n.mtu else "packets of this size"
    at = f" {where(place)}" if where(place) else ""
    do = "A smaller MTU in the router or the VPN helps."
    return f"{size} do not get through{at}", (_between(place), "Pages hang, though small packets pass.", do)


def _late(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del setting, history
    many = f"{n.late} of {n.sent + n.late} answers came too late to count." if n.late else ""
    return "answers come later than the timeout", (many, "Wait longer for them: -Z 10.")


def _this_computer(n: Numbers, setting: Circumstances, history: Background) -> _Told:
    del history
    from hopscope.path.snapshot import LocalError

    error = LocalError(n.error or "ESEND", n.message or "", 0) if n.message else None
    failed = f"{n.failed} sends failed in the last {n.rounds} rounds." if n.failed and n.rounds else ""
    where_ = "It is this computer, not the network."
    return error_words(error), (where_, "Look at its cable, Wi-Fi, VPN and firewall.", failed)


_TROUBLE: Final[dict[str, Callable[[Numbers, Circumstances, Background], _Told]]] = {
    "loss": _loss,
    "outage": _outage,
    "no-answer": _no_answer,
    "filter": _filter,
    "unreachable": _unreachable,
    "loop": _loop,
    "flapping": _flapping,
    "route-change": _slower_way,
    "detour": _slower_way,
    "local-network": _local_network,
    "bufferbloat": _bufferbloat,
    "congestion": _congestion,
    "bad-member": _bad_member,
    "mtu": _mtu,
    "late": _late,
    "this-computer": _this_computer,
}


# --- no trouble ------------------------------------------------------------------------------------------------------


_Calm = tuple[str, Ways, tuple[str | Ways, ...]]


def _starting(verdict: Verdict, setting: Circumstances, history: Background) -> _Calm:
    del setting, history
    n = verdict.numbers
    if n.lost:
        return "too early to judge", ("",), (f"{n.lost} of {n.sent} lost.",)
    return "starting", ("",), ("No answer yet.",) if not n.sent else ("Too few rounds to judge.",)


def _healthy(verdict: Verdict, setting: Circumstances, history: Background) -> _Calm:
    n, last = verdict.numbers, history.last
    rtt = f"{ms(setting.rtt_ns)}, " if setting.rtt_ns is not None else ""
    begin = last.end if last is not None else setting.started
    aside = (
        f" for {_for(verdict.at - begin)}" if begin is not None and verdict.at > begin and n.rounds >= _YOUNG else ""
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


def _recovered(verdict: Verdict, setting: Circumstances, history: Background) -> _Calm:
    was = setting.was or history.last
    aside = f" for {_for(verdict.at - verdict.since)}" if verdict.since is not None else ""
    if was is None:
        return "fine again", (aside,), ()
    over = "It is over, there is nothing to do."
    if was.times > 1:
        over = f"It is over now; it came {was.times} times since {setting.clock(was.begin)}."
    place = setting.place
    return "fine again", (aside,), (_was(was, place, setting), _between(place, "It began"), over)


_QUIET: Final[dict[str, Callable[[Verdict, Circumstances, Background], _Calm]]] = {
    "starting": _starting,
    "healthy": _healthy,
    "recovered": _recovered,
}


def _was(was: Incident, place: Place, setting: Circumstances) -> str:
    """``No answer came from hop 6 on for 15 s, 12:00:20 to 12:00:35.``"""
    said = matter(was.kind, place, is_over=True)
    said = said[:1].upper() + said[1:]
    if was.end is None:
        return f"{said}."
    if was.times > 1:
        return f"{said}, the {nth(was.times)} time, until {setting.clock(was.end)}."
    return f"{said} for {span((was.end - was.begin) / 1e9)}, {setting.clock(was.begin)} to {setting.clock(was.end)}."


def _before(was: Incident, place: Place, setting: Circumstances) -> Ways:
    said = _was(was, place, setting)
    begin = f"Before that: {said[:1].lower()}{said[1:-1]}"
    sides = [each for each in (_sides(place), _sides(place, shortly=True)) if each]
    return (*(f"{begin}, {each}." for each in sides), f"{begin}.")


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


# --- parts -----------------------------------------------------------------------------------------------------------


def _since(verdict: Verdict, setting: Circumstances, history: Background, *, is_now: bool) -> Ways:
    """Since when, and that it lasts."""
    begin = verdict.since
    if begin is None and history.open is not None and history.open.kind == verdict.kind:
        begin = history.open.begin
    if begin is None:
        return (" now",) if is_now else ("",)
    long = _for(max(0, verdict.at - begin))
    if setting.started is not None and begin <= setting.started:
        return (f", now and ever since the start ({long})",) * is_now + (", ever since the start",)
    clock = setting.clock(begin)
    return (f", now for {long} (since {clock})", f", now, since {clock}") if is_now else (f", since {clock}",)


def _for(ns: int) -> str:
    return resting(ns / 1e9)


def _again(verdict: Verdict) -> tuple[str, ...]:
    times = verdict.numbers.times
    return (f"It is the {nth(times)} time.",) if times > 1 and verdict.kind != "flapping" else ()


def _span(n: Numbers, history: Background) -> str:
    """Of which time a share is, where the table counts over another one."""
    if history.counted and (n.lost, n.sent) == (history.lost, history.counted):
        return ""
    return f" (last {n.rounds} rounds)" if n.rounds else ""


def _between(place: Place, begin: str = "It begins") -> Ways:
    whole, short = _sides(place), _sides(place, shortly=True)
    return (
        (f"{begin} {whole}.", f"{whole[:1].upper()}{whole[1:]}.", f"{short[:1].upper()}{short[1:]}.") if whole else ()
    )


def _sides(place: Place, *, shortly: bool = False) -> str:
    """``between your provider (nearby.example) and farline.example``; `shortly`: no name beside a role."""
    if place.segment == "this computer":
        return "on this computer"
    if place.between is None or place.last is None:
        return ""
    near, far = (
        _sided(name, role, place) for name, role in zip(place.between, (place.near, place.segment), strict=True)
    )
    there = _name(place.segment, far, shortly)
    if place.first == place.last:
        return f"at {there}"
    if near == far:
        return f"inside {there}"
    return f"between {_name(place.near, near, shortly)} and {there}"


def _sided(name: str, role: Role | None, place: Place) -> str:
    """Your provider by its name, where a hop of it is known by its address alone."""
    return place.provider or name if role == "your provider" and name[-1:].isdigit() else name


def _name(role: Role | None, name: str, shortly: bool = False) -> str:
    if role == "your network":
        return "your own network"
    if role in ("your provider", "the target's network"):
        return f"{role} ({name})" if name and name != role and not shortly else role
    return name


def _tell(setting: Circumstances) -> Ways:
    """What to do about it."""
    place = setting.place
    name = f" ({place.provider})" if place.provider else ""
    match place.segment:
        case "this computer" | "your network":
            return ("Restart your router, or try a cable in the place of Wi-Fi.",)
        case "your provider":
            return ("Call your provider.",)
        case "the target's network" if place.near != "your provider":
            return (f"Tell whoever runs {_query(setting)}.",)
        case "transit" if place.near != "your provider":
            return f"Tell your provider{name}; only they can move a network in between.", "Tell your provider."
        case _:
            return ("Tell your provider.",)


def _fine(place: Place, several: str = "answer", one: str = "answers") -> str:
    """What is well: all before the place."""
    until = place.first if place.first is not None else (place.last or 0) - 1
    if until < 1:
        return ""
    return f"Hops 1 to {until} {several}." if until > 1 else f"Hop 1 {one}."


def _target(setting: Circumstances) -> str:
    return f"the target {_query(setting, '')}".rstrip()


def _query(setting: Circumstances, otherwise: str = "the target") -> str:
    return setting.query if setting.query and len(setting.query) <= _LONG else otherwise


__all__ = ["Background", "Headline", "State", "headline"]
