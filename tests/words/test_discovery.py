"""The sentence about the parallel paths that a search found."""

from __future__ import annotations

from msgspec.structs import replace

from hopscope.judge.verdict import Note
from hopscope.wire.discovered import Discovered, FoundHop, FoundPath, FoundRouter
from hopscope.words.discovery import discovery_words


def found(*paths: FoundPath, miss: float = 0.05, note: str | None = None) -> Discovered:
    flows = sum(len(path.flows) for path in paths)
    balancing = "none" if len(paths) == 1 else "per-flow"
    return Discovered(1, 0, balancing, len(paths), miss, 90, flows, True, (), paths, (0,), note)  # type: ignore[arg-type]  # one of the two


def path(*flows: int, length: int | None = 9, dead_after: int | None = None, ports: bool = True) -> FoundPath:
    return FoundPath((), flows, tuple(20_000 + flow if ports else None for flow in flows), length, dead_after)


def test_one_path_is_said_with_how_sure_that_is() -> None:
    assert discovery_words(found(path(0, 1, 2))) == (
        "one path (95 %); a second of equal share would have been missed with probability 5 %"
    )


def test_where_nobody_answers_no_number_of_paths_is_said() -> None:
    silent = found(path(*range(6), length=None), miss=1.0)
    assert discovery_words(silent) == "nobody answered any flow: parallel paths cannot be told apart"
    noted = found(path(*range(6), length=None), miss=1.0, note="only 6 flows could be had: no port is left")
    assert discovery_words(noted) == (
        "nobody answered any flow: parallel paths cannot be told apart; only 6 flows could be had: no port is left"
    )


def test_one_flow_that_was_answered_leaves_a_second_path_open() -> None:
    assert "missed with probability 100 %" in discovery_words(found(path(0), miss=1.0))


def test_flows_that_get_nowhere_are_counted_and_their_ports_named() -> None:
    one, many = path(0, length=None, dead_after=2), path(*range(1, 11), length=None, dead_after=4)
    words = discovery_words(found(one, many, path(*range(11, 30))))
    assert words.split("; ")[2:] == [
        "1 of 30 flows ends after hop 2 (source ports 20000)",
        "10 of 30 flows end after hop 4 (source ports 20001, 20002, 20003, 20004, 20005, 20006, 20007, 20008 …)",
    ]


def test_ports_that_nobody_knows_are_not_named() -> None:
    words = discovery_words(found(path(0, length=None, dead_after=2, ports=False), path(*range(1, 8))))
    assert words.endswith("; 1 of 8 flows ends after hop 2")


def test_one_path_behind_a_translator_may_be_several_that_take_all_flows_for_one() -> None:
    one = found(path(0, 1, 2))
    assert "translator (NAT)" not in discovery_words(one)
    assert discovery_words(one, [Note(kind="nat")]).endswith(
        "there is a translator (NAT): if it gives all flows one port, who stands behind it takes them for one flow, "
        "which cannot be told from here"
    )


def test_a_translator_that_is_seen_to_give_all_flows_one_port_leaves_no_promise() -> None:
    words = discovery_words(replace(found(path(0, 1, 2), miss=1.0), balancing="unknown", one_port=(2, 40_001)))
    assert words == (
        "one path is seen; before hop 2 a translator (NAT) gives all flows one source port, 40001: who stands behind "
        "it takes them for one flow, and parallel paths there cannot be told apart"
    )


def test_where_most_flows_end_a_dead_path_is_not_the_only_cause() -> None:
    dead = path(*range(1, 8), length=None, dead_after=0)
    assert discovery_words(found(path(0), dead)).endswith(
        "so many end also where a translator (NAT) gives all flows one port, and lets one at a time through"
    )
    assert "7 of 8 flows end before any hop" in discovery_words(found(path(0), dead))
    assert "so many" not in discovery_words(found(path(*range(8)), path(8, 9, length=None, dead_after=1)))


def test_of_paths_that_combine_several_forks_the_probability_is_said_of_routers() -> None:
    hops = tuple(FoundHop(ttl, "per-flow", (FoundRouter("a", 8), FoundRouter("b", 8))) for ttl in (2, 3))
    words = discovery_words(replace(found(*(path(flow) for flow in range(3))), hops=hops))
    assert words == (
        "3 paths, and the same routers may be combined in further ways; "
        "a further router of equal share at any hop would have been missed with probability 5 %"
    )
