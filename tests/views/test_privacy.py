"""What is hidden is not there: no view can show it by mistake."""

from __future__ import annotations

import msgspec
import pytest

from hopscope.judge.verdict import Incident, Judged, Mark, Numbers, Verdict
from hopscope.names.facts import AddressInfo
from hopscope.path.flows import FlowPath
from hopscope.path.fold import PathFold
from hopscope.path.places import Answerer
from hopscope.path.snapshot import LocalError
from hopscope.session.events import ProbeEvent
from hopscope.session.model import Snapshot, Target
from hopscope.session.report import report
from hopscope.session.told import Happening
from hopscope.views.privacy import HIDDEN, PrivacyFilter, Veil, Words, masked, rewritten
from hopscope.wire.messages import Counters, Plan, SourceChanged, Started
from tests.path.network import MS, TARGET, answered, begun, lost, router, sent

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


# --- the kind, whatever field or sentence has it ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("10.9.8.7", "hidden"),
        ("192.0.2.9", "192.0.2.9"),
        ("from 10.9.8.7, and not 192.0.2.9.", "from hidden, and not 192.0.2.9."),
        ("10.9.8.7:80 [fe80::1%eth0]:443 ::ffff:10.9.8.7", "hidden:80 [hidden]:443 hidden"),
        ("2001:DB8::7: no route; bind(10.9.8.7)", "hidden: no route; bind(hidden)"),
        ("at 14:02:31, 1.2.3 and net-unreachable", "at 14:02:31, 1.2.3 and net-unreachable"),
        ("behind home.example.", "behind hidden."),
        ("not home.example.org nor my-home.example", "not home.example.org nor my-home.example"),
    ],
)
def test_of_all_addresses_in_a_text_those_alone_are_left_that_may_be_seen(said: str, shown: str) -> None:
    assert Words(frozenset(("192.0.2.9",)), frozenset(("home.example",)))(said) == shown


def test_a_type_that_is_not_known_is_no_way_around() -> None:
    with pytest.raises(TypeError, match="privacy does not know bytearray"):
        rewritten((1, bytearray(b"10.9.8.7")), str)


def test_where_this_machine_was_and_what_its_kernel_says_of_that_is_hidden() -> None:
    whole = target()
    moved = Mark(kind="source-change", begin=0, before="10.9.8.7", after="10.9.8.6")
    error = LocalError("ENETUNREACH", "no route from 10.9.8.5", 0)
    hops = (msgspec.structs.replace(whole.path.hops[3], last_error=error), *whole.path.hops[1:])
    judged = Judged(verdict=Verdict(kind="this-computer", numbers=Numbers(message="bind: 10.9.8.4")), marks=(moved,))
    whole = msgspec.structs.replace(
        whole,
        path=msgspec.structs.replace(whole.path, hops=hops),
        source_change=SourceChanged(1, 0, "10.9.8.7", "10.9.8.6"),
        judged=judged,
        notes=("probes leave from 10.9.8.3",),
    )
    assert "10.9.8." in words(whole)
    assert "10.9.8." not in words(masked(whole, 1))


def test_a_finding_about_hops_that_nobody_has_seen_names_none() -> None:
    """Of a fleet's targets none of whose probes were read there is what was said alone."""
    said = Verdict(kind="unreachable", first_ttl=2, last_ttl=2, numbers=Numbers(address=router(2)))
    incident = Incident(id="1", kind="unreachable", begin=0, addresses=(router(1), router(2)))
    brief = Target(
        1, TARGET, "running", TARGET, None, None, None, None, PathFold(TARGET).snapshot(), {},
        judged=Judged(verdict=said, incidents=(incident,)), is_brief=True,
    )  # fmt: skip
    hidden = masked(brief, 1)
    assert not any(router(ttl) in words(hidden) for ttl in (1, 2))
    assert hidden.address == TARGET


def test_a_router_whose_name_is_a_word_of_ours_breaks_nothing() -> None:
    whole = target()
    names = {router(1): AddressInfo(hostname="running"), router(2): AddressInfo(hostname="starting")}
    hidden = masked(msgspec.structs.replace(whole, names=names), 2)
    assert (hidden.state, hidden.judged.verdict.kind) == ("running", "starting")


def test_what_is_hidden_at_one_target_is_at_all_of_them_and_when_it_is_no_more_there() -> None:
    near, far = target(1), target(2)
    other = "192.0.2.77"
    hops = (near.path.hops[0], *(hop for hop in near.path.hops[1:]))
    node = msgspec.structs.replace(hops[0].nodes[0], address=other)
    near = msgspec.structs.replace(
        near, path=msgspec.structs.replace(near.path, hops=(msgspec.structs.replace(hops[0], nodes=(node,)), *hops[1:]))
    )
    beyond = msgspec.structs.replace(far.path.hops[2], nodes=(node,))
    far = msgspec.structs.replace(
        far, path=msgspec.structs.replace(far.path, hops=(*far.path.hops[:2], beyond, far.path.hops[3]))
    )
    veil = PrivacyFilter(2)
    assert other in words(masked(far, 2))
    assert other not in words(veil.over(snapshot(near, far)).targets)
    assert other not in words(veil.over(snapshot(far)).targets)


def test_what_happened_is_told_without_what_is_hidden() -> None:
    veil = PrivacyFilter(1)
    veil.over(snapshot(target(1)))
    marks = [Mark(kind="route-change", begin=0, ttl=1, before=router(1), after=router(2))]
    (told,) = veil.happenings(1, [Happening(0, marks[0], 0, 0)])
    assert isinstance(told.what, Mark)
    assert (told.what.before, told.what.after) == (HIDDEN, router(2))
    (unknown,) = veil.happenings(9, [Happening(0, marks[0], 0, 0)])
    assert not any(router(ttl) in words(unknown) for ttl in (1, 2))


