"""Name servers for the tests: a scripted one on loopback, which answers whatever it is told to, and what packets are
made of. The honest cases meet a real server (dnsmasq) instead."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import cast

PTR, TXT, A, CNAME = 12, 16, 1, 5

Script = Callable[[str, int, bytes], list[bytes]]
"""(name asked for, type, the question's packet) to the packets that are sent back."""


def labels(*parts: bytes) -> bytes:
    """A name on the wire, whatever its labels hold."""
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def name(text: str) -> bytes:
    return labels(*(part.encode() for part in text.split(".") if part))


def record(kind: int, data: bytes, ttl: int = 3600, owner: bytes = b"\xc0\x0c") -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def reply(question: bytes, *records: bytes, rcode: int = 0, flags: int = 0x8180, asked: bytes | None = None) -> bytes:
    """An answer to the packet `question`; `asked` puts another question's bytes in place of the one that was asked."""
    body = asked if asked is not None else question[12 : question_end(question)]
    return question[:2] + struct.pack("!HHHHH", flags | rcode, 1, len(records), 0, 0) + body + b"".join(records)


def question_end(packet: bytes) -> int:
    at = 12
    while packet[at]:
        at += packet[at] + 1
    return at + 5


def question_of(packet: bytes) -> tuple[str, int]:
    parts = []
    at = 12
    while packet[at]:
        parts.append(packet[at + 1 : at + 1 + packet[at]].decode("latin-1"))
        at += packet[at] + 1
    return ".".join(parts), struct.unpack("!H", packet[at + 1 : at + 3])[0]


class Server(asyncio.DatagramProtocol):
    """A scripted name server on a loopback port."""

    def __init__(self, script: Script, delay: float = 0.0) -> None:
        self.asked: list[tuple[str, int]] = []
        self.waiting = 0
        self.most_waiting = 0
        self._script = script
        self._delay = delay
        self._transport: asyncio.DatagramTransport | None = None
        self._gone = asyncio.Event()

    @property
    def address(self) -> str:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    async def __aenter__(self) -> Server:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.abort()
        await self._gone.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        asked, kind = question_of(data)
        self.asked.append((asked, kind))
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        asyncio.get_running_loop().call_later(self._delay, self._answer, asked, kind, data, addr)

    def _answer(self, asked: str, kind: int, data: bytes, addr: tuple[str, int]) -> None:
        answers = self._script(asked, kind, data)
        if answers:
            self.waiting -= 1
        assert self._transport is not None
        if self._transport.is_closing():
            return
        for packet in answers:
            self._transport.sendto(packet, addr)
