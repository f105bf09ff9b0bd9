"""What is wrong, kind by kind, as the first sentence's matter and place, and further sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hopscope.judge.verdict import Numbers, Verdict
from hopscope.words.bad_paths import bad_paths, more_ms, ms, ports_words, suffering
from hopscope.words.clauses import (
    Background,
    Ways,
    access_line,
    between,
    fine_before,
    named_role,
    span_of,
    target_called,
    the_target,
    whom_to_tell,
)
from hopscope.words.numbers import about
from hopscope.words.verdicts import (
    SAYS,
    Circumstances,
    also_words,
    error_words,
    failures,
    is_deaf,
)
from hopscope.words.where import line_words, near_words, placed, where

_STUTTER: Final = "Calls and games stutter"

Told = tuple[str, tuple[str | Ways, ...]]


def _loss(n: Numbers, setting: Circumstances, history: Background) -> Told:
    share = about(100 * n.lost / n.sent) if n.sent else "a part"
    how = " in bursts" if n.burst is not None and n.burst >= 2 else ""
    feel = (f"Pages load slowly, {_STUTTER[0].lower()}{_STUTTER[1:]}.",) * (n.lost * 50 >= n.sent) + (f"{_STUTTER}.",)
    place = setting.place
    is_fine = n.before_sent and not n.before_lost and "rate-limit" not in setting.notes
    fine = fine_before(place, "lose nothing", "loses nothing") if is_fine else ""
    head = placed(f"{share} of packets are lost{how}", place)
    beside = "; ".join(part for part in (span_of(n, history), also_words(n, place) or _elsewhere(n)) if part)
    return f"{head} ({beside})" if beside else head, (between(place), whom_to_tell(setting, history), feel, fine)


def _elsewhere(n: Numbers) -> str:
    """How much the hops behind the place lose where the target's own share, perhaps by luck, is another one."""
    sent, lost = n.behind_sent - n.sent, n.behind_lost - n.lost
    if sent < n.sent or not n.sent:
        return ""
    own, other = 100 * n.lost / n.sent, 100 * lost / sent
    low, high = sorted((own, other))
    return f"{about(other)} at the hops before the target" if high >= 2 * low and high - low >= 2 else ""


def _outage(n: Numbers, setting: Circumstances, history: Background) -> Told:
    place = setting.place
    del n
    more = between(place), whom_to_tell(setting, history), fine_before(place)
    return placed("no answer", place), more


def often(n: Numbers) -> tuple[str, ...]:
    """How often what comes and goes was there, and what that is like."""
    share = f", {about(100 * n.lost / n.sent)} of packets lost" if n.sent else ""
    return f"{n.times} times{share}.", "Calls break off, and connections hang."


def _no_answer(n: Numbers, setting: Circumstances, history: Background) -> Told:
    del n, history
    place = setting.place
    if setting.is_cut_short:
        farther = f"Up to hop {setting.asked} all is fine.", "A larger -m asks farther, as far as the target."
        return f"{the_target(setting)} is farther away than hop {setting.asked}, the last that is asked", farther
    if place.is_line:
        likely = line_words(place)
        modem = "Restart the modem, and look at its lights.", "Look at the modem's lights.", "Look at the modem."
        or_else = "If a browser gets through, a firewall swallows all probes.", "Does a browser get through?"
        return f"nobody answers behind {near_words(place)}", ((f"Most likely {likely}.",), modem, or_else)
    if place.last is None or place.last <= 1:
        return "no answer from anywhere", ("Is the cable in, or the Wi-Fi on?", "Look at your router first.")
    how = "UDP" if setting.protocol == "udp" else "pings" if setting.protocol == "icmp" else "TCP"
    until = place.first if place.first is not None else (place.last or 1) - 1
    near = ""
    if place.between:
        near = named_role(place.near, place.between[0], "bare" if place.near == "transit" else "whole")
        near = near.replace(" (", ", ").removesuffix(")")
    at: Ways = ()
    if until:
        at = (f"Up to hop {until}{f' ({near})' if near else ''} all is fine.", f"Up to hop {until} all is fine.")
    try_ = "Try another port." if setting.protocol == "tcp" else "Try TCP to a port that it serves."
    use: Ways = ()
    if setting.protocol != "tcp":
        use = (
            "Many hosts never do: if a browser opens it, all is well.",
            "Many hosts never do: try a browser.",
            "Many hosts never do.",
        )
    return f"{the_target(setting)} does not answer {how}", (at, use, try_)


