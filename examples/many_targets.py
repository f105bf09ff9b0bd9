"""Several targets side by side, looked at by snapshots: which path answers, and what its end costs."""

import asyncio
import sys

import hopscope

SIMULATED = hopscope.Probing(method="simulated", rounds=5, interval_s=0.1, timeout_s=0.5)


async def main(targets: list[str]) -> None:
    if targets:
        probing = hopscope.Probing(rounds=10)
    else:
        targets, probing = ["192.0.2.80", "2001:db8:300::80"], SIMULATED
    async with hopscope.Session(targets, probing) as session:
        await session.finished()
        snapshot = session.snapshot()
    for target in snapshot.targets:
        print(f"{target.query:24} {words(target)}")


def words(target: hopscope.Target) -> str:
    if target.error is not None:
        return target.error
    if target.refusal is not None:
        return target.refusal.message
    end = target.path.target_hop
    if end is None or end.rtt is None:
        return f"no answer behind hop {len(target.path.hops)}"
    return f"{end.ttl} hops, {end.rtt.avg:.2f} ms, {end.loss_pct:.0f} % lost, {target.path.route_changes} route changes"


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1:]))
    except (hopscope.TraceError, ValueError) as error:
        sys.exit(f"many_targets: {error}")
