"""What middleboxes change in a packet that passes, and what of it they put back into a quote on its way home."""

from __future__ import annotations

from collections.abc import Sequence

from hopscope.sim import packets
from hopscope.sim.language import Hop


def edits(hop: Hop) -> bool:
    """This hop changes what passes."""
    return hop.nat is not None or hop.dscp is not None or hop.ecn is not None


def passed(probe: bytes, hops: Sequence[Hop]) -> list[bytes]:
    """`probe` as it leaves each of the hops in turn; the first is `probe` itself."""
    stages = [probe]
    for hop in hops:
        stages.append(_edited(stages[-1], hop))
    return stages


def brought_home(quote: bytes, stages: Sequence[bytes], hops: Sequence[Hop]) -> bytes:
    """`quote` (of the last stage, perhaps cut) after the translators on the way back restored what they restore."""
    data = bytearray(quote)
    six = len(quote) > 0 and quote[0] >> 4 == 6
    for stage, hop in zip(reversed(stages[:-1]), reversed(hops), strict=True):
        if hop.nat is None:
            continue
        start = _transport(stage)
        protocol = stage[6] if six else stage[9]
        for field in hop.nat.restore:
            if field == "address":
                _put(data, stage, slice(8, 24) if six else slice(12, 16))
            elif field == "port":
                _put(data, stage, _port(start, protocol))
            elif protocol in packets.CHECKSUM_AT:
                at = start + packets.CHECKSUM_AT[protocol]
                _put(data, stage, slice(at, at + 2))
    return _headed(bytes(data))


def _put(data: bytearray, stage: bytes, where: slice) -> None:
    if where.stop <= len(data):
        data[where] = stage[where]


def _edited(probe: bytes, hop: Hop) -> bytes:
    data = bytearray(probe)
    six = probe[0] >> 4 == 6
    tos = (probe[0] & 15) << 4 | probe[1] >> 4 if six else probe[1]
    if hop.dscp is not None:
        tos = hop.dscp << 2 | tos & 3
    if hop.ecn is not None:
        tos = tos & 0xFC | hop.ecn
    if six:
        data[0], data[1] = 0x60 | tos >> 4, (tos & 15) << 4 | probe[1] & 15
    else:
        data[1] = tos
    if hop.nat is not None:
        _translate(data, hop)
    return _headed(bytes(data))


def _translate(data: bytearray, hop: Hop) -> None:
    nat = hop.nat
    assert nat is not None
    six = data[0] >> 4 == 6
    start = _transport(data)
    protocol = data[6] if six else data[9]
    new = nat.source.family(6 if six else 4)
    if new:
        data[slice(8, 24) if six else slice(12, 16)] = new[0].packed
    if nat.identification is not None and not six:
        data[4:6] = nat.identification.to_bytes(2, "big")
    where = _port(start, protocol)
    if nat.source_port is not None and where.stop <= len(data):
        data[where] = nat.source_port.to_bytes(2, "big")
    at = packets.CHECKSUM_AT.get(protocol)
    if at is None or start + at + 2 > len(data) or nat.checksum == "keep":
        return
    if nat.checksum == "zero":
        data[start + at : start + at + 2] = b"\0\0"
    elif protocol != packets.UDP or any(data[start + 6 : start + 8]):
        source, destination = (data[8:24], data[24:40]) if six else (data[12:16], data[16:20])
        data[start:] = packets.sealed(bytes(source), bytes(destination), protocol, bytes(data[start:]), at)


def _port(start: int, protocol: int) -> slice:
    """Where the source port stands, or the identifier of an echo request."""
    at = start + 4 if protocol in (packets.ICMP, packets.ICMP6) else start
    return slice(at, at + 2)


def _transport(data: bytes | bytearray) -> int:
    return 40 if data[0] >> 4 == 6 else (data[0] & 15) * 4


def _headed(data: bytes) -> bytes:
    """IPv4's header checksum made right, where the header is whole."""
    if len(data) < 20 or data[0] >> 4 == 6 or len(data) < _transport(data):
        return data
    return packets.with_ttl(data, data[8])
