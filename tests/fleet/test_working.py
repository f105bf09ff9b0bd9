"""Agent, broker and hub as programs: who probes what, what is told of clocks and disks, and what a broker loses."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path
from time import time_ns

from hopscope.wire.messages import RoundStarted, Sent
from tests.fleet.shipping import all_facts
from tests.lab.broker import Broker, agent, hub, probes_of, until


def targets_of(store: Path) -> set[tuple[str, str]]:
    return {(site, target) for site, target, _ in probes_of(store)}


def going(store: Path, target: str) -> bool:
    """Whether it has probes of a target, and will have more."""
    return any(count > 0 for (_, query, _), count in probes_of(store).items() if query == target)


def test_the_hub_says_who_probes_what_and_says_it_again_when_its_file_changes(tmp_path: Path) -> None:
    sites = tmp_path / "sites.toml"
    sites.write_text('[sites]\n"*" = ["192.0.2.80"]\nfra1 = ["192.0.2.81:443"]\n')
    here, there = tmp_path / "hub", tmp_path / "agent"
    with (
        Broker(tmp_path / "broker") as broker,
        hub(broker.url, here, "-F", str(sites)) as other,
        agent(broker.url, "fra1", there, "--scenario", "healthy", "-i", "100ms") as one,
    ):
        wanted = {("fra1", "192.0.2.80"), ("fra1", "192.0.2.81:443")}
        until(lambda: wanted <= targets_of(here), "the agent probes what the hub says")
        assert "targets are assigned to 1 site\n" in other.said
        until(lambda: "192.0.2.81: ICMP has no port 443: add -T" in one.said, "a port that is not used is said")
        sites.write_text('[sites]\n"fra*" = ["192.0.2.82"]\n')
        until(lambda: going(here, "192.0.2.82"), "the agent follows")
        sites.write_text("[sites]\nfra1 = [")
        until(lambda: "those before are still good" in other.said, "what is wrong with the file is said")
        assert one.end() == 0
        broker.kill()  # it begins with what it was told last
        one.start()
        until(lambda: len({begun for _, target, begun in probes_of(there) if target == "192.0.2.82"}) == 2, "again")
        assert one.end() == 0
        assert other.end() == 0
    assert "Traceback" not in one.said + other.said


def test_what_a_broker_forgot_is_sent_again(tmp_path: Path) -> None:
    """Its disk is gone, with rows that it had taken and the hub had not read."""
    here, there = tmp_path / "hub", tmp_path / "agent"
    with Broker(tmp_path / "broker") as broker:
        one, other = agent(broker.url, "fra1", there, "--scenario", "healthy", "-i", "100ms"), hub(broker.url, here)
        with one, other:
            until(lambda: sum(probes_of(here).values()) > 0, "the hub has something")
            other.end()
            had = sum(probes_of(there).values())
            until(lambda: sum(probes_of(there).values()) > had, "the broker takes more")
            broker.kill()
            shutil.rmtree(tmp_path / "broker" / "js")
            broker.start()
            other.start()
            assert one.end(15) == 0
            # It ended before the hub was back: its next run sends what is left of this one.
            one.start()
            wanted = probes_of(there)
            until(lambda: wanted.items() <= probes_of(here).items() or len(probes_of(here)) == 2, "it goes on")
            assert one.end() == 0
            until(lambda: probes_of(here) == probes_of(there), "the hub has all of it")
            other.end()
    assert all_facts(here / "history.db") == all_facts(there / "history.db")


def test_where_the_hubs_disk_is_full_nothing_is_lost(tmp_path: Path) -> None:
    here, there = tmp_path / "hub", tmp_path / "agent"
    with Broker(tmp_path / "broker") as broker:
        one, other = agent(broker.url, "fra1", there, "--scenario", "healthy", "-i", "20ms"), hub(broker.url, here)
        with other:
            until(lambda: "connected" in other.said, "the hub is connected")
            assert other.process is not None
            full = 90_000
            resource.prlimit(other.process.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
            with one:
                until(lambda: "the store:" in other.said, "the hub says that it cannot write")
                assert other.said.count("the store:") == 1
                resource.prlimit(other.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
                assert one.end() == 0
            until(lambda: probes_of(here) == probes_of(there), "the hub has all of it")
            assert other.end() == 0
    assert all_facts(here / "history.db") == all_facts(there / "history.db")


def test_where_an_agents_disk_is_full_it_measures_on_and_what_waited_is_written_once_there_is_room(
    tmp_path: Path,
) -> None:
    here, there = tmp_path / "hub", tmp_path / "agent"
    with Broker(tmp_path / "broker") as broker, hub(broker.url, here) as other:
        until(lambda: "connected" in other.said, "the hub is connected")
        with agent(broker.url, "fra1", there, "--scenario", "healthy", "-i", "20ms") as one:
            assert one.process is not None
            resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (90_000, resource.RLIM_INFINITY))
            until(lambda: "not recorded:" in one.said, "the agent says that it cannot write")
            full_at = time_ns()
            until(lambda: time_ns() - full_at > 10**9, "it measures on meanwhile")
            resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            had = sum(probes_of(there).values())
            until(lambda: sum(probes_of(there).values()) > had, "there is room again")
            assert one.end() == 0
            assert one.said.count("not recorded:") == 1
        until(lambda: probes_of(here) == probes_of(there), "the hub has all of it")
        assert other.end() == 0
    ((_, _, facts),) = told = all_facts(there / "history.db")
    assert told == all_facts(here / "history.db")
    rounds = [(fact.round, fact.at) for fact in facts if isinstance(fact, RoundStarted)]
    assert [number for number, _ in rounds] == [*range(len(rounds))]
    assert any(full_at < at < full_at + 10**9 for _, at in rounds)
    probes = [(fact.round, fact.ttl) for fact in facts if isinstance(fact, Sent)]
    assert len(probes) == len(set(probes))


def test_no_client_of_the_broker_is_in_the_workers_process(tmp_path: Path) -> None:
    with agent("nats://127.0.0.1:4", "fra1", tmp_path / "agent", "--scenario", "healthy") as one:
        until(lambda: sum(probes_of(tmp_path / "agent").values()) > 0, "it measures without a broker")
        assert one.process is not None
        pids = Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split()
        told = [Path(f"/proc/{pid}/maps").read_text() for pid in pids]
        assert one.end() == 0
    assert len(told) == 1
    assert "nats" not in told[0]
    assert "nacl" not in told[0]
