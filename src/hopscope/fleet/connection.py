"""A connection to a NATS server: whom it trusts, and how it comes back. The client is loaded when one is wanted."""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from hopscope.fleet.transport import NotConnected, State, end_all
from hopscope.names.clean import clean

if TYPE_CHECKING:
    from hopscope.fleet.client import StrangersClient

PORT: Final = 4222
CONNECT_S: Final = 5
AGAIN_S: Final = 1
"""Between two tries to connect."""
COMPLAIN_S: Final = 120
"""Between two times that the same complaint of the broker's is said."""
MOST_ERRORS: Final = 100
MOST_REFUSALS: Final = 5
"""Lines on why it does not come back, until it is back."""
MOST_WORDS: Final = 200
CLOSE_S: Final = 0.5
"""For what is still to be written when a connection is closed."""
DROPPED: Final = "more is asked than can be answered; some of it is dropped"


class BrokerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a broker is, and how it knows us. Files are named here, and secrets nowhere."""

    url: str
    creds: str | None = None
    """A file that nsc wrote: JWT and seed."""
    nkey: str | None = None
    """A file with the seed of an nkey."""
    ca: str | None = None
    """A file with the certificates of who may sign the broker's; None: the system's."""
    cert: str | None = None
    key: str | None = None
    """Files with our own certificate and its key."""

    @property
    def host(self) -> str:
        """By which its certificate names it."""
        return urlsplit(self.url).hostname or ""

    @property
    def server(self) -> str:
        """Its URL with all that matters, and nothing secret: the client takes `TLS://` for a host's name."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{_netloc(self.host, parts.port or PORT)}"

    @property
    def place(self) -> str:
        """For people."""
        return clean(self.server, MOST_WORDS)


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def tls_of(address: BrokerAddress) -> ssl.SSLContext | None:
    """`OSError` (which `ssl.SSLError` is) where a file is none."""
    if address.ca is None and address.cert is None and urlsplit(address.url).scheme != "tls":
        return None
    context = ssl.create_default_context(cafile=address.ca)
    if address.cert is not None:
        context.load_cert_chain(address.cert, address.key)
    return context


class Connection:
    """One connection, that comes back by itself."""

    def __init__(self, address: BrokerAddress, who: str, state: State) -> None:
        """`who`: a token, by which the server may allow our inbox."""
        self.address = address
        self._who = who
        self._state = state
        self._said: str | None = None
        self._errors: dict[str, float] = {}
        """What the server complained of, and when that was said."""
        self._last = ""
        """What the last try failed by."""
        self._refusals: set[str] = set()
        """What was said of tries since the connection was lost."""
        self._is_lost = False
        self.is_back = False
        """It was lost, and is there again; whoever looks takes it back."""
        self.client: StrangersClient | None = None

    async def open(self) -> StrangersClient:
        """`NotConnected`; the next call tries again."""
        from hopscope.fleet.client import StrangersClient

        logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of how the client uses TLS
        address = self.address
        try:
            tls = tls_of(address)
        except (OSError, ValueError) as error:
            raise NotConnected(f"TLS: {clean(str(error), MOST_WORDS)}", passes=False) from None
        client = StrangersClient(tls, address.host)
        self._last = ""
        more: dict[str, Any] = {}
        if address.creds is not None:
            more["user_credentials"] = address.creds
        if address.nkey is not None:
            more["nkeys_seed"] = address.nkey
        if tls is not None:
            more["tls"] = tls
        try:
            await client.connect(
                address.server,
                tls_hostname=address.host,  # of those as well that a server names beside itself
                name=f"hopscope {self._who}",
                inbox_prefix=f"_INBOX.{self._who}".encode(),
                error_cb=self._on_error,
                disconnected_cb=self._on_lost,
                reconnected_cb=self._on_back,
                closed_cb=self._on_closed,
                connect_timeout=CONNECT_S,
                reconnect_time_wait=AGAIN_S,
                max_reconnect_attempts=1,
                allow_reconnect=False,
                ping_interval=10,
                **more,
            )
        except asyncio.CancelledError:
            await _closed(client)
            raise
        except Exception as error:  # noqa: BLE001 - the client raises whatever its parts do
            await _closed(client)
            words = f"{address.place}: {self._last or why(error)}"
            self.say(f"{words}; trying again")
            raise NotConnected(words) from None
        # From now on it comes back by itself. The first time it would try for ever in there, and hang where TLS fails.
        client.options["allow_reconnect"], client.options["max_reconnect_attempts"] = True, -1
        self.client = client
        self.say(f"connected to {address.place}")
        return client

    def say(self, words: str) -> None:
        """Each state once."""
        if words != self._said:
            self._said = words
            self._state(words)

    async def _on_error(self, error: Exception) -> None:
        from hopscope.fleet.client import is_dropped

        words = DROPPED if is_dropped(error) else why(error)
        if self.client is None or not self.client.is_connected:
            self._last = words  # each try fails the same way: that is said once
            # One that is away says nothing; one that is there and is none of ours, or refuses us, does.
            is_away = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
            is_new = words not in self._refusals and len(self._refusals) < MOST_REFUSALS
            if self._is_lost and is_new and not is_away:
                self._refusals.add(words)
                self.say(f"{self.address.place}: {words}; trying again")
            return
        now = monotonic()
        if now - self._errors.get(words, -COMPLAIN_S) >= COMPLAIN_S and len(self._errors) < MOST_ERRORS:
            self._errors[words] = now
            self._state(f"{self.address.place}: {words}")

    async def _on_lost(self) -> None:
        if self.client is not None and not self.client.is_closed:
            self._is_lost = True
            self.say(f"{self.address.place}: the connection is lost; trying again")

    async def _on_back(self) -> None:
        self.is_back = True
        self._refusals.clear()
        self._is_lost = False
        self.say(f"connected to {self._where()} again")

    def _where(self) -> str:
        """Which server it is: the broker's may have named another one."""
        url = self.client.connected_url if self.client is not None else None
        there = clean(_netloc(url.hostname or "", url.port or PORT), MOST_WORDS) if url is not None else ""
        place = self.address.place
        return f"{place}, at {there}" if there and not place.endswith(f"//{there}") else place

    async def _on_closed(self) -> None:
        return

    async def close(self) -> None:
        client, self.client = self.client, None
        if client is not None:
            await _closed(client)


async def _closed(client: StrangersClient) -> None:
    """Where TLS is spoken, and the other side is gone, the client's own closing may be cancelled from within; where the
    other side reads nothing, it would wait for ever, and swallows that it is cancelled."""
    closing = asyncio.ensure_future(client.close())
    await asyncio.wait([closing], timeout=CLOSE_S)
    if not closing.done():
        client.abort()
        await end_all(closing)
    with suppress(asyncio.CancelledError, Exception):
        closing.result()


def why(error: BaseException) -> str:
    """An error of the client's in a few words. Never its repr: that may hold what was sent."""
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return clean(error.strerror, MOST_WORDS)
    return clean(str(error).removeprefix("nats: "), MOST_WORDS) or type(error).__name__
