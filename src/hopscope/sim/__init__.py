"""A simulated internet, described as data: packets in, packets out, by virtual or real time.

`load` reads a scenario (``docs/scenarios.md``), `list_scenarios` and `demo` tell a front end what there is, which loads
no more than that; `network.Network` plays it. The network knows nothing of who sends: a channel in the same process, or
a TUN device.
"""

from __future__ import annotations

from hopscope.sim.library import DEFAULT, Demo, ScenarioError, Story, demo, list_scenarios, load, parse

__all__ = [
    "DEFAULT",
    "Demo",
    "ScenarioError",
    "Story",
    "demo",
    "list_scenarios",
    "load",
    "parse",
]
