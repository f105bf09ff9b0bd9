"""Agents and hubs are scraped as the screen is: an agent tells of hops, a hub of the targets of all its sites."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from hopscope.fleet import hub_tally
from hopscope.fleet.hub_store import HubStore
from hopscope.fleet.hub_tally import HubTally
from hopscope.fleet.messages import Facts
from hopscope.history import notes
from hopscope.history.notes import Note, SaidVerdict
from hopscope.judge.verdict import Incident, Verdict, VerdictKind
from hopscope.metrics.exposition import Exposition
from hopscope.session.facts import Asked, Removed
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Started
from tests.cli.command import run
from tests.cli.test_metrics import TOLD, answered
from tests.cli.test_metrics import until as scraped
from tests.fleet.shipping import BEGUN, SITE, TARGET, S, hand_over, head, message_of, received
from tests.fleet.test_rows import OTHER, recorded
from tests.lab.broker import Broker, Program, agent, hub, until
from tests.metrics.openmetrics import Scrape, read

FRA1 = {"site": SITE, "target": TARGET}
WORDS = ("--scenario", "lossy-link", "-i", "100ms", "--metrics", "0")
BOOT, LATER = "00000000000000aa", "00000000000000ab"


class Followed:
    """A hub's store, and what is told of it."""

    def __init__(self, path: Path) -> None:
        self.store = HubStore(str(path))
        self.tally = HubTally(str(path))
        self.store.on_kept = self.tally.kept
        self.tally.begin()
        self._exposition = Exposition()
        self._rows: dict[str, int] = {}

    def facts(self, *facts: Note, boot: str = BOOT, site: str = SITE) -> None:
        """Its agent has said this of its first target."""
        row = self._rows.get(site + boot, 0)
        self._rows[site + boot] = row + 1
        body = Facts([(1, notes.encode(fact)) for fact in facts])
        self.store.commit([received(message_of(body, row, boot), site)], BEGUN)

    def scrape(self) -> Scrape:
        """What a scrape would be given."""
        self.tally.read()
        return read(self._exposition.text(self.tally.tally()))


def begun() -> list[Note]:
    return [fact for fact in head(TARGET) if isinstance(fact, Asked | Begun | Started)]


def said(kind: VerdictKind, *incidents: Incident, first_ttl: int | None = None) -> SaidVerdict:
    return SaidVerdict(Verdict(kind=kind, first_ttl=first_ttl, last_ttl=first_ttl), incidents)


def outage(number: int = 1, times: int = 1) -> Incident:
    return Incident(id=f"{number}-outage", kind="outage", begin=BEGUN, times=times)


def test_a_hub_tells_at_once_what_is_wrong_at_which_site(tmp_path: Path) -> None:
    followed = Followed(tmp_path / "hub")
    followed.facts(*begun(), Started(1, "ping-socket", "192.0.2.1", None, None, 64, "one", "kernel"))
    followed.facts(said("healthy"))
    followed.facts(*begun(), site="ams2")
    found = followed.scrape()
    assert found.value("hopscope_verdict", **FRA1, kind="healthy") == 1
    assert found.value("hopscope_verdict", site="ams2", target=TARGET, kind="starting") == 1
    assert found.of("hopscope_target_info", **FRA1)[0].labels["method"] == "ping-socket"
    followed.facts(said("outage", outage(), first_ttl=7))
    found = followed.scrape()
    assert found.value("hopscope_verdict", **FRA1, kind="healthy") == 0
    assert found.value("hopscope_verdict", **FRA1, kind="outage") == 1
    assert found.value("hopscope_verdict_first_hop", **FRA1) == 7
    assert found.value("hopscope_incidents_total", **FRA1, kind="outage") == 1
    assert {one.labels["site"] for one in found.of("hopscope_site_heard_timestamp_seconds")} == {SITE, "ams2"}
    assert not found.of("hopscope_worker_running")
    followed.store.close()


def test_an_incident_that_comes_again_is_counted_again_and_none_twice(tmp_path: Path) -> None:
    followed = Followed(tmp_path / "hub")
    followed.facts(*begun())
    for what in (outage(), outage(), outage(times=2), outage(2)):
        followed.facts(said("outage", what))
    assert followed.scrape().value("hopscope_incidents_total", **FRA1, kind="outage") == 3
    followed.store.close()


