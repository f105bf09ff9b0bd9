"""What is said of each kind of verdict: the sentence, its grounds, what it is not, and what to do."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from hopscope.judge.verdict import Epoch, Incident, Mark, Note, NoteKind, Numbers, Trouble, Verdict
from hopscope.names.segments import End, Role
from hopscope.wire.messages import Protocol
from hopscope.words.clauses import sides
from hopscope.words.events import incident_words, mark_name, mark_words
from hopscope.words.grounds import note_words
from hopscope.words.moods import mood
from hopscope.words.places import Course, Place, place_of
from hopscope.words.where import where, whose
from hopscope.words.why import why
from tests.words.subjects import TARGET, clock, said

S = 1_000_000_000
MS = 1_000_000
SLOW = Numbers(rounds=15, sent=15, usual_ns=32_600_000, now_ns=55_900_000)
LOST = Numbers(
    span_from=0, rounds=774, sent=774, lost=36, behind_sent=2300, behind_lost=108, before_sent=2000, before_lost=0
)


@pytest.mark.parametrize(
    ("verdict", "line", "short"),
    [
        (Verdict(kind="starting"), "starting: no answer yet", "starting"),
        (
            Verdict(kind="starting", numbers=Numbers(sent=2, lost=1)),
            "too early to judge: 1 of 2 lost",
            "starting",
        ),
        (
            Verdict(kind="healthy", numbers=Numbers(sent=100, rounds=100)),
            "healthy: about 35 ms, nothing is lost",
            "healthy",
        ),
        (
            Verdict(kind="healthy", numbers=Numbers(sent=9, rounds=9)),
            "healthy so far: about 35 ms, nothing is lost",
            "healthy",
        ),
        (
            Verdict(kind="healthy", numbers=Numbers(sent=100, rounds=100, lost=1)),
            "healthy: about 35 ms, 1 lost so far, which may be chance",
            "healthy",
        ),
        (
            Verdict(kind="healthy", numbers=Numbers(sent=120, rounds=120, lost=1)),
            "healthy: about 35 ms, 1 lost in the last 120 rounds, which may be chance",
            "healthy",
        ),
        (
            Verdict(kind="loss", first_ttl=4, last_ttl=5, since=9 * S, numbers=LOST),
            "5 % of packets are lost from hop 5 on, since T+9: where AS64500 NEARBY meets AS64510 FARLINE",
            "loss",
        ),
        (
            Verdict(
                kind="loss",
                first_ttl=4,
                last_ttl=5,
                numbers=Numbers(sent=100, lost=24, also_ttl=2, also_sent=200, also_lost=10),
            ),
            "24 % of packets are lost from hop 5 on (5 % from hop 2 on already): "
            "where AS64500 NEARBY meets AS64510 FARLINE",
            "loss",
        ),
        (
            Verdict(kind="loss", first_ttl=3, last_ttl=6, numbers=Numbers(sent=100, lost=1, burst=3.0)),
            "1 % of packets are lost in bursts from one of hops 4 to 6 on: where AS64500 NEARBY meets AS64510 FARLINE",
            "loss",
        ),
        (
            Verdict(kind="loss", first_ttl=1, last_ttl=1, numbers=LOST),
            "5 % of packets are lost from the first hop on: in your own network",
            "loss",
        ),
        (
            Verdict(kind="loss", first_ttl=6, last_ttl=7, numbers=LOST),
            "5 % of packets are lost at the target: where AS64510 FARLINE meets the target's network (AS64520 HOST)",
            "loss",
        ),
        (
            Verdict(kind="outage", first_ttl=5, last_ttl=6, since=3 * S),
            "no answer from hop 6 on, since T+3: within AS64510 FARLINE,"
            " hop 5, cr1.farline.example (198.51.100.1) is the last that answers",
            "no answer",
        ),
        (
            Verdict(kind="no-answer", first_ttl=6, last_ttl=7),
            "the target does not answer: hop 6, cr3.farline.example (198.51.100.5) is the last that answers",
            "no answer",
        ),
        (Verdict(kind="no-answer", first_ttl=1, last_ttl=1), "no answer from anywhere", "no answer"),
        (
            Verdict(
                kind="unreachable",
                first_ttl=5,
                last_ttl=5,
                numbers=Numbers(says="net-unreachable", address="198.51.100.1"),
            ),
            "the target cannot be reached: hop 5, cr1.farline.example (198.51.100.1) says no route, at AS64510 FARLINE",
            "no route",
        ),
        (
            Verdict(kind="unreachable", first_ttl=7, last_ttl=7),
            "the target is not reached within 7 hops: the last one still is a router",
            "not reached",
        ),
        (
            Verdict(kind="filter", first_ttl=7, last_ttl=7, numbers=Numbers(says="prohibited", address=TARGET)),
            f"a firewall turns packets away at the target: hop 7, www.example.com ({TARGET}) says prohibited,"
            " at the target's network (AS64520 HOST)",
            "prohibited",
        ),
        (
            Verdict(kind="loop", first_ttl=5, last_ttl=6, numbers=Numbers(addresses=("198.51.100.1", "198.51.100.5"))),
            "packets go in circles between cr1.farline.example (198.51.100.1) and cr3.farline.example (198.51.100.5):"
            " they never arrive; within AS64510 FARLINE",
            "forwarding loop",
        ),
        (
            Verdict(kind="flapping", first_ttl=4, last_ttl=5, numbers=Numbers(rounds=200, times=7)),
            "the route keeps changing from hop 5 on: 7 times in 200 rounds, where AS64500 NEARBY meets AS64510 FARLINE",
            "route flaps",
        ),
        (
            Verdict(kind="route-change", first_ttl=4, last_ttl=5, since=S, numbers=SLOW),
            "the route changed for the worse from hop 5 on, since T+1: 23 ms more than usual (56 ms instead of 33 ms),"
            " where AS64500 NEARBY meets AS64510 FARLINE",
            "worse route",
        ),
        (
            Verdict(
                kind="congestion",
                first_ttl=3,
                last_ttl=4,
                numbers=msgspec.structs.replace(SLOW, lost=3, also_ttl=6, also_sent=200, also_lost=12),
            ),
            "packets queue from hop 4 on: 23 ms more than usual (56 ms instead of 33 ms), 6 % lost from hop 6 on,"
            " within your provider (AS64500 NEARBY)",
            "busy link",
        ),
        (
            Verdict(
                kind="detour",
                first_ttl=5,
                last_ttl=6,
                since=4 * S,
                numbers=msgspec.structs.replace(SLOW, part_ttl=8, part_ns=12 * MS, part_since=9 * S),
            ),
            "the way has become longer from hop 6 on, since T+4: 23 ms more than usual"
            " (56 ms instead of 33 ms; 12 ms of it from hop 8 on, since T+9), within AS64510 FARLINE",
            "longer way",
        ),
        (
            Verdict(kind="detour", first_ttl=5, last_ttl=6, numbers=SLOW),
            "the way has become longer from hop 6 on: 23 ms more than usual (56 ms instead of 33 ms),"
            " within AS64510 FARLINE",
            "longer way",
        ),
        (
            Verdict(kind="local-network", first_ttl=1, last_ttl=1, numbers=SLOW),
            "your own network is unsteady (Wi-Fi?): 23 ms more than usual (56 ms instead of 33 ms),"
            " a call would stutter",
            "own network",
        ),
        (
            Verdict(
                kind="bufferbloat",
                first_ttl=1,
                last_ttl=2,
                numbers=Numbers(sent=100, lost=5, usual_ns=35 * MS, now_ns=535 * MS),
            ),
            "your internet line is full from hop 2 on: 500 ms more than usual (535 ms instead of 35 ms),"
            " 5 % lost with it",
            "line full",
        ),
        (
            Verdict(kind="bufferbloat", first_ttl=1, last_ttl=2, numbers=Numbers(quick_ns=116 * MS, slow_ns=235 * MS)),
            "your internet line is full from hop 2 on: round trips take 116 ms to 235 ms",
            "line full",
        ),
        (
            Verdict(kind="congestion", first_ttl=4, last_ttl=5, numbers=SLOW),
            "packets queue from hop 5 on: 23 ms more than usual (56 ms instead of 33 ms),"
            " where AS64500 NEARBY meets AS64510 FARLINE",
            "busy link",
        ),
        (
            Verdict(kind="bad-member", first_ttl=4, last_ttl=5, numbers=LOST),
            "one of several parallel links is bad from hop 5 on: 5 % of all packets lost,"
            " where AS64500 NEARBY meets AS64510 FARLINE",
            "one link bad",
        ),
        (
            Verdict(
                kind="bad-member",
                first_ttl=4,
                last_ttl=5,
                numbers=Numbers(
                    sent=60, usual_ns=30 * MS, now_ns=70 * MS, paths=8, bad_paths=1, ports=(20_001, 20_005)
                ),
            ),
            "one of 8 parallel paths is slow (+40 ms) from hop 5 on: connections with source ports 20001, 20005 are"
            " slow, others are not; there or back, where AS64500 NEARBY meets AS64510 FARLINE",
            "one path slow",
        ),
        (
            Verdict(
                kind="mtu",
                first_ttl=4,
                last_ttl=4,
                numbers=Numbers(says="fragmentation-needed", address="203.0.113.65", mtu=1400),
            ),
            "packets above 1400 bytes do not get through:"
            " hop 4, edge1.nearby.example (203.0.113.65) says packet too big,"
            " at your provider (AS64500 NEARBY)",
            "packets too big",
        ),
        (
            Verdict(kind="late", first_ttl=7, last_ttl=7, numbers=Numbers(sent=90, late=10)),
            "answers come later than the timeout: 10 of the last 100 answers came too late to count; raise it",
            "answers late",
        ),
        (
            Verdict(
                kind="this-computer",
                numbers=Numbers(rounds=20, failed=12, error="ENETUNREACH", message="Network is unreachable"),
            ),
            "this computer cannot send: Network is unreachable: 12 sends failed in the last 20 rounds",
            "this computer",
        ),
        (
            Verdict(
                kind="this-computer",
                numbers=Numbers(rounds=20, failed=12, error="OVERFLOW", message="this computer's buffer overflowed"),
            ),
            "this computer's buffer overflowed: 12 answers could not be heard in the last 20 rounds",
            "this computer",
        ),
    ],
)
def test_what_is_said(verdict: Verdict, line: str, short: str) -> None:
    sentence = said(verdict).sentence
    assert (sentence.line, sentence.short) == (line, short)


def test_what_lasts_says_how_often_it_came_and_since_when_by_its_incident() -> None:
    outage = Verdict(kind="outage", first_ttl=5, last_ttl=6, since=300 * S)
    again = Incident(id="1", kind="outage", begin=3 * S, first_ttl=5, last_ttl=6, times=4)
    assert said(outage, incidents=(again,)).sentence.line == (
        "no answer from hop 6 on, since T+300: within AS64510 FARLINE,"
        " hop 5, cr1.farline.example (198.51.100.1) is the last that answers, the 4th time"
    )
    unsteady = Verdict(kind="local-network", first_ttl=1, last_ttl=1)
    first = Incident(id="1", kind="local-network", begin=3 * S, first_ttl=1, last_ttl=1)
    assert ", since T+3" in said(unsteady, incidents=(first,)).sentence.line


def test_what_came_again_at_a_moment_that_nobody_knows_says_since_when_it_does() -> None:
    unsteady = Verdict(kind="local-network", first_ttl=1, last_ttl=1, numbers=Numbers(sent=100, lost=8))
    again = Incident(id="1", kind="local-network", begin=3 * S, first_ttl=1, last_ttl=1, times=3)
    spoken = said(unsteady, incidents=(again,))
    assert spoken.headline().asides == (", now, the 3rd time since T+3", ", now")
    assert spoken.headline("then").asides == (", the 3rd time since T+3",)
    assert not any("It is the" in way for ways in spoken.headline().more for way in ways)
    since = next(part for part in why(spoken, spoken.headline(), str, 0) if part.name == "since")
    assert since.lines == (f"{3 * S}, when it came for the first time; 3 times by now",)


def test_a_share_says_its_span_and_what_the_hops_before_the_target_lose_in_one_bracket() -> None:
    numbers = Numbers(rounds=9, sent=9, lost=2, behind_sent=99, behind_lost=8)
    loss = Verdict(kind="loss", first_ttl=1, last_ttl=2, numbers=numbers)
    assert "22 % of packets are lost from hop 2 on (last 9 rounds; 7 % at the hops before the target)" in (
        said(loss).headline().matter
    )


@pytest.mark.parametrize(
    ("now", "short"), [(None, "One path is bad from hop 5 on"), (70, "One path is slow from hop 5 on")]
)
def test_where_there_is_little_room_a_path_that_is_slow_is_called_that(now: int | None, short: str) -> None:
    usual_ns, now_ns = (30 * MS, now * MS) if now is not None else (None, None)
    numbers = Numbers(sent=60, lost=20, paths=8, bad_paths=1, usual_ns=usual_ns, now_ns=now_ns)
    assert said(Verdict(kind="bad-member", first_ttl=4, last_ttl=5, numbers=numbers)).headline().short == short


def test_every_kind_of_trouble_has_words_without_any_numbers_or_place() -> None:
    for kind in get_args(Trouble):
        bare = said(Verdict(kind=kind))
        assert bare.sentence.line
        assert "None" not in f"{bare.sentence}{bare.evidence}{bare.against}{bare.steps}"
        assert len(bare.sentence.short) <= 20
        assert "None" not in incident_words(Incident(id="1", kind=kind, begin=0), Place(), clock)


def test_udp_that_a_target_does_not_answer_is_no_outage() -> None:
    found = said(Verdict(kind="no-answer", first_ttl=6, last_ttl=7), protocol="udp").sentence
    assert found.head == "the target does not answer UDP, which alone is no outage"


@pytest.mark.parametrize(
    ("first", "last", "is_target", "words"),
    [
        (None, None, False, ""),
        (6, 7, False, "from hop 7 on"),
        (7, 7, False, "from hop 7 on"),
        (5, 7, False, "from hop 6 or 7 on"),
        (3, 7, False, "from one of hops 4 to 7 on"),
        (0, 3, False, "from one of the first 3 hops on"),
        (0, 1, False, "from the first hop on"),
        (1, 1, False, "from the first hop on"),
        (8, 9, True, "at the target"),
        (5, 9, True, "from one of hops 6 to 9 on"),
        (None, 4, False, "from hop 4 on"),
    ],
)
def test_a_place_is_a_range_and_said_as_one(first: int | None, last: int | None, is_target: bool, words: str) -> None:
    assert where(Place(first, last, is_target=is_target)) == words


def test_a_place_whose_sides_are_hidden_is_none_to_be_named() -> None:
    assert whose(Place(2, 3, between=("hidden", "hidden"))) == "between hidden hops"
    assert whose(Place(2, 3, between=("AS64500", "AS64500"))) == "within AS64500"


def test_recovery_says_what_it_was_for_how_long_and_how_often() -> None:
    was = Incident(
        id="1-outage",
        kind="outage",
        begin=20 * S,
        end=35 * S,
        first_ttl=4,
        last_ttl=5,
        addresses=("203.0.113.65", "198.51.100.1"),
    )
    verdict = Verdict(kind="recovered", since=35 * S, was="1-outage")
    line = said(verdict, incidents=(was,)).sentence.line
    assert line == "fine again since T+35: no answer came from hop 5 on for 15 s"
    again = Incident(id="1-outage", kind="outage", begin=20 * S, end=200 * S, first_ttl=4, last_ttl=5, times=4)
    line = said(verdict, incidents=(again,)).sentence.line
    assert line == "fine again since T+35: no answer came from hop 5 on, the 4th time"
    assert said(Verdict(kind="recovered", since=S)).sentence.line == "fine again since T+1"


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        ("outage", "no answer from hop 5 on"),
        ("unreachable", "the target cannot be reached"),
        ("loop", "packets go in circles between routers"),
    ],
)
def test_what_comes_and_goes_says_how_often_and_how_much_and_not_who_answers_last(kind: Trouble, head: str) -> None:
    numbers = Numbers(
        span_from=20 * S, rounds=240, sent=240, lost=36, times=12, says="host-unreachable", address="198.51.100.1"
    )
    verdict = Verdict(kind=kind, at=260 * S, since=20 * S, first_ttl=4, last_ttl=5, numbers=numbers)
    open_ = Incident(id="1", kind=kind, begin=20 * S, first_ttl=4, last_ttl=5, times=14, sent=36, lost=36)
    words = said(verdict, incidents=(open_,))
    line = words.sentence.line
    assert line.startswith(f"{head}, again and again, since T+20: 12 times, 15 % of packets lost, ")
    assert "the last that answers" not in line
    assert "time" not in line.partition("12 times")[2]
    assert words.sentence.short == "comes and goes"
    assert words.evidence[:2] == (
        "36 of 240 (11 to 20 %) lost at the target in the last 4 min (240 rounds)",
        "it came 12 times in that time, and answers came in between",
    )
    whole = " ".join(each[0] for each in words.headline().sentences)
    assert ", again and again for " in whole
    assert "12 times, 15 % of packets lost." in whole
    assert mood(verdict) == "loss"


def test_trouble_that_was_there_when_the_watching_began_says_no_more_than_that() -> None:
    found = said(Verdict(kind="loss", since=0, first_ttl=4, last_ttl=5, numbers=LOST)).sentence
    assert (found.head, found.aside) == ("5 % of packets are lost from hop 5 on", ", since the start")


def test_a_silent_target_is_the_targets_though_nobody_knows_its_hop() -> None:
    place = said(Verdict(kind="no-answer", first_ttl=6, last_ttl=7), hops=6).place
    assert (place.segment, place.owner) == ("the target's network", None)


def test_evidence_gives_counts_with_their_span_and_who_stands_on_both_sides() -> None:
    verdict = Verdict(kind="loss", at=774 * S, first_ttl=4, last_ttl=5, numbers=LOST)
    assert said(verdict).evidence == (
        "36 of 774 (3.4 to 6.4 %) lost at the target in the last 13 min (774 rounds)",
        "hop 5 and those behind it lost 108 of 2300",
        "hops 1 to 4 lost 0 of 2000",
        "before it: hop 4, edge1.nearby.example (203.0.113.65)",
        "behind it: hop 5, cr1.farline.example (198.51.100.1), AS64510 FARLINE",
    )
    by_name = said(verdict, owners=False)
    assert by_name.evidence[-1] == "behind it: hop 5, cr1.farline.example (198.51.100.1), farline.example by its name"
    assert by_name.place.between == ("nearby.example", "farline.example")


@pytest.mark.parametrize(
    ("near", "segment", "words"),
    [
        ("your provider", "your provider", "inside your provider (192.0.2.5 to 192.0.2.9)"),
        ("your network", "your network", "inside your own network"),
        ("transit", "the target's network", "between another network (192.0.2.5) and the target's network (192.0.2.9)"),
        ("transit", "transit", "between another network (192.0.2.5) and the next network (192.0.2.9)"),
    ],
)
def test_the_two_sides_of_a_place_are_told_apart_or_are_one(near: Role, segment: Role, words: str) -> None:
    place = Place(first=4, last=5, near=near, segment=segment, between=("192.0.2.5", "192.0.2.9"))
    assert sides(place) == words


def test_what_it_is_not_is_said_too() -> None:
    notes = (Note(kind="rate-limit", ttl=3), Note(kind="balanced", ttl=5))
    verdict = Verdict(kind="loss", first_ttl=4, last_ttl=5, numbers=LOST, notes=notes)
    assert said(verdict).against == (
        "hop 3 limits how often it answers; nothing behind it is lost for that",
        "not this computer, nor what lies before: nothing is lost there",
    )


@pytest.mark.parametrize(
    ("kind", "first", "last", "whom"),
    [
        ("loss", 4, 5, "tell your provider, with this report: only who pays a network in between can make it act"),
        ("loss", 2, 3, "tell your provider, with this report"),
        ("outage", 6, 7, "tell whoever runs www.example.com, with this report"),
        ("local-network", 1, 1, "try a cable instead of Wi-Fi, and restart the router"),
        ("this-computer", None, None, "see what this machine allows: hopscope doctor"),
        ("no-answer", 6, 7, "try TCP to a port that it serves: -T -P 443"),
    ],
)
def test_whom_to_call_is_whom_the_user_pays_or_the_targets_operator(
    kind: Trouble, first: int | None, last: int | None, whom: str
) -> None:
    assert said(Verdict(kind=kind, first_ttl=first, last_ttl=last)).steps[-1] == whom


def test_a_healthy_path_asks_for_nothing() -> None:
    assert said(Verdict(kind="healthy")).steps == ()


@pytest.mark.parametrize(
    ("kind", "first", "last", "segment", "between"),
    [
        ("loss", 4, 5, "transit", ("AS64500 NEARBY", "AS64510 FARLINE")),
        ("loss", 6, 7, "the target's network", ("AS64510 FARLINE", "AS64520 HOST")),
        ("loss", 1, 2, "your provider", ("your network", "100.64.0.1")),
        ("loss", 0, 1, "your network", ("this computer", "your network")),
        ("unreachable", 5, 5, "transit", ("AS64500 NEARBY", "AS64510 FARLINE")),
        ("local-network", 0, 1, "your network", ("this computer", "your network")),
        ("this-computer", None, None, "this computer", None),
        ("late", None, None, None, None),
    ],
)
def test_whose_it_is_follows_from_the_last_ttl(
    kind: Trouble, first: int | None, last: int | None, segment: str | None, between: tuple[str, str] | None
) -> None:
    place = said(Verdict(kind=kind, first_ttl=first, last_ttl=last)).place
    assert (place.segment, place.between) == (segment, between)


def test_an_incident_is_told_by_the_path_of_its_time() -> None:
    was = Incident(id="1", kind="outage", begin=10 * S, end=25 * S, first_ttl=2, last_ttl=3, sent=15, lost=15)
    epochs = (
        Epoch(begin=0, end=50 * S, addresses=(("192.168.1.1",), ("198.51.100.1",), (TARGET,))),
        Epoch(begin=50 * S, addresses=(("192.168.1.1",), ("100.64.0.1",), ("203.0.113.9",))),
    )
    told = said(Verdict(kind="healthy"), incidents=(was,), epochs=epochs)
    assert told.place_of(was).segment == "the target's network"
    assert incident_words(was, told.place_of(was), clock) == "no answer came at the target for 15 s"


def test_an_incident_that_lasts_or_came_again_says_so() -> None:
    place = Place(4, 5)
    lasting = Incident(id="1", kind="congestion", begin=S, first_ttl=4, last_ttl=5, delay_ns=80 * MS)
    assert (
        incident_words(lasting, place, clock) == "packets queue from hop 5 on, since T+1, up to 80.0 ms more than usual"
    )
    often = Incident(id="2", kind="loss", begin=S, end=99 * S, first_ttl=4, last_ttl=5, times=3, sent=40, lost=4)
    assert incident_words(often, place, clock) == (
        "packets were lost from hop 5 on, 3 times since T+1, 4 of 40 (4 to 23 %) lost at the target"
    )


def test_where_a_router_stands_in_for_the_target_no_number_is_called_the_targets() -> None:
    lossy = Verdict(
        kind="loss", first_ttl=3, last_ttl=4, at=99 * S, numbers=LOST, notes=(Note(kind="stand-in", ttl=6),)
    )
    found = said(lossy)
    assert found.evidence[0].startswith("36 of 774 (3.4 to 6.4 %) lost at hop 6 in")
    assert found.note(lossy.notes[0]) == "the target did not answer when this began: hop 6 stands in for it"
    slow = Verdict(kind="detour", first_ttl=3, last_ttl=4, numbers=SLOW, notes=(Note(kind="stand-in", ttl=6),))
    assert "round trips to hop 6 take 32.6 ms usually, 55.9 ms of late" in said(slow).evidence
    was = Incident(id="1", kind="loss", begin=S, end=99 * S, first_ttl=4, last_ttl=5, sent=40, lost=4, stand_in=6)
    assert "4 of 40 (4 to 23 %) lost at hop 6" in incident_words(was, Place(4, 5), clock)


def test_every_note_has_words() -> None:
    setting = said(Verdict(kind="healthy"))
    for kind in get_args(NoteKind):
        words = [setting.note(Note(kind=kind)), setting.note(Note(kind=kind, ttl=3, sent=9, lost=1, at=S))]
        assert all(words), kind
        assert "None" not in "".join(words)
    assert note_words is not None


@pytest.mark.parametrize("kind", ["loss", "outage", "unreachable", "congestion"])
def test_trouble_that_began_when_the_route_changed_says_so_and_its_note_is_not_of_no_harm(
    kind: Trouble,
) -> None:
    notes = Note(kind="route-change", ttl=3, at=9 * S), Note(kind="route-change", ttl=5, at=4 * S)
    verdict = Verdict(kind=kind, first_ttl=4, last_ttl=5, since=9 * S, numbers=LOST, notes=notes)
    words = said(verdict)
    assert words.sentence.aside == ", since T+9, when the route changed"
    assert words.note(notes[0]) == "the route changed at T+9, at hop 3"
    assert words.note(notes[1]) == "the route changed at T+4, at hop 5, without harm"
    whole, short = words.headline("then").asides
    assert (whole, short) == (", since T+9, when the route changed", ", since T+9")
    assert "when" not in said(msgspec.structs.replace(verdict, since=8 * S)).sentence.aside


@pytest.mark.parametrize(
    ("mark", "name", "words"),
    [
        (Mark(kind="pause", begin=0), "pause", "probing is paused"),
        (Mark(kind="pause", begin=0, end=12 * S), "pause", "probing was paused for 12 s"),
        (Mark(kind="reset", begin=0), "reset", "statistics were begun anew"),
        (
            Mark(kind="route-change", begin=0, ttl=6, before="192.0.2.1", after="192.0.2.2"),
            "route-change",
            "the route changed at hop 6 from 192.0.2.1 to 192.0.2.2",
        ),
        (
            Mark(kind="source-change", begin=0, before="192.168.1.23", after="10.8.0.2"),
            "address-change",
            "this computer's address changed from 192.168.1.23 to 10.8.0.2",
        ),
        (Mark(kind="worker-restart", begin=0), "worker-restart", "the probe worker was started again"),
        (
            Mark(kind="gap", begin=0, end=60 * S),
            "gap",
            "nothing was probed for 60 s: this computer slept, or the clock jumped",
        ),
    ],
)
def test_marks_in_words(mark: Mark, name: str, words: str) -> None:
    assert (mark_name(mark), mark_words(mark)) == (name, words)


def test_a_flood_that_this_computer_could_not_read_kept_no_probe_from_leaving() -> None:
    words = said(Verdict(kind="this-computer", numbers=Numbers(failed=12, error="OVERFLOW", message="overflowed")))
    assert "12 answers could not be heard" in words.evidence[0]
    assert not any("sent" in line for line in words.evidence)


def test_a_fine_path_is_said_to_take_what_it_takes_now_not_what_it_took_in_all() -> None:
    now = Verdict(kind="healthy", numbers=Numbers(rounds=120, sent=120, now_ns=31 * MS))
    assert said(now).sentence.line == "healthy: about 31 ms, nothing is lost"
    assert "31 ms" in said(now).headline().asides[0]


@pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
@pytest.mark.parametrize(
    ("hops", "head", "likely"),
    [
        (1, "nobody answers behind your own network", "most likely your internet line is down"),
        (2, "nobody answers behind hop 2", "most likely your provider's network is down"),
    ],
)
def test_where_nobody_answers_behind_the_access_it_is_most_likely_the_line(
    hops: int, head: str, likely: str, protocol: Protocol
) -> None:
    found = said(Verdict(kind="no-answer", first_ttl=hops, last_ttl=hops + 1), hops=hops, protocol=protocol)
    assert found.sentence.head == head
    assert found.sentence.tail.startswith(f"{likely}, unless a firewall swallows all; hop {hops}, ")
    assert (found.place.segment, found.place.owner) == ("your provider", None)
    assert found.steps[0] == "restart the modem, and look at its lights"


@pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
@pytest.mark.parametrize("hops", [1, 2, 5])
def test_a_target_that_nobody_asks_is_not_said_to_be_silent(hops: int, protocol: Protocol) -> None:
    """The largest TTL (-m) is that of a router: neither the line is down, nor does TCP help."""
    verdict = Verdict(
        kind="no-answer", first_ttl=hops, last_ttl=hops + 1, numbers=Numbers(rounds=100, sent=100, lost=100)
    )
    found = said(verdict, hops=hops, protocol=protocol, is_asked_on=False)
    assert found.sentence.line == f"the target is farther away than hop {hops}, the last that is asked"
    assert f"farther away than hop {hops}, the last that is asked" in found.headline().matter
    assert not any("lost" in line for line in found.evidence)
    assert found.steps == ("ask farther, by a larger -m: 30 by default",)


def test_where_a_router_of_the_internet_answers_it_is_not_said_to_be_the_line() -> None:
    found = said(Verdict(kind="no-answer", first_ttl=3, last_ttl=4), hops=3)
    assert found.sentence.head == "the target does not answer"
    assert found.place.segment == "the target's network"


def test_a_target_in_a_private_network_needs_no_line() -> None:
    verdict = Verdict(kind="no-answer", first_ttl=1, last_ttl=2)
    on = Course({1: ("192.168.1.1",)}, {}, End("10.8.0.9", "10.8.0.9", source="192.168.1.23"))
    assert not place_of(verdict, on).is_line


def test_where_not_even_the_first_hop_answers_that_is_said() -> None:
    assert said(Verdict(kind="no-answer"), hops=0).sentence.head == "no answer from anywhere"
