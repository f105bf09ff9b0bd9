"""Every parser of bytes from outside, as a fuzz target: bytes in; anything but an error that the parser's docstring
names, or a property that does not hold, is a find. Seeds are good messages: from there every byte is reachable."""

from __future__ import annotations

import contextlib
import socket
import struct
import tempfile
import tomllib
import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import msgspec
import wcwidth
from rich.cells import cell_len
from textual import events

from hopscope.cli import assertions, config
from hopscope.cli.errors import UsageError
from hopscope.history import streams
from hopscope.history.block import PACKED, BadBlock, PackedRow
from hopscope.history.notes import encode
from hopscope.history.sound import read_note
from hopscope.history.store import StoreError
from hopscope.history.unpacking import Rows, unpack
from hopscope.metrics import requests
from hopscope.names import owners
from hopscope.names.clean import LIMIT, clean
from hopscope.names.databases import DatabaseError, Databases
from hopscope.path.bins import decode
from hopscope.probe.packets.extensions import MAX_LABELS, extension_of, mpls_from_extension
from hopscope.probe.packets.replies import Heard, parse_icmp, parse_icmp6, parse_tcp
from hopscope.probe.sockets import errqueue, stamps
from hopscope.session.hostname import LONGEST_NAME, ascii_name
from hopscope.session.query import read_query, split_queries
from hopscope.sim import library
from hopscope.system import toml
from hopscope.views.screen.keys import PASTE_PAUSE_S, Keys
from hopscope.views.screen.pastes import END, MOST, START, Pastes
from hopscope.web import guard, messages
from hopscope.wire.framing import Garbage, command_reader, event_reader
from hopscope.wire.messages import Family


class Target(NamedTuple):
    """One parser."""

    run: Callable[[bytes], None]
    modules: tuple[Any, ...]
    """Whose lines the guided search tries to reach."""
    words: tuple[bytes, ...] = ()
    """What a blind change would hardly hit upon."""


def _heard(heard: Heard | None, data: bytes, family: Family) -> None:
    if heard is None:
        return
    assert 0 <= heard.icmp_at < len(data)
    assert heard.icmp_at <= heard.at < len(data)
    assert -1 <= heard.ident < 1 << 16
    assert 0 <= heard.port < 1 << 16
    extension(data[heard.icmp_at :])


def icmp(data: bytes) -> None:
    _heard(parse_icmp(data), data, 4)


def icmp6(data: bytes) -> None:
    _heard(parse_icmp6(data), data, 6)


def tcp(data: bytes) -> None:
    for family in cast("tuple[Family, ...]", (4, 6)):
        segment = parse_tcp(data, family)
        assert segment is None or 0 <= segment.acknowledged < 1 << 32


def extension(data: bytes) -> None:
    labels = mpls_from_extension(data)
    for family in cast("tuple[Family, ...]", (4, 6)):
        found = extension_of(data, family)
        assert found == b"" or data.endswith(found)
        labels += mpls_from_extension(found)
    assert len(labels) <= 3 * MAX_LABELS
    assert all(label.label < 1 << 20 and label.tc < 8 and label.ttl < 256 for label in labels)


class _Socket:
    """A socket whose kernel says whatever the bytes say: kinds of control messages, their lengths, their values."""

    KINDS: Final = (
        (socket.SOL_SOCKET, 37), (socket.SOL_SOCKET, 40), (socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25),
        (socket.IPPROTO_IP, 2), (socket.IPPROTO_IPV6, 52), (1, 2), (0, 0),
    )  # fmt: skip

    def __init__(self, data: bytes) -> None:
        self._control = []
        while len(data) > 2:
            level, kind = self.KINDS[data[0] % len(self.KINDS)]
            length = min(data[1], len(data) - 2)
            self._control.append((level, kind, data[2 : 2 + length]))
            data = data[2 + length :]
        self._rest = data

    def recvmsg(self, *_sizes: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, tuple[str, int]]:
        return self._rest, self._control, 0, ("192.0.2.1", 0)


def errors(data: bytes) -> None:
    message = errqueue.receive(cast("socket.socket", _Socket(data)), errors=True)
    assert message is not None
    if message.failure is not None and message.failure.offender is not None:
        socket.inet_pton(
            socket.AF_INET6 if ":" in message.failure.offender else socket.AF_INET,
            message.failure.offender.partition("%")[0],
        )


