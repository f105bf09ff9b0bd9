"""Two faults on one path: the one after the other, or beside it, or among routers that limit how often they answer."""

from __future__ import annotations

from tests.verdict.draw import Draw, Made, network, networks, trouble

_LASTS = 200.0


@networks("pair-loop-limited", {"as-linux": (1.0, 6), "twice-as-often": (2.0, 6)})
def _limited(d: Draw, given: tuple[float, int]) -> Made:
    """Both routers between which packets go round answer so seldom that each round shows another part of the ring."""
    rate, burst = given
    net = d.net(hops=d.whole(7, 11))
    at, begins = d.whole(4, net.count - 1), float(d.whole(60, 120))
    for ttl in (at - 1, at):
        net.node(ttl)["rate_limit"] = {"rate": rate, "burst": burst}
    net.change(begins, begins + _LASTS, loop={"at": at, "back_to": at - 1})
    what = trouble(net, "loop", (at - 1, at + 1), begins_s=begins, ends_s=begins + _LASTS, is_touched=True, segment="")
    return Made(net, int(begins + _LASTS) + 100, what, d.probing(protocol="icmp"))


@networks("pair-refusal-after", {"a-loop": "loop", "an-outage": "outage", "another": "prohibited"})
def _refusal_after(d: Draw, given: str) -> Made:
    """A router at the same place begins to say why nothing gets through, long after something else kept it there."""
    net = d.net(hops=d.whole(7, 11))
    ttl, begins = d.whole(4, net.count - 1), float(d.whole(60, 120))
    refuses = begins + d.whole(100, 200)
    if given == "loop":
        net.change(begins, refuses, loop={"at": ttl, "back_to": ttl - 1})
        first = trouble(net, "loop", (ttl - 1, ttl + 1), begins_s=begins, ends_s=refuses, is_touched=True)
    elif given == "outage":
        net.change(begins, refuses, outage=ttl + 1)
        first = trouble(net, "outage", net.link(ttl + 1), begins_s=begins, ends_s=refuses)
    else:
        net.set(ttl, begins, refuses, error=given)
        first = trouble(net, "filter", (ttl, ttl), begins_s=begins, ends_s=refuses)
    net.set(ttl, refuses, error=d.some("net-unreachable", "host-unreachable"))
    what = trouble(net, "unreachable", (ttl, ttl), begins_s=refuses, other=first)
    return Made(net, int(refuses) + 100, what, d.probing())


@network
def pair_loop_after_a_refusal(d: Draw) -> Made:
    net = d.net(hops=d.whole(7, 11))
    at, begins = d.whole(4, net.count - 1), float(d.whole(60, 120))
    goes_round = begins + d.whole(100, 200)
    net.set(at, begins, goes_round, error="net-unreachable")
    net.change(goes_round, loop={"at": at, "back_to": at - 1})
    first = trouble(net, "unreachable", (at, at), begins_s=begins, ends_s=goes_round)
    place = at - 1, at + 1
    what = trouble(net, "loop", place, begins_s=goes_round, is_touched=True, segment="", other=first)
    return Made(net, int(goes_round) + 100, what, d.probing())


@network
def pair_outage_after_a_loop(d: Draw) -> Made:
    net = d.net(hops=d.whole(7, 11))
    at, begins = d.whole(4, net.count - 1), float(d.whole(60, 120))
    falls = begins + d.whole(100, 200)
    net.change(begins, falls, loop={"at": at, "back_to": at - 1})
    net.change(falls, outage=at)
    first = trouble(net, "loop", (at - 1, at + 1), begins_s=begins, ends_s=falls, is_touched=True)
    what = trouble(net, "outage", net.link(at), begins_s=falls, other=first)
    return Made(net, int(falls) + 100, what, d.probing())


