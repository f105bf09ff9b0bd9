"""Watch a target until it is bad: ends with status 1 once more than a share of the last answers took too long."""

import asyncio
import sys
from collections import deque

import hopscope

SIMULATED = hopscope.Probing(method="simulated", rounds=40, interval_s=0.05, timeout_s=0.2)
LIMIT_MS = 5.0
LAST = 20
SHARE = 0.5


async def main(target: str | None) -> int:
    if target is None:
        target, probing = "192.0.2.80", SIMULATED
    else:
        probing = hopscope.Probing()
    slow: deque[bool] = deque(maxlen=LAST)
    async with hopscope.Session([target], probing) as session:
        async for event in session.events():
            if isinstance(event, hopscope.EndEvent):
                return 0
            if isinstance(event, hopscope.ProbeEvent) and event.kind == "echo-reply" and event.outcome == "answered":
                slow.append(event.rtt_ms is not None and event.rtt_ms > LIMIT_MS)
                if len(slow) == LAST and sum(slow) > SHARE * LAST:
                    print(f"{event.target}: {sum(slow)} of the last {LAST} answers took over {LIMIT_MS} ms")
                    return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None)))
    except KeyboardInterrupt:
        sys.exit(130)
    except (hopscope.TraceError, ValueError) as error:
        sys.exit(f"alarm: {error}")
