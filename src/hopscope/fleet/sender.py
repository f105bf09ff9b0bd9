"""An agent's messages on their way: each row in order, again from the hub's mark where something was lost.

That the broker has taken a row is good for going on, and for nothing else: a broker forgets what its disk did not get.
What the hub has on its own disk it says itself; only that may be forgotten here.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final

from hopscope.fleet import messages
from hopscope.fleet.messages import Asks, BadMessage, FleetMessage, Says
from hopscope.fleet.outbox import Boot, SiteOutbox
from hopscope.fleet.transport import NotConnected, NotSent, Publisher
from hopscope.history.schema import StoreError
from hopscope.system.background import until_its_end

ASK_S: Final = 2.0
"""Between two questions to the hub, while it lacks something."""
IDLE_S: Final = 10.0
"""And else: there may be other targets."""
STUCK_S: Final = 3.0
"""The hub's mark stands for so long, and the broker has taken more: some of that was lost. Doubled with each try."""
LONGEST_S: Final = 60.0
KEEP_S: Final = 10.0
"""Between two times that the hub's marks are kept here."""
COMPLAIN_S: Final = 120.0
"""Between two times that the hub's unreadable words are complained of."""
_MOST_ASKED: Final = 1_000


class _Progress:
    """How far one boot got."""

    def __init__(self, mark: int) -> None:
        self.at = self.mark = mark
        """The last rows that the broker took, and that the hub has."""
        self.moved_at = monotonic()
        self.tries = 0
        """How often it was sent again since it last moved."""
        self.repeats = 0
        """How often in all: the broker must not take what is sent again for what it got before."""

    def heard(self, mark: int) -> bool:
        """What the hub has; whether what is behind it must be sent again."""
        now = monotonic()
        is_back = mark < self.mark
        if mark != self.mark:
            self.mark, self.moved_at, self.tries = mark, now, 0
        patience = min(STUCK_S * 2**self.tries, LONGEST_S)
        if mark >= self.at or not (is_back or now - self.moved_at >= patience):
            self.at = max(self.at, mark)
            return False
        self.at, self.moved_at = mark, now
        self.tries += 1
        self.repeats += 1
        return True


