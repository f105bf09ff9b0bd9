"""Whatever becomes of random probes: counts add up, nothing is counted twice, and the order of arrival never shows."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hopscope.path.fold import PathFold
from hopscope.path.snapshot import FAILED, LATE, LOST, Hop, Path
from hopscope.wire.framing import Garbage, encode_all, event_reader
from hopscope.wire.messages import Answered, Event, Failed, Kind, Late, Lost, RoundStarted, Sent
from tests.path.network import MS, TARGET, answered, begun, duplicate, failed, late, lost, sent

WINDOW = 8
FATES = ("answered", "lost", "late", "failed", "pending", "duplicate", "late-duplicate")


@dataclass(frozen=True)
class Fate:
    """What becomes of one probe."""

    round: int
    ttl: int
    name: str
    rtt: int
    address: str

    def begin(self) -> Event:
        """How the probe shows first."""
        return failed(self.round, self.ttl) if self.name == "failed" else sent(self.round, self.ttl)

    def rest(self) -> list[Event]:
        """What comes later, in the order in which it must come."""
        kind: Kind = "echo-reply" if self.address == TARGET else "time-exceeded"
        answer = answered(self.round, self.ttl, self.rtt, self.address, kind)
        after = late(self.round, self.ttl, self.rtt, self.address, kind)
        again = duplicate(self.round, self.ttl, self.address)
        gone = lost(self.round, self.ttl)
        rest: dict[str, list[Event]] = {
            "answered": [answer],
            "lost": [gone],
            "late": [gone, after],
            "duplicate": [answer, again, again],
            "late-duplicate": [gone, after, again],
        }
        return rest.get(self.name, [])


def fates(rounds: int = 7, ttls: int = 3) -> st.SearchStrategy[list[Fate]]:
    """Every probe of a few rounds."""
    one = st.tuples(
        st.sampled_from(FATES),
        st.integers(0, 100 * MS),
        st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3", TARGET]),
    )
    size = rounds * ttls
    return st.lists(one, min_size=size, max_size=size).map(
        lambda rows: [Fate(i // ttls, i % ttls + 1, *row) for i, row in enumerate(rows)]
    )


def in_order(probes: list[Fate]) -> list[Event]:
    """Each probe's whole story at once."""
    out: list[Event] = []
    for probe in probes:
        if probe.ttl == 1:
            out.append(begun(probe.round))
        out += [probe.begin(), *probe.rest()]
    return out


def shuffled(probes: list[Fate], data: st.DataObject) -> list[Event]:
    """One of the orders that the network allows: sendings in their order, each probe's story in its own, and all
    stories mixed."""
    sends: list[Event] = []
    unlocks: dict[int, list[Event]] = {}
    for probe in probes:
        if probe.ttl == 1:
            sends.append(begun(probe.round))
        sends.append(probe.begin())
        unlocks[len(sends)] = probe.rest()
    out: list[Event] = []
    open_stories: list[list[Event]] = []
    done = 0
    choices = data.draw(st.lists(st.integers(0, 9), min_size=60, max_size=60))
    for choice in choices:
        if choice <= 5 and done < len(sends):
            out.append(sends[done])
            done += 1
            if unlocks.get(done):
                open_stories.append(list(unlocks[done]))
        elif open_stories:
            story = open_stories[(choice * 7 + len(out)) % len(open_stories)]
            out.append(story.pop(0))
            if not story:
                open_stories.remove(story)
    while done < len(sends):
        out.append(sends[done])
        done += 1
        if unlocks.get(done):
            open_stories.append(list(unlocks[done]))
    for story in reversed(open_stories):
        out += story
    return out


def fold(events: list[Event]) -> Path:
    folded = PathFold(TARGET, window=WINDOW)
    folded.apply_all(events)
    return folded.snapshot()


def adds_up(hop: Hop) -> bool:
    return hop.sent == hop.received + hop.lost + hop.late + hop.pending + hop.failed


@given(fates())
def test_counts_add_up_and_agree_with_the_truth(probes: list[Fate]) -> None:
    found = fold(in_order(probes))
    for hop in found.hops:
        mine = [probe for probe in probes if probe.ttl == hop.ttl]
        names = [probe.name for probe in mine]
        assert adds_up(hop)
        assert hop.sent == len(mine)
        rtts = [probe.rtt for probe in mine if probe.name in ("answered", "duplicate")]
        assert hop.received == len(rtts) == sum(node.received for node in hop.nodes)
        assert hop.received == sum(reply.count for reply in hop.replies)
        assert hop.lost == names.count("lost")
        assert hop.late == names.count("late") + names.count("late-duplicate")
        assert hop.failed == names.count("failed")
        assert hop.duplicates == 2 * names.count("duplicate") + names.count("late-duplicate")
        n = hop.sent - hop.late - hop.pending - hop.failed
        assert hop.loss_pct == (100 * hop.lost / n if n else None)
        samples = hop.window.samples.tolist()
        assert [sample for sample in samples if sample >= 0] == rtts
        assert (samples.count(LOST), samples.count(LATE), samples.count(FAILED)) == (hop.lost, hop.late, hop.failed)
        if not rtts:
            assert hop.rtt is None
            continue
        assert hop.rtt is not None
        assert hop.rtt.last == rtts[-1] / MS
        assert hop.rtt.avg == pytest.approx(statistics.fmean(rtts) / MS)
        assert hop.rtt.median == statistics.median_low(rtts) / MS
        if len(rtts) > 1:
            assert hop.rtt.stddev == pytest.approx(statistics.stdev(rtts) / MS, abs=1e-9)


