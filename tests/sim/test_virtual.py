"""The method ``simulated`` in virtual time: engine, packets, network, parsers and fold, held against the truth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from hopscope.path.fold import PathFold
from hopscope.path.snapshot import Path as Route
from hopscope.probe.channel import ChannelContext, ChannelRefused
from hopscope.probe.channels.simulated import SimulatedChannel, capabilities
from hopscope.probe.virtual import MONOTONIC_START_NS as BEGIN
from hopscope.probe.virtual import VirtualEngine
from hopscope.sim import demo, list_scenarios
from hopscope.sim.weather_tables import Malformation
from hopscope.wire.messages import (
    Answered,
    Counters,
    Duplicate,
    Event,
    Family,
    Late,
    Lost,
    Plan,
    Protocol,
    Refused,
    Sent,
    Start,
    Started,
    Stop,
)
from tests.lab.virtual import ANCHOR, Run, run, run_all, simulated
from tests.probe.fake import NoWatch
from tests.sim.world import MS, TARGET, TARGET4, TARGET6, hops, router

STORIES = [story.name for story in list_scenarios()]
CHAIN = hops(*(router(number) for number in range(1, 6))) + TARGET + "open = [80]\n"


def folded(events: list[Event], address: str, protocol: Protocol = "icmp") -> Route:
    """The path that the events tell."""
    fold = PathFold(address, protocol)
    for event in events:
        fold.apply(event)
    return fold.snapshot()


def scenario(folder: Path, text: str) -> str:
    """A scenario's file."""
    file = folder / "net.toml"
    file.write_text(text, "utf-8")
    return str(file)


def plan_for(story: str, **changes: object) -> Plan:
    """How the first target of a scenario is probed."""
    _, address = demo(story).targets[0]
    return msgspec.structs.replace(Plan(address, 6 if ":" in address else 4), **changes)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
def test_every_protocol_and_family_finds_the_whole_path(tmp_path: Path, protocol: Protocol, family: Family) -> None:
    plan = Plan(TARGET4 if family == 4 else TARGET6, family, protocol, rounds=3)
    events = run(scenario(tmp_path, CHAIN), plan, 20).events
    path = folded(events, plan.address, protocol)
    assert path.reached
    prefix = "192.0.2." if family == 4 else "2001:db8::"
    assert [hop.nodes[0].address for hop in path.hops] == [*(f"{prefix}{n}" for n in range(1, 6)), plan.address]
    assert [(hop.sent, hop.received, hop.rtt and hop.rtt.worst) for hop in path.hops] == [
        (3, 3, n) for n in range(1, 7)
    ]
    kinds = {"icmp": "echo-reply", "udp": "port-unreachable", "tcp": "tcp-open"}
    last = path.hops[-1].reply
    assert last is not None
    assert last.kind == kinds[protocol]
    assert {event.clock for event in events if isinstance(event, Answered)} == {"kernel"}


def test_a_datagram_that_comes_back_is_the_targets_answer(tmp_path: Path) -> None:
    events = run(scenario(tmp_path, CHAIN + 'udp = "reply"\n'), Plan(TARGET4, 4, "udp", rounds=2), 20).events
    path = folded(events, TARGET4, "udp")
    assert [hop.received for hop in path.hops] == [2] * 6


@pytest.mark.parametrize("story", STORIES)
def test_each_story_is_reported_as_it_truly_was(story: str) -> None:
    """Where the weather breaks nothing, each probe's fate and RTT is the network's own truth."""
    played = run(story, plan_for(story, rounds=60), 90)
    events = played.events
    timeout = 3_000_000_000
    sent = [event for event in events if isinstance(event, Sent)]
    assert len(sent) == len(played.truth)
    true_fates = Counter(
        (fact.ttl, "lost" if fact.due is None or fact.due - fact.at > timeout else "answered") for fact in played.truth
    )
    late = Counter(event.ttl for event in events if type(event) is Late)
    lost = Counter((event.ttl, "lost") for event in events if isinstance(event, Lost))
    answered = Counter((event.ttl, "answered") for event in events if type(event) is Answered)
    assert lost + answered == true_fates
    true_late = Counter(fact.ttl for fact in played.truth if fact.due is not None and fact.due - fact.at > timeout)
    assert late == true_late
    copies = sum(len(fact.copies) for fact in played.truth)
    assert sum(type(event) is Duplicate for event in events) == copies
    times = Counter((fact.ttl, fact.by, fact.due - fact.at) for fact in played.truth if fact.due is not None)
    replies = [event for event in events if type(event) in (Answered, Late)]
    assert (
        Counter((event.ttl, event.address, event.rtt_ns) for event in replies if isinstance(event, Answered)) == times
    )


