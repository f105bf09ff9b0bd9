"""Loss, limits, queues, choices and weather: what is rolled for, and what time does."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import pytest
from scapy.layers.inet import ICMP, IP

from hopscope.sim import packets
from tests.sim.world import MS, SECOND, TARGET, TARGET4, World, datagram, dissect, echo, hops, router


def outcomes(world: World, probe: bytes, count: int, every: int = SECOND) -> list[str]:
    """What became of so many copies of a probe."""
    for number in range(count):
        world.send(probe, SECOND + number * every)
    return [fact.outcome for fact in world.facts[-count:]]


def test_loss_on_a_link_hits_it_and_all_behind_but_nothing_before() -> None:
    world = World(hops(router(1), router(2, "loss = 0.3"), router(3)) + TARGET)
    lost = [outcomes(world, echo(ttl), 1000).count("lost") for ttl in (1, 2, 3, 9)]
    assert lost[0] == 0
    assert all(250 < count < 350 for count in lost[1:])


def test_loss_of_replies_concerns_no_one_else() -> None:
    world = World(hops(router(1, 'reply_loss = "40%"'), router(2)) + TARGET)
    assert 350 < outcomes(world, echo(1), 1000).count("reply-lost") < 450
    assert outcomes(world, echo(2), 200).count("answered") == 200


def test_loss_on_the_way_back_is_told_apart() -> None:
    world = World(hops(router(1), router(2, "return_loss = 0.5")) + TARGET)
    assert set(outcomes(world, echo(1), 100)) == {"answered"}
    assert 400 < outcomes(world, echo(9), 1000).count("return-lost") < 600


def test_periodic_loss_takes_one_of_every_so_many() -> None:
    world = World(hops(router(1, "loss = { every = 4, offset = 2 }")) + TARGET)
    assert [fate == "lost" for fate in outcomes(world, echo(), 8)] == [False, False, True, False] * 2


def test_bursts_have_the_length_and_the_share_of_gilbert_and_elliott() -> None:
    world = World(hops(router(1, "loss = { burst = 0.02, recover = 0.2 }")) + TARGET)
    fates = outcomes(world, echo(), 20_000)
    runs = [len(list(run)) for fate, run in groupby(fates) if fate == "lost"]
    assert 4.5 < sum(runs) / len(runs) < 5.5  # 1 / recover
    assert 0.075 < sum(runs) / 20_000 < 0.107  # burst / (burst + recover) = 0.0909


def test_bursts_may_lose_some_within_and_some_between() -> None:
    world = World(hops(router(1, "loss = { burst = 0.1, recover = 0.1, in_burst = 0.6, between = 0.2 }")) + TARGET)
    assert 0.36 < outcomes(world, echo(), 20_000).count("lost") / 20_000 < 0.44


def test_a_token_bucket_answers_its_burst_and_then_its_rate() -> None:
    world = World(hops(router(1, "rate_limit = { rate = 2, burst = 3 }")) + TARGET)
    fates = [fate == "answered" for fate in outcomes(world, echo(1), 21, every=100 * MS)]
    assert fates[:3] == [True] * 3
    assert [number for number, fate in enumerate(fates) if fate][3:] == [5, 10, 15, 20]
    assert outcomes(world, echo(2), 21, every=MS).count("answered") == 21


def test_a_queue_grows_with_what_is_sent_through_it_and_drops_when_full() -> None:
    world = World(hops(router(1), router(2, 'queue = { rate = 100, limit = "45ms" }')) + TARGET)
    burst = [world.send(echo(2), SECOND) for _ in range(8)]
    waits = [answers[0][0] // MS - 2 if answers else None for answers in burst]
    assert waits == [10, 20, 30, 40, 50, None, None, None]
    assert world.send(echo(2), 2 * SECOND)[0][0] == 12 * MS
    assert world.send(echo(1), 2 * SECOND)[0][0] == MS


def test_a_queue_waits_longer_under_load() -> None:
    means = []
    for load in (0.2, 0.9):
        world = World(hops(router(1, f'delay = 0, queue = {{ rate = 1000, load = {load}, limit = "1s" }}')) + TARGET)
        waits = [world.send(echo(1))[0][0] / MS for _ in range(4000)]
        means.append(sum(waits) / len(waits))
    assert means[0] == pytest.approx(0.25 + 1.25, rel=0.1)  # s·ρ/(1-ρ) + s/(1-ρ)
    assert means[1] == pytest.approx(9 + 10, rel=0.1)


def test_addresses_by_flow_stay_with_a_flow_and_share_the_flows() -> None:
    world = World(hops('{ at = ["192.0.2.1", "192.0.2.2"], weights = [3, 1] }') + TARGET)
    seen: Counter[str | None] = Counter()
    for port in range(40_000, 40_200):
        first = world.who(datagram(1, sport=port))
        assert world.who(datagram(1, sport=port, data=b"other payload")) == first
        seen[first] += 1
    assert 130 < seen["192.0.2.1"] < 170
    assert seen["192.0.2.1"] + seen["192.0.2.2"] == 200


def test_icmp_flows_are_told_by_checksum_and_identifier() -> None:
    world = World(hops('{ at = ["192.0.2.1", "192.0.2.2"] }') + TARGET)
    by_checksum = {world.who(echo(1, seq=seq)) for seq in range(64)}
    assert by_checksum == {"192.0.2.1", "192.0.2.2"}
    kept = set()
    for seq in range(64):
        # The payload's first word makes up for the sequence number: the same checksum, hence the same flow.
        message = (
            bytes((8, 0, 0, 0)) + (77).to_bytes(2, "big") + seq.to_bytes(2, "big") + (999 - seq).to_bytes(2, "big")
        )
        kept.add(world.who(packets.icmp(bytes((198, 18, 0, 2)), bytes((198, 51, 100, 80)), 1, message)))
    assert len(kept) == 1


def test_addresses_by_packet_ignore_the_flow() -> None:
    world = World(hops('{ at = ["192.0.2.1", "192.0.2.2"], balance = "packet", weights = [1, 4] }') + TARGET)
    seen = Counter(world.who(datagram(1)) for _ in range(1000))
    assert 740 < seen["192.0.2.2"] < 860


def test_two_balancers_in_a_row_choose_independently() -> None:
    pair = '{{ at = ["192.0.2.{0}1", "192.0.2.{0}2"] }}'
    world = World(hops(pair.format(1), pair.format(2)) + TARGET)
    seen = Counter(
        (world.who(datagram(1, sport=port)), world.who(datagram(2, sport=port))) for port in range(40_000, 40_200)
    )
    assert len(seen) == 4
    assert min(seen.values()) > 25


FORK = """{ branches = [
    { hops = [{ at = "192.0.2.11" }, { at = "192.0.2.12" }] },
    { hops = [{ at = "192.0.2.21", loss = 1.0 }], weight = 2 },
    { hops = [] },
  ] }"""


def test_branches_have_lengths_and_faults_of_their_own() -> None:
    world = World(hops(router(1), FORK, router(5)) + TARGET)
    shapes: Counter[tuple[str | None, ...]] = Counter()
    for port in range(40_000, 40_200):
        shapes[tuple(world.who(datagram(ttl, sport=port)) for ttl in (1, 2, 3, 4, 5))] += 1
    assert set(shapes) == {
        ("192.0.2.1", "192.0.2.11", "192.0.2.12", "192.0.2.5", TARGET4),
        ("192.0.2.1", None, None, None, None),
        ("192.0.2.1", "192.0.2.5", TARGET4, TARGET4, TARGET4),
    }
    assert 70 < shapes["192.0.2.1", None, None, None, None] < 130


def test_a_fork_by_packet_mixes_path_lengths_in_one_flow() -> None:
    fork = FORK.replace("{ branches", '{ balance = "packet", branches')
    world = World(hops(router(1), fork, router(5)) + TARGET)
    seen = Counter(world.who(datagram(2)) for _ in range(400))
    assert set(seen) == {"192.0.2.11", None, "192.0.2.5"}


def test_a_router_inside_a_branch_can_be_the_destination() -> None:
    world = World(hops(router(1), FORK, router(5)) + TARGET)
    assert world.one(echo(9, to="192.0.2.12"))[ICMP].type == 0
    assert world.who(echo(2, to="192.0.2.12")) == "192.0.2.11"


def test_duplicates_come_later_and_are_written_down() -> None:
    world = World(hops(router(1)) + TARGET + '[weather]\nduplicates = 1.0\nduplicate_delay = "7ms"\n')
    first, second = world.send(echo(1))
    assert (second[0] - first[0], second[1]) == (7 * MS, first[1])
    assert world.last.copies == (world.last.at + 8 * MS,)


def test_late_and_reordered_answers_come_after_their_time_and_only_those() -> None:
    for key, delay in (("late", 5 * SECOND), ("reorder", 20 * MS)):
        world = World(hops(router(1)) + TARGET + f"[weather]\n{key} = {{ share = 0.5, delay = {delay // MS} }}\n")
        times = Counter(world.send(echo(1))[0][0] for _ in range(400))
        assert set(times) == {MS, MS + delay}
        assert 150 < times[MS] < 250
        assert all(fact.due is not None and fact.due - fact.at in times for fact in world.facts)


@pytest.mark.parametrize("kind", ["wrong-port", "wrong-target", "wrong-sequence", "wrong-cookie", "stranger-echo"])
def test_a_forged_answer_comes_first_and_differs_in_what_it_is_named_for(kind: str) -> None:
    world = World(hops(router(1)) + TARGET + f'[weather]\nforged = {{ share = 1.0, kinds = ["{kind}"] }}\n')
    forged, true = world.send(echo(1))
    assert forged[0] < true[0]
    fake, real = dissect(forged[1]), dissect(true[1])
    assert real.src == "192.0.2.1"
    if kind == "stranger-echo":
        assert (fake[ICMP].type, fake.src != TARGET4, fake[ICMP].seq) == (0, True, 1)
        return
    inner = IP(bytes(fake)[28:])
    differs = {
        "wrong-port": inner[ICMP].id != 77,
        "wrong-target": inner.dst != TARGET4,
        "wrong-sequence": inner[ICMP].seq != 1,
        "wrong-cookie": not bytes(echo(1))[28:].startswith(bytes(inner[ICMP].payload)[:8]),
    }
    assert [name for name, is_so in differs.items() if is_so] == [kind]


def test_foreign_traffic_comes_even_where_nothing_answers() -> None:
    world = World(hops(router(1, "silent = true")) + TARGET + "[weather]\nforeign = 1.0\n")
    kinds = {dissect(raw)[ICMP].type for _ in range(40) for _, raw in world.send(echo(1))}
    assert kinds == {0, 11}


def test_changes_come_and_go_at_their_times() -> None:
    text = hops(router(1), router(2), router(3)) + TARGET
    text += '[[changes]]\nat = "2s"\nuntil = "4s"\nfrom_hop = 2\nremove = 1\n'
    text += 'insert = [{ at = "192.0.2.101" }, { at = "192.0.2.102" }]\n'
    world = World(text)
    world.send(echo(1), SECOND)
    seen = {second: world.who(echo(2), second * SECOND) for second in (2, 3, 4, 5)}
    assert seen == {2: "192.0.2.2", 3: "192.0.2.101", 4: "192.0.2.101", 5: "192.0.2.2"}
    world.send(echo(1), 6 * SECOND)


def test_a_longer_route_moves_the_target_one_hop_on() -> None:
    text = (
        hops(router(1), router(2)) + TARGET + '[[changes]]\nat = "1s"\nfrom_hop = 3\ninsert = [{ at = "192.0.2.9" }]\n'
    )
    world = World(text)
    assert [world.who(echo(ttl), SECOND) for ttl in (2, 3)] == ["192.0.2.2", TARGET4]
    assert [world.who(echo(ttl), 2 * SECOND) for ttl in (2, 3, 4)] == ["192.0.2.2", "192.0.2.9", TARGET4]


def test_a_change_repeats_with_its_period() -> None:
    text = hops(router(1)) + TARGET + '[[changes]]\nat = "1s"\nuntil = "2s"\nevery = "3s"\noutage = 1\n'
    world = World(text)
    up = [world.who(echo(1), SECOND + half * 500 * MS) is not None for half in range(18)]
    assert up == [True, True, False, False, True, True] * 3


def test_an_outage_stops_what_is_behind_it() -> None:
    world = World(hops(router(1), router(2)) + TARGET + "[[changes]]\nat = 0\noutage = 3\n")
    assert [world.who(echo(ttl)) for ttl in (1, 2, 3)] == ["192.0.2.1", "192.0.2.2", None]
    assert world.last.outcome == "outage"


def test_a_loop_goes_round_until_the_ttl_ends() -> None:
    text = hops(router(1), router(2), router(3)) + TARGET + "[[changes]]\nat = 0\nloop = { at = 3, back_to = 2 }\n"
    world = World(text)
    answers = [world.send(echo(ttl))[0] for ttl in (1, 2, 3, 4, 5, 255)]
    assert [dissect(raw).src[-1] for _, raw in answers] == ["1", "2", "3", "2", "3", "3"]
    assert [at for at, _ in answers[:5]] == [MS, 2 * MS, 3 * MS, 3 * MS, 4 * MS]


def test_set_changes_keys_of_a_hop_or_a_target() -> None:
    text = hops(router(1), router(2)) + TARGET
    text += '[[changes]]\nat = "1s"\nhop = 2\nset = { silent = true }\n'
    text += '[[changes]]\nat = "1s"\ntarget = "www.example.com"\nset = { icmp = "silent" }\n'
    world = World(text)
    assert [world.who(echo(ttl), SECOND) for ttl in (1, 2, 3)] == ["192.0.2.1", "192.0.2.2", TARGET4]
    assert [world.who(echo(ttl), 2 * SECOND) for ttl in (1, 2, 3)] == ["192.0.2.1", None, None]


def test_a_router_keeps_its_state_over_a_change_that_does_not_concern_it() -> None:
    text = (
        hops(router(1, "loss = { every = 4 }"), router(2))
        + TARGET
        + '[[changes]]\nat = "2s"\nhop = 2\nset = { delay = 9 }\n'
    )
    fates = outcomes(World(text), echo(), 8)
    assert [fate == "lost" for fate in fates] == [True, False, False, False] * 2


def test_targets_share_hops_and_have_hops_of_their_own() -> None:
    text = hops(router(1), router(2)) + TARGET
    text += '[[targets]]\nname = "b"\nat = "203.0.113.5"\nshared = 1\nhops = [{ at = "192.0.2.50" }]\n'
    world = World(text)
    assert [world.who(echo(ttl, to="203.0.113.5")) for ttl in (1, 2, 3)] == ["192.0.2.1", "192.0.2.50", "203.0.113.5"]
    assert world.who(echo(9, to="192.0.2.50")) == "192.0.2.50"
    assert [world.who(echo(ttl)) for ttl in (1, 2, 3)] == ["192.0.2.1", "192.0.2.2", TARGET4]


STORM = hops(
    router(1, 'jitter = "5ms", distribution = "pareto", loss = 0.1'),
    '{ at = ["192.0.2.2", "192.0.2.3"], balance = "packet", queue = { rate = 100, load = 0.5 } }',
    FORK.replace("{ branches", '{ balance = "packet", branches'),
)
STORM += TARGET + (
    "[weather]\nduplicates = 0.2\nforged = { share = 0.2 }\nmalformed = { share = 0.5 }\nforeign = 0.3\n"
    'reorder = { share = 0.2, delay = "30ms" }\n'
)


def storm(seed: int | None) -> list[list[tuple[int, bytes]]]:
    world = World(STORM, seed)
    return [world.send(echo(1 + number % 6, seq=number)) for number in range(300)]


def test_the_same_seed_gives_the_same_run_byte_for_byte_and_another_does_not() -> None:
    assert storm(5) == storm(5)
    assert storm(5) != storm(6)
    assert storm(None) == storm(0)


def test_answers_come_out_in_the_order_of_their_times() -> None:
    world = World(STORM)
    for number in range(200):
        world.network.packet_in(SECOND + number * MS, echo(1 + number % 6))
    times = [at for at, _ in world.network.due(60 * SECOND)]
    assert times == sorted(times)
    assert world.network.next_due() is None


def test_nothing_comes_out_before_its_time() -> None:
    world = World(hops(router(1)) + TARGET)
    world.network.packet_in(SECOND, echo(1))
    assert world.network.next_due() == SECOND + MS
    assert world.network.due(SECOND + MS - 1) == []
    assert [at for at, _ in world.network.due(SECOND + MS)] == [SECOND + MS]
