"""Running Python as ``nobody``: no capability, no new privileges, inside a namespace of the lab.

`nobody` may often not execute the interpreter that runs the tests (it lives under /root), or not read the checkout (a
clone in a 0700 directory). Then a small environment with copies of what hopscope needs is made once, where everybody
may read it.
"""

from __future__ import annotations

import atexit
import functools
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

NOBODY = 65534
_SOURCE = Path(__file__).resolve().parents[2] / "src"
_DROP = [
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--no-new-privs",
    "--inh-caps=-all",
    "--ambient-caps=-all",
    "--bounding-set=-all",
]
_TRY = "import hopscope.wire.messages, msgspec, scapy, sys; sys.exit(0)"


def as_plain_user(namespace: str | None = None) -> list[str]:
    """The words before Python's own arguments that run it as a plain user (in `namespace`), with hopscope importable
    under ``-I`` too. Run it with a working directory that `nobody` may enter, ``/`` for one."""
    return [*_inside(namespace), *_DROP, _interpreter()]


def as_root(namespace: str | None = None) -> list[str]:
    """The same for the tests' own user and interpreter."""
    return [*_inside(namespace), sys.executable]


def _inside(namespace: str | None) -> list[str]:
    return ["ip", "netns", "exec", namespace] if namespace else []


@functools.cache
def _interpreter() -> str:
    """A Python that nobody may execute and that finds hopscope."""
    if _works(sys.executable):
        return sys.executable
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    candidates = (f"/usr/bin/python{version}", f"/usr/local/bin/python{version}", "/usr/bin/python3")
    for base in candidates:
        if _runs(base, f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"):
            python = _environment(base)
            if _works(python):
                return python
    lacking = (
        f"needs a Python {version} that nobody may execute (apt install python{version}): {sys.executable} is none"
    )
    if "PYTEST_CURRENT_TEST" in os.environ:
        pytest.skip(lacking)
    raise RuntimeError(lacking)


def _works(python: str) -> bool:
    return _runs(python, _TRY)


def _runs(python: str, program: str) -> bool:
    try:
        done = subprocess.run([*_DROP, python, "-I", "-c", program], cwd="/", check=False, capture_output=True)
    except OSError:
        return False
    return done.returncode == 0


def _environment(base: str) -> str:
    """A virtual environment of `base` with copies of hopscope and of all that it depends on."""
    home = Path(tempfile.mkdtemp(prefix="hopscope-plain-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    home.chmod(0o755)
    # -m venv makes links; without pip it needs nothing that Debian keeps in another package.
    subprocess.run([base, "-I", "-m", "venv", "--without-pip", home / "env"], check=True, capture_output=True)
    packages = next((home / "env" / "lib").glob("python*/site-packages"))
    shutil.copytree(_SOURCE / "hopscope", packages / "hopscope", ignore=shutil.ignore_patterns("__pycache__"))
    for name in sorted(_needed("hopscope") | _needed("textual-serve")):
        for file in importlib.metadata.files(name) or ():
            if file.parts[0] in ("..", "/") or "__pycache__" in file.parts or (packages / file).exists():
                continue
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(str(file.locate())), packages / file)
    for path in (home, *home.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.is_dir() else 0))
    return str(home / "env" / "bin" / "python")


def _needed(name: str, known: frozenset[str] = frozenset()) -> set[str]:
    """The installed distributions that `name` needs, itself among them, extras left out."""
    found = {name}
    for requirement in importlib.metadata.requires(name) or ():
        needed = re.match(r"[\w.-]+", requirement)
        if needed is None or "extra ==" in requirement or needed[0] in known | found:
            continue
        try:
            found |= _needed(needed[0], known | found)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform or Python
    return found