def frames(data: bytes) -> None:
    for make in (event_reader, command_reader):
        reader: Any = make()
        whole = [*reader.feed(data), *reader.end()]
        pieces: Any = make()
        cut = [message for at in range(0, len(data), 7) for message in pieces.feed(data[at : at + 7])]
        assert [*cut, *pieces.end()] == whole
        for message in whole:
            assert not isinstance(message, Garbage) or (message.reason + message.excerpt).isprintable()


def names(data: bytes) -> None:
    """With `wcwidth` as the oracle of what stands in how many cells."""
    text = clean(data)
    assert text.isprintable()
    assert len(text) <= LIMIT
    assert clean(text) == text
    assert clean(data, 20) == clean(data, 20)
    assert len(clean(data, 20)) <= 20
    width = wcwidth.wcswidth(text)
    assert width >= 0
    assert width == cell_len(text) == sum(max(0, wcwidth.wcwidth(char)) for char in text)


def _line(error: Exception) -> None:
    assert "\n" not in str(error)


def configuration(data: bytes) -> None:
    try:
        config.parse(data.decode("utf-8", "replace"))
    except UsageError as error:
        _line(error)


def scenario(data: bytes) -> None:
    try:
        library.parse(data.decode("utf-8", "replace"))
    except library.ScenarioError as error:
        _line(error)


def tables(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        found = toml.loads(text)
    except toml.NoToml as error:
        _line(error)
    else:
        assert repr(found) == repr(tomllib.loads(text))


def txt(data: bytes) -> None:
    texts = data.split(b"\n")
    for address in ("192.0.2.1", "2001:db8::1", "fe80::1%eth0", "nonsense"):
        for asn in owners.read_origins(texts, address):
            assert 0 < asn.number < 1 << 32
            for field in (asn.prefix, asn.country):
                assert field is None or clean(field) == field
    name = owners.read_name(texts)
    assert name is None or (clean(name) == name and len(name) <= 80)


@cache
def _folder() -> Path:
    base = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="hopscope-fuzz-", dir=base if base.is_dir() else None))


def mmdb(data: bytes) -> None:
    path = _folder() / "it.mmdb"
    path.write_bytes(data)
    try:
        databases = Databases([path])
    except DatabaseError as error:
        _line(error)
        return
    for address in ("192.0.2.1", "198.51.100.7", "2001:db8::1"):
        asn, geo = databases.look_up(address)
        for field in (asn.name if asn else None, geo.city if geo else None, geo.country if geo else None):
            assert field is None or clean(field) == field
    databases.close()


def terminal(data: bytes) -> None:
    """What a terminal sends: whatever stands in a paste is text when it arrives, and nothing raises."""
    text = data.decode("utf-8", "replace")
    pastes = Pastes()
    filtered = "".join(pastes.feed(text[at : at + 5]) for at in range(0, len(text), 5))
    assert filtered == Pastes().feed(text)
    for paste in filtered.split(START)[1:]:
        inside, _, _ = paste.partition(END)
        assert len(inside) <= MOST + len(END)
    keys = Keys()
    for event in (*keys.feed(data, 0.0), *keys.tick(0.0), *keys.end()):
        if isinstance(event, events.Paste):
            assert all(char == "\n" or char.isprintable() for char in event.text)
    pieces = Keys()
    for at in range(0, len(data), 3):
        pieces.feed(data[at : at + 3], 0.0)
    sane = Keys()
    sane.feed(data, 0.0)
    sane.tick(PASTE_PAUSE_S)
    assert not sane.are_in_a_paste
    sane.feed(END.encode(), PASTE_PAUSE_S)  # half a sequence may have stood there
    heard = (*sane.feed(b"qq", PASTE_PAUSE_S), *sane.tick(PASTE_PAUSE_S))
    assert any(isinstance(event, events.Key) for event in heard), "no key is heard any more"


def queries(data: bytes) -> None:
    for word in split_queries(data.decode("utf-8", "surrogateescape")):
        try:
            query = read_query(word)
        except ValueError as error:
            _line(error)
            continue
        assert query.port is None or 0 < query.port < 1 << 16
        hostnames(query.host.encode("utf-8", "surrogateescape"))


