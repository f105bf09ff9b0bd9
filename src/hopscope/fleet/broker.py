"""NATS JetStream as `transport`. The client is loaded when a connection is wanted, and never in the worker's process.

Subjects, each with the site as a token, so that a server can allow an agent its own and no others:

- ``hopscope.v1.SITE.KIND``: an agent's messages, kept in the stream;
- ``hopscope.ask.SITE``: an agent asks the hub; ``hopscope.say.SITE``: the hub to it. No answer goes to a subject that
  the asker names: the hub may write to more than an agent may;
- ``hopscope.look.TOKEN``: a screen asks for all that the hub has; ``hopscope.show.TOKEN.SITE``: that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from hopscope.fleet.connection import MOST_WORDS, BrokerAddress, Connection, why
from hopscope.fleet.messages import MOST_BYTES, VERSION, is_brokers, is_site
from hopscope.fleet.transport import Asked, Heard, Looked, NotConnected, NotSent, Received, State
from hopscope.names.clean import clean

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription
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
MOST_AGE_S: Final = 24 * 3600
MOST_STREAM_BYTES: Final = (8 << 30, 1 << 30, 128 << 20)
"""What the broker keeps for a hub that is away; less where its disk has less. Agents keep all the same."""
REPEATED_S: Final = 120
"""For so long the broker knows what it got, and takes nothing a second time."""
PUBLISH_S: Final = 5.0
MOST_UNACKED: Final = 2048
MOST_MESSAGE: Final = MOST_BYTES + (4 << 10)
"""That the stream takes: a body and its headers."""
MOST_PULLED: Final = 8 << 20
"""Bytes that the broker hands out at once; at least one message."""
MOST_FETCHED: Final = 16 << 20
"""Bytes that one fetch returns, but for its last message; what the broker hands out beyond waits for the next one."""
PULLED_S: Final = 2.0
"""Beyond the time that was asked for, until a broker that said nothing is left alone."""
MOST_ASKING: Final = 2048, 4 << 20
"""Questions, and bytes of theirs, that wait; what comes beyond is dropped, and asked again."""
MOST_LOOKING: Final = 64, 1 << 20
"""And screens that ask for all."""


def _ended(message: Msg) -> None:
    """What the broker says at the end of what it hands out: there is no more, or `NotConnected`."""
    headers = message.headers or {}
    status, words = headers.get("Status", ""), headers.get("Description", "")
    if status not in ("404", "408") and not (status == "409" and ("MaxBytes" in words or words == "Batch Completed")):
        raise NotConnected(f"the broker hands out nothing any more: {clean(words or status, MOST_WORDS)}")


def _received(message: Msg) -> Received:
    """Raises whatever the client does where the broker does not say where it stands in the stream."""
    at = message.metadata
    site = (message.subject.split(".") + [""] * 3)[2]
    return Received(site, message.data, at.sequence.stream, int(at.timestamp.timestamp() * 1e9))


class NatsPublisher:
    """An agent's side. Implements `transport.Publisher`."""

    def __init__(self, address: BrokerAddress, site: str, state: State, heard: Heard) -> None:
        """`heard` is told what the hub says."""
        self._connection = Connection(address, site, state)
        self._site = site
        self._heard = heard
        self._js: JetStreamContext | None = None

    async def open(self) -> None:
        """See `transport.Publisher`."""
        client = await self._connection.open()
        self._js = client.jetstream(timeout=PUBLISH_S)

        async def hear(message: Msg) -> None:
            if not is_brokers(message.data):
                self._heard(message.data)

        await client.listen(f"{SAY}.{self._site}", hear)

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
        `Connection`."""
        self._connection = Connection(address, who, state)
        self._name = f"hopscope-{name}"
        self._durable = durable
        self._js: JetStreamContext | None = None
        self._pull: Subscription | None = None
        self._inbox = ""
        self._asked = 0
        """How often more was asked for: what the broker says of former times ends no later one."""
        self._pulled: asyncio.Queue[Msg] = asyncio.Queue(1)
        """The others wait in the subscription, which has a bound."""
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

            await client.overhear(f"{LOOK}.*", see, *MOST_LOOKING)
        if asked is None:
            return

        async def hear(message: Msg) -> None:
            site = message.subject.rpartition(".")[2]
            if is_site(site) and not is_brokers(message.data):
                await asked(site, message.data)

        await client.overhear(f"{ASK}.*", hear, *MOST_ASKING)

    async def begin(self, stream: str, position: int) -> str:
        """See `transport.Consumer`."""
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
        from nats.js.errors import NotFoundError

        js, client = self._js, self._connection.client
        if js is None or client is None:
            raise NotConnected("there is no connection")
        self._connection.is_back = False
        self._unacked.clear()
        try:
            if self._pull is not None:
                with suppress(Exception):
                    await self._pull.unsubscribe()
                self._pull = None
            pulled = self._pulled = asyncio.Queue(1)
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
            self._inbox = client.new_inbox()
            self._pull = await client.listen(f"{self._inbox}.*", pulled.put)
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
            info = await js.stream_info(STREAM)
        except NotFoundError:
            pass
        else:
            if self._durable and info.config.max_msg_size != MOST_MESSAGE:
                await js.update_stream(info.config, max_msg_size=MOST_MESSAGE)
            return info
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
                        max_msg_size=MOST_MESSAGE,
                        duplicate_window=REPEATED_S,
                    )
                )
            except APIError:
                if size == MOST_STREAM_BYTES[-1]:
                    raise
        raise AssertionError

    async def fetch(self, most: int, wait_s: float) -> list[Received]:
        """See `transport.Consumer`."""
        client, pull = self._connection.client, self._pull
        if client is None or pull is None or self._connection.is_back:
            raise NotConnected("the connection was lost")
        if not client.is_connected:  # it comes back by itself
            await asyncio.sleep(wait_s)
            return []
        self._asked += 1
        here = f"{self._inbox}.{self._asked}"
        size = max(MOST_PULLED, 2 * client.max_payload)
        wanted = json.dumps({"batch": most, "max_bytes": size, "expires": int(wait_s * 1e9)})
        found: list[Msg] = []
        received: list[Received] = []
        held = 0
        try:
            await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{self._name}", wanted.encode(), here)
            async with asyncio.timeout(wait_s + PULLED_S):
                while len(found) < most and held < MOST_FETCHED:
                    message = await self._pulled.get()
                    if not message.subject.startswith(f"{self._inbox}."):
                        held += len(message.data)
                        found.append(message)
                        if not is_brokers(message.data):
                            received.append(_received(message))
                    elif message.subject == here:
                        _ended(message)
                        break
        except TimeoutError:
            pass
        except NotConnected:
            raise
        except Exception as error:  # noqa: BLE001 - the client raises whatever its parts do
            raise NotConnected(why(error)) from None
        self._unacked += found
        return received

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
        shown = await client.listen(f"{SHOW}.{token}.*")
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
