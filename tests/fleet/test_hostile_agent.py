"""A hostile agent beside a good one, through a real broker that is set up as contrib's configuration: it may write what
its own site may and nothing else, and speaks the broker's own language, in which more can be said than a client
would."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import time
import zlib
from contextlib import closing
from pathlib import Path

import msgspec
import nkeys

from hopscope.cli.fleet_screen import FleetScreen
from hopscope.fleet import messages
from hopscope.fleet.messages import (
    Asks,
    Bins,
    Ended,
    Facts,
    FleetMessage,
    Gone,
    Probes,
    Sealed,
    SegmentRows,
    SentBins,
    SentSegment,
)
from hopscope.history import notes
from hopscope.history.block import PACKED, PackedRow
from hopscope.history.names import RecordedNames
from hopscope.history.notes import Named, SaidVerdict
from hopscope.history.store import Store
from hopscope.history.tiers import MINUTE
from hopscope.judge.verdict import Incident, Verdict
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from tests.cli.command import run
from tests.lab.broker import Broker, agent, hub, probes_of, until

TOP = Path(__file__).resolve().parents[2]
SITE = "evil"
BOOT = "00000000000000aa"
FACTS = b"hopscope.v1.evil.facts"
FORBIDDEN = b"hopscope.v1.fra1.facts", b"hopscope.ask.fra1", b"hopscope.say.fra1"
NEVER = (1 << 62) - 1
"""A moment in the year 2116."""
MOST_RSS = 160 << 20


def config(folder: Path) -> str:
    """The sample's permissions; keys for hub and good site, a password for the hostile one, who speaks by hand."""
    text = (TOP / "contrib" / "nats-server.conf").read_text(encoding="utf-8")
    permissions = text[text.index("authorization {") :]
    (block,) = re.findall(r"    \{ # the agent of the site fra1.*?\n    \}\n", permissions, re.DOTALL)
    hostile = block.replace("fra1", SITE).replace('nkey: "UFRA1"', f'user: "{SITE}"\n      password: "{SITE}"')
    permissions = permissions.replace(block, block + hostile)
    for name, there in (("hub", "UHUB"), ("view", "UVIEW"), ("fra1", "UFRA1")):
        seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
        permissions = permissions.replace(there, nkeys.from_seed(seed).public_key.decode())
        (folder / f"{name}.nkey").write_bytes(seed)
    return permissions


