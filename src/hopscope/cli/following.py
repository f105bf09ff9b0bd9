"""A store that another program writes, watched: looked at again and again, until it cannot be read any more."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from types import TracebackType
from typing import Self

from hopscope.cli.stores import UNREADABLE
from hopscope.cli.watched import Watched


class Following(Watched, ABC):
    """The part of `views.screen.source.SessionLike` that is about changes; what a look does is a subclass's."""

    def __init__(self) -> None:
        self.trouble: str | None = None
        """Why nothing can be read, or not right now; None: it can."""
        self._version = 0
        self._is_new = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    @abstractmethod
    def take(self) -> bool:
        """Take what was written since the last time; whether there was anything. `stores.UNREADABLE`."""

    def look(self) -> bool:
        """The same, and let who waits know."""
        is_new = self.take()
        if is_new:
            self._changed()
        return is_new

    @property
    @abstractmethod
    def pause_s(self) -> float | None:
        """Seconds until the next look; None: there is none."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the store. Idempotent."""

    async def __aenter__(self) -> Self:
        self._following = asyncio.get_running_loop().create_task(self._look_on())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        self.close()

    async def _look_on(self) -> None:
        while (pause_s := self.pause_s) is not None:
            await asyncio.sleep(pause_s)
            before = self.trouble
            try:
                self.look()
            except UNREADABLE as why:
                self.trouble = str(why)
                if not getattr(why, "passes", False):
                    self._changed()
                    return
            else:
                self.trouble = None
            if self.trouble != before:
                self._changed()

    def _changed(self) -> None:
        self._version += 1
        self._is_new.set()

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._version

    async def changed(self, version: int | None = None) -> int:
        """See `Session.changed`."""
        version = self._version if version is None else version
        while self._version == version:
            self._is_new.clear()
            await self._is_new.wait()
        return self._version
