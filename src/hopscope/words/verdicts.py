"""A verdict in plain words, for every output the same: what is the matter, where, whose, since when, what to do.

What a home user needs comes first, then numbers with the span that they are of; jargon stands in the evidence alone.
Sentences begin with a small letter and have no full stop. Clock times are the caller's, who knows the time zone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from hopscope.judge.verdict import Incident, Numbers, Verdict
from hopscope.path.snapshot import LocalError
from hopscope.path.stats import wilson95
from hopscope.wire.messages import Kind, Protocol
from hopscope.words.bad_paths import bad_paths, more_ms, ms, ports_words, suffering
from hopscope.words.numbers import about, nth, percent, span
from hopscope.words.places import Course, Place
from hopscope.words.where import line_words, near_words, placed, whose

Clock = Callable[[int], str]
"""A moment (epoch ns) as the reader's clock shows it."""

_NS_PER_MS: Final = 1e6

_YOUNG: Final = 10
"""Rounds below which little can be said."""
_FULL: Final = 120
"""Rounds from which on the span of a number no longer grows."""

SAYS: Final[dict[Kind, str]] = {
    "host-unreachable": "host unreachable",
    "net-unreachable": "no route",
    "prohibited": "prohibited",
    "port-unreachable": "port unreachable",
    "fragmentation-needed": "packet too big",
    "other": "an error",
}


class Circumstances(msgspec.Struct, frozen=True):
    """What a sentence needs to know beside the verdict."""

    place: Place
    course: Callable[[], Course]
    """The path as it is now; made when it is asked for."""
    clock: Clock
    protocol: Protocol = "icmp"
    query: str = ""
    """The target, as the user calls it."""
    was: Incident | None = None
    """What is over, where the verdict says that something is."""
    started: int | None = None
    """When the first round began: nobody looked before."""
    rtt_ns: int | None = None
    """The target's RTT (median) of late, where there is one."""
    notes: frozenset[str] = frozenset()
    """Kinds of the verdict's notes."""
    since: int | None = None
    """When the verdict's state began, as far as that is known (see `Judged.since`)."""
    times: int = 1
    """How often its trouble came."""
    first: int | None = None
    """When it came for the first time, where it came more than once."""
    asked: int | None = None
    """The last TTL that is asked, where that is known."""

    @property
    def is_cut_short(self) -> bool:
        """Whether nobody asked beyond the last router that answers: the largest TTL (``-m``) ends the path there."""
        return self.place.first is not None and self.place.first == self.asked


class Sentence(NamedTuple):
    """What is said of a target. `aside` and `tail` may be left out, the tail first."""

    head: str
    """What is the matter, and where."""
    tail: str
    """Whose that is, and numbers."""
    short: str
    """The same in one to five words."""
    aside: str = ""
    """Since when."""

    @property
    def line(self) -> str:
        """All of it."""
        begin = f"{self.head}{self.aside}"
        return f"{begin}: {self.tail}" if self.tail else begin


def sentence(verdict: Verdict, setting: Circumstances) -> Sentence:
    """The verdict in a line."""
    n, place = verdict.numbers, setting.place
    head, tail, short = _MATTERS[verdict.kind](n, place, setting)
    aside = ""
    if verdict.is_trouble and setting.since is not None:
        is_first = setting.started is not None and setting.since <= setting.started
        route = ", when the route changed" if verdict.is_of_route else ""
        aside = ", since the start" if is_first else f", since {setting.clock(setting.since)}{route}"
    elif verdict.kind == "recovered":
        aside = f" since {setting.clock(verdict.since)}" if verdict.since is not None else ""
        was = setting.was
        if was is not None:
            often = f"the {nth(was.times)} time" if was.times > 1 else ""
            tail = _joined(f"{matter(was.kind, place, is_over=True)}{lasted(was)}", often)
    if verdict.comes_and_goes:
        head, short = f"{head}, again and again", "comes and goes"
        tail = _joined(f"{n.times} times", f"{about(100 * n.lost / n.sent)} of packets lost" if n.sent else "", tail)
    elif setting.times > 1 and verdict.is_trouble and verdict.kind != "flapping":
        tail = _joined(tail, f"the {nth(setting.times)} time")
    return Sentence(head, tail, short, aside)


_MATTER: Final[dict[str, tuple[str, str]]] = {
    "loss": ("packets are lost", "packets were lost"),
    "outage": ("no answer comes", "no answer came"),
    "no-answer": ("the target does not answer", "the target did not answer"),
    "filter": ("a firewall turns packets away", "a firewall turned packets away"),
    "unreachable": ("the target cannot be reached", "the target could not be reached"),
    "loop": ("packets go in circles", "packets went in circles"),
    "flapping": ("the route keeps changing", "the route kept changing"),
    "route-change": ("the route is a worse one", "the route was a worse one"),
    "detour": ("the way is longer", "the way was longer"),
    "local-network": ("your own network is unsteady", "your own network was unsteady"),
    "bufferbloat": ("your internet line is full", "your internet line was full"),
    "congestion": ("packets queue", "packets queued"),
    "bad-member": ("one of several parallel links is bad", "one of several parallel links was bad"),
    "mtu": ("packets of this size do not get through", "packets of this size did not get through"),
    "late": ("answers come later than the timeout", "answers came later than the timeout"),
    "this-computer": ("this computer cannot send", "this computer could not send"),
}
_PLACELESS: Final = frozenset(("no-answer", "unreachable", "local-network", "mtu", "late", "this-computer"))


