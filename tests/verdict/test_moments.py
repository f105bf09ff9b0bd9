"""What is said of a network as time goes by: during trouble, after it, long after it. Order changes nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import resources
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hopscope.judge.verdict import Judged
from hopscope.probe.virtual import EPOCH_START_NS, VirtualEngine
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.model import Probing
from hopscope.session.plans import plan_of
from hopscope.session.target_fold import TargetFold
from hopscope.sim import demo
from hopscope.wire.facts import Begun, Found
from hopscope.wire.messages import Answered, Failed, Finished, Lost, RoundStarted, Sent, Start
from tests.verdict.case import Case, toml
from tests.verdict.catalogue import cases
from tests.verdict.player import Play, play
from tests.verdict.score import scored

MINUTE = 60.0
QUIET = {"healthy", "recovered"}
OF_PROBES = (Sent, Answered, Lost, Failed)


def built_in(name: str, folder: Path, rounds: int, *, repeats: bool) -> list[tuple[float, str]]:
    """What is said of a built-in scenario, round by round. `repeats`: else what comes again in it comes once."""
    text = resources.files("hopscope.sim").joinpath("scenarios", f"{name}.toml").read_text("utf-8")
    path = folder / f"{name}.toml"
    path.write_text(text if repeats else re.sub(r"(?m)^every = .*\n", "", text), encoding="utf-8")
    target, address = next(one for one in demo(str(path)).targets)
    probing = Probing(method="simulated", scenario=str(path), protocol="icmp", rounds=rounds)
    fold = TargetFold(1, Asked(EPOCH_START_NS, target, probing))
    plan = plan_of(probing, address)
    fold.apply(Found(EPOCH_START_NS, address))
    fold.apply(Begun(EPOCH_START_NS, plan))
    engine = VirtualEngine()
    engine.handle(Start(1, plan))
    said: list[tuple[float, str]] = []
    is_over = False
    while not is_over:
        for event in engine.advance(MINUTE, stop_when_idle=True):
            if getattr(event, "target", None) == 1:
                fold.apply(event)
                is_over = is_over or isinstance(event, Finished)
                if isinstance(event, RoundStarted):
                    said.append(((event.at - EPOCH_START_NS) / 1e9, fold.snapshot().judged.verdict.kind))
    return said


def named(name: str) -> Case:
    """A case of the training half."""
    return next(case for case in cases(["training"]) if case.name == name)


def at(said: list[tuple[float, str]], moment: float) -> str:
    """What was said then."""
    return next(kind for at_s, kind in said if at_s >= moment)


@pytest.mark.parametrize(
    ("name", "begins", "ends", "kinds"),
    [
        ("outage", 20.0, 35.0, {"outage"}),
        ("route-change", 30.0, 60.0, {"route-change", "detour"}),
        ("bufferbloat", 20.0, 40.0, {"bufferbloat"}),
    ],
)
def test_trouble_of_a_built_in_scenario_is_named_while_it_lasts_and_not_when_it_is_over(
    name: str, begins: float, ends: float, kinds: set[str], tmp_path: Path
) -> None:
    said = built_in(name, tmp_path, int(ends + 20 * MINUTE + 10), repeats=False)
    assert at(said, begins - 2) in {"healthy", "starting"}
    assert at(said, ends - 1) in kinds
    assert at(said, ends + 30) in QUIET
    assert at(said, ends + 20 * MINUTE) in QUIET
    assert {kind for at_s, kind in said if at_s > ends + 60} <= QUIET


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("lossy-link", {"loss"}),
        ("loop", {"loop"}),
        ("silent-target", {"no-answer"}),
        ("wifi", {"local-network", "loss"}),
    ],
)
def test_trouble_of_a_built_in_scenario_that_lasts_is_named_to_the_end(
    name: str, kinds: set[str], tmp_path: Path
) -> None:
    said = built_in(name, tmp_path, 240, repeats=True)
    assert {kind for at_s, kind in said if at_s > 120} <= kinds


@pytest.mark.parametrize("name", ["healthy", "ecmp", "mpls", "ratelimit", "ipv6", "hostile"])
def test_a_built_in_scenario_without_trouble_is_never_said_to_have_any(name: str, tmp_path: Path) -> None:
    said = built_in(name, tmp_path, 600, repeats=True)
    assert {kind for _, kind in said} <= {"starting", "healthy"}


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_a_quarter_of_an_hour_of_constant_loss_is_one_verdict_of_one_place(seed: int, tmp_path: Path) -> None:
    hops = [{"at": [f"192.0.2.{n}"], "delay": 3, "jitter": 1, "loss": 0.047 if n == 6 else 0.0} for n in range(1, 11)]
    target = {"name": "www.shop.example", "at": ["192.0.2.200"]}
    case = Case("constant", "training", {"hops": hops, "targets": [target]}, {"family": 4, "rounds": 900}, None)
    moments = play(case, seed, tmp_path).moments
    first = next(n for n, moment in enumerate(moments) if moment.verdict.is_trouble)
    assert first <= 120
    assert {moment.verdict.kind for moment in moments[first:]} == {"loss"}
    places = [(m.verdict.first_ttl or 0, m.verdict.last_ttl or 0) for m in moments[first:]]
    moves = [(old, new) for old, new in pairwise(places) if not (old[0] <= new[0] and new[1] <= old[1])]
    assert not moves
    assert places[-1][0] <= 5
    assert places[-1][1] >= 6


def lossy(
    at: int, share: float, folder: Path, *, begins: str = "", own: tuple[int, float] | None = None, rounds: int = 800
) -> Play:
    """Ten routers and a target; from the one at a TTL on so much is lost, since a moment. `own`: one at another TTL
    drops so many of its own answers."""
    nodes = [{"at": [f"192.0.2.{n}"], "delay": 3, "jitter": 1} for n in range(1, 11)]
    target = {"name": "www.shop.example", "at": ["192.0.2.200"], "delay": 1}
    if own is not None:
        nodes[own[0] - 1]["reply_loss"] = own[1]
    scenario: dict[str, Any] = {"hops": nodes, "targets": [target]}
    where = {"hop": at} if at <= len(nodes) else {"target": target["name"]}
    scenario["changes"] = [{"at": begins or 0, **where, "set": {"loss": share}}]
    return play(Case("lossy", "training", scenario, {"family": 4, "rounds": rounds}, None), 1, folder)


@pytest.mark.parametrize(("at", "share"), [(2, 0.6), (5, 0.7), (7, 0.5), (2, 0.8)])
def test_of_a_heavy_loss_the_place_stays_known(at: int, share: float, tmp_path: Path) -> None:
    said = [moment.verdict for moment in lossy(at, share, tmp_path, begins="60s").moments if moment.at_s > 130]
    assert {(verdict.kind, verdict.first_ttl, verdict.last_ttl) for verdict in said} == {("loss", at - 1, at)}
    noted = sum(any(note.kind == "rate-limit" for note in verdict.notes) for verdict in said)
    assert noted < 0.1 * len(said)  # by chance, one may lose more than another for a moment


@pytest.mark.parametrize(
    ("own", "at", "share"),
    [((10, 0.05), 11, 0.4), ((10, 0.15), 11, 0.4), ((6, 0.15), 7, 0.3), ((1, 0.15), 2, 0.2), ((1, 0.4), 2, 0.6),
     ((9, 0.15), 11, 0.2)],
)  # fmt: skip
def test_a_router_that_drops_answers_of_its_own_is_no_beginning_of_a_loss_behind_it(
    own: tuple[int, float], at: int, share: float, tmp_path: Path
) -> None:
    moments = lossy(at, share, tmp_path, begins="300s", own=own).moments
    said = [moment.verdict for moment in moments if moment.at_s > 345]
    assert {verdict.kind for verdict in said} == {"loss"}
    assert all((verdict.first_ttl or 0) < at <= (verdict.last_ttl or 0) for verdict in said)
    assert said[-1].first_ttl == at - 1  # it loses what it lost before
    assert {moment.verdict.kind for moment in moments if moment.at_s < 300} <= {"starting", "healthy"}


@pytest.mark.parametrize(("own", "at", "share"), [((6, 0.2), 7, 0.03), ((3, 0.03), 5, 0.05)])
def test_so_small_a_loss_behind_it_is_placed_and_dated_by_others(
    own: tuple[int, float], at: int, share: float, tmp_path: Path
) -> None:
    """What the router drops was learned while all was fine: a small loss is there for long until it is found."""
    moments = lossy(at, share, tmp_path, begins="900s", own=own, rounds=1500).moments
    said = [moment.verdict for moment in moments if moment.at_s > 1050]
    assert {verdict.kind for verdict in said} == {"loss"}
    assert all((verdict.first_ttl or 0) < at <= (verdict.last_ttl or 0) for verdict in said)
    assert all(verdict.since is None or verdict.since > EPOCH_START_NS + 880 * 10**9 for verdict in said)


def test_what_routers_drop_by_themselves_neither_prolongs_a_loss_that_is_over_nor_moves_it(tmp_path: Path) -> None:
    nodes: list[dict[str, Any]] = [{"at": [f"192.0.2.{n}"], "delay": 3, "jitter": 1} for n in range(1, 11)]
    for ttl in (4, 6, 9):
        nodes[ttl - 1]["reply_loss"] = 0.08
    change = {"at": "600s", "until": "1200s", "hop": 2, "set": {"loss": 0.05}}
    scenario = {"hops": nodes, "targets": [{"name": "www.shop.example", "at": ["192.0.2.200"]}], "changes": [change]}
    case = Case("own-end", "training", scenario, {"family": 4, "rounds": 1500}, None)
    for seed in (1, 2):
        played = play(case, seed, tmp_path, keep=True)
        over = next(one for one in played.moments if one.at_s > 1200 and not one.verdict.is_trouble)
        last = [one.verdict for one in played.moments if 800 < one.at_s < over.at_s]
        assert {(one.kind, one.first_ttl, one.last_ttl) for one in last} == {("loss", 1, 2)}
        (incident,) = judged(played.facts, played)[-1].incidents
        assert (incident.first_ttl, incident.last_ttl) == (1, 2)
        assert incident.end is not None
        assert (incident.end - EPOCH_START_NS) / 1e9 == pytest.approx(1200, abs=20)


@pytest.mark.parametrize("own", [0.05, 0.15, 0.4])
def test_a_loss_before_a_router_that_drops_answers_of_its_own_begins_there(own: float, tmp_path: Path) -> None:
    verdict = lossy(5, 0.2, tmp_path, begins="300s", own=(5, own)).moments[-1].verdict
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("loss", 4, 5)


@pytest.mark.parametrize(("at", "share"), [(1, 0.5), (3, 0.5), (3, 0.87), (6, 0.87)])
def test_a_link_that_is_slow_and_loses_most_packets_is_one_trouble_for_as_long_as_it_lasts(
    at: int, share: float, tmp_path: Path
) -> None:
    nodes = [{"at": [f"192.0.2.{n}"], "delay": 3, "jitter": 1} for n in range(1, 11)]
    change = {"at": "120s", "until": "600s", "hop": at, "set": {"loss": share, "delay": 300, "jitter": 200}}
    scenario = {"hops": nodes, "targets": [{"name": "www.shop.example", "at": ["192.0.2.200"]}], "changes": [change]}
    case = Case("overloaded", "training", scenario, {"family": 4, "rounds": 700}, None)
    moments = play(case, 1, tmp_path).moments
    assert len({moment.verdict.kind for moment in moments if 165 < moment.at_s < 595}) == 1
    assert moments[-20].verdict.kind in QUIET


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("last", "before"), [(0.05, 0.4), (0.15, 0.5)])
def test_before_a_silent_target_two_routers_that_drop_answers_of_their_own_are_no_loss(
    last: float, before: float, seed: int, tmp_path: Path
) -> None:
    nodes: list[dict[str, Any]] = [{"at": [f"192.0.2.{n}"], "delay": 3, "jitter": 1} for n in range(1, 11)]
    nodes[9]["reply_loss"], nodes[8]["reply_loss"] = last, before
    target = {"name": "www.shop.example", "at": ["192.0.2.200"], "silent": True}
    scenario = {"hops": nodes, "targets": [target]}
    moments = play(Case("own", "training", scenario, {"family": 4, "rounds": 600}, None), seed, tmp_path).moments
    wrong = [moment.at_s for moment in moments if moment.verdict.kind == "loss"]
    assert len(wrong) < 60
    assert moments[-1].verdict.kind == "no-answer"


# --- order, replay ------------------------------------------------------------------------------------------------

TOLD = [
    "loss-there-strong", "loss-since-strong", "outage-that-ends-middling", "loop-later", "late-target-later",
    "this-computer-third", "flapping-slower", "target-limits-half", "balanced-by-packet", "weather-duplicates",
]  # fmt: skip


@pytest.fixture(scope="module", params=TOLD)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """A play with its facts."""
    case = next(case for case in cases(["training"]) if case.name == request.param)
    return play(case, 5, tmp_path_factory.mktemp("told"), keep=True)


def judged(facts: list[TargetFact], played: Play) -> list[Judged]:
    """What the judge says when each round begins, and at the end."""
    said = []
    fold = TargetFold(1, Asked(EPOCH_START_NS, "www.shop.example", Probing(method="simulated")))
    for fact in facts:
        fold.apply(fact)
        if isinstance(fact, RoundStarted):
            said.append(fold.snapshot().judged)
    said.append(fold.snapshot().judged)
    return said


def shuffled(facts: list[TargetFact], rng: Random) -> list[TargetFact]:
    """The facts of each round's time in another order; those of one probe stay in theirs."""
    parts: list[dict[object, list[TargetFact]]] = [{}]
    for fact in facts:
        if isinstance(fact, OF_PROBES):
            parts[-1].setdefault((fact.round, fact.ttl), []).append(fact)
        else:
            parts += [{None: [fact]}, {}]
    mixed = []
    for part in parts:
        queues = list(part.values())
        while queues:
            queue = rng.choice(queues)
            mixed.append(queue.pop(0))
            if not queue:
                queues.remove(queue)
    return mixed


