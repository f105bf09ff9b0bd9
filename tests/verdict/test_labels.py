"""The set itself: its networks are what their labels say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from hopscope.sim import parse
from tests.verdict.case import Case, toml
from tests.verdict.catalogue import cases

EVERY = cases()


def test_the_set_has_a_hundred_networks_about_half_of_them_faulty_and_half_without_owners() -> None:
    faulty = Counter(case.trouble is not None for case in EVERY)
    owned = Counter(case.owned for case in EVERY)
    assert len(EVERY) >= 120
    assert min(faulty.values()) >= 0.35 * len(EVERY)
    assert min(owned.values()) >= 0.4 * len(EVERY)


def test_every_kind_of_trouble_and_every_way_to_probe_is_in_the_set() -> None:
    kinds = {kind for case in EVERY if case.trouble for kind in case.trouble.kinds}
    assert kinds >= {
        "loss", "outage", "no-answer", "filter", "unreachable", "loop", "flapping", "route-change", "detour",
        "local-network", "bufferbloat", "congestion", "bad-member", "mtu", "late", "this-computer",
    }  # fmt: skip
    ways = {(case.probing["family"], case.probing["protocol"]) for case in EVERY}
    assert ways == {(family, protocol) for family in (4, 6) for protocol in ("icmp", "udp", "tcp")}


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_the_network_can_be_played_and_its_label_lies_within_the_trace(case: Case, tmp_path: Path) -> None:
    scenario = parse(toml(case.scenario))
    trouble = case.trouble
    if trouble is not None:
        assert trouble.begins_s < case.seconds
        assert (trouble.ends_s or 0) <= case.seconds
        assert (trouble.last_ttl or 0) <= len(scenario.hops) + 3
