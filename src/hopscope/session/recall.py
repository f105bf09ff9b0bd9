"""Earlier moments of a session: its targets as they were known then, and what was said of them then.

The chosen target is made whole at once. Of many others each costs some milliseconds, so they follow a few at a time:
until then they have their verdicts and no numbers.
"""

from __future__ import annotations

import time
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from hopscope.judge.verdict import Judged
from hopscope.names.facts import Namer
from hopscope.path.flows import until
from hopscope.path.fold import PathFold
from hopscope.path.past import Walk
from hopscope.path.snapshot import Path
from hopscope.path.windows import WindowName
from hopscope.session.model import Target, TargetState
from hopscope.session.naming import names_of
from hopscope.session.target_fold import TargetFold

if TYPE_CHECKING:
    from hopscope.judge.parallel import FlowFinding

_FOR_OTHERS_S: Final = 0.03
"""What a look at an earlier moment may spend on targets that are not the chosen one."""


class Recall:
    """A session's earlier moments, for somebody who goes about in them: the next one is near the last."""

    def __init__(self) -> None:
        self._walks: dict[int, Walk] = {}
        self._paths: dict[int, tuple[tuple[int, WindowName, int], Path | None]] = {}
        self._targets: dict[int, tuple[tuple[object, ...], Target]] = {}
        self.is_whole = True
        """Whether the last look knew the numbers of all targets."""

    def targets(
        self,
        known: Sequence[tuple[TargetFold, Target]],
        moment: int,
        window: WindowName,
        chosen: int | None,
        namer: Namer | None,
        unknown: Container[int] = (),
    ) -> tuple[Target, ...]:
        """All targets as they were known at a moment (epoch ns). `known`: as they are now; `unknown`: the numbers of
        those that were not told all of it yet."""
        self.is_whole = True
        began = time.perf_counter()
        out: dict[int, Target] = {}
        for fold, now in sorted(known, key=lambda pair: pair[0].number != chosen):
            is_due = fold.number == chosen or time.perf_counter() - began < _FOR_OTHERS_S
            is_due = is_due and fold.number not in unknown
            path = self._path(fold, moment, window, is_due=is_due)
            out[fold.number] = self._target(fold, now, path, moment, namer)
        return tuple(out[now.id] for _, now in known)

    def pass_by(self, fold: TargetFold) -> None:
        """A target was told all until some moment: remember how it stood, for those who go back to there."""
        self._walks.setdefault(fold.number, Walk(fold.past)).pass_by(fold.path)

    def forget(self, fold: TargetFold) -> None:
        """A target was told something that changes its past."""
        self._walks.pop(fold.number, None)
        self._paths.pop(fold.number, None)

    def _path(self, fold: TargetFold, moment: int, window: WindowName, *, is_due: bool) -> Path:
        """Its path then; one without hops where that is forgotten, or is not due yet."""
        key = moment, window, id(fold.past)
        known = self._paths.get(fold.number)
        if known is None or known[0] != key:
            if not is_due:
                self.is_whole = False
                return PathFold(fold.address or "").snapshot()
            walk = self._walks.setdefault(fold.number, Walk(fold.past))
            known = key, walk.path(moment, window, fold.path)
            self._paths[fold.number] = known
        return known[1] or PathFold(fold.address or "").snapshot()

    def _target(self, fold: TargetFold, now: Target, path: Path, moment: int, namer: Namer | None) -> Target:
        key = path, moment, namer.version if namer is not None else 0
        known = self._targets.get(fold.number)
        if known is not None and known[0][0] is path and known[0][1:] == key[1:]:
            return known[1]
        judged = fold.told.at(moment, now.judged)
        flows = tuple(until(flow, path.first_round + len(path.round_times)) for flow in now.flows)
        target = msgspec.structs.replace(
            now,
            state=state_at(judged, moment, has_begun=path.started_at is not None),
            refusal=None,
            error=None,
            path=path,
            names=names_of((path, *(flow.path for flow in flows)), namer),
            is_tried_again=False,
            source_change=now.source_change if now.source_change and now.source_change.at <= moment else None,
            judged=judged,
            flows=flows,
            findings=_compared([path, *(flow.path for flow in flows)]) if flows else (),
        )
        self._targets[fold.number] = key, target
        return target


def _compared(paths: Sequence[Path]) -> tuple[FlowFinding, ...]:
    from hopscope.session.comparison import compared  # with several flows alone

    return compared(paths)


def state_at(judged: Judged, moment: int, *, has_begun: bool) -> TargetState:
    """What a user saw of a target at a moment."""
    pauses = (mark for mark in judged.marks if mark.kind == "pause")
    if any(mark.begin <= moment and mark.end is None for mark in pauses):
        return "paused"
    return "running" if has_begun else "starting"
