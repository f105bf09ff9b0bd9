"""The sentence about the parallel paths that a search found."""

from __future__ import annotations

from hopscope.wire.discovered import Discovered, FoundPath
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
