"""A target whose flows are as many as it has paths, through the engine, on simulated networks in virtual time."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hopscope.probe.channel import ChannelRefused
from hopscope.probe.parallel import source_port
from hopscope.probe.virtual import VirtualEngine
from hopscope.wire.discovered import Discovered
from hopscope.wire.messages import (
    Answered,
    Event,
    Finished,
    Lost,
    Pause,
    Plan,
    Protocol,
    Refused,
    Resume,
    RoundStarted,
    Sent,
    Start,
    Started,
    Stop,
    Stopped,
)
from tests.lab.virtual import simulated
from tests.probe.fake import SECOND

TARGET = "192.0.2.80"
PLAN = Plan(TARGET, 4, "udp", flows=0)
ROUTERS = "".join(f'{{ hops = [{{ at = "198.51.100.{number}" }}] }},' for number in range(101, 105))
FAN = f"""
hops = [
  {{ at = "192.0.2.1" }},
  {{ branches = [{ROUTERS}] }},
  {{ at = "192.0.2.9" }},
]

[[targets]]
name = "www.example.com"
at = "{TARGET}"
"""
LOSES_A_ROUTER = (
    FAN.replace("{ branches", "{ resilient = true, branches")
    + """
[[changes]]
at = "90s"
hop = 2
inside = [1]
set = { weight = 0 }
"""
)
ONE = FAN.replace(ROUTERS, '{ hops = [{ at = "198.51.100.101" }] }')


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "fan.toml"
    path.write_text(FAN)
    return path


class Played:
    """An engine with one target on a network."""

    def __init__(self, network: Path, plan: Plan = PLAN, text: str | None = None) -> None:
        if text is not None:
            network.write_text(text)
        self.virtual = VirtualEngine()
        self.events: list[Event] = []
        self.virtual.handle(Start(1, simulated(plan, str(network))))

    def advance(self, seconds: float) -> list[Event]:
        events = self.virtual.advance(seconds)
        self.events += events
        return events

    def of(self, kind: type) -> list:  # type: ignore[type-arg]  # of any kind
        return [event for event in self.events if type(event) is kind]


def test_it_finds_the_paths_and_watches_one_flow_of_each_in_rounds(network: Path) -> None:
    played = Played(network)
    played.advance(40)
    (found,) = played.of(Discovered)
    assert (found.found, found.balancing, len(found.paths)) == (4, "per-flow", 4)
    assert found.miss_probability <= 0.05
    watched = {started.number: started.source_port for started in played.of(Started)}
    assert set(watched) == set(found.watched)
    assert watched == {
        flow: source_port(msgspec.structs.replace(PLAN, port=33434, method="simulated"), flow) for flow in watched
    }
    last = max(event.round for event in played.of(RoundStarted))
    late = [event for event in played.of(Sent) if event.round == last - 2]
    assert {event.flow for event in late} == set(found.watched)
    assert {(event.flow, event.ttl) for event in late if event.ttl == 4} == {(flow, 4) for flow in found.watched}


def test_its_rounds_are_those_of_the_first_flow_and_a_probe_is_known_by_flow_round_and_ttl(network: Path) -> None:
    played = Played(network)
    played.advance(40)
    sent = [(event.flow, event.round, event.ttl) for event in played.of(Sent)]
    assert len(sent) == len(set(sent))
    begun = {event.round: event.at for event in played.of(RoundStarted)}
    (found,) = played.of(Discovered)
    for event in played.of(Sent):
        if event.sent_at > found.at and event.flow:
            assert begun[event.round] <= event.sent_at < begun[event.round] + 2 * SECOND


def test_each_probe_that_was_sent_has_a_fate(network: Path) -> None:
    played = Played(
        network, msgspec.structs.replace(PLAN, rounds=20), FAN.replace('"192.0.2.9" }', '"192.0.2.9", loss = "10%" }')
    )
    played.advance(120)
    assert len(played.of(Finished)) == 1
    fates = {(event.flow, event.round, event.ttl) for event in (*played.of(Answered), *played.of(Lost))}
    assert fates == {(event.flow, event.round, event.ttl) for event in played.of(Sent)}


def test_a_few_rounds_do_not_end_before_the_search_does(network: Path) -> None:
    played = Played(network, msgspec.structs.replace(PLAN, rounds=2))
    played.advance(120)
    kinds = [type(event) for event in played.events if isinstance(event, (Discovered, Finished))]
    assert kinds == [Discovered, Finished]
    (finished,) = played.of(Finished)
    assert finished.rounds == 2
    (found,) = played.of(Discovered)
    assert found.found == 4


def test_all_rounds_count_for_the_flows_that_are_watched(network: Path) -> None:
    played = Played(network, msgspec.structs.replace(PLAN, rounds=40))
    played.advance(120)
    (found,) = played.of(Discovered)
    assert {max(event.round for event in played.of(Sent) if event.flow == flow) for flow in found.watched} == {39}


def test_a_router_is_asked_no_more_often_than_the_budget_allows_also_by_the_first_flow(network: Path) -> None:
    limited = FAN.replace('"192.0.2.1" }', '"192.0.2.1", rate_limit = { rate = 1, burst = 6 } }')
    played = Played(network, text=limited)
    played.advance(30)
    assert [event for event in played.of(Lost) if event.ttl == 1] == []


def test_without_parallel_paths_only_the_first_flow_goes_on(network: Path) -> None:
    played = Played(network, text=ONE)
    played.advance(40)
    (found,) = played.of(Discovered)
    assert (found.found, found.balancing, found.watched) == (1, "none", (0,))
    assert {event.flow for event in played.advance(5) if isinstance(event, Sent)} == {0}


def test_nothing_is_asked_in_a_pause(network: Path) -> None:
    played = Played(network)
    played.advance(2)
    played.virtual.handle(Pause(1))
    played.advance(0.5)
    assert [event for event in played.advance(20) if isinstance(event, (Sent, Discovered))] == []
    played.virtual.handle(Resume(1))
    played.advance(40)
    assert [found.found for found in played.of(Discovered)] == [4]


def test_it_can_be_stopped_in_the_middle(network: Path) -> None:
    played = Played(network)
    played.advance(3)
    played.virtual.handle(Stop(1))
    assert [type(event) for event in played.advance(20)] == [Stopped]


def test_a_flow_that_moved_to_another_router_begins_another_search(network: Path) -> None:
    played = Played(network, text=LOSES_A_ROUTER)
    played.advance(240)
    found = played.of(Discovered)
    assert [one.found for one in found] == [4, 3]
    assert found[1].at - found[0].at > 60 * SECOND
    assert "198.51.100.101" not in {router.address for hop in found[1].hops for router in hop.routers}
    sent = {event.flow for event in played.advance(5) if isinstance(event, Sent)}
    assert sent == set(found[1].watched)


def test_packets_that_take_turns_are_watched_by_one_flow_and_searched_once(network: Path) -> None:
    played = Played(network, text=FAN.replace("{ branches", '{ balance = "packet", branches'))
    played.advance(300)
    (found,) = played.of(Discovered)
    assert (found.balancing, found.watched) == ("per-packet", (0,))


class Shortage:
    """Lets a channel give only some further flows; how often it had none is counted."""

    def __init__(self, played: Played, most: int) -> None:
        channel = played.virtual.channel
        assert channel is not None
        self.left, self.refused = most, 0
        self._opens = channel.open
        channel.open = self.open  # type: ignore[method-assign, assignment]  # a channel that runs out

    def open(self, target: int, plan: Plan) -> object:
        if self.left <= 0:
            self.refused += 1
            raise ChannelRefused("limit", "this process has no file descriptor left")
        self.left -= 1
        return self._opens(target, plan)


ONE_PORT = FAN.replace('"192.0.2.1" }', '"192.0.2.1", nat = { source_port = 40001, restore = ["address"] } }')


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_translator_that_gives_all_flows_one_port_is_seen_by_what_routers_behind_it_quote(
    network: Path, protocol: Protocol
) -> None:
    played = Played(network, msgspec.structs.replace(PLAN, protocol=protocol), text=ONE_PORT)
    played.advance(40)
    (found,) = played.of(Discovered)
    assert (found.one_port, found.balancing, found.miss_probability) == ((2, 40_001), "unknown", 1.0)


@pytest.mark.parametrize("nat", ["source_port = 40001", 'source = "203.0.113.1", restore = []'])
def test_one_that_puts_ports_back_into_quotes_or_keeps_them_apart_is_not_taken_for_it(network: Path, nat: str) -> None:
    played = Played(network, text=FAN.replace('"192.0.2.1" }', f'"192.0.2.1", nat = {{ {nat} }} }}'))
    played.advance(40)
    (found,) = played.of(Discovered)
    assert found.one_port is None


def test_so_it_is_by_flows_that_are_probed_from_the_beginning_and_told_once_by_the_first_of_them(network: Path) -> None:
    played = Played(network, msgspec.structs.replace(PLAN, flows=4), text=ONE_PORT)
    played.advance(20)
    (told,) = [started for started in played.of(Started) if "one source port, 40001" in (started.note or "")]
    assert told.number == 0


def test_where_nobody_answers_any_flow_further_on_it_says_that_nothing_can_be_told_of_paths_there(
    network: Path,
) -> None:
    silent = FAN.replace('at = "192.0.2.9" }', 'at = "192.0.2.9", loss = "100%" }')
    played = Played(network, text=silent)
    played.advance(120)
    (found,) = played.of(Discovered)
    assert (found.found, found.note) == (
        4,
        "nobody behind hop 2 answers any flow: whether paths part there cannot be told",
    )


def test_where_no_more_flows_can_be_had_that_is_said(network: Path) -> None:
    played = Played(network)
    shortage = Shortage(played, 3)
    played.advance(60)
    (found,) = played.of(Discovered)
    assert found.note == "only 4 flows could be had: this process has no file descriptor left"
    assert found.miss_probability > 0.2
    assert found.flows == 4
    assert [path for path in found.paths if path.dead_after is not None] == []
    assert found.probes == len([event for event in played.of(Sent) if event.flow and event.sent_at < found.at])
    assert shortage.refused == 1


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_a_flow_that_could_not_be_had_is_no_path_of_a_healthy_network(network: Path, most: int) -> None:
    played = Played(network, text=ONE)
    shortage = Shortage(played, most)
    played.advance(60)
    (found,) = played.of(Discovered)
    assert (found.found, found.balancing, found.flows, found.watched) == (1, "none", most + 1, (0,))
    assert found.note == f"only {most + 1} flows could be had: this process has no file descriptor left"
    assert found.paths[0].dead_after is None
    assert shortage.refused == 1


def two_searches(network: Path, first: int, then: int) -> tuple[Discovered, Discovered]:
    """The second because a router is taken away. So many further flows can be had for each."""
    played = Played(network, text=LOSES_A_ROUTER)
    shortage = Shortage(played, first)
    played.advance(60)
    shortage.left = then
    played.advance(180)
    before, after = played.of(Discovered)
    return before, after


def test_where_the_next_search_can_have_none_the_flows_that_are_watched_are_kept(network: Path) -> None:
    first, second = two_searches(network, 100, 0)
    assert (first.found, second.found, len(second.watched)) == (4, 3, 3)
    assert set(second.watched) < set(first.watched)
    assert second.note == "only 4 flows could be had: this process has no file descriptor left"


def test_one_flow_alone_is_told_as_one(network: Path) -> None:
    played = Played(network)
    Shortage(played, 0)
    played.advance(60)
    (found,) = played.of(Discovered)
    assert (found.flows, found.watched, found.miss_probability) == (1, (0,), 1.0)
    assert found.note == "only 1 flow could be had: this process has no file descriptor left"


def test_where_flows_can_be_had_again_the_next_search_says_nothing_of_the_last_ones_shortage(network: Path) -> None:
    first, second = two_searches(network, 8, 100)
    assert first.note == "only 9 flows could be had: this process has no file descriptor left"
    assert second.note is None


def test_icmp_has_no_ports_to_tell_flows_apart_by(network: Path) -> None:
    played = Played(network, msgspec.structs.replace(PLAN, protocol="icmp"))
    played.advance(0)
    (refused,) = played.of(Refused)
    assert refused.message.startswith("flows auto: parallel flows differ by their ports, and ICMP has none")
