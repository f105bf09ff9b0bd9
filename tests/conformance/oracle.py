"""What a report must say, worked out from the network's truth alone: by another way than the program's own, with the
standard library's statistics and this file's own reading of an answer's bytes.
"""

from __future__ import annotations

import ipaddress
import itertools
import statistics
from collections import Counter
from dataclasses import dataclass

import pytest

from hopscope.path.snapshot import Hop, Path
from hopscope.sim.language import Node, Scenario, every_node
from hopscope.sim.network import PacketTruth
from hopscope.wire.messages import Answered, Duplicate, Event, Failed, Kind, Label, Lost, Sent

ICMP_KINDS: dict[Kind, set[tuple[int, int, int]]] = {
    "echo-reply": {(4, 0, 0), (6, 129, 0)},
    "time-exceeded": {(4, 11, 0), (6, 3, 0)},
    "port-unreachable": {(4, 3, 3), (6, 1, 4)},
    "net-unreachable": {(4, 3, 0), (4, 3, 6), (4, 3, 11), (6, 1, 0), (6, 1, 2)},
    "host-unreachable": {(4, 3, 1), (4, 3, 7), (4, 3, 8), (4, 3, 12), (6, 1, 3)},
    "prohibited": {(4, 3, code) for code in (9, 10, 13, 14, 15)} | {(6, 1, code) for code in (1, 5, 6)},
    "fragmentation-needed": {(4, 3, 4), (6, 2, 0)},
}
"""By family, type and code."""
_ERRORS = {4: {3, 4, 5, 11, 12}, 6: {1, 2, 3, 4}}


@dataclass(frozen=True)
class Said:
    """An answer, as its bytes say."""

    address: str
    kind: Kind
    icmp: tuple[int, int] | None
    ttl: int
    labels: tuple[Label, ...]


def said(packet: bytes, scenario: Scenario) -> Said:
    """Read an answer of the network."""
    family = packet[0] >> 4
    at = 20 if family == 4 else 40
    protocol, ttl = (packet[9], packet[8]) if family == 4 else (packet[6], packet[7])
    address = str(ipaddress.ip_address(packet[12:16] if family == 4 else packet[8:24]))
    if protocol == 6:
        return Said(address, "tcp-reset" if packet[at + 13] & 4 else "tcp-open", None, ttl, ())
    if protocol == 17:
        return Said(address, "other", None, ttl, ())
    number = packet[at], packet[at + 1]
    kind: Kind = next((kind for kind, numbers in ICMP_KINDS.items() if (family, *number) in numbers), "other")
    extended = number[0] in ((3, 11, 12) if family == 4 else (1, 3))
    labels = labels_of(scenario, address) if number[0] in _ERRORS[family] and extended else ()
    return Said(address, kind, number, ttl, labels)


def labels_of(scenario: Scenario, address: str) -> tuple[Label, ...]:
    """The labels that the scenario's file gives to the node with this address, if its extensions are sound."""
    nodes: list[Node] = [node for node in every_node(scenario) if address in node.at]
    if not nodes or nodes[0].extension_flaw not in ("none", "no-length"):
        return ()
    stack = nodes[0].mpls
    return tuple(Label(entry.label, entry.tc, entry is stack[-1], entry.ttl) for entry in stack)


@dataclass(frozen=True)
class Fate:
    """What truly became of one probe."""

    fact: PacketTruth
    name: str
    """``answered``, ``lost`` or ``late``."""
    rtt: int
    said: Said | None


def fates(facts: list[PacketTruth], scenario: Scenario, timeout: int, deaf: tuple[int, ...] = ()) -> list[Fate]:
    """The fate of each of a target's probes, in the order of sending."""
    out = []
    for fact in facts:
        if fact.due is None or fact.ttl in deaf:
            out.append(Fate(fact, "lost", 0, None))
        else:
            rtt = fact.due - fact.at
            out.append(Fate(fact, "answered" if rtt <= timeout else "late", rtt, said(fact.answer, scenario)))
    return out


