"""What the judge costs: ``.venv/bin/python bench/judge.py [--rounds N]``.

CPU ms a round of one target with 15 hops, by the processor's time of this process: of the evaluation alone, and of all
that the judge does with a round's facts. And the bytes that it holds, after so many rounds and after twice as many.
Nothing is sent anywhere.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random

TOP = Path(__file__).resolve().parent.parent
sys.path[0] = str(TOP)

from hopscope.judge.judge import Judge
from hopscope.wire.messages import Answered, Event, Lost, RoundStarted, Sent

HOPS = 15
TARGET = "198.51.100.9"
_S = 1_000_000_000
_MS = 1_000_000
_EPOCH = 1_700_000_000 * _S


def facts(rounds: int, loss: float, queue_ms: float, first: int = 0) -> Iterator[Event]:
    """A path's facts: from hop 7 on `loss` of the probes is lost, and as much delay is added in the second half."""
    rng = Random(first + 1)
    for round_ in range(first, first + rounds):
        at = _EPOCH + round_ * _S
        yield RoundStarted(1, round_, at)
        for ttl in range(1, HOPS + 1):
            sent_at = at + ttl * 10 * _MS
            yield Sent(1, round_, ttl, sent_at)
            if ttl >= 7 and rng.random() < loss:
                yield Lost(1, round_, ttl, sent_at)
                continue
            late = queue_ms if ttl >= 7 and round_ % 200 >= 100 else 0.0
            rtt = int((ttl + rng.random() + late) * _MS)
            if ttl == HOPS:
                yield Answered(1, round_, ttl, sent_at, rtt, TARGET, "echo-reply", 0, 0, 55)
            else:
                yield Answered(1, round_, ttl, sent_at, rtt, f"192.0.2.{ttl}", "time-exceeded", 11, 0, 255 - ttl)


class Timed(Judge):
    """Knows what its evaluations took."""

    spent = 0.0

    def _weigh_newest(self) -> None:
        began = time.process_time()
        super()._weigh_newest()
        self.spent += time.process_time() - began


def cost(rounds: int, loss: float, queue_ms: float) -> tuple[float, float]:
    """CPU ms a round: of the evaluation, and of all."""
    judge = Timed(TARGET)
    for fact in facts(600, loss, queue_ms):
        judge.apply(fact)
    judge.spent = 0.0
    stream = list(facts(rounds, loss, queue_ms, first=600))
    began = time.process_time()
    for fact in stream:
        judge.apply(fact)
    return 1000 * judge.spent / rounds, 1000 * (time.process_time() - began) / rounds


def held(rounds: int) -> tuple[int, int]:
    """Bytes that a judge holds after so many rounds of trouble, and after twice as many."""
    tracemalloc.start()
    judge = Judge(TARGET)
    sizes = []
    for first in (0, rounds):
        for fact in facts(rounds, 0.05, 60.0, first=first):
            judge.apply(fact)
        del fact
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return sizes[0], sizes[1]


def main() -> int:
    """The exit status: 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000, metavar="N", help="of each play (default 2000)")
    given = parser.parse_args()
    missed = False
    for what, loss, queue_ms, goal in (
        ("nothing is lost", 0.0, 0.0, 0.05),
        ("5 % loss from hop 7 on", 0.05, 0.0, 0.3),
        ("30 % loss from hop 7 on", 0.3, 0.0, 0.3),
        ("a queue of 60 ms now and then", 0.0, 60.0, 0.3),
    ):
        evaluation, whole = min(cost(given.rounds, loss, queue_ms) for _ in range(3))
        missed = missed or evaluation > goal
        is_met = "met" if evaluation <= goal else "NOT MET"
        print(f"{what:32} {evaluation:.3f} ms a round (goal {goal}: {is_met}), {whole:.3f} with the facts")
    before, after = held(given.rounds)
    print(
        f"memory: {before / 1024:.0f} KiB after {given.rounds} rounds, {after / 1024:.0f} KiB after {2 * given.rounds}"
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
