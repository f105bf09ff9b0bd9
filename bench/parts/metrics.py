"""What a scrape costs: 100 targets of 15 hops each, with names and owners, asked over HTTP. Nothing leaves loopback."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from typing import Final

from bench.measure import Row
from bench.parts.judge import HOPS, facts
from hopscope.metrics.exposition import Exposition
from hopscope.metrics.server import MetricsServer
from hopscope.names.facts import AddressInfo, Asn
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.session.tally import SessionTally, tally_of
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Begun, Found
from hopscope.wire.messages import Plan

TARGETS: Final = 100
EVERY_S: Final = 15
"""Rounds between two scrapes, one a second."""
GOAL_MS: Final = 50
_AT: Final = 1_700_000_000_000_000_000
_ADDRESS: Final = "198.51.100.9"


class _Names:
    """Knows a name and an owner of every address."""

    version = 1

    def look_up(self, address: str) -> AddressInfo:
        return AddressInfo(f"ae-7.r{address}.core.example.net", True, (Asn(64500, "EXAMPLE-AS Example", None, "NL"),))

    async def settle(self, seconds: float) -> None:
        """Nothing is under way."""

    async def close(self) -> None:
        """Nothing is held."""


def metrics(quick: bool, folder: Path) -> list[Row]:
    """CPU of a scrape, by a session that has a trouble at each target; what it sends."""
    del folder
    return asyncio.run(_scraped(*((300, 3) if quick else (1200, 10))))


async def _scraped(rounds: int, times: int) -> list[Row]:
    targets = []
    for number in range(1, TARGETS + 1):
        asked = Asked(_AT, f"office-{number}.example.net", Probing())
        targets.append(TargetFold(number, asked))
        for fact in (Found(_AT, _ADDRESS), Begun(_AT, Plan(_ADDRESS, 4))):
            targets[-1].apply(fact)
    _play(targets, 0, rounds)
    names = _Names()
    now = _AT

    def tally() -> SessionTally:
        return SessionTally(targets=(tally_of(one, names) for one in targets), now=now)

    listening = socket.create_server(("127.0.0.1", 0))
    spent, sent = [], 0
    async with MetricsServer(listening, tally, Exposition()) as server:
        await _ask(listening.getsockname())
        for _ in range(times):
            _play(targets, rounds, EVERY_S)
            rounds += EVERY_S
            now = _AT + rounds * 1_000_000_000
            server.forget()  # or it would be given what it had before
            began = time.process_time()
            sent = await _ask(listening.getsockname())
            spent.append(1000 * (time.process_time() - began))
    what = f"a scrape of {TARGETS} targets x {HOPS} hops"
    return [
        Row("metrics", f"{what}: CPU", "ms", tuple(spent), GOAL_MS, note="its reader in the same process"),
        Row("metrics", f"{what}: text", "KiB", (sent / 1024,)),
    ]


def _play(targets: list[TargetFold], first: int, rounds: int) -> None:
    for fact in list(facts(rounds, 0.05, 60.0, first=first)):
        for target in targets:
            target.apply(fact)


async def _ask(where: tuple[str, int]) -> int:
    reader, writer = await asyncio.open_connection(*where)
    writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    assert body.endswith(b"# EOF\n")
    assert body.count(b"hopscope_hop_info") == TARGETS * HOPS
    return len(body)
