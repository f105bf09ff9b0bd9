"""NATS JetStream as `transport`. The client is loaded when a connection is wanted, and never in the worker's process.

Subjects, each with the site as a token, so that a server can allow an agent its own and no others:

- ``hopscope.v1.SITE.KIND``: an agent's messages, kept in the stream;
- ``hopscope.ask.SITE``: an agent asks the hub; ``hopscope.say.SITE``: the hub to it. No answer goes to a subject that
  the asker names: the hub may write to more than an agent may;
- ``hopscope.look.TOKEN``: a screen asks for all that the hub has; ``hopscope.show.TOKEN.SITE``: that.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from hopscope.fleet.messages import VERSION, is_site
from hopscope.fleet.transport import Asked, Heard, Looked, NotConnected, NotSent, Received, State
from hopscope.names.clean import clean

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

STREAM: Final = "HOPSCOPE"
ALL: Final = f"hopscope.v{VERSION}.>"
ASK: Final = "hopscope.ask"
SAY: Final = "hopscope.say"
LOOK: Final = "hopscope.look"
SHOW: Final = "hopscope.show"
END: Final = "-"
"""In the place of a site."""
SHOWN_S: Final = 5.0
"""A hub that says nothing for so long is not there."""
PORT: Final = 4222
MOST_AGE_S: Final = 24 * 3600
MOST_STREAM_BYTES: Final = (8 << 30, 1 << 30, 128 << 20)
"""What the broker keeps for a hub that is away; less where its disk has less. Agents keep all the same."""
REPEATED_S: Final = 120
"""For so long the broker knows what it got."""
PUBLISH_S: Final = 5.0
CONNECT_S: Final = 5
AGAIN_S: Final = 1
"""Between two tries to connect."""
MOST_UNACKED: Final = 2048
MOST_ERRORS: Final = 100
MOST_WORDS: Final = 200


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
    def place(self) -> str:
        """For people: without anything secret."""
        parts = urlsplit(self.url)
        return clean(f"{parts.scheme}://{parts.hostname or ''}:{parts.port or PORT}", MOST_WORDS)


def tls_of(address: BrokerAddress) -> ssl.SSLContext | None:
    """`OSError` (which `ssl.SSLError` is) where a file is none."""
    if address.ca is None and address.cert is None and urlsplit(address.url).scheme != "tls":
        return None
    context = ssl.create_default_context(cafile=address.ca)
    if address.cert is not None:
        context.load_cert_chain(address.cert, address.key)
    return context


class _Connection:
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
        self.is_back = False
        """It was lost, and is there again; whoever looks takes it back."""
        self.client: Client | None = None

    async def open(self) -> Client:
        """`NotConnected`; the next call tries again."""
        from nats.aio.client import Client

        logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of how the client uses TLS
        address = self.address
        try:
            tls = tls_of(address)
        except (OSError, ValueError) as error:
            raise NotConnected(f"TLS: {clean(str(error), MOST_WORDS)}", passes=False) from None
        client = Client()
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
                address.url,
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
        if self.client is None or not self.client.is_connected:
            self._last = why(error)  # each try fails the same way: that is said once
            return
        words = why(error)
        now = monotonic()
        if now - self._errors.get(words, -REPEATED_S) >= REPEATED_S and len(self._errors) < MOST_ERRORS:
            self._errors[words] = now
            self._state(f"{self.address.place}: {words}")

    async def _on_lost(self) -> None:
        if self.client is not None and not self.client.is_closed:
            self.say(f"{self.address.place}: the connection is lost; trying again")

    async def _on_back(self) -> None:
        self.is_back = True
        self.say(f"connected to {self.address.place} again")

    async def _on_closed(self) -> None:
        return

    async def close(self) -> None:
        client, self.client = self.client, None
        if client is not None:
            await _closed(client)


async def _closed(client: Client) -> None:
    """Where TLS is spoken, and the other side is gone, the client's own closing may be cancelled from within."""
    closing = asyncio.ensure_future(client.close())
    await asyncio.wait([closing], timeout=1.0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)


