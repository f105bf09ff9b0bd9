"""An agent's rows become segments some targets at a time, while more is recorded."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hopscope.fleet.hub_store import HubStore
from hopscope.history import writer
from hopscope.history.packing import Packer
from hopscope.history.segments import PARTS, Compaction
from hopscope.history.writer import StoreWriter
from tests.fleet import shipping
from tests.fleet.shipping import all_facts, hand_over, head, second

TARGETS = 2 * PARTS - 1
DUE = PARTS + 10
SECONDS = 2 * DUE + PARTS


def counts(path: Path) -> tuple[int, int]:
    """Rows of probes, and segments."""
    with closing(sqlite3.connect(path)) as one:
        rows, made = one.execute("SELECT (SELECT count(*) FROM live), (SELECT count(*) FROM segment)").fetchone()
    return rows, made


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Each target of which a segment is made."""
    monkeypatch.setattr(writer, "SEGMENT_ROWS", DUE)
    told: list[int] = []
    make = Compaction._make

    def remembered(self: Compaction, target: int, whole: Packer) -> None:
        told.append(target)
        make(self, target, whole)

    monkeypatch.setattr(Compaction, "_make", remembered)
    return told


def test_no_commit_makes_segments_of_many_targets_and_nothing_is_lost_or_twice(tmp_path: Path, made: list[int]) -> None:
    chance = random.Random(1)
    agent, hub = tmp_path / "agent", tmp_path / "hub"
    store = HubStore(str(hub))
    one = shipping.writer(agent)
    for target in range(1, TARGETS + 1):
        for fact in head(f"192.0.2.{target}"):
            one.add(target, fact)
    begun = 0
    for number in range(1, SECONDS + 1):
        for target in range(1, TARGETS + 1):
            for fact in second(number):
                one.add(target, fact)
        before = len(made)
        one.commit()
        one.compact_if_due()
        assert len(made) - before <= 2
        rows, there = counts(agent)
        begun = begun or (number if made else 0)
        if number < begun + PARTS - 1 or not begun:
            assert (rows, there) == (number, 0), "until all are made, rows are what they were"
        if chance.random() < 0.2:
            hand_over(agent, store)
    assert counts(agent)[1] >= 2 * TARGETS
    hand_over(agent, store)
    wanted = [fact for number in range(1, SECONDS + 1) for fact in second(number)]
    facts = all_facts(agent)
    assert facts[0][2][-len(wanted) :] == wanted
    assert [len(told) for _, _, told in facts] == TARGETS * [len(head()) + len(wanted)]
    assert all_facts(hub) == facts
    one.close()
    store.close()


def in_the_midst_of_it(agent: Path) -> StoreWriter:
    """A writer that has begun to make segments of its rows, and has some left."""
    one = shipping.writer(agent)
    for target in range(1, TARGETS + 1):
        for fact in [*head(f"192.0.2.{target}"), *second(1)]:
            one.add(target, fact)
    for number in range(2, DUE + 4):
        for fact in second(number):
            one.add(1, fact)
        one.commit()
        one.compact_if_due()
    return one


def test_whoever_is_killed_in_the_midst_of_it_has_all_rows(tmp_path: Path, made: list[int]) -> None:
    agent = tmp_path / "agent"
    one = in_the_midst_of_it(agent)
    assert 0 < len(made) < TARGETS
    one.close()
    assert counts(agent)[1] == 0
    assert len(all_facts(agent)) == TARGETS


def test_the_end_makes_the_rest_at_once(tmp_path: Path, made: list[int]) -> None:
    agent = tmp_path / "agent"
    one = in_the_midst_of_it(agent)
    one.end(shipping.BEGUN + 60 * shipping.S)
    one.close()
    assert counts(agent) == (0, TARGETS + 1)
    assert len(all_facts(agent)[0][2]) > len(all_facts(agent)[1][2])
