"""What a look-up costs: a thousand addresses against a local server that answers after 100 ms.

``.venv/bin/python bench/names.py`` prints wall seconds, and CPU microseconds a look-up in this process.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import struct
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hopscope.names.resolver import Names, NamesConfig
from tests.names.dns_server import PTR, Server, name, record, reply

COUNT = 1000
REPEATS = 5


def _serve(pipe: Connection) -> None:
    async def serve() -> None:
        def script(asked: str, kind: int, packet: bytes) -> list[bytes]:
            if kind == PTR:
                return [reply(packet, record(PTR, name("router.example.net")))]
            return [reply(packet, record(1, struct.pack("!I", 0xC6330001)))]

        async with Server(script, delay=0.1) as server:
            pipe.send(server.address)
            while not pipe.poll():
                await asyncio.sleep(0.05)

    asyncio.run(serve())


async def _run(server: str, verify: bool) -> tuple[float, float]:
    names = Names(NamesConfig(servers=(server,), verify=verify))
    addresses = [f"198.51.{high}.{low}" for high in range(4) for low in range(COUNT // 4)]
    wall, cpu = time.perf_counter(), time.process_time()
    for address in addresses:
        names.look_up(address)
    await names.settle(20)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert all(names.look_up(address).hostname for address in addresses)
    await names.close()
    return wall, cpu / COUNT * 1e6


def main() -> None:
    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,))
    server.start()
    address = here.recv()
    for verify in (False, True):
        runs = [asyncio.run(_run(address, verify)) for _ in range(REPEATS)]
        wall, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
        what = "name and its way back" if verify else "name"
        print(f"{COUNT} addresses, {what}: {wall:.2f} s, {cpu:.0f} µs CPU each (median of {REPEATS})")
    here.send("stop")
    server.join()


if __name__ == "__main__":
    main()
