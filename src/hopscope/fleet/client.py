"""The NATS client, made fit for messages of strangers, and for strangers in the broker's place.

Loaded when a connection is wanted.

Whoever may publish to a subject chooses its message's reply subject and headers, and the server checks neither. The
client takes headers for the server's own status, and its reader ends for good by one that is no UTF-8.

Whoever stands on the way may answer in the broker's place. A NATS server speaks first, in clear: INFO. nats-py changes
to TLS only where INFO has `tls_required`; where it has not, CONNECT (name, signature, token) and all the rest go in
clear, whatever scheme the URL has and whatever context `tls` is. It has no option that forbids that:
`tls_handshake_first` fails with each server that speaks first. A discovered server it checks by that server's own name,
and the list of those stands in INFO as well.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterable
from time import monotonic
from typing import Any, Final
from urllib.parse import ParseResult, urlsplit

from nats import errors
from nats.aio.client import Client
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


class StrangersClient(Client):
    """One connection. Of a message to a subject of ours it believes nothing but its body."""

    def __init__(self, tls: ssl.SSLContext | None, name: str) -> None:
        """`tls`: nothing goes to a server that does not speak it, with a certificate that has this name."""
        super().__init__()
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

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        if subject.startswith(OURS):
            subject = subject.decode("utf-8", "replace").encode()
            reply = reply if reply.startswith(ACK) and reply.isascii() else b""
            headers = None
        await super()._process_msg(sid, subject, reply, data, headers)  # type: ignore[arg-type]


def _is_server(url: object) -> bool:
    """Whether a server that another one names has a host and a port, and nothing else."""
    try:
        parts = urlsplit(f"nats://{url}")
        return isinstance(url, str) and bool(parts.hostname and parts.port) and parts.netloc == url and "@" not in url
    except ValueError:
        return False
