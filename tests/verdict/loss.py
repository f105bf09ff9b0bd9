"""Networks that lose packets: weakly and strongly, steadily and in bursts, there and on the way back."""

from __future__ import annotations

from math import gcd
from typing import Any

from tests.verdict.draw import Draw, Made, network, networks, trouble

RECURRING_S = 120.0


@networks("loss-there", {"weak": (0.02, 0.03, 500), "middling": (0.04, 0.12, 260), "strong": (0.2, 0.6, 100)})
def _there(d: Draw, given: tuple[float, float, int]) -> Made:
    low, high, rounds = given
    net = d.net()
    ttl = net.middle(behind=3)
    net.node(ttl)["loss"] = d.real(low, high)
    slack = 3 if high < 0.05 else 1
    return Made(net, rounds, trouble(net, "loss", net.link(ttl), slack=slack), d.probing(), border=slack > 1)


@network
def loss_one_percent(d: Draw) -> Made:
    net = d.net(hops=d.whole(10, 14))
    ttl = d.whole(4, net.end - 5)
    net.node(ttl)["loss"] = d.real(0.011, 0.015)
    return Made(net, 900, trouble(net, "loss", net.link(ttl), slack=4), d.probing(), border=True)


@networks("loss-back", {"middling": (0.05, 0.12, 260), "strong": (0.2, 0.5, 100)})
def _back(d: Draw, given: tuple[float, float, int]) -> Made:
    low, high, rounds = given
    net = d.net()
    ttl = net.middle(behind=2)
    net.node(ttl)["return_loss"] = d.real(low, high)
    return Made(net, rounds, trouble(net, "loss", net.link(ttl)), d.probing())


@network
def loss_both_ways(d: Draw) -> Made:
    net = d.net()
    ttl = net.middle(behind=2)
    net.node(ttl).update(loss=d.real(0.05, 0.1), return_loss=d.real(0.05, 0.1))
    return Made(net, 200, trouble(net, "loss", net.link(ttl)), d.probing())


@network
def loss_in_bursts(d: Draw) -> Made:
    net = d.net()
    ttl = net.middle(behind=3)
    # A process that each packet moves on: a burst is short in time, and hits several hops of a round.
    net.node(ttl)["loss"] = {"burst": d.real(0.015, 0.03), "recover": d.real(0.2, 0.4), "in_burst": 0.9}
    return Made(net, 400, trouble(net, "loss", net.link(ttl), slack=2), d.probing())


@network
def loss_every_so_many(d: Draw) -> Made:
    net = d.net()
    ttl = net.middle(behind=3)
    # As many as cross the link in a round, and it would be the same hop's each time: that hop's own affair.
    crossing = net.end - ttl + 1
    net.node(ttl)["loss"] = {"every": d.some(*(n for n in (7, 11, 13) if gcd(n, crossing) == 1)), "offset": 3}
    return Made(net, 240, trouble(net, "loss", net.link(ttl)), d.probing())


@networks("loss-since", {"middling": (0.08, 0.15, 200), "strong": (0.25, 0.6, 120)})
def _since(d: Draw, given: tuple[float, float, int]) -> Made:
    low, high, lasts = given
    net = d.net()
    ttl = net.middle(behind=3)
    begins = float(d.whole(70, 160))
    net.set(ttl, begins, loss=d.real(low, high))
    return Made(net, int(begins) + lasts, trouble(net, "loss", net.link(ttl), begins_s=begins), d.probing())


@network
def loss_that_ends(d: Draw) -> Made:
    net = d.net()
    ttl = net.middle(behind=3)
    begins, lasts = float(d.whole(60, 100)), float(d.whole(70, 110))
    net.set(ttl, begins, begins + lasts, loss=d.real(0.2, 0.4))
    what = trouble(net, "loss", net.link(ttl), begins_s=begins, ends_s=begins + lasts)
    return Made(net, int(begins + lasts) + 150, what, d.probing())


