"""Each scenario behind a real kernel interface: real sockets as `nobody` and as root meet it, and the same truth holds.

All methods of a case probe at the same time, so the truth of a protocol and family is that of its methods together.
RTTs are held against a capture's kernel stamps on the interface. In process every probe is held against
its own packet; here the same numbers are held against what the sockets and error queues of a real kernel make of it.
"""

from __future__ import annotations

import os
import selectors
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from hopscope.sim.language import Scenario
from hopscope.sim.network import PacketTruth
from hopscope.wire.framing import encode, event_reader
from hopscope.wire.messages import (
    VERSION,
    Answered,
    Duplicate,
    Event,
    Failed,
    Finished,
    Hello,
    Late,
    Lost,
    Method,
    Plan,
    Protocol,
    Refused,
    Sent,
    Start,
)
from hopscope.wire.methods import METHODS
from tests.conformance.cases import NAMES, Case, addresses, case_of, file_of, scenario_of
from tests.conformance.oracle import said
from tests.conformance.rehearse import path_of
from tests.lab.capture import NUMBERS, Capture
from tests.lab.plain_user import as_plain_user, as_root
from tests.lab.tun import DEVICE, TunLab

pytestmark = [pytest.mark.kernel, pytest.mark.needs("tun")]

ROUNDS = 3
INTERVAL_NS = 150_000_000
TIMEOUT_NS = 700_000_000
BETWEEN_NS = 120_000_000
"""Answers so near to the timeout may be called either way by clocks that are not the same."""
LATE_S = 1.5
"""So long after the end of the rounds late answers are waited for."""
WITHIN_NS = 100_000
PAUSED_NS = 20_000_000
"""A machine that is shared does something else for so long at the most between two steps of the kernel."""
KERNELS_OWN = {
    "packet-too-big": "the kernel refuses the next packet itself: EMSGSIZE, which is this machine's",
    "udp-open": "a datagram from the target names no probe: the method udp-socket falls back and sends again",
}
"""Scenarios in which the kernel, not the network, decides what every socket hears; they are held in process. Where it
decides for some methods only, the case's `kernel` has the others. What it decides there: it keeps what it is told of
a path's MTU (fragmentation needed), reports no reassembly timeout, finds no UDP or TCP socket for a quote of a source
that is not its own, none of any method for a rewritten port or identifier, and hands a quote on without its IP header,
so that what that says is not seen."""
KERNEL = [name for name in NAMES if case_of(name).kernel and name not in KERNELS_OWN]
UNPAIRED = ("malformed", "forged", "nat", "everything", "quote")
"""Where a capture, which knows no cookie, can take a lie or another answer for a probe's, RTTs are not compared."""