@pytest.mark.parametrize("story", STORIES)
def test_each_story_runs_the_same_twice(story: str) -> None:
    assert run(story, plan_for(story), 10).events == run(story, plan_for(story), 10).events


def test_a_seed_of_the_plan_overrides_the_scenarios() -> None:
    runs = [run("tour", plan_for("tour", seed=seed), 10).events for seed in (None, 7, 8)]
    assert runs[0] == runs[1]
    assert runs[1] != runs[2]


def test_hostile_weather_is_counted_and_changes_no_fate() -> None:
    played = run("hostile", plan_for("hostile", rounds=60), 90)
    counted = [event for event in played.events if isinstance(event, Counters)][-1]
    assert counted.malformed > 50
    assert counted.foreign > 100


def test_what_happens_in_a_story_is_what_it_tells() -> None:
    def loss(story: str) -> list[float]:
        path = folded(run(story, plan_for(story), 300).events, plan_for(story).address)
        return [hop.loss_pct or 0.0 for hop in path.hops]

    assert max(loss("healthy")) == 0
    limited = loss("ratelimit")
    assert (limited[3] > 40, limited[7] > 20, limited[-1]) == (True, True, 0)
    lossy = loss("lossy-link")
    assert max(lossy[:6]) == 0
    assert min(lossy[6:]) > 3
    assert min(loss("wifi")) > 2
    outage = loss("outage")
    assert max(outage[:5]) == 0
    assert min(outage[5:]) > 15


def test_targets_of_one_scenario_share_its_network(tmp_path: Path) -> None:
    limited = CHAIN.replace(router(3), router(3, "rate_limit = { rate = 1, burst = 1 }"))
    name = scenario(tmp_path, limited)
    alone = run(name, Plan(TARGET4, 4, rounds=20), 40)
    both = run_all(name, [Plan(TARGET4, 4, rounds=20), Plan(TARGET6, 6, rounds=20)], 40)
    assert len(both.networks) == 1
    limited_at_3 = [sum(fact.outcome == "rate-limited" for fact in played.truth) for played in (alone, both)]
    assert limited_at_3[0] < 3
    assert limited_at_3[1] > 15


def test_other_scenarios_and_seeds_are_other_networks() -> None:
    virtual = VirtualEngine(keep_truth=True)
    for number, (name, seed) in enumerate([("healthy", None), ("healthy", 3), ("wifi", None), ("healthy", None)], 1):
        virtual.handle(Start(number, msgspec.structs.replace(simulated(plan_for(name), name), seed=seed)))
    virtual.advance(1)
    assert virtual.channel is not None
    assert set(virtual.channel.networks) == {("healthy", None), ("healthy", 3), ("wifi", None)}


def test_a_flow_starts_with_what_a_user_should_know() -> None:
    started = next(event for event in run("tour", plan_for("tour"), 1).events if isinstance(event, Started))
    assert (started.method, started.source, started.flow, started.clock) == (
        "simulated",
        "192.168.1.23",
        "one",
        "kernel",
    )
    assert started.note == "demo network: A tour of a path"


def test_a_scenario_that_cannot_be_used_refuses_the_target_with_its_line(tmp_path: Path) -> None:
    broken = scenario(tmp_path, CHAIN + "colour = 1\n")
    for name, words in ((broken, "targets[0].colour: there is no such key"), ("tuor", "Did you mean tour?")):
        (refused,) = run(name, Plan(TARGET4, 4), 1).events
        assert isinstance(refused, Refused)
        assert refused.reason == "scenario"
        assert words in refused.message


def test_a_family_that_the_machine_lacks_is_no_route(tmp_path: Path) -> None:
    (refused,) = run(scenario(tmp_path, 'source = "198.18.0.2"\n' + CHAIN), Plan(TARGET6, 6), 1).events
    assert isinstance(refused, Refused)
    assert refused.reason == "no-route"