def why(error: BaseException) -> str:
    """An error of the client's in a few words. Never its repr: that may hold what was sent."""
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return clean(error.strerror, MOST_WORDS)
    return clean(str(error).removeprefix("nats: "), MOST_WORDS) or type(error).__name__


class NatsPublisher:
    """An agent's side. Implements `transport.Publisher`."""

    def __init__(self, address: BrokerAddress, site: str, state: State, heard: Heard) -> None:
        """`heard` is told what the hub says."""
        self._connection = _Connection(address, site, state)
        self._site = site
        self._heard = heard
        self._js: JetStreamContext | None = None

    async def open(self) -> None:
        """See `transport.Publisher`."""
        client = await self._connection.open()
        self._js = client.jetstream(timeout=PUBLISH_S)

        async def hear(message: Msg) -> None:
            self._heard(message.data)

        await client.subscribe(f"{SAY}.{self._site}", cb=hear)

    @property
    def is_connected(self) -> bool:
        """Whether anything can be sent right now."""
        client = self._connection.client
        return client is not None and client.is_connected

    async def publish(self, kind: str, id_: str, data: bytes) -> None:
        """See `transport.Publisher`."""
        if self._js is None or not self.is_connected:
            raise NotSent("there is no connection")
        subject = f"hopscope.v{VERSION}.{self._site}.{kind}"
        try:
            await self._js.publish(subject, data, timeout=PUBLISH_S, headers={"Nats-Msg-Id": id_})
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it was not taken
            raise NotSent(_publish_words(error)) from None

    async def ask(self, data: bytes) -> None:
        """Ask the hub; what it says is `heard`."""
        client = self._connection.client
        if client is not None and client.is_connected:
            with suppress(Exception):
                await client.publish(f"{ASK}.{self._site}", data)

    async def close(self) -> None:
        """See `transport.Publisher`."""
        self._js = None
        await self._connection.close()


def _publish_words(error: Exception) -> str:
    from nats.js.errors import NoStreamResponseError

    if isinstance(error, NoStreamResponseError):
        return "the broker keeps no stream for it: no hub has begun there yet, or JetStream is off"
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "the broker does not answer"
    return why(error)