def _filter(n: Numbers, setting: Circumstances, history: Background) -> Told:
    del history
    place = setting.place
    does = "swallows" if n.address is None and n.says is None else "turns away"
    feel = ("Other kinds of packets may pass: try TCP to a port that it serves.", "Try TCP to a port that it serves.")
    return placed(f"a firewall {does} these packets", place), (between(place), feel, fine_before(place))


def _unreachable(n: Numbers, setting: Circumstances, history: Background) -> Told:
    place = setting.place
    if n.address is None and n.says is None:
        within = f" within {place.last} hops" if place.last is not None else ""
        return f"{the_target(setting)} is not reached{within}", ("The last one that answers still is a router.",)
    said = SAYS.get(n.says, n.says.replace("-", " ")) if n.says is not None else "so"
    who = f'Hop {place.last} says "{said}".' if place.last is not None else f'A router says "{said}".'
    return f"{the_target(setting)} cannot be reached", (
        between(place, "Its way ends"),
        who,
        whom_to_tell(setting, history),
        fine_before(place),
    )


def _loop(n: Numbers, setting: Circumstances, history: Background) -> Told:
    place = setting.place
    at = f" at hops {place.first} and {place.last}" if place.first is not None and place.last is not None else ""
    feel = f"Nothing reaches {target_called(setting)}."
    count = len(n.addresses)
    who = f"{count} routers there pass packets on to each other, round and round." if count else ""
    return f"packets go in circles{at}", (between(place, "That is"), feel, whom_to_tell(setting, history), who)


def _flapping(n: Numbers, setting: Circumstances, history: Background) -> Told:
    often = f"{n.times} times in {n.rounds} rounds." if n.times > 1 and n.rounds else ""
    feel = "Connections may hang for moments."
    place = setting.place
    return placed("the route keeps changing", place), (
        between(place),
        whom_to_tell(setting, history),
        feel,
        often,
    )


def _slower_way(n: Numbers, setting: Circumstances, history: Background) -> Told:
    place = setting.place
    more = more_ms(n)
    harm = f" (+{more} in all)" if more else f" ({about(100 * n.lost / n.sent)} lost)" if n.lost and n.sent else ""
    lost = "" if n.lost else " and nothing is lost"
    feel = f"All works{lost}, but calls and games may feel it." if more else f"{_STUTTER}."
    takes = f"A round trip takes {ms(n.now_ns)} instead of {ms(n.usual_ns)}." if n.now_ns and n.usual_ns else ""
    head = placed(f"traffic takes another, {'slower' if more else 'worse'} way", place)
    return f"{head}{harm}", (between(place), whom_to_tell(setting, history), takes, feel)


def _local_network(n: Numbers, setting: Circumstances, history: Background) -> Told:
    del history
    more = more_ms(n)
    bad = [f"{more} slower in bursts"] if more else ["delays in bursts"]
    if n.lost and n.sent:
        bad.append(f"{about(100 * n.lost / n.sent)} lost")
    begins = ("It begins between here and hop 1, your router.", "Between here and hop 1, your router.")
    feel = (f"{_STUTTER}: {', '.join(bad)}.", f"Calls stutter: {bad[-1]}.")
    do = ("Try a cable instead of Wi-Fi.", "Try a cable.")
    fine = "All rows show it, but nothing is wrong further out." if setting.place.last else ""
    return "your own network is unsteady (Wi-Fi?)", (begins, do, feel, fine)


def _bufferbloat(n: Numbers, setting: Circumstances, history: Background) -> Told:
    del history
    place = setting.place
    do = ("Stop uploads, backups and big downloads, and see whether it ends.", "Stop uploads and downloads.")
    head = placed("your internet line is full", place)
    return f"{head}{_slower(n)}", (access_line(place), do, _slow(n), f"{_STUTTER}.")


