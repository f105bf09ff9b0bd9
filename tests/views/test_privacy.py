"""What is hidden is not there: no view can show it by mistake."""

from __future__ import annotations

import msgspec

from hopscope.names.facts import AddressInfo
from hopscope.path.flows import FlowPath
from hopscope.path.fold import PathFold
from hopscope.session.model import Snapshot, Target
from hopscope.session.report import report
from hopscope.views.privacy import HIDDEN, PrivacyFilter, masked
from hopscope.wire.messages import Counters, Plan, Started
from tests.path.network import MS, TARGET, answered, begun, router, sent

SECRET = (router(1), router(2), "10.9.8.7", "home.example", "isp.example")


def target(number: int = 1) -> Target:
    """A target three hops away; the first router answers again at hop 3, on a loop's way."""
    fold = PathFold(TARGET)
    fold.apply(begun(0))
    for ttl, (address, kind) in enumerate(
        (
            (router(1), "time-exceeded"),
            (router(2), "time-exceeded"),
            (router(1), "time-exceeded"),
            (TARGET, "echo-reply"),
        ),
        1,
    ):
        fold.apply(sent(0, ttl))
        fold.apply(answered(0, ttl, ttl * MS, address, kind))  # type: ignore[arg-type]  # from a table
    names = {router(1): AddressInfo(hostname="home.example"), router(2): AddressInfo(hostname="isp.example")}
    plan = Plan(TARGET, 4, source="10.9.8.7")
    facts = Started(1, "ping-socket", "10.9.8.7", None, None, 64, "one", "kernel")
    return Target(number, TARGET, "running", TARGET, plan, facts, None, None, fold.snapshot(), names)


def snapshot(*targets: Target) -> Snapshot:
    return Snapshot(targets, "running", None, 0, Counters(), "nobody", 0)


def words(thing: object) -> str:
    return repr(thing)


def test_nor_are_they_in_the_paths_of_its_parallel_flows() -> None:
    fold = PathFold(TARGET, flow=1)
    fold.apply(msgspec.structs.replace(sent(0, 1), flow=1))
    fold.apply(msgspec.structs.replace(answered(0, 1, MS, "198.51.100.77", "time-exceeded"), flow=1))
    fold.apply(msgspec.structs.replace(sent(0, 2), flow=1))
    fold.apply(msgspec.structs.replace(answered(0, 2, MS, router(2), "time-exceeded"), flow=1))
    flows = (FlowPath(1, 20_000, 33434, fold.snapshot()),)
    whole = msgspec.structs.replace(target(), flows=flows)
    assert "198.51.100.77" in words(whole)
    hidden = masked(whole, 2)
    assert not any(secret in words(hidden) for secret in (*SECRET, "198.51.100.77"))
    document = report(hidden, now=0, host="").to_json()
    assert "198.51.100.77" not in document
    assert router(2) not in document


def test_the_first_hops_and_this_machines_own_address_are_nowhere_in_what_is_left() -> None:
    hidden = masked(target(), 2)
    assert not any(secret in words(hidden) for secret in SECRET)
    assert [hop.nodes[0].address for hop in hidden.path.hops] == [HIDDEN, HIDDEN, HIDDEN, TARGET]
    assert [hop.received for hop in hidden.path.hops] == [1, 1, 1, 1]


def test_nothing_is_hidden_where_nothing_is_to_be() -> None:
    whole = target()
    assert masked(whole, 0) is whole


def test_hiding_one_hop_leaves_the_next() -> None:
    assert router(2) in words(masked(target(), 1))
    assert router(1) not in words(masked(target(), 1))


def test_a_veil_can_be_lifted_and_drawn_and_its_turns_tell_of_it() -> None:
    veil = PrivacyFilter(2)
    shown = snapshot(target(1), target(2))
    assert not any(secret in words(veil.over(shown)) for secret in SECRET)
    veil.hops = 0
    assert veil.turns == 1
    assert veil.over(shown) is shown


def test_a_target_that_did_not_change_is_the_same_object_behind_the_veil() -> None:
    veil = PrivacyFilter(1)
    shown = snapshot(target(1), target(2))
    first = veil.over(shown)
    changed = snapshot(shown.targets[0], msgspec.structs.replace(shown.targets[1], query="other"))
    second = veil.over(changed)
    assert second.targets[0] is first.targets[0]
    assert second.targets[1] is not first.targets[1]
