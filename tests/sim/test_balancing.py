"""What forks hash, of probes and of answers, and what changes in their branches."""

from __future__ import annotations

from collections import Counter

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from hopscope.sim import ScenarioError, parse
from hopscope.sim.balancing import Fields, fields_of
from hopscope.sim.packets import read
from hopscope.sim.rewrites import passed
from tests.sim.world import MS, SECOND, TARGET, TARGET4, TARGET6, US4, US6, World, datagram, echo, hops, router, syn

PORTS = range(20_000, 20_064)
BEHIND = TARGET + 'udp = "reply"\n'


def fork(*branches: str, keys: str = "") -> str:
    """A hop's line: a fork with these branches' hops."""
    made = ", ".join(f"{{ hops = [{branch}] }}" for branch in branches)
    return f"{{ branches = [{made}]{', ' + keys if keys else ''} }}"


def network(keys: str = "", *, before: str = "", behind: str = "") -> str:
    """A router and a fork of four behind it."""
    lines = [router(1, before), fork(*(router(number) for number in (11, 12, 13, 14)), keys=keys)]
    return hops(*lines, *([behind] if behind else [])) + BEHIND


def ways(world: World, packets: list[bytes]) -> set[str | None]:
    """Who answers them."""
    return {world.who(packet) for packet in packets}


def labelled(label: int, sport: int = 40_000) -> bytes:
    return bytes(IPv6(src=US6, dst=TARGET6, hlim=2, fl=label) / UDP(sport=sport, dport=33_434))


def by_source_port() -> list[bytes]:
    return [datagram(2, sport) for sport in PORTS]


@pytest.mark.parametrize(
    ("fields", "spread"),
    [
        (None, (4, 4, 4, 1)),
        ('["source", "destination", "protocol", "source-port", "destination-port"]', (4, 4, 1, 1)),
        ('["source-port"]', (4, 1, 1, 1)),
        ('["destination-port"]', (1, 4, 1, 1)),
        ('["source", "destination"]', (1, 1, 1, 1)),
        ('["icmp"]', (1, 1, 4, 1)),
        ('["source", "source-port", "label"]', (4, 1, 1, 4)),
        ('["label"]', (1, 1, 1, 4)),
        ("[]", (1, 1, 1, 1)),
    ],
)
def test_a_fork_hashes_the_fields_that_it_is_told_and_no_others(fields: str | None, spread: tuple[int, ...]) -> None:
    """By how many of four ways 64 packets go that differ in source port, destination port, ICMP identifier, label."""
    world = World(network("" if fields is None else f"hash = {fields}"))
    sent = [
        by_source_port(),
        [datagram(2, dport=dport) for dport in PORTS],
        [echo(2, ident=ident) for ident in PORTS],
        [labelled(label) for label in PORTS],
    ]
    assert tuple(len(ways(world, packets)) for packets in sent) == spread


def test_by_destination_another_target_may_go_another_way() -> None:
    others = [f"198.51.100.{number}" for number in range(100, 140)]
    text = network('hash = ["destination"]') + f'[[targets]]\nname = "other.example"\nat = {others}\n'.replace("'", '"')
    world = World(text)
    assert len(ways(world, by_source_port())) == 1
    assert len({world.who(datagram(2, to=other)) for other in others}) == 4


def test_a_label_alone_moves_a_ping_over_ipv6() -> None:
    world = World(network('hash = ["destination", "label"]'))
    pings = [bytes(IPv6(src=US6, dst=TARGET6, hlim=2, fl=label) / ICMPv6EchoRequest(id=7)) for label in PORTS]
    assert len(ways(world, pings)) == 4


def test_forks_with_one_seed_choose_alike_and_others_do_not() -> None:
    first, second = (fork(*(router(n) for n in numbers), keys="hash_seed = 5") for numbers in ((11, 12), (21, 22)))
    world = World(hops(first, second) + BEHIND)
    pairs = {(world.who(datagram(1, sport)), world.who(datagram(2, sport))) for sport in PORTS}
    assert len(pairs) == 2
    other = World(hops(first, second.replace("= 5", "= 6")) + BEHIND)
    assert len({(other.who(datagram(1, sport)), other.who(datagram(2, sport))) for sport in PORTS}) == 4


