"""The broker as contrib's configuration sets it up: who has a site's key may write that site's subjects alone."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nkeys
import pytest
from nats.aio.client import Client

from hopscope.fleet.broker import NatsPublisher
from hopscope.fleet.connection import BrokerAddress, Connection, tls_of
from hopscope.fleet.mirror import Mirror
from hopscope.fleet.transport import NotConnected
from hopscope.history.store import Store
from tests.lab.broker import Broker, agent, hub, probes_of, until

TOP = Path(__file__).resolve().parents[2]
TLS = Path(__file__).with_name("tls")


class Secured(NamedTuple):
    """A broker, and the files of those who may use it."""

    broker: Broker
    keys: Path
    seeds: tuple[str, ...]


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    """The sample, with keys of its own."""
    text = (TOP / "contrib" / "nats-server.conf").read_text(encoding="utf-8")
    text = re.sub(r"^(listen:.*|jetstream \{[^}]*\})$", "", text, flags=re.MULTILINE)
    seeds = []
    for name, there in (("hub", "UHUB"), ("view", "UVIEW"), ("fra1", "UFRA1")):
        seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
        assert f'"{there}"' in text
        text = text.replace(there, nkeys.from_seed(seed).public_key.decode())
        (tmp_path / f"{name}.nkey").write_bytes(seed)
        seeds.append(seed.decode())
    for name in ("broker.pem", "broker.key"):
        assert f'"/etc/hopscope/{name}"' in text
        text = text.replace(f"/etc/hopscope/{name}", str(TLS / name))
    with Broker(tmp_path / "broker", config=text, scheme="tls") as broker:
        yield Secured(broker, tmp_path, tuple(seeds))


def options(secured: Secured, who: str, ca: str = "ca.pem") -> list[str]:
    return ["--nkey", str(secured.keys / f"{who}.nkey"), "--tls-ca", str(TLS / ca)]


def test_agent_and_hub_work_with_keys_and_tls_and_nothing_secret_is_seen(secured: Secured, tmp_path: Path) -> None:
    url = secured.broker.url
    one = agent(url, "fra1", tmp_path / "agent", "--scenario", "healthy", "-i", "100ms", *options(secured, "fra1"))
    with hub(url, tmp_path / "hub", *options(secured, "hub")) as other, one:
        until(lambda: sum(probes_of(tmp_path / "hub").values()) > 20, "the hub has something")
        assert one.process is not None
        address = BrokerAddress(url=url, nkey=str(secured.keys / "view.nkey"), ca=str(TLS / "ca.pem"))
        with Mirror(str(tmp_path / "view.db"), address) as mirror, Store(mirror.path) as store:
            assert [run.host for run in store.runs()] == ["fra1"]
            before = store.traces()[0].probes
            assert before > 5
            until(lambda: store.traces()[0].probes > before, "more comes to whoever looks")
        seen = (
            Path(f"/proc/{one.process.pid}/cmdline").read_bytes()
            + Path(f"/proc/{one.process.pid}/environ").read_bytes()
        )
        secured.broker.kill()
        until(lambda: "is lost" in one.said and "is lost" in other.said, "both miss the broker")
        secured.broker.start()
        until(
            lambda: all("connected to" in each.said.rpartition("is lost")[2] for each in (one, other)),
            "both are connected again",
        )
        secured.broker.kill()
        assert one.end() == 0
        assert other.end() == 0
    assert all(line.startswith("hopscope: ") for line in (one.said + other.said).splitlines())
    everything = seen + b"".join(file.read_bytes() for file in tmp_path.glob("*.log"))
    for seed in secured.seeds:
        assert seed.encode() not in everything


@pytest.mark.parametrize(
    ("who", "ca", "says"), [("wrong", "ca.pem", "authorization violation"), ("fra1", "other-ca.pem", "certificate")]
)
async def test_who_has_another_key_or_believes_another_broker_is_told_so(
    secured: Secured, who: str, ca: str, says: str
) -> None:
    (secured.keys / "wrong.nkey").write_bytes(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER))
    told: list[str] = []
    address = BrokerAddress(url=secured.broker.url, nkey=str(secured.keys / f"{who}.nkey"), ca=str(TLS / ca))
    publisher = NatsPublisher(address, "fra1", told.append, lambda data: None)
    for _ in range(20):  # the server may hang up before its reason is read
        with pytest.raises(NotConnected):
            await publisher.open()
        if any(says in line.lower() for line in told):
            break
    assert len([line for line in told if says in line.lower()]) == 1
    for line in told:
        assert line.startswith(secured.broker.url)
        assert line.endswith("; trying again")


async def test_a_client_that_cancels_its_own_closing_disturbs_nobody() -> None:
    """As it does where TLS is spoken, and the other side is gone: an agent ended with a traceback."""

    class Client:
        async def close(self) -> None:
            raise asyncio.CancelledError

    one = Connection(BrokerAddress(url="tls://127.0.0.1:4222"), "fra1", lambda words: None)
    one.client = Client()  # type: ignore[assignment]
    await one.close()
    assert one.client is None


async def test_a_sites_key_reaches_that_sites_subjects_alone(secured: Secured, tmp_path: Path) -> None:
    with hub(secured.broker.url, tmp_path / "hub", *options(secured, "hub")) as other:
        until(lambda: "connected" in other.said, "the hub is connected")
        errors: list[str] = []
        heard: list[bytes] = []

        async def note(error: Exception) -> None:
            errors.append(str(error).lower())

        client = Client()
        await client.connect(
            secured.broker.url,
            nkeys_seed=str(secured.keys / "fra1.nkey"),
            tls=tls_of(BrokerAddress(url=secured.broker.url, ca=str(TLS / "ca.pem"))),
            error_cb=note,
            inbox_prefix=b"_INBOX.fra1",
        )

        async def hear(message: object) -> None:
            heard.append(b"")

        forbidden = [
            "hopscope.v1.ber1.facts", "hopscope.ask.ber1", "hopscope.say.fra1", "$JS.API.STREAM.DELETE.HOPSCOPE",
            "$JS.API.STREAM.PURGE.HOPSCOPE", "_INBOX.hub.x", "hopscope.v1.fra1.a.b",
        ]  # fmt: skip
        for subject in forbidden:
            await client.publish(subject, b"x")
        for subject in ("hopscope.say.ber1", "hopscope.v1.>", "_INBOX.>", ">"):
            await client.subscribe(subject, cb=hear)
        await client.flush()
        await client.publish("hopscope.v1.fra1.facts", b"mine")
        await client.flush()
        until_s = asyncio.get_running_loop().time() + 5
        while len(errors) < len(forbidden) + 4 and asyncio.get_running_loop().time() < until_s:
            await asyncio.sleep(0.02)
        for subject in forbidden:
            assert any(subject.lower() in error for error in errors), subject
        assert len([error for error in errors if "subscription" in error]) == 4
        assert not any("hopscope.v1.fra1.facts" in error for error in errors)
        await client.close()
        until(lambda: "fra1: a message is refused" in other.said, "the hub read what may be written")
        assert "ber1" not in other.said
        assert other.end() == 0


def test_the_documented_line_makes_a_key_for_its_owner_alone(tmp_path: Path) -> None:
    text = (TOP / "docs" / "fleet.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "nkeys.encode_seed" in line).replace("python3", sys.executable)
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
    (made,) = tmp_path.iterdir()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert nkeys.from_seed(made.read_bytes().strip()).public_key.decode() == done.stderr.strip()
    assert re.fullmatch("U[A-Z2-7]{55}\n", done.stderr)
