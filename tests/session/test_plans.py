"""From what a user asked for to what a worker is told: nothing gets lost on the way."""

from __future__ import annotations

import msgspec
import pytest

from hopscope.session.model import Probing
from hopscope.session.plans import plan_of
from hopscope.wire.messages import Plan, Start

ODD = Probing(
    family=4,
    protocol="udp",
    method="simulated",
    port=5353,
    interval_s=0.25,
    timeout_s=1.5,
    first_ttl=2,
    max_ttl=17,
    max_unknown=5,
    packet_size=99,
    pattern=7,
    tos=16,
    source="192.0.2.7",
    interface="eth9",
    rounds=41,
    scenario="wifi",
    seed=3,
    opening="stepwise",
    local_port=4321,
    grace_s=2.5,
    flows=3,
    certainty_pct=99.0,
    budget=2.5,
)
"""No field has its default."""


def test_the_sample_has_no_default() -> None:
    assert set(msgspec.to_builtins(ODD)) == set(Probing.__struct_fields__)


@pytest.mark.parametrize("name", [name for name in Probing.__struct_fields__ if name != "family"])
def test_every_field_arrives_on_the_wire(name: str) -> None:
    plan = plan_of(ODD, "192.0.2.80")
    told = msgspec.json.decode(msgspec.json.encode(Start(1, plan)))["plan"]
    value = getattr(ODD, name)
    if name.endswith("_s"):
        assert told[name.removesuffix("_s") + "_ns"] == round(value * 1e9)
    else:
        assert told[name] == value


def test_the_plan_of_the_defaults_is_the_plans_own_default() -> None:
    plain = plan_of(Probing(), "192.0.2.80")
    assert plain == Plan("192.0.2.80", 4)
