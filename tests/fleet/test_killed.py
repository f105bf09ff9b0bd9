"""Agent, hub and a real broker, each killed while the others work: what an agent recorded is in the hub exactly
once."""

from __future__ import annotations

from pathlib import Path

from hopscope.wire.messages import Sent
from tests.fleet.shipping import all_facts
from tests.lab.broker import Broker, agent, hub, probes_of, until


def test_kill_the_hub_the_broker_and_the_agent(tmp_path: Path) -> None:
    there, here = tmp_path / "agent", tmp_path / "hub"
    with Broker(tmp_path / "broker") as broker:
        one = agent(broker.url, "fra1", there, "--scenario", "lossy-link", "-i", "100ms")
        other = hub(broker.url, here)
        with one, other:
            until(lambda: sum(probes_of(here).values()) > 50, "the hub has something")
            other.end(9)
            before = probes_of(there)
            until(lambda: probes_of(there) != before, "the agent goes on")
            broker.kill()
            before = probes_of(there)
            until(lambda: probes_of(there) != before, "the agent goes on without a broker")
            other.start()
            until(lambda: "trying again" in other.said, "the hub tries to connect")
            one.end(9)
            broker.start()
            one.start()
            until(lambda: len(probes_of(here)) == 2, "what the killed agent had, and what it has now")
            assert one.end() == 0
            wanted = probes_of(there)
            assert len(wanted) == 2
            until(lambda: probes_of(here) == wanted, "the hub has all of it")
            assert other.end() == 0
        assert probes_of(here) == wanted
        facts = all_facts(here / "history.db")
        assert facts == all_facts(there / "history.db")
        for _, _, of_target in facts:
            sent = [(fact.round, fact.ttl) for fact in of_target if isinstance(fact, Sent)]
            assert len(sent) == len(set(sent)) > 50
    assert "Traceback" not in one.said + other.said
    assert one.said.count("the connection is lost") == 1
