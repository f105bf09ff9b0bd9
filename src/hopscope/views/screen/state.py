"""What the user chose to look at: everything that a key changes without asking the session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from hopscope.path.snapshot import Hop
from hopscope.path.windows import WindowName
from hopscope.session.model import Snapshot, Target
from hopscope.session.told import Happening
from hopscope.views.screen import folding
from hopscope.views.screen.cells import Binned, UsualTimes
from hopscope.views.screen.fans import FanCache
from hopscope.views.screen.judged import HealthCache
from hopscope.views.screen.options import ChartView, NamesMode, RowOptions, Scale, ScreenOptions
from hopscope.views.screen.overview import OverviewOrder
from hopscope.views.screen.table import TableCache


class ViewState(msgspec.Struct):
    """The screen's own state. `shown` is the snapshot that is drawn: of the `moment`, where that is not now."""

    shown: Snapshot
    columns: tuple[str, ...]
    names: NamesMode
    owners: bool
    mpls: bool
    chart: bool | None
    chart_view: ChartView
    details: bool
    scale: Scale
    window: WindowName
    unfolded: bool = False
    target: int | None = None
    """The chosen target's number."""
    hops: dict[int, int] = msgspec.field(default_factory=dict)
    """The chosen hop's TTL by target; the path's last hop where there is none."""
    ports: dict[int, int | None] = msgspec.field(default_factory=dict)
    """By target, the port that was asked for when it was last probed by UDP or TCP."""
    on_sentence: bool = False
    """The cursor stands on the sentences above the table."""
    overview: bool = False
    """Show all targets, a row each."""
    order: OverviewOrder = msgspec.field(default_factory=OverviewOrder)
    moment: int | None = None
    """The moment that is shown (epoch ns); None: now, whatever time it is."""
    live: Snapshot | None = None
    """The newest snapshot, where another one is shown."""
    is_recording: bool = False
    """Nothing is probed: what is shown last is the end of a recording."""
    span_s: int | None = None
    """What the time axis spans (s); None: the run, up to a quarter of an hour."""
    binned: Callable[[int], Binned] | None = None
    """By target, what knows of a time before its path's window."""
    happenings: Callable[[int], Sequence[Happening]] | None = None
    """By target, what happened."""
    usual: dict[int, UsualTimes] = msgspec.field(default_factory=dict)
    """By target, what is usual at its hops."""
    top: int = 0
    """The first line of the table, or of the overview, that is in sight."""
    opened: set[int] = msgspec.field(default_factory=set)
    """Targets of which a folded row was opened."""
    tables: dict[int, TableCache] = msgspec.field(default_factory=dict)
    fans: FanCache = msgspec.field(default_factory=FanCache)
    """Of each target, the paths that its flows take."""
    judge: HealthCache = msgspec.field(default_factory=HealthCache)
    sought: str = ""
    """What was looked for last."""
    said: str | None = None
    """A line of what just happened, at `said_at` (epoch ns of the session)."""
    said_at: int = 0
    sifted: str = ""
    """Only targets with this in them stand in the overview; empty: all."""
    _indices: dict[int, tuple[tuple[Target, ...], dict[int, Target]]] = msgspec.field(default_factory=dict)
    _states: tuple[tuple[Target, ...] | None, list[str]] = (None, [])
    """Of which targets they are, and the states."""
    _alike: tuple[tuple[Target, ...], set[tuple[str | None, str]]] = ((), set())
    """Of which targets it is: the sites and names that several of them have."""

    @classmethod
    def begin(cls, options: ScreenOptions, shown: Snapshot) -> ViewState:
        """The state that the options ask for."""
        return cls(
            shown=shown,
            columns=options.columns,
            names=options.names,
            owners=options.owners,
            mpls=options.mpls,
            chart=options.chart,
            chart_view=options.chart_view,
            details=options.details,
            scale=options.scale,
            window=options.window,
        )

    def see(self, snapshot: Snapshot) -> None:
        """Show a newer snapshot; choices that no longer exist are let go."""
        self.shown = snapshot
        ids = self._index(snapshot).keys()
        if self.target not in ids:
            self.target = snapshot.targets[0].id if snapshot.targets else None
        for gone in [key for key in self.tables if key not in ids]:
            del self.tables[gone]
            self.usual.pop(gone, None)
            self.hops.pop(gone, None)
            self.opened.discard(gone)
        self.judge.keep_only(set(ids))

    @property
    def chosen(self) -> Target | None:
        """The chosen target."""
        return self._index(self.shown).get(self.target or 0)

    def _index(self, snapshot: Snapshot) -> dict[int, Target]:
        """A snapshot's targets by number."""
        known = self._indices.get(id(snapshot.targets))
        if known is None or known[0] is not snapshot.targets:
            if len(self._indices) > 1:
                self._indices.clear()
            known = snapshot.targets, {target.id: target for target in snapshot.targets}
            self._indices[id(snapshot.targets)] = known
        return known[1]

    @property
    def states(self) -> list[str]:
        """Of each target that is shown, in their order, what it is like: a key of `look.Look.health`."""
        if self._states[0] is not self.shown.targets:
            self._states = self.shown.targets, [self.judge.state(target) for target in self.shown.targets]
        return self._states[1]

    @property
    def by_id(self) -> dict[int, Target]:
        """The targets that are shown, by number."""
        return self._index(self.shown)

    @property
    def present(self) -> Snapshot:
        """The newest snapshot."""
        return self.shown if self.live is None else self.live

    @property
    def chosen_now(self) -> Target | None:
        """The chosen target as it is now."""
        return self._index(self.present).get(self.target or 0)

    def label(self, target: Target) -> str:
        """What it is called where several stand side by side: with its site, and its port where another has the same
        name there."""
        plan, site = target.plan, target.site
        name = target.query if site is None else f"{site} {target.query}"
        if self._alike[0] is not self.shown.targets:
            counts = Counter((other.site, other.query) for other in self.shown.targets)
            self._alike = self.shown.targets, {each for each, count in counts.items() if count > 1}
        if plan is None or (site, target.query) not in self._alike[1]:
            return name
        return f"{name} {plan.protocol}{f' {plan.port}' if plan.protocol != 'icmp' else ''}"

    def table_cache(self, target: Target) -> TableCache:
        """What keeps a target's table calm."""
        return self.tables.setdefault(target.id, TableCache())

    def items(self, target: Target) -> list[folding.Item]:
        """The rows of a target's path, those that say the same as one."""
        return folding.items(target.path, is_open=self.unfolded or target.id in self.opened)

    def cursor(self, target: Target) -> int | None:
        """The TTL of the chosen row: the user's choice where it still exists, else the last hop; where hops at the end
        are folded, the last one before them."""
        rows = self.items(target)
        wanted = self.hops.get(target.id)
        if wanted is not None and rows:
            for row in rows:
                if folding.ttl_of(row) <= wanted <= (row.ttl if isinstance(row, Hop) else row.last):
                    return folding.ttl_of(row)
        single = [row.ttl for row in rows if isinstance(row, Hop)]
        return single[-1] if single else folding.ttl_of(rows[-1]) if rows else None

    def is_on_fold(self, target: Target) -> bool:
        """Whether the chosen row stands for several hops."""
        at = self.cursor(target)
        return any(isinstance(row, folding.Fold) and row.first == at for row in self.items(target))

    def is_on_fan(self) -> bool:
        """Whether the chosen target's flows part at the chosen row."""
        target = self.chosen
        return target is not None and self.fans.members(target, self.cursor(target)) is not None

    def chosen_hop(self, target: Target) -> Hop | None:
        """The chosen hop."""
        cursor = self.cursor(target)
        return next((hop for hop in target.path.rows if hop.ttl == cursor), None)

    @property
    def row_options(self) -> RowOptions:
        """How the table's rows are shown."""
        # By name: a field that was forgotten here would leave rows as they are when its key is pressed.
        return RowOptions(**{name: getattr(self, name) for name in RowOptions.__struct_fields__})
