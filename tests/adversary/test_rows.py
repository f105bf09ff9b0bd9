"""Each attack that was tried is held by a test that is really there."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.adversary.rows import ROWS

TOP = Path(__file__).resolve().parents[2]


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((TOP / path).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )  # fmt: skip


@pytest.mark.parametrize("number", ROWS)
def test_what_holds_an_attack_is_there(number: str) -> None:
    assert ROWS[number].tests
    for node in ROWS[number].tests:
        path, _, name = node.partition("::")
        assert name in names_in(path), node
        assert name.startswith("test_")


def test_every_attack_and_every_kind_of_report_has_a_row() -> None:
    assert set(ROWS) >= {*(f"A{n}" for n in range(1, 21)), "A5b", *(f"K{n}" for n in range(1, 10))}
