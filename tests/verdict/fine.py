"""Paths that are fine, or merely odd: whatever they show, nothing is wrong with them."""

from __future__ import annotations

from typing import Any, Final

from tests.verdict.case import Table
from tests.verdict.draw import Draw, Made, network, networks
from tests.verdict.networks import Net

_ROUNDS: Final = 300


def _fine(d: Draw, net: Net, *notes: str, rounds: int = _ROUNDS, border: bool = False, **probing: Any) -> Made:
    return Made(net, rounds, None, d.probing(**probing), frozenset(notes), border=border)


@networks(
    "plain",
    {
        "icmp": (4, "icmp"),
        "icmp6": (6, "icmp"),
        "udp": (4, "udp"),
        "udp6": (6, "udp"),
        "tcp": (4, "tcp"),
        "tcp6": (6, "tcp"),
    },
)
def _plain(d: Draw, given: tuple[int, str]) -> Made:
    return _fine(d, d.net(), family=given[0], protocol=given[1])


@networks("hops", {"none": 0, "one": 1, "four": 4, "twenty-two": 22})
def _hops(d: Draw, given: int) -> Made:
    net = d.net(hops=max(given, 4))
    del net.hops[given:]
    return _fine(d, net)


@networks("rounds", {"one": 1, "two": 2, "five": 5, "twelve": 12, "thirty": 30})
def _rounds(d: Draw, given: int) -> Made:
    return _fine(d, d.net(), rounds=given)


@networks("paced", {"fast": (0.1, 900), "slow": (15.0, 60)})
def _paced(d: Draw, given: tuple[float, int]) -> Made:
    return _fine(d, d.net(), rounds=given[1], interval_s=given[0])


# --- limits -------------------------------------------------------------------------------------------------------


def _limit(d: Draw, low: float = 0.2, high: float = 0.9) -> Table:
    return {"rate": d.real(low, high), "burst": d.some(1, 2, 5, 10, 20)}


@network
def one_router_limits(d: Draw) -> Made:
    net = d.net()
    net.node(net.middle())["rate_limit"] = _limit(d)
    return _fine(d, net, "rate-limit")


@network
def all_routers_limit(d: Draw) -> Made:
    net = d.net()
    for ttl in range(1, net.end):
        net.node(ttl)["rate_limit"] = _limit(d, 0.5, 0.95)
    return _fine(d, net, "rate-limit")


@network
def the_last_routers_limit(d: Draw) -> Made:
    net = d.net()
    for ttl in range(net.end - 3, net.end):
        net.node(ttl)["rate_limit"] = _limit(d)
    return _fine(d, net, "rate-limit")


@network
def routers_limit_fast_probes(d: Draw) -> Made:
    net = d.net()
    for ttl in range(2, net.end):
        net.node(ttl)["rate_limit"] = {"rate": 1.0, "burst": d.whole(1, 6)}
    return _fine(d, net, "rate-limit", rounds=600, interval_s=0.2)


@networks("target-limits", {"half": (0.5, 0.5), "seldom": (0.12, 0.3), "often": (0.75, 0.95)})
def _target_limits(d: Draw, given: tuple[float, float]) -> Made:
    """It answers on the beat of its token bucket; over UDP that is what every Linux host does."""
    net = d.net()
    net.target["rate_limit"] = {"rate": d.real(*given), "burst": d.some(1, 3, 6)}
    return _fine(d, net, "target-limits", protocol=d.some("icmp", "udp"))


@network
def the_target_limits_fast_probes(d: Draw) -> Made:
    net = d.net()
    net.target["rate_limit"] = {"rate": 1.0, "burst": 6}
    return _fine(d, net, "target-limits", rounds=500, interval_s=0.25, protocol="udp")


# --- silence, slowness --------------------------------------------------------------------------------------------


