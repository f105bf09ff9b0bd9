"""Where TLS is wanted nothing goes in clear, whoever answers in the broker's place, and whenever."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from pathlib import Path

import nkeys
import pytest

from hopscope.fleet.broker import NatsConsumer, NatsPublisher
from hopscope.fleet.client import StrangersClient
from hopscope.fleet.connection import BrokerAddress, Connection
from hopscope.fleet.mirror import Mirror
from hopscope.fleet.transport import NotConnected
from tests.lab.broker import Broker, free_port
from tests.lab.strange_server import StrangeServer

TLS = Path(__file__).with_name("tls")
REFUSED = "the server offers no TLS; nothing was sent to it; trying again"
SPEAKS_TLS = f'tls {{ cert_file: "{TLS}/broker.pem", key_file: "{TLS}/broker.key" MORE }}'


def info(**more: object) -> bytes:
    """A NATS server's first line."""
    said = {"server_id": "X", "version": "2.10.0", "proto": 1, "headers": True, "max_payload": 1 << 20, **more}
    return b"INFO " + json.dumps({"nonce": "abcdefghijk", "auth_required": True, **said}).encode() + b"\r\n"


class Impostor(StrangeServer):
    """Answers in the broker's place: its line, then TLS where it has a certificate, and a PONG."""

    def __init__(self, line: bytes, *, certificate: str | None = None, port: int | None = None) -> None:
        super().__init__(port or free_port())
        self.clear, self.secret = bytearray(), bytearray()
        """What came, in clear and by TLS."""
        self._line = line
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(TLS / f"{certificate}.pem", TLS / f"{certificate}.key")

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came = self.clear
        writer.write(self._line)
        await writer.drain()
        if self._tls is not None:
            await writer.start_tls(self._tls)
            came = self.secret
        while data := await reader.read(4096):
            came += data
            if b"PING" in data:
                writer.write(b"PONG\r\n")


async def until(is_so: object, what: str) -> None:
    """Wait until it is so."""
    assert callable(is_so)
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.02)
    assert is_so(), what


def key_in(folder: Path) -> str:
    file = folder / "k.nkey"
    file.write_bytes(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER))
    return str(file)


def is_by_tls(client: StrangersClient | None) -> bool:
    assert client is not None
    writer = client._transport._io_writer  # type: ignore[union-attr]
    return writer.get_extra_info("ssl_object") is not None


@pytest.mark.parametrize("line", [info(), info(tls_required=False), info(connect_urls=["127.0.0.1:1"])])
@pytest.mark.parametrize(("scheme", "ca", "has_key"), [("tls", 0, 0), ("tls", 1, 1), ("tls", 0, 1), ("nats", 1, 0)])
async def test_a_server_that_asks_for_no_tls_gets_nothing_and_is_tried_again(
    line: bytes, scheme: str, ca: int, has_key: int, tmp_path: Path
) -> None:
    told: list[str] = []
    async with Impostor(line) as one:
        address = BrokerAddress(
            url=f"{scheme}://127.0.0.1:{one.port}",
            ca=str(TLS / "ca.pem") if ca else None,
            nkey=key_in(tmp_path) if has_key else None,
        )
        publisher = NatsPublisher(address, "fra1", told.append, lambda data: None)
        consumer = NatsConsumer(address, "x", told.append)
        for each in (publisher, publisher, consumer):
            with pytest.raises(NotConnected, match="offers no TLS"):
                await each.open()
        assert one.visits == 3
        assert not one.clear
    assert told == [f"{address.place}: {REFUSED}"] * 2  # the agent's and the hub's, each once


