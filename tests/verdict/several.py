"""Several at once: flows beside each other, ways of two lengths, refusals that are limited."""

from __future__ import annotations

from tests.verdict.draw import Draw, Made, network, trouble
from tests.verdict.networks import Net


def _forked(d: Draw) -> tuple[Net, int, list[dict[str, object]]]:
    """A fork in the middle, that flows keep to."""
    net = d.net(hops=d.whole(8, 11))
    ttl = d.whole(4, net.end - 3)
    members = [net.router(net.roles[ttl - 1], delay=3.0) for _ in range(d.whole(2, 4))]
    net.hops[ttl - 1] = {"branches": [{"hops": [member]} for member in members]}
    return net, ttl, members


@network
def a_target_limits_all_flows(d: Draw) -> Made:
    """What every Linux host does with UDP: whoever asks first in a round has the answer, and the others none."""
    net, _, _ = _forked(d)
    net.target["rate_limit"] = {"rate": 1.0, "burst": d.whole(1, 12)}
    return Made(net, 90, None, d.probing(protocol="udp", flows=d.whole(8, 16)), frozenset(("target-limits",)))


@network
def a_dead_member_of_flows(d: Draw) -> Made:
    """Some of the flows get no answer, the first one among them or not."""
    net, ttl, members = _forked(d)
    members[d.whole(0, 1)]["loss"] = 1.0
    net.target["udp"] = "reply"
    what = trouble(net, "bad-member", (ttl - 1, ttl), slack=2, segment="")
    return Made(net, 90, what, d.probing(protocol="udp", flows=16))


@network
def ways_of_two_lengths_lose_by_chance(d: Draw) -> Made:
    """The target stands at another TTL from round to round, and now and then something is lost."""
    net = d.net(hops=d.whole(8, 12))
    ttl = d.whole(4, net.end - 3)
    ways = [[net.router(net.roles[ttl - 1], 2.0 / length) for _ in range(length)] for length in (1, 2)]
    net.hops[ttl - 1] = {"branches": [{"hops": way} for way in ways], "balance": "packet"}
    net.target["loss"] = 0.002
    return Made(net, 590, None, d.probing(protocol="icmp"))


@network
def refused_by_who_seldom_says_so(d: Draw) -> Made:
    """A router's limit leaves one refusal in some ten rounds."""
    net = d.net(hops=d.whole(8, 12))
    ttl = net.middle(behind=3)
    net.node(ttl)["error"] = d.some("net-unreachable", "host-unreachable")
    net.node(ttl)["rate_limit"] = {"rate": d.real(1.07, 1.2), "burst": 2}
    return Made(net, 120, trouble(net, "unreachable", (ttl, ttl)), d.probing(protocol="icmp", family=4))