@network
def some_are_silent(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    for ttl in d.rng.sample(range(2, net.end), 3):
        net.node(ttl)["silent"] = True
    return _fine(d, net, "silent")


@network
def all_but_the_target_are_silent(d: Draw) -> Made:
    net = d.net()
    for ttl in range(1, net.end):
        net.node(ttl)["silent"] = True
    return _fine(d, net, "silent")


@network
def routers_fall_silent(d: Draw) -> Made:
    """Some routers stop answering while the target goes on."""
    net = d.net(hops=d.whole(9, 13))
    for ttl in range(net.end - 3, net.end):
        net.set(ttl, 90.0, silent=True)
    return _fine(d, net)


@networks("router-silent-again", {"each-20-s": (3, 20), "each-minute": (20, 60)})
def _silent_again(d: Draw, given: tuple[int, int]) -> Made:
    """A router answers nothing for some seconds again and again, and forwards: it is no link that flaps."""
    lasts, every = given
    net = d.net()
    on = float(d.whole(4, every - lasts - 1))
    net.set(net.middle(), on, on + lasts, every, silent=True)
    return _fine(d, net)


@networks("slow-answers", {"steady": 0, "heavy-tailed": 1, "at-home": 2, "late": 3})
def _slow_answers(d: Draw, given: int) -> Made:
    net = d.net()
    node = net.node(1 if given == 2 else net.middle())
    node["reply_delay"] = 3500 if given == 3 else d.real(20, 120)
    if given in (1, 2):
        node.update(reply_jitter=d.real(20, 50), distribution="pareto" if given == 1 else "exponential", jitter=0.2)
    return _fine(d, net, "slow-answers")


@network
def a_router_becomes_slow_to_answer(d: Draw) -> Made:
    net = d.net()
    net.set(net.middle(), 100.0, reply_delay=d.real(30, 80))
    return _fine(d, net)


@network
def a_router_loses_its_own_answers(d: Draw) -> Made:
    net = d.net()
    net.node(net.middle())["reply_loss"] = d.real(0.1, 0.5)
    return _fine(d, net, "rate-limit")


@network
def two_routers_lose_their_own_answers(d: Draw) -> Made:
    """The farther one more, and not from the start."""
    net = d.net(hops=d.whole(9, 13))
    near = d.whole(2, 4)
    net.node(near)["reply_loss"] = d.real(0.03, 0.1)
    net.set(d.whole(near + 2, net.count - 2), float(d.whole(100, 150)), reply_loss=d.real(0.25, 0.4))
    return _fine(d, net)


@network
def the_last_router_loses_its_own_answers(d: Draw) -> Made:
    net = d.net()
    net.node(net.count)["reply_loss"] = d.real(0.1, 0.5)
    return _fine(d, net)


# --- balancers ----------------------------------------------------------------------------------------------------


@networks("balanced", {"by-flow": "flow", "by-packet": "packet"})
def _balanced(d: Draw, given: str) -> Made:
    net = d.net(hops=d.whole(9, 13))
    for ttl in d.rng.sample(range(3, net.end), 3):
        role = net.roles[ttl - 1]
        more = [net.router(role, 1.0)["at"] for _ in range(d.whole(1, 3))]
        net.node(ttl)["at"] = [*net.node(ttl)["at"], *(address for at in more for address in at)]
        net.node(ttl)["balance"] = given
    return _fine(d, net, *(["balanced"] if given == "packet" else []))


@networks("branches", {"even-by-flow": ("flow", 0), "even-by-packet": ("packet", 0), "uneven-by-packet": ("packet", 1)})
def _branches(d: Draw, given: tuple[str, int]) -> Made:
    """Uneven branches move all that is behind them, the target too, from TTL to TTL, packet by packet."""
    balance, more = given
    net = d.net(hops=d.whole(8, 12))
    ttl = d.whole(4, net.end - 3)
    role = net.roles[ttl - 1]
    ways = [[net.router(role, 2.0 / length) for _ in range(length)] for length in (2, 2 + more, 2)]
    net.hops[ttl - 1] = {"branches": [{"hops": way} for way in ways], "balance": balance}
    return _fine(d, net, *(["balanced"] if balance == "packet" else []))


# --- delay that is no trouble -------------------------------------------------------------------------------------


@networks("jitter", {"everywhere": ("uniform", 12.0), "normal": ("normal", 6.0), "heavy-tailed": ("pareto", 1.5)})
def _jitter(d: Draw, given: tuple[str, float]) -> Made:
    distribution, size = given
    net = d.net()
    for node in (*net.hops[2:], net.target):
        node.update(jitter=size * d.real(0.6, 1.0), distribution=distribution)
    return _fine(d, net)


@network
def mobile(d: Draw) -> Made:
    net = d.net(cgnat=True)
    net.node(2).update(jitter=d.real(9, 14), distribution="exponential", delay=d.real(18, 35))
    return _fine(d, net, rounds=600)


@network
def satellite(d: Draw) -> Made:
    net = d.net()
    net.node(2).update(delay=d.real(480, 620), jitter=d.real(8, 25))
    return _fine(d, net)


@network
def far_away(d: Draw) -> Made:
    net = d.net()
    net.node(net.middle())["delay"] = d.real(120, 260)
    return _fine(d, net)


@networks("a-little-slower", {"by-3-ms": 3.0, "by-5-ms": 4.5})
def _little_slower(d: Draw, given: float) -> Made:
    net = d.net()
    ttl = net.middle()
    net.set(ttl, 120.0, delay=net.node(ttl)["delay"] + given)
    return _fine(d, net, border=True)


@network
def a_spike_of_three_seconds(d: Draw) -> Made:
    net = d.net()
    ttl = net.middle()
    net.set(ttl, 120.0, 123.0, delay=150.0)
    return _fine(d, net, border=True)


@network
def a_faster_way(d: Draw) -> Made:
    net = d.net()
    ttl = net.middle()
    net.node(ttl)["delay"] = 60.0
    net.set(ttl, 120.0, delay=15.0)
    return _fine(d, net)


# --- chance -------------------------------------------------------------------------------------------------------


@networks("chance-loss", {"of-one-in-a-thousand": 0.001, "of-two-in-a-thousand": 0.002})
def _chance(d: Draw, given: float) -> Made:
    net = d.net()
    net.node(net.middle())["loss"] = given
    return _fine(d, net, rounds=900, border=True)


@network
def chance_loss_at_the_target(d: Draw) -> Made:
    net = d.net()
    net.target["loss"] = 0.003
    return _fine(d, net, rounds=600, border=True)


@network
def one_round_is_lost(d: Draw) -> Made:
    net = d.net()
    net.change(100.0, 100.9, outage=net.middle())
    return _fine(d, net)


@network
def the_first_probes_are_lost(d: Draw) -> Made:
    """As while the neighbour's address is asked for."""
    net = d.net()
    net.change(0, 0.3, outage=1)
    return _fine(d, net)


# --- odd packets --------------------------------------------------------------------------------------------------


@networks("weather", {
    "duplicates": {"duplicates": 0.05},
    # By more, at every hop alike, it could not be told from a bad first mile.
    "reordering": {"reorder": {"share": 0.1, "delay": "15ms"}},
    "foreign": {"foreign": 0.3},
    "forged": {"forged": {"share": 0.1}},
    "malformed": {"malformed": {"share": 0.1}},
    "seldom-late": {"late": {"share": 0.003, "delay": "5s"}},
})  # fmt: skip
def _weather(d: Draw, given: Table) -> Made:
    net = d.net()
    net.weather.update(given)
    # What is late or out of order meets answers anywhere: of the first hop, and of the target.
    return _fine(d, net, border="late" in given)


@network
def short_quotes_and_odd_ttls(d: Draw) -> Made:
    net = d.net()
    for node in net.hops:
        node.update(quote=28, reply_ttl=d.some(30, 64, 128, 255), return_hops=d.whole(0, 25))
    net.target["reply_ttl"] = d.some(32, 64, 128, 255)
    return _fine(d, net, family=4)


@network
def labels(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    for ttl in range(4, net.end - 2):
        net.node(ttl)["mpls"] = [{"label": d.whole(16, 9999)}, {"label": d.whole(16, 9999), "tc": 2}]
    return _fine(d, net)


@network
def hidden_routers(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    for ttl in (5, 6):
        net.node(ttl)["decrement"] = False
    return _fine(d, net)


@network
def a_router_forwards_what_has_no_ttl_left(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    net.node(d.whole(4, net.end - 3))["zero_ttl_forwarding"] = True
    return _fine(d, net)


@networks("rewritten", {"nat": 0, "double-nat": 1, "dscp": 2})
def _rewritten(d: Draw, given: int) -> Made:
    net = d.net(cgnat=given == 1)
    probing: dict[str, Any] = {}
    if given < 2:
        net.node(1)["nat"] = {"source": "203.0.113.250", "restore": ["address", "port"]}
        if given:
            net.node(2)["nat"] = {"source": "203.0.113.251", "source_port": 40001, "restore": ["address", "port"]}
    else:
        net.node(3)["dscp"] = 0
        probing["tos"] = 184
    note = ("nat", "double-nat", "dscp")[given]
    return _fine(d, net, note, family=4, protocol="udp" if given == 1 else "icmp", **probing)


@networks("port", {"closed": {"protocol": "tcp", "port": 81}, "open": {"protocol": "tcp", "port": 80}})
def _port(d: Draw, given: Table) -> Made:
    return _fine(d, d.net(), **{"family": 4, **given})


@network
def udp_that_is_answered(d: Draw) -> Made:
    net = d.net()
    net.target["udp"] = "reply"
    return _fine(d, net, protocol="udp")


@network
def the_other_family_is_broken(d: Draw) -> Made:
    net = d.net()
    net.target["at"] = net.target["at"][:1]
    for node in net.hops[4:]:
        node["at"] = node["at"][:1]
    return _fine(d, net, family=4)


# --- routes that change without harm ------------------------------------------------------------------------------


@networks("harmless-route-change", {"once": 0, "longer": 1, "shorter": -1})
def _harmless(d: Draw, given: int) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl = d.whole(4, net.end - 4)
    delay = net.node(ttl)["delay"] + net.node(ttl + 1)["delay"]
    inserted = [net.router(net.roles[ttl - 1], delay / (2 + given)) for _ in range(2 + given)]
    net.change(float(d.whole(60, 140)), from_hop=ttl, remove=2, insert=inserted)
    return _fine(d, net, "route-change")


@networks("harmless-route-change-to-limits", {"at-one": 1, "at-both": 2})
def _harmless_to_limits(d: Draw, given: int) -> Made:
    """The routers of the new route limit how often they answer: no loss begins with it."""
    net = d.net(hops=d.whole(9, 13))
    ttl = d.whole(4, net.end - 4)
    delay = (net.node(ttl)["delay"] + net.node(ttl + 1)["delay"]) / 2
    inserted = [net.router(net.roles[ttl - 1], delay) for _ in range(2)]
    for node in inserted[:given]:
        node["rate_limit"] = {"rate": d.real(0.4, 0.8), "burst": 3}
    net.change(float(d.whole(60, 140)), from_hop=ttl, remove=2, insert=inserted)
    return _fine(d, net, "route-change")


@network
def harmless_route_change_and_back(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl = d.whole(4, net.end - 4)
    inserted = [net.router(net.roles[ttl - 1], net.node(ttl)["delay"] + 1.0)]
    net.change(90.0, 190.0, from_hop=ttl, remove=1, insert=inserted)
    return _fine(d, net, "route-change")


@network
def a_route_change_for_the_better(d: Draw) -> Made:
    net = d.net(hops=d.whole(9, 13))
    ttl = d.whole(4, net.end - 4)
    net.node(ttl)["delay"] = 70.0
    net.change(120.0, from_hop=ttl, remove=1, insert=[net.router(net.roles[ttl - 1], 10.0)])
    return _fine(d, net, "route-change")


@network
def the_way_back_changes(d: Draw) -> Made:
    net = d.net()
    net.set(net.end, 100.0, return_hops=net.count + 5)
    return _fine(d, net)
