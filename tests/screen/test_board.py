"""What stands where at each size, as text; nothing is cut without a sign."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise, product

import msgspec
import pytest
from rich.cells import cell_len

from hopscope.session.model import Snapshot
from hopscope.views.screen import frame, themes
from hopscope.views.screen.glyphs import ASCII, UNICODE, GlyphSet
from hopscope.views.screen.keymap import keys_of
from hopscope.views.screen.options import ScreenOptions
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import look_of
from hopscope.wire.messages import Counters, Refused
from tests.screen.scripted import Scripted, ScriptedSession, tour, usual

KEYS: Mapping[str, tuple[str, ...]] = keys_of({})
SIZES = [(300, 100), (200, 60), (160, 50), (120, 34), (100, 30), (80, 24), (60, 16), (40, 12), (20, 6), (10, 4), (1, 1)]


def seen(
    snapshot: Snapshot,
    size: tuple[int, int],
    options: ScreenOptions | None = None,
    glyphs: GlyphSet = UNICODE,
    **state: object,
) -> list[str]:
    """The screen's lines."""
    view = ViewState.begin(options or ScreenOptions(), snapshot)
    view.see(snapshot)
    for name, value in state.items():
        setattr(view, name, value)
    look = look_of(themes.OWN[0], glyphs)
    return [row.text for row in frame.compose(view, look, *size, KEYS, frame.FrameCache()).rows]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rounds", [0, 1, 200])
def test_every_size_is_filled_exactly(size: tuple[int, int], rounds: int) -> None:
    snapshot = usual().play(rounds).snapshot()
    for state in ({}, {"overview": True}, {"names": "both", "owners": True}, {"chart": True, "scale": "hop"}):
        lines = seen(snapshot, size, **state)
        assert [cell_len(line) for line in lines] == [size[0]] * size[1]


def test_sixty_by_sixteen_reads_at_a_glance() -> None:
    lines = seen(usual().play(120).snapshot(), (60, 16))
    assert "\n".join(line.rstrip() for line in lines) == SIXTY.strip("\n")


SIXTY = """
  ● one.one.one.one   ● example.net   ▲ 198.18.0.7 lo…  +
 ●  Fine for 1 min: 13 ms, nothing lost.
    Hop 4 answers only some probes: harmless, nothing
    behind it is lost. Hop 3 never answers: harmless.
     #  Host                  Loss %     Avg       12 s +5▶
    1 ╶ gateway.lan              0      0.91   ▁▁▁▁▁▁▁▁▁▁▁▁
    2 ╶ 100.64.0.1               0      4.3    ▁▁▁▁▁▁▁▁▁▁▁▁
    3   never answers          100       –     ············
    4 ╶ ae1.core2.example…  +1   7.5°   8.3    ▁▁▁▁▁▁▁▁▁▁▁▁
    5 ╶ ix-gw.example.org        0     12.1    ▁▁▁▁▁▁▁▁▁▁▁▁
 ▶  6 ╶ one.one.one.one          0     13.1    ▁▁▁▁▁▁▁▁▁▁▁▁
        ° harmless

          ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  2 min
          15:02               15:03             now
 ? all keys   p pause   ←→ target   g all targets    q quit
"""


@pytest.mark.parametrize("width", range(36, 170, 3))
def test_what_is_left_out_or_cut_has_a_sign(width: int) -> None:
    lines = seen(usual().play(60).snapshot(), (width, 30), ScreenOptions(columns=("loss", "sent", "avg", "spark")))
    head = next(line for line in lines if "Host" in line)
    for title in ("Loss %", "Sent", "Avg"):
        assert title in head or "+" in head or "…" in head
    host = next(line for line in lines if line[2:5] == "  4" and line[8:9].strip())
    assert "ae{1,2}.core2.example.net" in host or "ae1.core2.example.net" in host or "…" in host


def test_columns_go_by_rank_and_loss_goes_last() -> None:
    kept = []
    for width in (160, 100, 80, 60, 40):
        lines = seen(usual().play(60).snapshot(), (width, 24))
        head = next(line for line in lines if "Host" in line)
        kept.append([title for title in ("Loss %", "Sent", "Last", "Best", "Avg", "p95", "Jitter") if title in head])
    assert all(set(small) <= set(large) for large, small in pairwise(kept))
    assert kept[-1] == ["Loss %"]
    assert kept[0] == ["Loss %", "Sent", "Last", "Best", "Avg", "p95", "Jitter"]


def test_decimals_stand_below_each_other() -> None:
    lines = seen(usual().play(60).snapshot(), (160, 50))
    head = next(line for line in lines if "Host" in line)
    end = head.index("Avg") + 3
    dots = {
        line.rindex(".", end - 6, end + 1)
        for line in lines
        if line[2:5].strip().isdigit() and "." in line[end - 6 : end]
    }
    assert len(dots) == 1


