"""What is imported late leaves its bytecode behind once, so that no later start compiles it again."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

from hopscope.sandbox import bytecode

PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from hopscope.sandbox import bytecode\n"
    "bytecode.leave(['toy.one', 'toy.two'], top=sys.argv[1] + '/toy')\n"
    "print(sorted(name for name in sys.modules if name.startswith('toy.')))"
)


def imported(folder: Path) -> str:
    words = [sys.executable, "-c", PROGRAM, str(folder)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(words, check=True, capture_output=True, text=True, env=environment).stdout.strip()


def test_what_has_no_bytecode_or_an_older_one_is_imported_and_nothing_else(tmp_path: Path) -> None:
    toy = tmp_path / "toy"
    toy.mkdir()
    for name in ("__init__", "one", "two"):
        (toy / f"{name}.py").write_text("")
    assert imported(tmp_path) == "['toy.one', 'toy.two']"
    assert imported(tmp_path) == "[]"
    later = os.stat(cache_from_source(str(toy / "two.py"))).st_mtime + 2
    os.utime(toy / "two.py", (later, later))
    assert imported(tmp_path) == "['toy.two']"


def test_a_package_names_its_modules() -> None:
    names = bytecode.modules_of("hopscope.sandbox")
    assert {"hopscope.sandbox.landlock", "hopscope.sandbox.seccomp"} <= set(names)
    assert not [name for name in names if "__" in name]
