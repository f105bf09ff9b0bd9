"""An agent: a session that nobody looks at, its recording, and what is sent of that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from hopscope.fleet.messages import LONGEST_TARGET, MOST_TARGETS
from hopscope.fleet.sender import Sender
from hopscope.fleet.transport import Publisher, end_all
from hopscope.history.recorder import Recorder
from hopscope.judge.verdict import Judged
from hopscope.names.clean import clean
from hopscope.session.model import Snapshot
from hopscope.session.session import Session, WorkerFailed
from hopscope.system.background import in_background

LOOK_S: Final = 0.1, 0.5
"""Between two looks at what is said of the targets: the least, and the most where there are many."""
LOOKED_AT: Final = 500
"""Targets that are looked at in a second."""
PARTS: Final = 20
"""Looks until each target was looked at as a whole; more where a look would be at more than `AT_ONCE`."""
AT_ONCE: Final = 25
READ_S: Final = 2.0
"""Between two looks at the file of targets."""
DRAIN_S: Final = 3.0
"""At the end, for what the broker does not have yet."""
MOST_COMPLAINTS: Final = 20


class Roster:
    """The targets that a session should probe, kept in step with a list."""

    def __init__(self, session: Session, say: Callable[[str], None]) -> None:
        self._session = session
        self._say = say
        self._numbers: dict[str, int] = {}

    def probe(self, targets: Sequence[str]) -> None:
        """From now on these and no others; those that stay are not disturbed."""
        wanted = dict.fromkeys(target for target in targets if 0 < len(target) <= LONGEST_TARGET)
        if len(wanted) > MOST_TARGETS:
            self._say(f"{len(wanted)} targets are too many; the first {MOST_TARGETS} are probed")
            wanted = dict.fromkeys(list(wanted)[:MOST_TARGETS])
        for target in [target for target in self._numbers if target not in wanted]:
            self._session.remove(self._numbers.pop(target))
        for target in wanted:
            if target not in self._numbers:
                try:
                    self._numbers[target] = self._session.add(target)
                except ValueError as why:
                    self._say(f"{clean(target)}: {why}")


class Agent:
    """One agent's run. For the loop in which it is made."""

    def __init__(
        self,
        session: Session,
        recorder: Recorder,
        sender: Sender,
        publisher: Publisher,
        say: Callable[[str], None],
        read_again: Callable[[], list[str] | None] | None = None,
        *,
        has_end: bool = False,
    ) -> None:
        """`say` is told what a person should know, in a line; `read_again`: the targets of a file, None where they are
        the same; `has_end`: all is over when the rounds of its targets are."""
        self.roster = Roster(session, say)
        self._session = session
        self._recorder = recorder
        self._sender = sender
        self._publisher = publisher
        self._say = say
        self._read_again = read_again
        self._has_end = has_end
        self._said: set[str] = set()
        self.failure: str | None = None
        """Why it cannot go on."""

    async def run(self, targets: Sequence[str], until: Awaitable[None]) -> None:
        """Until `until` is done, all rounds are over, or nothing can be probed or recorded any more."""
        sending = asyncio.ensure_future(self._sender.run(self._publisher))
        async with self._session:
            self.roster.probe(targets)
            self._recorder.begin()
            watching = [asyncio.ensure_future(work) for work in (self._watch(), self._until_over(), until)]
            if self._read_again is not None:
                watching.append(asyncio.ensure_future(self._follow_file(self._read_again)))
            try:
                done, _ = await asyncio.wait([*watching, sending], return_when=asyncio.FIRST_COMPLETED)
            finally:
                await end_all(*watching)
            for task in done:
                if not task.cancelled():
                    task.result()
            snapshot = self._session.snapshot()
            self._recorder.see(snapshot)
            self._recorder.end(snapshot.now)
        # Its thread ends with the last rows on the disk.
        await in_background(lambda: self._recorder.close(snapshot.now))
        await end_all(sending)
        await self._sender.drain(self._publisher, DRAIN_S)
        await self._publisher.close()

    async def _until_over(self) -> None:
        if not self._has_end:
            await asyncio.Event().wait()
        while not self._session.judged():
            await self._session.changed()
        try:
            await self._session.finished()
        except WorkerFailed as why:
            self.failure = str(why)

    async def _watch(self) -> None:
        number = 0
        judged: list[tuple[int, Judged]] = []
        least, most = LOOK_S
        while True:
            await asyncio.sleep(max(least, min(most, len(judged) / LOOKED_AT)))
            judged = self._session.judged()
            for target, one in judged:
                self._recorder.see_judged(target, one)
            parts = max(PARTS, len(judged) // AT_ONCE)
            snapshot = self._session.part(number % parts, parts)  # names, and what could not be started
            number += 1
            self._recorder.see(snapshot)
            self._complain(snapshot)
            if snapshot.worker == "failed":
                self.failure = snapshot.worker_note or "the probe worker failed"
                return
            if self._recorder.is_lost:
                self.failure = f"nothing can be recorded any more: {self._recorder.trouble}"
                return

    def _complain(self, snapshot: Snapshot) -> None:
        """What is wrong here, each once."""
        if snapshot.worker_note is not None:
            self._once(snapshot.worker_note)
        if self._recorder.trouble is not None:
            self._once(f"not recorded: {self._recorder.trouble}")
        else:
            self._said = {words for words in self._said if not words.startswith("not recorded")}
        for target in snapshot.targets:
            why = target.refusal.message if target.refusal is not None else target.error
            for words in (*target.notes, why):
                if words is not None:
                    self._once(f"{target.query}: {words}")

    def _once(self, words: str) -> None:
        if words not in self._said and len(self._said) < MOST_COMPLAINTS:
            self._said.add(words)
            self._say(clean(words, 500))

    async def _follow_file(self, read_again: Callable[[], list[str] | None]) -> None:
        while True:
            await asyncio.sleep(READ_S)
            targets = read_again()
            if targets is not None:
                self.roster.probe(targets)
                self._say(f"{len(targets)} targets are read again")
