"""Runs in virtual time that are recorded as they go, and what was seen of them live."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from hopscope.history.store import Store, Trace
from hopscope.history.writer import StoreWriter
from hopscope.session.facts import Removed, SessionFact
from hopscope.session.model import Target
from hopscope.session.replay import replay
from tests.conformance.test_replay import Played


def record(
    path: Path, facts: Iterable[tuple[int, SessionFact]], *, chance: random.Random, compact: float = 0.1
) -> None:
    """Write these facts to a store, with commits and segments at random places."""
    facts = list(facts)
    writer = StoreWriter(str(path), host="box", begun=facts[0][1].at)  # type: ignore[union-attr]
    for number, fact in facts:
        writer.add(number, fact)
        if chance.random() < 0.05:
            writer.commit()
            if chance.random() < compact:
                writer.compact()
    writer.end(facts[-1][1].at if hasattr(facts[-1][1], "at") else 0)
    writer.close()


def snapshot(store: Store, trace: Trace, since: int | None = None, until: int | None = None) -> Target:
    """What a trace's recorded facts look like."""
    facts = ((1, fact) for _, fact in store.facts(trace, since, until) if not isinstance(fact, Removed))
    return replay(facts)[1].snapshot()


__all__ = ["Played", "record", "snapshot"]
