"""``hopscope demo`` and ``--method simulated``: a network that exists only in a file."""

from __future__ import annotations

import os

import msgspec

from hopscope.cli.errors import UsageError
from hopscope.cli.options import Options
from hopscope.sim.library import DEFAULT, Demo, ScenarioError, list_scenarios
from hopscope.sim.library import demo as read_demo


def prepare(options: Options) -> tuple[Options, Demo]:
    """The options of a trace over the scenario, and what is to be known of it. `UsageError`."""
    name = options.probing.scenario
    targets = options.targets
    if options.action == "demo":
        name = targets[0] if targets else name
        targets = ()
    name = name or DEFAULT
    try:
        demo = read_demo(name)
    except ScenarioError as error:
        raise UsageError(f"demo: {error}" if options.action == "demo" else f"--scenario: {error}") from None
    if "/" in name or name.endswith(".toml"):
        name = os.path.abspath(name)  # the worker's folder may be another one
    probing = msgspec.structs.replace(options.probing, method="simulated", scenario=name)
    return msgspec.structs.replace(options, targets=targets, probing=probing), demo


def listing(columns: int | None = None) -> str:
    """The built-in scenarios, one a line: name and story, cut to so many columns (None: whole)."""
    stories = list_scenarios()
    width = max(len(story.name) for story in stories)
    lines = (f"{story.name:<{width}}  {story.story}" for story in stories)
    return "".join(
        f"{line if columns is None or len(line) <= columns else line[: columns - 1] + '…'}\n" for line in lines
    )
