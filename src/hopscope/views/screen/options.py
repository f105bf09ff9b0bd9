"""What a user may choose about the screen: one frozen struct, filled by the command line and the configuration file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from hopscope.path.windows import WindowName
from hopscope.session.model import Probing, Snapshot

NamesMode: TypeAlias = Literal["names", "addresses", "both"]
ChartView: TypeAlias = Literal["time", "profile", "distribution", "heat"]
Scale: TypeAlias = Literal["usual", "all", "hop"]
Glyphs: TypeAlias = Literal["auto", "unicode", "ascii"]

SCALES: tuple[Scale, ...] = ("usual", "all", "hop")
NAMES_MODES: tuple[NamesMode, ...] = ("names", "addresses", "both")
CHART_VIEWS: tuple[ChartView, ...] = ("time", "profile", "distribution", "heat")
DEFAULT_COLUMNS: tuple[str, ...] = ("loss", "sent", "last", "best", "avg", "p95", "jitter", "spark")
DEFAULT_THEME = "hopscope"

ReportWriter: TypeAlias = Callable[[Snapshot, int, str], str]
"""``(snapshot, target, format)`` to the text of a report, one of the contract's formats or ``ticket``: sentence, span
of time, zone and table as plain text."""
SaveSettings: TypeAlias = Callable[[Mapping[str, Any]], str]
"""Keeps settings in the configuration file; returns its path. Raises OSError or ValueError with one line of why.
The mapping has the configuration's own shape: ``{"screen": {"theme": …, "columns": […], …}, "probe": {…}}``."""
Creator: TypeAlias = Callable[[str], int]
"""Makes a new file and returns a descriptor for writing to it. Raises OSError, FileExistsError among them."""


class ScreenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The screen's options. Everything has a default; `check.check` says what is wrong with a choice."""

    columns: tuple[str, ...] = DEFAULT_COLUMNS
    """Keys of `hopscope.views.screen.columns.COLUMNS`, in their order; number and host always stand first."""
    keys: Mapping[str, str] = {}
    """Action to keys, e.g. ``{"probe.pause": "p,space"}``; an action's keys here replace its default ones."""
    theme: str = DEFAULT_THEME
    names: NamesMode = "names"
    owners: bool = False
    """Show the AS of an address (``z``)."""
    hidden_hops: int = 0
    """The addresses and names of so many first hops, and of this machine, are hidden (``b``)."""
    mpls: bool = True
    """Show MPLS labels (``e``)."""
    chart: bool | None = None
    """Chart on or off; None: where there is room for it."""
    chart_view: ChartView = "time"
    details: bool = False
    """The panel of the chosen hop beside the chart, where there is room for it (``v``)."""
    scale: Scale = "usual"
    """Sparklines in fixed steps over each hop's usual time, from 0 on one scale for all hops, or each on its own."""
    window: WindowName = "start"
    """What the numbers are over (``F``)."""
    glyphs: Glyphs = "auto"
    """``ascii`` draws with ASCII alone; ``auto`` does so on a plain console."""
    refresh_s: float = 1.0
    """Seconds between two drawings in the steady state, at the most; keys and young paths are drawn at once."""
    probing: Probing = Probing()
    """How targets that are added later are probed."""
    report: ReportWriter | None = None
    save_settings: SaveSettings | None = None
    create: Creator | None = None
    """None: files are made as any program does."""
    why_no_files: str | None = None
    """Who looks is not who may write here: what is said where a key would; None: they may."""
    keeps_hidden: bool = False
    """Nor may they see the hops that are hidden."""
    port: int | None = None
    """For a target that is probed by UDP or TCP later."""
    bell: bool = False
    """Ring the terminal's bell when a target is lost and when it is back."""
    leaves_table: bool = True
    """``q`` leaves sentence and table on the terminal."""
    ends_with_probing: bool = False
    """End once all rounds are over, as mtr's screen does with ``-c``."""


class RowOptions(msgspec.Struct, frozen=True):
    """How rows are shown: whatever of it changes, all rows are drawn anew."""

    names: NamesMode = "names"
    owners: bool = False
    mpls: bool = True
    unfolded: bool = False
    """Each address of a hop in a row."""
    scale: Scale = "usual"
