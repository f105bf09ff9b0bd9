"""What is wrong with a play, each in a few words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from tests.fans.player import Fan

BAD = "198.51.100.105"
"""The address of a member that is bad."""
Check: TypeAlias = Callable[[Fan], list[str]]
"""What is wrong, each in a few words."""


def all_of(*checks: Check) -> Check:
    return lambda fan: [wrong for check in checks for wrong in check(fan)]


def found(count: int, balancing: str = "per-flow") -> Check:
    def check(fan: Fan) -> list[str]:
        first = fan.first
        right = (first.found, first.balancing) == (count, balancing) and first.miss_probability <= 0.05
        return [] if right else [f"found {first.found} {first.balancing} ({first.miss_probability:.3f})"]

    return check


def probes(most: int) -> Check:
    return lambda fan: [] if fan.first.probes <= most else [f"{fan.first.probes} probes"]


def named(*routers: str | None) -> Check:
    """All these, and nobody else."""

    def check(fan: Fan) -> list[str]:
        wrong = []
        expected = {flow for one in routers for flow in fan.by(one)}
        if set(fan.named) - expected:
            wrong.append(f"flows {sorted(set(fan.named) - expected)} named")
        if not all(fan.by(one) & set(fan.named) for one in routers):
            wrong.append(f"of {', '.join(map(str, routers))} not all named")
        return wrong

    return check


def says_only(*routers: str) -> Check:
    """The verdict and the incidents of its kind speak of these members, and of no other."""

    def check(fan: Fan) -> list[str]:
        verdict = fan.said["verdict"]
        places = [one["between"] for one in (verdict, *fan.said["incidents"]) if one["kind"] == "bad-member"]
        words = [verdict["text"], *verdict["evidence"], *places]
        spoken = set(re.findall(r"198\.51\.100\.\d+", str(words)))
        right = verdict["kind"] == "bad-member" and spoken == set(routers)
        return [] if right else [f"{verdict['kind']}, of {sorted(spoken)}: {words}"]

    return check


def nobody_named(fan: Fan) -> list[str]:
    return [f"flows {sorted(fan.named)} named"] if fan.named else []


def said(*words: str, where: str = "note") -> Check:
    def check(fan: Fan) -> list[str]:
        place = fan.said["discovery"]["text"] if where == "discovery" else str(fan.said[where])
        return [f"{word!r} is not said: {place}" for word in words if word not in place]

    return check


def never(*kinds: str) -> Check:
    return lambda fan: [f"{kind} was said" for kind in kinds if kind in fan.kinds]


def lengths(*expected: int) -> Check:
    def check(fan: Fan) -> list[str]:
        seen = {path.length for path in fan.first.paths}
        return [] if seen == set(expected) else [f"lengths {seen}"]

    return check


def ends_up_with(count: int) -> Check:
    return lambda fan: [] if fan.found[-1].found == count else [f"at the end {fan.found[-1].found} paths"]


def dead_after_one(fan: Fan) -> list[str]:
    dead = [path for path in fan.first.paths if path.dead_after is not None]
    return [] if [path.dead_after for path in dead] == [1] else [f"dead after {[path.dead_after for path in dead]}"]


def at_least_where_uneven(fan: Fan) -> list[str]:
    """One of two may be missed, and then nothing speaks of all."""
    if fan.first.found not in (1, 2):
        return [f"{fan.first.found} paths"]
    text = fan.said["discovery"]["text"]
    return [] if fan.first.is_even or text.startswith("at least 2 paths, assuming equal shares") else [text]


def both_of_sixteen_flows(fan: Fan) -> list[str]:
    paths = fan.said["paths"]
    return [] if len(paths) == 2 else [f"{len(paths)} paths"]


def nothing_made_up(fan: Fan) -> list[str]:
    """No router that is none, no flow that ends on the way, and no promise that too few answers bear out."""
    first = fan.first
    routers = {one.address for hop in first.hops for one in hop.routers}
    right = None not in routers and all(path.dead_after is None for path in first.paths)
    right = right and (first.found == 4 or first.miss_probability > 0.05)
    return [] if right else [fan.said["discovery"]["text"]]


def combined(fan: Fan) -> list[str]:
    """Of paths over several forks, only what is known of each fork is promised."""
    text, widest = fan.said["discovery"]["text"], max(len(hop.routers) for hop in fan.first.hops)
    words = "at any hop" if fan.first.found > widest else "of equal share would"
    return [] if words in text else [text]


def slow(router_: str) -> Check:
    def check(fan: Fan) -> list[str]:
        flows = {flow for flow, states in fan.states.items() if "slow" in states}
        return [] if flows == fan.by(router_) else [f"slow flows {flows}, not {fan.by(router_)}"]

    return check


def one_port_said(fan: Fan) -> list[str]:
    """And no number of paths is promised."""
    discovery = fan.said["discovery"]
    said_of = (
        discovery["balancing"],
        discovery["miss_probability"],
        "gives all flows one source port, 40001" in discovery["text"],
    )
    return [] if said_of == ("unknown", 1.0, True) else [discovery["text"]]


def hidden_link_said(fan: Fan) -> list[str]:
    """Of two routers that answer by one address one is bad: some of its flows are named, and the address is not."""
    verdict = fan.said["verdict"]
    words = " ".join(verdict["evidence"])
    right = verdict["kind"] == "bad-member" and "hidden below one address" in words and "by 198.51.100.101" not in words
    return [] if right else [f"{verdict['kind']}: {verdict['text']} {words}"]


def slow_said(fan: Fan) -> list[str]:
    """Whose connections are slow, and by how much; the router is told where it is its alone."""
    verdict = fan.said["verdict"]
    words = (verdict["text"], *verdict["evidence"])
    more = re.match(r"one of 8 parallel paths is slow \(\+(\d+) ms\)", words[0])
    right = verdict["kind"] == "bad-member" and more is not None and 35 <= int(more[1]) <= 45
    return [] if right and BAD in str(words) else [f"{verdict['kind']}: {words}"]


def target_limits(fan: Fan) -> list[str]:
    """At the end; until ten rounds are compared it looks as if the first flow lost what others got."""
    verdict = fan.said["verdict"]
    words = (*verdict["not"], *(note["text"] for note in verdict["notes"]))
    is_said = any("limits" in text for text in words)
    right = verdict["kind"] in ("healthy", "recovered") and is_said
    return [] if right else [f"{verdict['kind']}: {verdict['text']} {words}"]


def reached_in_order(fan: Fan) -> list[str]:
    """Of a diamond that goes away: its paths, then one."""
    counts = [one.found for one in fan.found]
    return [] if counts == [4, 1] else [f"found {counts}"]


def one_way_named(fan: Fan) -> list[str]:
    """The link from the first router to the bad one alone: flows that come to it by the second are fine."""
    last = fan.found[-1]
    bad = {
        flow
        for path in last.paths
        for flow in path.flows
        if flow in last.watched and {"198.51.100.1", BAD} <= {one for _, one in path.members}
    }
    return [] if bad and set(fan.named) == bad else [f"flows {sorted(fan.named)} named, not {sorted(bad)}"]


def says_dead(fan: Fan) -> list[str]:
    verdict = fan.said["verdict"]
    right = verdict["kind"] == "bad-member" and "is dead from hop 3 on" in verdict["text"]
    return [] if right else [f"{verdict['kind']}: {verdict['text']}"]


def one_named(fan: Fan) -> list[str]:
    """One flow, of which no router behind the fork is heard."""
    return [] if len(fan.named) == 1 and set(fan.named) <= fan.by(None) else [f"{sorted(fan.named)} of {fan.by(None)}"]
