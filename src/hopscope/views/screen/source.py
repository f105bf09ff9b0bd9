"""What the screen asks of a session: `hopscope.session.Session`, or a scripted one in tests and pictures."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias, runtime_checkable

from hopscope.path.bins import SpanBins
from hopscope.path.windows import WindowName
from hopscope.session.model import Probing, Snapshot
from hopscope.session.told import Happening


class SessionLike(Protocol):
    """Many targets being probed. Nothing here blocks; what fails shows in the next snapshot, in words."""

    @property
    def version(self) -> int:
        """Grows with every change: two snapshots of the same version are the same."""
        ...

    def snapshot(self) -> Snapshot:
        """The whole session at this moment."""
        ...

    async def changed(self, version: int | None = None) -> int:
        """Wait until the version is another one than `version` (None: than now); the new one."""
        ...

    def add(self, query: str, probing: Probing | None = None) -> int:
        """Begin to resolve and probe a target; its number. `ValueError` where it cannot be one."""
        ...

    def remove(self, target: int) -> None:
        """Stop probing a target and forget it."""
        ...

    def set_aside(self, target: int) -> None:
        """As `remove`, but for a minute it can be brought back."""
        ...

    def bring_back(self, target: int) -> bool:
        """Show and probe a target again that was set aside, with all that was found. False: it is forgotten."""
        ...

    def pause(self, target: int | None = None) -> None:
        """Send no new probes to a target (None: to any)."""
        ...

    def resume(self, target: int | None = None) -> None:
        """Probe again."""
        ...

    def reset(self, target: int | None = None) -> None:
        """Begin the statistics of a target (None: of all) anew."""
        ...

    def retry(self, target: int | None = None) -> bool:
        """Try again now what could not be started: a target (None: any), the worker. Whether there was something."""
        ...

    def probing(self, target: int) -> Probing:
        """How a target is probed now."""
        ...

    def numbers_over(self, window: WindowName) -> None:
        """Which window snapshots' numbers are over from now on."""
        ...

    def ask_owners(self, on: bool) -> None:
        """Whether owners of addresses are asked for by DNS from now on."""
        ...

    def adjust(
        self,
        target: int,
        *,
        interval_s: float | None = None,
        timeout_s: float | None = None,
        first_ttl: int | None = None,
        max_ttl: int | None = None,
        max_unknown: int | None = None,
    ) -> None:
        """Change what can change without a new flow; None leaves a value as it is. `ValueError` with one line."""
        ...

    def restart(self, target: int, probing: Probing) -> None:
        """Probe a target in another way: a new flow, statistics anew."""
        ...

    def take_back(self, target: int) -> bool:
        """Take the last `reset` or `restart` of a target back, with all that was found before. False: it is too late.
        `KeyError` where there is no such target any more."""
        ...


@runtime_checkable
class Recalling(Protocol):
    """A session that knows what it was at earlier moments."""

    def recall(self, moment: int, chosen: int | None = None) -> Snapshot:
        """As it was known at a moment (epoch ns), and what was said then; the `chosen` target first. `ValueError` with
        a line where that cannot be shown."""
        ...

    @property
    def is_recalled(self) -> bool:
        """Whether the last `recall` knew all; False: asked again, it knows more."""
        ...

    def let_go(self) -> None:
        """The present is shown again."""
        ...

    @property
    def earliest(self) -> int:
        """The first moment that can be gone to (epoch ns)."""
        ...

    def bins(self, target: int, begin: int, end: int, span: int, ttls: Container[int]) -> list[SpanBins]:
        """A target's run from `begin` to `end` (epoch ns) in bins of a span (ns), by TTL (0: the target)."""
        ...

    def happenings(self, target: int) -> Sequence[Happening]:
        """The moments of a target that are worth going to, in order of time."""
        ...


@runtime_checkable
class Watching(Protocol):
    """A session that probes nothing: what is shown was, or is being, recorded by somebody else."""

    @property
    def why_not(self) -> str:
        """Why nothing is probed, in a line."""
        ...

    @property
    def opens_at(self) -> int | None:
        """The moment to be shown first (epoch ns); None: the newest."""
        ...


@runtime_checkable
class Opening(Protocol):
    """A session of so many targets that those alone are whole which somebody looks at. It begins with all of them."""

    @property
    def is_whole(self) -> bool:
        """Whether all targets are known by now."""
        ...

    def look_at(self, number: int | None) -> None:
        """Which target is looked at from now on; None: all of them. What is known of it may come later."""
        ...


Launch: TypeAlias = Callable[[], AbstractAsyncContextManager[SessionLike]]
"""Gives the session that the screen shows; entered once the screen stands, left before it ends."""