def hostnames(data: bytes) -> None:
    try:
        name = ascii_name(data.decode("utf-8", "surrogateescape"))
    except UnicodeError:
        raise  # a `ValueError` of the codec's, whose words are for nobody
    except ValueError as error:
        _line(error)
        return
    assert name.isascii()
    assert len(name) <= LONGEST_NAME + 1
    assert ascii_name(name) == name


def assert_language(data: bytes) -> None:
    try:
        assertions.read(data.decode("utf-8", "replace"))
    except UsageError as error:
        _line(error)


def blocks(data: bytes) -> None:
    """What a recording holds, without the compression around it."""
    with contextlib.suppress(BadBlock):
        for row, fact in unpack(zlib.compress(data, 0), 7):
            assert fact.target == 7
            assert isinstance(row, int)
    with contextlib.suppress(BadBlock):
        told = Rows().unpack(data)
        assert all(fact.target == target for target, facts in told for fact in facts)
    try:
        spans = decode(data)
    except (ValueError, msgspec.DecodeError):
        return
    for one in (one for span in spans for one in span.bins.values() if one.received):
        assert one.best <= one.nearest(50) <= one.nearest(99) <= one.worst
        assert one.received < 2 or one.stddev is not None


def notes(data: bytes) -> None:
    """What a recording, or an agent, says beside probes."""
    with contextlib.suppress(StoreError):
        note = read_note(data)
        assert read_note(encode(note)) == note


def printed(data: bytes) -> None:
    """A stream that is to be replayed: hopscope's own lines, or mtr's raw ones."""
    path = _folder() / "stream"
    path.write_bytes(data)
    try:
        store, limits = streams.read(str(path))
        assert all(line.isprintable() for line in limits)
        with store:
            for trace in store.traces():
                list(store.facts(trace))
    except StoreError as error:
        _line(error)


def browsers(data: bytes) -> None:
    """What a browser says: a message, or headers of which each line is one."""
    text = data.decode("utf-8", "replace")
    message = messages.read(text)
    if isinstance(message, messages.Typed):  # whatever it was, it is text now
        assert message.data.decode("utf-8") is not None
    if isinstance(message, messages.Ping):
        assert messages.read(messages.pong(message).replace("pong", "ping", 1)) == message
    headers = _Headers(line.partition(":")[::2] for line in text.splitlines())
    one = guard.Guard([], 8000)
    for check in (one.check_host, lambda of: one.check_origin(of, is_needed=True)):
        with contextlib.suppress(guard.AccessDenied):
            check(headers)
    assert "\n" not in one.cookie_header(headers)
    assert not one.is_token(text)
    assert not one.has_cookie({one.cookie_name: text})


def scrapes(data: bytes) -> None:
    """What somebody says who should be Prometheus."""
    for is_private in (True, False):
        try:
            head = requests.head_of(data)
            if head is None:
                return
            method, accepted = requests.read(head, is_private=is_private)
        except requests.HTTPError as refused:
            status, is_head = refused.status, refused.is_head
        else:
            assert method in (b"GET", b"HEAD")
            assert len(accepted) <= requests.MOST_HEAD
            assert accepted == accepted.lower()
            continue
        assert requests.refusal(status, is_head=is_head).startswith(f"HTTP/1.1 {status} ".encode())


class _Headers:
    def __init__(self, lines: Iterable[tuple[str, str]]) -> None:
        self._lines = [(name.lower(), value.strip()) for name, value in lines]

    def getall(self, key: str, default: Sequence[str], /) -> Sequence[str]:
        return [value for name, value in self._lines if name == key.lower()] or default


def fleet(data: bytes) -> None:
    """What an agent or a hub is sent, and the probes in it without the compression around them."""
    from hopscope.fleet import hub_store, messages

    for read in (messages.read_asks, messages.read_says):
        with contextlib.suppress(messages.BadMessage):
            read(data)
    with contextlib.suppress(messages.BadMessage):
        hub_store.rows_of(messages.read(data), {1})
    row = PACKED + msgspec.msgpack.encode(PackedRow([], zlib.compress(data, 0)))
    with contextlib.suppress(BadBlock):
        told = Rows().unpack(row)
        assert all(fact.target == target for target, facts in told for fact in facts)


