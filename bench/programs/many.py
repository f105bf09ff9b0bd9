"""Many targets in one session for a while, in the namespace it is run in: ``many.py TARGETS SECONDS`` prints JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.measure import cpu_seconds, pss_mib, tree
from hopscope.session.model import Probing
from hopscope.session.session import Session


async def main(count: int, seconds: float) -> None:
    """Run and print."""
    addresses = [f"172.16.{n >> 8}.{n & 255}" for n in range(count)]
    async with Session(addresses, Probing(budget=0.0)) as session:
        await asyncio.sleep(8 if count < 500 else 20)  # until the rush of the start is over
        worker = tree(session.worker_pid or 0)
        here = [os.getpid()]
        sent, _, since = _totals(session)
        cpu, at = [cpu_seconds(pids) for pids in (here, worker)], time.perf_counter()
        await asyncio.sleep(seconds)
        passed = time.perf_counter() - at
        mine, its = (100 * (cpu_seconds(pids) - was) / passed for pids, was in zip((here, worker), cpu, strict=True))
        all_sent, lost, until = _totals(session)
        print(
            json.dumps(
                {
                    "loss": 100 * lost / max(1, all_sent),
                    "rate": 100 * (all_sent - sent) / (count * 15 * (until - since) / 1e9),
                    "cpu": mine + its,
                    "worker": its,
                    "memory": pss_mib([*here, *worker]),
                }
            )
        )


def _totals(session: Session) -> tuple[int, int, int]:
    """Probes sent and lost, and the time (ns) of the newest fact that the session has read: what it has not read yet
    counts in neither."""
    paths = [target.path for target in session.snapshot().targets]
    hops = [hop for path in paths for hop in path.hops]
    newest = max((path.last_at or 0 for path in paths), default=0)
    return sum(hop.sent for hop in hops), sum(hop.lost for hop in hops), newest


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