def test_the_same_facts_again_give_the_same_verdicts_incidents_and_marks(played: Play) -> None:
    first = judged(played.facts, played)
    assert judged(played.facts, played) == first
    said = [moment.verdict for moment in played.moments]
    assert [one.verdict for one in first] == said


def test_facts_that_arrive_in_another_order_give_the_same_verdicts(played: Play) -> None:
    first = judged(played.facts, played)
    for seed in range(3):
        mixed = shuffled(played.facts, Random(seed))
        assert mixed != played.facts
        assert judged(mixed, played) == first


def test_answers_that_are_told_a_second_later_change_nothing_in_the_end(played: Play) -> None:
    """As they are by a worker that may batch them: the departures are told in time, the fates are not."""
    delayed: list[TargetFact] = []
    held: list[TargetFact] = []
    left = {(fact.round, fact.ttl) for fact in played.facts if isinstance(fact, Sent)}
    for fact in played.facts:
        if isinstance(fact, RoundStarted | Finished):
            # What became known in the last round is told only when this one has begun.
            delayed += [fact, *held] if isinstance(fact, RoundStarted) else [*held, fact]
            held = []
        elif isinstance(fact, Answered | Lost) or (isinstance(fact, Failed) and (fact.round, fact.ttl) in left):
            held.append(fact)
        else:
            delayed.append(fact)
    delayed += held
    assert judged(delayed, played)[-1] == judged(played.facts, played)[-1]