@given(fates(), st.data())
@settings(max_examples=150)
def test_the_order_of_arrival_never_shows(probes: list[Fate], data: st.DataObject) -> None:
    assert fold(shuffled(probes, data)) == fold(in_order(probes))


@given(fates(), st.data())
def test_looking_in_between_changes_nothing(probes: list[Fate], data: st.DataObject) -> None:
    events = shuffled(probes, data)
    watched = PathFold(TARGET, window=WINDOW)
    for event in events:
        watched.apply(event)
        watched.snapshot()
    assert watched.snapshot() == fold(events)


@given(fates(), st.data())
def test_at_every_moment_counts_add_up_and_fates_stay(probes: list[Fate], data: st.DataObject) -> None:
    folded = PathFold(TARGET, window=WINDOW)
    before: dict[int, tuple[int, int, int, int]] = {}
    samples: dict[tuple[int, int], int] = {}
    for event in shuffled(probes, data):
        folded.apply(event)
        path = folded.snapshot()
        for hop in path.hops:
            assert adds_up(hop)
            now = (hop.sent, hop.received, hop.late, hop.failed)
            assert all(a <= b for a, b in zip(before.get(hop.ttl, now), now, strict=True))
            before[hop.ttl] = now
            for i, sample in enumerate(hop.window.samples):
                key = (hop.window.first_round + i, hop.ttl)
                old = samples.get(key, sample)
                assert old == sample or old < -1 or (old, sample) == (LOST, LATE)
                assert old not in (LATE, FAILED) or old == sample
                samples[key] = sample


@given(fates(), st.data())
def test_events_told_twice_count_once_but_for_duplicates(probes: list[Fate], data: st.DataObject) -> None:
    once = [event for event in shuffled(probes, data) if type(event).__name__ != "Duplicate"]
    twice = [event for event in once for _ in range(2)]
    again = fold(twice)
    assert again.hops == fold(once).hops
    assert again.rounds == fold(once).rounds
    assert fold(once + once).hops == fold(once).hops


@given(fates(), st.data())
def test_replaying_recorded_events_gives_the_identical_path(probes: list[Fate], data: st.DataObject) -> None:
    events = shuffled(probes, data)
    replayed = [event for event in event_reader().feed(encode_all(events)) if not isinstance(event, Garbage)]
    assert fold(replayed) == fold(events)


@given(fates(rounds=30, ttls=1))
@settings(max_examples=50)
def test_a_window_shorter_than_the_trace_holds_its_last_rounds(probes: list[Fate]) -> None:
    (hop,) = fold(in_order(probes)).hops
    assert adds_up(hop)
    wanted = [probe.rtt for probe in probes[-WINDOW:] if probe.name in ("answered", "duplicate")]
    assert [sample for sample in hop.window.samples if sample >= 0] == wanted
    assert hop.window.first_round == 30 - WINDOW
    rtts = [probe.rtt for probe in probes if probe.name in ("answered", "duplicate")]
    if rtts:
        assert hop.rtt is not None
        assert hop.rtt.median == pytest.approx(statistics.median_low(rtts) / MS, rel=0.004)


@given(fates(), st.data(), st.integers(0, 8), st.integers(0, 3))
def test_a_reset_leaves_exactly_what_was_sent_since(
    probes: list[Fate], data: st.DataObject, round_: int, ttl: int
) -> None:
    """Resetting in mid-trace is the same as never having heard of the probes before."""
    events = shuffled(probes, data)
    moment = begun(round_).at + ttl * MS
    cut = next((i for i, e in enumerate(events) if when(e) >= moment), len(events))
    folded = PathFold(TARGET, window=WINDOW)
    folded.apply_all(events[:cut])
    folded.reset(moment)
    folded.apply_all(events[cut:])
    wanted = fold([e for e in events if when(e) >= moment])
    assert folded.snapshot().hops == wanted.hops
    assert folded.snapshot().rounds == wanted.rounds


def when(event: Event) -> int:
    """When the probe of an event was sent, or its round began."""
    if isinstance(event, RoundStarted):
        return event.at
    assert isinstance(event, (Sent, Answered, Lost, Failed))
    return event.sent_at


def test_the_stories_hold_every_fate() -> None:
    """The generator above tells of all fates."""
    kinds = {type(event) for name in FATES for event in Fate(0, 1, name, 1, TARGET).rest()}
    assert {Answered, Lost, Late} <= kinds
