"""How balancers choose: what of a packet they hash, and which of several weighted ways that falls on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import NamedTuple

from hopscope.sim import packets
from hopscope.sim.language import Nat
from hopscope.sim.packets import Packet
from hopscope.sim.values import HashField

_ICMPS = (packets.ICMP, packets.ICMP6)


class Fields(NamedTuple):
    """What balancers may hash of a packet, as it comes to them."""

    source: bytes
    destination: bytes
    protocol: int
    transport: bytes
    """The first four bytes of the transport header: the ports; of ICMP type, code and checksum."""
    ident: bytes = b""
    """ICMP's identifier."""
    label: int = 0
    """IPv6's flow label."""

    @property
    def flow(self) -> bytes:
        """What a balancer hashes by default: addresses, protocol, the transport header's first four bytes, and ICMP's
        identifier."""
        return self.source + self.destination + self.transport + bytes((self.protocol,)) + self.ident

    def key(self, hashed: Sequence[HashField] | None) -> bytes:
        """What a balancer hashes that looks at these fields; None: `flow`."""
        if hashed is None:
            return self.flow
        is_icmp = self.protocol in _ICMPS
        values = {
            "source": self.source,
            "destination": self.destination,
            "protocol": bytes((self.protocol,)),
            "source-port": b"" if is_icmp else self.transport[:2],
            "destination-port": b"" if is_icmp else self.transport[2:],
            "icmp": self.transport + self.ident if is_icmp else b"",
            "label": self.label.to_bytes(3, "big"),
            "inner": b"",
        }
        return b"/".join(values[field] for field in sorted(hashed))

    def translated(self, nat: Nat) -> Fields:
        """As they leave a translator."""
        new = nat.source.family(4 if len(self.source) == 4 else 6)
        source = new[0].packed if new else self.source
        transport, ident = self.transport, self.ident
        if self.protocol not in _ICMPS:
            if nat.source_port is not None:
                transport = nat.source_port.to_bytes(2, "big") + transport[2:]
            return self._replace(source=source, transport=transport)
        if nat.source_port is not None:
            ident = nat.source_port.to_bytes(2, "big")
        if nat.checksum == "zero":
            transport = transport[:2] + b"\0\0"
        elif nat.checksum == "fix":
            # RFC 1624; only ICMPv6's checksum covers the addresses.
            total = 0xFFFF - int.from_bytes(transport[2:], "big") - _number(self.ident) + _number(ident)
            if self.protocol == packets.ICMP6:
                total += _number(source) - _number(self.source)
            transport = transport[:2] + (0xFFFF - (total % 0xFFFF or 0xFFFF)).to_bytes(2, "big")
        return self._replace(source=source, transport=transport, ident=ident)

    def answered(self) -> Fields:
        """Those of the target's own answer."""
        transport = self.transport[2:] + self.transport[:2]
        if self.protocol in _ICMPS:
            transport = bytes((0 if self.protocol == packets.ICMP else 129, 0, 0, 0))
        return self._replace(source=self.destination, destination=self.source, transport=transport, label=0)

    def refused(self, by: bytes, kind: int, code: int) -> Fields:
        """Those of an ICMP error from the address `by`."""
        protocol = packets.ICMP if len(self.source) == 4 else packets.ICMP6
        return Fields(by, self.source, protocol, bytes((kind, code, 0, 0)), b"\0\0")


def fields_of(packet: Packet) -> Fields:
    """Those of a packet that is sent."""
    data, start, protocol = packet.data, packet.start, packet.protocol
    return Fields(
        packet.source,
        packet.destination,
        protocol,
        data[start : start + 4],
        data[start + 4 : start + 6] if protocol in _ICMPS else b"",
        int.from_bytes(data[1:4], "big") & 0xFFFFF if packet.family == 6 else 0,
    )


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big") if data else 0


def _flow_share(flow: bytes, salt: bytes) -> float:
    """A number of 0 to 1 that depends on the flow, different for each balancer."""
    return int.from_bytes(hashlib.blake2b(flow, key=salt, digest_size=4).digest(), "big") / 2**32


def pick(share: float, weights: Sequence[float]) -> int:
    """Which of the weighted choices `share` of 0 to 1 falls on."""
    rest = share * sum(weights)
    last = 0
    for number, weight in enumerate(weights):
        rest -= weight
        if rest < 0:
            return number
        if weight:
            last = number
    return last


def choose(flow: bytes, salt: bytes, weights: Sequence[float], *, resilient: bool) -> int:
    """Which of the weighted choices a balancer has for a flow. `resilient`: one whose other flows stay where they are
    when a weight changes."""
    return _pick_resilient(flow, salt, weights) if resilient else pick(_flow_share(flow, salt), weights)


def _pick_resilient(flow: bytes, salt: bytes, weights: Sequence[float]) -> int:
    """By rendezvous hashing."""
    scores = []
    for number, weight in enumerate(weights):
        share = _flow_share(flow, salt + bytes((number,)))
        scores.append(-weight / math.log((share * 2**32 + 0.5) / 2**32))
    return scores.index(max(scores))
