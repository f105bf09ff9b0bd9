"""What others see of a target's fold: a `Target`, its numbers over the window that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from hopscope.names.facts import Namer
from hopscope.path.past import Sliding
from hopscope.path.shared import pooled
from hopscope.path.snapshot import Path
from hopscope.path.windows import WindowName
from hopscope.session.model import Target
from hopscope.session.naming import names_of

if TYPE_CHECKING:
    from hopscope.judge.judge import Judge
    from hopscope.path.flows import ParallelFlows
    from hopscope.path.fold import PathFold
    from hopscope.path.past import Past
    from hopscope.path.shared import SharedHops
    from hopscope.session.comparison import Comparison
    from hopscope.session.model import TargetState
    from hopscope.session.told import Told
    from hopscope.wire.facts import Unresolved
    from hopscope.wire.messages import Plan, Refused, SourceChanged, Started

_S: Final = 1_000_000_000


class Folded(Protocol):
    """What it looks at: a `session.target_fold.TargetFold`."""

    number: int
    query: str
    plan: Plan | None
    started: Started | None
    refusal: Refused | None
    unresolved: Unresolved | None
    source_change: SourceChanged | None
    path: PathFold
    past: Past
    judge: Judge
    flows: ParallelFlows
    comparison: Comparison | None
    shared: SharedHops
    told: Told
    version: int

    @property
    def state(self) -> TargetState: ...
    @property
    def address(self) -> str | None: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


class TargetView:
    """Of one fold; the next look is near the last."""

    def __init__(self) -> None:
        self._sliding: Sliding | None = None
        """The window that was looked at last, where it is none of all since the start."""
        self._cached: Target | None = None
        self._cached_of: tuple[object, ...] = ()

    def snapshot(
        self,
        fold: Folded,
        namer: Namer | None,
        is_tried_again: bool,
        window: WindowName,
        now: int,
        most: int | None,
    ) -> Target:
        """The target at this moment; the same object as before where nothing changed. `is_tried_again`: it could not be
        started, and somebody will try again. `window`: what its numbers are over; one that ends `now` (epoch ns), made
        of at most so many facts for a look (`most`)."""
        second = 0 if window == "start" else now // _S
        key = (fold.version, is_tried_again, namer.version if namer is not None else 0, window, second)
        if self._cached is not None and key == self._cached_of:
            return self._cached
        path, shared, flows = self._path(fold, window, now, most), fold.shared.snapshot(), fold.flows.snapshot()
        if shared and window == "start":
            path = msgspec.structs.replace(
                path, pooled=tuple(pooled(hop, shared[hop.ttl]) for hop in path.hops if hop.ttl in shared)
            )
        judged = fold.judge.judged()
        if now:
            fold.told.keep(judged, now)
        self._cached_of, self._cached = (
            key,
            Target(
                fold.number,
                fold.query,
                fold.state,
                fold.address,
                fold.plan,
                fold.started,
                fold.refusal,
                fold.unresolved.why if fold.unresolved is not None else None,
                path,
                names_of((path, *(flow.path for flow in flows)), namer),
                fold.notes,
                is_tried_again,
                fold.source_change,
                judged,
                shared,
                flows,
                fold.comparison.findings if flows and fold.comparison is not None else (),
                fold.flows.discovered,
            ),
        )
        return self._cached

    def _path(self, fold: Folded, window: WindowName, now: int, most: int | None) -> Path:
        """Its path, the numbers over a window that ends `now` (epoch ns); `most`: see `Sliding`."""
        if window == "start":
            return fold.path.snapshot()
        if self._sliding is None or self._sliding.window != window:
            self._sliding = Sliding(fold.past, window)
        return self._sliding.path(fold.path, now, most)
