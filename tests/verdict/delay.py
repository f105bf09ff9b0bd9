"""Networks that are slow: queues, detours, routes that change for the worse, a bad first mile."""

from __future__ import annotations

from typing import Any, Final

from tests.verdict.case import Table
from tests.verdict.draw import Draw, Made, network, networks, trouble
from tests.verdict.networks import Net

_BEFORE: Final = (80, 150)
"""Rounds before a trouble that needs a before."""
_LASTS: Final = 120


@networks("route-change", {"longer": (2, 0.0), "as-long": (0, 0.0), "shorter": (-1, 0.0), "lossy": (1, 0.15)})
def _route_change(d: Draw, given: tuple[int, float]) -> Made:
    """Another route, slower by far; one of them loses packets instead."""
    more, loss = given
    net = d.net(hops=d.whole(9, 13))
    ttl, begins = d.whole(4, net.end - 4), float(d.whole(*_BEFORE))
    role = net.roles[ttl - 1]
    slower = d.real(25, 90) if not loss else 1.0
    inserted = [net.router(role, delay=slower / (2 + more)) for _ in range(2 + more)]
    if loss:
        inserted[0]["loss"] = loss
    net.change(begins, from_hop=ttl, remove=2, insert=inserted)
    kinds = "route-change loss" if loss else "route-change detour"
    what = trouble(net, kinds, net.link(ttl), slack=2, begins_s=begins)
    return Made(net, int(begins) + (200 if loss else _LASTS), what, d.probing())