# --- behind a translator ---------------------------------------------------------------------------------------------


def test_behind_a_translator_the_translated_packet_is_hashed() -> None:
    plain, one_port = network(), network(before="nat = { source_port = 40001 }")
    assert len(ways(World(plain), by_source_port())) == 4
    assert len(ways(World(one_port), by_source_port())) == 1
    moved = network(before='nat = { source = "203.0.113.7" }')
    sent = by_source_port()
    here, there = ([World(text).who(packet) for packet in sent] for text in (plain, moved))
    assert here != there
    assert len(set(there)) == 4


@pytest.mark.parametrize("nat", ['source = "203.0.113.7"', "source_port = 40001", 'source = "2001:db8:7::7"'])
@pytest.mark.parametrize("checksum", ["fix", "keep", "zero"])
@pytest.mark.parametrize("made", [echo(), echo(to=TARGET6), datagram(), syn()], ids=["ping4", "ping6", "udp", "tcp"])
def test_what_is_hashed_is_what_the_translator_sends(nat: str, checksum: str, made: bytes) -> None:
    keys = nat if "_port" in nat else f"{nat}, source_port = 7"
    hop = parse(hops(router(1, f'nat = {{ {keys}, checksum = "{checksum}" }}')) + TARGET).hops[0]
    packet = read(made)
    assert packet is not None
    assert hop.nat is not None
    left = read(passed(packet, [hop])[-1])
    assert left is not None
    assert fields_of(packet).translated(hop.nat) == fields_of(left)


# --- meshed links ----------------------------------------------------------------------------------------------------

MESH = fork(
    f'{router(11)}, {{ id = "north", at = "192.0.2.21", rate_limit = {{ rate = 1, burst = 3 }} }}',
    f'{router(12)}, {{ same_as = "north", delay = "9ms" }}',
)


def test_a_router_mentioned_again_is_the_same_one_over_another_link() -> None:
    world = World(hops(MESH) + BEHIND)
    took: dict[str | None, int] = {}
    for sport in PORTS:
        assert world.who(datagram(2, sport), at=world.now + 10 * SECOND) == "192.0.2.21"
        took[world.who(datagram(1, sport))] = world.send(datagram(3, sport))[0][0] // MS
    assert took == {"192.0.2.11": 3, "192.0.2.12": 11}


def test_its_limit_is_one_for_all_its_links() -> None:
    world = World(hops(MESH) + BEHIND)
    assert [world.who(datagram(2, sport), at=SECOND) for sport in PORTS].count("192.0.2.21") == 3


# --- changes in branches ---------------------------------------------------------------------------------------------

DOWN = '[[changes]]\nat = "1m"\nuntil = "2m"\nhop = 2\ninside = [1]\nset = { weight = 0 }\n'


@pytest.mark.parametrize("resilient", [False, True])
def test_a_branch_that_goes_down_loses_its_flows_and_has_them_back_when_it_is_up(resilient: bool) -> None:
    world = World(network(f"resilient = {str(resilient).lower()}") + DOWN)
    before, during, after = ([world.who(packet, at=at * SECOND) for packet in by_source_port()] for at in (1, 70, 130))
    assert before == after
    assert Counter(before)["192.0.2.11"] > 4
    assert set(during) == {"192.0.2.12", "192.0.2.13", "192.0.2.14"}
    moved = {old for old, new in zip(before, during, strict=True) if old != new}
    assert (moved == {"192.0.2.11"}) is resilient


def test_a_resilient_fork_keeps_to_its_weights() -> None:
    text = network("resilient = true").replace("hops = [{ at", "weight = 3, hops = [{ at", 1)
    counts = Counter(World(text).who(datagram(2, sport)) for sport in range(20_000, 20_600))
    assert 250 < counts["192.0.2.11"] < 350
    assert min(counts.values()) > 60


