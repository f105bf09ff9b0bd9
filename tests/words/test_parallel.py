"""Which flows go the same way, and what is said of those that lose."""

from __future__ import annotations

from msgspec.structs import replace

from hopscope.path.flows import FlowPath
from hopscope.path.fold import PathFold
from hopscope.session.comparison import compared
from hopscope.wire.messages import Answered, Kind, Lost, RoundStarted, Sent
from hopscope.words import parallel
from hopscope.words.parallel import ParallelPath, fan, fan_words, parallel_words

S = 1_000_000_000
MS = 1_000_000
TARGET = "192.0.2.80"


def flow(number: int, routers: list[str | None], *, rounds: int = 80, loses: int = 0, more_ms: int = 0) -> FlowPath:
    """A flow over these routers to the target; each `loses`-th probe of the target is lost, and its answers take
    `more_ms` longer."""
    fold = PathFold(TARGET, "udp")
    end = len(routers) + 1
    for round_ in range(rounds):
        at = round_ * S
        fold.apply(RoundStarted(1, round_, at))
        for ttl, router in enumerate([*routers, TARGET], 1):
            fold.apply(Sent(1, round_, ttl, at))
            if router is None or (ttl == end and loses and round_ % loses == 0):
                fold.apply(Lost(1, round_, ttl, at))
            else:
                kind: Kind = "port-unreachable" if ttl == end else "time-exceeded"
                rtt = (ttl + (more_ms if ttl == end else 0)) * MS
                fold.apply(Answered(1, round_, ttl, at, rtt, router, kind, 3, 3))
    return FlowPath(number, 20_000 + number, 33434, fold.snapshot())


def parallel_paths(flows: list[FlowPath]) -> list[ParallelPath]:
    return parallel.parallel_paths(flows, compared([flow.path for flow in flows]))


def test_flows_that_met_the_same_routers_are_one_path() -> None:
    (path,) = parallel_paths([flow(number, ["10.0.0.1", "198.51.100.1"]) for number in range(3)])
    assert path.members == ()
    assert [one.number for one in path.flows] == [0, 1, 2]


def test_where_they_part_the_members_tell_them_apart() -> None:
    paths = parallel_paths([flow(number, ["10.0.0.1", f"198.51.100.{number % 2}"]) for number in range(5)])
    assert [path.members for path in paths] == [((2, "198.51.100.0"),), ((2, "198.51.100.1"),)]
    assert [[one.number for one in path.flows] for path in paths] == [[0, 2, 4], [1, 3]]


def test_a_member_that_never_answers_is_one_by_itself() -> None:
    routers: list[list[str | None]] = [["10.0.0.1", "198.51.100.1"], ["10.0.0.1", "198.51.100.2"], ["10.0.0.1", None]]
    paths = parallel_paths([flow(number, one) for number, one in enumerate(routers)])
    assert [path.members for path in paths] == [((2, "198.51.100.1"),), ((2, "198.51.100.2"),), ((2, None),)]


def test_paths_of_unequal_length_are_two_and_their_targets_are_no_members() -> None:
    long, short = ["10.0.0.1", "198.51.100.1", "198.51.100.9"], ["10.0.0.1", "198.51.100.2"]
    paths = parallel_paths([flow(0, long), flow(1, short)])  # type: ignore[arg-type]  # routers that answer
    assert [path.members for path in paths] == [((2, "198.51.100.1"),), ((2, "198.51.100.2"),)]


def test_the_sentence_names_the_bad_one_its_share_and_its_ports() -> None:
    flows = [flow(n, ["10.0.0.1", f"198.51.100.{n % 4}"], loses=4 if n % 4 == 1 else 0) for n in range(8)]
    paths = parallel_paths(flows)
    assert [path.finding.state for path in paths] == ["ok", "bad", "ok", "ok"]
    assert (paths[1].sent, paths[1].lost) == (160, 40)
    assert parallel_words(paths) == (
        "2 of 8 flows lose 25 %, by 198.51.100.1 (hop 2), the others 0 %: one of several links is bad, there or back"
        " (source ports 20001, 20005)"
    )


def test_of_a_hidden_link_it_names_ports_alone() -> None:
    flows = [flow(n, ["10.0.0.1"], loses=4 if n == 1 else 0) for n in range(4)]
    (path,) = parallel_paths(flows)
    assert path.finding.state == "losing"  # the path as a whole is not bad
    assert [finding.state for finding in path.findings] == ["ok", "bad", "ok", "ok"]
    assert parallel_words([path]) == (
        "1 of 4 flows lose 25 %, the others 0 %: one of several links is bad, there or back (source ports 20001)"
    )


def test_a_slow_one_is_said_with_both_times_and_its_ports() -> None:
    flows = [flow(n, ["10.0.0.1", f"198.51.100.{n % 4}"], more_ms=40 if n % 4 == 1 else 0) for n in range(8)]
    assert parallel_words(parallel_paths(flows)) == (
        "2 of 8 flows are slow, by 198.51.100.1 (hop 2): 43.0 ms, the others 3.0 ms, there or back"
        " (source ports 20001, 20005)"
    )


def test_ports_that_nobody_knows_are_not_named() -> None:
    flows = [replace(flow(n, ["10.0.0.1"], loses=4 if n == 1 else 0), source_port=None) for n in range(4)]
    said = parallel_words(parallel_paths(flows))
    assert said is not None
    assert said.endswith("one of several links is bad, there or back")


def test_where_nothing_is_wrong_nothing_is_said() -> None:
    assert parallel_words(parallel_paths([flow(n, ["10.0.0.1", f"198.51.100.{n}"]) for n in range(4)])) is None
    assert parallel_words(parallel_paths([flow(0, ["10.0.0.1"], loses=2)])) is None
    assert parallel_words([]) is None


def test_loss_that_all_have_is_no_ones() -> None:
    flows = [flow(n, ["10.0.0.1", f"198.51.100.{n}"], loses=5) for n in range(4)]
    assert parallel_words(parallel_paths(flows)) is None


def in_turns(number: int, at_hop_three: str) -> FlowPath:
    """A flow that meets two routers in turns at hop 2, then this one."""
    fold = PathFold(TARGET, "udp")
    for round_ in range(40):
        at = round_ * S
        fold.apply(RoundStarted(1, round_, at))
        for ttl, router in enumerate(["10.0.0.1", f"198.51.100.{(round_ + number) % 2}", at_hop_three, TARGET], 1):
            kind: Kind = "port-unreachable" if ttl == 4 else "time-exceeded"
            fold.apply(Sent(1, round_, ttl, at))
            fold.apply(Answered(1, round_, ttl, at, ttl * MS, router, kind, 3, 3))
    return FlowPath(number, 20_000 + number, 33434, fold.snapshot())


def test_routers_that_one_flow_meets_in_turns_tell_no_paths_apart() -> None:
    flows = [in_turns(number, f"203.0.113.{number % 2}") for number in range(4)]
    assert [path.members for path in parallel_paths(flows)] == [((3, "203.0.113.0"),), ((3, "203.0.113.1"),)]
    alike = [in_turns(number, "203.0.113.1") for number in range(4)]
    assert [path.members for path in parallel_paths(alike)] == [()]
    said = fan_words(fan(alike, compared([flow.path for flow in alike])))
    assert said == "packets of one flow meet several routers in turns at hop 2: no paths can be told apart there"