def each_event_is_true(events: list[Event], true: list[Fate], *, exact: bool = True, no_labels: bool = False) -> None:
    """Hold the events of one target against the fates of its probes: each probe of its own.

    `exact`: RTTs are the network's to the nanosecond. `no_labels`: the method need not show labels.
    """
    sent = [event for event in events if isinstance(event, Sent)]
    assert not [event for event in events if isinstance(event, Failed)]
    assert [event.ttl for event in sent] == [fate.fact.ttl for fate in true]
    of_probe = {(event.round, event.ttl): fate for event, fate in zip(sent, true, strict=True)}
    assert len(of_probe) == len(sent), "a round probes a TTL once"
    heard: Counter[tuple[str, int, int]] = Counter()
    for event in events:
        if not isinstance(event, Answered | Lost):
            continue
        fate = of_probe[event.round, event.ttl]
        what = type(event).__name__.lower()
        heard[what, event.round, event.ttl] += 1
        if isinstance(event, Answered):
            answer = fate.said
            assert answer is not None, (event, fate)
            assert (event.address, event.kind) == (answer.address, answer.kind)
            if answer.icmp is not None:
                assert (event.icmp_type, event.icmp_code) == answer.icmp
            assert event.reply_ttl in ((answer.ttl,) if exact else (answer.ttl, None)), (event, answer)
            assert event.mpls == answer.labels or (no_labels and event.mpls == ()), (event, answer)
            if exact and not isinstance(event, Duplicate):
                assert event.rtt_ns == fate.rtt
    want: Counter[tuple[str, int, int]] = Counter()
    for (round_, ttl), fate in of_probe.items():
        if fate.name == "answered":
            want["answered", round_, ttl] += 1
        else:
            want["lost", round_, ttl] += 1
            if fate.name == "late":
                want["late", round_, ttl] += 1
        if fate.said is not None and fate.fact.copies:
            want["duplicate", round_, ttl] += len(fate.fact.copies)
    assert heard == want, (sorted((heard - want).items()), sorted((want - heard).items()))


def the_report_is_true(path: Path, true: list[Fate], *, exact: bool = True) -> None:
    """Hold a path, hop by hop, against the fates of its probes."""
    assert [hop.ttl for hop in path.hops] == list(range(1, len(path.hops) + 1))
    for hop in path.hops:
        _hop_is_true(hop, [fate for fate in true if fate.fact.ttl == hop.ttl], exact)


def _hop_is_true(hop: Hop, true: list[Fate], exact: bool) -> None:
    count = Counter(fate.name for fate in true)
    answered = [fate for fate in true if fate.name == "answered"]
    assert (hop.sent, hop.received, hop.lost, hop.late) == (
        len(true), count["answered"], count["lost"], count["late"],
    ), hop.ttl  # fmt: skip
    assert (hop.pending, hop.failed) == (0, 0)
    assert hop.duplicates == sum(len(fate.fact.copies) for fate in true if fate.said is not None)
    counted = count["lost"] + count["answered"]
    assert hop.loss_pct == (pytest.approx(100 * count["lost"] / counted) if counted else None)
    nodes = dict.fromkeys((fate.said.address for fate in true if fate.said is not None), 0)
    for fate in answered:
        assert fate.said is not None
        nodes[fate.said.address] += 1
    assert {node.address: node.received for node in hop.nodes} == nodes
    if not answered:
        assert (hop.rtt, hop.jitter, hop.reply, hop.mpls) == (None, None, None, ())
        return
    last = answered[-1].said
    assert last is not None
    assert hop.rtt is not None
    assert hop.reply is not None
    assert hop.reply.kind == last.kind
    assert hop.replies[0].count <= len(answered) == sum(reply.count for reply in hop.replies)
    kinds = Counter(fate.said.kind for fate in answered if fate.said is not None)
    told: Counter[Kind] = Counter()
    for reply in hop.replies:
        told[reply.kind] += reply.count
    assert told == kinds
    if not exact:
        return
    assert hop.mpls == last.labels
    assert hop.reply.ttl == last.ttl
    times = [fate.rtt / 1e6 for fate in answered]
    assert (hop.rtt.last, hop.rtt.best, hop.rtt.worst) == pytest.approx((times[-1], min(times), max(times)))
    assert hop.rtt.avg == pytest.approx(statistics.fmean(times))
    assert hop.rtt.median == pytest.approx(sorted(times)[-(-len(times) // 2) - 1])
    if len(times) < 2:
        assert (hop.rtt.stddev, hop.jitter) == (None, None)
        return
    assert hop.rtt.stddev == pytest.approx(statistics.stdev(times), abs=1e-6)
    steps = [abs(after - before) for before, after in itertools.pairwise(times)]
    assert hop.jitter is not None
    assert (hop.jitter.avg, hop.jitter.worst) == pytest.approx((statistics.fmean(steps), max(steps)), abs=1e-9)