class Hostile:
    """One connection, byte by byte. A context manager."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.settimeout(20)
        self.heard = b""
        who = msgspec.json.encode(
            {"user": SITE, "pass": SITE, "verbose": False, "headers": True, "no_responders": True}
        )
        self._socket.sendall(b"CONNECT " + who + b"\r\n")
        self.wait()

    def __enter__(self) -> Hostile:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def wait(self) -> bytes:
        """Until the server has read all of it; what it said since."""
        self._socket.sendall(b"PING\r\n")
        said = b""
        while b"PONG\r\n" not in said:
            said += self._socket.recv(1 << 16)
        return said

    def say(self, subject: bytes, body: bytes, reply: bytes = b"", head: bytes | None = None) -> None:
        """Whether that is allowed or not."""
        self._socket.sendall(line(subject, body, reply, head))

    def send(self, *all_of: FleetMessage | bytes) -> None:
        """To its own subject, as one that is an agent."""
        bodies = [one if isinstance(one, bytes) else messages.encode(one) for one in all_of]
        self._socket.sendall(b"".join(line(FACTS, body) for body in bodies))


def line(subject: bytes, body: bytes, reply: bytes = b"", head: bytes | None = None) -> bytes:
    words = b" ".join(filter(None, (subject, reply)))
    if head is None:
        return b"PUB %s %d\r\n%s\r\n" % (words, len(body), body)
    return b"HPUB %s %d %d\r\n%s%s\r\n" % (words, len(head), len(head) + len(body), head, body)


def message(number: int, body: messages.Body, boot: str = BOOT, at: int = NEVER) -> FleetMessage:
    return FleetMessage(boot, number, number, at, "\x1b]0;owned\x07" * 5, at, body)


def fact(target: int, what: notes.Note) -> tuple[int, bytes]:
    return target, notes.encode(what)


def what_the_client_would_choke_on(one: Hostile) -> None:
    """Headers, subjects and reply subjects, which nobody checks on the way."""
    for head in (
        b"NATS/1.0",
        b"NATS/1.0 \xff\xff\xff\r\n\r\n",
        b"NATS/1.0 409 Consumer Deleted\r\n\r\n",
        b"NATS/1.0\r\nStatus: 503\r\n\r\n",
        b"NATS/1.0\r\n\xff\xfe: \xff\r\n\r\n",
        b"NATS/1.0\r\nNats-Rollup: all\r\n\r\n",
    ):
        one.say(FACTS, b"x", b"", head)
        one.say(b"hopscope.ask.evil", b"x", b"", head)
    for _ in range(2 * 2048):  # more than may be handed out and not acknowledged
        one.say(FACTS, b"x", b"", b"NATS/1.0\r\nStatus: 409\r\n\r\n")
    for word in (b"\xff\xfe", b"a\x0bb", b"a\x0c5", b"k" * 3000, b"\x1b[31m"):
        one.say(b"hopscope.v1.evil." + word, b"x")
        one.say(b"hopscope.ask.evil", b"x", word)
    for reply in (*FORBIDDEN, b"$JS.API.STREAM.DELETE.HOPSCOPE"):  # the broker says there that it has the message
        one.say(FACTS, b"x", reply)


def what_cannot_be(good_boot: str) -> list[FleetMessage | bytes]:
    """Bodies of every kind that are wrong, behind a first row that is right."""
    bomb = zlib.compress(bytes(100 << 20), 9)
    incident = Incident(id="\x1b[2J" * 50, kind="outage", begin=0, end=NEVER, first_ttl=1, last_ttl=255)
    verdict = Verdict(kind="outage", first_ttl=255, last_ttl=1)
    name = Named("192.0.2.1", "\x1b]0;owned\x07" + "\u202e" * 400)
    names = [fact(1, Asked(NEVER, "x" * 60 + ".example", Probing())), fact(0, name)]
    first = message(0, Facts(names))
    bad: list[messages.Body] = [
        Facts([(1, b"[" * 100_000)]),
        Facts([fact(1, Asked(0, "192.0.2.7", Probing()))] * 4_000 + [(1, b"{}")]),
        Probes(NEVER, PACKED + b"\xc1" * 60_000),
        Probes(NEVER, PACKED + msgspec.msgpack.encode(PackedRow([], b""))[:-1]),
        SegmentRows([SentSegment(1, 5, 4, 0, 1, 1, 1, b"")]),
        SegmentRows([SentSegment(1, 0, 1 << 50, 0, 1, 1, 1, b"")]),
        Bins([SentBins(1, 7, 0, 1, bomb)]),
        Sealed(1 << 50),
    ]
    return [
        b"", b"\x91" * 5_000, b"\xdd\xff\xff\xff\xff", bytes(600_000), first, first,
        *(message(1, body) for body in bad),
        message(0, Ended(0), good_boot), message(1 << 53, Ended(0)), message(77, Gone()),
        message(1, Facts([fact(1, SaidVerdict(verdict, (incident,) * 40)), fact(9, SaidVerdict(verdict))])),
        message(2, Probes(NEVER, PACKED + msgspec.msgpack.encode(PackedRow([], bomb)))),
        message(3, Bins([SentBins(1, MINUTE, NEVER - MINUTE, NEVER, bomb)])),
        message(4, SegmentRows([SentSegment(1, 0, 3, 0, NEVER, 1 << 19, 1 << 19, bomb)])),
    ]  # fmt: skip


def test_a_hostile_agent_beside_a_good_one_harms_nobody_but_itself(tmp_path: Path) -> None:
    def with_key(who: str) -> list[str]:
        return ["--nkey", str(tmp_path / f"{who}.nkey")]

    here, there = tmp_path / "hub", tmp_path / "good"
    with Broker(tmp_path / "broker", config=config(tmp_path)) as broker:
        other = hub(broker.url, here, *with_key("hub"))
        good = agent(broker.url, "fra1", there, "--scenario", "lossy-link", "-i", "50ms", *with_key("fra1"))
        with other, good:
            until(lambda: sum(probes_of(here).values()) > 50, "the hub has something")
            good_boot = boot_of(here)
            with Hostile(broker.port) as hostile:
                for subject in (*FORBIDDEN, b"$JS.API.STREAM.INFO.HOPSCOPE"):
                    hostile.say(subject, b"x")
                    assert b"permissions violation" in hostile.wait().lower()
                what_the_client_would_choke_on(hostile)
                hostile.wait()
                hostile.send(*what_cannot_be(good_boot))
                hostile.send(*[b"x"] * 10_000)
                hostile.send(*[bytes(messages.MOST_BYTES)] * 60)
                asks = messages.encode(Asks([f"{number:016x}" for number in range(1_000)], 7))
                for _ in range(300):
                    hostile.say(b"hopscope.ask.evil", asks)
                hostile.wait()
            before = probes_of(here)
            until(lambda: mark_of(here) == 4, "what may be is there")
            until(lambda: sum(probes_of(here).values()) > sum(before.values()) + 100, "the hub goes on")
            assert other.process is not None
            status = Path(f"/proc/{other.process.pid}/status").read_text()
            assert int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) << 10 < MOST_RSS
            assert good.end() == 0
            until(lambda: own(probes_of(here)) == own(probes_of(there)), "the hub has all of the good site")
            assert other.end() == 0
    assert own_facts(here) == own_facts(there)
    lines = [words for words in other.said.splitlines() if "refused" in words]
    assert len(lines) == 1, other.said
    assert lines[0].startswith("hopscope: evil: a message is refused (")
    assert "Traceback" not in other.said + good.said
    assert "cannot be read" not in good.said
    assert (other.said + good.said).replace("\n", "").isprintable()
    check_what_is_read(here)


def check_what_is_read(here: Path) -> None:
    """Whoever lists, reports or watches the store finds the good site in it as if there were no other."""
    for words in (("list",), ("replay", "--since", "-1m", "--format", "text"), ("replay", "--format", "text")):
        done = run("history", *words, "--store", str(here))
        assert (done.stdout + done.stderr).replace("\n", "").isprintable()
        assert done.returncode == 0, done.stderr
        assert "fra1" in done.stdout
    with closing(FleetScreen(str(here / "history.db"), lambda names: RecordedNames(names, dns=True))) as screen:
        assert abs(screen.now - time.time_ns()) < 600 * 10**9


def own(probes: dict[tuple[str, str, int], int]) -> dict[tuple[str, str, int], int]:
    return {key: count for key, count in probes.items() if key[0] == "fra1"}


def own_facts(store: Path) -> list[object]:
    with Store(str(store / "history.db")) as one:
        return [(trace.query, *one.facts(trace)) for trace in one.traces() if trace.run.host == "fra1"]


def boot_of(store: Path) -> str:
    """Of the only agent there is yet."""
    with closing(sqlite3.connect(store / "history.db")) as one:
        ((boot,),) = one.execute("SELECT boot FROM boot")
    return str(boot)


def mark_of(store: Path) -> int:
    """How far the hostile agent got."""
    with closing(sqlite3.connect(store / "history.db")) as one:
        found = one.execute("SELECT mark FROM boot WHERE site = ? AND boot = ?", (SITE, BOOT)).fetchall()
    return int(found[0][0]) if found else -1
