"""A name means one thing: no two classes of the program have the same."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import hopscope

LANGUAGE = {"sim/language.py", "sim/name_tables.py"}
"""The scenario language's tables are called what its files call them: `Target`, `Hop`, `Node`, `Origin`."""


def test_no_two_classes_have_one_name() -> None:
    top = Path(hopscope.__file__).parent
    places = defaultdict(list)
    for file in sorted(top.rglob("*.py")):
        place = file.relative_to(top).as_posix()
        if place not in LANGUAGE:
            for node in ast.parse(file.read_bytes()).body:
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(place)
    assert len(places) > 500
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