def test_a_screen_on_a_hub_is_not_shown_what_a_plain_server_says(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker", scheme="tls") as broker, pytest.raises(NotConnected, match="offers no TLS"):
        Mirror(str(tmp_path / "view.db"), BrokerAddress(url=broker.url)).__enter__()


@pytest.mark.parametrize("config", ["tls", "handshake_first: true", "allow_non_tls: true"])
async def test_a_server_that_speaks_tls_in_any_order_is_spoken_to_by_tls(config: str, tmp_path: Path) -> None:
    more = f", {config}" if config.startswith("handshake") else ""
    text = SPEAKS_TLS.replace(" MORE", more) + ("\nallow_non_tls: true" if config.startswith("allow") else "")
    with Broker(tmp_path / "broker", config=text, scheme="tls") as broker:
        told: list[str] = []
        for url in (broker.url, broker.url.replace("tls", "TLS")):
            one = Connection(BrokerAddress(url=url, ca=str(TLS / "ca.pem")), "fra1", told.append)
            client = await one.open()
            assert is_by_tls(client)
            await client.flush()
            await one.close()
        assert told == [f"connected to {broker.url}"] * 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (info(), REFUSED),
        (b"INFO []\r\n", "what the server says first is no INFO; trying again"),
        (info(tls_required=True, connect_urls=["[::1", 7]), None),
    ],
)
async def test_who_is_there_when_the_connection_comes_back_gets_nothing_in_clear(
    line: bytes, says: str | None, tmp_path: Path
) -> None:
    told: list[str] = []
    with Broker(tmp_path / "broker", config=SPEAKS_TLS.replace(" MORE", ""), scheme="tls") as broker:
        address = BrokerAddress(url=broker.url, ca=str(TLS / "ca.pem"), nkey=key_in(tmp_path))
        one = Connection(address, "fra1", told.append)
        client = await one.open()
        broker.kill()
        async with Impostor(line, port=broker.port) as other:
            await client.publish("hopscope.ask.fra1", b"between")
            await until(lambda: other.visits >= 2, "it is tried again")
            assert b"CONNECT" not in other.clear
            assert b"between" not in other.clear
            if says is not None:
                assert not other.clear
                assert told[-2:] == [
                    f"{address.place}: the connection is lost; trying again",
                    f"{address.place}: {says}",
                ]
        broker.start()
        await until(lambda: client.is_connected, "it is connected again")
        assert is_by_tls(client)
        await until(lambda: told[-1] == f"connected to {address.place} again", "that is said")
        await one.close()


async def test_who_ends_while_it_connects_leaves_nothing_in_clear_that_waited(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker", config=SPEAKS_TLS.replace(" MORE", ""), scheme="tls") as broker:
        one = Connection(BrokerAddress(url=broker.url, ca=str(TLS / "ca.pem")), "fra1", lambda words: None)
        client = await one.open()
        broker.kill()
        async with Impostor(b"", port=broker.port) as other:
            await until(lambda: not client.is_connected, "it is lost")
            await client.publish("hopscope.ask.fra1", b"between")
            await until(lambda: other.visits == 1, "it is there")
            await one.close()
            await until(lambda: not other._talking, "it hung up")
            assert b"between" not in other.clear


@pytest.mark.parametrize(
    ("name", "certificate", "is_trusted"), [("localhost", "elsewhere", 0), ("127.0.0.1", "broker", 1)]
)
async def test_a_server_that_another_one_names_needs_the_certificate_of_the_one_that_was_asked_for(
    name: str, certificate: str, is_trusted: int, tmp_path: Path
) -> None:
    """Whoever stands on the way writes INFO, and so the list of servers in it."""
    authorities = tmp_path / "ca.pem"
    authorities.write_bytes((TLS / "ca.pem").read_bytes() + (TLS / "elsewhere.pem").read_bytes())
    told: list[str] = []
    async with Impostor(info(tls_required=True), certificate=certificate) as other:
        elsewhere = f"{name}:{other.port}"
        line = info(tls_required=True, connect_urls=[elsewhere, f"user:word@{elsewhere}"])
        async with Impostor(line, certificate="broker") as first:
            address = BrokerAddress(url=f"tls://127.0.0.1:{first.port}", ca=str(authorities), nkey=key_in(tmp_path))
            one = Connection(address, "fra1", told.append)
            await one.open()
            assert b"CONNECT" in first.secret
        says = f"connected to {address.place}, at {elsewhere} again" if is_trusted else "address mismatch"
        await until(lambda: says in told[-1], "it goes on to the other")
        assert not other.clear
        assert (b"CONNECT" in other.secret) == bool(is_trusted)
        assert "word" not in "".join(told)
        await one.close()
