"""The route moves, an uplink goes, an address is another one: every method follows, and no probe of that is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Final

import msgspec
import pytest

from hopscope.probe.engine import STANDSTILL_NS
from hopscope.probe.probed import LOOK_EVERY_NS
from hopscope.wire.messages import (
    Answered,
    Event,
    Failed,
    Family,
    Finished,
    Lost,
    Method,
    Plan,
    Protocol,
    Refused,
    SourceChanged,
    Start,
    Started,
)
from tests.lab import netns
from tests.lab.conversation import Conversation, User
from tests.lab.uplinks import NEIGHBOUR, TARGET, Uplinks

SECOND_NS: Final = 1_000_000_000
WITHIN_NS: Final = 3 * SECOND_NS
TIMEOUT_NS: Final = 600_000_000
LOOKED_NS: Final = LOOK_EVERY_NS + 200_000_000
USERS = pytest.mark.parametrize("user", ["plain", "root"])
METHODS: Final[dict[User, tuple[tuple[Method, Protocol], ...]]] = {
    "plain": (("ping-socket", "icmp"), ("udp-socket", "udp"), ("tcp-socket", "tcp")),
    "root": (("ping-socket", "icmp"), ("raw", "icmp"), ("raw", "udp"), ("raw", "tcp"), ("scapy", "udp")),
}
FAMILIES: Final[tuple[Family, ...]] = (4, 6)


@pytest.fixture
def uplinks(lab_allowed: None) -> Iterator[Uplinks]:
    with Uplinks() as made:
        made.use(1)
        yield made


class Traces:
    """A worker with a target for each method that the user has, in both families, every one answered already."""

    def __init__(
        self, uplinks: Uplinks, user: User, *, interface: str | None = None, source: int | None = None
    ) -> None:
        self.worker = Conversation(uplinks.client, user, *(["--scapy"] if user == "root" else []))
        self.families: dict[int, Family] = {}
        for method, protocol in METHODS[user]:
            for family in FAMILIES:
                number = len(self.families) + 1
                self.families[number] = family
                plan = Plan(
                    TARGET[family],
                    family,
                    protocol,
                    method,
                    port=None if protocol == "icmp" else 33434,
                    interval_ns=100_000_000,
                    timeout_ns=TIMEOUT_NS,
                    max_ttl=1,
                    interface=interface,
                    source=uplinks.source(source, family) if source else None,
                )
                self.worker.say(Start(number, plan))
        self.all_answer(0)

    def __enter__(self) -> Traces:
        return self

    def __exit__(self, *how: object) -> None:
        self.worker.__exit__(None, None, None)

    def all_answer(self, after: int) -> int:
        """Wait until a probe of each target that was sent after a moment is answered; when the last of those left."""
        sent: dict[int, int] = {}

        def enough(event: Event) -> bool:
            assert not isinstance(event, Refused), event
            if isinstance(event, Answered) and event.sent_at > after:
                sent.setdefault(event.target, event.sent_at)
            return len(sent) == len(self.families)

        self.worker.until(enough)
        return max(sent.values())

    def all_failed(self, after: int) -> set[str]:
        """Wait until a probe of each target that was sent after a moment has failed; how."""
        errors: dict[int, str] = {}

        def enough(event: Event) -> bool:
            if isinstance(event, Failed) and event.sent_at > after and event.error != "MOVED":
                errors.setdefault(event.target, event.error)
            return len(errors) == len(self.families)

        self.worker.until(enough)
        return set(errors.values())

    def follow(self, uplinks: Uplinks, at: int, before: int, after: int, *, old: int = 2, new: int = 2) -> None:
        """Each target leaves from another address within the time that is allowed, says so, and loses nothing."""
        assert self.all_answer(at) - at < WITHIN_NS
        # Until what had left before has its fate.
        self.all_answer(time.time_ns() + TIMEOUT_NS)
        assert not [event for event in self.worker.events if isinstance(event, Lost)]
        changes = [event for event in self.worker.events if isinstance(event, SourceChanged) and event.at > at]
        assert {(event.target, event.before, event.after) for event in changes} == {
            (number, uplinks.source(before, family, old), uplinks.source(after, family, new))
            for number, family in self.families.items()
        }
        assert len(changes) == len(self.families)
        assert all(event.at - at < WITHIN_NS for event in changes)
        told = {event.target: event.source for event in self.worker.events if isinstance(event, Started)}
        assert told == {number: uplinks.source(after, family, new) for number, family in self.families.items()}

    def failures(self) -> set[str]:
        """How probes failed so far, each in words."""
        failed = [event for event in self.worker.events if isinstance(event, Failed)]
        assert all(event.message and not event.message.startswith("[") for event in failed)
        return {event.error for event in failed}

    def changes(self) -> list[Event]:
        return [event for event in self.worker.events if isinstance(event, SourceChanged)]


@USERS
def test_a_route_that_moves_to_another_uplink_is_followed_and_nothing_is_lost(uplinks: Uplinks, user: User) -> None:
    with Traces(uplinks, user) as traces:
        moved_at = time.time_ns()
        uplinks.use(2)
        traces.follow(uplinks, moved_at, 1, 2)
        # What left by the new way with the old address is answered to nobody: this machine's doing.
        assert traces.failures() == {"MOVED"}


@USERS
def test_a_vpn_that_comes_and_goes_is_followed_both_times(uplinks: Uplinks, user: User) -> None:
    uplinks.disconnect(2)
    with Traces(uplinks, user) as traces:
        came_at = time.time_ns()
        uplinks.connect(2)
        uplinks.use(2)
        traces.follow(uplinks, came_at, 1, 2)
        went_at = time.time_ns()
        uplinks.disconnect(2)
        uplinks.use(1)
        traces.follow(uplinks, went_at, 2, 1)


@USERS
def test_the_second_uplink_is_used_when_the_first_goes_down(uplinks: Uplinks, user: User) -> None:
    uplinks.use(2, metric=500)
    with Traces(uplinks, user) as traces:
        down_at = time.time_ns()
        netns.ip(["link set up1 down"], uplinks.client)
        traces.follow(uplinks, down_at, 1, 2)


@USERS
def test_a_machine_that_wakes_up_in_another_network_goes_on_from_there_and_nothing_is_lost(
    uplinks: Uplinks, user: User
) -> None:
    with Traces(uplinks, user) as traces:
        pid = traces.worker.worker.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            uplinks.use(2)
            # That it stood still is known by the clock alone: this is how long it did.
            time.sleep((STANDSTILL_NS + SECOND_NS) / 1e9)
        finally:
            woke_at = time.time_ns()
            os.kill(pid, signal.SIGCONT)
        traces.follow(uplinks, woke_at, 1, 2)
        assert traces.failures() <= {"ASLEEP", "MOVED"}


@USERS
def test_an_interface_that_is_renumbered_is_followed(uplinks: Uplinks, user: User) -> None:
    with Traces(uplinks, user) as traces:
        at = time.time_ns()
        uplinks.renumber(1, 7)
        uplinks.use(1)
        traces.follow(uplinks, at, 1, 1, new=7)


@USERS
def test_an_interface_that_was_asked_for_and_is_made_anew_is_used_again(uplinks: Uplinks, user: User) -> None:
    uplinks.use(2)
    with Traces(uplinks, user, interface="up2") as traces:
        gone_at = time.time_ns()
        uplinks.disconnect(2)
        assert traces.all_failed(gone_at) <= {"ENODEV", "ENETUNREACH", "EADDRNOTAVAIL", "EINVAL", "ENETDOWN"}
        uplinks.connect(2)
        uplinks.use(2)
        back_at = time.time_ns()
        assert traces.all_answer(back_at) - back_at < WITHIN_NS
        assert traces.changes() == []


@USERS
def test_a_neighbour_on_a_link_is_found_again_when_the_interface_is_made_anew(uplinks: Uplinks, user: User) -> None:
    with Conversation(uplinks.client, user, *(["--scapy"] if user == "root" else [])) as worker:
        for number, (method, protocol) in enumerate(METHODS[user]):
            port = None if protocol == "icmp" else 33434
            address = f"{NEIGHBOUR}%up2"
            worker.say(Start(number, Plan(address, 6, protocol, method, port=port, max_ttl=1, interval_ns=100_000_000)))

        def all_answer(after: int) -> None:
            answered: set[int] = set()

            def enough(event: Event) -> bool:
                assert not isinstance(event, Refused), event
                if isinstance(event, Answered) and event.sent_at > after:
                    assert event.address == f"{NEIGHBOUR}%up2"
                    answered.add(event.target)
                return len(answered) == len(METHODS[user])

            worker.until(enough)

        all_answer(0)
        uplinks.disconnect(2)
        worker.until(lambda event: isinstance(event, Failed))
        uplinks.connect(2)
        back_at = time.time_ns()
        all_answer(back_at)
        assert time.time_ns() - back_at < WITHIN_NS


@USERS
def test_a_route_that_goes_and_comes_back_is_survived(uplinks: Uplinks, user: User) -> None:
    with Traces(uplinks, user) as traces:
        gone_at = time.time_ns()
        uplinks.use_none()
        assert traces.all_failed(gone_at) == {"ENETUNREACH"}
        back_at = time.time_ns()
        uplinks.use(1)
        assert traces.all_answer(back_at) - back_at < WITHIN_NS
        assert not [event for event in traces.worker.events if isinstance(event, Lost)]
        assert traces.changes() == []


@USERS
def test_an_interface_that_was_asked_for_is_kept_when_the_route_moves(uplinks: Uplinks, user: User) -> None:
    uplinks.use(1, metric=500)
    with Traces(uplinks, user, interface="up1") as traces:
        moved_at = time.time_ns()
        uplinks.use(2)
        traces.all_answer(moved_at + LOOKED_NS)
        assert traces.changes() == []
        assert traces.failures() == set()


@USERS
def test_a_source_that_was_asked_for_is_kept_when_the_route_moves(uplinks: Uplinks, user: User) -> None:
    with Traces(uplinks, user, source=1) as traces:
        moved_at = time.time_ns()
        uplinks.use(2)
        traces.worker.until(lambda event: isinstance(event, Lost) and event.sent_at > moved_at + LOOKED_NS)
        uplinks.use(1)
        traces.all_answer(time.time_ns())
        assert traces.changes() == []
        assert traces.failures() == set()


@USERS
def test_a_source_that_was_asked_for_and_is_gone_is_named_and_used_again_when_it_is_back(
    uplinks: Uplinks, user: User
) -> None:
    """Whatever the kernel says of it: no route, a blackhole, or nothing, since whole packets leave all the same."""
    with Traces(uplinks, user, source=1) as traces:
        uplinks.renumber(1, 7)
        uplinks.use(1)
        gone_at = time.time_ns()
        assert traces.all_failed(gone_at) == {"EADDRNOTAVAIL"}
        assert traces.all_failed(time.time_ns()) == {"EADDRNOTAVAIL"}
        returns_at = time.time_ns()
        uplinks.renumber(1, 2)
        uplinks.use(1)
        back_at = time.time_ns()
        assert traces.all_answer(back_at) - back_at < WITHIN_NS
        assert not [e for e in traces.worker.events if isinstance(e, Lost) and e.sent_at < returns_at]
        assert traces.changes() == []


@pytest.mark.parametrize(
    ("rule", "options"),
    [("uidrange 0-0", ()), ("fwmark 7", ("--mark", "7"))],
    ids=["routes-by-user", "routes-by-mark"],
)
def test_whole_packets_have_the_source_of_the_way_that_they_take_whoever_the_worker_became(
    uplinks: Uplinks, rule: str, options: tuple[str, ...]
) -> None:
    uplinks.use(2)
    for family, gateway in ((FAMILIES[0], "198.19.1.1"), (FAMILIES[1], "fd00:19:1::1")):
        commands = [f"route add default via {gateway} dev up1 table 100", f"rule add {rule} lookup 100"]
        netns.ip(commands, uplinks.client, family=family)
    with Conversation(uplinks.client, "root", *options) as worker:
        number = 0
        for protocol in ("icmp", "udp", "tcp"):
            for family in FAMILIES:
                number += 1
                port = None if protocol == "icmp" else 33434
                plan = Plan(TARGET[family], family, protocol, "raw", port=port, max_ttl=1, interval_ns=100_000_000)
                worker.say(Start(number, plan))
        sources: dict[int, str | None] = {}
        answered: set[int] = set()

        def enough(event: Event) -> bool:
            if isinstance(event, Started):
                sources[event.target] = event.source
            elif isinstance(event, Answered):
                answered.add(event.target)
            return len(answered) == number

        worker.until(enough)
        assert sources == {n: uplinks.source(1, FAMILIES[(n - 1) % 2]) for n in range(1, number + 1)}


@pytest.mark.parametrize("has_default", [True, False])
def test_root_sees_roots_way_by_whatever_method_is_taken(uplinks: Uplinks, has_default: bool) -> None:
    uplinks.use(2)
    if not has_default:
        uplinks.use_none()
    for family, gateway in ((FAMILIES[0], "198.19.1.1"), (FAMILIES[1], "fd00:19:1::1")):
        commands = [f"route add default via {gateway} dev up1 table 100", "rule add uidrange 0-0 lookup 100"]
        netns.ip(commands, uplinks.client, family=family)
    with Conversation(uplinks.client, "root") as worker:
        for number, family in enumerate(FAMILIES):
            worker.say(Start(number, Plan(TARGET[family], family, max_ttl=1, interval_ns=100_000_000)))
        started: dict[int, tuple[Method, str | None]] = {}
        while len(started) < len(FAMILIES):
            event = worker.until(lambda event: isinstance(event, Started | Refused))
            assert isinstance(event, Started), event
            started[event.target] = (event.method, event.source)
        assert started == {n: ("raw", uplinks.source(1, family)) for n, family in enumerate(FAMILIES)}
        worker.until(lambda event: isinstance(event, Answered))


def test_where_all_users_go_one_way_the_cheapest_method_is_taken(uplinks: Uplinks) -> None:
    with Conversation(uplinks.client, "root") as worker:
        worker.say(Start(1, Plan(TARGET[4], 4, max_ttl=1)))
        started = worker.until(lambda event: isinstance(event, Started | Refused))
        assert isinstance(started, Started)
        assert started.method == "ping-socket"


@USERS
@pytest.mark.parametrize("policy", ["0", "1"], ids=["by-addresses", "by-ports"])
def test_of_several_uplinks_at_once_each_packet_takes_the_one_whose_address_it_has(
    uplinks: Uplinks, user: User, policy: str
) -> None:
    uplinks.use_none()
    for family, gateways in ((FAMILIES[0], "198.19.{}.1"), (FAMILIES[1], "fd00:19:{}::1")):
        hops = " ".join(f"nexthop via {gateways.format(number)} dev up{number}" for number in (1, 2))
        netns.ip([f"route add default {hops}"], uplinks.client, family=family)
        netns.sysctl(uplinks.client, {f"ipv{family}.fib_multipath_hash_policy": policy})
    with Conversation(uplinks.client, user) as worker:
        number = 0
        for method, protocol in METHODS[user]:
            if method == "scapy":
                continue
            for family in FAMILIES:
                for target in uplinks.more_targets(family):
                    number += 1
                    port = None if protocol == "icmp" else 33434
                    plan = Plan(target, family, protocol, method, port=port, max_ttl=1, interval_ns=200_000_000)
                    worker.say(Start(number, msgspec.structs.replace(plan, timeout_ns=TIMEOUT_NS, rounds=8)))
        finished: set[int] = set()

        def enough(event: Event) -> bool:
            if isinstance(event, Finished):
                finished.add(event.target)
            return len(finished) == number

        worker.until(enough)
        assert [event for event in worker.events if isinstance(event, Lost | Failed | SourceChanged | Refused)] == []
        sources = {event.source for event in worker.events if isinstance(event, Started)}
        assert sources == {uplinks.source(uplink, family) for uplink in (1, 2) for family in FAMILIES}
