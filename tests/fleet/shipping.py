"""An agent's store and a hub's without a broker between them: what is sent is handed over by hand."""

from __future__ import annotations

from pathlib import Path

from hopscope.fleet import messages
from hopscope.fleet.hub_store import HubStore
from hopscope.fleet.messages import FleetMessage
from hopscope.fleet.outbox import SiteOutbox
from hopscope.fleet.transport import Received
from hopscope.history.parcels import Parcels
from hopscope.history.store import Store
from hopscope.history.writer import StoreWriter
from hopscope.session.facts import SessionFact
from tests.history.test_store import BEGUN, TARGET, head, second

S = 1_000_000_000
SITE = "fra1"


def writer(
    path: Path, boot: str = "00000000000000aa", *, limit: int | None = None, site: str = SITE, begun: int = BEGUN
) -> StoreWriter:
    """A run of an agent."""
    return StoreWriter(str(path), host=site, begun=begun, limit=limit, parcels=Parcels(site, boot))


def message_of(body: messages.Body, number: int = 0, boot: str = "00000000000000aa") -> FleetMessage:
    """A message of one row."""
    return FleetMessage(boot, number, number, BEGUN, "0.1.0", BEGUN, body)


def received(message: FleetMessage | bytes, site: str = SITE, position: int = 1) -> Received:
    """As a broker hands it out."""
    data = message if isinstance(message, bytes) else messages.encode(message)
    return Received(site, data, position, BEGUN)


def all_messages(path: Path, site: str = SITE, *, from_the_first: bool = False) -> list[FleetMessage]:
    """What an agent's store has for its hub."""
    outbox = SiteOutbox(str(path), site)
    sent = []
    for boot in outbox.boots():
        after = -1 if from_the_first else boot.mark
        while after < boot.newest:
            part = outbox.messages(boot, after)
            sent += part
            after = part[-1].last
    outbox.close()
    return sent


def hand_over(agent: Path, hub: HubStore, site: str = SITE, now: int = BEGUN) -> None:
    """All of it, in order, and what the hub then says. `now`: epoch ns."""
    outbox = SiteOutbox(str(agent), site)
    for boot in outbox.boots():
        after = boot.mark
        while after < boot.newest:
            part = outbox.messages(boot, after)
            hub.commit([received(message, site) for message in part], now)
            after = part[-1].last
        outbox.has(boot.name, hub.mark(site, boot.name))
    outbox.close()


def all_facts(path: Path) -> list[tuple[str, str, list[SessionFact]]]:
    """Of each trace: site, target, and its facts."""
    with Store(str(path)) as store:
        return [(one.run.host, one.query, [fact for _, fact in store.facts(one)]) for one in store.traces()]


__all__ = ["BEGUN", "TARGET", "head", "second"]
