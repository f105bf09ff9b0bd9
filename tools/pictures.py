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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from hopscope.judge.judge import Judge
from hopscope.names.clean import clean
from hopscope.names.facts import AddressInfo, Asn
from hopscope.path.fold import PathFold
from hopscope.session.model import Probing, Snapshot, Target
from hopscope.sim.library import demo
from hopscope.views.screen.app import HopscopeApp
from hopscope.views.screen.options import ScreenOptions
from hopscope.wire.messages import Answered, Counters, Failed, Lost, Pause, Plan, RoundStarted, Sent, Start, Started

TOP = Path(__file__).resolve().parent.parent
OUT = Path(os.environ.get("PICTURES", TOP / "screenshots"))
NOON = 1_795_435_200_000_000_000
"""2026-11-23, 12:00 UTC: when each picture's probing begins, ns."""


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
MANY = (
    *THREE,
    Shown("outage", "vpn.branch.example"),
    Shown("wifi", "home.example"),
    Shown("mpls", "dc-north.example"),
    Shown("ecmp", "cdn.example.com"),
    Shown("silent-target", "printer.example"),
    *(
        Shown("healthy", f"edge-{city}.example", seed)
        for seed, city in enumerate(("ams", "fra", "lhr", "osl", "waw"), 40)
    ),
)
PICTURES = (
    Picture("tour", THREE, (132, 40), options=ScreenOptions(glyphs="unicode", names="names", owners=False)),
    Picture("tour-160x50", THREE, (160, 50), 900.0),
    Picture("80x24", THREE, (80, 24)),
    Picture("60x16", THREE, (60, 16)),
    Picture("40x12", THREE, (40, 12)),
    Picture("loss", (Shown("lossy-link"),), keys=("up", "up", "up", "up")),
    Picture("outage", (Shown("outage"),), seconds=236.0, keys=("d", "d", "d")),
    Picture("heat", THREE, (132, 40), 900.0, keys=("d", "d", "d")),
    Picture("profile", THREE, keys=("d",)),
    Picture("distribution", THREE, keys=("d", "d", *["up"] * 7)),
    Picture("cursor", THREE, keys=("up", "up", *["left_square_bracket"] * 30)),
    Picture("owners", THREE, (160, 44), options=ScreenOptions(glyphs="unicode", names="both", owners=True)),
    Picture("many", MANY, (120, 34), keys=("g",)),
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


class Played:
    """A session (`hopscope.views.screen.source.SessionLike`) whose probing is over before it is looked at."""

    def __init__(self, picture: Picture) -> None:
        sys.path.insert(0, str(TOP))
        from hopscope.probe.virtual import VirtualEngine
        from tests.lab.virtual import simulated

        virtual = VirtualEngine()
        self.version = 1
        self._shift = NOON - (virtual.wall)
        self._targets = []
        folds: dict[int, PathFold] = {}
        judges: dict[int, Judge] = {}
        facts: dict[int, Started] = {}
        for number, shown in enumerate(picture.targets, 1):
            story = demo(shown.scenario)
            name, address = story.targets[0]
            plan = simulated(Plan(address, 6 if ":" in address else 4, seed=shown.seed), shown.scenario)
            folds[number] = PathFold(address)
            judges[number] = Judge(address)
            self._targets.append((number, shown.name or name, plan, self._names(story.names, story.origins)))
            virtual.handle(Start(number, plan))
        for event in virtual.advance(picture.seconds):
            if isinstance(event, Started):
                facts[event.target] = event
            elif isinstance(event, (Sent, Answered, Lost, Failed, RoundStarted)):
                shifted = self._shifted(event)
                folds[event.target].apply(shifted)
                judges[event.target].apply(shifted)
        if picture.paused:
            virtual.handle(Pause())
        self._now = virtual.wall + self._shift
        self._shot = Snapshot(
            tuple(
                Target(
                    n,
                    name,
                    "paused" if picture.paused else "running",
                    plan.address,
                    plan,
                    facts.get(n),
                    None,
                    None,
                    folds[n].snapshot(),
                    names,
                    judged=judges[n].judged(),
                )
                for n, name, plan, names in self._targets
            ),
            "running",
            None,
            0,
            Counters(),
            "plain user",
            self._now,
        )

    def _shifted(
        self, event: Sent | Answered | Lost | Failed | RoundStarted
    ) -> Sent | Answered | Lost | Failed | RoundStarted:
        if isinstance(event, RoundStarted):
            return msgspec.structs.replace(event, at=event.at + self._shift)
        return msgspec.structs.replace(event, sent_at=event.sent_at + self._shift)

    @staticmethod
    def _names(names: dict[str, str], origins: dict[str, tuple[int, str, str, str]]) -> dict[str, AddressInfo]:
        facts = {}
        for address in {*names, *origins}:
            origin = origins.get(address)
            asns = (Asn(origin[0], clean(origin[1]), origin[2], origin[3]),) if origin else ()
            facts[address] = AddressInfo(hostname=clean(names[address]) if address in names else None, asns=asns)
        return facts

    def snapshot(self) -> Snapshot:
        return self._shot

    async def changed(self, version: int | None = None) -> int:
        await asyncio.Event().wait()
        return self.version

    def probing(self, target: int) -> Probing:
        return Probing(method="simulated")

    def _fixed(self, *_: object, **__: object) -> None:
        """A picture changes nothing."""

    pause = resume = reset = remove = set_aside = adjust = restart = ask_owners = numbers_over = _fixed

    def take_back(self, target: int) -> bool:
        return False

    bring_back = take_back

    def retry(self, target: int | None = None) -> bool:
        return False

    def add(self, query: str, probing: Probing | None = None) -> int:
        raise ValueError("a picture takes no targets")


@asynccontextmanager
async def held(played: Played) -> AsyncIterator[Played]:
    yield played


async def take(picture: Picture) -> str:
    """The picture as SVG."""
    played = Played(picture)
    app = HopscopeApp(lambda: held(played), picture.options)
    async with app.run_test(size=picture.size) as pilot:
        while app.context is None or not app.shown.rows:
            await pilot.pause()
        for key in picture.keys:
            await pilot.press(key)
        await pilot.pause()
        return app.export_screenshot(title="hopscope")


def png(svg: str) -> bytes:
    """The picture as PNG."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, monospace_family="Fira Code", zoom=1))


def main(names: list[str]) -> int:
    unknown = set(names) - {picture.name for picture in PICTURES}
    if unknown:
        print(
            f"no picture {', '.join(sorted(unknown))}; there are {', '.join(p.name for p in PICTURES)}", file=sys.stderr
        )
        return 2
    os.environ.update(TZ="UTC", TERM="xterm-256color", COLORTERM="truecolor")
    os.environ.pop("NO_COLOR", None)
    time.tzset()
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
