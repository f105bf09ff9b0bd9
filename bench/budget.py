"""What several targets ask of routers that they share: ``.venv/bin/python bench/budget.py [--targets N] [--rounds N]``.

Two kernel routers in namespaces, which limit their answers as Linux does, with the targets behind them; a plain user
probes them a round a second, without a budget, which is how 0.1.0 did, and with it. Root only, and nothing leaves the
machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
sys.path[0] = str(TOP)

from bench.lab import hopscope
from tests.lab.shared_routers import ROUTERS, addresses, shared_routers


def measured(namespace: str, targets: int, rounds: int, budget: str) -> list[dict[str, Any]]:
    """The reports."""
    words = ["--format", "json", "-c", str(rounds), "--budget", budget, *addresses(targets)]
    done = subprocess.run(
        hopscope(namespace, *words, plain=True), check=True, capture_output=True, text=True, cwd="/", env={"HOME": "/"}
    )
    document = json.loads(done.stdout)
    found: list[dict[str, Any]] = document.get("reports", [document])
    return found


def main() -> None:
    """Run and print."""
    reader = argparse.ArgumentParser()
    reader.add_argument("--targets", type=int, default=40)
    reader.add_argument("--rounds", type=int, default=60)
    options = reader.parse_args()
    print(f"{options.targets} targets behind {ROUTERS} Linux routers, {options.rounds} rounds, one a second")
    print("budget   probes  at the routers  lost there  of the targets  lost there")
    with shared_routers(options.targets) as chain:
        for budget in ("0", "1"):
            found = measured(chain.client, options.targets, options.rounds, budget)
            hops = [hop for report in found for hop in report["hops"]]
            near = [hop for hop in hops if hop["ttl"] <= ROUTERS]
            far = [report["target_series"] for report in found]
            total = sum(hop["sent"] for hop in hops)
            near_sent, near_lost = (sum(hop[name] for hop in near) for name in ("sent", "lost"))
            far_sent, far_lost = (sum(one[name] for one in far) for name in ("sent", "lost"))
            near_pct, far_pct = 100 * near_lost / max(1, near_sent), 100 * far_lost / max(1, far_sent)
            print(
                f"{budget:>6} {total:>8} {near_sent:>15} {near_pct:>9.1f} % {far_sent:>15} {far_pct:>9.1f} %",
                flush=True,
            )


if __name__ == "__main__":
    main()
