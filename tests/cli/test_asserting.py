"""The language of ``--assert``."""

from __future__ import annotations

import pytest

from hopscope.cli.assertions import broken, read
from hopscope.cli.errors import UsageError
from tests.report import sample


@pytest.mark.parametrize(
    "text",
    [
        "reached",
        "loss<1",
        "loss < 1%, p95<=120ms, hops<20 reached",
        "hop[3].loss=25",
        "hop[3].loss==25",
        "hop[5].late>=1 hop[5].failed==1",
        "worst<0.2s",
        "rounds=4",
        "hop[2].received=0 hop[2].loss>=100",
        "avg!=1",
        "jitter<40 jitter_worst<100 stddev>1 median>30 p99<=120 best>=30 last<121 sent=4 lost=0 duplicates=0",
        "route_changes<5",
        "verdict=healthy incidents=0",
        "verdict!=loss, verdict == healthy incidents<1",
    ],
)
def test_conditions_that_hold(text: str) -> None:
    assert broken(read(text), sample.target()) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("loss>0", "loss>0: is 0 %"),
        ("p95<50", "p95<50: is 120 ms"),
        ("hops < 6", "hops < 6: is 6"),
        ("hop[3].loss<1", "hop[3].loss<1: is 25 %"),
        ("hop[2].avg<100", "hop[2].avg<100: is unknown"),
        ("hop[9].loss<100", "hop[9].loss<100: there is no such hop"),
        ("verdict=loss", "verdict=loss: is healthy"),
        ("verdict!=healthy", "verdict!=healthy: is healthy"),
        ("incidents>0", "incidents>0: is 0"),
    ],
)
def test_a_broken_condition_says_what_it_found(text: str, why: str) -> None:
    assert broken(read(text), sample.target()) == [f"assertion failed for www.example.com: {why}"]


def test_each_broken_condition_has_its_line() -> None:
    assert len(broken(read("loss>0 p95<50 reached"), sample.target())) == 2


def test_a_silent_target_fulfils_only_what_is_known_of_it() -> None:
    silent = sample.silent_target()
    assert broken(read("loss=100 received=0"), silent) == []
    assert len(broken(read("reached hops<20 avg<1000 loss<1"), silent)) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        " , ",
        "loss",
        "reached<1",
        "los<1",
        "loss<1ms",
        "avg<1%",
        "hops<1ms",
        "hop[3].hops<2",
        "hop[3].reached",
        "hop[].loss<1",
        "loss<",
        "loss<1;reached",
        "loss<1reached",
        "__import__('os')",
        "loss<1e9999",
        "loss<<1",
        "loss<-1",
        "verdict",
        "verdict=fine",
        "verdict<healthy",
        "verdict=1",
        "hop[3].verdict=healthy",
        "loss=healthy",
        "incidents=none",
        "\x1b[31m",
    ],
)
def test_what_is_no_condition_is_refused_in_one_printable_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert str(caught.value).isprintable()


def test_an_assertion_on_a_verdict_that_is_still_starting_does_not_hold_and_says_so() -> None:
    why = "the verdict is still starting: too few rounds have their fates"
    lines = broken(read("verdict=healthy verdict!=loss verdict=starting incidents=0"), sample.short_target())
    assert [line.partition(": ")[2].partition(": ")[2] for line in lines] == [why] * 4