@network
def loss_over_again(d: Draw) -> Made:
    net = d.net()
    ttl = net.middle(behind=3)
    on, off = float(d.whole(30, 50)), float(d.whole(85, 110))
    net.set(ttl, on, off, RECURRING_S, loss=d.real(0.25, 0.45))
    spans = tuple((RECURRING_S * n + on, RECURRING_S * n + off) for n in range(3))
    what = trouble(net, "loss", net.link(ttl), begins_s=spans[2][0], ends_s=spans[2][1], before=spans[:2])
    return Made(net, int(spans[2][1]), what, d.probing())


@networks("loss-last-link", {"weak": (0.03, 0.05, 500), "middling": (0.08, 0.15, 260), "strong": (0.25, 0.5, 200)})
def _last_link(d: Draw, given: tuple[float, float, int]) -> Made:
    low, high, rounds = given
    net = d.net()
    net.target["loss"] = d.real(low, high)
    what = trouble(net, "loss", net.link(net.end), slack=2 if high < 0.06 else 1)
    return Made(net, rounds, what, d.probing(), border=high < 0.06)


@network
def loss_from_the_first_hop(d: Draw) -> Made:
    net = d.net()
    net.node(1)["loss"] = d.real(0.08, 0.3)
    return Made(net, 200, trouble(net, "loss local-network", (1, 1), slack=1), d.probing())


@networks(
    "loss-by", {"udp": (4, "udp"), "tcp": (4, "tcp"), "icmp6": (6, "icmp"), "udp6": (6, "udp"), "tcp6": (6, "tcp")}
)
def _by(d: Draw, given: tuple[int, str]) -> Made:
    net = d.net()
    ttl = net.middle(behind=2)
    net.node(ttl)["loss"] = d.real(0.06, 0.2)
    probing = d.probing(family=given[0], protocol=given[1])
    return Made(net, 240, trouble(net, "loss", net.link(ttl)), probing)


