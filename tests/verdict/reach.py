"""Networks in which the target is not reached: outages, silence, refusals, loops, packets too big, this computer."""

from __future__ import annotations

import errno
from typing import Any, Final

from tests.verdict.case import Refusal
from tests.verdict.draw import Draw, Made, network, networks, trouble

_LASTS: Final = 80
"""Rounds that a trouble which does not end is watched for."""


@networks(
    "outage", {"icmp": (4, "icmp"), "udp": (4, "udp"), "tcp": (4, "tcp"), "icmp6": (6, "icmp"), "tcp6": (6, "tcp")}
)
def _outage(d: Draw, given: tuple[int, str]) -> Made:
    net = d.net()
    ttl, begins = net.middle(), float(d.whole(30, 200))
    net.change(begins, outage=ttl)
    what = trouble(net, "outage", net.link(ttl), begins_s=begins)
    return Made(net, int(begins) + _LASTS, what, d.probing(family=given[0], protocol=given[1]))


@networks("outage-that-ends", {"short": 12, "middling": 40, "long": 200})
def _outage_that_ends(d: Draw, given: int) -> Made:
    net = d.net()
    ttl, begins = net.middle(), float(d.whole(30, 100))
    net.change(begins, begins + given, outage=ttl)
    what = trouble(net, "outage", net.link(ttl), begins_s=begins, ends_s=begins + given)
    return Made(net, int(begins + given) + 120, what, d.probing())


@networks("outage-at", {"the-first-hop": 1, "the-access": 2, "the-last-link": 0})
def _outage_at(d: Draw, given: int) -> Made:
    net = d.net()
    ttl, begins = given or net.end, float(d.whole(30, 120))
    net.change(begins, outage=ttl)
    kinds = "outage local-network" if ttl == 1 else "outage"
    return Made(net, int(begins) + _LASTS, trouble(net, kinds, net.link(ttl), begins_s=begins), d.probing())


@network
def outage_over_again(d: Draw) -> Made:
    net = d.net()
    ttl, on, lasts = net.middle(), float(d.whole(15, 25)), float(d.whole(12, 20))
    net.change(on, on + lasts, 60, outage=ttl)
    spans = tuple((60 * n + on, 60 * n + on + lasts) for n in range(4))
    what = trouble(net, "outage", net.link(ttl), begins_s=spans[3][0], ends_s=spans[3][1], before=spans[:3])
    return Made(net, int(spans[3][1]) + 60 - int(lasts), what, d.probing())


@networks("outage-that-flaps", {"each-20-s": (3, 20), "each-minute": (4, 60), "at-the-first-hop": (5, 25)})
def _flaps(d: Draw, given: tuple[int, int]) -> Made:
    """A link that is dead for some seconds again and again, to the end; half of them with another rhythm beside it.
    From the third time on it is one trouble that comes and goes."""
    lasts, every = given
    net = d.net()
    ttl, begins = 1 if every == 25 else net.middle(), float(d.whole(4, every - 2 * lasts - 1))
    net.change(begins, begins + lasts, every, outage=ttl)
    if d.some(True, False):
        too = begins + d.whole(8, 12)
        net.change(too, too + lasts, every * 3 + 1, outage=ttl)
    kinds = "outage local-network" if ttl == 1 else "outage"
    first, third = tuple((begins + n * every, begins + n * every + lasts) for n in range(2)), begins + 2 * every
    what = trouble(net, kinds, net.link(ttl), begins_s=third, before=first)
    return Made(net, 8 * every, what, d.probing())


@network
def outage_of_the_way_back(d: Draw) -> Made:
    net = d.net()
    ttl, begins = net.middle(), float(d.whole(40, 120))
    net.set(ttl, begins, return_loss=1.0)
    return Made(net, int(begins) + _LASTS, trouble(net, "outage", net.link(ttl), begins_s=begins), d.probing())