class Probing:
    """A worker of one user, and all that it said."""

    def __init__(self, words: list[str], plans: list[Plan]) -> None:
        program = "import hopscope.probe.start as start, sys; sys.exit(start.main())"
        self.process = subprocess.Popen(
            [*words, "-I", "-c", program], cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.plans = dict(enumerate(plans, 1))
        self.events: dict[int, list[Any]] = {number: [] for number in self.plans}
        self._reader = event_reader()
        assert self.process.stdin is not None
        starts = b"".join(encode(Start(number, plan)) for number, plan in self.plans.items())
        self.process.stdin.write(encode(Hello(VERSION)) + starts)

    @property
    def is_over(self) -> bool:
        return all(any(isinstance(event, Finished | Refused) for event in heard) for heard in self.events.values())

    def read(self) -> None:
        assert self.process.stdout is not None
        data = os.read(self.process.stdout.fileno(), 1 << 16)
        assert data, "the worker ended"
        for event in self._reader.feed(data):
            number = getattr(event, "target", None)
            if number is not None:
                self.events[number].append(event)

    def end(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


def probe(workers: list[Probing], linger: float) -> None:
    """Hear all workers to the end of their rounds, and a while longer."""
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            assert worker.process.stdout is not None
            selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
        until = time.monotonic() + 40
        while not all(worker.is_over for worker in workers):
            assert time.monotonic() < until, "the rounds do not end"
            for key, _ in selector.select(1):
                key.data.read()
        until = time.monotonic() + linger
        while (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                key.data.read()


def plans_of(name: str, methods: tuple[Method, ...]) -> list[Plan]:
    """A plan for each method, protocol and family of the case, for its first target."""
    case, scenario = case_of(name), scenario_of(name)
    plans = []
    for method in methods:
        for protocol in case.protocols:
            for family in case.families:
                if protocol in METHODS[method].protocols and method in case.kernel:
                    plan = case.plan(addresses(scenario, family)[0], protocol)
                    changes = {"method": method, "rounds": ROUNDS, "interval_ns": INTERVAL_NS, "timeout_ns": TIMEOUT_NS}
                    plans.append(msgspec.structs.replace(plan, **changes))
    return plans


Trips = dict[tuple[int, str], dict[int, list[int]]]
Played = tuple[list[Probing], list[PacketTruth], Trips]


@pytest.fixture
def played(name: str) -> Iterator[Played]:
    """A scenario, probed by all methods at once; its truth; and the RTTs that the capture saw, by TTL."""
    with TunLab(file_of(name)) as lab:
        with Capture(lab.name, DEVICE) as capture:
            plain = plans_of(name, ("ping-socket", "udp-socket", "tcp-socket"))
            root = plans_of(name, ("raw",))
            workers = [Probing(as_plain_user(lab.name), plain)] if plain else []
            workers += [Probing(as_root(lab.name), root)] if root else []
            try:
                probe(workers, LATE_S if "late" in name or scenario_of(name).weather.late else 0.05)
            finally:
                for worker in workers:
                    worker.end()
            trips: Trips = {}
            for plan in {(plan.protocol, plan.address): plan for plan in [*plain, *root]}.values():
                number = NUMBERS[plan.protocol, plan.family]
                by_ttl = trips.setdefault((number, plan.address), {})
                for trip in capture.round_trips(number, plan.address):
                    if trip.answer is not None:
                        by_ttl.setdefault(trip.probe.ttl, []).append(trip.rtt_ns)
        yield workers, lab.truth(), trips


@pytest.mark.parametrize("name", KERNEL)
def test_the_report_of_real_sockets_is_the_networks_truth(name: str, played: Played) -> None:
    workers, truth, trips = played
    case = case_of(name)
    heard = [(worker.plans[number], events) for worker in workers for number, events in worker.events.items()]
    assert [event for _, events in heard for event in events if isinstance(event, Refused | Failed)] == []
    for plan, events in heard:
        for hop in path_of(events, plan).hops:
            assert hop.sent == hop.received + hop.lost + hop.late + hop.pending + hop.failed
    for protocol, address in {(plan.protocol, plan.address) for plan, _ in heard}:
        group = [(plan, events) for plan, events in heard if (plan.protocol, plan.address) == (protocol, address)]
        number = NUMBERS[protocol, group[0][0].family]
        all_events = [event for _, events in group for event in events]
        # A handshake has packets that are no probes: what the kernel says to an open port, which takes them in silence.
        handshakes = any(type(event) is Answered and event.kind == "tcp-open" for event in all_events)
        facts = [
            fact
            for fact in once(truth)
            if (fact.protocol, fact.destination) == (number, address)
            and not (handshakes and fact.outcome == "swallowed")
        ]
        if case.port_a_probe and protocol == "udp":
            # What was in flight when the method fell back went out twice: the network saw more than was counted.
            assert all(path_of(events, plan).reached == case.reached for plan, events in group)
            continue
        agrees(case, scenario_of(name), protocol, all_events, facts)
        if protocol != "tcp" and not name.startswith(UNPAIRED):
            rtts_are_the_captures(all_events, trips.get((number, address), {}))


def once(truth: list[PacketTruth]) -> list[PacketTruth]:
    """Each SYN once. On an ACK that a connection attempt cannot use (a forged reset) Linux sends its SYN again
    after two jiffies, the same ports and number: the network saw it twice, and it is one probe."""
    seen: set[tuple[str, str, int, bytes]] = set()
    facts = []
    for fact in truth:
        syn = (fact.source, fact.destination, fact.ttl, fact.key)
        if fact.protocol != NUMBERS["tcp", 4] or syn not in seen:
            facts.append(fact)
            seen.add(syn)
    return facts


def agrees(case: Case, scenario: Scenario, protocol: Protocol, events: list[Event], facts: list[PacketTruth]) -> None:
    """Sent, answered in time, lost, late, twice, by whom and how: the same numbers at each TTL. A TTL that was answered
    so near to the timeout that either may be said is left out."""
    assert Counter(event.ttl for event in events if isinstance(event, Sent)) == Counter(fact.ttl for fact in facts)
    heard = [fact for fact in facts if fact.due is not None and fact.ttl not in case.deaf]
    near = {fact.ttl for fact in heard if abs((fact.due or 0) - fact.at - TIMEOUT_NS) < BETWEEN_NS}
    facts = [fact for fact in facts if fact.ttl not in near]
    heard = [fact for fact in heard if fact.ttl not in near]
    told = [event for event in events if isinstance(event, Answered | Lost) and event.ttl not in near]
    in_time = [fact for fact in heard if (fact.due or 0) - fact.at <= TIMEOUT_NS]
    too_late = [fact for fact in heard if (fact.due or 0) - fact.at > TIMEOUT_NS]
    copies: Counter[int] = Counter()
    for fact in heard:
        copies[fact.ttl] += len(fact.copies)
    late = Counter((event.ttl, event.address) for event in told if type(event) is Late)
    lost = Counter(event.ttl for event in told if isinstance(event, Lost))
    duplicates = Counter(event.ttl for event in told if isinstance(event, Duplicate))
    assert Counter((event.ttl, event.address, event.kind) for event in told if type(event) is Answered) == Counter(
        (fact.ttl, fact.by, said(fact.answer, scenario).kind) for fact in in_time
    )
    assert lost == Counter(fact.ttl for fact in facts) - Counter(fact.ttl for fact in in_time)
    assert late <= Counter((fact.ttl, fact.by) for fact in too_late)
    if protocol == "tcp":  # a plain user's attempt is over with its first answer, and after 0.95 s
        assert duplicates <= copies
    else:
        assert duplicates == +copies


def rtts_are_the_captures(events: list[Event], seen: dict[int, list[int]]) -> None:
    """Each RTT by the kernel's clock is one that the capture saw at that TTL, and no two are the same one.

    Both take the one stamp of the answer. The probe's they take one after the other, the capture first and the device
    last, so an RTT is never longer than the capture's. Shorter it is by whatever a machine did between the two: seldom.
    An event does not say which packet it was, so the shortest takes the shortest that the capture saw and that is long
    enough: if any pairing of the two holds, this one does.
    """
    shorter = []
    for ttl, captured in seen.items():
        left = sorted(captured)
        for rtt in sorted(event.rtt_ns for event in kernels_own(events) if event.ttl == ttl):
            while left and left[0] < rtt - WITHIN_NS:
                del left[0]
            assert left, f"TTL {ttl}: {rtt} ns is longer than all that the capture saw, {sorted(captured)}"
            assert left[0] <= rtt + PAUSED_NS, f"TTL {ttl}: {rtt} ns, the capture saw {sorted(captured)}"
            shorter.append(abs(left.pop(0) - rtt))
    assert not shorter or statistics.median(shorter) <= WITHIN_NS


def test_an_rtt_is_held_against_its_own_packet_even_where_another_was_nearer() -> None:
    answered = Answered(1, 0, 6, 0, 6_210_000, "2001:db8:80::80", "echo-reply", 129, 0, 59, "kernel")
    other = msgspec.structs.replace(answered, rtt_ns=6_000_000)
    rtts_are_the_captures([answered, other], {6: [6_106_000, 6_210_400]})
    with pytest.raises(AssertionError, match="longer than all"):
        rtts_are_the_captures([answered, other], {6: [6_000_100, 6_106_000]})


def kernels_own(events: list[Event]) -> list[Answered]:
    """The answers whose RTT is by the kernel's clock."""
    return [event for event in events if type(event) is Answered and event.clock == "kernel"]
