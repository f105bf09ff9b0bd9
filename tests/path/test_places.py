"""Who stands behind the first hops is said by TTLs that ran out, and by what was reached past them."""

from __future__ import annotations

import pytest

from hopscope.path.places import Answerer, behind

A, B, C, D = "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"
HOPS = 2


def there(ttl: int, address: str) -> Answerer:
    return Answerer(ttl, address, expired=True)


def refused(ttl: int, address: str) -> Answerer:
    return Answerer(ttl, address, expired=False)


@pytest.mark.parametrize(
    ("heard", "is_hole", "known"),
    [
        pytest.param([there(1, A), there(2, B), there(3, C), there(4, D)], False, {C, D}, id="a path"),
        pytest.param([there(1, A), there(3, C), there(4, D)], True, {C, D}, id="the second hop is silent"),
        pytest.param([there(1, A), refused(3, B)], True, set(), id="the second hop is silent, and refuses"),
        pytest.param([there(1, A), refused(5, B), refused(6, B)], True, set(), id="its nearest refusals were lost"),
        pytest.param([there(1, A), there(2, B), refused(3, C)], False, set(), id="it refuses from another address"),
        pytest.param([there(1, A), there(2, B), there(3, C), refused(4, C)], False, {C}, id="the third hop refuses"),
        pytest.param(
            [there(1, A), there(3, C), refused(4, C), refused(5, C)], True, {C}, id="so it does behind a hole"
        ),
        pytest.param(
            [there(3, C), refused(4, D), refused(5, D)], True, {C, D}, id="who refuses was reached past others"
        ),
        pytest.param([there(3, C), refused(3, B), refused(4, B)], True, {C}, id="the second refuses now and then"),
        pytest.param([there(1, A), there(2, B), there(3, C), there(4, B), there(5, C)], False, {C}, id="a loop"),
        pytest.param([there(1, A), there(4, B), there(6, B), there(5, C)], True, {C}, id="a loop, a hop not known yet"),
        pytest.param([refused(3, B)], True, set(), id="somebody else's echo reply"),
    ],
)
def test_known_behind_the_first_two_hops(heard: list[Answerer], is_hole: bool, known: set[str]) -> None:
    assert behind(heard, HOPS, is_hole=is_hole).known == known