def test_a_path_below_a_millisecond_is_shown_in_microseconds() -> None:
    quick = tour(scale=0.05)
    lines = seen(ScriptedSession(Scripted(1, "here", "192.0.2.53", quick)).play(30).snapshot(), (160, 50))
    head = next(line for line in lines if "Host" in line)
    assert "Avg µs" in head
    assert "Jitter " in head  # no title is cut for want of room for its unit
    assert "…" not in head.partition("over usual")[0]


def test_a_silent_hop_is_dotted_and_not_in_the_colour_of_trouble() -> None:
    lines = seen(usual().play(60).snapshot(), (120, 34))
    silent = next(line for line in lines if line[2:5] == "  3")
    assert "never answers: harmless" in silent
    assert "····" in silent
    assert "╳" not in silent


def test_harmless_loss_is_marked_and_said_to_be_so_and_true_loss_has_its_own_mark() -> None:
    lines = seen(usual().play(300).snapshot(), (160, 34), target=2, unfolded=True)
    harmless = next(line for line in lines if line[2:5] == "  4")
    true = next(line for line in lines if line[2:8] == "  6 ╶ ")
    assert "°" in harmless
    assert "▲" not in harmless
    assert true.startswith("▲▶")
    assert any("harmless: the router limits" in line for line in lines)
    limited = usual().play(300).snapshot()
    row = next(line for line in seen(limited, (160, 34), names="addresses") if line[2:5] == "  4")
    assert "links" in row


@pytest.mark.parametrize(
    ("rounds", "says"),
    [
        (0, "Paused; no answer yet."),
        (3, "Paused; too few rounds to judge."),
        (6, "Paused; so far fine: 13 ms, nothing lost."),
        (100, "Paused; so far fine for 1 min: 13 ms, nothing lost."),
    ],
)
def test_a_paused_target_says_what_is_known_so_far_once(rounds: int, says: str) -> None:
    target = Scripted(1, "one.example", "192.0.2.53", tour())
    session = ScriptedSession(target).play(rounds)
    target.state = "paused"
    status = seen(session.snapshot(), (160, 34))[1]
    assert says in status
    assert status.count("so far") < 2
    assert "starting" not in status


def test_two_addresses_of_a_hop_stand_with_their_shares_or_are_counted() -> None:
    snapshot = usual().play(200).snapshot()
    lines = seen(snapshot, (120, 34), unfolded=True)
    assert any("└ ae2.core2.example.net" in line and "%" in line for line in lines)
    folded = seen(snapshot, (120, 34))
    assert not any("└ ae2.core2" in line for line in folded)
    assert any("ae{1,2}.core2.example.net" in line and "2 links" in line for line in folded)


@pytest.mark.parametrize("size", [(120, 34), (60, 24)])
def test_a_name_that_does_not_lead_back_is_marked_and_explained_and_no_other_is(size: tuple[int, int]) -> None:
    snapshot = usual().play(40).snapshot()
    unmarked = seen(snapshot, size)
    target = snapshot.targets[0]
    claims = {
        address: msgspec.structs.replace(facts, verified=facts.hostname != "ae1.core2.example.net")
        for address, facts in target.names.items()
    }
    marked = msgspec.structs.replace(target, names=claims)
    lines = seen(msgspec.structs.replace(snapshot, targets=(marked, *snapshot.targets[1:])), size)
    assert [line[2:5].strip() for line in lines[:-1] if " ? " in line and "claim" not in line] == ["4"]
    assert any("does not lead back" in line or "? a claim" in line for line in lines)
    assert not any("claim" in line or " ? " in line for line in unmarked[:-1])
    addresses = seen(msgspec.structs.replace(snapshot, targets=(marked,)), size, names="addresses")
    assert not any("claim" in line or " ? " in line for line in addresses[:-1])


def test_young_numbers_are_said_to_be_young() -> None:
    lines = seen(usual().play(4).snapshot(), (120, 34))
    assert "Fine so far" in lines[1]
    assert any("too young to judge" in line for line in lines)
    old = seen(usual().play(40).snapshot(), (120, 34))
    assert not any("too young" in line or "too few" in line for line in old)


def test_rows_stay_where_they_are_while_names_and_numbers_change() -> None:
    session = usual().play(30)
    view = ViewState.begin(ScreenOptions(), session.snapshot())
    look = look_of(themes.OWN[0])
    drawn = frame.FrameCache()
    places: set[tuple[object, ...]] = set()
    for _ in range(20):
        view.see(session.play(7).snapshot())
        lines = [row.text for row in frame.compose(view, look, 120, 34, KEYS, drawn).rows]
        places.add(tuple((i, line.index("Loss %")) for i, line in enumerate(lines) if "Loss %" in line))
        places.add(
            tuple(i for i, line in enumerate(lines) if line[2:5].strip().isdigit() and line[5:8].strip(" ╶┌│└") == "")[
                :1
            ]
        )
    assert len(places) == 2


