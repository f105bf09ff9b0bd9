"""A hundred thousand broken answers: none of them raises, and none finds a probe that it does not quote."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from hopscope.probe.channel import Probe
from hopscope.probe.packets.extensions import mpls_of
from hopscope.probe.packets.kinds import kind_of
from hopscope.probe.packets.ledger import FlowEntry, Ledger
from hopscope.probe.packets.replies import parse_icmp, parse_icmp6, parse_tcp
from hopscope.probe.packets.template import PacketShape, Template
from hopscope.wire.messages import Family, Protocol
from tests.probe.test_extensions import LABELS, stack, structure
from tests.probe.test_replies import ENDS, ipv4, time_exceeded

PROTOCOLS: tuple[Protocol, ...] = ("icmp", "udp", "tcp")
FAMILIES: tuple[Family, ...] = (4, 6)


class Victim:
    """A ledger with a flow of each kind, and good answers to their probes."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.answers: list[tuple[Family, bytes]] = []
        number = 0
        for family in FAMILIES:
            for protocol in PROTOCOLS:
                number += 1
                port = 0 if protocol == "icmp" else 33434
                shape = PacketShape(family, protocol, *ENDS[family], 4000 + number, port, 0xC0FFEE00 + number)
                entry = FlowEntry(shape)
                self.ledger.add(entry)
                template = Template(shape)
                for seq in range(64):
                    entry.probes[seq] = Probe(number, 0, seq, seq)
                packet = bytes(template.packet(9, 33))
                plain = time_exceeded(family, packet)
                at = 25 if family == 4 else 4
                length = bytes([32 if family == 4 else 16])
                multi = plain[:at] + length + plain[at + 1 :] + bytes(128 - len(packet)) + structure(stack(*LABELS))
                self.answers += [(family, plain), (family, multi), (family, plain[: (48 if family == 4 else 56)])]
        self.answers += [(4, ipv4(1, bytes(40))), (6, bytes([129]) + bytes(40))]

    def hear(self, family: Family, data: bytes) -> Probe | None:
        """All that a channel does with a packet before an answer is delivered."""
        segment = parse_tcp(data, family)
        if segment is not None:
            self.ledger.probe_of_segment(segment, family)
        heard = parse_icmp(data) if family == 4 else parse_icmp6(data)
        if heard is None:
            return None
        match = self.ledger.probe_of(heard, data)
        if match is not None and heard.is_error:
            assert kind_of(family, heard.icmp_type, heard.icmp_code)
            mpls_of(data[heard.icmp_at :], family)
        return None if match is None else match.probe


VICTIM = Victim()


def mutated(dice: random.Random, data: bytes) -> bytes:
    """Some bytes flipped, overwritten, cut out, doubled or cut off."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        if not changed:
            break
        at = dice.randrange(len(changed))
        match dice.randrange(5):
            case 0:
                changed[at] ^= 1 << dice.randrange(8)
            case 1:
                changed[at] = dice.choice((0, 1, 4, 15, 0x45, 0x4F, 0x60, 0x7F, 0x80, 0xFF))
            case 2:
                del changed[at : at + dice.randint(1, 16)]
            case 3:
                changed[at:at] = changed[at : at + dice.randint(1, 16)]
            case _:
                del changed[at:]
    return bytes(changed)


def test_a_hundred_thousand_mutated_errors_never_raise() -> None:
    victim = VICTIM
    dice = random.Random(20261123)
    found = missed = 0
    for number in range(100_000):
        family, data = victim.answers[number % len(victim.answers)]
        if victim.hear(family, mutated(dice, data)) is None:
            missed += 1
        else:
            found += 1
    # Both ways were gone, many times: most mutations destroy a match, and those beyond what identifies a probe do not.
    assert found > 10_000
    assert missed > 10_000


def test_a_good_answer_cut_off_at_each_byte_never_raises() -> None:
    victim = VICTIM
    for family, data in victim.answers:
        whole = victim.hear(family, data)
        for end in range(len(data)):
            assert victim.hear(family, data[:end]) in (whole, None)


@given(st.binary(max_size=300), st.sampled_from(FAMILIES))
def test_no_bytes_raise_and_none_are_a_probes_answer(data: bytes, family: Family) -> None:
    assert VICTIM.hear(family, data) is None