def _targets() -> dict[str, Target]:
    import hopscope.fleet.messages as fleet_messages
    import hopscope.history.mtr_raw as mtr_raw
    import hopscope.history.notes as noting
    import hopscope.history.sound as sound
    import hopscope.history.unpacking as unpacking
    import hopscope.path.bins as bins
    import hopscope.probe.packets.extensions as extensions
    import hopscope.probe.packets.replies as replies
    import hopscope.session.hostname as hostname
    import hopscope.session.query as query
    import hopscope.sim.values as values
    import hopscope.views.screen.keys as pressing
    import hopscope.views.screen.pastes as pasting
    import hopscope.wire.framing as framing
    from hopscope.names import clean as cleaning
    from hopscope.names import databases

    keys = b"hops targets name at delay jitter loss mpls label ttl changes weather dns origins seed source set".split()
    probe = b"[probe] [report] [names] [screen] [keys] interval timeout method port columns theme servers".split()
    return {
        "icmp": Target(icmp, (replies, extensions), (b"\x45\0", b"\x0b\0", b"\x03\x03")),
        "icmp6": Target(icmp6, (replies, extensions), (b"\x60\0", b"\x3a", b"\x2c", b"\x03\0")),
        "tcp": Target(tcp, (replies,), (b"\x45\0", b"\x50\x12")),
        "extension": Target(extension, (extensions,), (b"\x20\0\0\0", b"\x01\x01", b"\0\x08")),
        "errors": Target(errors, (errqueue, stamps), (struct.pack("=H", 2), struct.pack("=H", 10), b"\x02\x20")),
        "frames": Target(frames, (framing,), (b"\n", b'"type":', b"{}", b"9" * 30, b"[" * 3000)),
        "names": Target(names, (cleaning,), tuple(char.encode() for char in "\u202e\u0301\u094d日א\U0001f1e6")),
        "configuration": Target(configuration, (config, toml), (*probe, b" = ", b'"', b"[1, 2]", b"1e400")),
        "scenario": Target(scenario, (library, values), (*keys, b' = "', b"[[", b"]]", b"{", b"}", b"5%", b"1ms")),
        "tables": Target(tables, (toml,), (b"a.", b'"a".', b"[[", b"0x", b"'''", b"{a=")),
        "txt": Target(txt, (owners,), (b" | ", b"192.0.2.0/24", b"2001:db8::/32", b"AS", b"\n")),
        "mmdb": Target(mmdb, (databases,), (b"\xab\xcd\xefMaxMind.com", b"\x20\0", b"\xe1", b"\x42en")),
        "terminal": Target(
            terminal, (pasting, pressing), (START.encode(), END.encode(), b"\x1b[<0;1;1M", b"\x1b[1;2u")
        ),
        "queries": Target(queries, (query, hostname), (b"https://", b"[", b"]", b":443", b"/24", b"@", b"\xc3\x9f")),
        "hostnames": Target(hostnames, (hostname,), (b".", b"xn--", "ß".encode(), "\u200d".encode())),
        "blocks": Target(
            blocks,
            (unpacking, bins),
            (b"\x90", b"\xc4\0", b"\xcf" + b"\xff" * 8, b"\xdd\x7f", b"\x93\0\1", b"\x91" * 3000),
        ),
        "notes": Target(notes, (sound, noting), (b'"type":"', b'"plan":{', b'"at":', b"9" * 30, b"[" * 3000)),
        "printed": Target(
            printed, (streams, mtr_raw), (b'{"event":"', b'"ttl":', b"x 0 33000\n", b"p 0 1 33000\n", b"[" * 3000)
        ),
        "browsers": Target(browsers, (messages, guard), (b"Host: ", b"X-Forwarded-Host: ", b"[::1]", b'["stdin", "')),
        "fleet": Target(
            fleet, (fleet_messages, unpacking), (b"\x87\xb0", b"\xa4type", b"facts", b"\xc4\0", b"\xcf" + b"\xff" * 8)
        ),
        "scrapes": Target(
            scrapes, (requests,), (b"HEAD ", b"/metrics", b"Host: ", b"Accept: ", b"\r\n\r\n", b"http://")
        ),
        "assertions": Target(assert_language, (assertions,), (b"loss<1", b"hop[3].", b"reached", b">=", b"1e999")),
    }


TARGETS: Final = _targets()
CORPUS: Final = Path(__file__).parent / "corpus"


def seeds(name: str) -> list[bytes]:
    """The target's corpus, by name of the file."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
