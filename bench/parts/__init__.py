"""The parts of the bench. Each takes whether to be quick and a folder for its files, and gives its rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.measure import Row
from bench.parts.accuracy import accuracy
from bench.parts.cost import cost
from bench.parts.day import day
from bench.parts.fast import fast
from bench.parts.flood import flood
from bench.parts.judge import judge
from bench.parts.live import screen
from bench.parts.metrics import metrics
from bench.parts.names import names
from bench.parts.past import past
from bench.parts.recording import recording
from bench.parts.scale import scale
from bench.parts.stall import stall
from bench.parts.start import version
from bench.parts.stream import stream
from bench.parts.web import web

PARTS: Final[dict[str, Callable[[bool, Path], list[Row]]]] = {
    "version": version,
    "accuracy": accuracy,
    "cost": cost,
    "screen": screen,
    "stream": stream,
    "stall": stall,
    "scale": scale,
    "names": names,
    "day": day,
    "fast": fast,
    "judge": judge,
    "past": past,
    "recording": recording,
    "metrics": metrics,
    "flood": flood,
    "web": web,
}
"""By the names of the command line, in the order of the table."""
