"""One truth on a screen: what, where, since when and whether it is over in its first lines; no colour beside "fine"."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hopscope.sim.library import list_scenarios
from hopscope.views.screen import detail, frame, themes
from hopscope.views.screen.keymap import keys_of
from hopscope.views.screen.options import NamesMode, ScreenOptions
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import look_of
from hopscope.views.screen.text import Row, wrap
from hopscope.words.numbers import about
from hopscope.words.said import Said
from tests.screen.played import at
from tests.screen.scripted import Scripted, ScriptedSession, tour
from tests.screen.test_board import seen
from tests.screen.test_names_and_folds import hop_rows

ALL = [story.name for story in list_scenarios()]
MOMENTS = (6, 25, 33, 50, 65, 75, 95, 125)
SIZES = ((120, 34), (80, 24), (60, 16), (160, 50))

TRUTHS = [
    ("outage", 33, ("No answer from hop 6 on", "12:00:20", "your provider", "farline.example")),
    ("outage", 30, ("now for 10 s (since 12:00:20)", "If it lasts, tell your provider")),
    ("outage", 95, ("now for 15 s (since 12:01:20)", "Tell your provider")),
    ("silent-target", 40, ("? The target www.example.com does not answer pings",)),
    ("outage", 65, ("Fine again for 30 s", "No answer came from hop 6 on", "12:00:20 to 12:00:35", "farline.example")),
    ("outage", 125, ("Fine again for 30 s", "from hop 6 on", "the 2nd time", "until 12:01:35")),
    ("wifi", 75, ("Your own network is unsteady (Wi-Fi?)", "now and ever since the start", "hop 1, your router")),
    ("bufferbloat", 50, ("Your internet line is full from hop 2 on", "12:00:20", "your provider")),
    ("bufferbloat", 75, ("Fine again for 35 s", "internet line was full from hop 2 on", "12:00:20 to 12:00:40")),
    ("route-change", 55, ("another, slower way from hop 6 on", "12:00:30", "etween your provider")),
    ("route-change", 97, ("Fine again for 35 s", "from hop 6 on", "12:00:30 to 12:01:00")),
    (
        "lossy-link",
        75,
        ("3 % of packets are lost from hop 7 on", "again and again since the start", "nside ", "farline.example"),
    ),
    (
        "loop",
        40,
        ("Packets go in circles at hops 6 and 7", "now and ever since the start", "nside ", "farline.example"),
    ),
    (
        "silent-target",
        40,
        ("does not answer pings", "now and ever since the start", "Up to hop 10", "Many hosts never do"),
    ),
    ("ratelimit", 75, ("Fine for 1 min", "Hops 4 and 8 answer only some probes: harmless")),
    ("tour", 290, ("3 % of packets are lost from hop 9 on", "again and again since the start")),
    *((name, 75, ("Fine for 1 min", "nothing lost")) for name in ("healthy", "mpls", "ipv6", "hostile")),
]


def head(lines: list[str]) -> str:
    """The lines above the table as one."""
    first = next(i for i, line in enumerate(lines) if " #  Host" in line)
    return " ".join(" ".join(lines[:first]).split())


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clock times are the same everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("scenario", "seconds", "words"), TRUTHS)
@pytest.mark.parametrize("bare", [True, False], ids=["names alone", "owner data"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_first_lines_say_what_where_since_when_and_whose(
    scenario: str, seconds: float, words: tuple[str, ...], bare: bool, size: tuple[int, int]
) -> None:
    said = head(seen(at(scenario, seconds, bare=bare), size))
    missing = [each for each in words if each not in said]
    if not bare:
        missing = [each for each in missing if "farline" not in each]  # whose is by its number there
    assert not missing, said


SILENT = """source = ["10.0.0.2"]
hops = [
  { at = "10.0.0.1", delay = "1ms" }, { at = "203.0.113.1", delay = "3ms" }, { at = "203.0.113.5", delay = "3ms" },
  { at = "198.51.100.1", delay = "5ms" }, { at = "198.51.100.5", delay = "5ms" },
]
[[targets]]
name = "t.example"
at = "192.0.2.80"
silent = true
[[changes]]
at = "10s"
"""


@pytest.mark.parametrize(
    ("change", "seconds", "words"),
    [
        ("outage = 1", 45, "No answer from the first hop on: t.example is cut off, now for 35 s (since 12:00:10)"),
        ("outage = 4", 45, "No answer from hop 4 on: t.example is cut off, now for 35 s (since 12:00:10)"),
        ('until = "40s"\noutage = 4', 60, "Up to hop 5 (198.51.100.5) all is fine"),
        ("hop = 5\nset = { silent = true }", 40, "Up to hop 4 (198.51.100.1) all is fine"),
        ('hop = 1\nset = { loss = "40%" }', 120, "of packets are lost from the first hop on"),
    ],
)
def test_over_a_path_to_a_silent_target_stands_what_is_wrong_with_it(
    change: str, seconds: float, words: str, tmp_path: Path
) -> None:
    scenario = tmp_path / "silent.toml"
    scenario.write_text(SILENT + change + "\n")
    said = head(seen(at(str(scenario), seconds), (120, 34)))
    assert words in said
    assert ("is fine" in said) == ("is fine" in words)
    assert "Hop 1 answers" not in said


@pytest.mark.parametrize(("scenario", "seconds", "words"), TRUTHS)
def test_a_screen_of_forty_columns_says_the_first_two(scenario: str, seconds: float, words: tuple[str, ...]) -> None:
    said = head(seen(at(scenario, seconds, bare=True), (40, 12)))
    assert words[0].split(" for ")[0].split(" on")[0] in said
    assert "…" not in said


def drawn(scenario: str, seconds: float, size: tuple[int, int]) -> tuple[list[Row], ViewState]:
    state = ViewState.begin(ScreenOptions(), at(scenario, seconds, bare=True))
    state.see(state.shown)
    look = look_of(themes.OWN[0])
    return frame.compose(state, look, *size, keys_of({}), frame.FrameCache()).rows, state


@pytest.mark.parametrize("scenario", ALL)
def test_beside_fine_there_is_no_colour_of_trouble_and_in_trouble_it_begins_in_one_place(scenario: str) -> None:
    look = look_of(themes.OWN[0])
    colours = {look.warn.color, look.bad.color}
    for seconds in MOMENTS:
        rows, state = drawn(scenario, seconds, (120, 34))
        target = state.chosen
        assert target is not None
        verdict = target.judged.verdict
        table = [row for row in rows if row.hits and row.hits[-1][2].kind == "hop"]
        hosts = [
            row.text[2:7].strip()
            for row in table
            if any(part.style and part.style.color in colours for part in row.strip.crop(2, 30))
        ]
        if verdict.is_trouble:
            assert 1 <= len(hosts) <= 3, (seconds, hosts)
        else:
            assert not hosts, seconds
            signs = [part.text for row in table for part in row.strip if part.style and part.style.color in colours]
            assert set("".join(signs)) <= {"»", "!"}, seconds  # late, and not sent: no loss


@pytest.mark.parametrize("scenario", ALL)
def test_the_loss_of_the_sentence_is_the_target_rows_or_names_its_own_span(scenario: str) -> None:
    for seconds in MOMENTS:
        lines = seen(at(scenario, seconds, bare=True), (120, 34), details=True, chart=True)
        target = at(scenario, seconds, bare=True).targets[0]
        said = head(lines)
        share = re.search(r"([\d.]+ %) of packets are lost", said)
        if share and "(last" not in said:
            hop = target.path.target_hop
            assert hop is not None
            assert share[1] == about(hop.loss_pct), (seconds, said)
        counted = re.search(r"(\d+) of (\d+) lost, perhaps", said)
        if counted:
            hop = target.path.target_hop
            assert hop is not None
            assert (int(counted[1]), int(counted[2])) == (hop.lost, hop.lost + hop.received)


@pytest.mark.parametrize("scenario", ALL)
def test_rows_are_no_more_than_hops_of_the_path(scenario: str) -> None:
    for seconds in MOMENTS:
        snapshot = at(scenario, seconds)
        rows = hop_rows(seen(snapshot, (160, 50)))
        assert len(rows) <= len(snapshot.targets[0].path.hops)


def test_twenty_minutes_after_an_outage_what_it_was_is_still_said() -> None:
    path = tour()
    target = Scripted(1, "one.one.one.one", "192.0.2.53", path)
    session = ScriptedSession(target).play(60)
    silent = [type(hop)(hop.addresses, hop.names, silent=True) for hop in path[4:]]
    target.routers = (*path[:4], *silent)
    session.play(30)
    target.routers = path
    session.play(1200)
    said = head(seen(session.snapshot(), (120, 34)))
    assert "Fine for 19 min" in said or "Fine for 20 min" in said
    assert "Before that: no answer came from hop 5 on for 30 s, 15:03:00 to 15:03:30" in said


def test_words_rest_while_nothing_happens() -> None:
    changes = {head(seen(at("healthy", seconds), (120, 34))).split("●")[1] for seconds in range(60, 118, 3)}
    assert len(changes) <= 2


def test_at_another_moment_nothing_is_said_to_be_now() -> None:
    for scenario, seconds in (("outage", 33), ("wifi", 75), ("loop", 40)):
        snapshot = at(scenario, seconds, bare=True)
        said = head(seen(snapshot, (120, 34), moment=snapshot.now))
        assert not re.search(r"\bnow\b", said.split("◀")[0]), said
        assert "since" in said.split("rounds")[1]


@pytest.mark.parametrize(("scenario", "seconds", "words"), TRUTHS)
def test_on_thirty_columns_nothing_is_cut_and_since_when_or_that_it_is_over_is_there(
    scenario: str, seconds: float, words: tuple[str, ...]
) -> None:
    snapshot = at(scenario, seconds, bare=True)
    said = head(seen(snapshot, (30, 8)))
    assert "…" not in said
    verdict = snapshot.targets[0].judged.verdict
    if verdict.is_trouble:
        assert "since" in said
    elif verdict.kind == "recovered":
        assert "until 12:0" in said


@pytest.mark.parametrize(
    ("scenario", "seconds", "words"),
    [
        ("tour", 600, ("again and again since the start (10 min)",)),
        ("route-change", 540, ("The route keeps changing from hop 6 on, now for", "(since 12:00:30)")),
    ],
)
def test_what_lasts_or_comes_again_for_long_says_since_when_it_does(
    scenario: str, seconds: float, words: tuple[str, ...]
) -> None:
    said = head(seen(at(scenario, seconds, bare=True), (120, 34)))
    assert not [each for each in words if each not in said], said


def test_what_limits_its_answers_is_no_evidence_that_those_before_the_place_lose() -> None:
    evidence = Said(at("tour", 290).targets[0], str).evidence
    before = next(line for line in evidence if line.startswith("hops 1 to 8"))
    assert re.match(r"hops 1 to 8 lost [0-3] of \d{4}, not counting those that limit their answers", before), before


@pytest.mark.parametrize("size", [(40, 12), (60, 16)])
def test_what_takes_a_line_of_the_sentences_cuts_none(size: tuple[int, int]) -> None:
    snapshot = at("outage", 30, bare=True)
    lines = seen(snapshot, size, moment=snapshot.now)
    said = " ".join(" ".join(line.split()) for line in lines[: next(i for i, line in enumerate(lines) if "◀" in line)])
    assert said.endswith(".")
    assert "since 12:00:20." in said


def test_a_number_stands_beside_its_unit() -> None:
    assert wrap("no answer now; 29 % lost", 17) == ["no answer now;", "29 % lost"]
    assert wrap("it took 15 ms", 10) == ["it took", "15 ms"]


@pytest.mark.parametrize("names", ["names", "both", "addresses"])
@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
@pytest.mark.parametrize("scenario", ["mpls", "ipv6", "tour"])
def test_beside_a_name_stand_whole_facts_or_none(scenario: str, width: int, names: NamesMode) -> None:
    snapshot = at(scenario, 75)
    facts = ["AS64500 NEARBY-ACCESS", "AS64510 FARLINE", "AS64520 EXAMPLE-HOSTING", "your network", "2 links"]
    facts += [node.address for hop in snapshot.targets[0].path.rows for node in hop.nodes]
    halves = [f"{fact[:length]}…" for fact in facts for length in range(3, len(fact))]
    for line in hop_rows(seen(snapshot, (width, 34), names=names, owners=True)):
        assert not [half for half in halves if half in line], line
        assert not re.search(r"M(PLS? ?)?…|MPLS [\d/]*\d…", line), line


def test_the_details_of_a_target_that_is_cut_off_do_not_speak_of_a_share() -> None:
    target = at("outage", 30).targets[0]
    state = ViewState.begin(ScreenOptions(), at("outage", 30))
    hop = target.path.rows[-1]
    finding = state.judge.hops(target)[-1]
    said = [row.text for row in detail.everything(target, hop, finding, look_of(themes.OWN[0]), 80)]
    assert "no answer now; 26 % lost in all" in said[1]
    assert any("Probes, since the start" in line for line in said)
