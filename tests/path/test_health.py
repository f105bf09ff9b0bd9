"""Is it fine, where is it not, since when: tables of paths and of what is said of them."""

from __future__ import annotations

import pytest

from hopscope.path.findings import Finding, LoopFound
from hopscope.path.fold import PathFold
from hopscope.path.health import health, hop_health, loss_onset
from hopscope.path.snapshot import Path
from hopscope.views.prose import hop_words, sentence
from hopscope.wire.messages import Kind
from tests.path.network import MS, TARGET, answered, at, begun, failed, late, lost, router, sent


def trace(*rows: str, base: int = 5 * MS, end: Kind = "echo-reply", window: int = 1024) -> Path:
    """A path of a row a hop, a character a round; the last hop is the target.

    ``.`` answered in base time times the TTL, ``s`` 60 ms slower, ``x`` lost, ``l`` late, ``f`` failed, ``p`` pending,
    a space: not probed.
    """
    fold = PathFold(TARGET, window=window)
    for i in range(max(map(len, rows), default=0)):
        fold.apply(begun(i))
        for ttl, row in enumerate(rows, 1):
            is_last = ttl == len(rows)
            kind: Kind = end if is_last else "time-exceeded"
            who = TARGET if is_last and end == "echo-reply" else router(ttl)
            what = row[i] if i < len(row) else " "
            if what in ".sxlp":
                fold.apply(sent(i, ttl))
            if what in ".s":
                fold.apply(answered(i, ttl, base * ttl + (60 * MS if what == "s" else 0), who, kind))
            elif what in "xl":
                fold.apply(lost(i, ttl))
                if what == "l":
                    fold.apply(late(i, ttl, address=who, kind=kind))
            elif what == "f":
                fold.apply(failed(i, ttl))
    return fold.snapshot()


def said(found: Finding) -> tuple[str, str]:
    return found.state, sentence(found).line


FINE = "." * 100
TEN = ".........x" * 10


@pytest.mark.parametrize(
    ("rows", "state", "words"),
    [
        ((), "starting", "starting: no answer yet"),
        (("p",), "starting", "starting: no answer yet"),
        ((".", "p"), "starting", "starting: hop 1 answers so far"),
        (("....", "...."), "healthy", "healthy so far: 0 of 4 lost, 10.0 ms"),
        ((".....", "..x.x"), "starting", "too early to judge: 2 of 5 lost"),
        ((FINE, FINE), "healthy", "healthy: 0 of 100 lost, 10.0 ms, steady"),
        ((FINE, "." * 99 + "x"), "healthy", "healthy: 10.0 ms, steady, 1 of 100 lost may be chance"),
        ((FINE, ("." * 15 + "s") * 6 + "...."), "healthy", "healthy: 0 of 100 lost, 10.0 ms, up to 70.0 ms"),
        ((FINE[:20], "." * 19 + "x"), "healthy", "healthy: 10.0 ms, steady, 1 of 20 lost may be chance"),
        ((FINE, TEN), "loss", "10 % loss at the target alone"),
        ((FINE, TEN, TEN), "loss", "10 % loss from hop 2 on"),
        ((TEN, TEN, TEN), "loss", "10 % loss from the first hop on"),
        ((FINE, "x" * 100, TEN, TEN), "loss", "10 % loss from hop 3 on"),
        ((TEN, FINE, FINE), "healthy", "healthy: 0 of 100 lost, 15.0 ms, steady"),
        ((FINE, FINE[:80] + "s" * 20), "slow", "slow: 70.0 ms, 60.0 ms more than at its best"),
        ((FINE, FINE[:97] + "xxx"), "unreachable", "no answer"),
        ((FINE, FINE[:98] + "xx"), "loss", "2 % loss at the target alone"),
        ((FINE, "x." * 48 + ".xxx"), "loss", "51 % loss at the target alone"),
        ((FINE, "x." * 40 + "x" * 20), "unreachable", "no answer"),
        ((FINE, "." * 90 + "l" * 10), "slow", "slow: 10 of the last 100 answers came after the timeout; raise it"),
        (("...f", "...f"), "this-computer", "this computer cannot send: Network is unreachable"),
        (("f", "f"), "this-computer", "this computer cannot send: Network is unreachable"),
        ((".." + "f" * 5 + "...", ".." + "f" * 5 + "..."), "healthy", "healthy so far: 0 of 5 lost, 10.0 ms"),
    ],
)
def test_what_is_said_of_a_path(rows: tuple[str, ...], state: str, words: str) -> None:
    assert said(health(trace(*rows))) == (state, words)


def test_a_target_that_never_answers_is_unreachable_behind_the_last_that_does() -> None:
    fold = PathFold(TARGET)
    for i in range(3):
        fold.apply_all([begun(i), sent(i, 1), answered(i, 1), sent(i, 2), lost(i, 2), sent(i, 3), lost(i, 3)])
    found = health(fold.snapshot())
    assert said(found) == ("unreachable", "no answer from the target; hop 1 is the last that answers")
    assert (found.first_ttl, found.since) == (2, at(0))