class Sender:
    """Sends what an outbox has. For one loop; `wake` for any thread."""

    def __init__(
        self,
        outbox: SiteOutbox,
        site: str,
        say: Callable[[str], None],
        on_targets: Callable[[list[str]], None] | None = None,
    ) -> None:
        """`say` is told in a line what is wrong; `on_targets` which targets the hub wants probed (None: they come from
        elsewhere)."""
        self._outbox = outbox
        self._site = site
        self._say_line = say
        self._on_targets = on_targets
        self._version = outbox.targets()[0]
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._progress: dict[str, _Progress] = {}
        self._said: Says | None = None
        self._marks: dict[str, int] = {}
        self._unkept: dict[str, int] = {}
        self._kept_at = self._asked_at = -LONGEST_S
        self._hub: str | None = None
        self._token = os.urandom(4).hex()
        """Of this process: a broker may have got of an earlier one what its hub never will."""
        self._trouble: str | None = None
        self._unread_at = -COMPLAIN_S

    def wake(self) -> None:
        """There is something new."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wake.set)

    def heard(self, data: bytes) -> None:
        """What the hub says."""
        try:
            says = messages.read_says(data)
        except BadMessage as why:
            now = monotonic()
            if now - self._unread_at >= COMPLAIN_S:  # each is another one
                self._unread_at = now
                self._tell(f"the hub says what cannot be read: {why}")
            return
        if self._hub not in (None, says.hub):
            self._say_line("another hub answers than before: it gets all that is kept here")
        self._hub = says.hub
        self._marks |= {name: mark for name, mark in says.marks.items() if name in self._progress}
        if says.targets is not None:
            self._said = says
        self._wake.set()

    async def run(self, publisher: Publisher) -> None:
        """Until it is cancelled."""
        await self._connect(publisher)
        pause = 0.5
        while True:
            self._wake.clear()
            try:
                await self._take()
                is_all = await self._send(publisher)
            except StoreError as why:
                self._tell(f"the store: {why}")
                is_all = False
            except NotSent as why:
                self._tell(f"{why}; kept here, sent later")
                is_all = False
            else:
                self._trouble = None
            if publisher.is_connected and monotonic() - self._asked_at >= (ASK_S if self._lacks() else IDLE_S):
                await self._ask(publisher)
            if is_all:
                pause = 0.5
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), ASK_S)
            else:
                await asyncio.sleep(pause)
                pause = min(5.0, 2 * pause)

    async def drain(self, publisher: Publisher, within_s: float) -> None:
        """Send what is there, for so long at the most, and keep what the hub said."""
        with suppress(TimeoutError, StoreError, NotSent):
            async with asyncio.timeout(within_s):
                if publisher.is_connected:
                    await self._send(publisher)
                    await self._ask(publisher)
                    while self._lacks():
                        self._wake.clear()
                        await self._wake.wait()
                        await self._take()
        with suppress(StoreError):
            await self._keep()

    async def _connect(self, publisher: Publisher) -> None:
        pause = 0.5
        while True:
            try:
                await publisher.open()
            except NotConnected as why:
                if not why.passes:
                    self._tell(str(why))
                await asyncio.sleep(pause)
                pause = min(5.0, 2 * pause)
            else:
                return

    # --- what the hub says --------------------------------------------------------------------------------------

    async def _ask(self, publisher: Publisher) -> None:
        self._asked_at = monotonic()
        names = [name for name, one in self._progress.items() if one.mark < one.at]
        version = self._version if self._on_targets is not None else None
        await publisher.ask(messages.encode(Asks(names[:_MOST_ASKED], version)))

    def _lacks(self) -> bool:
        """Whether the hub has less than the broker."""
        return any(one.mark < one.at for one in self._progress.values())

    async def _take(self) -> None:
        """Heed what the hub said."""
        marks, self._marks = self._marks, {}
        for name, mark in marks.items():
            one = self._progress.get(name)
            if one is None:
                continue
            if one.heard(mark):
                self._tell(f"the hub lacks what was sent; it is sent again from row {mark + 1} of {name} on")
            self._unkept[name] = mark
        if monotonic() - self._kept_at >= KEEP_S:
            await self._keep()
        says, self._said = self._said, None
        if says is not None and says.targets is not None and self._on_targets is not None:
            version, targets = says.version, says.targets
            if version != self._version:
                await until_its_end(lambda: self._outbox.assign(version, targets))
                self._version = version
                self._on_targets(targets)

    async def _keep(self) -> None:
        self._kept_at = monotonic()
        unkept, self._unkept = self._unkept, {}

        def keep() -> None:
            for name, mark in unkept.items():
                self._outbox.has(name, mark)

        if unkept:
            await until_its_end(keep)

    # --- what is sent -------------------------------------------------------------------------------------------

    async def _send(self, publisher: Publisher) -> bool:
        """Send what is there; whether that was all. `NotSent`, `StoreError`."""
        if not publisher.is_connected:
            return True  # the connection comes back by itself
        for boot in await until_its_end(self._outbox.boots):
            one = self._progress.get(boot.name)
            if one is None:
                one = self._progress[boot.name] = _Progress(boot.mark)
            while one.at < boot.newest:
                if self._marks:
                    await self._take()
                after = one.at
                if after >= boot.newest:
                    break
                batch = await until_its_end(lambda boot=boot, after=after: self._outbox.messages(boot, after))  # type: ignore[misc]
                if not batch:
                    return False
                await self._publish(publisher, boot, one, batch)
        return True

    async def _publish(self, publisher: Publisher, boot: Boot, one: _Progress, batch: list[FleetMessage]) -> None:
        """All of these at once; those up to the first that was not taken are sent. `NotSent`."""
        after = one.at
        done = await asyncio.gather(
            *(
                publisher.publish(message.kind, self._id(boot, message, one), messages.encode(message))
                for message in batch
            ),
            return_exceptions=True,
        )
        for message, problem in zip(batch, done, strict=True):
            if isinstance(problem, BaseException):
                raise problem
            if after == message.first - 1:
                after = message.last
                one.at = max(one.at, after)

    def _id(self, boot: Boot, message: FleetMessage, one: _Progress) -> str:
        """The same for the same of this process, unless the hub lacks it."""
        rows = str(message.last) if message.first == message.last else f"{message.first}..{message.last}"
        again = f"-{one.repeats}" if one.repeats else ""
        return f"{self._site}-{boot.name}-{rows}-{self._token}{again}"

    def _tell(self, words: str) -> None:
        """Each trouble once."""
        if words != self._trouble:
            self._trouble = words
            self._say_line(words)
