"""Markdown and HTML say of a hop that it is shared, and of one whose turn has not come that it was not asked."""

from __future__ import annotations

import msgspec
import pytest

from hopscope.path.shared import SharedHop
from hopscope.views.report.formats import render
from hopscope.views.report.words import NOT_ASKED
from tests.report import sample

WORDS = "shared by 40 targets, which take turns to ask it: 3 of 120 lost"


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_a_shared_hop_says_so(name: str) -> None:
    target = sample.target()
    shared = msgspec.structs.replace(target, shared={2: SharedHop(40, 40, 0, 117, 3, 2.5, (0.85, 7.1), None)})
    assert render(sample.document(shared), name).count(WORDS) == 1
    assert WORDS not in render(sample.document(target), name)


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_a_hop_before_others_that_was_not_asked_says_so(name: str) -> None:
    target = sample.target()
    first, *rest = target.path.hops
    unasked = msgspec.structs.replace(first, sent=0, received=0, lost=0, nodes=(), rtt=None, jitter=None, loss_pct=None)
    path = msgspec.structs.replace(target.path, hops=(unasked, *rest))
    assert render(sample.document(msgspec.structs.replace(target, path=path)), name).count(NOT_ASKED) == 1
    assert NOT_ASKED not in render(sample.document(target), name)