def _congestion(n: Numbers, setting: Circumstances, history: Background) -> Told:
    place = setting.place
    head = placed("packets queue at a busy link", place)
    return f"{head}{_slower(n)}", (between(place), whom_to_tell(setting, history), _slow(n), fine_before(place))


def _slower(n: Numbers) -> str:
    more = more_ms(n)
    return f" (+{more})" if more else ""


def _slow(n: Numbers) -> str:
    """What one would notice of a queue."""
    if n.quick_ns is not None and n.slow_ns is not None:
        return f"Round trips take {ms(n.quick_ns)} to {ms(n.slow_ns)}."
    return f"All is slow, {about(100 * n.lost / n.sent)} is lost." if n.lost and n.sent else "All is slow."


def _bad_member(n: Numbers, setting: Circumstances, history: Background) -> Told:
    if n.paths:
        suffer, (verb, others) = ports_words(n), suffering(n)
        who = (
            f"{suffer[:1].upper()}{suffer[1:]} {verb}, others {others}; there or back.",
            f"Some connections {verb}, always the same ones.",
        )
        head = placed(bad_paths(n), setting.place)
        return head, (between(setting.place), who, whom_to_tell(setting, history))
    lost = f"{about(100 * n.lost / n.sent)} of all packets are lost." if n.lost and n.sent else ""
    feel = "Packets take these links by turns, so every connection loses some."
    place = setting.place
    head = placed("one of several parallel links is bad", place)
    return head, (between(place), feel, whom_to_tell(setting, history), lost)


def _mtu(n: Numbers, setting: Circumstances, history: Background) -> Told:
    del history
    place = setting.place
    size = f"packets above {n.mtu} bytes" if n.mtu else "packets of this size"
    do = "A smaller MTU in the router or the VPN helps."
    return placed(f"{size} do not get through", place), (between(place), "Pages hang, though small packets pass.", do)


def _late(n: Numbers, setting: Circumstances, history: Background) -> Told:
    del setting, history
    many = f"{n.late} of {n.sent + n.late} answers came too late to count." if n.late else ""
    return "answers come later than the timeout", (many, "Wait longer for them: -Z 10.")


def _this_computer(n: Numbers, setting: Circumstances, history: Background) -> Told:
    del history
    from hopscope.path.snapshot import LocalError

    error = LocalError(n.error or "ESEND", n.message or "", 0) if n.message else None
    failed = f"{failures(n)} in the last {n.rounds} rounds." if n.failed and n.rounds else ""
    where_ = "It is this computer, not the network."
    do = "More packets come than it can read." if is_deaf(n) else "Look at its cable, Wi-Fi, VPN and firewall."
    return error_words(error), (where_, do, failed)


TROUBLE: Final[dict[str, Callable[[Numbers, Circumstances, Background], Told]]] = {
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


_SHORT: Final[dict[str, str]] = {
    "loss": "{share} lost {where}",
    "outage": "no answer {where}",
    "no-answer": "no answer to probes",
    "filter": "a firewall is in the way",
    "unreachable": "it cannot be reached",
    "loop": "packets go in circles",
    "flapping": "the route keeps changing",
    "route-change": "a worse way {where}",
    "detour": "a longer way {where}",
    "local-network": "your network is unsteady",
    "bufferbloat": "your line is full",
    "congestion": "a busy link {where}",
    "bad-member": "one path is bad {where}",
    "mtu": "big packets are lost",
    "late": "answers come too late",
    "this-computer": "this computer cannot send",
}


def in_short(verdict: Verdict, setting: Circumstances) -> str:
    """What is the matter, in as few words as can be."""
    n = verdict.numbers
    share = about(100 * n.lost / n.sent) if n.sent else "a part"
    if verdict.kind == "this-computer" and is_deaf(n):
        return "answers were not heard"
    if verdict.kind == "bad-member" and n.now_ns is not None:
        return placed("one path is slow", setting.place)
    if verdict.comes_and_goes:
        return placed("it comes and goes", setting.place)
    return _SHORT[verdict.kind].format(share=share, where=where(setting.place)).strip()
