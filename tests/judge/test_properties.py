"""Whatever becomes of random probes: the order in which facts arrive changes nothing of a verdict, nor does a replay,
and no fact makes the judge fail."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.model import Probing
from hopscope.session.replay import replay
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Begun, Found, Paused, Reset, Resumed
from hopscope.wire.messages import Answered, Event, Failed, Finished, Late, Lost, Plan, RoundStarted, Sent, Started
from tests.path.network import TARGET, S, answered, at, begun, failed, lost, reached, sent

TTLS = 3
LETTERS = "aaaaaaxfp."


def stories(text: str) -> list[tuple[Event, list[Event]]]:
    """What each probe begins and ends with; a letter a probe: answered, lost, failed here, prohibited, never told."""
    out: list[tuple[Event, list[Event]]] = []
    for i, letter in enumerate(text):
        round_, ttl = divmod(i, TTLS)
        ttl += 1
        begin: Event = failed(round_, ttl) if letter == "f" else sent(round_, ttl)
        rest: list[Event] = []
        if letter == "x":
            rest = [lost(round_, ttl)]
        elif letter == "p":
            rest = [answered(round_, ttl, kind="prohibited")]
        elif letter == "a":
            rest = [reached(round_, ttl) if ttl == TTLS else answered(round_, ttl)]
        out.append((begin, rest))
    return out


def judged(facts: list[Event]) -> Judged:
    judge = Judge(TARGET)
    for fact in facts:
        judge.apply(fact)
    return judge.judged()


def in_order(text: str) -> list[Event]:
    out: list[Event] = []
    for i, (begin, rest) in enumerate(stories(text)):
        if i % TTLS == 0:
            out.append(begun(i // TTLS))
        out += [begin, *rest]
    return [*out, Finished(1, len(text) // TTLS)]


def delayed(text: str, delays: list[int]) -> list[Event]:
    """The same, but each fate is told so many probes later."""
    out: list[Event] = []
    waiting: list[tuple[int, list[Event]]] = []
    for i, (begin, rest) in enumerate(stories(text)):
        if i % TTLS == 0:
            out.append(begun(i // TTLS))
        out.append(begin)
        waiting.append((i + delays[i % len(delays)], rest))
        for due, fates in [story for story in waiting if story[0] <= i]:
            out += fates
            waiting.remove((due, fates))
    for _, fates in reversed(waiting):
        out += fates
    return [*out, Finished(1, len(text) // TTLS)]


probes = st.text(LETTERS, min_size=5 * TTLS, max_size=40 * TTLS).map(lambda text: text[: len(text) // TTLS * TTLS])


@settings(max_examples=60, deadline=None)
@given(probes, st.lists(st.integers(0, 4 * TTLS), min_size=1, max_size=20))
def test_the_order_in_which_fates_arrive_changes_nothing(text: str, delays: list[int]) -> None:
    assert judged(delayed(text, delays)) == judged(in_order(text))


@settings(max_examples=30, deadline=None)
@given(probes)
def test_a_replay_finds_the_same(text: str) -> None:
    plan = Plan(TARGET, 4, rounds=len(text) // TTLS)
    facts: list[TargetFact] = [
        Asked(at(0), TARGET, Probing()),
        Found(at(0), TARGET),
        Begun(at(0), plan),
        Started(1, "raw", "192.0.2.77", None, None, 64, "one", "kernel"),
        *in_order(text),
        Paused(at(41)),
        Resumed(at(44)),
        Reset(at(50)),
    ]
    first = facts[0]
    assert isinstance(first, Asked)
    fold = TargetFold(1, first)
    for fact in facts[1:]:
        fold.apply(fact)
    assert replay([(1, fact) for fact in facts])[1].snapshot().judged == fold.snapshot().judged


@settings(max_examples=40, deadline=None)
@given(probes)
def test_a_copy_half_way_finds_the_same(text: str) -> None:
    facts = in_order(text)
    judge = Judge(TARGET)
    for fact in facts[: len(facts) // 2]:
        judge.apply(fact)
    twin = judge.copy()
    for fact in facts[len(facts) // 2 :]:
        judge.apply(fact)
        twin.apply(fact)
    assert twin.judged() == judge.judged()


numbers = st.one_of(st.integers(-5, 20), st.integers(-(2**62), 2**62))
wild = st.one_of(
    st.builds(RoundStarted, st.just(1), numbers, numbers),
    st.builds(Sent, st.just(1), numbers, numbers, numbers),
    st.builds(Lost, st.just(1), numbers, numbers, numbers),
    st.builds(Failed, st.just(1), numbers, numbers, numbers, st.sampled_from(["EPERM", ""]), st.text(max_size=3)),
    st.builds(
        Answered,
        st.just(1),
        numbers,
        numbers,
        numbers,
        numbers,
        st.sampled_from(["192.0.2.1", TARGET, "", "fe80::1%eth0"]),
        st.sampled_from(["time-exceeded", "echo-reply", "prohibited", "fragmentation-needed", "other"]),
    ),
    st.builds(Late, st.just(1), numbers, numbers, numbers, numbers, st.just(TARGET), st.just("echo-reply")),
    st.builds(Finished, st.just(1), numbers),
    st.builds(Reset, numbers),
    st.builds(Paused, numbers),
    st.builds(Resumed, numbers),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(wild, max_size=60))
def test_no_fact_however_odd_makes_it_fail(facts: list[Event]) -> None:
    judged(facts)


def test_a_clock_that_jumps_and_rounds_that_are_skipped_are_gaps_and_no_trouble() -> None:
    judge = Judge(TARGET)
    for i, round_ in enumerate((0, 1, 2, 3, 4, 900, 901, 902, 2**39, 2**39 + 1)):
        start = at(0) + i * S + (10**15 if i > 6 else 0)
        judge.apply(RoundStarted(1, round_, start))
        judge.apply(Sent(1, round_, 1, start))
        judge.apply(Answered(1, round_, 1, start, 1_000_000, TARGET, "echo-reply"))
    judge.apply(Finished(1, 10))
    judged = judge.judged()
    assert judged.verdict.kind == "healthy"
    assert [mark.kind for mark in judged.marks] == ["gap"]
