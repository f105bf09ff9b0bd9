"""What was recorded is what was seen: over networks, commands and commits drawn at random."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hopscope.history.block import BadBlock
from hopscope.history.packing import Packer, pack
from hopscope.history.rows import pack_row
from hopscope.history.store import Store
from hopscope.history.unpacking import Rows, unpack
from hopscope.history.writer import StoreWriter
from hopscope.wire.messages import (
    Answered,
    Duplicate,
    Failed,
    Label,
    Late,
    Lost,
    RoundStarted,
    Sent,
)
from tests.conformance.test_random_networks import networks
from tests.conformance.test_replay import play, steps
from tests.history.recorded import record, snapshot

rounds = st.one_of(st.integers(0, 40), st.integers(-(2**62), 2**62))
ttls = st.one_of(st.integers(1, 6), st.integers(-3, 300))
times = st.one_of(st.integers(0, 10**11).map(lambda ns: 1_700_000_000 * 10**9 + ns), st.integers(-(2**62), 2**62))
flows = st.integers(0, 2)


@st.composite
def facts(draw: st.DrawFn) -> object:
    kind = draw(st.sampled_from([RoundStarted, Sent, Answered, Late, Duplicate, Lost, Failed]))
    round_, ttl, at, flow = draw(rounds), draw(ttls), draw(times), draw(flows)
    if kind is RoundStarted:
        return RoundStarted(1, round_, at)
    if kind is Failed:
        return Failed(1, round_, ttl, at, "ENETUNREACH", "no route", flow)
    if kind in (Sent, Lost):
        return kind(1, round_, ttl, at, flow)
    answer = {
        "rtt_ns": draw(st.one_of(st.integers(0, 10**9), st.integers(-(2**62), 2**62))),
        "address": draw(st.sampled_from(["192.0.2.1", "2001:db8::1"])),
        "kind": draw(st.sampled_from(["time-exceeded", "echo-reply"])),
        "icmp_type": draw(st.sampled_from([None, 0, 11])),
        "reply_ttl": draw(st.sampled_from([None, 3, 250])),
        "mpls": draw(st.sampled_from([(), (Label(16, 0, True, 1),)])),
        "vouched": draw(st.booleans()),
        "flow": flow,
    }
    return kind(1, round_, ttl, at, **answer)


@settings(max_examples=150, deadline=None)
@given(told=st.lists(st.tuples(st.integers(0, 5), facts()), max_size=60))
def test_any_facts_come_back_in_their_order_each_in_its_row(told: list[tuple[int, object]]) -> None:
    told.sort(key=lambda one: one[0])
    assert unpack(pack(told), 1) == told  # type: ignore[arg-type]


def packed_rows(told: dict[int, list[list[Any]]]) -> list[bytes]:
    """Rows of several targets' facts."""
    packers = {target: Packer() for target in told}
    rows = []
    for number, by_target in enumerate(zip(*told.values(), strict=True)):
        for packer, of_target in zip(packers.values(), by_target, strict=True):
            packer.add(number, of_target)
        rows.append(pack_row([packer.row_part(target) for target, packer in packers.items()]))
    return rows


of_rows = st.lists(st.lists(facts(), max_size=8), min_size=3, max_size=3)


@settings(max_examples=100, deadline=None)
@given(one=of_rows, two=of_rows)
def test_any_facts_of_several_targets_come_back_of_their_rows(one: list[list[Any]], two: list[list[Any]]) -> None:
    rows = Rows()
    found = [dict(rows.unpack(data)) for data in packed_rows({1: one, 2: two})]
    assert [told[1] for told in found] == one
    assert [told[2] for told in found] == [[msgspec.structs.replace(fact, target=2) for fact in row] for row in two]


@settings(max_examples=100, deadline=None)
@given(one=of_rows, place=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_a_row_that_was_changed_is_refused_or_read_and_never_an_error(
    one: list[list[Any]], place: int, byte: int
) -> None:
    rows = Rows()
    for data in packed_rows({1: one}):
        changed = bytearray(data)
        changed[place % len(changed)] = byte
        with suppress(BadBlock):
            rows.unpack(bytes(changed))
        with suppress(BadBlock):
            Rows().count(bytes(changed))


@settings(max_examples=100, deadline=None)
@given(
    told=st.lists(st.tuples(st.just(0), facts()), max_size=20), place=st.integers(0, 10**6), byte=st.integers(0, 255)
)
def test_a_block_that_was_changed_is_refused_or_read_and_never_an_error(
    told: list[tuple[int, object]], place: int, byte: int
) -> None:
    data = bytearray(pack(told))  # type: ignore[arg-type]
    data[place % len(data)] = byte
    with suppress(BadBlock):
        unpack(bytes(data), 1)


@settings(max_examples=40, deadline=None)
@given(text=networks(), script=steps, seed=st.integers(0, 2**32))
def test_a_recording_shows_what_was_seen_whatever_the_network_and_the_user_did(
    tmp_path_factory: pytest.TempPathFactory, text: str, script: list[tuple[float, str]], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("recording")
    played = play(folder, text, script)
    record(folder / "store", played.facts, chance=random.Random(seed))
    with Store(str(folder / "store")) as store:
        (trace,) = store.traces()
        assert snapshot(store, trace) == played.fold.snapshot()
        assert (trace.query, trace.address, trace.protocol) == (played.plan.address, played.plan.address, "icmp")


@settings(max_examples=20, deadline=None)
@given(text=networks(), script=steps, share=st.floats(0, 1))
def test_after_each_commit_the_store_holds_all_that_happened_until_then(
    tmp_path_factory: pytest.TempPathFactory, text: str, script: list[tuple[float, str]], share: float
) -> None:
    folder = tmp_path_factory.mktemp("recording")
    played = play(folder, text, script)
    writer = StoreWriter(str(folder / "store"), host="box", begun=0)
    done = 0
    for count, seen in played.shown:
        for number, fact in played.facts[done:count]:
            writer.add(number, fact)
        done = count
        writer.commit()
        if share > 0.7:
            writer.compact()
        with Store(str(folder / "store")) as store:
            (trace,) = store.traces()
            assert snapshot(store, trace) == seen
    writer.close()
