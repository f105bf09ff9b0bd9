"""The NATS client, made fit for messages of strangers, and for strangers in the broker's place.

Loaded when a connection is wanted.

Whoever may publish to a subject chooses its message's reply subject and headers, and the server checks neither. The
client takes headers for the server's own status, and its reader ends for good by one that is no UTF-8.

Whoever stands on the way may answer in the broker's place. A NATS server speaks first, in clear: INFO. nats-py changes
to TLS only where INFO has `tls_required`; where it has not, CONNECT (name, signature, token) and all the rest go in
clear, whatever scheme the URL has and whatever context `tls` is. It has no option that forbids that:
`tls_handshake_first` fails with each server that speaks first. A discovered server it checks by that server's own name,
and the list of those stands in INFO as well.

Such a one may also send without end. The client holds a line or a message until its last byte has come, and a message
until somebody takes it, up to 128 MiB for each subscription. Here a line too long ends the connection, of a message too
large what is beyond is read and thrown away, and where too much waits nothing is read until some of it was taken.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import Any, Final
from urllib.parse import ParseResult, urlsplit

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.aio.transport import TcpTransport
from nats.protocol import parser

OURS: Final = b"hopscope."
ACK: Final = b"$JS.ACK."
"""Before which the server tells where a message of a stream stands; without a stream nobody asks for that."""
SILENT_S: Final = 1.0
"""A server that says nothing for so long, or for twice as long as connecting took (INFO comes one round trip later),
waits for TLS: `handshake_first`. It waits for two seconds."""
HANDSHAKE_S: Final = 5
MOST_SERVERS: Final = 64
"""Of those that a server names beside itself."""
NO_TLS: Final = "the server offers no TLS; nothing was sent to it"
MOST_LINE: Final = 32 << 10
"""Bytes of a line of the protocol: eight times what a server allows unless it is told otherwise."""
MOST_BODY: Final = 2 << 20
"""Bytes of a message that are held. All that is ours is smaller."""
MOST_PAYLOAD: Final = 64 << 20
"""Bytes of a message beyond which no server goes: more waits for each client than it lets wait."""
MOST_SUBJECT: Final = 512
"""Characters of a subject of ours that are kept: each has what matters before."""
MOST_HEADERS: Final = 1 << 10
"""Bytes; the server's own status has some hundred."""
MOST_WAITING: Final = 512, 16 << 20
"""Messages, and bytes of theirs, that wait on one subscription."""
ROOM_S: Final = 0.01
"""Between two looks whether there is room again."""

# The server ends a word at these alone, the client at a vertical tab as well, and then gives the connection up.
_WORD: Final = rb"([^ \t\r\n]+)"
parser.MSG_RE = re.compile(rb"\AMSG %s %s (%s )?(\d+)\r\n" % ((_WORD,) * 3))
parser.HMSG_RE = re.compile(rb"\AHMSG %s %s (%s )?(\d+) (\d+)\r\n" % ((_WORD,) * 3))


