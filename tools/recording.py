"""Thirty seconds of the screen as one animated SVG: ``screenshots/recording.svg``, the same bytes each run.

    .venv/bin/python -m tools.recording

An outage begins, is found, said and over, in virtual time. Each row of the terminal is drawn once for as long as it
stays as it is; no script runs and nothing is fetched by whoever opens it.
"""

from __future__ import annotations

import asyncio
import re
import sys
from itertools import groupby
from typing import Final

from hopscope.views.screen.app import HopscopeApp
from hopscope.views.screen.options import ScreenOptions
from tests.screen.virtual import VirtualSession, launch
from tools.pictures import OUT, as_on_any_machine

SIZE: Final = (110, 30)
BEFORE_S, LASTS_S = 10, 30
_UNIQUE: Final = re.compile(r"terminal-\d+")
_STYLE: Final = re.compile(r"\.terminal-(r\d+) (\{[^}]*\})")
_MATRIX: Final = re.compile(r'(<g class="terminal-matrix">)(.*?)(</g>)', re.DOTALL)
_ELEMENT: Final = re.compile(r"<(?:rect|text)\b.*?(?:/>|</text>)", re.DOTALL)
_NAME: Final = re.compile(r'"terminal-(r\d+)"')
_Y: Final = re.compile(r'\by="([\d.]+)"')
_LINE: Final = 24.4


async def frames() -> list[str]:
    """A picture a second."""
    session = VirtualSession("outage").play(BEFORE_S)
    app = HopscopeApp(lambda: launch(session), ScreenOptions(glyphs="unicode"))
    out = []
    async with app.run_test(size=SIZE) as pilot:
        while app.context is None or not app.shown.rows:
            await pilot.pause()
        for _ in range(LASTS_S):
            session.play(1)
            app.tick()
            await pilot.pause()
            out.append(_UNIQUE.sub("terminal", app.picture()))
    return out


def animated(pictures: list[str]) -> str:
    """The pictures one after the other, for ever."""
    styles: dict[str, str] = {}
    rows: list[dict[int, str]] = []
    for picture in pictures:
        names = {name: styles.setdefault(style, f"s{len(styles)}") for name, style in _STYLE.findall(picture)}
        found = _MATRIX.search(picture)
        assert found is not None
        lines: dict[int, str] = {}
        for element in _ELEMENT.findall(found[2]):
            y = _Y.search(element)
            assert y is not None
            line = int(float(y[1]) / _LINE)
            for name in _NAME.findall(element):
                element = element.replace(f'"terminal-{name}"', f'"{names[name]}"')
            lines[line] = lines.get(line, "") + element
        rows.append(lines)
    body = []
    for line in sorted({line for lines in rows for line in lines}):
        begin = 0
        for drawn, times in groupby(lines.get(line, "") for lines in rows):
            end = begin + len(list(times))
            body.append(_shown(drawn, begin, end, len(pictures)))
            begin = end
    whole = "".join(f".{name} {style}" for style, name in styles.items())
    frame = _STYLE.sub("", pictures[0]).replace("</style>", f"{whole}</style>", 1)
    return _MATRIX.sub(lambda match: match[1] + "".join(body) + match[3], frame, count=1)


def _shown(drawn: str, begin: int, end: int, count: int) -> str:
    """A row that is there from one second to another."""
    if not drawn or (begin, end) == (0, count):
        return drawn
    moments = [(0.0, "hidden"), (begin / count, "visible"), (end / count, "hidden")]
    known = {at: value for at, value in moments if at < 1}
    times = ";".join(f"{at:.4f}".rstrip("0").rstrip(".") for at in known)
    return (
        f'<g visibility="hidden">{drawn}<animate attributeName="visibility" calcMode="discrete" dur="{count}s"'
        f' repeatCount="indefinite" keyTimes="{times}" values="{";".join(known.values())}"/></g>'
    )


def main() -> int:
    as_on_any_machine()
    OUT.mkdir(exist_ok=True)
    (OUT / "recording.svg").write_text(animated(asyncio.run(frames())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
