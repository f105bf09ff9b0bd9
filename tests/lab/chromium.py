"""A page in a browser that has no network: a screenshot of it, and how it prints."""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from tests.needs import uses

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--force-device-scale-factor=1",
)
"""The sandbox needs what root and containers do not give; what is opened is our own page."""

Pixel = tuple[int, int, int]


class Picture(NamedTuple):
    """Pixels of 8 bits a colour, row by row."""

    width: int
    height: int
    rgb: bytes

    def pixels(self) -> Iterator[Pixel]:
        """All of them."""
        data = self.rgb
        return zip(data[0::3], data[1::3], data[2::3], strict=True)

    def brightness(self) -> float:
        """The mean, 0 to 255."""
        return sum(self.rgb) / len(self.rgb)

    def reds(self) -> int:
        """How many pixels are clearly red."""
        return sum(red > 120 and red > 2 * green and red > 2 * blue for red, green, blue in self.pixels())


def screenshot(page: Path, scheme: Literal["light", "dark"], width: int = 1000, height: int = 1100) -> Picture:
    """The page on a screen. `AssertionError` where the browser's console has anything to say."""
    with tempfile.TemporaryDirectory(prefix="hopscope-chromium-") as folder:
        file = Path(folder) / "page.png"
        dark = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
        _run(folder, dark, f"--window-size={width},{height}", f"--screenshot={file}", page.as_uri())
        return read_png(file.read_bytes())


class Printed(NamedTuple):
    """The page on paper."""

    texts: list[str]
    """Of each sheet, from the top to the bottom."""
    sheets: list[Picture]


def printed(page: Path) -> Printed:
    """The page on A4 or letter, as the browser prints it."""
    uses("pdftotext")
    uses("pdftoppm")
    with tempfile.TemporaryDirectory(prefix="hopscope-chromium-") as folder:
        file = Path(folder) / "page.pdf"
        _run(folder, "--no-pdf-header-footer", f"--print-to-pdf={file}", page.as_uri())
        text = subprocess.run(
            ["pdftotext", "-layout", str(file), "-"], check=True, capture_output=True, text=True
        ).stdout
        subprocess.run(["pdftoppm", "-r", "72", str(file), f"{folder}/sheet"], check=True, capture_output=True)
        sheets = [_read_ppm(sheet.read_bytes()) for sheet in sorted(Path(folder).glob("sheet*.ppm"))]
        return Printed([sheet for sheet in text.split("\f") if sheet.strip()], sheets)


def _run(folder: str, *words: str) -> None:
    uses("chromium")
    command = ["chromium", *FLAGS, f"--user-data-dir={folder}/profile", *words]
    if os.geteuid() == 0:
        command = ["unshare", "--net", *command]  # without even a loopback
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBUS_")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**environment, "HOME": folder, "XDG_RUNTIME_DIR": folder},
    )
    assert done.returncode == 0, done.stderr
    # What is said of the browser's own pages (chrome://) is not ours.
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "source: file:" in line]
    assert said == [], said


def _read_ppm(data: bytes) -> Picture:
    """A binary PPM as pdftoppm writes it (netpbm's ``P6``)."""
    kind, size, deepest, pixels = data.split(b"\n", 3)
    assert (kind, deepest) == (b"P6", b"255")
    width, height = map(int, size.split())
    return Picture(width, height, pixels)


def read_png(data: bytes) -> Picture:
    """A PNG of 8 bits a colour, with or without opacity, not interlaced (ISO 15948)."""
    at, packed = 8, b""
    width = height = step = 0
    while at < len(data):
        size, kind = struct.unpack_from("!I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colours, _, _, interlaced = struct.unpack("!IIBBBBB", body)
            assert (depth, interlaced) == (8, 0)
            step = {2: 3, 6: 4}[colours]
        elif kind == b"IDAT":
            packed += body
        at += 12 + size
    raw = zlib.decompress(packed)
    row = bytearray(width * step)
    rgb = bytearray()
    for y in range(height):
        begin = y * (width * step + 1)
        row = _unfiltered(raw[begin], bytearray(raw[begin + 1 : begin + 1 + width * step]), row, step)
        if step == 3:
            rgb += row
        else:
            flat = bytearray(width * 3)
            for colour in range(3):
                flat[colour::3] = row[colour::4]
            rgb += flat
    return Picture(width, height, bytes(rgb))


def _unfiltered(kind: int, row: bytearray, above: bytearray, step: int) -> bytearray:
    if kind == 0:
        return row
    if kind == 2:
        return bytearray((value + up) & 255 for value, up in zip(row, above, strict=True))
    for x in range(len(row)):
        left = row[x - step] if x >= step else 0
        up, corner = above[x], above[x - step] if x >= step else 0
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + up) // 2
        else:
            nearest = left + up - corner
            distances = abs(nearest - left), abs(nearest - up), abs(nearest - corner)
            guess = (left, up, corner)[distances.index(min(distances))]
        row[x] = (row[x] + guess) & 255
    return row
