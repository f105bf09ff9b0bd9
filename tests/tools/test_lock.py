"""The lock file has an exact version and hashes of all that development and CI install, and names no place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

TOP = Path(__file__).resolve().parents[2]
LOCK = (TOP / "requirements" / "dev.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
_ENTRY = re.compile(r"^(?P<pin>[^\s#][^\\\n]*?) \\\n(?P<hashes>(?: {4}--hash=\S+(?: \\)?\n)+)", re.MULTILINE)
PINS = [
    (Requirement(found["pin"]), re.findall(r"--hash=sha256:([0-9a-f]{64})(?=\s)", found["hashes"]))
    for found in _ENTRY.finditer(LOCK)
]
WANTED = [
    *PROJECT["build-system"]["requires"],
    *PROJECT["project"]["dependencies"],
    *(
        line
        for name, extra in PROJECT["project"]["optional-dependencies"].items()
        if name != "fuzz"  # for tools/fuzz.py alone, and never for every Python
        for line in extra
    ),
]


def test_every_line_is_an_exact_version_with_hashes_or_a_comment() -> None:
    beginnings = [line for line in LOCK.splitlines() if line and not line.startswith(("#", " "))]
    assert len(PINS) == len(beginnings) > 50
    for pin, hashes in PINS:
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), pin
        assert pin.url is None
        assert hashes, pin


def test_no_place_stands_in_it() -> None:
    assert re.search(r"://|@|--index|--find-links|--trusted", LOCK) is None


@pytest.mark.parametrize("wanted", [line for line in WANTED if not line.startswith("hopscope")])
def test_what_the_project_asks_for_is_pinned_as_it_asks(wanted: str) -> None:
    requirement = Requirement(wanted)
    versions = [
        Version(str(pin.specifier).removeprefix("=="))
        for pin, _ in PINS
        if canonicalize_name(pin.name) == canonicalize_name(requirement.name)
    ]
    assert versions, "make the lock anew: CONTRIBUTING.md"
    assert all(requirement.specifier.contains(version) for version in versions)


def test_the_build_backend_is_one_exact_version_in_both_places() -> None:
    (backend,) = PROJECT["build-system"]["requires"]
    assert re.fullmatch(r"hatchling==[\d.]+", backend)
    assert backend in PROJECT["project"]["optional-dependencies"]["dev"]