@network
def route_change_that_ends(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl, begins = d.whole(4, net.end - 4), float(d.whole(*_BEFORE))
    inserted = [net.router(net.roles[ttl - 1], delay=d.real(15, 40)) for _ in range(3)]
    net.change(begins, begins + 90, from_hop=ttl, remove=2, insert=inserted)
    what = trouble(net, "route-change detour", net.link(ttl), slack=2, begins_s=begins, ends_s=begins + 90)
    return Made(net, int(begins) + 240, what, d.probing())


@networks("flapping", {"slower": 0, "longer-and-slower": 1})
def _flapping(d: Draw, given: int) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl = d.whole(4, net.end - 4)
    inserted = [net.router(net.roles[ttl - 1], delay=d.real(18, 40)) for _ in range(1 + given)]
    period = float(d.whole(30, 50))
    net.change(period / 2, period, period, from_hop=ttl, remove=1, insert=inserted)
    kinds = "flapping"
    return Made(net, int(period * 7 + period * 0.9), trouble(net, kinds, net.link(ttl), slack=2), d.probing())


@networks("detour", {"plain": (30, 120), "weak": (12, 18)})
def _detour(d: Draw, given: tuple[float, float]) -> Made:
    """The way is longer than the routers on it show: a tunnel that goes round."""
    net = d.net()
    ttl, begins = net.middle(), float(d.whole(*_BEFORE))
    delay = net.node(ttl)["delay"] + d.real(*given)
    net.set(ttl, begins, delay=delay)
    what = trouble(net, "detour route-change", net.link(ttl), slack=2, begins_s=begins)
    return Made(net, int(begins) + _LASTS, what, d.probing(), border=given[0] < 20)


@network
def detour_of_the_way_back(d: Draw) -> Made:
    """From there on answers come home another way, and longer: their TTLs say so as well."""
    net = d.net()
    ttl, begins = net.middle(), float(d.whole(*_BEFORE))
    net.set(ttl, begins, delay=net.node(ttl)["delay"] + d.real(25, 60), return_hops=d.whole(15, 20))
    what = trouble(net, "detour route-change", net.link(ttl), slack=2, begins_s=begins)
    return Made(net, int(begins) + _LASTS, what, d.probing())


def _queue(wait_ms: float) -> Table:
    """A queue whose mean wait is `wait_ms`: that of an M/M/1 queue at 900 packets a second. Each
    probe that goes through it makes those of the same moment wait as long again."""
    busy = wait_ms / 1000 * 900
    return {"rate": 900, "load": busy / (1 + busy), "limit": "900ms"}


def _full(d: Draw, net: Net, ttl: int) -> Table:
    """Keys of a link that is full: a queue that all probes share, or a wait that each meets for itself."""
    if d.some(True, False):
        return {"queue": _queue(d.real(18, 30) * 11 / net.end)}
    return {"delay": net.node(ttl)["delay"] + d.real(5, 25), "jitter": d.real(45, 110), "distribution": "exponential"}


@networks("congestion", {"plain": (40, 90), "weak": (15, 22)})
def _congestion(d: Draw, given: tuple[float, float]) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl, begins = d.whole(5, net.end - 2), float(d.whole(*_BEFORE))
    net.set(ttl, begins, queue=_queue(d.real(*given)))
    what = trouble(net, "congestion", net.link(ttl), slack=2, begins_s=begins)
    return Made(net, int(begins) + _LASTS, what, d.probing(), border=given[0] < 30)


@network
def congestion_that_drops(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl, begins = d.whole(5, net.end - 2), float(d.whole(*_BEFORE))
    net.set(ttl, begins, queue={**_queue(60), "limit": "150ms"})
    what = trouble(net, "congestion loss", net.link(ttl), slack=2, begins_s=begins)
    return Made(net, int(begins) + _LASTS, what, d.probing())


@network
def congestion_over_again(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl, on, period = d.whole(5, net.end - 2), 70.0, 130.0
    net.set(ttl, on, 125.0, period, queue=_queue(d.real(40, 80)))
    spans = tuple((period * n + on, period * n + 125.0) for n in range(3))
    what = trouble(
        net, "congestion", net.link(ttl), slack=2, begins_s=spans[2][0], ends_s=spans[2][1], before=spans[:2]
    )
    return Made(net, int(spans[2][1]), what, d.probing())


@networks("bufferbloat", {"since": 1, "for-a-while": 2, "over-again": 3})
def _bufferbloat(d: Draw, given: int) -> Made:
    net = d.net()
    begins = float(d.whole(*_BEFORE))
    full = _full(d, net, 2)
    if given == 3:
        begins, ends, before = 40.0 + 3 * 90, 80.0 + 3 * 90, tuple((40.0 + 90 * n, 80.0 + 90 * n) for n in range(3))
        net.set(2, 40, 80, 90, **full)
        what = trouble(net, "bufferbloat", net.link(2), begins_s=begins, ends_s=ends, before=before)
        return Made(net, int(ends), what, d.probing())
    ends_s = begins + 90 if given == 2 else None
    net.set(2, begins, ends_s, **full)
    what = trouble(net, "bufferbloat", net.link(2), begins_s=begins, ends_s=ends_s)
    return Made(net, int(ends_s + 100 if ends_s else begins + _LASTS), what, d.probing())


_RADIO: Final[dict[str, Any]] = {
    "wifi": {"jitter": 7, "distribution": "pareto", "loss": {"burst": 0.03, "recover": 0.3, "in_burst": 0.8}},
    "crowded": {"jitter": 35, "distribution": "exponential"},
}


@networks("local-network", _RADIO)
def _local(d: Draw, given: Table) -> Made:
    net = d.net()
    net.node(1).update({**given, "jitter": given["jitter"] * d.real(1.0, 1.5)})
    kinds = "local-network loss" if "loss" in given else "local-network"
    return Made(net, 220, trouble(net, kinds, (1, 1)), d.probing())


@network
def local_network_that_looks_for_others(d: Draw) -> Made:
    """A radio that scans other channels again and again, and keeps packets waiting meanwhile."""
    net = d.net()
    net.set(1, 4.0, 6.6, 12.0, jitter=d.real(120, 220))
    return Made(net, 240, trouble(net, "local-network", (1, 1)), d.probing())


@networks("local-network-since", {"queue": 0, "crowded": 1})
def _local_since(d: Draw, given: int) -> Made:
    net = d.net()
    begins = float(d.whole(*_BEFORE))
    if given:
        net.set(1, begins, jitter=d.real(40, 60), distribution="exponential")
    else:
        net.set(1, begins, queue=_queue(d.real(18, 30) * 11 / net.end))
    what = trouble(net, "local-network", (1, 1), begins_s=begins)
    return Made(net, int(begins) + _LASTS, what, d.probing())


@network
def local_network_for_a_while(d: Draw) -> Made:
    net = d.net()
    begins, lasts = float(d.whole(*_BEFORE)), float(d.whole(70, 120))
    net.set(1, begins, begins + lasts, jitter=d.real(40, 60), distribution="exponential")
    what = trouble(net, "local-network", (1, 1), begins_s=begins, ends_s=begins + lasts)
    return Made(net, int(begins + lasts) + 150, what, d.probing())