# --- where an address stands -----------------------------------------------------------------------------------------

REFUSER = "203.0.113.2"


def heard(*fates: object) -> Target:
    """A target of whose one round this is known."""
    fold = PathFold(TARGET)
    fold.apply(begun(0))
    for ttl, fate in enumerate(fates, 1):
        fold.apply(sent(0, ttl))
        if fate is not None:
            fold.apply(fate)  # type: ignore[arg-type]  # an event
    return msgspec.structs.replace(target(), path=fold.snapshot(), names={REFUSER: AddressInfo("isp.example")})


def test_a_hop_that_is_silent_and_refuses_what_it_should_forward_is_hidden_where_it_answers() -> None:
    whole = heard(answered(0, 1), lost(0, 2), answered(0, 3, address=REFUSER, kind="host-unreachable"))
    assert REFUSER in words(whole)
    shown = masked(whole, 2)
    assert REFUSER not in words(shown)
    assert "isp.example" not in words(shown)
    assert [node.address for node in shown.path.hops[2].nodes] == [HIDDEN]


def test_who_refuses_and_was_reached_past_the_hidden_hops_is_shown() -> None:
    way = answered(0, 1), lost(0, 2), answered(0, 3), answered(0, 4, address=REFUSER, kind="prohibited")
    assert REFUSER in words(masked(heard(*way), 2))


def test_what_may_still_be_found_at_a_first_hop_is_not_shown_before_that_is_known() -> None:
    loop = heard(answered(0, 1), None, answered(0, 3), answered(0, 4, address=REFUSER))
    assert REFUSER not in words(masked(loop, 2))
    assert REFUSER in words(
        masked(heard(answered(0, 1), lost(0, 2), answered(0, 3), answered(0, 4, address=REFUSER)), 2)
    )


def test_who_was_known_to_stand_behind_is_shown_where_he_refuses_and_after_a_reset() -> None:
    veil = PrivacyFilter(2)
    there = heard(answered(0, 1), lost(0, 2), answered(0, 3, address=REFUSER))
    refusing = heard(None, None, answered(0, 3, address=REFUSER, kind="host-unreachable"))
    assert REFUSER in words(veil.over(snapshot(there)).targets)
    assert REFUSER in words(veil.over(snapshot(refusing)).targets)
    assert REFUSER not in words(masked(refusing, 2))


def test_who_may_be_a_hidden_hop_after_all_is_hidden_at_targets_that_did_not_change_as_well() -> None:
    veil = PrivacyFilter(2)
    refusing = heard(None, None, answered(0, 3, address=REFUSER, kind="host-unreachable"))
    near = answered(0, 1), lost(0, 2)
    known = heard(*near, answered(0, 3, address=REFUSER))
    doubtful = heard(*near, answered(0, 3, address=REFUSER), answered(0, 4, address=REFUSER))
    before, after = (msgspec.structs.replace(one, names={}) for one in (known, doubtful))
    other = msgspec.structs.replace(refusing, id=2, names={})
    assert REFUSER in words(veil.over(snapshot(before, other)).targets[1])
    assert REFUSER not in words(veil.over(snapshot(after, other)).targets)


def told(ttl: int, address: str | None, kind: str | None = "time-exceeded") -> ProbeEvent:
    outcome = "lost" if address is None else "answered"
    return ProbeEvent(target=TARGET, round=0, ttl=ttl, sent_at="", outcome=outcome, address=address, kind=kind)  # type: ignore[arg-type]  # from a table


def addresses(veil: Veil, *events: ProbeEvent) -> list[str | None]:
    return [shown.address for event in events if isinstance(shown := veil.event(event), ProbeEvent)]


def test_a_stream_names_nobody_who_may_still_turn_out_to_be_a_hidden_hop() -> None:
    race = told(1, router(1)), told(3, REFUSER, "host-unreachable"), told(2, REFUSER), told(3, REFUSER)
    assert addresses(Veil(2), *race) == [HIDDEN] * 4
    loop = told(4, REFUSER), told(3, router(3)), told(5, TARGET, "echo-reply"), told(1, router(1)), told(2, REFUSER)
    assert addresses(Veil(2), *loop) == [HIDDEN, HIDDEN, TARGET, HIDDEN, HIDDEN]
    silent = told(1, router(1)), told(3, router(3)), told(2, None), told(3, router(3)), told(4, REFUSER, "prohibited")
    assert addresses(Veil(2), *silent) == [HIDDEN, HIDDEN, None, router(3), REFUSER]


def test_a_stream_that_begins_behind_the_hidden_hops_waits_for_none_of_them() -> None:
    assert addresses(Veil(2, first_ttl=3), told(3, router(3)), told(4, router(4))) == [router(3), router(4)]
    assert addresses(Veil(2, first_ttl=3), told(3, REFUSER, "prohibited")) == [HIDDEN]


def test_a_stream_of_a_recording_hides_what_is_found_at_a_first_hop_later_on() -> None:
    veil = Veil(2)
    veil.know(
        [
            Answerer(1, router(1), True),
            Answerer(2, REFUSER, True),
            Answerer(3, router(3), True),
            Answerer(4, REFUSER, True),
        ]
    )
    played = told(3, router(3)), told(1, router(1)), told(2, None), told(4, REFUSER), told(2, REFUSER)
    assert addresses(veil, *played) == [router(3), HIDDEN, None, HIDDEN, HIDDEN]