def test_what_became_of_probes_comes_with_the_minutes(tmp_path: Path) -> None:
    there = tmp_path / "agent"
    recorded(there, 240, compact_at=(200,))
    followed = Followed(tmp_path / "hub")
    hand_over(there, followed.store)
    found = followed.scrape()
    rounds = sum(one.value for one in found.of("hopscope_target_probes_total", **FRA1))
    assert rounds >= 180
    assert found.value("hopscope_target_rtt_seconds_count", **FRA1) == found.value(
        "hopscope_target_probes_total", **FRA1, fate="answered"
    )
    assert {one.labels["target"] for one in found.of("hopscope_verdict")} == {TARGET, OTHER}
    assert not found.of("hopscope_probes_total")
    assert len(found.of("hopscope_target_rtt_seconds_bucket", **FRA1)) == 1  # more is too much, of so many
    followed.store.close()


def test_an_agent_that_is_started_again_goes_on_counting_and_its_old_run_is_over(tmp_path: Path) -> None:
    followed = Followed(tmp_path / "hub")
    followed.facts(*begun())
    followed.facts(said("outage", outage()))
    followed.scrape()
    followed.facts(*begun(), boot=LATER)
    followed.facts(said("loss", Incident(id="1-loss", kind="loss", begin=BEGUN)), boot=LATER)
    followed.facts(said("healthy"))  # of the old one, which is sent late
    found = followed.scrape()
    assert {one.labels["kind"]: one.value for one in found.of("hopscope_verdict", **FRA1)}["loss"] == 1
    counted = {one.labels["kind"]: one.value for one in found.of("hopscope_incidents_total", **FRA1)}
    assert counted == {"outage": 1, "loss": 1}
    followed.store.close()


def test_a_hub_that_is_started_again_knows_how_things_stand(tmp_path: Path) -> None:
    followed = Followed(tmp_path / "hub")
    followed.facts(*begun())
    followed.facts(said("healthy"))
    followed.facts(said("outage", outage(), first_ttl=7))
    followed.store.close()
    again = Followed(tmp_path / "hub")
    found = again.scrape()
    assert found.value("hopscope_verdict", **FRA1, kind="outage") == 1
    assert found.of("hopscope_site_heard_timestamp_seconds", site=SITE)[0].value == BEGUN / S
    again._rows[SITE + BOOT] = 3
    again.facts(Removed(BEGUN + S))
    assert not again.scrape().of("hopscope_verdict")
    again.store.close()


def told(program: Program) -> str:
    """The address that a program chose for its metrics."""
    until(lambda: TOLD.search(program.said.encode()) is not None, "the address of its metrics")
    match = TOLD.search(program.said.encode())
    assert match is not None
    return match[1].decode()


def test_an_agent_and_its_hub_are_scraped(tmp_path: Path) -> None:
    with (
        Broker(tmp_path / "broker") as broker,
        hub(broker.url, tmp_path / "hub", "--metrics", "0") as here,
        agent(broker.url, "fra1", tmp_path / "agent", *WORDS) as there,
    ):
        of_agent = scraped(told(there), lambda one: answered(one, 3) > 5)
        assert of_agent.value("hopscope_worker_running") == 1
        (target,) = {one.labels["target"] for one in of_agent.of("hopscope_probes_total")}
        of_hub = scraped(told(here), lambda one: bool(one.of("hopscope_verdict", site="fra1", target=target)))
        assert of_hub.of("hopscope_site_heard_timestamp_seconds", site="fra1")
        assert there.end() == 0
        assert here.end() == 0
    assert re.search("Traceback|rror", there.said + here.said) is None


def test_a_port_in_use_ends_a_hub_before_it_has_begun(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = f"127.0.0.1:{other.getsockname()[1]}"
        words = ("--connect", "nats://127.0.0.1:1", "--store", str(tmp_path / "hub"), "--metrics", where)
        done = run("fleet", "hub", *words)
    assert (done.returncode, done.stderr) == (2, f"hopscope: --metrics {where}: Address already in use\n")


def test_what_waits_to_be_counted_has_a_bound_of_bytes(tmp_path: Path) -> None:
    """As one that sends the largest messages could have it: the oldest is not counted."""
    tally = HubTally(str(tmp_path / "hub"))
    for number in range(100):
        tally.kept(SITE, 1, Facts([(number, bytes(500_000))]))
    kept = [body for _, _, body in tally._waiting if isinstance(body, Facts)]
    assert 0 < sum(len(data) for body in kept for _, data in body.facts) <= hub_tally.MOST_WAITING_BYTES
    assert kept[-1].facts[0][0] == 99
    tally.read()
    assert tally._size == 0
    assert len(tally._waiting) == 0
