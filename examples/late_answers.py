"""Events as they happen: print each probe that was lost, and say so when its answer comes after all."""

import asyncio
import sys

import hopscope

SIMULATED = hopscope.Probing(method="simulated", rounds=5, interval_s=0.1, timeout_s=0.03)


async def main(target: str | None) -> None:
    if target is None:
        target, probing = "192.0.2.80", SIMULATED
    else:
        probing = hopscope.Probing(rounds=30)
    async with hopscope.Session([target], probing) as session:
        async for event in session.events():
            match event:
                case hopscope.ProbeEvent(outcome="lost"):
                    print(f"round {event.round}, hop {event.ttl}: lost")
                case hopscope.ProbeEvent(outcome="late"):
                    print(f"round {event.round}, hop {event.ttl}: late, after {event.rtt_ms:.1f} ms")
                case hopscope.EndEvent():
                    print(f"{event.target}: {'reached' if event.reached else 'not reached'} in {event.rounds} rounds")
                    return


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
    except (hopscope.TraceError, ValueError) as error:
        sys.exit(f"late_answers: {error}")
