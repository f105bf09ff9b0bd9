"""Who answered in a recording, for what is to be hidden of it: all of that is known by now."""

from __future__ import annotations

from hopscope.history.store import Store, Trace
from hopscope.path.places import Answerer
from hopscope.wire.facts import Shared
from hopscope.wire.messages import Answered, Duplicate, Late


def heard_in(store: Store, trace: Trace) -> list[list[Answerer]]:
    """A list for each flow of the trace. `StoreError`."""
    heard: dict[int, dict[Answerer, None]] = {}
    for _, fact in store.facts(trace):
        probe = fact.probe if isinstance(fact, Shared) else fact
        if isinstance(probe, (Answered, Late, Duplicate)):
            one = Answerer(probe.ttl, probe.address, probe.kind == "time-exceeded")
            heard.setdefault(probe.flow, {})[one] = None
    return [list(ones) for ones in heard.values()]