@networks("pair-loss-around", {"an-outage": "outage", "a-refusal": "prohibited"})
def _loss_around(d: Draw, given: str) -> Made:
    """A loss that lasts while nothing gets through for a while, and that is still there afterwards."""
    net = d.net(hops=d.whole(8, 11))
    ttl, other = d.whole(3, 4), d.whole(6, net.count)
    net.node(ttl)["loss"] = d.real(0.15, 0.3)
    begins = float(d.whole(150, 200))
    ends = begins + 120
    if given == "outage":
        net.change(begins, ends, outage=other)
        beside = trouble(net, "outage", net.link(other), begins_s=begins, ends_s=ends)
    else:
        net.set(other, begins, ends, error=given)
        beside = trouble(net, "filter", (other, other), begins_s=begins, ends_s=ends)
    return Made(net, int(begins) + 260, trouble(net, "loss", net.link(ttl), other=beside), d.probing())


@networks("pair-swing-around", {"an-outage": "outage", "a-refusal": "prohibited", "a-loop": "loop"})
def _swing_around(d: Draw, given: str) -> Made:
    """Round trips that swing since the start, through a minute in which nothing gets through."""
    net = d.net(hops=d.whole(8, 11))
    ttl, other = d.whole(5, 6), d.whole(3, 4)
    net.node(ttl).update(delay=d.real(30, 50), jitter=d.real(130, 180))
    begins = float(d.whole(150, 200))
    if given == "outage":
        net.change(begins, begins + 60, outage=other)
        beside = trouble(net, "outage", net.link(other), begins_s=begins, ends_s=begins + 60)
    elif given == "loop":
        net.change(begins, begins + 60, loop={"at": other, "back_to": other - 1})
        place = other - 1, other + 1
        beside = trouble(net, "loop", place, begins_s=begins, ends_s=begins + 60, is_touched=True, segment="")
    else:
        net.set(other, begins, begins + 60, error=given)
        beside = trouble(net, "filter", (other, other), begins_s=begins, ends_s=begins + 60)
    return Made(net, int(begins) + 300, trouble(net, "congestion", net.link(ttl), other=beside), d.probing())


@networks("pair-worse-route-loses", {"a-tenth": 0.1, "a-third": 0.33})
def _worse_route_loses(d: Draw, given: float) -> Made:
    """Another route, which is slower by far, and loses as well: that is the graver of both."""
    net = d.net(hops=d.whole(9, 12))
    ttl, begins = d.whole(3, net.end - 4), float(d.whole(80, 150))
    inserted = [net.router(net.roles[ttl - 1], delay=d.real(15, 30)) for _ in range(2)]
    inserted[0]["loss"] = given
    net.change(begins, from_hop=ttl, remove=2, insert=inserted)
    return Made(net, int(begins) + 150, trouble(net, "loss", net.link(ttl), slack=2, begins_s=begins), d.probing())


@networks("pair-loss-and-delay", {"the-loss-ends-first": "loss", "the-delay-ends-first": "delay"})
def _loss_and_delay(d: Draw, given: str) -> Made:
    """Each begins at a time of its own and at a place of its own; what ends last is said since its own beginning."""
    net = d.net(hops=d.whole(8, 11))
    near, far = d.whole(2, 3), d.whole(5, net.count)
    first = float(d.whole(80, 120))
    second, over = first + d.whole(60, 90), first + d.whole(200, 230)
    keys, delay = {"loss": d.real(0.15, 0.3)}, net.node(far)["delay"] + d.real(40, 80)
    if given == "loss":
        net.set(near, first, over, **keys)
        net.set(far, second, delay=delay)
        other = trouble(net, "loss", (None, None), segment="", begins_s=first, ends_s=over)
        what = trouble(net, "detour", net.link(far), begins_s=second, other=other)
    else:
        net.set(far, first, over, delay=delay)
        net.set(near, second, **keys)
        other = trouble(net, "detour", (None, None), segment="", begins_s=first, ends_s=over)
        what = trouble(net, "loss", net.link(near), begins_s=second, other=other)
    return Made(net, int(over) + 90, what, d.probing())
