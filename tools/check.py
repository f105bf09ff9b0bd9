"""Everything that must hold before a change lands: lint, format, types, import contracts, docs, tests.

Run it with the project's own interpreter: ``.venv/bin/python tools/check.py``. Arguments go to pytest;
``--step NAME`` in front of them runs one step alone.

A step that passes is one line; one that fails shows what its tool said. The tests run where no packet can leave the
machine (tools/offline.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parent.parent
PY = sys.executable
QUIET = {
    "NO_MKDOCS_2_WARNING": "1",  # an advertisement of mkdocs-material for a successor of MkDocs
    "PYTHONUNBUFFERED": "1",
}


class Step(NamedTuple):
    """A tool's command. `shown`: its output is of use while it runs."""

    name: str
    command: list[str]
    shown: bool = False


def steps(arguments: list[str]) -> list[Step]:
    """All of them, in order. `arguments` are pytest's."""
    pytest = [PY, "-m", "pytest", "--no-header", "-o", "console_output_style=classic", "-p", "tools.progress"]
    pytest += ["-n", "2", "--dist", "loadgroup", *arguments]
    return [
        Step("lint", [PY, "-m", "ruff", "check", "."]),
        Step("format", [PY, "-m", "ruff", "format", "--check", "."]),
        Step("types", [PY, "-m", "mypy"]),
        Step("import contracts", [str(Path(PY).parent / "lint-imports")]),
        Step("docs", [PY, "-m", "mkdocs", "build", "--strict", "--quiet"]),
        Step("tests", [PY, str(TOP / "tools" / "offline.py"), *pytest], shown=True),
    ]


def run(step: Step) -> int:
    """The step's exit status; what it is and how it ended is printed."""
    began = time.monotonic()
    print(f"{step.name} ... ", end="\n" if step.shown else "", flush=True)
    done = subprocess.run(
        step.command,
        cwd=TOP,
        env={**os.environ, **QUIET},
        check=False,
        stdout=None if step.shown else subprocess.PIPE,
        stderr=None if step.shown else subprocess.STDOUT,
    )
    took = f"{time.monotonic() - began:.1f} s"
    said = f"{f'{step.name}: ' if step.shown else ''}{'ok' if done.returncode == 0 else 'FAILED'}, {took}"
    print(said, flush=True)
    if done.returncode and done.stdout:
        sys.stdout.buffer.write(done.stdout)
        sys.stdout.flush()
    return done.returncode


def main(arguments: list[str]) -> int:
    only = None
    if arguments[:1] == ["--step"] and len(arguments) > 1:
        only, arguments = arguments[1], arguments[2:]
    chosen = [step for step in steps(arguments) if only in (None, step.name)]
    if not chosen:
        print(f"no step {only!r}; there are {', '.join(step.name for step in steps([]))}", file=sys.stderr)
        return 2
    try:
        return next((status for step in chosen if (status := run(step))), 0)
    except KeyboardInterrupt:
        print("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
