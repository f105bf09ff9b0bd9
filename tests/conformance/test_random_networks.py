"""Properties that hold on every network: networks drawn at random, probed in virtual time by the real engine, and what
is reported held against what the network says it did."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from hopscope.path.fold import PathFold
from hopscope.sim.network import PacketTruth
from hopscope.wire.framing import Garbage, encode_all, event_reader
from hopscope.wire.messages import (
    Answered,
    Duplicate,
    Event,
    Family,
    Late,
    Lost,
    Plan,
    Protocol,
    Sent,
)
from tests.lab.virtual import Run, run

TARGET: dict[Family, str] = {4: "198.51.100.80", 6: "2001:db8:80::80"}
TIMEOUT_NS = 400_000_000
INTERVAL_NS = 250_000_000
ROUNDS = 8
ProbeKey = tuple[int, int]

percents = st.sampled_from(["0%", "5%", "30%", "100%"])
losses = st.one_of(
    percents.map(lambda share: f'"{share}"'),
    st.integers(2, 5).map(lambda every: f"{{ every = {every} }}"),
    st.just("{ burst = 0.2, recover = 0.4 }"),
)
EXTRAS: dict[str, st.SearchStrategy[str]] = {
    "delay": st.integers(0, 60).map(lambda ms: f'"{ms}ms"'),
    "jitter": st.integers(0, 20).map(lambda ms: f'"{ms}ms"'),
    "distribution": st.sampled_from(['"uniform"', '"normal"', '"exponential"', '"pareto"', '"spikes"']),
    "loss": losses,
    "reply_loss": losses,
    "return_loss": losses,
    "silent": st.sampled_from(["true", '["udp"]', '["icmp", "tcp"]']),
    "rate_limit": st.integers(1, 6).map(lambda rate: f"{{ rate = {rate}, burst = 2 }}"),
    # Less names no probe of UDP over IPv6, as cases of their own show.
    "quote": st.sampled_from(["64", "128", '"all"']),
    "mpls": st.just("[{ label = 300, tc = 4, ttl = 101 }]"),
}
WEATHER: dict[str, str] = {
    "duplicates": "0.3",
    "reorder": '{ share = 0.4, delay = "60ms" }',
    "late": '{ share = 0.2, delay = "500ms" }',
    "foreign": "0.5",
    "forged": "{ share = 0.5 }",
    "malformed": "{ share = 0.5 }",
}


@st.composite
def hop_rows(draw: st.DrawFn, number: int) -> str:
    """One hop: its addresses, and some of what can be said of it."""
    several = draw(st.integers(1, 3))
    addresses = [f'"10.{number}.{n}.1", "2001:db8:{number}::{n + 1:x}"' for n in range(several)]
    words = [f"at = [{', '.join(addresses)}]"]
    if several > 1:
        balance = draw(st.sampled_from(["packet", "flow"]))
        words.append(f'balance = "{balance}"')
    chosen = draw(st.lists(st.sampled_from(sorted(EXTRAS)), max_size=3, unique=True))
    words += [f"{key} = {draw(EXTRAS[key])}" for key in chosen]
    return "{ " + ", ".join(words) + " }"


@st.composite
def networks(draw: st.DrawFn) -> str:
    """A scenario file."""
    count = draw(st.integers(1, 7))
    hops = [draw(hop_rows(number)) for number in range(1, count + 1)]
    lines = [f"seed = {draw(st.integers(0, 9999))}", "hops = [", *(f"  {hop}," for hop in hops), "]"]
    lines += ["[[targets]]", 'name = "target.example"', f'at = ["{TARGET[4]}", "{TARGET[6]}"]']
    lines.append(draw(st.sampled_from(["open = [80]", "", "silent = true"])))
    if draw(st.booleans()):
        change = draw(st.sampled_from(["outage", "insert"]))
        lines += ["[[changes]]", f'at = "{draw(st.integers(200, 1200))}ms"']
        if change == "outage":
            lines += ['until = "1500ms"', f"outage = {draw(st.integers(1, count))}"]
        else:
            lines += [
                f"from_hop = {draw(st.integers(1, count))}",
                'insert = [{ at = ["10.99.0.1", "2001:db8:99::1"] }]',
            ]
    weather = draw(st.lists(st.sampled_from(sorted(WEATHER)), max_size=3, unique=True))
    if weather:
        lines += ["[weather]", *(f"{key} = {WEATHER[key]}" for key in weather)]
    return "\n".join(lines) + "\n"


def plan_of(protocol: Protocol, family: Family) -> Plan:
    return Plan(
        TARGET[family], family, protocol, interval_ns=INTERVAL_NS, timeout_ns=TIMEOUT_NS, rounds=ROUNDS, max_unknown=3
    )


def play(folder: Path, text: str, plan: Plan) -> Run:
    """A run to its end, and long enough for all that is late."""
    note(text)
    file = folder / "network.toml"
    file.write_text(text)
    return run(str(file), plan, 20)


def fold(events: list[Event], plan: Plan) -> dict[str, Any]:
    """The path, without what counts changes rather than probes."""
    path = PathFold(plan.address, plan.protocol, plan.first_ttl)
    path.apply_all(events)
    snapshot = path.snapshot()
    plain: dict[str, Any] = {name: getattr(snapshot, name) for name in snapshot.__struct_fields__ if name != "version"}
    plain["hops"] = [
        {name: getattr(hop, name) for name in hop.__struct_fields__ if name != "window"}
        | {"samples": list(hop.window.samples), "first": hop.window.first_round}
        for hop in snapshot.hops
    ]
    plain["round_times"] = list(snapshot.round_times)
    return plain


def story_of(events: list[Event]) -> dict[ProbeKey, list[Event]]:
    """Each probe's events, in order."""
    stories: dict[ProbeKey, list[Event]] = {}
    for event in events:
        if isinstance(event, (Sent, Answered, Lost)):
            stories.setdefault((event.round, event.ttl), []).append(event)
    return stories


