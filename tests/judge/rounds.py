"""A judge, round by round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged
from hopscope.wire.messages import Event


def each_round(facts: Iterable[Event], judge: Judge) -> Iterator[Judged]:
    """What is judged after each round that is complete."""
    for fact in facts:
        version = judge.version
        judge.apply(fact)
        if judge.version != version:
            yield judge.judged()
