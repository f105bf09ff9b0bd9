"""Holds a report against the truth: what the network did with every packet, and what was said of it.

The truth knows no probe, only packets (`hopscope.sim.Fact`): when one came in, with which TTL, who answered it and when
the answer left. The report is the fold over the worker's events. What both must agree on: how many packets were sent at
each TTL, and of those how many were answered in time, lost, late and answered twice; by whom; and after which time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from hopscope.path.fold import PathFold
from hopscope.path.snapshot import Path as Route
from hopscope.sim import Fact
from hopscope.wire.messages import Answered, Duplicate, Event, Failed, Late, Lost, Plan, Sent

SCENARIOS = Path(__file__).with_name("scenarios")
NAMES = sorted(file.stem for file in SCENARIOS.glob("*.toml"))
TARGETS = {4: "198.51.100.80", 6: "2001:db8:80::80"}
NUMBERS = {("icmp", 4): 1, ("icmp", 6): 58, ("udp", 4): 17, ("udp", 6): 17, ("tcp", 4): 6, ("tcp", 6): 6}


def path_of(events: Iterable[Event], plan: Plan) -> Route:
    """What the events say of the path."""
    fold = PathFold(plan.address, plan.protocol, plan.first_ttl)
    fold.apply_all(events)
    return fold.snapshot()


def counts_add_up(route: Route) -> None:
    """Each probe has exactly one fate."""
    for hop in route.hops:
        assert hop.sent == hop.received + hop.lost + hop.late + hop.pending + hop.failed
        assert hop.received == sum(node.received for node in hop.nodes)
        assert (hop.rtt is None) == (hop.received == 0)


def fates_are_true(events: Sequence[Event], facts: Sequence[Fact], timeout_ns: int) -> None:
    """Sent, answered, lost, late: the same numbers at each TTL; answered by the same, after the same time (exactly)."""
    assert not any(isinstance(event, Failed) for event in events)
    sent = Counter(event.ttl for event in events if isinstance(event, Sent))
    assert sent == Counter(fact.ttl for fact in facts)
    in_time = [fact for fact in facts if fact.due is not None and fact.due - fact.at <= timeout_ns]
    too_late = [fact for fact in facts if fact.due is not None and fact.due - fact.at > timeout_ns]
    answered = [event for event in events if type(event) is Answered]
    late = [event for event in events if type(event) is Late]
    assert heard(answered) == told(in_time)
    assert heard(late) == told(too_late)
    lost = Counter(event.ttl for event in events if isinstance(event, Lost))
    assert lost == sent - Counter(fact.ttl for fact in in_time)


def duplicates_are_true(events: Sequence[Event], facts: Sequence[Fact]) -> None:
    """Every further copy of an answer is a duplicate, and nothing else is."""
    duplicates = Counter(event.ttl for event in events if isinstance(event, Duplicate))
    copies: Counter[int] = Counter()
    for fact in facts:
        copies[fact.ttl] += len(fact.copies)
    assert duplicates == +copies


def heard(events: Iterable[Answered]) -> Counter[tuple[int, str, int]]:
    """TTL, address and RTT of answers, as reported."""
    return Counter((event.ttl, event.address, event.rtt_ns) for event in events)


def told(facts: Iterable[Fact]) -> Counter[tuple[int, str, int]]:
    """The same, as it was."""
    return Counter((fact.ttl, fact.by or "", (fact.due or 0) - fact.at) for fact in facts)


def nodes_are_true(route: Route, facts: Sequence[Fact]) -> None:
    """Each hop of the path has the addresses that answered there, and no other."""
    for hop in route.hops:
        true = {fact.by for fact in facts if fact.ttl == hop.ttl and fact.due is not None}
        assert {node.address for node in hop.nodes} == true