def test_a_fold_that_was_copied_goes_on_as_the_one_that_was_not(played: Play) -> None:
    fold = TargetFold(1, Asked(EPOCH_START_NS, "www.shop.example", Probing(method="simulated")))
    half = len(played.facts) // 2
    for fact in played.facts[:half]:
        fold.apply(fact)
    twin = fold.copy()
    for fact in played.facts[half:]:
        fold.apply(fact)
    left = twin.snapshot().judged
    for fact in played.facts[half:]:
        twin.apply(fact)
    assert twin.snapshot().judged == fold.snapshot().judged
    assert left.verdict.at <= twin.snapshot().judged.verdict.at


# --- the scorer itself --------------------------------------------------------------------------------------------


def test_a_verdict_that_comes_too_late_after_the_end_or_before_the_beginning_is_untimely(tmp_path: Path) -> None:
    case = next(case for case in cases(["training"]) if case.name == "outage-that-ends-short")
    result = scored(play(case, 1, tmp_path))
    assert result.why == "" or "segment" in result.why


@pytest.mark.parametrize("name", ["loop-later", "mtu-udp-later"])
def test_a_router_in_the_targets_place_is_not_taken_for_the_targets_network(name: str, tmp_path: Path) -> None:
    case = next(case for case in cases(["training"]) if case.name == name)
    assert case.trouble is not None
    assert case.trouble.segment == "transit"
    assert play(case, 1, tmp_path).moments[-1].segment == "transit"


