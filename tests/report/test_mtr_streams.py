"""mtr's streams from events: each probe as it leaves, hosts as mtr tells of them, several targets in their order."""

from __future__ import annotations

from hopscope.session.events import EndEvent, Outcome, ProbeEvent, SentEvent, StartEvent, StreamEvent
from hopscope.views.privacy import Veil
from hopscope.views.report.document import Style
from hopscope.views.report.mtr_raw import LAST_NUMBER, MtrRaw
from hopscope.views.report.stream import Streamer, streamer
from hopscope.wire.messages import Kind, Label

_AT = "2026-11-23T15:02:00.000000+00:00"
NAMES = {"192.0.2.1": "gw.example.net"}
PLAIN = Style(names="addresses")


def _start(target: str) -> StartEvent:
    return StartEvent(
        target=target, query=target, source=None, protocol="icmp", method="raw", family=4, port=None, interval_s=1.0,
        timeout_s=3.0, packet_size=64, tos=0, flow_kind="one", started=_AT,
    )  # fmt: skip


def _sent(round_: int, ttl: int, target: str = "t") -> SentEvent:
    return SentEvent(target=target, round=round_, ttl=ttl, sent_at=_AT)


def _fate(
    round_: int,
    ttl: int,
    address: str | None,
    outcome: Outcome = "answered",
    target: str = "t",
    kind: Kind = "time-exceeded",
) -> ProbeEvent:
    return ProbeEvent(
        target=target, round=round_, ttl=ttl, sent_at=_AT, outcome=outcome, rtt_ms=1.5 if address else None,
        address=address, kind=kind if address else None,
        mpls=(Label(24011, 0, False, 1),) if address == "192.0.2.9" else (),
    )  # fmt: skip


def _lines(stream: Streamer, *events: StreamEvent) -> list[str]:
    return [line for event in events for line in stream.event(event).splitlines()]


def test_a_probe_is_told_when_it_leaves_and_its_answer_by_the_same_number() -> None:
    raw = MtrRaw(PLAIN, NAMES.get)
    assert _lines(raw, _sent(0, 1), _sent(0, 2)) == ["x 0 33000", "x 1 33001"]
    assert _lines(raw, _fate(0, 2, "192.0.2.2")) == ["h 1 192.0.2.2", "h 1 192.0.2.2", "p 1 1500 33001"]
    assert _lines(raw, _fate(0, 1, None, "lost"), _sent(1, 1), _fate(1, 1, "192.0.2.1")) == [
        "x 0 33002", "h 0 192.0.2.1", "h 0 192.0.2.1", "p 0 1500 33002",
    ]  # fmt: skip


def test_what_could_not_be_heard_or_came_late_has_no_second_line() -> None:
    raw = MtrRaw(PLAIN, NAMES.get)
    assert _lines(raw, _sent(0, 1), _fate(0, 1, None, "failed"), _fate(0, 2, None, "failed")) == ["x 0 33000"]
    assert _lines(raw, _fate(0, 1, "192.0.2.1", "late"), _fate(0, 1, "192.0.2.1", "duplicate")) == []


def test_a_host_is_told_when_another_answers_than_before_and_twice_when_it_is_new() -> None:
    raw = MtrRaw(PLAIN, NAMES.get)
    told = [
        [line for line in _lines(raw, _sent(round_, 1), _fate(round_, 1, address)) if line.startswith("h")]
        for round_, address in enumerate(["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1"])
    ]
    assert told == [["h 0 192.0.2.1"] * 2, [], ["h 0 192.0.2.2"] * 2, ["h 0 192.0.2.1"]]


def test_labels_belong_to_the_host_line_that_they_follow() -> None:
    raw = MtrRaw(Style(names="addresses", mpls=True), NAMES.get)
    assert _lines(raw, _sent(0, 4), _fate(0, 4, "192.0.2.9"))[1:5] == ["h 3 192.0.2.9", "m 3 24011 0 0 1"] * 2


def test_a_name_is_told_once_a_position_and_only_where_names_are_wanted() -> None:
    raw = MtrRaw(Style(), NAMES.get)
    lines = _lines(raw, *(event for round_ in range(3) for event in (_sent(round_, 1), _fate(round_, 1, "192.0.2.1"))))
    assert [line for line in lines if line.startswith("d")] == ["d 0 gw.example.net"]


def test_numbers_begin_again_where_mtrs_do() -> None:
    raw = MtrRaw(PLAIN, NAMES.get, iter([LAST_NUMBER, 33_000]))
    assert _lines(raw, _sent(0, 1), _sent(0, 2)) == ["x 0 65535", "x 1 33000"]


def test_several_targets_follow_each_other_whatever_happens_first() -> None:
    for name in ("mtr-raw", "mtr-split"):
        together = streamer(name, PLAIN, NAMES.get, Veil(0))
        events: list[StreamEvent] = [
            _start("a"), _start("b"), _sent(0, 1, "b"), _sent(0, 1, "a"), _fate(0, 1, "192.0.2.7", target="b"),
            _fate(0, 1, "192.0.2.1", target="a"), EndEvent(target="b", rounds=1, reached=False), _sent(1, 1, "a"),
            _fate(1, 1, None, "lost", target="a"), EndEvent(target="a", rounds=2, reached=False),
            _fate(0, 1, "192.0.2.7", "late", target="b"),
        ]  # fmt: skip
        lines = _lines(together, *events)
        own = [event for target in "ab" for event in events if event.target == target]
        assert lines == _lines(streamer(name, PLAIN, NAMES.get, Veil(0)), *own)
        assert [line.rpartition(" 192.0.2.")[2][0] for line in lines if "192.0.2." in line][-1] == "7"


def test_a_split_line_comes_when_something_of_the_hop_changed() -> None:
    split = streamer("mtr-split", Style(), NAMES.get, Veil(0))
    assert _lines(split, _start("t"), _sent(0, 1), _sent(0, 2)) == []
    assert _lines(split, _fate(0, 1, "192.0.2.1")) == ["1 gw.example.net 0 1 1 1 1 1"]
    assert _lines(split, _fate(0, 2, None, "lost"), _sent(1, 1)) == []
    assert _lines(split, _sent(1, 2)) == ["1 gw.example.net 0 1 2 1 1 1"]
    assert _lines(split, _fate(1, 1, None, "lost")) == ["1 gw.example.net 50000 1 2 1 1 1"]


def test_a_split_table_goes_on_behind_a_router_that_refuses_what_expires_there() -> None:
    split, target = streamer("mtr-split", Style(), NAMES.get, Veil(0)), "192.0.2.9"
    assert _lines(split, _start(target), *(_sent(0, ttl, target) for ttl in (1, 2, 3))) == []
    refusal = _fate(0, 1, "192.0.2.2", target=target, kind="prohibited")
    assert _lines(split, refusal) == ["1 192.0.2.2 0 1 1 1 1 1"]
    assert _lines(split, _fate(0, 2, target, target=target, kind="echo-reply")) == ["2 192.0.2.9 0 1 1 1 1 1"]
    assert _lines(split, _fate(0, 3, target, target=target, kind="echo-reply")) == []


def test_the_split_lines_of_both_names_and_addresses_have_both() -> None:
    split = streamer("mtr-split", Style(names="both"), NAMES.get, Veil(0))
    assert _lines(split, _start("t"), _sent(0, 1), _fate(0, 1, "192.0.2.1")) == [
        "1 gw.example.net 192.0.2.1 0 1 1 1 1 1"
    ]
