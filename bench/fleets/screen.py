"""From what happens at a site to the screen that follows its hub: how long that takes."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

from bench.measure import nearest_rank
from hopscope.history.store import Store
from hopscope.session.target_fold import TargetFold
from hopscope.views.screen.styles import look_of
from hopscope.views.screen.themes import OWN
from hopscope.wire.messages import Answered, Lost
from hopscope.words.moods import mood
from tests.lab.broker import Broker, agent, hub, probes_of, until
from tests.lab.plain_user import as_plain_user
from tests.lab.terminal import Terminal

SITE = "fra1"
TARGETS = 10
PERIOD_S = 36
DOWN_S = 16
TIMEOUT_NS = 500_000_000
GOAL_S = 2.0
LOOK_S = 0.02
FAR_S = 8.0
"""Changes that are further apart are not the same one."""
_FINE = ("healthy", "starting")
_GLYPHS = look_of(OWN[0]).glyphs
_BAD = (_GLYPHS.loss, _GLYPHS.no_answer, _GLYPHS.unreachable, _GLYPHS.slow)
_TAB = re.compile(rf"(\S) {SITE} t(\d+)\.example")

Changes = dict[int, list[tuple[float, bool]]]
"""By target: when (epoch s) it became bad, or fine again."""


def network(file: Path) -> str:
    """Targets of which each is cut off for some seconds of each period, one after the other."""
    hops = "".join(f'  {{ at = "198.51.100.{ttl}", delay = "2ms" }},\n' for ttl in range(1, 5))
    lines = [f'title = "x"\nstory = "x"\nseed = 1\nhops = [\n{hops}]']
    for n in range(1, TARGETS + 1):
        begin = 2 + (PERIOD_S - DOWN_S - 4) * n // TARGETS
        lines.append(f'[[targets]]\nname = "t{n}.example"\nat = "192.0.2.{n}"\ndelay = "1ms"')
        lines.append(
            f'[[changes]]\ntarget = "t{n}.example"\nset = {{ loss = "100%" }}\nat = "{begin}.{n}s"\n'
            f'until = "{begin + DOWN_S}.{n}s"\nevery = "{PERIOD_S}s"'
        )
    file.write_text("\n".join(lines) + "\n")
    return str(file)


class _Watch:
    """Marks on a screen, and when each became another."""

    def __init__(self, words: list[str]) -> None:
        self.changes: Changes = {}
        self._is_over = threading.Event()
        self._terminal = Terminal([*as_plain_user(), "-I", "-m", "hopscope", "-n", *words], 50 * TARGETS, 36)
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> _Watch:
        self._terminal.until(lambda screen: len(_TAB.findall(screen)) >= TARGETS, 40)
        self.begin = time.time()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end = time.time()
        self._is_over.set()
        self._thread.join()
        self._terminal.close()

    def _look(self) -> None:
        while not self._is_over.is_set():
            screen, at = self._terminal.screen(), time.time()
            for mark, number in _TAB.findall(screen):
                _note(self.changes, int(number), at, mark in _BAD)
            time.sleep(LOOK_S)


def _note(changes: Changes, target: int, at: float, is_bad: bool) -> None:
    known = changes.setdefault(target, [(at, False)])
    if known[-1][1] != is_bad:
        known.append((at, is_bad))


def _said(store: Path) -> Changes:
    """What the agent said, and when it could: its facts once more through what it judges by."""
    changes: Changes = {}
    with Store(str(store / "history.db")) as one:
        for trace in one.traces():
            facts = one.facts(trace)
            fold: TargetFold | None = None
            number = int(trace.query.removeprefix("t").partition(".")[0])
            for _, fact in facts:
                if fold is None:
                    fold = TargetFold(1, fact)  # type: ignore[arg-type] # the first is what was asked for
                    continue
                fold.apply(fact)  # type: ignore[arg-type]
                if isinstance(fact, (Answered, Lost)):
                    known_ns = fact.sent_at + (fact.rtt_ns if isinstance(fact, Answered) else TIMEOUT_NS)
                    _note(changes, number, known_ns / 1e9, mood(fold.judge.judged().verdict) not in _FINE)
    return changes


def _lasting(changes: list[tuple[float, bool]]) -> list[tuple[float, bool]]:
    """Without what was taken back before a screen has to show it."""
    kept: list[tuple[float, bool]] = []
    for at, is_bad in changes[1:]:
        if kept and at - kept[-1][0] < GOAL_S:
            kept.pop()
        else:
            kept.append((at, is_bad))
    return kept


def _waits(said: Changes, seen: Changes, begin: float, end: float) -> tuple[list[float], int]:
    """Seconds from each change to the screen's, and how many it never showed."""
    waits, missed = [], 0
    for target, changes in said.items():
        shown = [change for change in seen.get(target, ()) if change[0] > begin]
        for at, is_bad in _lasting(changes):
            if not begin <= at <= end - FAR_S:
                continue
            found = next((when for when, state in shown if state == is_bad and 0 <= when - at < FAR_S), None)
            if found is None:
                missed += 1
            else:
                waits.append(found - at)
    return waits, missed


def screen(seconds: int, folder: Path) -> bool:
    """Run and print; whether the screens were quick enough."""
    here, there = folder / "hub", folder / "agent"
    here.mkdir()
    folder.chmod(0o755)  # the worker is nobody, and reads the network itself
    scenario = network(folder / "net.toml")
    more = ["--scenario", scenario, "-Z", f"{TIMEOUT_NS // 1_000_000}ms"]
    with Broker(folder / "broker") as broker, hub(broker.url, here) as other:
        until(lambda: "connected" in other.said, "the hub is connected")
        with agent(broker.url, SITE, there, *more) as one:
            until(lambda: len(probes_of(here)) == TARGETS, "the hub has heard of all targets")
            with _Watch(["history", "follow", broker.url]) as far:
                time.sleep(seconds)
            assert one.end() == 0
        assert other.end() == 0

    waits, missed = _waits(_said(there), far.changes, far.begin, far.end)
    if not waits:
        print(f"WRONG: none of {missed} changes was seen")
        return False
    p50, p99 = nearest_rank(waits, 0.5), nearest_rank(waits, 0.99)
    print(
        f"{len(waits)} changes at an agent's {TARGETS} targets stood on the screen of `history follow nats://…` after"
        f" {p50:.2f} s p50, {p99:.2f} s p99, {max(waits):.2f} s at the most; {missed} were not seen there"
    )
    return p99 <= GOAL_S and not missed
