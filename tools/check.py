"""Everything that must hold before a change lands: lint, format, types, import contracts, docs, tests.

Run it with the project's own interpreter: ``.venv/bin/python tools/check.py``. Arguments go to pytest.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PY = sys.executable


def main(arguments: list[str]) -> int:
    steps = [
        ("lint", [PY, "-m", "ruff", "check", "."]),
        ("format", [PY, "-m", "ruff", "format", "--check", "."]),
        ("types", [PY, "-m", "mypy"]),
        ("import contracts", [str(Path(PY).parent / "lint-imports")]),
        ("docs", [PY, "-m", "mkdocs", "build", "--strict", "--quiet"]),
        ("tests", [PY, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", *arguments]),
    ]
    for name, command in steps:
        began = time.monotonic()
        print(f"== {name}", flush=True)
        status = subprocess.run(command, cwd=TOP, check=False).returncode
        print(
            f"== {name}: {'ok' if status == 0 else f'failed ({status})'} in {time.monotonic() - began:.1f} s",
            flush=True,
        )
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
