"""A minute in all of what a fuzzer does for hours (`tools/fuzz.py`): the corpus, and a guided search from there."""

from __future__ import annotations

import random
import sys

import pytest

from tests.fuzz.guided import search
from tests.fuzz.targets import CORPUS, TARGETS, Target, seeds

RUNS = {"frames": 1500, "names": 1500, "txt": 1500, "queries": 1500, "terminal": 1000}
"""Of those that take longer a run than others."""


@pytest.mark.parametrize("name", TARGETS)
def test_a_guided_search_finds_nothing(name: str) -> None:
    find, _kept = search(TARGETS[name], seeds(name), runs=RUNS.get(name, 5000))
    assert find is None, f"{find.error!r}: python tools/fuzz.py {name} --input {find.data.hex()}"


def test_each_target_has_a_corpus_and_each_corpus_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*")) < 200_000


def test_the_search_finds_what_blind_chance_does_not() -> None:
    """A fault behind three bytes, each of which only a line of its own tells from others."""
    target = Target(_hidden, (sys.modules[__name__],))
    find, _kept = search(target, [b"...."], runs=100_000)
    assert find is not None
    assert find.data[:3] == b"hop"
    dice = random.Random(1)
    for _ in range(100_000):
        _hidden(bytes(dice.randrange(256) for _ in range(3)))


def _hidden(data: bytes) -> None:
    state = 0
    for byte in data[:3]:
        if state == 0 and byte == ord("h"):
            state = 1
        elif state == 1 and byte == ord("o"):
            state = 2
        elif state == 2 and byte == ord("p"):
            raise ValueError("found")
        else:
            return
