"""From a recorded stream of facts to the same snapshots again."""

from __future__ import annotations

from collections.abc import Iterable

from hopscope.session.facts import Asked, Removed, SessionFact
from hopscope.session.target_fold import TargetFold


def replay(facts: Iterable[tuple[int, SessionFact]]) -> dict[int, TargetFold]:
    """The folds of all targets, by number, after these facts, in the order in which they were applied. A target's first
    fact is `Asked`, and one that was removed is there no more. `KeyError` where it is not,
    `hopscope.session.target_fold.IllegalFact` where one cannot be."""
    folds: dict[int, TargetFold] = {}
    for number, fact in facts:
        if number not in folds and isinstance(fact, Asked):
            folds[number] = TargetFold(number, fact)
        elif isinstance(fact, Removed):
            del folds[number]
        else:
            folds[number].apply(fact)
    return folds
