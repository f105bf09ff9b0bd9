"""What is in the source distribution: all that its README shows, and nothing that lies about in a checkout."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

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
    assert "screenshots/tour.png" in shown
    assert sorted(shown - names) == []
    assert {"pyproject.toml", "LICENSE", "requirements/dev.lock", "tests/needs.py", "tools/check.py"} <= names
    assert [name for name in names if name.startswith(".venv")] == []