def test_a_hop_in_a_branch_can_change_and_the_flows_stay() -> None:
    change = '[[changes]]\nat = "1m"\nhop = 2\ninside = [3, 1]\nset = { loss = "100%" }\n'
    world = World(network() + change)
    before = [world.who(packet, at=SECOND) for packet in by_source_port()]
    after = [world.who(packet, at=70 * SECOND) for packet in by_source_port()]
    assert after == [None if one == "192.0.2.13" else one for one in before]


def test_a_fork_may_begin_to_balance_packet_by_packet() -> None:
    world = World(network() + '[[changes]]\nat = "1m"\nhop = 2\nset = { balance = "packet" }\n')
    assert len({world.who(datagram(2), at=at * SECOND) for at in range(1, 30)}) == 1
    assert len({world.who(datagram(2), at=(60 + at) * SECOND) for at in range(1, 40)}) == 4


# --- the way home ----------------------------------------------------------------------------------------------------


def both_ways(keys: str) -> str:
    """A fork of two whose first branch loses all answers on the way home, and a router behind it."""
    return hops(router(1), fork(router(11, "return_loss = 1.0"), router(12), keys=keys), router(3)) + BEHIND


def answered(world: World, ttl: int) -> dict[tuple[str | None, bool], int]:
    """By the branch there, and whether the answer comes home, how many of the flows."""
    return Counter((world.who(datagram(2, sport)), world.who(datagram(ttl, sport)) is not None) for sport in PORTS)


def test_answers_go_home_the_way_that_the_probe_came() -> None:
    found = answered(World(both_ways("")), 9)
    assert set(found) == {(None, False), ("192.0.2.12", True)}


def test_answers_may_go_home_by_a_way_of_their_own() -> None:
    world = World(both_ways('return_balance = "flow"'))
    assert set(answered(world, 9)) == {(None, False), (None, True), ("192.0.2.12", False), ("192.0.2.12", True)}
    # A router's errors have no ports, so all go home by one way; its answers from within a branch by that branch.
    assert len({came for (_, came) in answered(world, 3)}) == 1


def test_errors_hashed_by_what_they_quote_go_home_as_the_flow_came() -> None:
    keys = 'return_balance = "flow", hash = ["source", "destination", "source-port", "inner"]'
    found = answered(World(both_ways(keys)), 3)
    assert set(found) == {(None, False), ("192.0.2.12", True)}


def test_the_target_answers_with_the_ports_the_other_way_round() -> None:
    there = Fields(b"\x0a\0\0\1", b"\x0a\0\0\2", 17, b"\x9c\x40\0\x35")
    assert there.answered() == Fields(b"\x0a\0\0\2", b"\x0a\0\0\1", 17, b"\0\x35\x9c\x40")
    assert there.refused(b"\x0a\0\0\7", 11, 0).protocol == 1


def test_a_flow_as_it_was_always_hashed() -> None:
    packet = read(bytes(IP(src=US4, dst=TARGET4) / UDP(sport=1, dport=2)))
    assert packet is not None
    assert fields_of(packet).flow == packet.source + packet.destination + b"\0\1\0\2\x11"


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        (hops(fork(router(1), router(2)).replace("}] }", "}], weight = 0 }")) + TARGET, "`weight` above 0"),
        (hops(router(1, 'return_balance = "flow"')) + TARGET, "needs `branches`"),
        (hops(router(1, 'hash = ["ports"]')) + TARGET, "enum"),
        (hops('{ same_as = "x" }') + TARGET, "no hop with the `id` 'x'"),
        (hops('{ same_as = "x", at = "192.0.2.1" }') + TARGET, "not `at`"),
        (hops(router(1, 'id = "x"'), router(2, 'id = "x"')) + TARGET, "one router's"),
        (network() + DOWN.replace("[1]", "[5]"), "branch 5, but there are 4"),
        (network() + DOWN.replace("[1]", "[4, 2]"), "hop 2 of a branch, but there are 1"),
        (network() + DOWN.replace("[1]", "[1, 1, 1]"), "branch 1, but there are 0"),
        (network() + DOWN.replace("hop = 2\n", "outage = 1\n").replace("set = { weight = 0 }", ""), "needs the `hop`"),
        (network() + DOWN.replace("weight", "wieght"), "did you mean weight?"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, allowed: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text)
    assert allowed.replace("`", "") in str(caught.value)