class TlsTransport(TcpTransport):
    """A socket that INFO is read from in clear; all that is written to it is TLS."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._context = context
        self._name = name
        self._patience_s = SILENT_S

    def __bool__(self) -> bool:
        return True  # or the client makes one of its own

    @property
    def is_secret(self) -> bool:
        """Whether TLS is spoken."""
        return self._io_writer is not None and self._io_writer.get_extra_info("ssl_object") is not None

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        begun = monotonic()
        await super().connect(uri, buffer_size, connect_timeout)
        self._patience_s = max(SILENT_S, 2 * (monotonic() - begun))

    async def readline(self) -> bytes:
        if not self.is_secret:
            try:
                return await asyncio.wait_for(self._line(), self._patience_s)
            except TimeoutError:
                await self.connect_tls(self._name, self._context, 0, HANDSHAKE_S)
        return await self._line()

    async def _line(self) -> bytes:
        return bytes(await super().readline())  # type: ignore[no-untyped-call]

    async def connect_tls(self, uri: Any, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int) -> None:
        if not self.is_secret:  # what a server that does TLS first says in INFO leads here again
            await super().connect_tls(uri, ssl_context, buffer_size, connect_timeout)

    def write(self, payload: bytes) -> None:
        if not self.is_secret:
            raise errors.Error(NO_TLS)
        super().write(payload)  # type: ignore[no-untyped-call]

    def writelines(self, payload: Iterable[bytes]) -> None:
        if self.is_secret:  # a client that is closed while it connects writes here what waited for the connection
            super().writelines(payload)  # type: ignore[no-untyped-call]


class BoundedParser(parser.Parser):
    """Holds a line of `MOST_LINE` and a message of `MOST_BODY` bytes at the most."""

    _beyond = 0
    """Bytes of the message in hand that are thrown away, after those that are held."""

    def reset(self) -> None:
        super().reset()
        self._beyond = 0

    async def parse(self, data: bytes = b"") -> None:
        """A piece that came; pieces are smaller than `MOST_BODY`. `ProtocolError`."""
        try:
            while data:
                data = await self._parse_some(data)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - after another one it would read nothing any more, and say so at length
            is_told = isinstance(error, errors.Error)
            words = str(error) if is_told else f"the server says what is no NATS ({type(error).__name__})"
            await self.nc._error_cb(errors.Error(words))
            raise errors.ProtocolError from None

    async def _parse_some(self, data: bytes) -> bytes:
        """What is left for later."""
        size = len(data)
        if self._beyond and self.state == parser.AWAITING_CONTROL_LINE:
            size = min(size, self._beyond)
            self._beyond -= size
            return data[size:]
        if self._beyond:
            size = self.needed + parser.CRLF_SIZE - len(self.buf)
        await super().parse(data[:size])
        if self.state == parser.AWAITING_CONTROL_LINE:
            if len(self.buf) > MOST_LINE:
                raise errors.Error("the server sends a line without an end")
        elif self.needed > MOST_PAYLOAD:
            raise errors.Error(f"the server sends a message of {self.needed} bytes")
        elif self.needed > MOST_BODY:
            self._beyond, self.needed = self.needed - MOST_BODY, MOST_BODY
        return data[size:]


class StrangersClient(Client):
    """One connection. Of a message to a subject of ours it believes nothing but its body."""

    def __init__(self, tls: ssl.SSLContext | None, name: str) -> None:
        """`tls`: nothing goes to a server that does not speak it, with a certificate that has this name."""
        super().__init__()
        self._ps = BoundedParser(self)
        self._droppable: set[int] = set()
        """Subscriptions that lose what there is no room for."""
        self._tls = TlsTransport(tls, name) if tls is not None else None
        if self._tls is not None:
            self._transport = self._tls

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        except BaseException as error:
            if self._transport is not None:
                self._transport.close()  # type: ignore[no-untyped-call]
            if isinstance(error, (OSError, errors.Error)) or not isinstance(error, Exception):
                raise
            # What the client does not expect, it does not try again after: it would never be back.
            raise errors.Error("what the server says first is no INFO") from None

    async def _process_info(self, info: Any, initial_connection: bool = False) -> None:
        if not isinstance(info, dict):
            return
        if initial_connection and self._tls is not None:
            if not (self._tls.is_secret or info.get("tls_required") or info.get("tls_available")):
                raise errors.Error(NO_TLS)
            self._server_info["tls_required"] = True
        named = info.get("connect_urls")
        room = max(0, MOST_SERVERS - len(self._server_pool))
        info["connect_urls"] = [url for url in named if _is_server(url)][:room] if isinstance(named, list) else []
        await super()._process_info(info, initial_connection)

    async def listen(self, subject: str, cb: Callable[[Msg], Awaitable[None]] | None = None) -> Subscription:
        """Subscribe. Where too much waits nothing is read of the connection: whoever takes it needs no answer of the
        server's for that."""
        return await self.subscribe(subject, cb=cb)

    async def overhear(self, subject: str, cb: Callable[[Msg], Awaitable[None]], messages: int, size: int) -> None:
        """Subscribe to what is dropped where so many messages or bytes wait already."""
        # Its number is known before the server is.
        self._droppable.add(self._sid + 1)
        await self.subscribe(subject, cb=cb, pending_msgs_limit=messages, pending_bytes_limit=size)

    def abort(self) -> None:
        """Close the socket at once; what is not written is lost."""
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()

    async def _process_err(self, err_msg: str) -> None:
        """What the server complains of ends this connection, and the next one may be better."""
        if self.options["allow_reconnect"] and parser.PERMISSIONS_ERR not in err_msg:
            error = errors.Error(err_msg.strip("'"))
            await self._error_cb(error)
            await self._process_op_err(error)
        else:
            await super()._process_err(err_msg)

    async def _until_room(self, sid: int, size: int) -> None:
        messages, most = MOST_WAITING
        sub = self._subs.get(sid)
        while (
            sub is not None
            and sid not in self._droppable
            and (sub.pending_msgs >= messages or (sub.pending_msgs and sub.pending_bytes + size > most))
        ):
            await asyncio.sleep(ROOM_S)
            sub = self._subs.get(sid)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        if subject.startswith(OURS):
            subject = subject.decode("utf-8", "replace")[:MOST_SUBJECT].encode()
            reply = reply if reply.startswith(ACK) and reply.isascii() else b""
            headers = None
        elif headers is not None and len(headers) > MOST_HEADERS:
            headers = None
        await self._until_room(sid, len(data))
        await super()._process_msg(sid, subject, reply, data, headers)  # type: ignore[arg-type]


def _is_server(url: object) -> bool:
    """Whether a server that another one names has a host and a port, and nothing else."""
    try:
        parts = urlsplit(f"nats://{url}")
        return isinstance(url, str) and bool(parts.hostname and parts.port) and parts.netloc == url and "@" not in url
    except ValueError:
        return False


def is_dropped(error: Exception) -> bool:
    """Whether the client says by it that it has dropped a message, since too many waited."""
    return isinstance(error, errors.SlowConsumerError)
