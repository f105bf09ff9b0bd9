"""What is counted adds up, never goes back, and is said in OpenMetrics text that no stranger's name can break."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopscope.judge.verdict import Trouble
from hopscope.metrics.exposition import MOST_GONE, UNSEEN_NS, Exposition, quoted
from hopscope.metrics.families import FAMILIES
from hopscope.names.facts import AddressInfo, Asn
from hopscope.path.totals import BOUNDS, Counts, Responder, Totals
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.model import Probing
from hopscope.session.tally import SessionTally, TargetTally, tally_of
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Abandoned, Begun, Found, Reset, TakenBack
from hopscope.wire.messages import Answered, Duplicate, Failed, Kind, Late, Lost, Plan, RoundStarted, Sent
from tests.metrics.openmetrics import Scrape, labels_of, read

S = 1_000_000_000
MS = 1_000_000
AT = 1_795_446_120 * S
TARGET = "192.0.2.80"
PROBES = "hopscope_probes_total"
TARGET_PROBES = "hopscope_target_probes_total"
BUCKET = "hopscope_target_rtt_seconds_bucket"


def begun(number: int = 1, query: str = TARGET) -> TargetFold:
    fold = TargetFold(number, Asked(AT, query, Probing()))
    for fact in (Found(AT, TARGET), Begun(AT, Plan(TARGET, 4))):
        fold.apply(fact)
    return fold


def play(fold: TargetFold, first: int, rounds: int, target_rtt_ms: float = 20.0) -> None:
    """Rounds of a path of three hops, of which the second is silent."""
    for round_ in range(first, first + rounds):
        at = AT + round_ * S
        fold.apply(RoundStarted(1, round_, at))
        for ttl in (1, 2, 3):
            fold.apply(Sent(1, round_, ttl, at))
        fold.apply(Answered(1, round_, 1, at, 2 * MS, "10.0.0.1", "time-exceeded"))
        fold.apply(Answered(1, round_, 3, at, int(target_rtt_ms * MS), TARGET, "echo-reply"))
        fold.apply(Lost(1, round_, 2, at))


def tally(*folds: TargetFold, now: int = AT + 60 * S) -> SessionTally:
    return SessionTally(targets=[tally_of(fold, None) for fold in folds], now=now)


def scrape(exposition: Exposition, *folds: TargetFold, now: int = AT + 60 * S) -> Scrape:
    return read(exposition.text(tally(*folds, now=now)))


def one_target(**more: object) -> TargetTally:
    return msgspec.structs.replace(TargetTally(id=1, name="a.example", totals=Totals()), **more)


def test_a_path_is_counted_by_hop_and_by_target() -> None:
    fold = begun()
    play(fold, 0, 40)
    found = scrape(Exposition(), fold)
    assert found.value(PROBES, hop="1", fate="answered") == 40
    assert found.value(PROBES, hop="2", fate="lost") == 40
    assert found.value("hopscope_rtt_seconds_sum", hop="3") == pytest.approx(0.8)
    assert found.value("hopscope_rtt_seconds_count", hop="3") == 40
    assert found.value(TARGET_PROBES, fate="answered") == 39  # the newest round may still be added to
    assert found.value(BUCKET, le="0.015") == 0
    assert found.value(BUCKET, le="0.02") == 39
    assert found.value(BUCKET, le="+Inf") == found.value("hopscope_target_rtt_seconds_count") == 39
    assert found.value("hopscope_target_rtt_seconds_sum") == pytest.approx(0.78)
    assert found.value("hopscope_path_hops") == 3
    assert found.value("hopscope_target_reached") == 1
    assert found.value("hopscope_verdict", kind="healthy") == 1
    assert found.value("hopscope_worker_running") == 1


def test_a_silent_hop_is_counted_and_has_no_address() -> None:
    fold = begun()
    play(fold, 0, 10)
    found = scrape(Exposition(), fold)
    assert [one.labels["hop"] for one in found.of("hopscope_hop_info")] == ["1", "3"]
    assert found.value("hopscope_rtt_seconds_count", hop="2") == 0


def test_an_address_is_a_label_of_info_alone() -> None:
    fold = begun()
    play(fold, 0, 10)
    found = scrape(Exposition(), fold)
    with_address = {one.name for one in found.samples if "address" in one.labels or "10.0.0.1" in one.labels.values()}
    assert with_address == {"hopscope_hop_info", "hopscope_target_info"}
    assert not [family for family in FAMILIES if "address" in family.labels and family.kind != "info"]


def test_every_label_is_in_the_registry() -> None:
    fold = begun()
    play(fold, 0, 40)
    for kind in ("loss", "healthy"):
        made = msgspec.structs.replace(
            tally_of(fold, None), verdict=kind, first_ttl=2, last_ttl=3, method="raw", site="x", is_answering=True
        )
    made = msgspec.structs.replace(made, totals=made.totals._replace(incidents={"loss": 1}))
    found = read(Exposition().text(SessionTally(targets=[made], now=AT, heard=(("x", AT),))))
    known = {name: {*family.labels, "site", "le"} for family in FAMILIES for name in family.series}
    assert list(found.kinds) == [family.name for family in FAMILIES]
    assert {one.name for one in found.samples} == set(known)
    assert not [one for one in found.samples if not set(one.labels) <= known[one.name]]


# --- never back ------------------------------------------------------------------------------------------------------


def test_a_reset_takes_nothing_from_a_counter() -> None:
    fold, exposition = begun(), Exposition()
    play(fold, 0, 20)
    scrape(exposition, fold)
    play(fold, 20, 5)  # nobody asked before the reset
    fold.apply(Reset(AT + 25 * S - 1))
    play(fold, 25, 10)
    assert fold.snapshot().path.rounds == 10
    found = scrape(exposition, fold)
    assert found.value(PROBES, hop="1", fate="answered") == 35
    fold.apply(TakenBack(AT + 36 * S))
    after = scrape(exposition, fold)
    assert after.of(PROBES) == found.of(PROBES)
    # The round under way when it was reset is known to be over only now.
    assert after.value(TARGET_PROBES, fate="answered") == found.value(TARGET_PROBES, fate="answered") + 1 == 34


def test_another_way_of_probing_and_taking_it_back_keep_what_was_counted() -> None:
    fold, exposition = begun(), Exposition()
    play(fold, 0, 20)
    fold.apply(Asked(AT + 20 * S, TARGET, Probing(protocol="udp")))
    assert scrape(exposition, fold).value(PROBES, hop="1", fate="answered") == 20
    fold.apply(Begun(AT + 20 * S, Plan(TARGET, 4, protocol="udp")))
    play(fold, 20, 5)
    assert scrape(exposition, fold).value(PROBES, hop="1", fate="answered") == 25
    fold.apply(TakenBack(AT + 26 * S, Plan(TARGET, 4)))
    assert scrape(exposition, fold).value(PROBES, hop="1", fate="answered") == 25


def test_what_was_asked_for_and_never_begun_counts_nothing_twice() -> None:
    fold = begun()
    play(fold, 0, 20)
    fold.apply(Asked(AT + 20 * S, TARGET, Probing(protocol="udp")))
    fold.apply(TakenBack(AT + 21 * S, Plan(TARGET, 4)))
    assert scrape(Exposition(), fold).value(PROBES, hop="1", fate="answered") == 20


def test_the_window_of_the_screen_changes_no_counter() -> None:
    fold, exposition = begun(), Exposition()
    play(fold, 0, 100)
    before = scrape(exposition, fold)
    fold.snapshot(window="60s", now=AT + 100 * S)
    assert scrape(exposition, fold).counters() == before.counters()


def test_a_late_answer_lowers_no_counter_and_is_no_loss_in_the_end() -> None:
    fold, exposition = begun(), Exposition()
    for round_ in range(10):
        at = AT + round_ * S
        fold.apply(RoundStarted(1, round_, at))
        fold.apply(Sent(1, round_, 1, at))
        fold.apply(Lost(1, round_, 1, at))
        assert scrape(exposition, fold).value(PROBES, hop="1", fate="lost") == 1
        fold.apply(Late(1, round_, 1, at, 4 * S, "10.0.0.1", "time-exceeded"))
        found = scrape(exposition, fold)
        assert found.value(PROBES, hop="1", fate="lost") == 1
        assert found.value(PROBES, hop="1", fate="late") == round_ + 1


_HOPS = st.integers(1, 4)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["answered", "lost", "late", "failed", "twice", "sent"]), _HOPS),
        st.sampled_from([("reset", 0), ("back", 0), ("udp", 0), ("scrape", 0), ("died", 0), ("again", 0)]),
    ),
    min_size=10,
    max_size=80,
)


@given(_STEPS)
def test_no_counter_ever_falls_and_each_fate_is_counted_once(steps: list[tuple[str, int]]) -> None:
    fold, exposition = begun(), Exposition()
    counters: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    number = 1
    told = 0
    for place, (what, ttl) in enumerate(steps):
        at = AT + place * S
        address = TARGET if ttl == 4 else f"10.0.0.{ttl}"
        kind: Kind = "echo-reply" if ttl == 4 else "time-exceeded"
        probe = (1, place, ttl, at)
        facts: list[TargetFact] = []
        if ttl:
            facts = [RoundStarted(1, place, at), Sent(*probe)]
            told += what in ("answered", "twice")
        match what:
            case "answered":
                facts.append(Answered(*probe, 3 * MS, address, kind))
            case "twice":
                facts += [Answered(*probe, 3 * MS, address, kind), Duplicate(*probe, 3 * MS, address, kind)]
            case "lost":
                facts.append(Lost(*probe))
            case "late":
                facts += [Lost(*probe), Late(*probe, 4 * S, address, kind)]
            case "failed":
                facts.append(Failed(*probe, "ENETDOWN", "down"))
            case "died":
                facts.append(Abandoned(at, "gone"))
            case "reset":
                facts.append(Reset(at))
            case "back":
                taken_back = fold.taken_back(at)
                facts += [taken_back] if taken_back is not None else []
            case "udp" if fold.has_rounds:  # else there is nothing that could be taken back
                facts += [Asked(at, TARGET, Probing()), Begun(at, Plan(TARGET, 4, first_round=place))]
            case "again":
                number += 1
                fold = begun(number)
        for fact in facts:
            fold.apply(fact)
        if what in ("scrape", "again") or place == len(steps) - 1:
            found = scrape(exposition, fold).counters()
            fallen = {key: (value, found[key]) for key, value in counters.items() if found.get(key, value) < value}
            assert not fallen
            counters |= found
    if number == 1:  # a target that goes takes what nobody had asked of with it
        assert sum(one.answered for one in tally_of(fold, None).totals.hops.values()) == told


# --- targets that come and go ----------------------------------------------------------------------------------------


def test_a_target_that_is_removed_and_added_again_goes_on_counting() -> None:
    exposition, first, second = Exposition(), begun(1), begun(2)
    play(first, 0, 20)
    play(second, 0, 5)
    assert scrape(exposition, first).value(PROBES, hop="1", fate="answered") == 20
    assert not scrape(exposition).of(PROBES)
    assert scrape(exposition, second).value(PROBES, hop="1", fate="answered") == 25
    play(second, 5, 5)
    assert scrape(exposition, second).value(PROBES, hop="1", fate="answered") == 30


def test_a_target_that_was_set_aside_is_brought_back_as_it_was() -> None:
    exposition, fold = Exposition(), begun()
    play(fold, 0, 20)
    scrape(exposition, fold)
    scrape(exposition)
    assert scrape(exposition, fold).value(PROBES, hop="1", fate="answered") == 20


def test_two_targets_of_one_name_are_told_apart_for_as_long_as_they_are_there() -> None:
    exposition, first, second = Exposition(), begun(1), begun(2)
    play(first, 0, 20)
    play(second, 0, 10)
    found = scrape(exposition, first, second)
    assert found.value(PROBES, target=TARGET, hop="1", fate="answered") == 20
    assert found.value(PROBES, target=f"{TARGET} (2)", hop="1", fate="answered") == 10
    found = scrape(exposition, second)
    assert {one.labels["target"] for one in found.of(PROBES)} == {f"{TARGET} (2)"}


def test_of_the_same_name_at_two_sites_none_is_another() -> None:
    both = [one_target(site="north"), one_target(site="south")]
    found = read(Exposition().text(SessionTally(targets=both, now=AT, heard=(("north", AT), ("south", AT - 40 * S)))))
    assert {one.labels["site"] for one in found.of(TARGET_PROBES, target="a.example")} == {"north", "south"}
    assert found.value("hopscope_site_heard_timestamp_seconds", site="south") == AT / S - 40
    assert not found.of(PROBES)  # a hub tells of targets alone


def test_what_is_remembered_of_targets_that_are_gone_has_a_bound() -> None:
    exposition = Exposition()
    for number in range(MOST_GONE + 50):
        target = one_target(id=number, name=f"{number}.example", totals=Totals(target=Counts(answered=7)))
        exposition.text(SessionTally(targets=[target], now=AT))
    assert len(exposition._gone) == MOST_GONE
    back = one_target(id=9999, name="0.example")
    assert read(exposition.text(SessionTally(targets=[back], now=AT))).value(TARGET_PROBES, fate="answered") == 0


# --- addresses and names ---------------------------------------------------------------------------------------------


def test_who_did_not_answer_for_five_minutes_is_told_no_more() -> None:
    fold = begun()
    play(fold, 0, 10)
    last = AT + 9 * S
    assert scrape(Exposition(), fold, now=last + UNSEEN_NS).of("hopscope_hop_info")
    assert not scrape(Exposition(), fold, now=last + UNSEEN_NS + 1).of("hopscope_hop_info")


def test_of_made_up_addresses_no_more_are_told_than_a_hop_may_have() -> None:
    fold = begun()
    for round_ in range(200):
        at = AT + round_ * S
        fold.apply(RoundStarted(1, round_, at))
        fold.apply(Sent(1, round_, 1, at))
        fold.apply(Answered(1, round_, 1, at, MS, f"10.1.{round_ // 250}.{round_ % 250}", "time-exceeded"))
    assert len(scrape(Exposition(), fold, now=AT + 200 * S).of("hopscope_hop_info")) == 64


HOSTILE = ['a"} 1\nevil{x="', "\\", 'back\\"slash', "line\nbreak", "\x1b[2J", "‮txt.exe", "x" * 5000, "", "\ud800", "é"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_of_a_strangers_breaks_out_of_its_quotes(text: str) -> None:
    info = AddressInfo(hostname=text, asns=(Asn(64500, text, None, None),))
    responders = ((Responder(1, 0, "10.0.0.1", 3, AT, expired=True), info),)
    made = one_target(name=text, address="192.0.2.1", site=text, responders=responders)
    written = Exposition().text(SessionTally(targets=[made], now=AT, heard=((text, AT),)))
    found = read(written)
    written.encode()
    assert "\x1b" not in written
    assert len(found.of("hopscope_hop_info")) == 1
    assert {one.name.partition("_")[0] for one in found.samples} == {"hopscope"}
    assert max(map(len, written.splitlines())) < 2500


@given(st.text())
def test_a_quoted_value_reads_as_itself_once_it_is_clean(text: str) -> None:
    value = labels_of(f"x={quoted(text)}")["x"]
    assert quoted(value) == quoted(text)
    assert value.isprintable()


def test_names_and_owners_are_told_beside_the_address() -> None:
    info = AddressInfo(hostname="r1.example", asns=(Asn(64500, "EXAMPLE", None, None),))
    made = one_target(responders=((Responder(4, 0, "10.0.0.1", 3, AT, expired=True), info),))
    (one,) = read(Exposition().text(SessionTally(targets=[made], now=AT))).of("hopscope_hop_info")
    assert one.labels == {
        "target": "a.example", "hop": "4", "address": "10.0.0.1", "name": "r1.example", "asn": "64500",
        "owner": "EXAMPLE",
    }  # fmt: skip


def test_what_privacy_hides_is_told_at_no_hop_and_not_later_either() -> None:
    def at(*places: tuple[int, str]) -> TargetTally:
        return one_target(
            responders=tuple(
                (Responder(ttl, 0, address, 3, AT, expired=True), AddressInfo()) for ttl, address in places
            )
        )

    exposition = Exposition(hidden_hops=1)
    shown = read(exposition.text(SessionTally(targets=[at((1, "10.0.0.1"), (2, "10.0.0.2"), (3, "10.0.0.1"))], now=AT)))
    assert [one.labels["address"] for one in shown.of("hopscope_hop_info")] == ["10.0.0.2"]
    shown = read(exposition.text(SessionTally(targets=[at((1, "10.0.0.9"), (2, "10.0.0.1"), (3, "10.0.0.3"))], now=AT)))
    assert [one.labels["address"] for one in shown.of("hopscope_hop_info")] == ["10.0.0.3"]
    other = msgspec.structs.replace(at((4, "10.0.0.9"), (5, "10.0.0.4")), id=2, name="b.example")
    shown = read(exposition.text(SessionTally(targets=[at((1, "10.0.0.9")), other], now=AT)))
    assert [one.labels["address"] for one in shown.of("hopscope_hop_info")] == ["10.0.0.4"]


def test_who_may_be_a_hidden_hop_is_told_at_no_hop() -> None:
    def told(counts: dict[int, Counts], *heard: Responder) -> list[str]:
        made = one_target(totals=Totals(counts), responders=tuple((one, AddressInfo()) for one in heard))
        shown = read(Exposition(hidden_hops=2).text(SessionTally(targets=[made], now=AT)))
        return [one.labels["address"] for one in shown.of("hopscope_hop_info")]

    first, third = Responder(1, 0, "10.0.0.1", 3, AT, expired=True), Responder(3, 0, "10.0.0.3", 3, AT, expired=True)
    known = {1: Counts(3), 2: Counts(0, 3), 3: Counts(3), 4: Counts(3)}
    refusing = Responder(3, 0, "10.0.0.2", 3, AT, expired=False)
    assert told(known, first, refusing) == []
    assert told(known, first, third, refusing._replace(ttl=4)) == ["10.0.0.3", "10.0.0.2"]
    assert told(known | {2: Counts()}, first, third) == []


# --- the verdict -----------------------------------------------------------------------------------------------------


def test_a_verdict_that_stands_no_more_is_zero() -> None:
    exposition = Exposition()
    for kind in ("healthy", "loss", "healthy"):
        place = (2, 3) if kind == "loss" else (None, None)
        made = one_target(verdict=kind, first_ttl=place[0], last_ttl=place[1])
        found = read(exposition.text(SessionTally(targets=[made], now=AT)))
        assert {one.labels["kind"]: one.value for one in found.of("hopscope_verdict") if one.value} == {kind: 1}
        assert [one.value for one in found.of("hopscope_verdict_first_hop")] == ([2] if kind == "loss" else [])
    assert found.value("hopscope_verdict", kind="loss") == 0


def test_incidents_that_never_were_are_told_as_none() -> None:
    """What is first seen at 1 has not increased, for Prometheus."""
    found = read(Exposition().text(SessionTally(targets=[one_target()], now=AT)))
    assert {one.labels["kind"]: one.value for one in found.of("hopscope_incidents_total")} == dict.fromkeys(
        get_args(Trouble), 0
    )


def test_an_outage_and_its_return_are_incidents_that_a_reset_keeps() -> None:
    fold, exposition = begun(), Exposition()
    play(fold, 0, 40)

    def outage(first: int) -> None:
        for round_ in range(first, first + 30):
            at = AT + round_ * S
            fold.apply(RoundStarted(1, round_, at))
            for ttl in (1, 2, 3):
                fold.apply(Sent(1, round_, ttl, at))
            fold.apply(Answered(1, round_, 1, at, 2 * MS, "10.0.0.1", "time-exceeded"))
            fold.apply(Lost(1, round_, 2, at))
            fold.apply(Lost(1, round_, 3, at))

    outage(40)
    found = scrape(exposition, fold)
    kind = next(one.labels["kind"] for one in found.of("hopscope_verdict") if one.value)
    assert kind == "outage"
    assert found.value("hopscope_target_reached") == 0
    assert found.value("hopscope_incidents_total", kind=kind) == 1
    play(fold, 70, 60)
    outage(130)
    assert scrape(exposition, fold).value("hopscope_incidents_total", kind=kind) == 2
    fold.apply(Reset(AT + 160 * S - 1))
    play(fold, 160, 10)
    assert scrape(exposition, fold).value("hopscope_incidents_total", kind=kind) == 2


# --- the target's histogram ------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 12_000), min_size=1, max_size=60), st.integers(1, 40))
def test_a_bucket_counts_what_lies_below_its_bound_however_long_ago(tenths_ms: list[int], times: int) -> None:
    """Also once the newest 1,024 rounds are full, and older RTTs are known by bucket alone."""
    fold = begun()
    rtts = [tenth * MS // 10 for tenth in tenths_ms] * times
    for round_, rtt in enumerate(rtts):
        at = AT + round_ * S
        for fact in (RoundStarted(1, round_, at), Sent(1, round_, 1, at)):
            fold.apply(fact)
        fold.apply(Answered(1, round_, 1, at, rtt, TARGET, "echo-reply"))
    settled = rtts[:-1]
    totals = tally_of(fold, None).totals
    assert totals.target.answered == len(settled)
    assert totals.target.rtt_ns == sum(settled)
    for bound, count in zip(BOUNDS, totals.rtts, strict=True):
        assert sum(rtt <= bound for rtt in settled) <= count <= sum(rtt <= bound * 1.008 for rtt in settled)


def test_the_older_format_names_counters_and_infos_as_their_samples() -> None:
    fold = begun()
    play(fold, 0, 10)
    text = Exposition().text(tally(fold), classic=True)
    assert "# TYPE hopscope_probes_total counter\n" in text
    assert "# TYPE hopscope_hop_info gauge\n" in text
    assert "# EOF" not in text
    assert "# UNIT" not in text