def test_silence_from_everywhere_is_said() -> None:
    fold = PathFold(TARGET)
    fold.apply_all([lost(i, ttl) for i in range(3) for ttl in (1, 2)])
    assert said(health(fold.snapshot())) == ("unreachable", "no answer from anywhere")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("host-unreachable", "unreachable: 192.0.2.2 says host unreachable"),
        ("net-unreachable", "unreachable: 192.0.2.2 says no route"),
        ("prohibited", "unreachable: 192.0.2.2 says prohibited"),
    ],
)
def test_who_refuses_is_named(kind: Kind, words: str) -> None:
    found = health(trace("...", "...", end=kind))
    assert said(found) == ("unreachable", words)
    assert found.first_ttl == 2


def test_a_target_that_answered_before_is_unreachable_while_a_router_says_so() -> None:
    fold = PathFold(TARGET)
    for i in range(20):
        fold.apply_all([answered(i, 1), answered(i, 2, address=TARGET, kind="echo-reply")])
    fold.apply(answered(20, 1, kind="host-unreachable"))
    assert said(health(fold.snapshot())) == ("unreachable", "unreachable: 192.0.2.1 says host unreachable")


def test_since_is_when_the_silence_began() -> None:
    found = health(trace(FINE, FINE[:90] + "x" * 10))
    assert (found.since, found.first_ttl, found.loss_pct) == (at(90), 2, 100)


def test_silence_begins_at_the_first_hop_that_fell_silent() -> None:
    gone = FINE[:90] + "x" * 10
    assert health(trace(FINE, gone, "x" * 100, gone)).first_ttl == 2


def test_since_is_when_loss_began_after_a_calm_time() -> None:
    row = "x" + "." * 70 + ".x..x..x.." * 3
    assert health(trace(row, row)).since == at(72)


def test_since_is_unknown_when_the_trouble_is_older_than_the_window() -> None:
    row = ".x.." * 50
    assert health(trace(row, row, window=100)).since is None
    assert health(trace(row, row)).since == at(1)


def test_since_is_when_it_became_slow() -> None:
    assert health(trace(FINE, FINE[:70] + "s" * 30)).since == at(70)


def test_since_is_when_this_computer_began_to_fail() -> None:
    row = "." * 10 + "f" * 5
    assert health(trace(row, row)).since == at(10)


def test_an_old_outage_is_no_present_trouble() -> None:
    found = health(trace(FINE, "." * 20 + "x" * 20 + "." * 150))
    assert said(found) == ("healthy", "healthy: 10.0 ms, steady, 20 of 190 lost since the start")


@pytest.mark.parametrize(
    ("rounds", "sure"), [(9, "collecting"), (10, "provisional"), (29, "provisional"), (30, "full")]
)
def test_young_numbers_say_that_they_are_young(rounds: int, sure: str) -> None:
    path = trace("." * rounds, "." * rounds)
    assert health(path).confidence == sure
    assert hop_health(path, path.hops[0]).confidence == sure


@pytest.mark.parametrize(
    ("rows", "ttl", "state", "words"),
    [
        ((FINE, FINE), 1, "ok", "no loss"),
        (("p", "p"), 1, "starting", "no answer yet"),
        (("xx",), 1, "starting", "no answer yet"),
        ((FINE, "x" * 100, FINE), 2, "silent", "does not answer, but forwards: later hops answer"),
        ((FINE, "x" * 100), 2, "no-answer", "no answer from here on"),
        ((FINE, "l" * 100, FINE), 2, "slow-to-answer", "answers only after the timeout"),
        (
            (FINE, TEN, FINE),
            2,
            "cosmetic",
            "10 % loss here goes no further: the router limits how often it answers, traffic is not lost",
        ),
        (
            (FINE, TEN, TEN),
            2,
            "loss",
            "10 % loss that goes on to the target begins here, just before, or on the way back",
        ),
        ((TEN, TEN, TEN), 2, "loss", "10 % loss that goes on to the target"),
        ((FINE, TEN), 2, "loss", "10 % loss"),
        ((FINE, "." * 99 + "x", FINE), 2, "ok", "1 of 100 lost"),
        ((FINE, "xxx.." * 20, "xx..." * 20), 2, "loss", "60 % loss, of which 40 % goes on"),
        ((FINE, "." * 19 + "x", FINE), 2, "ok", "1 of 20 lost"),
        ((FINE, "x.x......", FINE), 2, "ok", "2 of 9 lost"),
        (
            (FINE, "s" * 100, FINE),
            2,
            "slow-to-answer",
            "slow to answer by 55.0 ms, not slow to forward: later hops answer sooner",
        ),
        ((FINE, "s" * 100, "s" * 100), 2, "ok", "no loss"),
        (("..f", "..f"), 1, "this-computer", "this computer cannot send: Network is unreachable"),
        ((".f.", ".f."), 1, "ok", "no loss"),
    ],
)
def test_what_is_said_of_a_hop(rows: tuple[str, ...], ttl: int, state: str, words: str) -> None:
    path = trace(*rows)
    found = hop_health(path, path.hops[ttl - 1])
    assert (found.state, hop_words(found)) == (state, words)