def test_lines_that_did_not_change_are_the_same_objects() -> None:
    session = usual().play(30)
    view = ViewState.begin(ScreenOptions(chart=False), session.snapshot())
    view.see(session.snapshot())
    look = look_of(themes.OWN[0])
    first = frame.compose(view, look, 120, 34, KEYS, frame.FrameCache())
    view.hops[1] = 2
    second = frame.compose(view, look, 120, 34, KEYS, frame.FrameCache())
    hops = [i for i, row in enumerate(first.rows) if row.hits and row.hits[-1][2].kind == "hop"]
    changed = [i for i in hops if first.rows[i].strip is not second.rows[i].strip]
    assert len(changed) == 2


def test_a_long_table_scrolls_with_the_cursor_and_counts_what_is_out_of_sight() -> None:
    long = tour()[:-1] * 4 + tour()[-1:]
    snapshot = ScriptedSession(Scripted(1, "far.example", "192.0.2.53", long)).play(20).snapshot()
    lines = seen(snapshot, (80, 24))
    assert any(line.startswith(" ▶ 21") for line in lines)
    assert any("↑" in line and "more lines" in line for line in lines)
    lines = seen(snapshot, (80, 24), hops={1: 1})
    assert any(line.startswith(" ▶  1") for line in lines)
    assert any("↓" in line and "more lines" in line for line in lines)


def test_what_must_not_be_overlooked_is_said_in_words() -> None:
    session = usual().play(30)
    snapshot = session.snapshot()

    def note(**changes: object) -> str:
        return seen(msgspec.structs.replace(snapshot, **changes), (160, 50))[3]

    assert note().strip() == ""
    assert "being started again, nothing counted is lost: it ended by signal 9" in note(
        worker="restarting", worker_note="it ended by signal 9"
    )
    assert "could not be started again" in note(worker="failed")
    assert "dropped 12 packets: that is not the network's loss" in note(counters=Counters(overflow=12))
    assert "probing on · esc live" in seen(snapshot, (160, 50), moment=snapshot.now)[3]
    assert "probing on · esc live" in seen(snapshot, (40, 12), moment=snapshot.now)[4]


def test_a_refused_target_says_why_and_what_to_do() -> None:
    refusal = Refused(
        1,
        "permission",
        "ping sockets are not allowed to this group",
        "sudo sysctl -w net.ipv4.ping_group_range='0 2147483647'",
    )
    session = ScriptedSession(Scripted(1, "one.one", "192.0.2.1", (), state="refused", refusal=refusal))
    text = "\n".join(seen(session.snapshot(), (120, 34)))
    assert "Ping sockets are not allowed to this group" in text
    assert "sudo sysctl -w net.ipv4.ping_group_range='0 2147483647'" in text


def test_this_computer_s_faults_are_not_called_loss() -> None:
    session = usual().play(20)
    session.targets[0].broken = True
    lines = seen(session.play(5).snapshot(), (120, 34))
    assert "This computer cannot send" in lines[1]
    assert any("■ this computer cannot send" in line for line in lines[4:])
    assert not any(line[1:2] == "▶" and "▲" in line for line in lines)


def test_two_hundred_targets_fit_in_tabs_and_overview_with_what_is_left_counted() -> None:
    session = ScriptedSession(*(Scripted(i, f"host{i}.example", "192.0.2.53", tour()) for i in range(1, 201))).play(12)
    snapshot = session.snapshot()
    tabs = seen(snapshot, (120, 34), target=150)[0]
    assert "host150.example" in tabs
    assert "◀" in tabs
    assert "+" in tabs
    lines = seen(snapshot, (120, 34), overview=True, target=150)
    assert any(line.startswith("▶") and "host150.example" in line for line in lines)
    assert any("more lines" in line for line in lines)


def test_the_overview_marks_the_worst_in_shape_and_words() -> None:
    lines = seen(usual().play(200).snapshot(), (120, 34), overview=True)
    rows = [line for line in lines if line[1:2] in ("●", "▲", "×") and line[2:3].isdigit()]
    assert rows[-1].startswith("▶●") or rows[-1].startswith(" ●")
    assert "packets are lost" in rows[0]


def test_ascii_is_ascii_at_every_size() -> None:
    snapshot = usual().play(60).snapshot()
    for size in SIZES:
        for view in ("time", "profile", "distribution", "heat"):
            lines = seen(snapshot, size, glyphs=ASCII, chart_view=view, chart=True)
            assert all(line.isascii() for line in lines)
            assert [len(line) for line in lines] == [size[0]] * size[1]


@pytest.mark.parametrize("view", ["time", "profile", "distribution", "heat"])
@pytest.mark.parametrize("rounds", [0, 1, 2, 1500])
def test_every_chart_stands_with_any_number_of_rounds(view: str, rounds: int) -> None:
    snapshot = usual().play(rounds).snapshot()
    for size in ((160, 50), (80, 24), (41, 15)):
        for span_s, moment in product((None, 60, 86_400), (None, snapshot.now - 3_000_000_000)):
            lines = seen(snapshot, size, chart=True, chart_view=view, span_s=span_s, moment=moment)
            assert [cell_len(line) for line in lines] == [size[0]] * size[1]
