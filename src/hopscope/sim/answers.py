"""How a node answers a packet: the ICMP error that it makes, or what a target says for itself."""

from __future__ import annotations

import struct
from random import Random

from hopscope.sim import packets
from hopscope.sim.forwarding import Forwarding
from hopscope.sim.packets import ErrorForm4, Packet
from hopscope.sim.rewrites import brought_home, passed
from hopscope.sim.values import Answer

_ECHO_REQUEST = {packets.ICMP: 8, packets.ICMP6: 128}
_ECHO_REPLY = {packets.ICMP: 0, packets.ICMP6: 129}


def answer(probe: Packet, fate: Forwarding, rng: Random) -> bytes | None:
    """The answer to `probe`; None where there is nothing to say."""
    if fate.error is not None:
        made = _error(probe, fate, fate.error.type, fate.error.code, rng)
        if made is not None and probe.family == 4 and _is_alike(fate):
            error = fate.error
            fate.form = ErrorForm4(fate.source, probe.source, fate.ttl, error.type, error.code, fate.mtu)
        return made
    target = fate.target
    assert target is not None
    data, start, protocol, source, destination = (
        probe.data, probe.start, probe.protocol, probe.source, probe.destination,
    )  # fmt: skip
    if protocol == packets.UDP:
        if target.udp.word == "reply":
            sport, dport = struct.unpack_from("!HH", data, start)
            return packets.udp(destination, source, dport, sport, data[start + 8 :], fate.ttl, rng.getrandbits(16))
        return _said(target.udp, probe, fate, rng)
    if protocol == packets.TCP:
        return _tcp(probe, fate, rng)
    if protocol in _ECHO_REQUEST:
        if data[start] != _ECHO_REQUEST[protocol]:
            return None
        if target.icmp.word == "reply":
            message = bytes((_ECHO_REPLY[protocol], 0, 0, 0)) + data[start + 4 :]
            return packets.icmp(destination, source, fate.ttl, message, rng.getrandbits(16))
        return _said(target.icmp, probe, fate, rng)
    return _error(probe, fate, *((3, 2) if probe.family == 4 else (4, 1)), rng)


def _is_alike(fate: Forwarding) -> bool:
    """Whether all these errors differ in nothing but the probe that they quote, which they quote whole."""
    state = fate.state
    return not (fate.rewrites or fate.choices or state.extension or state.quote is not None)


def _tcp(probe: Packet, fate: Forwarding, rng: Random) -> bytes | None:
    data, start, source, destination = probe.data, probe.start, probe.source, probe.destination
    if len(data) < start + 20:
        return None
    target = fate.target
    assert target is not None
    sport, dport, seq, ack, _, flags = struct.unpack_from("!HHIIBB", data, start)
    if flags & packets.RST:
        return None
    ident = rng.getrandbits(16)
    if dport in target.open:
        if flags & packets.SYN and not flags & packets.ACK:
            made = packets.SYN | packets.ACK
            number = rng.getrandbits(32)
            return packets.tcp(destination, source, dport, sport, number, seq + 1 & 0xFFFFFFFF, made, fate.ttl, ident)
        if flags & packets.FIN:
            return packets.tcp(destination, source, dport, sport, ack, 0, packets.RST, fate.ttl, ident)
        return None
    if target.closed.word == "reset":
        if flags & packets.ACK:
            return packets.tcp(destination, source, dport, sport, ack, 0, packets.RST, fate.ttl, ident)
        made = packets.RST | packets.ACK
        return packets.tcp(destination, source, dport, sport, 0, seq + 1 & 0xFFFFFFFF, made, fate.ttl, ident)
    return _said(target.closed, probe, fate, rng)


def _said(said: Answer, probe: Packet, fate: Forwarding, rng: Random) -> bytes | None:
    if said.error is None:
        return None
    return _error(probe, fate, *said.error.family(probe.family), rng)


def _error(probe: Packet, fate: Forwarding, kind: int, code: int, rng: Random) -> bytes | None:
    data, protocol = probe.data, probe.protocol
    if protocol == packets.ICMP and data[probe.start] not in (8, 13, 15, 17):
        return None  # RFC 1122, 3.2.2: no error about an ICMP error
    if protocol == packets.ICMP6 and data[probe.start] < 128:
        return None  # RFC 4443, 2.4 (e)
    state = fate.state
    if fate.rewrites:
        stages = passed(probe, fate.rewrites)
        quote = brought_home(packets.aged(stages[-1], fate.quoted_ttl)[: state.quote], stages, probe, fate.rewrites)
    else:
        quote = packets.aged(data, fate.quoted_ttl)
        if state.quote is not None:
            quote = quote[: state.quote]
    extension = state.extension
    if extension and not _extensible(probe.family, kind):
        extension = b""
    return packets.error(
        fate.address(rng) if fate.choices else fate.source, probe.source, fate.ttl, kind, code, quote, extension,
        fate.mtu, state.node.extension_flaw != "no-length", rng.getrandbits(16),
    )  # fmt: skip


def _extensible(version: int, kind: int) -> bool:
    """RFC 4884, section 4: which messages may carry extensions."""
    return kind in ((3, 11, 12) if version == 4 else (1, 3))
