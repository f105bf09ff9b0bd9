"""The NATS client, made fit for messages of strangers. Loaded when a connection is wanted.

Whoever may publish to a subject chooses its message's reply subject and headers, and the server checks neither. The
client takes headers for the server's own status, and its reader ends for good by one that is no UTF-8.
"""

from __future__ import annotations

import re
from typing import Final

from nats.aio.client import Client
from nats.protocol import parser

OURS: Final = b"hopscope."
ACK: Final = b"$JS.ACK."
"""Before which the server tells where a message of a stream stands; without a stream nobody asks for that."""

# The server ends a word at these alone, the client at a vertical tab as well, and then gives the connection up.
_WORD: Final = rb"([^ \t\r\n]+)"
parser.MSG_RE = re.compile(rb"\AMSG %s %s (%s )?(\d+)\r\n" % ((_WORD,) * 3))
parser.HMSG_RE = re.compile(rb"\AHMSG %s %s (%s )?(\d+) (\d+)\r\n" % ((_WORD,) * 3))


class StrangersClient(Client):
    """One connection. Of a message to a subject of ours it believes nothing but its body."""

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        if subject.startswith(OURS):
            subject = subject.decode("utf-8", "replace").encode()
            reply = reply if reply.startswith(ACK) and reply.isascii() else b""
            headers = None
        await super()._process_msg(sid, subject, reply, data, headers)  # type: ignore[arg-type]
