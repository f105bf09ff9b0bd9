"""What is in the source distribution (all that its README shows, nothing that lies about in a checkout), and in the
wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatch_build import as_text

from hopscope.cli.man import page

TOP = Path(__file__).resolve().parents[2]


def test_the_source_distribution_has_what_its_readme_shows(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(
        TOP, checkout, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis", "site")
    )
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "pyvenv.cfg").write_text("")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True, timeout=60)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    shown = {place for place in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", readme) if not place.startswith("//")}
    assert {"screenshots/outage.png", "screenshots/recording.svg"} <= shown
    assert sorted(shown - names) == []
    assert {"pyproject.toml", "LICENSE", "requirements/dev.lock", "tests/needs.py", "tools/check.py"} <= names
    assert [name for name in names if name.startswith(".venv")] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=TOP, check=True, capture_output=True, timeout=60)
    (archive,) = folder.glob("*.whl")
    return zipfile.ZipFile(archive)


def test_the_wheel_installs_the_manual_that_the_program_prints(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".1")]
    assert name.endswith(".data/data/share/man/man1/hopscope.1")
    assert wheel.read(name).decode("utf-8") == page()


def test_the_long_description_leads_to_nothing_that_an_index_of_packages_lacks(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = wheel.read(name).decode("utf-8")
    assert "Description-Content-Type: text/markdown" in metadata
    assert re.findall(r"\]\((?!https?://)[^)]*\)", metadata) == []
    assert "screenshots/" not in metadata
    assert "Project-URL" not in metadata
    screen = metadata.partition("```text\n")[2].partition("```")[0]
    assert len(screen.splitlines()) > 25
    for words in ("leaf12.dc3.hosting.example", "Loss %", "latency to www.example.com", "q quit"):
        assert words in screen
    for command in re.findall(r"<!-- (?:start|test) command -->\n```sh\n(.*)\n", metadata):
        assert command in (TOP / "README.md").read_text(encoding="utf-8")


def test_what_an_svg_shows_is_found_again_as_text() -> None:
    svg = (
        '<text class="a" x="36.6" y="44.4" textLength="1" clip-path="url(#t-line-1)">b&#160;&lt;</text>'
        '<text class="a" x="0" y="20" textLength="1" clip-path="url(#t-line-0)">a</text>'
        '<text class="t" fill="#fff" text-anchor="middle" x="8" y="2">title</text>'
    )
    assert as_text(svg) == "a\n   b <\n"
