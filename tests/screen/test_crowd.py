"""Targets of many sites of whose probes none were read: what they share, what is one row, and what is sifted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import msgspec
import pytest

from hopscope.judge.verdict import Epoch, Incident, Judged, Numbers, Verdict
from hopscope.names.facts import AddressInfo, Asn
from hopscope.path.fold import PathFold
from hopscope.session.model import Snapshot, Target, TargetState
from hopscope.views.screen import frame, summary, themes
from hopscope.views.screen.actions import ACTIONS
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.keymap import keys_of
from hopscope.views.screen.options import ScreenOptions
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import look_of
from hopscope.wire.messages import Counters
from hopscope.words.causes import cause_words
from hopscope.words.common_cause import causes
from hopscope.words.numbers import time_of_day

S = 1_000_000_000
BEGUN = 1_767_268_800 * S
EMPTY = PathFold("").snapshot()


def brief(
    number: int,
    site: str,
    way: Sequence[str],
    place: int | None = None,
    at: int = 60,
    names: dict[str, AddressInfo] | None = None,
    unheard_s: int | None = None,
    state: TargetState = "running",
) -> Target:
    """A target of a site behind these routers, the last one itself; from `place` on (the TTL that loses first, None: it
    is well) it loses since `at`, seconds."""
    kind: Literal["loss", "healthy"] = "healthy" if place is None else "loss"
    since = BEGUN + at * S
    verdict = Verdict(
        kind=kind,
        at=since,
        since=since,
        first_ttl=None if place is None else place - 1,
        last_ttl=place,
        numbers=Numbers(rounds=60, sent=60, lost=0 if place is None else 12),
    )
    incidents = (Incident(id=f"{kind}{since}", kind="loss", begin=since),) if place is not None else ()
    epoch = Epoch(begin=BEGUN, addresses=tuple((address,) for address in way))
    judged = Judged(verdict=verdict, incidents=incidents, epochs=(epoch,))
    return Target(
        number, way[-1], state, way[-1], None, None, None, None, EMPTY, names or {}, (f"measured at {site}",),
        judged=judged, site=site, unheard_s=unheard_s, is_brief=True,
    )  # fmt: skip


def fleet() -> list[Target]:
    """Three sites of forty: of each, ten lose behind one router of all three; one loses alone; a fourth is silent."""
    targets = []
    for place, site in enumerate(("ams3", "ber2", "fra1")):
        for number in range(40):
            core = "203.0.113.1" if number < 10 else f"203.0.113.{2 + number % 5}"
            way = (f"10.{place}.0.1", core, f"198.51.100.{number + 1}")
            is_alone = number == 20 + place
            bad = 3 if number < 10 or is_alone else None
            targets.append(brief(40 * place + number + 1, site, way, bad, at=60 if number < 10 else 10 + 60 * place))
    for number in range(40):
        near = ("10.3.0.1", f"198.51.100.{number + 1}")
        targets.append(brief(200 + number, "lon4", near, 2, unheard_s=40))
    return targets


def state_of(targets: Sequence[Target]) -> ViewState:
    snapshot = Snapshot(tuple(targets), "running", None, 0, Counters(), None, BEGUN + 100 * S)
    state = ViewState.begin(ScreenOptions(), snapshot)
    state.see(snapshot)
    state.overview = True
    return state


def drawn(state: ViewState, size: tuple[int, int] = (120, 34)) -> list[str]:
    look = look_of(themes.OWN[0])
    return [row.text.rstrip() for row in frame.compose(state, look, *size, keys_of({}), frame.FrameCache()).rows]


@pytest.mark.parametrize("size", [(80, 24), (120, 34), (200, 50)])
def test_one_cause_is_one_row_and_so_are_a_silent_site_and_all_that_are_fine(size: tuple[int, int]) -> None:
    state = state_of(fleet())
    lines = drawn(state, size)
    text = "\n".join(lines)
    assert "33 lose, 40 not heard of, 87 fine" in " ".join(text.split())
    assert "One cause for 30 of the 33, at 3 sites: loss begins behind 203.0.113.1" in " ".join(text.split())
    head = next(number for number, line in enumerate(lines) if line.startswith("    Target") and "What" in line)
    rows = [line for line in lines[head + 1 :] if line[1:2] in ("●", "▲", "‖")]
    assert rows[0].split()[:6] == ["▶▲", "30", "targets,", "3", "sites", "loss"]
    assert any("lon4: 40 targets" in row and "last heard 40 s ago" in row for row in rows)
    assert "87 more, all fine" in rows[-1]
    assert len(rows) == 1 + 3 + 1 + 1


def test_what_is_one_row_opens_and_folds_again() -> None:
    state = state_of(fleet())
    drawn(state)
    entries = summary.entries(state)
    state.order.opened.add(entries[0].key)
    opened = summary.entries(state)
    assert len(opened) == len(entries) + 30
    assert opened[0].is_open
    drawn(state)
    state.order.opened.clear()
    assert [entry.ids for entry in summary.entries(state)] == [entry.ids for entry in entries]


class _Said:
    """As far as an action of the overview needs a context."""

    def __init__(self, state: ViewState) -> None:
        self.state = state
        self.words = ""

    def say(self, words: str) -> None:
        self.words = words

    def redraw(self) -> None:
        drawn(self.state)


def test_enter_on_those_that_are_fine_gives_each_a_row_though_another_row_is_open() -> None:
    state = state_of(fleet())
    drawn(state)
    state.order.opened.add(summary.entries(state)[0].key)
    state.target = summary.entries(state)[-1].ids[0]
    context = _Said(state)
    ACTIONS["hop.details"].do(cast(ActionContext, context))
    assert state.order.unfolded
    assert context.words == "every target on a line of its own"


def test_what_was_open_and_is_over_costs_no_key() -> None:
    state = state_of(fleet())
    drawn(state)
    state.order.opened.add(("cause", "loss", "203.0.113.99", 0))
    context = _Said(state)
    ACTIONS["show.fold"].do(cast(ActionContext, context))
    assert state.order.unfolded


def test_a_target_that_is_of_no_site_is_not_found_by_the_words_for_none() -> None:
    targets = [msgspec.structs.replace(one, site=None) for one in fleet()]
    state = state_of(targets)
    state.sifted = "none"
    assert summary.entries(state) == []


def test_the_matrix_begins_with_what_is_in_trouble_at_most_sites_and_counts_them() -> None:
    lines = drawn(state_of(fleet()))
    head = next(number for number, line in enumerate(lines) if line.split()[:2] == ["Target", "ams3"])
    assert lines[head].split() == ["Target", "ams3", "ber2", "fra1", "lon4"]
    assert lines[head + 1].split() == ["in", "trouble", "▲11", "▲11", "▲11", "‖"]
    assert lines[head + 2].split() == ["198.51.100.1", "▲", "▲", "▲", "‖"]


@pytest.mark.parametrize(
    ("word", "found"), [("ber2", 40), ("198.51.100.7", 4), ("203.0.113.1", 30), ("core.isp", 30), ("as64510", 30)]
)
def test_what_is_sifted_is_a_site_a_target_or_a_router_on_the_way(word: str, found: int) -> None:
    names = {"203.0.113.1": AddressInfo("core.isp.example", None, (Asn(64510, "ISP", None, None),))}
    targets = [
        Target(**{field: getattr(one, field) for field in Target.__struct_fields__} | {"names": names})
        for one in fleet()
    ]
    state = state_of(targets)
    state.sifted = word
    entries = summary.entries(state)
    assert len(entries) == found
    assert all(entry.is_target for entry in entries)


def test_routers_that_answer_from_two_sides_are_probably_one_where_the_next_is_the_same() -> None:
    """From each site the router has another address; behind it is one and the same."""
    ways = {"ams3": ("10.0.0.1", "203.0.113.1", "198.18.0.9"), "ber2": ("10.1.0.1", "203.0.113.2", "198.18.0.9")}
    ill = [
        brief(number, site, (*ways[site], f"192.0.2.{number}"), 3, at=60 + number)
        for number, site in enumerate(("ams3", "ams3", "ber2", "ber2"), 1)
    ]
    (cause,) = causes(ill)
    assert (cause.is_likely, cause.sites, len(cause.targets)) == (True, 2, 4)
    words = cause_words(cause, 5, time_of_day)[0]
    assert words.startswith("Probably one cause for 4 of the 5, at 2 sites: loss begins before 198.18.0.9, since ")
    late = [*ill[:2], *(brief(number, "ber2", (*ways["ber2"], f"192.0.2.{number}"), 3, at=160) for number in (3, 4))]
    assert [cause.is_likely for cause in causes(late)] == [False, False]


def test_inside_one_network_it_is_probably_one_only_for_three_and_at_one_time() -> None:
    far = AddressInfo(None, None, (Asn(64510, "FARLINE", None, None),))
    other = AddressInfo(None, None, (Asn(64511, "OTHER", None, None),))

    def ill(number: int, site: str, at: int, owner: AddressInfo = far) -> Target:
        way = (f"10.{number}.0.1", f"203.0.113.{number}", f"198.18.0.{number}", f"192.0.2.{number}")
        return brief(number, site, way, 3, at, {way[1]: owner, way[2]: owner})

    three = [ill(1, "ams3", 60), ill(2, "ber2", 62), ill(3, "fra1", 64)]
    (cause,) = causes(three)
    assert (cause.is_likely, cause.network) == (True, "FARLINE (AS64510)")
    assert "loss begins inside FARLINE (AS64510)" in cause_words(cause, 3, time_of_day)[0]
    assert causes(three[:2]) == []
    assert causes([*three[:2], ill(3, "fra1", 90)]) == []
    assert causes([*three[:2], ill(3, "fra1", 64, other)]) == []


def test_sites_whose_agents_ended_or_are_silent_share_no_cause() -> None:
    way = ("10.0.0.1", "203.0.113.1")
    targets = [
        brief(1, "ams3", (*way, "192.0.2.1"), 3),
        brief(2, "ber2", (*way, "192.0.2.2"), 3, state="finished"),
        brief(3, "fra1", (*way, "192.0.2.3"), 3, unheard_s=20),
    ]
    assert causes(targets) == []