@pytest.mark.parametrize("name", ["mtu-start", "mtu-udp-later"])
def test_packets_that_are_too_big_are_said_with_the_size_that_the_router_says(name: str, tmp_path: Path) -> None:
    case = named(name)
    (size,) = (size for size in (1280, 1400, 1460) if f"mtu = {size}" in toml(case.scenario))
    assert play(case, 1, tmp_path).moments[-1].verdict.numbers.mtu == size


def test_a_limit_that_all_flows_share_is_no_loss_though_second_tries_get_some_of_its_answers(tmp_path: Path) -> None:
    played = play(named("a-target-limits-all-flows"), 2, tmp_path)
    assert {moment.verdict.kind for moment in played.moments} == {"starting", "healthy"}


@pytest.mark.parametrize("name", ["rewritten-nat", "rewritten-double-nat", "rewritten-dscp"])
def test_what_is_rewritten_on_the_way_is_noted_and_is_no_trouble(name: str, tmp_path: Path) -> None:
    case = named(name)
    verdict = play(case, 1, tmp_path).moments[-1].verdict
    assert verdict.kind == "healthy"
    assert case.notes <= {note.kind for note in verdict.notes}


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(
    ("changes", "noted"),
    [
        pytest.param({3: {"dscp": 8}}, 4, id="from a hop on"),
        pytest.param({3: {"ecn": 1}}, None, id="congestion marks alone"),
        pytest.param({3: {"dscp": 8}, 5: {"dscp": 46}}, None, id="set back again"),
        pytest.param({}, None, id="untouched"),
    ],
)
def test_a_changed_class_of_service_is_noted_at_the_first_router_that_quotes_it(
    changes: dict[int, dict[str, int]], noted: int | None, family: int, tmp_path: Path
) -> None:
    case = named("rewritten-dscp")
    hops = [{key: value for key, value in hop.items() if key != "dscp"} for hop in case.scenario["hops"]]
    for ttl, change in changes.items():
        hops[ttl - 1].update(change)
    case = replace(case, scenario={**case.scenario, "hops": hops}, probing={**case.probing, "family": family})
    notes = play(case, 1, tmp_path).moments[-1].verdict.notes
    assert [note.ttl for note in notes if note.kind == "dscp"] == ([noted] if noted else [])