def test_answers_after_the_timeout_are_late_with_their_true_rtt(tmp_path: Path) -> None:
    text = CHAIN + '[weather]\nlate = { share = 1.0, delay = "5s" }\n'
    events = run(scenario(tmp_path, text), Plan(TARGET4, 4, rounds=1, max_ttl=2), 30).events
    assert [(event.ttl, event.rtt_ns) for event in events if type(event) is Late] == [(1, 5001 * MS), (2, 5002 * MS)]
    assert sum(isinstance(event, Lost) for event in events) == 2


def test_a_stopped_target_hears_nothing_more() -> None:
    virtual = VirtualEngine(keep_truth=True)
    virtual.handle(Start(1, simulated(plan_for("healthy"), "healthy")))
    virtual.advance(2)
    virtual.handle(Stop(1))
    later = virtual.advance(5)
    assert not [event for event in later if isinstance(event, Answered | Sent)]


def test_the_first_answer_comes_at_its_time_and_not_before() -> None:
    virtual = VirtualEngine(keep_truth=True)
    virtual.handle(Start(1, simulated(plan_for("healthy"), "healthy")))
    assert not [event for event in virtual.advance(0.0005) if isinstance(event, Answered)]
    events = virtual.advance(0.3)
    first = next(event for event in events if isinstance(event, Answered))
    assert first.sent_at == BEGIN + ANCHOR
    assert first.rtt_ns > 500_000


def test_an_hour_is_played_from_first_to_last_round() -> None:
    plan = plan_for("tour")
    played = run("tour", plan, 3600, truth=False)
    path = folded(played.events, plan.address)
    assert path.rounds == 3601
    assert all(hop.sent >= 3600 for hop in path.hops)


def test_every_method_cell_of_the_survey_works() -> None:
    assert [(state.method, state.works) for state in capabilities()] == [("simulated", True)] * 6


def test_closing_forgets_flows_and_networks_and_may_be_done_twice() -> None:
    context = ChannelContext(
        NoWatch(), lambda probe, reply: None, lambda flow, number: None, lambda: BEGIN, lambda: BEGIN
    )
    channel = SimulatedChannel(context)
    flow = channel.open(1, simulated(plan_for("tour")))
    for _ in range(2):
        flow.close()
        channel.close()
    assert channel.deadline() is None
    with pytest.raises(ChannelRefused):
        channel.open(2, simulated(plan_for("tour"), "nowhere"))


def test_a_run_knows_its_truth_in_order() -> None:
    played: Run = run("tour", plan_for("tour"), 5)
    times = [fact.at for fact in played.truth]
    assert times == sorted(times)
    assert len(times) > 50


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("kind", get_args(Malformation))
def test_each_broken_packet_is_counted_as_malformed_or_foreign_and_answers_nothing(
    tmp_path: Path, kind: str, family: Family
) -> None:
    text = CHAIN + f'[weather]\nmalformed = {{ share = 1.0, kinds = ["{kind}"] }}\n'
    plan = Plan(TARGET4 if family == 4 else TARGET6, family, rounds=20)
    played = run(scenario(tmp_path, text), plan, 40)
    events = played.events
    counted = [event for event in events if isinstance(event, Counters)][-1]
    assert counted.malformed + counted.foreign == sum(fact.due is not None for fact in played.truth)
    if kind != "quoted-ihl":  # a header length that points further into the quote leads to somebody else's ports
        assert counted.foreign == 0
    path = folded(events, plan.address)
    assert [(hop.received, hop.duplicates, hop.rtt and hop.rtt.best) for hop in path.hops] == [
        (20, 0, number) for number in range(1, 7)
    ]


@pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
def test_forged_answers_are_foreign_whatever_they_forge(tmp_path: Path, protocol: Protocol) -> None:
    text = CHAIN + "[weather]\nforged = { share = 1.0 }\nforeign = 1.0\n"
    events = run(scenario(tmp_path, text), Plan(TARGET4, 4, protocol, rounds=30), 60).events
    counted = [event for event in events if isinstance(event, Counters)][-1]
    assert (counted.malformed, counted.foreign > 180) == (0, True)
    path = folded(events, TARGET4, protocol)
    numbers = [(hop.received, hop.duplicates, hop.rtt and hop.rtt.best) for hop in path.hops]
    assert numbers == [(30, 0, number) for number in range(1, 7)]
