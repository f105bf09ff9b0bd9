"""ARCHITECTURE.md has a row for every distribution that is installed along with hopscope, and its licence is the one
that the distribution itself declares."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).resolve().parents[2]
ARCHITECTURE = (TOP / "ARCHITECTURE.md").read_text(encoding="utf-8")
_SHORT = {"MIT License": "MIT", "Apache Software License": "Apache-2.0", "BSD License": "BSD-3-Clause",
          "Python Software Foundation License": "PSF-2.0"}  # fmt: skip
"""What a classifier calls a licence, and its SPDX identifier."""


def installed() -> dict[str, set[str]]:
    """All that hopscope with its extras for users needs, and what needs each."""
    found: dict[str, set[str]] = {}

    def walk(name: str, extras: frozenset[str]) -> None:
        for line in distribution(name).requires or ():
            wanted = Requirement(line)
            environments = [{"extra": extra} for extra in ("", *extras)]
            if wanted.marker is None or any(wanted.marker.evaluate(one) for one in environments):
                needed = canonicalize_name(wanted.name)
                is_new = needed not in found
                found.setdefault(needed, set()).add(canonicalize_name(name))
                if is_new:
                    walk(wanted.name, frozenset(wanted.extras))

    walk("hopscope", frozenset(("mmdb", "fleet", "web")))
    return found


def declared(one: Distribution) -> str:
    """The licence that a distribution's metadata declares (PEP 639, else a classifier, else its own words)."""
    metadata = one.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    names = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier", []) if line.startswith("License")]
    return _SHORT.get(names[0], names[0]) if names else metadata["License"]


def rows() -> dict[str, tuple[str, set[str]]]:
    """The table: licence, and what brings it."""
    table = ARCHITECTURE.split("| distribution | licence | brought by |")[1].split("\n\n")[0]
    cells = [re.split(r"\s*\|\s*", line.strip("| ")) for line in table.splitlines()[2:]]
    return {name: (licence, set(by.split(", "))) for name, licence, by in cells}


def test_every_distribution_that_comes_along_has_a_row_and_no_other() -> None:
    found = installed()
    older = {"exceptiongroup", "typing-extensions"}  # of some Pythons only
    assert set(rows()) - older == set(found) - older
    for name, by in found.items():
        assert name in older or rows()[name][1] == by


@pytest.mark.parametrize("name", installed())
def test_its_licence_is_what_it_declares_itself(name: str) -> None:
    if name in rows():
        assert rows()[name][0] == declared(distribution(name))


def test_no_licence_but_scapys_and_the_extras_asks_for_more_than_a_notice() -> None:
    asking = {name for name, (licence, _) in rows().items() if licence not in
              ("MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "PSF-2.0")}  # fmt: skip
    of_web = {"aiohttp", "aiohttp-jinja2", "aiosignal", "frozenlist", "multidict", "propcache", "yarl"}
    of_fleet = {"nats-py", "nkeys", "pynacl"}
    assert asking == {"scapy", "maxminddb", *of_web, *of_fleet}
