"""What the package's build makes of the checkout: the manual page, and a long description that needs no checkout."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

_PAGE = "import sys; sys.path.insert(0, sys.argv[1]); from hopscope.cli.man import page; sys.stdout.write(page())"
_PICTURE = re.compile(r"^(?:\| *)?!\[[^\]]*\]\(([^)]*)\.(?:png|svg)\).*\n", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\((?!\w+:)([^)#]+)[^)]*\)")
_TEXT = re.compile(r'<text [^>]*\bx="([\d.]+)" y="([\d.]+)"[^>]*clip-path="url\(#[^"]*-line-\d+\)">(.*?)</text>')


class ManualPage(BuildHookInterface[Any]):
    """Puts ``hopscope --man`` where man(1) looks beside the ``bin`` in which pip puts the command."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """hatchling's hook, before a wheel is built."""
        page = Path(mkdtemp()) / "hopscope.1"
        # -S: with the standard library alone, which is all that an isolated build has.
        command = [sys.executable, "-I", "-S", "-c", _PAGE, str(Path(self.root) / "src")]
        page.write_bytes(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        build_data["shared_data"][str(page)] = "share/man/man1/hopscope.1"


class LongDescription(MetadataHookInterface):
    """README.md for an index of packages, on which no file of the checkout can be reached: the first picture as text,
    the others left out, links as their words and the path in the source distribution."""

    def update(self, metadata: dict[str, Any]) -> None:
        """hatchling's hook, for the fields that pyproject.toml calls dynamic."""
        root = Path(self.root)
        metadata["readme"] = {"content-type": "text/markdown", "text": long_description(root)}


def long_description(root: Path) -> str:
    """README.md of the checkout at `root`, without anything that leads to a file of it."""
    text = (root / "README.md").read_text(encoding="utf-8")
    pictures = _PICTURE.findall(text)
    screen = as_text((root / f"{pictures[0]}.svg").read_text(encoding="utf-8"))
    text = _PICTURE.sub(lambda _: "", _PICTURE.sub(lambda _: f"```text\n{screen}```\n", text, count=1))
    return _LINK.sub(r"\1 (`\2`)", text)


def as_text(svg: str) -> str:
    """The characters of a screen that Textual exported as SVG, in lines."""
    cells: dict[float, list[tuple[float, str]]] = {}
    for x, y, words in _TEXT.findall(svg):
        cells.setdefault(float(y), []).append((float(x), html.unescape(words).replace("\xa0", " ")))
    lines = []
    for _, parts in sorted(cells.items()):
        line = ""
        for x, words in sorted(parts):
            line += " " * (round(x / _CELL) - len(line)) + words
        lines.append(line.rstrip())
    return "\n".join(lines).strip("\n") + "\n"


_CELL = 12.2
"""Width of a character in Textual's export, in its own unit."""