def matter(kind: str, place: Place, *, is_over: bool) -> str:
    """What is or was the matter, and where: ``no answer came from hop 6 on``."""
    words = _MATTER[kind][is_over]
    return words if kind in _PLACELESS else placed(words, place)


def lasted(incident: Incident) -> str:
    """`` for 15 s``; empty where it lasts."""
    if incident.end is None:
        return ""
    return f" for {span((incident.end - incident.begin) / 1e9)}" if incident.times == 1 else ""


# --- each kind: what is the matter, whose and how much, and in short -------------------------------------------------

_Matter = tuple[str, str, str]


def _starting(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    del place, setting
    if n.lost:
        return "too early to judge", f"{n.lost} of {n.sent} lost", "starting"
    return "starting", "no answer yet" if not n.sent else "too few rounds to judge", "starting"


def _healthy(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    del place
    parts = [f"about {ms(setting.rtt_ns)}"] if setting.rtt_ns is not None else []
    if not n.lost:
        parts.append("nothing is lost")
    elif "target-limits" in setting.notes:
        parts.append("the target limits how often it answers")
    elif "early-loss" in setting.notes:
        parts.append(f"{n.lost} lost {_of_late(n)}, too early to tell a limit from loss")
    else:
        parts.append(f"{n.lost} lost {_of_late(n)}, which may be chance")
    return "healthy so far" if n.rounds < _YOUNG else "healthy", ", ".join(parts), "healthy"


def _of_late(n: Numbers) -> str:
    """Of which time a number is, in words that rest while it grows."""
    return f"in the last {n.rounds} rounds" if n.rounds >= _FULL else "so far"


def _recovered(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    del n, place, setting
    return "fine again", "", "fine again"


def _loss(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    del setting
    share = about(100 * n.lost / n.sent) if n.sent else "some"
    how = " in bursts" if n.burst is not None and n.burst >= 2 else ""
    head = placed(f"{share} of packets are lost{how}", place)
    also = also_words(n, place)
    return f"{head} ({also})" if also else head, whose(place), "loss"


def also_words(n: Numbers, place: Place) -> str:
    """That a part of the loss begins nearer, or that more comes on top farther on."""
    if n.also_ttl is None or place.last is None or not n.also_sent:
        return ""
    if n.also_ttl <= place.last:
        return f"{about(100 * n.also_lost / n.also_sent)} from hop {n.also_ttl} on already"
    return f"{about(100 * n.behind_lost / n.behind_sent)} before hop {n.also_ttl}" if n.behind_sent else ""


def _outage(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    last = _last(place) if n.times == 1 else ""
    return placed("no answer", place), _joined(whose(place), last), "no answer"


def _no_answer(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    del n
    if setting.is_cut_short:
        return f"the target is farther away than hop {setting.asked}, the last that is asked", "", "not asked"
    if place.is_line:
        likely = f"most likely {line_words(place)}, unless a firewall swallows all"
        return f"nobody answers behind {near_words(place)}", f"{likely}; {_last(place)}", "no answer"
    if setting.protocol == "udp":
        return "the target does not answer UDP, which alone is no outage", _last(place), "no answer by UDP"
    if place.last is None or place.last <= 1:
        return "no answer from anywhere", "", "no answer"
    return "the target does not answer", _last(place), "no answer"


def _filter(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    if n.address is None and n.says is None:
        return placed("a firewall swallows packets", place), _joined(whose(place), _last(place)), "filtered"
    return placed("a firewall turns packets away", place), _said(n, place, setting), "prohibited"


def _unreachable(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    said = SAYS.get(n.says, n.says) if n.says is not None else "not reached"
    if n.address is None and n.says is None:
        within = f" within {place.last} hops" if place.last is not None else ""
        return f"the target is not reached{within}", "the last one still is a router", "not reached"
    return "the target cannot be reached", _said(n, place, setting), said


def _loop(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    called = [setting.course().called(address) for address in n.addresses]
    between = " and ".join(called) if 0 < len(called) <= 2 else f"{len(called)} routers" if called else "routers"
    whose_ = whose(place)
    tail = f"they never arrive; {whose_}" if whose_ else "they never arrive"
    return f"packets go in circles between {between}", tail, "forwarding loop"


def _flapping(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    del setting
    often = f"{n.times} times in {n.rounds} rounds" if n.times > 1 and n.rounds else "again and again"
    return placed("the route keeps changing", place), _joined(often, whose(place)), "route flaps"


def _route_change(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    harm = _more(n, setting) or (f"{about(100 * n.lost / n.sent)} lost" if n.lost and n.sent else "")
    head = "the route changed for the worse"
    return placed(head, place), _joined(harm, whose(place)), "worse route"


def _detour(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    return placed("the way has become longer", place), _joined(_more(n, setting), whose(place)), "longer way"


def _local_network(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    lost = f"{about(100 * n.lost / n.sent)} lost" if n.lost and n.sent else ""
    tail = _joined(_more(n, setting), lost, "a call would stutter")
    return "your own network is unsteady (Wi-Fi?)" if place.last else "your network is unsteady", tail, "own network"


def _bufferbloat(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    lost = _lost_beside(n)
    return placed("your internet line is full", place), _joined(_more(n, setting), lost), "line full"


def _lost_beside(n: Numbers) -> str:
    """What is lost by a queue, or elsewhere."""
    if n.also_sent:
        return f"{about(100 * n.also_lost / n.also_sent)} lost from hop {n.also_ttl} on"
    return f"{about(100 * n.lost / n.sent)} lost with it" if n.lost and n.sent else ""


def _congestion(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    lost = _lost_beside(n)
    return placed("packets queue", place), _joined(_more(n, setting), lost, whose(place)), "busy link"


def _bad_member(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    del setting
    if n.paths:
        verb, others = suffering(n)
        tail = f"{ports_words(n)} {verb}, others {others}; there or back"
        short = "one path bad" if n.now_ns is None else "one path slow"
        return placed(bad_paths(n), place), _joined(tail, whose(place)), short
    lost = f"{about(100 * n.lost / n.sent)} of all packets lost" if n.lost and n.sent else ""
    return placed("one of several parallel links is bad", place), _joined(lost, whose(place)), "one link bad"


def _mtu(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    size = f"packets above {n.mtu} bytes do not get through" if n.mtu else "packets of this size do not get through"
    return size, _said(n, place, setting), "packets too big"


def _late(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    del place, setting
    of = n.sent + n.late
    many = f"{n.late} of the last {of} answers" if n.late else "answers"
    return "answers come later than the timeout", f"{many} came too late to count; raise it", "answers late"


def _this_computer(n: Numbers, place: Place, setting: Circumstances) -> _Matter:
    del place, setting
    error = LocalError(n.error or "ESEND", n.message or "", 0) if n.message else None
    tail = f"{failures(n)} in the last {n.rounds} rounds" if n.failed and n.rounds else ""
    return error_words(error), tail, "this computer"


def is_deaf(n: Numbers) -> bool:
    """Whether probes left, and this computer dropped what came."""
    return n.error == "OVERFLOW"


def failures(n: Numbers) -> str:
    """What failed here: ``12 sends failed``."""
    return f"{n.failed} answers could not be heard" if is_deaf(n) else f"{n.failed} sends failed"


_MATTERS: Final[dict[str, Callable[[Numbers, Place, Circumstances], _Matter]]] = {
    "starting": _starting,
    "healthy": _healthy,
    "recovered": _recovered,
    "loss": _loss,
    "outage": _outage,
    "no-answer": _no_answer,
    "filter": _filter,
    "unreachable": _unreachable,
    "loop": _loop,
    "flapping": _flapping,
    "route-change": _route_change,
    "detour": _detour,
    "local-network": _local_network,
    "bufferbloat": _bufferbloat,
    "congestion": _congestion,
    "bad-member": _bad_member,
    "mtu": _mtu,
    "late": _late,
    "this-computer": _this_computer,
}


def _said(n: Numbers, place: Place, setting: Circumstances) -> str:
    """Who says what."""
    who = setting.course().host(place.last, n.address) or "a router"
    said = SAYS.get(n.says, n.says.replace("-", " ")) if n.says is not None else "so"
    whose_ = whose(place)
    return f"{who} says {said}{f', {whose_}' if whose_ else ''}"


def _last(place: Place) -> str:
    return f"{place.before} is the last that answers" if place.before else ""


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _more(n: Numbers, setting: Circumstances) -> str:
    """How much slower it is than usual; or, where nobody knows that, how far round trips lie apart."""
    if n.quick_ns is not None and n.slow_ns is not None:
        return f"round trips take {ms(n.quick_ns)} to {ms(n.slow_ns)}"
    if n.usual_ns is None or n.now_ns is None:
        return ""
    since = "" if n.part_since is None else f", since {setting.clock(n.part_since)}"
    part = "" if n.part_ttl is None else f"; {ms(n.part_ns)} of it from hop {n.part_ttl} on{since}"
    return f"{more_ms(n)} more than usual ({ms(n.now_ns)} instead of {ms(n.usual_ns)}{part})"


def lost_words(lost: int, sent: int) -> str:
    """``36 of 774 (3.4 to 6.4 %)``: with Wilson's 95 % interval."""
    if not sent:
        return f"{lost} of {sent}"
    low, high = wilson95(lost, sent)
    return f"{lost} of {sent} ({percent(100 * low).removesuffix(' %')} to {percent(100 * high)})"


def error_words(error: LocalError | None) -> str:
    """What happened on this computer: a send that failed has an errno's name, all else says itself what it was."""
    if error is None:
        return "this computer cannot send"
    says_who = not error.error.startswith("E") or error.message.startswith("this computer")
    return error.message if says_who else f"this computer cannot send: {error.message}"
