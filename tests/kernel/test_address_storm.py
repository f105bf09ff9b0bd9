"""A router that answers each probe thousands of times, from addresses that it makes up: what that costs this machine,
and whom it makes ask."""

from __future__ import annotations

import pytest

from tests.lab.storm import calm_and_stormy, made_up_address, run_in, storm

pytestmark = pytest.mark.needs("tun")

LIMIT_MIB = 20
LIMIT_QUESTIONS = 50
"""A second."""


@pytest.mark.parametrize("is_silent", [True, False], ids=["a silent name server", "one that says no"])
def test_a_storm_of_made_up_addresses_costs_little_memory_and_few_questions(is_silent: bool) -> None:
    calm, stormy, questions_a_second = calm_and_stormy(is_silent=is_silent)
    assert stormy - calm <= LIMIT_MIB
    assert questions_a_second <= LIMIT_QUESTIONS


def test_addresses_that_are_made_up_for_each_first_answer_cost_as_little() -> None:
    rounds = ("--format", "json", "-c", "200", "-i", "0.03", "-Z", "0.3", "-m", "8", "--dns-server")
    with storm(made_up_address, is_storm=False, is_silent=False) as (network, weather, names):
        _, seconds = run_in(network, *rounds, names.address)
        assert weather.probes > 1000
        assert 0 < len(names.asked) <= LIMIT_QUESTIONS * seconds
