"""Every network that is built in plays on the screen."""

from __future__ import annotations

import pytest

from hopscope.sim import load
from hopscope.sim.library import list_scenarios
from tests.screen.terminal import Terminal

NAMES = [story.name for story in list_scenarios()]


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_network_plays_on_the_screen(name: str) -> None:
    hops = [hop for hop in load(name).hops if hop.silent is False]
    addresses = [(hop.at.family(4) or hop.at.family(6))[0] for hop in hops[:3]]
    # So high that a path of 30 hops is whole: where it is not, the last hop is in sight, and the first ones never are
    # if the first frame already knows the path, as on a busy machine.
    with Terminal("demo", name, "-n", size=(120, 60)) as terminal:
        for address in addresses:
            terminal.read(str(address).encode())
        terminal.type("?")
        terminal.read(b"esc closes")
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert terminal.is_restored()
        assert b"Traceback" not in terminal.bytes
