"""A hub: what the broker keeps goes into one store, and each agent hears how far that is, and what it should probe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from time import monotonic, time_ns
from typing import Final

from hopscope.fleet import messages
from hopscope.fleet.hub_store import HubStore
from hopscope.fleet.messages import BadMessage, Says, Shown
from hopscope.fleet.outbox import SiteOutbox
from hopscope.fleet.sites import Assignments
from hopscope.fleet.transport import Consumer, NotConnected, Received, end_all
from hopscope.history.schema import StoreError
from hopscope.system.background import in_background, until_its_end

AT_ONCE: Final = 256
"""Messages of one commit."""
WAIT_S: Final = 0.25
"""For them."""
TELL_S: Final = 0.5
"""Between two times that a site hears of its marks."""
READ_S: Final = 2.0
"""Between two looks at the assignments."""
PRUNE_S: Final = 5.0
COMPLAIN_S: Final = 60.0
"""Between two lines on what a site sends that is none of ours."""


class Hub:
    """One hub's run. For the loop in which it is made."""

    def __init__(
        self, store: HubStore, consumer: Consumer, say: Callable[[str], None], assignments: Assignments | None = None
    ) -> None:
        """`say` is told what a person should know, in a line."""
        self._store = store
        self._consumer = consumer
        self._say = say
        self._assignments = assignments
        self._assigned = store.assigned()
        self._heard: dict[str, set[str]] = {}
        """By site: boots whose marks are to be told."""
        self._answered: dict[str, float] = {}
        """By site, when it last asked and was answered."""
        self._told_at = self._pruned_at = 0.0
        self._complained: dict[str, float] = {}
        self._trouble: str | None = None
        self._is_showing = asyncio.Lock()
        self._is_busy = asyncio.Lock()
        """The store is for one at a time."""
        store.on_refused = self._refused

    async def run(self, until: Awaitable[None]) -> None:
        """Until `until` is done. `StoreError` where the store cannot be used any more."""
        working = asyncio.ensure_future(self._work())
        stopping = asyncio.ensure_future(until)
        try:
            await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_all(stopping, working)
            await self._consumer.close()
        if not working.cancelled():
            working.result()

    async def _work(self) -> None:
        await self._connect()
        reading = asyncio.ensure_future(self._follow_assignments())
        try:
            while True:
                try:
                    self._store.stream = await self._consumer.begin(self._store.stream, self._store.position)
                    while True:
                        await self._keep(await self._consumer.fetch(AT_ONCE, WAIT_S))
                except NotConnected:
                    await asyncio.sleep(0.5)
        finally:
            await end_all(reading)

    async def _connect(self) -> None:
        while True:
            try:
                await self._consumer.open(self._asked, self._looked)
            except NotConnected as why:
                if not why.passes:
                    self._tell(str(why))
                await asyncio.sleep(1.0)
            else:
                return

    async def _keep(self, received: list[Received]) -> None:
        """Put it on the disk, however long that takes; then it is acknowledged. `StoreError`: that never works."""
        while received:
            try:
                async with self._is_busy:
                    heard = await until_its_end(lambda: self._store.commit(received, time_ns()))
            except StoreError as why:
                self._tell(f"the store: {why}")
                if not why.passes:
                    raise
                await asyncio.sleep(1.0)
                continue
            self._trouble = None
            await self._consumer.done()
            for site, boots in heard.items():
                self._heard.setdefault(site, set()).update(boots)
            break
        now = monotonic()
        if self._heard and now - self._told_at >= TELL_S:
            self._told_at = now
            heard, self._heard = self._heard, {}
            for site, boots in heard.items():
                await self._say_marks(site, boots)
        if now - self._pruned_at >= PRUNE_S:
            async with self._is_busy:
                with suppress(StoreError):
                    if await until_its_end(self._store.prune):
                        self._pruned_at = now

    async def _say_marks(self, site: str, boots: set[str], version: int | None = None) -> None:
        """What is here of these boots; where the agent has other targets than `version` says, which ones it should."""
        wanted, targets = self._assigned.get(site, (0, []))
        is_new = version is not None and wanted and version != wanted
        says = Says(
            self._store.name,
            {boot: self._store.mark(site, boot) for boot in sorted(boots)},
            wanted,
            targets if is_new else None,
        )
        await self._consumer.say(site, messages.encode(says))

    async def _asked(self, site: str, data: bytes) -> None:
        try:
            asks = messages.read_asks(data)
        except BadMessage as why:
            self._refused(site, str(why), 1)
            return
        now = monotonic()
        if now - self._answered.get(site, -TELL_S) < TELL_S:  # no agent asks so soon; its marks are told all the same
            known = {boot for boot in asks.boots if self._store.mark(site, boot) >= 0}
            self._heard.setdefault(site, set()).update(known)
            return
        if site in self._answered or len(self._answered) < messages.MOST_SITES:
            self._answered[site] = now
        await self._say_marks(site, set(asks.boots), asks.version)

    async def _looked(self, token: str) -> None:
        """Somebody wants to see what is here: of the last run of each site all but what is in segments. What comes
        from then on the broker has."""
        async with self._is_showing:
            end = Shown(self._store.stream, self._store.position)
            with suppress(NotConnected, StoreError, OSError):
                for site, boot in self._store.newest():
                    for part in await in_background(lambda site=site, boot=boot: self._shown(site, boot)):  # type: ignore[misc]
                        await self._consumer.show(token, site, part)
                await self._consumer.show(token, "", messages.encode(end))

    def _shown(self, site: str, name: str) -> list[bytes]:
        with closing(SiteOutbox(self._store.path, site)) as outbox:
            boot, found, after = outbox.boot(name), [], -1
            if boot is not None:  # its last rows may stand in segments alone
                boot = boot._replace(newest=max(boot.newest, boot.mark))
            while boot is not None and after < boot.newest:
                for message in outbox.messages(boot, after):
                    found.append(messages.encode(message))
                    after = message.last
        return found

    # --- what they should probe ---------------------------------------------------------------------------------

    async def _follow_assignments(self) -> None:
        """Who asked before is told at once, others when they ask."""
        while self._assignments is not None:
            try:
                targets = self._assignments.changed(self._store.sites | self._answered.keys())
                if targets is not None:
                    async with self._is_busy:
                        await until_its_end(lambda targets=targets: self._store.assign(targets))  # type: ignore[misc]
                        self._assigned = self._store.assigned()
                    if targets:
                        sites = "1 site" if len(targets) == 1 else f"{len(targets)} sites"
                        self._say(f"targets are assigned to {sites}")
                    for site in sorted(self._answered.keys() & self._assigned.keys()):
                        await self._say_marks(site, set(), -1)
            except (StoreError, ValueError, OSError) as why:
                self._say(f"the assignments: {why}; those before are still good")
            await asyncio.sleep(READ_S)

    # --- what is wrong ------------------------------------------------------------------------------------------

    def _refused(self, site: str, why: str, count: int) -> None:
        now = monotonic()
        if now - self._complained.get(site, -COMPLAIN_S) >= COMPLAIN_S and len(self._complained) < messages.MOST_SITES:
            self._complained[site] = now
            self._say(f"{site or 'an agent'}: a message is refused ({count} by now): {why}")

    def _tell(self, words: str) -> None:
        """Each trouble once."""
        if words != self._trouble:
            self._trouble = words
            self._say(words)