def test_only_trouble_has_the_colour_of_trouble() -> None:
    path = trace(FINE, TEN, "x" * 100, FINE)
    assert [hop_health(path, hop).is_trouble for hop in path.hops] == [False] * 4
    path = trace(FINE, TEN, TEN)
    assert [hop_health(path, hop).is_trouble for hop in path.hops] == [False, True, True]


def test_a_rate_limited_router_before_the_loss_does_not_move_its_onset() -> None:
    assert loss_onset(trace("x." * 50, FINE, TEN, TEN)) == 3
    assert loss_onset(trace(TEN, FINE)) is None
    assert loss_onset(trace()) is None


def route(*addresses: str) -> Path:
    """A path on which these addresses answer, in this order, and never the target."""
    fold = PathFold(TARGET)
    for i in range(12):
        fold.apply(begun(i))
        for ttl, address in enumerate(addresses, 1):
            fold.apply(sent(i, ttl))
            fold.apply(answered(i, ttl, ttl * MS, address))
    return fold.snapshot()


def test_a_forwarding_loop_is_called_one_and_its_routers_are_named() -> None:
    found = health(route("192.0.2.1", *["198.51.100.1", "198.51.100.5"] * 5))
    assert said(found) == (
        "unreachable",
        "a forwarding loop between 198.51.100.1 and 198.51.100.5: probes go round and never reach the target",
    )
    assert found.first_ttl == 2


@pytest.mark.parametrize(
    "addresses",
    [
        ("192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"),  # forwards what has no TTL left
        ("192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.2", "192.0.2.3"),
        ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"),  # branches of unequal length
    ],
)
def test_an_address_that_merely_comes_again_is_no_loop(addresses: tuple[str, ...]) -> None:
    assert not isinstance(health(route(*addresses)), LoopFound)


def test_a_target_beyond_the_largest_ttl_is_not_starting_for_ever() -> None:
    found = health(route("192.0.2.1", "192.0.2.2", "192.0.2.3"))
    assert said(found) == ("unreachable", "the target is not within 3 hops: hop 3 still is a router")


def test_where_loss_begins_is_not_claimed_before_it_can_be_told() -> None:
    early = health(trace("." * 15, "." * 15, "x......x......."))
    assert sentence(early).line == "13 % loss at the target, too early to say from where on"
    assert sentence(early).short == "13 % loss at the target"
    assert said(health(trace("." * 60, "." * 60, ("." * 9 + "x") * 6)))[1] == "10 % loss at the target alone"


def test_loss_between_is_not_called_harmless_by_chance_while_the_target_loses_too() -> None:
    path = trace("." * 40, "x..x" + "." * 36, "x" + "." * 39, "x.x.x" + "." * 35)
    assert hop_health(path, path.hops[1]).state != "cosmetic"
    path = trace("." * 40, "x..x" + "." * 36, "x" + "." * 39, "." * 40)
    assert hop_health(path, path.hops[1]).state == "cosmetic"


def by_udp(*rows: str) -> Finding:
    """What is said of such a path by UDP: a row a router, the last one the target's TTL, which is silent or answers."""
    fold = PathFold(TARGET, "udp")
    for i in range(len(rows[0])):
        fold.apply(begun(i))
        for ttl, row in enumerate(rows, 1):
            fold.apply(sent(i, ttl))
            if row[i] == "x":
                fold.apply(lost(i, ttl))
            elif ttl == len(rows):
                fold.apply(answered(i, ttl, MS, TARGET, "port-unreachable"))
            else:
                fold.apply(answered(i, ttl, MS, router(ttl)))
    return health(fold.snapshot())


@pytest.mark.parametrize(
    ("rows", "state", "words"),
    [
        (
            ("." * 30, "x" * 30),
            "no-answer",
            "the target does not answer UDP, which alone is no outage: hop 1 is the last",
        ),
        (("x" * 30, "x" * 30), "no-answer", "the target does not answer UDP, which alone is no outage"),
        (("." * 60, "." * 30 + "x" * 30), "no-answer", "the target does not answer UDP, which alone is no outage"),
        (("." * 30 + "x" * 30, "." * 30 + "x" * 30), "unreachable", "no answer"),
        (("." * 30, "." * 30), "healthy", "healthy: 0 of 30 lost"),
    ],
)
def test_a_target_that_is_silent_by_udp_alone_is_never_called_an_outage(
    rows: tuple[str, ...], state: str, words: str
) -> None:
    found = said(by_udp(*rows))
    assert found[0] == state
    assert found[1].startswith(words)