@network
def loss_behind_silence(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl = d.whole(5, net.end - 3)
    net.node(ttl - 1)["silent"] = True
    net.node(ttl)["loss"] = d.real(0.1, 0.3)
    return Made(net, 200, trouble(net, "loss", net.link(ttl)), d.probing())


@network
def loss_on_a_path_of_silence(d: Draw) -> Made:
    net = d.net()
    for ttl in range(3, net.end):
        net.node(ttl)["silent"] = True
    net.node(d.whole(4, net.end - 1))["loss"] = d.real(0.1, 0.3)
    return Made(net, 260, trouble(net, "loss", (2, net.end)), d.probing())


@network
def loss_among_limits(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl = d.whole(4, net.end - 3)
    for other in d.rng.sample([n for n in range(2, net.end) if n not in (ttl, ttl - 1)], 3):
        net.node(other)["rate_limit"] = {"rate": d.real(0.3, 0.7), "burst": d.whole(1, 6)}
    net.node(ttl)["loss"] = d.real(0.08, 0.2)
    return Made(net, 300, trouble(net, "loss", net.link(ttl), slack=2), d.probing(), frozenset({"rate-limit"}))


@network
def loss_beside_loss_of_answers(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl = d.whole(5, net.end - 3)
    net.node(ttl - 2)["reply_loss"] = d.real(0.15, 0.4)
    net.node(ttl)["loss"] = d.real(0.06, 0.12)
    return Made(net, 300, trouble(net, "loss", net.link(ttl)), d.probing())


@networks("loss-paced", {"fast": (0.2, 0.03, 0.06, 600), "slow": (5.0, 0.12, 0.25, 110)})
def _paced(d: Draw, given: tuple[float, float, float, int]) -> Made:
    interval, low, high, rounds = given
    net = d.net()
    ttl = net.middle(behind=3)
    net.node(ttl)["loss"] = d.real(low, high)
    return Made(net, rounds, trouble(net, "loss", net.link(ttl), slack=2), d.probing(interval_s=interval))


@networks("loss-path", {"short": 4, "long": 20})
def _path(d: Draw, given: int) -> Made:
    net = d.net(hops=given)
    ttl = net.middle(behind=2)
    net.node(ttl)["loss"] = d.real(0.06, 0.2)
    return Made(net, 260, trouble(net, "loss", net.link(ttl)), d.probing())


@network
def loss_behind_a_balancer(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl = d.whole(5, net.end - 3)
    _beside(net.node(ttl - 1), d)
    net.node(ttl)["loss"] = d.real(0.08, 0.25)
    return Made(net, 240, trouble(net, "loss", net.link(ttl)), d.probing(), frozenset({"balanced"}))


def _beside(node: dict[str, Any], d: Draw) -> None:
    """A router's place is shared by another, packet by packet."""
    v4, v6 = node["at"]
    node["at"] = [v4, f"{v4.rsplit('.', 1)[0]}.{d.whole(200, 250)}", v6, f"{v6.rsplit('::', 1)[0]}::f{d.whole(10, 99)}"]
    node["balance"] = "packet"


@network
def loss_in_bad_weather(d: Draw) -> Made:
    net = d.net()
    ttl = net.middle(behind=3)
    net.node(ttl)["loss"] = d.real(0.08, 0.2)
    net.weather.update(duplicates=0.03, reorder={"share": 0.05, "delay": "15ms"}, foreign=0.05)
    return Made(net, 240, trouble(net, "loss", net.link(ttl)), d.probing())


@networks("bad-member", {"dead": 1.0, "lossy": 0.5})
def _bad_member(d: Draw, given: float) -> Made:
    """One of several branches that packets take in turns carries less than it should."""
    net = d.net(hops=d.whole(8, 12))
    fork = d.whole(4, net.end - 4)
    role = net.roles[fork - 1]
    members = [net.router(role, delay=3.0) for _ in range(d.whole(2, 3))]
    members[0]["loss"] = given
    net.hops[fork - 1] = {"branches": [{"hops": [member]} for member in members], "balance": "packet"}
    first, last = fork - 1, fork
    what = trouble(net, "bad-member loss", (first, last), slack=2, segment=role if net.owned else "")
    return Made(net, 260, what, d.probing())


@network
def loss_before_a_target_that_limits(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl = d.whole(3, net.end - 4)
    net.node(ttl)["loss"] = d.real(0.08, 0.25)
    net.target["rate_limit"] = {"rate": d.real(0.3, 0.6), "burst": d.whole(1, 6)}
    return Made(net, 400, trouble(net, "loss", net.link(ttl)), d.probing(), frozenset({"target-limits"}))


@network
def loss_on_top_of_a_nearer_loss(d: Draw) -> Made:
    net = d.net(hops=d.whole(10, 14))
    near = d.whole(2, 4)
    far = d.whole(near + 3, net.end - 2)
    net.node(near)["loss"] = d.real(0.03, 0.06)
    net.node(far)["loss"] = d.real(0.15, 0.3)
    return Made(net, 300, trouble(net, "loss", net.link(far)), d.probing())


@networks("loss-that-moves", {"farther": False, "nearer": True})
def _moves(d: Draw, given: bool) -> Made:
    net = d.net(hops=d.whole(10, 14))
    near = d.whole(2, 4)
    far = d.whole(near + 3, net.end - 2)
    begins, moves = float(d.whole(60, 120)), float(d.whole(400, 500))
    was, now = (far, near) if given else (near, far)
    net.set(was, begins, moves, loss=d.real(0.1, 0.2))
    net.set(now, moves, loss=d.real(0.1, 0.2))
    what = trouble(net, "loss", net.link(now), begins_s=moves, before=((begins, moves),))
    return Made(net, int(moves) + 300, what, d.probing())


@network
def loss_that_comes_on_top_of_a_nearer_loss(d: Draw) -> Made:
    net = d.net(hops=d.whole(10, 14))
    near = d.whole(2, 4)
    far = d.whole(near + 2, net.end - 3)
    net.node(near)["loss"] = d.real(0.03, 0.1)
    begins = float(d.whole(300, 400))
    net.set(far, begins, loss=d.real(0.25, 0.4))
    less = trouble(net, "loss", net.link(near))
    return Made(net, int(begins) + 150, trouble(net, "loss", net.link(far), begins_s=begins, other=less), d.probing())
