"""The registry of probing options is whole: each is a field on both sides of the pipe, and one place has its bounds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hopscope.cli.config import ProbeTable
from hopscope.cli.table import OPTIONS
from hopscope.session.model import Probing
from hopscope.session.plans import adjustment, plan_of
from hopscope.session.trace import TraceOptions
from hopscope.views.screen.dialogs.settings import SETTINGS
from hopscope.wire.check import check
from hopscope.wire.messages import Adjust, Plan
from hopscope.wire.probing_options import ADJUSTABLE, PROBING_OPTIONS, ProbingOption

ROOT = Path(__file__).resolve().parents[2]
BOUNDED = [option for option in PROBING_OPTIONS.values() if option.low is not None]
OF_THE_WIRE = {"address", "first_round"}
"""What a plan has of its own: whom, and where a new worker goes on."""
NOT_KEPT = {"scenario", "seed", "opening", "grace_s", "local_port"}
"""Options of one run: no key of the configuration."""


def test_each_field_of_probing_is_registered_and_is_a_field_of_the_plan() -> None:
    assert set(PROBING_OPTIONS) == set(Probing.__struct_fields__)
    assert {option.place for option in PROBING_OPTIONS.values()} == set(Plan.__struct_fields__) - OF_THE_WIRE


def test_what_can_be_adjusted_is_what_the_command_has() -> None:
    assert {option.place for option in ADJUSTABLE} == set(Adjust.__struct_fields__) - {"target"}


def test_trace_takes_each_option_but_the_rounds_which_it_has_itself() -> None:
    assert set(TraceOptions.__annotations__) == set(PROBING_OPTIONS) - {"rounds"}


def test_the_configuration_keeps_each_option_that_is_not_of_one_run() -> None:
    kept = {name.removesuffix("_s") for name in set(PROBING_OPTIONS) - NOT_KEPT}
    assert set(ProbeTable.__struct_fields__) == kept


def test_the_command_line_has_each_option_but_the_opening_which_follows_from_the_format() -> None:
    assert set(PROBING_OPTIONS) - {"opening"} <= {option.dest for option in OPTIONS}


def test_the_screens_settings_say_what_the_registry_says() -> None:
    for setting in SETTINGS:
        if setting.of == "probe":
            assert setting.help.startswith(PROBING_OPTIONS[setting.key].brief)


@pytest.mark.parametrize("option", BOUNDED, ids=lambda option: option.name)
@pytest.mark.parametrize("end", ["low", "high"])
def test_a_value_at_its_bound_is_possible_and_one_beyond_is_refused_in_the_callers_name_and_unit(
    option: ProbingOption, end: str
) -> None:
    bound: Any = getattr(option, end)
    ports = {"protocol": "udp"} if option.name in ("port", "flows") else {}
    wide = {"max_ttl": 255} if option.name == "first_ttl" else {}
    base = Probing(**ports, **wide)  # type: ignore[arg-type]  # chosen by name
    plan_of(msgspec.structs.replace(base, **{option.name: bound}), "192.0.2.80")
    beyond = bound + (1 if end == "high" else -1) * (0.0005 if option.is_duration else 1)
    with pytest.raises(ValueError, match=f"^{option.name} ") as caught:
        plan_of(msgspec.structs.replace(base, **{option.name: beyond}), "192.0.2.80")
    assert option.allowed() in str(caught.value)
    assert "_ns" not in str(caught.value)


@pytest.mark.parametrize("option", BOUNDED, ids=lambda option: option.name)
def test_the_same_bound_on_the_wire_is_said_in_the_wires_name_and_unit(option: ProbingOption) -> None:
    below = option.on_wire(option.low) - 1
    plan = msgspec.structs.replace(Plan("192.0.2.80", 4, "udp"), **{option.place: below})
    with pytest.raises(ValueError, match=f"^{option.place} {below}: allowed are {option.on_wire(option.low)} to "):
        check(plan)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0001, -1.0])
def test_an_interval_that_is_none_cannot_be_adjusted_to(value: float) -> None:
    with pytest.raises(ValueError, match=r"^interval_s .* allowed are 0\.01 to 86400 s$"):
        adjustment(1, interval_s=value)


_UNITS = {"": 1, "ms": 10**6, "s": 10**9, "day": 86_400 * 10**9}


@pytest.mark.parametrize("option", BOUNDED, ids=lambda option: option.name)
def test_the_protocols_page_states_the_bounds(option: ProbingOption) -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{option.place}` \|[^|]*\| (\S+) ?(ms|s|day)? to (\S+) ?(ms|s|day)? \|", page, re.MULTILINE)
    assert row is not None, option.place
    low, low_unit, high, high_unit = row.groups()
    unit = low_unit or high_unit if option.is_duration else None
    assert int(low) * _UNITS[unit or ""] == option.on_wire(option.low) or low == "0"
    if option.not_above is not None:
        assert high == f"`{option.not_above}`"
    else:
        assert int(high) * _UNITS[high_unit or ""] == option.on_wire(option.high)
