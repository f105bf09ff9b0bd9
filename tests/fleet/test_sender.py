"""What an agent sends, and says, where the broker behaves otherwise than it should."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

from hopscope.fleet import broker
from hopscope.fleet.outbox import SiteOutbox
from hopscope.fleet.sender import Sender
from hopscope.fleet.transport import NotSent
from tests.fleet.shipping import SITE
from tests.fleet.test_rows import recorded


def test_a_broker_that_does_not_answer_is_said_with_what_becomes_of_what_is_to_be_sent(tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    recorded(agent, 5)
    said: list[str] = []

    class Silent:
        """A connection that is up, and a broker that takes nothing."""

        is_connected = True

        async def open(self) -> None: ...
        async def ask(self, data: bytes) -> None: ...
        async def close(self) -> None: ...
        async def publish(self, kind: str, id_: str, data: bytes) -> None:
            raise NotSent(broker._publish_words(TimeoutError()))

    async def sent() -> None:
        is_said = asyncio.Event()

        def say(words: str) -> None:
            said.append(words)
            is_said.set()

        with closing(SiteOutbox(str(agent), SITE)) as reader:
            sending = asyncio.ensure_future(Sender(reader, SITE, say).run(Silent()))
            await asyncio.wait_for(is_said.wait(), 20)
            sending.cancel()
            await asyncio.wait([sending])

    asyncio.run(sent())
    assert said == ["the broker does not answer; kept here, sent later"]


def test_words_of_the_hub_that_cannot_be_read_are_complained_of_once(tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    recorded(agent, 5)
    said: list[str] = []

    async def heard() -> None:
        with closing(SiteOutbox(str(agent), SITE)) as reader:
            sender = Sender(reader, SITE, said.append)
            for number in range(100):
                sender.heard(bytes((number,)))

    asyncio.run(heard())
    assert len(said) == 1
    assert said[0].startswith("the hub says what cannot be read: ")


def test_what_an_agent_sends_again_after_its_end_a_broker_does_not_take_for_what_it_got_before(tmp_path: Path) -> None:
    """It may have lost what stood between, and the hub then took nothing of that."""
    agent = tmp_path / "agent"
    recorded(agent, 5)

    class Remembering:
        """A broker that takes all."""

        is_connected = True

        def __init__(self) -> None:
            self.ids: list[str] = []
            self.is_asked = asyncio.Event()

        async def open(self) -> None: ...
        async def close(self) -> None: ...
        async def ask(self, data: bytes) -> None:
            self.is_asked.set()

        async def publish(self, kind: str, id_: str, data: bytes) -> None:
            self.ids.append(id_)

    async def sent() -> list[str]:
        broker = Remembering()
        with closing(SiteOutbox(str(agent), SITE)) as reader:
            sending = asyncio.ensure_future(Sender(reader, SITE, print).run(broker))
            await asyncio.wait_for(broker.is_asked.wait(), 20)
            sending.cancel()
            await asyncio.wait([sending])
        return broker.ids

    first, again = asyncio.run(sent()), asyncio.run(sent())
    assert len(first) == len(again) == len({*first, *again}) // 2 > 3
