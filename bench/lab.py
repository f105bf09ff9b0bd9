"""The path that is measured, the commands that are run on it, and what of peers and compilers this machine has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.lab.plain_user import as_plain_user, as_root

HOPS: Final = 15
TARGET: Final = {4: "192.0.2.80", 6: "2001:db8:300::80"}
PROGRAMS: Final = Path(__file__).resolve().parent / "programs"
MTR: Final = shutil.which("mtr")
TRACEROUTE: Final = shutil.which("traceroute")
TRIP: Final = shutil.which("trip")
CC: Final = shutil.which("cc")


def path_file(folder: Path, hops: int = HOPS) -> Path:
    """A network of so many hops, a millisecond apart, each way."""
    lines = "".join(
        f'  {{ at = ["198.51.100.{n}", "2001:db8:100::{n:x}"], delay = "1ms", jitter = "0.1ms" }},\n'
        for n in range(1, hops)
    )
    text = (
        f'title = "The bench"\nstory = "{hops} hops."\nseed = 1\nsource = ["192.168.1.23", "2001:db8:1::23"]\n'
        f"hops = [\n{lines}]\n[[targets]]\n"
        f'name = "far.example"\nat = ["{TARGET[4]}", "{TARGET[6]}"]\ndelay = "1ms"\njitter = "0.1ms"\nopen = [80]\n'
    )
    file = folder / f"bench-{hops}.toml"
    file.write_text(text)
    return file


def python(namespace: str, *, plain: bool) -> list[str]:
    """A Python in the namespace, as ``nobody`` or as root, that finds hopscope."""
    return [*(as_plain_user(namespace) if plain else as_root(namespace)), "-I"]


def hopscope(namespace: str, *words: str, plain: bool = False) -> list[str]:
    """The command in the namespace."""
    return [*python(namespace, plain=plain), "-m", "hopscope", "-n", *words]


def inside(namespace: str, *words: str) -> list[str]:
    """Any command in the namespace, as root."""
    return ["ip", "netns", "exec", namespace, *words]


def trip(namespace: str, *words: str) -> list[str]:
    """trippy. Its report looks names up and waits for them; a resolver of its own gives up soon."""
    names = ["--dns-resolve-method", "google", "--dns-timeout", "10ms"]
    return inside(namespace, str(TRIP), *names, *words)


def built(name: str, folder: Path) -> Path:
    """A program in C, compiled. Ask only where there is `CC`."""
    program = folder / name
    if not program.exists():
        subprocess.run([str(CC), "-O2", "-Wall", "-o", program, PROGRAMS / f"{name}.c"], check=True)
    return program