@network
def outage_of_a_path_that_lost_before(d: Draw) -> Made:
    net = d.net()
    ttl, begins = net.middle(), float(d.whole(100, 160))
    net.node(ttl)["loss"] = d.real(0.05, 0.1)
    net.change(begins, outage=ttl)
    what = trouble(net, "outage", net.link(ttl), begins_s=begins, before=((0.0, begins),))
    return Made(net, int(begins) + _LASTS, what, d.probing())


@network
def outage_behind_silence(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl, begins = d.whole(5, net.end - 2), float(d.whole(40, 120))
    net.node(ttl - 1)["silent"] = True
    net.change(begins, outage=ttl)
    return Made(net, int(begins) + _LASTS, trouble(net, "outage", net.link(ttl), begins_s=begins), d.probing())


@networks("outage-paced", {"fast": 0.2, "slow": 10.0})
def _outage_paced(d: Draw, given: float) -> Made:
    net = d.net()
    ttl, begins = net.middle(), 60 * given
    net.change(begins, outage=ttl)
    what = trouble(net, "outage", net.link(ttl), begins_s=begins)
    return Made(net, 120, what, d.probing(interval_s=given))


@network
def outage_of_one_family(d: Draw) -> Made:
    net = d.net()
    ttl, begins = net.middle(), float(d.whole(30, 120))
    v4 = [node["at"][0] for node in (*net.hops, net.target)]
    # The routers from there on forget the other family: they are silent in it, and so is the target.
    for at in range(ttl, net.end + 1):
        net.set(at, begins, at=[v4[at - 1]])
    what = trouble(net, "outage", net.link(ttl), begins_s=begins)
    return Made(net, int(begins) + _LASTS, what, d.probing(family=6))


# --- it never answers ---------------------------------------------------------------------------------------------


@networks("no-answer", {"icmp": "icmp", "udp": "udp", "tcp": "tcp"})
def _no_answer(d: Draw, given: str) -> Made:
    net = d.net()
    net.target["silent"] = [given]
    return Made(net, 60, trouble(net, "no-answer", (net.end - 1, net.end)), d.probing(protocol=given))


@network
def no_answer_from_the_middle_on(d: Draw) -> Made:
    net = d.net()
    ttl = net.middle()
    net.change(0, outage=ttl)
    # Nobody behind it was ever seen: whose the next hop is cannot be known.
    what = trouble(net, "no-answer outage", (ttl - 1, ttl), segment="")
    return Made(net, 60, what, d.probing())


@network
def no_answer_at_all(d: Draw) -> Made:
    net = d.net()
    for ttl in range(1, net.end + 1):
        net.node(ttl)["silent"] = True
    return Made(net, 60, trouble(net, "no-answer outage local-network", (None, None)), d.probing())


@network
def no_answer_of_a_filtered_port(d: Draw) -> Made:
    net = d.net()
    net.target["closed"] = "silent"
    probing = {"family": 4, "protocol": "tcp", "port": 8443}
    return Made(net, 60, trouble(net, "no-answer filter", (net.end - 1, net.end)), probing)


# --- somebody says so ---------------------------------------------------------------------------------------------

_CODES: Final = {
    "net": "net-unreachable",
    "host": "host-unreachable",
    "source-route": "source-route-failed",
    "net-unknown": "net-unknown",
    "host-unknown": "host-unknown",
    "isolated": "source-isolated",
    "net-tos": "net-tos",
    "host-tos": "host-tos",
    "precedence": "precedence-violation",
    "cutoff": "precedence-cutoff",
}
_CODES6: Final = {"no-route6": "net-unreachable", "address6": "host-unreachable", "scope6": "beyond-scope"}


@networks("unreachable", {name: (4, code) for name, code in _CODES.items()} | {n: (6, c) for n, c in _CODES6.items()})
def _unreachable(d: Draw, given: tuple[int, str]) -> Made:
    # A precedence that is not allowed is a prohibition in hopscope's own words.
    kinds = "unreachable filter" if given[1].startswith("precedence") else "unreachable"
    return _refused(d, given[1], kinds, d.some(0.0, float(d.whole(30, 150))), given[0])


@networks(
    "unreachable-later", {"net": (4, "net-unreachable"), "host": (4, "host-unreachable"), "six": (6, "net-unreachable")}
)
def _unreachable_later(d: Draw, given: tuple[int, str]) -> Made:
    return _refused(d, given[1], "unreachable", float(d.whole(30, 150)), given[0])


@network
def unreachable_for_a_while(d: Draw) -> Made:
    net = d.net()
    ttl, begins, lasts = net.middle(), float(d.whole(40, 80)), float(d.whole(20, 50))
    net.set(ttl, begins, begins + lasts, error="host-unreachable")
    what = trouble(net, "unreachable", (ttl, ttl), begins_s=begins, ends_s=begins + lasts)
    return Made(net, int(begins + lasts) + 100, what, d.probing())


@network
def unreachable_host_says_its_last_router(d: Draw) -> Made:
    net = d.net()
    net.hops[-1]["error"] = "host-unreachable"
    return Made(net, 60, trouble(net, "unreachable", (net.count, net.count)), d.probing())


@network
def unreachable_with_limited_errors(d: Draw) -> Made:
    """The router that refuses says so only now and then: silence between is no other trouble."""
    net = d.net()
    ttl, begins = net.middle(), float(d.whole(60, 120))
    net.set(ttl, begins, error="net-unreachable", rate_limit={"rate": d.real(0.6, 1.2), "burst": 2})
    what = trouble(net, "unreachable", (ttl, ttl), begins_s=begins)
    return Made(net, int(begins) + 120, what, d.probing())


def _refused(d: Draw, error: str, kinds: str, begins: float, family: int, protocol: str | None = None) -> Made:
    net = d.net()
    ttl = net.middle()
    net.set(ttl, begins, error=error)
    what = trouble(net, kinds, (ttl, ttl), begins_s=begins)
    return Made(net, int(begins) + _LASTS, what, d.probing(family=family, protocol=protocol))


@networks(
    "filter",
    {
        "start": ("prohibited", False, 4, "icmp"),
        "later": ("prohibited", True, 4, "icmp"),
        "tcp": ("prohibited", False, 4, "tcp"),
        "udp": ("prohibited", True, 4, "udp"),
        "six": ("prohibited", False, 6, "icmp"),
    },
)
def _filter(d: Draw, given: tuple[str, bool, int, str]) -> Made:
    error, later, family, protocol = given
    return _refused(d, error, "filter", float(d.whole(30, 120)) if later else 0.0, family, protocol)


@networks("filter-by", {"net": "net-prohibited", "host": "host-prohibited"})
def _filter_by(d: Draw, given: str) -> Made:
    return _refused(d, given, "filter unreachable", d.some(0.0, 60.0), 4)


@network
def filter_that_rejects_with_port_unreachable(d: Draw) -> Made:
    return _refused(d, "port-unreachable", "filter unreachable", 60.0, 4, "icmp")


# --- loops --------------------------------------------------------------------------------------------------------


@networks("loop", {"start": (0, 1), "later": (1, 1), "wide": (1, 3), "six": (0, 1)})
def _loop(d: Draw, given: tuple[int, int]) -> Made:
    later, width = given
    net = d.net(hops=d.whole(9, 13))
    at = d.whole(width + 2, net.count - 1)
    begins = float(d.whole(40, 150)) if later else 0.0
    net.change(begins, loop={"at": at, "back_to": at - width})
    what = trouble(net, "loop", (at - width, at + 1), begins_s=begins, is_touched=True, segment=net.segment(at) or "")
    return Made(net, int(begins) + _LASTS, what, d.probing())


@network
def loop_for_a_while(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    at, begins = d.whole(4, net.count - 1), float(d.whole(40, 80))
    net.change(begins, begins + 30, loop={"at": at, "back_to": at - 1})
    what = trouble(net, "loop", (at - 1, at + 1), begins_s=begins, ends_s=begins + 30, is_touched=True, segment="")
    return Made(net, int(begins) + 150, what, d.probing())


# --- too big ------------------------------------------------------------------------------------------------------


@networks("mtu", {"start": (6, "icmp", 0), "later": (6, "icmp", 1), "udp": (6, "udp", 0), "udp-later": (6, "udp", 1)})
def _mtu(d: Draw, given: tuple[int, str, int]) -> Made:
    family, protocol, later = given
    net = d.net()
    ttl = net.middle()
    begins = float(d.whole(40, 120)) if later else 0.0
    net.set(ttl, begins, mtu=d.some(1280, 1400, 1460))
    # The narrow link is the one behind the router that says so: between two networks it may be either's.
    segment = net.segment(ttl) if net.segment(ttl) == net.segment(ttl + 1) else ""
    what = trouble(net, "mtu", (ttl, ttl + 1), begins_s=begins, is_touched=True, segment=segment or "")
    probing = d.probing(family=family, protocol=protocol, packet_size=1500)
    return Made(net, int(begins) + _LASTS, what, probing)


@networks("mtu-black-hole", {"start": 0, "later": 1})
def _black_hole(d: Draw, given: int) -> Made:
    net = d.net()
    ttl = net.middle()
    begins = float(d.whole(40, 120)) if given else 0.0
    net.set(ttl, begins, mtu=1400, mtu_silent=True)
    place = net.link(ttl + 1) if given else (ttl, ttl + 1)
    kinds = "mtu outage" if given else "mtu no-answer outage"
    what = trouble(net, kinds, place, begins_s=begins, segment=None if given else "")
    return Made(net, int(begins) + _LASTS, what, d.probing(family=6, protocol="icmp", packet_size=1500))


# --- too late -----------------------------------------------------------------------------------------------------


@networks(
    "late", {"target": (0, 0), "target-later": (0, 1), "from-the-middle": (1, 0), "from-the-middle-later": (1, 1)}
)
def _late(d: Draw, given: tuple[int, int]) -> Made:
    middle, later = given
    net = d.net()
    ttl = net.middle() if middle else net.end
    begins = float(d.whole(40, 120)) if later else 0.0
    if middle:
        net.set(ttl, begins, delay=d.real(3200, 4500))
    else:
        net.set(ttl, begins, reply_delay=d.real(3200, 4500))
    return Made(net, int(begins) + 100, trouble(net, "late", net.link(ttl), begins_s=begins), d.probing())


@network
def late_now_and_then(d: Draw) -> Made:
    net = d.net()
    ttl = net.middle()
    net.node(ttl).update(jitter=d.real(1800, 2500), distribution="exponential")
    return Made(net, 200, trouble(net, "late", net.link(ttl), slack=2), d.probing())


# --- this computer ------------------------------------------------------------------------------------------------

_LOCAL: Final[dict[str, Any]] = {
    "firewall": Refusal(),
    "firewall-later": Refusal(from_s=70.0),
    "firewall-for-a-while": Refusal(from_s=70.0, until_s=110.0),
    "no-network-later": Refusal(from_s=50.0, number=errno.ENETUNREACH),
    "third": Refusal(share=0.33, number=errno.ENOBUFS),
    "tenth-later": Refusal(share=0.12, from_s=60.0, number=errno.ENOBUFS),
}


@networks("this-computer", _LOCAL)
def _this_computer(d: Draw, given: Refusal) -> Made:
    net = d.net()
    what = trouble(
        net, "this-computer", (None, None), begins_s=given.from_s, ends_s=given.until_s, segment="this computer"
    )
    return Made(net, int(given.until_s or given.from_s) + 100, what, d.probing(), refusals=(given,))
