"""Make every picture in ``screenshots/``: SVG and PNG, of the demo's scenarios, the same bytes each run.

    .venv/bin/python tools/pictures.py [NAME ...]

The real engine, sweep and simulated network play each scenario in virtual time; the real screen shows what came of it.
The PNGs need ``fonts-firacode`` (and a font with braille, such as DejaVu's) on the machine.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from hopscope.views.screen.app import HopscopeApp  # noqa: E402
from hopscope.views.screen.options import ScreenOptions  # noqa: E402
from tests.screen.virtual import VirtualSession, launch  # noqa: E402

HERE = TOP / "tools"
OUT = Path(os.environ.get("PICTURES", TOP / "screenshots"))


@dataclass(frozen=True)
class Shown:
    """A target of a picture: a scenario of the demo under a name of its own."""

    scenario: str = "tour"
    name: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Picture:
    """One picture: what is probed for how long, how large the terminal is, which keys are pressed."""

    name: str
    targets: tuple[Shown, ...] = (Shown(),)
    size: tuple[int, int] = (120, 34)
    seconds: float = 300.0
    keys: tuple[str, ...] = ()
    options: ScreenOptions = field(default_factory=lambda: ScreenOptions(glyphs="unicode"))
    paused: bool = False


THREE = (
    Shown("tour", "www.example.com"),
    Shown("lossy-link", "shop.example.net"),
    Shown("healthy", "mail.example.org"),
)
OFFICES = tuple(
    Shown(str(HERE / "offices.toml"), target["name"])
    for target in tomllib.loads((HERE / "offices.toml").read_text("utf-8"))["targets"]
)
PICTURES = (
    Picture("outage", (Shown("outage"),), seconds=88.0),
    Picture("time-travel", (Shown("route-change"),), seconds=110.0, keys=("comma",)),
    Picture("many", OFFICES, seconds=600.0, keys=("g",)),
    Picture("tour", THREE, (132, 40)),
    Picture("tour-160x50", THREE, (160, 50), 900.0),
    Picture("80x24", THREE, (80, 24)),
    Picture("60x16", THREE, (60, 16)),
    Picture("40x12", THREE, (40, 12)),
    Picture("loss", (Shown("lossy-link"),), keys=("up", "up", "up", "up")),
    Picture("heat", (Shown("outage"),), (132, 40), 236.0, keys=("d", "d", "d")),
    Picture("profile", THREE, keys=("d",)),
    Picture("distribution", THREE, keys=("d", "d", *["up"] * 7)),
    Picture("cursor", THREE, keys=("up", "up", *["left_square_bracket"] * 30)),
    Picture("owners", THREE, (160, 44), options=ScreenOptions(glyphs="unicode", names="both", owners=True)),
    Picture("hop", THREE, (120, 44), keys=("up",) * 6 + ("enter",)),
    Picture("columns", THREE, keys=("o",)),
    Picture("settings", THREE, keys=("s",)),
    Picture("help", (Shown(),), (120, 44), keys=("question_mark",)),
    Picture("paused", (Shown(),), (100, 30), paused=True),
    Picture("light", THREE, (132, 40), options=ScreenOptions(glyphs="unicode", theme="hopscope-light")),
    Picture("colourblind", THREE, keys=("2",), options=ScreenOptions(glyphs="unicode", theme="hopscope-colourblind")),
    Picture("sixteen-colours", THREE, keys=("2",), options=ScreenOptions(glyphs="unicode", theme="ansi-dark")),
    Picture("ascii", THREE, (100, 30), keys=("2",), options=ScreenOptions(glyphs="ascii", theme="ansi-dark")),
)


def played(picture: Picture) -> VirtualSession:
    """The session after the picture's seconds."""
    session = VirtualSession(*((shown.scenario, shown.name, shown.seed) for shown in picture.targets))
    session.play(picture.seconds)
    if picture.paused:
        session.pause()
    return session


async def take(picture: Picture) -> str:
    """The picture as SVG."""
    session = played(picture)
    app = HopscopeApp(lambda: launch(session), picture.options)
    async with app.run_test(size=picture.size) as pilot:
        while app.context is None or not app.shown.rows:
            await pilot.pause()
        for key in picture.keys:
            await pilot.press(key)
        await pilot.pause()
        return app.picture()


def png(svg: str) -> bytes:
    """The picture as PNG."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, monospace_family="Fira Code", zoom=1))


def as_on_any_machine() -> None:
    """Clock and terminal of no machine in particular."""
    os.environ.update(TZ="UTC", TERM="xterm-256color", COLORTERM="truecolor")
    os.environ.pop("NO_COLOR", None)
    time.tzset()


def main(names: list[str]) -> int:
    unknown = set(names) - {picture.name for picture in PICTURES}
    if unknown:
        print(
            f"no picture {', '.join(sorted(unknown))}; there are {', '.join(p.name for p in PICTURES)}", file=sys.stderr
        )
        return 2
    as_on_any_machine()
    OUT.mkdir(exist_ok=True)
    for picture in PICTURES:
        if names and picture.name not in names:
            continue
        svg = asyncio.run(take(picture))
        (OUT / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
        (OUT / f"{picture.name}.png").write_bytes(png(svg))
        print(picture.name, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
