"""How a node answers a packet: the ICMP error that it makes, or what a target says for itself."""

from __future__ import annotations

import struct
from random import Random

from hopscope.sim import packets
from hopscope.sim.edits import brought_home, passed
from hopscope.sim.legs import Leg
from hopscope.sim.values import Answer


def answer(probe: bytes, start: int, protocol: int, leg: Leg, rng: Random) -> bytes | None:
    """The answer to `probe`, whose transport header is at `start`; null where there is nothing to say."""
    if leg.error is not None:
        return _error(probe, start, protocol, leg, leg.error.type, leg.error.code, rng)
    target = leg.target
    assert target is not None
    if protocol == packets.UDP:
        if target.udp.word == "reply":
            source, destination = _ends(probe)
            sport, dport = struct.unpack_from("!HH", probe, start)
            return packets.udp(destination, source, dport, sport, probe[start + 8 :], leg.ttl, rng.getrandbits(16))
        return _said(target.udp, probe, start, protocol, leg, rng)
    if protocol == packets.TCP:
        return _tcp(probe, start, leg, rng)
    if protocol in (packets.ICMP, packets.ICMP6):
        six = protocol == packets.ICMP6
        if probe[start] != (128 if six else 8):
            return None
        if target.icmp.word == "reply":
            source, destination = _ends(probe)
            kind = 129 if six else 0
            return packets.icmp(
                destination, source, leg.ttl, bytes((kind, 0, 0, 0)) + probe[start + 4 :], rng.getrandbits(16)
            )
        return _said(target.icmp, probe, start, protocol, leg, rng)
    return _error(probe, start, protocol, leg, *((3, 2) if probe[0] >> 4 == 4 else (4, 1)), rng)


def _tcp(probe: bytes, start: int, leg: Leg, rng: Random) -> bytes | None:
    if len(probe) < start + 20:
        return None
    target = leg.target
    assert target is not None
    source, destination = _ends(probe)
    sport, dport, seq, ack, _, flags = struct.unpack_from("!HHIIBB", probe, start)
    if flags & packets.RST:
        return None
    ident = rng.getrandbits(16)
    if dport in target.open:
        if flags & packets.SYN and not flags & packets.ACK:
            made = packets.SYN | packets.ACK
            number = rng.getrandbits(32)
            return packets.tcp(destination, source, dport, sport, number, seq + 1 & 0xFFFFFFFF, made, leg.ttl, ident)
        if flags & packets.FIN:
            return packets.tcp(destination, source, dport, sport, ack, 0, packets.RST, leg.ttl, ident)
        return None
    if target.closed.word == "reset":
        if flags & packets.ACK:
            return packets.tcp(destination, source, dport, sport, ack, 0, packets.RST, leg.ttl, ident)
        made = packets.RST | packets.ACK
        return packets.tcp(destination, source, dport, sport, 0, seq + 1 & 0xFFFFFFFF, made, leg.ttl, ident)
    return _said(target.closed, probe, start, packets.TCP, leg, rng)


def _said(said: Answer, probe: bytes, start: int, protocol: int, leg: Leg, rng: Random) -> bytes | None:
    if said.error is None:
        return None
    return _error(probe, start, protocol, leg, *said.error.family(4 if probe[0] >> 4 == 4 else 6), rng)


def _error(probe: bytes, start: int, protocol: int, leg: Leg, kind: int, code: int, rng: Random) -> bytes | None:
    source, _ = _ends(probe)
    if protocol == packets.ICMP and probe[start] not in (8, 13, 15, 17):
        return None  # RFC 1122, 3.2.2: no error about an ICMP error
    if protocol == packets.ICMP6 and probe[start] < 128:
        return None  # RFC 4443, 2.4 (e)
    node = leg.station.node
    limit = leg.station.quote
    if leg.edits:
        stages = passed(probe, leg.edits)
        quote = brought_home(packets.with_ttl(stages[-1], leg.quoted_ttl)[:limit], stages, leg.edits)
    else:
        quote = packets.with_ttl(probe, leg.quoted_ttl)[:limit]
    extension = leg.station.extension
    if extension and not _extensible(probe[0] >> 4, kind):
        extension = b""
    return packets.error(
        leg.address(rng), source, leg.ttl, kind, code, quote, extension, leg.mtu,
        node.extension_flaw != "no-length", rng.getrandbits(16),
    )  # fmt: skip


def _extensible(version: int, kind: int) -> bool:
    """RFC 4884, section 4: which messages may carry extensions."""
    return kind in ((3, 11, 12) if version == 4 else (1, 3))


def _ends(probe: bytes) -> tuple[bytes, bytes]:
    """Source and destination."""
    if probe[0] >> 4 == 4:
        return probe[12:16], probe[16:20]
    return probe[8:24], probe[24:40]
