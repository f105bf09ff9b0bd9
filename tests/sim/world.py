"""A small simulated network for a test, its packets made and read by Scapy: an oracle that shares no code with it."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.packet import Packet, Raw

from hopscope.sim import parse
from hopscope.sim.network import Network, PacketTruth

US4 = "198.18.0.2"
US6 = "2001:db8:ffff::2"
TARGET4 = "198.51.100.80"
TARGET6 = "2001:db8:80::80"
TARGET = f'[[targets]]\nname = "www.example.com"\nat = ["{TARGET4}", "{TARGET6}"]\n'

MS = 1_000_000
SECOND = 1_000_000_000


def hops(*lines: str) -> str:
    """The key ``hops``, a line a hop."""
    return "hops = [\n" + ",\n".join(lines) + "\n]\n"


def router(number: int, extra: str = "") -> str:
    """A hop's line: ``192.0.2.NUMBER`` and ``2001:db8::NUMBER``, 1 ms away."""
    return f'{{ at = ["192.0.2.{number}", "2001:db8::{number}"]{", " + extra if extra else ""} }}'


@lru_cache(1024)
def echo(ttl: int = 64, seq: int = 1, ident: int = 77, size: int = 36, to: str = TARGET4, **ip: Any) -> bytes:
    """An echo request of either family."""
    if ":" in to:
        echo6 = ICMPv6EchoRequest(id=ident, seq=seq, data=bytes(size))
        return bytes(IPv6(src=US6, dst=to, hlim=ttl, **ip) / echo6)
    return bytes(IP(src=US4, dst=to, ttl=ttl, **ip) / ICMP(id=ident, seq=seq) / Raw(bytes(size)))


@lru_cache(1024)
def datagram(ttl: int = 64, sport: int = 40_000, dport: int = 33_434, data: bytes = bytes(12), **ip: Any) -> bytes:
    """A UDP datagram over IPv4."""
    return bytes(IP(src=US4, dst=ip.pop("to", TARGET4), ttl=ttl, **ip) / UDP(sport=sport, dport=dport) / Raw(data))


def syn(ttl: int = 64, sport: int = 40_000, dport: int = 80, seq: int = 1_000) -> bytes:
    """A SYN over IPv4."""
    return bytes(IP(src=US4, dst=TARGET4, ttl=ttl, flags="DF") / TCP(sport=sport, dport=dport, seq=seq, flags="S"))


def dissect(raw: bytes) -> Packet:
    """The packet by Scapy, after a check that it computes the same checksums and lengths."""
    made = IP(raw) if raw[0] >> 4 == 4 else IPv6(raw)
    again = made.copy()
    layer: Any = again
    while layer is not None and layer.name not in ("IP in ICMP", "IPv6 in ICMPv6", "Raw"):
        for field in ("chksum", "cksum", "len", "plen"):
            if field in layer.fields and layer.fields[field] is not None:
                del layer.fields[field]
        layer = layer.payload if layer.payload and layer.payload.name not in ("IP in ICMP", "IPv6 in ICMPv6") else None
    assert bytes(again)[: len(raw)] == raw
    return made


class World:
    """A network from TOML, and a clock that goes on by a second with each packet."""

    def __init__(self, text: str, seed: int | None = None) -> None:
        self.network = Network(parse(text), seed, keep_truth=True)
        self.now = 0

    def send(self, packet: bytes, at: int | None = None) -> list[tuple[int, bytes]]:
        """What comes back within a minute: each packet with its time since the sending."""
        self.now = self.now + SECOND if at is None else at
        self.network.packet_in(self.now, packet)
        return [(due - self.now, raw) for due, raw in self.network.due(self.now + 60 * SECOND)]

    def one(self, packet: bytes, at: int | None = None) -> Packet:
        """The one answer, by Scapy."""
        ((_, raw),) = self.send(packet, at)
        return dissect(raw)

    def who(self, packet: bytes, at: int | None = None) -> str | None:
        """Who answers; null: nobody."""
        answers = self.send(packet, at)
        if not answers:
            return None
        raw = answers[0][1]
        return str(ipaddress.ip_address(raw[12:16] if raw[0] >> 4 == 4 else raw[8:24]))

    @property
    def facts(self) -> list[PacketTruth]:
        assert self.network.truth is not None
        return self.network.truth

    @property
    def last(self) -> PacketTruth:
        """The truth about the last packet."""
        return self.facts[-1]
