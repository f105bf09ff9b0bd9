"""What befalls the answers of a whole network: duplicates, reordering, late, forged, malformed, foreign packets."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

from hopscope.sim import packets
from hopscope.sim.packets import Packet
from hopscope.sim.weather_tables import Forgery, Malformation, Weather

Emit = Callable[[int, bytes], None]

_STRANGERS = {4: (bytes((198, 51, 100, 250)), bytes((203, 0, 113, 251))), 6: (b" \x01\r\xb8" + b"\xfa" * 12,) * 2}


class WeatherEffects:
    """The weather of one network, with its own use of the network's random numbers."""

    def __init__(self, weather: Weather, rng: Random) -> None:
        self._weather = weather
        self._rng = rng

    def answered(self, at: int, now: int, made: bytes, probe: Packet, emit: Emit) -> tuple[int, tuple[int, ...]]:
        """`made` answers `probe` at `at`: give it out, with what the weather does to it. When it comes out then, and
        when its duplicates do."""
        weather, rng = self._weather, self._rng
        true = at
        if weather.late is not None and rng.random() < weather.late.share:
            at += weather.late.delay
        elif weather.reorder is not None and rng.random() < weather.reorder.share:
            at += weather.reorder.delay
        emit(at, made)
        copies: tuple[int, ...] = ()
        if weather.duplicates and rng.random() < weather.duplicates:
            copies = (at + weather.duplicate_delay,)
            emit(copies[0], made)
        between = now + max(1, (true - now) // 2)
        if weather.forged is not None and rng.random() < weather.forged.share:
            kind = rng.choice(weather.forged.kinds)
            sources = weather.forged.source.family(probe.family)
            forged = _forged(kind, made, probe, rng, sources[0].packed if sources else None)
            if forged is not None:
                emit(between, forged)
        if weather.malformed is not None and rng.random() < weather.malformed.share:
            emit(between, malformed(rng.choice(weather.malformed.kinds), made, rng))
        self.passed(now, probe, emit)
        return at, copies

    def passed(self, now: int, probe: Packet, emit: Emit) -> None:
        """A probe went by, answered or not: other people's traffic."""
        if self._weather.foreign and self._rng.random() < self._weather.foreign:
            emit(now + self._rng.randrange(1, 20_000_000), _foreign(probe, self._rng))


def _time_exceeded(source: bytes, to: bytes, quote: bytes, rng: Random) -> bytes:
    return packets.error(source, to, 60, 11 if len(to) == 4 else 3, 0, quote[:64], ident=rng.getrandbits(16))


def _forged(kind: Forgery, made: bytes, probe: Packet, rng: Random, source: bytes | None) -> bytes | None:
    """An answer that is none: each differs from a true one in one thing that a careful reader checks. Who forges it is
    not on the path, and knows nothing of the payload: so there is none in the quotes, or a guessed one."""
    data, family, start, protocol = probe.data, probe.family, probe.start, probe.protocol
    us, destination = probe.source, probe.destination
    source = source or (made[12:16] if family == 4 else made[8:24])
    quote = bytearray(packets.with_ttl(data, 1)[: start + 8])
    if kind == "wrong-target":
        where = slice(24, 40) if family == 6 else slice(16, 20)
        stranger = bytearray(destination)
        stranger[-1] ^= 0x55
        quote[where] = stranger
        return _time_exceeded(source, us, packets.with_ttl(bytes(quote), 1), rng)
    if kind == "wrong-port":
        at = start + 4 if protocol in (packets.ICMP, packets.ICMP6) else start
        quote[at] ^= 0x5A
        if protocol == packets.TCP:
            quote[start + 4 : start + 8] = rng.randbytes(4)  # the sequence number is a secret, too
        return _time_exceeded(source, us, bytes(quote), rng)
    if kind == "wrong-sequence":
        if protocol not in (packets.ICMP, packets.ICMP6):
            return None
        quote[start + 6] ^= 0x80
        return _time_exceeded(source, us, bytes(quote), rng)
    if kind == "wrong-cookie":
        if protocol == packets.TCP or len(data) < start + 16:
            return None  # a SYN has no payload
        whole = bytearray(packets.with_ttl(data, 1)[: start + 16])
        guessed = start + 12  # behind what tells the probes apart, and what keeps their checksums equal
        whole[guessed : guessed + 2] = bytes(byte ^ 0xA5 for byte in whole[guessed : guessed + 2])
        return _time_exceeded(source, us, bytes(whole), rng)
    if kind == "stranger-echo":
        stranger_address = _STRANGERS[family][0]
        message = bytes((0 if family == 4 else 129, 0, 0, 0)) + data[start + 4 :]
        return packets.icmp(stranger_address, us, 60, message)
    if protocol != packets.TCP:
        return None
    sport, dport, seq = struct.unpack_from("!HHI", data, start)
    wrong = seq + 77_777 & 0xFFFFFFFF
    return packets.tcp(destination, us, dport, sport, 0, wrong, packets.RST | packets.ACK, 60)


def _foreign(probe: Packet, rng: Random) -> bytes:
    """ICMP that concerns another program on this machine, or nobody."""
    us, four = probe.source, probe.family == 4
    stranger, far = _STRANGERS[probe.family]
    body = struct.pack("!BBHHH", 8 if four else 128, 0, 0, rng.getrandbits(16), rng.getrandbits(16))
    if rng.random() < 0.5:
        return packets.icmp(stranger, us, 55, bytes((0 if four else 129,)) + body[1:] + b"another's")
    quote = packets.icmp(us, far, 1, body + bytes(24))
    return _time_exceeded(stranger, us, quote, rng)


def malformed(kind: Malformation, made: bytes, rng: Random) -> bytes:
    """`made`, broken in one way."""
    four = made[0] >> 4 == 4
    start = 20 if four else 40
    data = bytearray(made)
    if kind == "truncated":
        return made[: rng.randrange(1, len(made))]
    if kind == "noise":
        return made[:start] + rng.randbytes(len(made) - start)
    if kind == "version":
        data[0] = data[0] & 15 | 0x70
        return bytes(data)
    if kind == "total-length" or (kind == "header-length" and not four):  # IPv6 has one length, not two
        data[2 if four else 4 : 4 if four else 6] = rng.choice((b"\0\0", b"\xff\xff", b"\0\x15"))
        return packets.with_ttl(bytes(data), data[8]) if four else bytes(data)
    if kind == "header-length":
        data[0] = data[0] & 0xF0 | rng.choice((0, 4, 15))
        return bytes(data)
    if kind == "checksum":
        data[start + 2] ^= 0xA5
        return bytes(data)
    return _broken_quote(kind, made, start, rng)


def _broken_quote(kind: Malformation, made: bytes, start: int, rng: Random) -> bytes:
    four = made[0] >> 4 == 4
    source, us = (made[12:16], made[16:20]) if four else (made[8:24], made[24:40])
    quote = made[start + 8 :]
    first = bytes((11 if four else 3, 0, 0, 0))
    word = b"\0\0\0\0"
    if kind == "empty-quote":
        quote = b""
    elif kind == "short-quote":
        quote = quote[: rng.randrange(1, 28 if four else 48)]
    elif kind == "quoted-ihl":
        quote = bytes((rng.choice((0x40, 0x44, 0x4F)) if four else 0x00,)) + quote[1:]
    else:  # extension-length: it points beyond the message, which is cut, too
        quote = quote[: 24 if four else 44]
        word = b"\0\xff\0\0" if four else b"\xff\0\0\0"
    return packets.icmp(source, us, 60, first + word + quote)
