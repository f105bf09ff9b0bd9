"""What the judge costs a round, and what it and the path hold over a day of trouble. Nothing is sent anywhere."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

from bench.measure import Row, pss_mib
from hopscope.judge.judge import Judge
from hopscope.judge.path_judge import PathJudge
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Begun, Found
from hopscope.wire.messages import Answered, Event, Lost, Plan, RoundStarted, Sent

HOPS: Final = 15
TARGET: Final = "198.51.100.9"
PLAYS: Final = (
    ("nothing is lost", 0.0, 0.0, 0.05),
    ("5 % loss from hop 7 on", 0.05, 0.0, 0.3),
    ("30 % loss from hop 7 on", 0.3, 0.0, 0.3),
    ("a queue of 60 ms now and then", 0.0, 60.0, 0.3),
)
"""What is wrong; the share that is lost, the delay (ms) that comes and goes, and the goal (ms a round)."""
_S: Final = 1_000_000_000
_MS: Final = 1_000_000
_EPOCH: Final = 1_700_000_000 * _S
_HOUR: Final = 3600


def judge(quick: bool, folder: Path) -> list[Row]:
    """CPU a round by what is wrong; memory over 24 hours (3 if quick) of loss and queues, a round a second."""
    del folder
    rows = []
    for what, loss, queue_ms, goal in PLAYS:
        runs = [cost(500 if quick else 2000, loss, queue_ms) for _ in range(1 if quick else 3)]
        evaluated, whole = ([run[place] for run in runs] for place in (0, 1))
        note = f"{min(whole):.2g} with the facts"
        rows.append(Row("judge", f"evaluation, {HOPS} hops, {what}", "ms", tuple(evaluated), goal, note=note))
    memory = held(3 if quick else 24)
    what = f"memory gained by fold and judge in trouble, second hour to the last of {len(memory)}"
    return [*rows, Row("judge", what, "MiB", (memory[-1] - memory[1],), 2, note="without the packed past")]


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


class Timed(PathJudge):
    """Knows what its evaluations took."""

    spent = 0.0

    def _weigh_newest(self, *, is_last: bool) -> None:
        began = time.process_time()
        super()._weigh_newest(is_last=is_last)
        self.spent += time.process_time() - began


def cost(rounds: int, loss: float, queue_ms: float) -> tuple[float, float]:
    """CPU ms a round: of the evaluation, and of all that the judge does."""
    judge = Judge(TARGET)
    timed = judge._path = Timed(TARGET, "icmp", 1, judge._incidents)
    for fact in facts(600, loss, queue_ms):
        judge.apply(fact)
    timed.spent = 0.0
    stream = list(facts(rounds, loss, queue_ms, first=600))
    began = time.process_time()
    for fact in stream:
        judge.apply(fact)
    return 1000 * timed.spent / rounds, 1000 * (time.process_time() - began) / rounds


def held(hours: int) -> list[float]:
    """MiB of this process after each hour of a target in trouble, but for its past, which has a bound of its own."""
    asked = Asked(_EPOCH, TARGET, Probing())
    target = TargetFold(1, asked)
    for fact in (asked, Found(_EPOCH, TARGET), Begun(_EPOCH, Plan(TARGET, 4))):
        target.apply(fact)
    memory = []
    for hour in range(hours):
        for event in facts(_HOUR, 0.05, 60.0, first=hour * _HOUR):
            target.apply(event)
        target.snapshot(None)
        memory.append(pss_mib([os.getpid()]) - target.past.log.bytes / 2**20)
    return memory
