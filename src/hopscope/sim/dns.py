"""The name server of a simulated network: one query packet in, one answer packet out (RFC 1035).

It knows PTR records (``names``), TXT records for origins in Team Cymru's two formats (``origins``), further TXT
records (``dns.txt``), and A and AAAA records of the targets' names. Everything else does not exist.
"""

from __future__ import annotations

import ipaddress
import struct
from random import Random
from typing import Final

from hopscope.sim import packets
from hopscope.sim.faults import LossProcess
from hopscope.sim.language import Scenario

A: Final = 1
PTR: Final = 12
TXT: Final = 16
AAAA: Final = 28
_IN: Final = 1
_SERVFAIL: Final = 2
_NXDOMAIN: Final = 3
_NOTIMP: Final = 4
_ORIGIN4: Final = ".origin.asn.cymru.com"
_ORIGIN6: Final = ".origin6.asn.cymru.com"
_ASN: Final = ".asn.cymru.com"


class NameServer:
    """Answers for one scenario; without a ``dns`` table there is none."""

    def __init__(self, scenario: Scenario) -> None:
        dns = scenario.dns
        self._addresses = frozenset(address.packed for address in dns.at) if dns else frozenset[bytes]()
        self.delay = int(dns.delay) if dns else 0
        self._ttl = dns.ttl if dns else 0
        self._loss = LossProcess(dns.loss.table) if dns and dns.loss else None
        self._pointers = {_pointer(address): name for address, name in scenario.names.items()}
        self._fail = frozenset(_pointer(address) for address in dns.fail) if dns else frozenset[str]()
        self._silent = frozenset(_pointer(address) for address in dns.silent) if dns else frozenset[str]()
        self._texts = {name.lower().rstrip("."): texts for name, texts in dns.txt.items()} if dns else {}
        self._hosts = {target.name.lower(): target.at for target in scenario.targets}
        self._origins = [(ipaddress.ip_network(origin.prefix), origin) for origin in scenario.origins]

    def serves(self, address: bytes) -> bool:
        """The name server is at this address."""
        return address in self._addresses

    def reply(self, packet: bytes, start: int, rng: Random) -> bytes | None:
        """The answer to a query packet whose UDP header is at `start`; None: none comes."""
        if self._loss is not None and self._loss.takes(rng):
            return None
        made = self.answer(packet[start + 8 :])
        if made is None:
            return None
        source, destination = (packet[12:16], packet[16:20]) if packet[0] >> 4 == 4 else (packet[8:24], packet[24:40])
        sport = int.from_bytes(packet[start : start + 2], "big")
        return packets.udp(destination, source, 53, sport, made, ident=rng.getrandbits(16))

    def answer(self, query: bytes) -> bytes | None:
        """The answer to a query message; None for what is no query, and for names that are ``silent``."""
        if len(query) < 17 or query[2] & 0x80 or query[4:6] != b"\0\x01":
            return None
        read = _question(query)
        if read is None:
            return None
        name, end = read
        kind, group = struct.unpack_from("!HH", query, end)
        if name in self._silent:
            return None
        code = 0
        records: list[bytes] = []
        if query[2] & 0x78:
            code = _NOTIMP
        elif name in self._fail:
            code = _SERVFAIL
        elif group == _IN:
            found = self._find(name, kind)
            if found is None:
                code = _NXDOMAIN
            else:
                records = found
        flags = 0x8400 | (query[2] & 1) << 8 | 0x80 | code
        head = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
        body = b"".join(struct.pack("!HHHIH", 0xC00C, kind, _IN, self._ttl, len(data)) + data for data in records)
        return head + query[12 : end + 4] + body

    def _find(self, name: str, kind: int) -> list[bytes] | None:
        """The data of the records of a name; empty: none of this kind; None: there is no such name."""
        if name in self._pointers:
            return [_wire(self._pointers[name])] if kind == PTR else []
        if name in self._hosts:
            family = {A: 4, AAAA: 6}.get(kind, 0)
            return [address.packed for address in self._hosts[name].family(family)]
        texts = self._texts.get(name)
        if texts is None:
            texts = self._cymru(name)
        if texts is None:
            return None
        return [_strings(text) for text in texts] if kind == TXT else []

    def _cymru(self, name: str) -> tuple[str, ...] | None:
        address = _asked_address(name)
        if address is not None:
            held = [(net, origin) for net, origin in self._origins if net.version == address.version and address in net]
            return (
                tuple(
                    f"{origin.asn} | {net} | {origin.country} | {origin.registry} | 2020-01-01" for net, origin in held
                )
                or None
            )
        if name.startswith("as") and name.endswith(_ASN) and name[2 : -len(_ASN)].isdigit():
            number = int(name[2 : -len(_ASN)][:10])
            for _, origin in self._origins:
                if origin.asn == number:
                    text = f"{number} | {origin.country} | {origin.registry} | 2020-01-01 | {origin.name}"
                    return (f"{text}, {origin.country}",)
        return None


def _asked_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a Cymru origin query asks for."""
    try:
        if name.endswith(_ORIGIN4):
            return ipaddress.IPv4Address(".".join(reversed(name.removesuffix(_ORIGIN4).split("."))))
        if name.endswith(_ORIGIN6):
            digits = "".join(reversed(name.removesuffix(_ORIGIN6).split("."))).ljust(32, "0")
            return ipaddress.IPv6Address(int(digits, 16))
    except ValueError:
        pass
    return None


def _pointer(address: str) -> str:
    return ipaddress.ip_address(address).reverse_pointer


def _question(query: bytes) -> tuple[str, int] | None:
    """The name of the first question, in lower case, and where it ends."""
    labels: list[str] = []
    at = 12
    while at < len(query) and query[at]:
        size = query[at]
        if size > 63 or len(labels) > 127 or at + 1 + size > len(query):
            return None
        labels.append(query[at + 1 : at + 1 + size].decode("latin-1").lower())
        at += 1 + size
    if at + 5 > len(query):
        return None
    return ".".join(labels), at + 1


def _wire(name: str) -> bytes:
    """A name as labels. Each is cut at 63 bytes, the name at 255: names of a scenario may be anything."""
    made = b""
    for label in name.strip(".").split("."):
        raw = label.encode("utf-8", "surrogateescape")[:63]
        if raw and len(made) + len(raw) < 253:
            made += bytes((len(raw),)) + raw
    return made + b"\0"


def _strings(text: str) -> bytes:
    """A text as character strings of at most 255 bytes."""
    raw = text.encode("utf-8", "surrogateescape")[:4096]
    pieces = [raw[at : at + 255] for at in range(0, len(raw), 255)] or [b""]
    return b"".join(bytes((len(piece),)) + piece for piece in pieces)