def fate_of(fact: PacketTruth) -> list[type]:
    """What must be told of a probe, duplicates aside."""
    if fact.due is None:
        return [Sent, Lost]
    return [Sent, Answered] if fact.due - fact.at <= TIMEOUT_NS else [Sent, Lost, Late]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


whole = settings(max_examples=100)
protocols = st.sampled_from(["icmp", "udp", "tcp"])
families = st.sampled_from([4, 6])


@whole
@given(text=networks(), protocol=protocols, family=families)
def test_every_fate_is_the_networks_own_and_changes_but_from_lost_to_late(
    folder: Path, text: str, protocol: Protocol, family: Family
) -> None:
    done = play(folder, text, plan_of(protocol, family))
    sent = [event for event in done.events if isinstance(event, Sent)]
    assert len(sent) == len(done.truth)
    stories = story_of(done.events)
    assert sum(map(len, stories.values())) == sum(isinstance(e, (Sent, Answered, Lost)) for e in done.events)
    for event, fact in zip(sent, done.truth, strict=True):
        told = stories[event.round, event.ttl]
        note(f"{fact} {told}")
        assert event.ttl == fact.ttl
        assert [type(one) for one in told if not isinstance(one, Duplicate)] == fate_of(fact)
        assert sum(isinstance(one, Duplicate) for one in told) == len(fact.copies)
        for one in told:
            if isinstance(one, (Answered, Late)) and not isinstance(one, Duplicate) and fact.due is not None:
                assert one.rtt_ns == fact.due - fact.at
                assert one.address == fact.by


@whole
@given(text=networks(), protocol=protocols, family=families)
def test_counts_add_up_and_nothing_is_counted_twice(
    folder: Path, text: str, protocol: Protocol, family: Family
) -> None:
    plan = plan_of(protocol, family)
    done = play(folder, text, plan)
    path = PathFold(plan.address, plan.protocol, plan.first_ttl)
    path.apply_all(done.events)
    snapshot = path.snapshot()
    sent = Counter(fact.ttl for fact in done.truth)
    for hop in snapshot.hops:
        assert hop.sent == sent[hop.ttl]
        assert hop.sent == hop.received + hop.lost + hop.late
        assert (hop.pending, hop.failed) == (0, 0)
        assert sum(node.received for node in hop.nodes) == hop.received
        mine = [fate_of(fact)[-1] for fact in done.truth if fact.ttl == hop.ttl]
        assert (hop.received, hop.lost, hop.late) == (mine.count(Answered), mine.count(Lost), mine.count(Late))
    assert snapshot.rounds == ROUNDS


@whole
@given(text=networks(), protocol=protocols, seed=st.integers(0, 1000))
def test_any_order_of_arrival_makes_the_same_path(folder: Path, text: str, protocol: Protocol, seed: int) -> None:
    plan = plan_of(protocol, 4)
    events = play(folder, text, plan).events
    chance = random.Random(seed)
    places: dict[ProbeKey, float] = {}
    keyed: list[tuple[float, int, Event]] = []
    for number, event in enumerate(events):
        at = float(number)
        if isinstance(event, (Answered, Lost)):
            # Anywhere after what was told of this probe before; sends and rounds stay in their order.
            at = places[event.round, event.ttl] + chance.random() * (len(events) - places[event.round, event.ttl])
        if isinstance(event, (Sent, Answered, Lost)):
            places[event.round, event.ttl] = at
        keyed.append((at, number, event))
    shuffled = [event for _, _, event in sorted(keyed, key=lambda item: item[:2])]
    assert Counter(map(id, shuffled)) == Counter(map(id, events))
    assert fold(shuffled, plan) == fold(events, plan)


@whole
@given(text=networks(), protocol=protocols, family=families)
def test_recorded_and_replayed_events_give_the_identical_snapshot_and_a_seed_the_identical_run(
    folder: Path, text: str, protocol: Protocol, family: Family
) -> None:
    plan = plan_of(protocol, family)
    events = play(folder, text, plan).events
    replayed = event_reader().feed(encode_all(events))
    assert list(replayed) == events
    assert fold(events, plan) == fold([event for event in replayed if not isinstance(event, Garbage)], plan)
    assert msgspec.json.encode(play(folder, text, plan).events) == msgspec.json.encode(events)


def test_the_networks_that_are_drawn_are_of_many_kinds() -> None:
    """So that the properties are not true of nothing."""
    seen: Counter[str] = Counter()

    @settings(max_examples=60, derandomize=True, database=None)
    @given(text=networks())
    def draw(text: str) -> None:
        seen.update({key for key in (*EXTRAS, *WEATHER, "balance", "outage", "insert") if f"{key} =" in text})

    draw()
    assert not [key for key in (*EXTRAS, *WEATHER, "balance", "outage", "insert") if seen[key] < 2]
