"""What middleboxes change in a packet that passes, and what of it they put back into a quote on its way home."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hopscope.sim import packets
from hopscope.sim.language import Hop, Nat
from hopscope.sim.packets import Packet


def rewrites(hop: Hop) -> bool:
    """This hop changes what passes."""
    return hop.nat is not None or hop.dscp is not None or hop.ecn is not None


def passed(probe: Packet, hops: Sequence[Hop]) -> list[bytes]:
    """`probe` as it leaves each of the hops in turn; the first is `probe` itself."""
    stages = [probe.data]
    for hop in hops:
        stages.append(_edited(stages[-1], probe, hop))
    return stages


def brought_home(quote: bytes, stages: Sequence[bytes], probe: Packet, hops: Sequence[Hop]) -> bytes:
    """`quote` (of the last stage, perhaps cut) after the translators on the way back restored what they restore."""
    data = bytearray(quote)
    start, protocol = probe.start, probe.protocol
    for stage, hop in zip(reversed(stages[:-1]), reversed(hops), strict=True):
        if hop.nat is None:
            continue
        for field in hop.nat.restore:
            if field == "address":
                _put(data, stage, _SOURCE[probe.family])
            elif field == "port":
                _put(data, stage, _port(probe))
            elif protocol in packets.CHECKSUM_AT:
                at = start + packets.CHECKSUM_AT[protocol]
                _put(data, stage, slice(at, at + 2))
    return _headed(bytes(data), probe)


def _put(data: bytearray, stage: bytes, where: slice) -> None:
    if where.stop <= len(data):
        data[where] = stage[where]


def _edited(stage: bytes, probe: Packet, hop: Hop) -> bytes:
    data = bytearray(stage)
    six = probe.family == 6
    tos = (stage[0] & 15) << 4 | stage[1] >> 4 if six else stage[1]
    if hop.dscp is not None:
        tos = hop.dscp << 2 | tos & 3
    if hop.ecn is not None:
        tos = tos & 0xFC | hop.ecn
    if six:
        data[0], data[1] = 0x60 | tos >> 4, (tos & 15) << 4 | stage[1] & 15
    else:
        data[1] = tos
    if hop.nat is not None:
        _translate(data, probe, hop.nat)
    return _headed(bytes(data), probe)


def _translate(data: bytearray, probe: Packet, nat: Nat) -> None:
    start, protocol = probe.start, probe.protocol
    new = nat.source.family(probe.family)
    if new:
        data[_SOURCE[probe.family]] = new[0].packed
    if nat.identification is not None and probe.family == 4:
        data[4:6] = nat.identification.to_bytes(2, "big")
    where = _port(probe)
    if nat.source_port is not None and where.stop <= len(data):
        data[where] = nat.source_port.to_bytes(2, "big")
    at = packets.CHECKSUM_AT.get(protocol)
    if at is None or start + at + 2 > len(data) or nat.checksum == "keep":
        return
    if nat.checksum == "zero":
        data[start + at : start + at + 2] = b"\0\0"
    elif protocol != packets.UDP or any(data[start + 6 : start + 8]):
        source = bytes(data[_SOURCE[probe.family]])
        data[start:] = packets.sealed(source, probe.destination, protocol, bytes(data[start:]), at)


_SOURCE: Final = {4: slice(12, 16), 6: slice(8, 24)}
"""Where the source address stands."""


def _port(probe: Packet) -> slice:
    """Where the source port stands, or the identifier of an echo request."""
    at = probe.start + 4 if probe.protocol in (packets.ICMP, packets.ICMP6) else probe.start
    return slice(at, at + 2)


def _headed(data: bytes, probe: Packet) -> bytes:
    """IPv4's header checksum made right, where the header is whole."""
    if probe.family == 6 or len(data) < probe.start:
        return data
    return packets.with_ttl(data, data[8])