class NatsConsumer:
    """A hub's side. Implements `transport.Consumer`."""

    def __init__(
        self, address: BrokerAddress, name: str, state: State, *, durable: bool = True, who: str = "hub"
    ) -> None:
        """`name`: of the hub's store, whose place in the stream the broker remembers where it is `durable`; `who`: see
        `_Connection`."""
        self._connection = _Connection(address, who, state)
        self._name = f"hopscope-{name}"
        self._durable = durable
        self._js: JetStreamContext | None = None
        self._pull: JetStreamContext.PullSubscription | None = None
        self._unacked: list[Msg] = []

    async def open(self, asked: Asked | None = None, looked: Looked | None = None) -> None:
        """See `transport.Consumer`."""
        client = await self._connection.open()
        self._js = client.jetstream(timeout=PUBLISH_S)
        if looked is not None:

            async def see(message: Msg) -> None:
                token = message.subject.rpartition(".")[2]
                if is_site(token):
                    await looked(token)

            await client.subscribe(f"{LOOK}.*", cb=see)
        if asked is None:
            return

        async def hear(message: Msg) -> None:
            site = message.subject.rpartition(".")[2]
            if is_site(site):
                await asked(site, message.data)

        await client.subscribe(f"{ASK}.*", cb=hear)

    async def begin(self, stream: str, position: int) -> str:
        """See `transport.Consumer`."""
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
        from nats.js.errors import NotFoundError

        js = self._js
        if js is None:
            raise NotConnected("there is no connection")
        self._connection.is_back = False
        self._unacked.clear()
        try:
            if self._pull is not None:
                with suppress(Exception):
                    await self._pull.unsubscribe()
                self._pull = None
            info = await self._stream(js)
            name = f"{STREAM} {info.created}"
            begin = min(position, info.state.last_seq) + 1 if name == stream else 1
            with suppress(NotFoundError):
                await js.delete_consumer(STREAM, self._name)
            config = ConsumerConfig(
                durable_name=self._name,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=30,
                max_ack_pending=MOST_UNACKED,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=begin,
                filter_subject=ALL,
                inactive_threshold=None if self._durable else 60,
            )
            await js.add_consumer(STREAM, config)
            self._pull = await js.pull_subscribe_bind(durable=self._name, stream=STREAM)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the client raises whatever its parts do
            words = f"{self._connection.address.place}: JetStream: {why(error)}"
            self._connection.say(f"{words}; trying again")
            raise NotConnected(words) from None
        self._connection.say(f"connected to {self._connection.address.place}")
        return name

    async def _stream(self, js: JetStreamContext) -> Any:
        """The stream as it is; made where it is not there."""
        from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
        from nats.js.errors import APIError, NotFoundError

        try:
            return await js.stream_info(STREAM)
        except NotFoundError:
            pass
        for size in MOST_STREAM_BYTES:
            try:
                return await js.add_stream(
                    StreamConfig(
                        name=STREAM,
                        subjects=[ALL],
                        retention=RetentionPolicy.LIMITS,
                        storage=StorageType.FILE,
                        discard=DiscardPolicy.OLD,
                        max_age=MOST_AGE_S,
                        max_bytes=size,
                        duplicate_window=REPEATED_S,
                    )
                )
            except APIError:
                if size == MOST_STREAM_BYTES[-1]:
                    raise
        raise AssertionError

    async def fetch(self, most: int, wait_s: float) -> list[Received]:
        """See `transport.Consumer`."""
        from nats.errors import TimeoutError as NothingThere

        if self._pull is None or self._connection.is_back:
            raise NotConnected("the connection was lost")
        try:
            found = await self._pull.fetch(most, timeout=wait_s)
        except asyncio.CancelledError:
            raise
        except NothingThere:
            return []
        except Exception as error:  # noqa: BLE001 - the client raises whatever its parts do
            raise NotConnected(why(error)) from None
        self._unacked += found
        return [
            Received(
                (message.subject.split(".") + [""] * 3)[2],
                message.data,
                message.metadata.sequence.stream,
                int(message.metadata.timestamp.timestamp() * 1e9),
            )
            for message in found
        ]

    async def done(self) -> None:
        """See `transport.Consumer`."""
        done, self._unacked = self._unacked, []
        for message in done:
            with suppress(Exception):
                await message.ack()

    async def show(self, token: str, site: str, data: bytes) -> None:
        """See `transport.Consumer`."""
        client = self._connection.client
        if client is None or not client.is_connected:
            raise NotConnected("there is no connection")
        try:
            await client.publish(f"{SHOW}.{token}.{site or END}", data)
            await client.flush(int(PUBLISH_S))
        except Exception as error:  # noqa: BLE001 - the client raises whatever its parts do
            raise NotConnected(why(error)) from None

    async def look(self, token: str) -> AsyncIterator[tuple[str, bytes]]:
        """See `transport.Consumer`."""
        client = self._connection.client
        if client is None:
            raise NotConnected("there is no connection")
        shown = await client.subscribe(f"{SHOW}.{token}.*")
        try:
            await client.publish(f"{LOOK}.{token}")
            while True:
                try:
                    message = await shown.next_msg(SHOWN_S)
                except Exception as error:  # noqa: BLE001 - the client raises whatever its parts do
                    raise NotConnected(f"no hub shows what it has: {why(error)}") from None
                site = message.subject.rpartition(".")[2]
                yield ("" if site == END else site), message.data
                if site == END:
                    return
        finally:
            with suppress(Exception):
                await shown.unsubscribe()

    async def say(self, site: str, data: bytes) -> None:
        """See `transport.Consumer`."""
        client = self._connection.client
        if client is not None and client.is_connected:
            with suppress(Exception):
                await client.publish(f"{SAY}.{site}", data)

    async def close(self) -> None:
        """See `transport.Consumer`."""
        self._js = self._pull = None
        await self._connection.close()
