"""What this machine refuses, its firewall or its next hop, has failed here: it is never the network's loss, and never
the answer of somebody else. What a stranger says is never this machine's fault."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hopscope.probe.channel import Probe
from hopscope.probe.sockets import routing
from hopscope.wire.messages import (
    DEFAULT_PORT,
    Answered,
    Event,
    Failed,
    Family,
    Finished,
    Late,
    Lost,
    Method,
    Plan,
    Protocol,
    Start,
    Started,
)
from tests.lab import netns
from tests.lab.conversation import Conversation, User
from tests.lab.drive import Driver, channel_class
from tests.lab.odd_router import ROUTER, SOURCE, TARGET, OddRouter, icmp, prohibited

pytestmark = pytest.mark.usefixtures("lab_allowed")
FAMILIES = pytest.mark.parametrize("family", [4, 6])
WAYS: list[tuple[User, Method, Protocol]] = [
    ("plain", "ping-socket", "icmp"),
    ("plain", "udp-socket", "udp"),
    ("plain", "tcp-socket", "tcp"),
    ("root", "raw", "icmp"),
    ("root", "raw", "udp"),
    ("root", "raw", "tcp"),
]
SILENT: dict[Family, str] = {4: "10.1.0.1", 6: "fd00:1::1"}
FAR: dict[Family, str] = {4: "198.18.0.99", 6: "fd00:9::99"}
SECOND = 1_000_000_000
LINK = {
    "ipv4.ping_group_range": "0 2147483647",
    "ipv4.neigh.up0.retrans_time_ms": "100",
    "ipv6.neigh.up0.retrans_time_ms": "100",
}


@contextmanager
def nobody_behind(link: dict[str, str]) -> Iterator[str]:
    """A namespace whose gateway is an address that nobody has."""
    name = netns.new_name("lonely")
    netns.add(name)
    try:
        netns.sysctl(name, {"ipv6.conf.default.accept_dad": "0", "ipv6.conf.default.router_solicitations": "0"})
        netns.ip(
            [
                "link add up0 type veth peer name nobody",
                "address add 10.1.0.2/24 dev up0",
                "address add fd00:1::2/64 dev up0 nodad",
                "link set up0 up",
                "link set nobody up",
                f"route add default via {SILENT[4]}",
                f"route add default via {SILENT[6]}",
            ],
            name,
        )
        netns.sysctl(name, link)
        netns.until_local(name, ["fd00:1::2"])
        yield name
    finally:
        netns.remove([name])


def fates(events: list[Event]) -> dict[tuple[int, int], Event]:
    """The last word on each probe."""
    return {(event.round, event.ttl): event for event in events if isinstance(event, Answered | Failed | Lost | Late)}


def plan_of(method: Method, protocol: Protocol, family: Family, timeout_ns: int = SECOND) -> Plan:
    return Plan(
        FAR[family], family, protocol, method, rounds=2, max_ttl=2, timeout_ns=timeout_ns, interval_ns=SECOND // 10
    )


@FAMILIES
@pytest.mark.parametrize(("user", "method", "protocol"), WAYS)
def test_a_next_hop_that_does_not_answer_is_named_and_nothing_is_lost(
    user: User, method: Method, protocol: Protocol, family: Family
) -> None:
    with nobody_behind(LINK) as name, Conversation(name, user) as worker:
        worker.say(Start(1, plan_of(method, protocol, family)))
        worker.until(lambda event: isinstance(event, Finished))
        last = fates(worker.events)
        assert len(last) == 4
        for event in last.values():
            assert isinstance(event, Failed), event
            assert (event.error, event.message) == (
                "EHOSTUNREACH",
                f"the next hop {SILENT[family]} does not answer this computer",
            )


@pytest.mark.parametrize(("user", "method", "protocol"), WAYS)
def test_a_timeout_that_ends_before_the_kernel_gives_the_next_hop_up_changes_nothing(
    user: User, method: Method, protocol: Protocol
) -> None:
    with nobody_behind(LINK | {"ipv4.neigh.up0.retrans_time_ms": "5000"}) as name, Conversation(name, user) as worker:
        worker.say(Start(1, plan_of(method, protocol, 4, SECOND // 5)))
        worker.until(lambda event: isinstance(event, Finished))
        assert {type(event) for event in fates(worker.events).values()} == {Failed}


REJECTS: list[tuple[Family, str]] = [
    (4, "port-unreachable"),
    (4, "host-prohibited"),
    (4, "admin-prohibited"),
    (4, "host-unreachable"),
    (6, "port-unreachable"),
    (6, "admin-prohibited"),
    (6, "addr-unreachable"),
]


@pytest.mark.needs("nft")
@pytest.mark.parametrize(
    ("user", "method", "protocol", "family", "kind"),
    [
        (*way, *reject)
        for way in WAYS
        for reject in REJECTS
        # Only a plain user's SYN is not refused by the system call already.
        if way[1] == "tcp-socket" or reject[1] == "admin-prohibited"
    ],
)
def test_what_this_machines_firewall_rejects_has_failed_here(
    user: User, method: Method, protocol: Protocol, family: Family, kind: str
) -> None:
    with nobody_behind(LINK) as name, Conversation(name, user) as worker:
        netns.ip([f"neighbour replace {SILENT[of]} dev up0 lladdr 02:00:00:00:00:01" for of in (4, 6)], name)
        rule = f"ip daddr {FAR[4]} reject with icmp" if family == 4 else f"ip6 daddr {FAR[6]} reject with icmpv6"
        table = f"table inet t {{ chain out {{ type filter hook output priority 0; {rule} {kind}; }}; }}"
        words = ["ip", "netns", "exec", name, "nft", "-f", "-"]
        subprocess.run(words, input=table, text=True, check=True)
        worker.say(Start(1, plan_of(method, protocol, family)))
        worker.until(lambda event: isinstance(event, Finished))
        last = fates(worker.events)
        assert len(last) == 4
        for event in last.values():
            assert isinstance(event, Failed), event
            assert event.error == "EPERM"
            assert "this computer's firewall" in event.message


@pytest.mark.needs("nft")
@FAMILIES
def test_a_reset_that_this_machines_firewall_makes_in_the_targets_name_is_remarked_on(family: Family) -> None:
    with nobody_behind(LINK) as name, Conversation(name, "plain") as worker:
        rule = f"{'ip' if family == 4 else 'ip6'} daddr {FAR[family]} meta l4proto tcp reject with tcp reset"
        table = f"table inet t {{ chain out {{ type filter hook output priority 0; {rule}; }}; }}"
        subprocess.run(["ip", "netns", "exec", name, "nft", "-f", "-"], input=table, text=True, check=True)
        worker.say(Start(1, plan_of("tcp-socket", "tcp", family)))
        worker.until(lambda event: isinstance(event, Finished))
        notes = [event.note for event in worker.events if isinstance(event, Started)]
        assert notes[-1] is not None
        assert "this computer's firewall or a proxy" in notes[-1]


def test_routing_says_who_the_next_hop_is_and_whether_it_answers(lab_allowed: None) -> None:
    with nobody_behind(LINK) as name, netns.entered(name):
        way = routing.way_to(FAR[4], 4)
        assert way is not None
        assert way.next_hop == SILENT[4]
        netns.ip([f"neighbour replace {SILENT[4]} dev up0 lladdr 02:00:00:00:00:01"], name)
        assert routing.is_silent(way) is False
        broadcast = routing.way_to("10.1.0.255", 4)
        assert broadcast is not None
        assert broadcast.kind == routing.RTN_BROADCAST
        netns.ip([f"route add prohibit {FAR[4]}/32"], name)
        with pytest.raises(PermissionError):
            routing.way_to(FAR[4], 4)


@pytest.mark.needs("tun")
@FAMILIES
@pytest.mark.parametrize(("method", "protocol"), [("ping-socket", "icmp"), ("udp-socket", "udp")])
def test_a_storm_of_forged_errors_fails_no_send(method: str, protocol: Protocol, family: Family) -> None:
    port = 33434 if protocol == "udp" else None
    with OddRouter(lambda packet: []) as router, netns.entered(router.name):
        driver = Driver(channel_class(method), Plan(TARGET[family], family, protocol, port=port))
        over = threading.Event()
        try:
            driver.send(0, 1)
            router.on_ready()
            (forged,) = [prohibited(packet) for packet in router.seen]

            def storm() -> None:
                while not over.is_set():
                    for _ in range(64):
                        os.write(router.fd, forged)

            flood = threading.Thread(target=storm)
            flood.start()
            try:
                for number in range(300):
                    driver.send(number, 1)  # an `OSError` would be told as this machine's fault
            finally:
                over.set()
                flood.join()
        finally:
            driver.close()


@pytest.mark.needs("tun")
@pytest.mark.parametrize(
    ("method", "protocol"),
    [
        ("ping-socket", "icmp"),
        ("udp-socket", "udp"),
        ("tcp-socket", "tcp"),
        ("raw", "icmp"),
        ("raw", "udp"),
        ("raw", "tcp"),
        ("scapy", "icmp"),
        ("scapy", "udp"),
    ],
)
def test_who_writes_from_this_machines_address_about_a_probe_that_left_is_a_stranger(
    method: Method, protocol: Protocol
) -> None:
    """Over IPv6 the kernel takes packets from its own address off the wire; over IPv4 it does not."""
    port = DEFAULT_PORT[protocol]
    with OddRouter(lambda packet: [prohibited(packet, SOURCE[6])]) as router, netns.entered(router.name):
        driver = Driver(channel_class(method), Plan(TARGET[6], 6, protocol, method, port=port))
        failed: list[Probe] = []
        driver.context.failed_here = lambda probe, error, message: failed.append(probe)
        try:
            driver.wait(lambda: False, 0.05)  # until the kernel stamps
            driver.send(0, 2)
            router.on_ready()
            assert driver.wait(lambda: driver.context.tally.foreign > 0)
            assert not failed
        finally:
            driver.close()


@pytest.mark.needs("tun")
@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_what_a_router_says_of_the_paths_mtu_keeps_no_raw_probe_from_leaving(protocol: Protocol) -> None:
    def too_big(packet: bytes) -> list[bytes]:
        return [icmp(6, 2, (1280).to_bytes(4, "big") + packet[:1200], ROUTER[6])]

    port = 33434 if protocol == "udp" else None
    with OddRouter(too_big) as router, netns.entered(router.name):
        plan = Plan(TARGET[6], 6, protocol, "raw", port=port, packet_size=1400)
        driver = Driver(channel_class("raw"), plan)
        try:
            probe = driver.send(0, 2)
            router.on_ready()
            assert driver.wait(lambda: driver.answered([probe]))
            driver.send(1, 1)  # an `OSError` would be told as this machine's fault
            router.on_ready()
            assert [len(packet) for packet in router.seen] == [1400, 1400]
        finally:
            driver.close()
