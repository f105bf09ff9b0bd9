"""Scenarios from files: the built-in ones and a user's own, and what a front end should know of one beforehand."""

from __future__ import annotations

import difflib
import ipaddress
import re
from importlib import resources
from typing import Any, Final, NamedTuple, get_args, get_type_hints

import msgspec

from hopscope.sim.language import Branch, Change, Hop, Scenario, Target, every_node
from hopscope.sim.values import Loss, LossTable, Table, read_value
from hopscope.system import toml
from hopscope.system.files import Unreadable, read_file, text_of

MAX_FILE: Final = 1 << 20
"""Bytes of a scenario file."""

DEFAULT: Final = "tour"
"""The scenario of ``hopscope demo``."""


class ScenarioError(Exception):
    """A scenario that cannot be used: one line that names the file, the key's path, the value and what is allowed."""


class Story(NamedTuple):
    """A built-in scenario."""

    name: str
    title: str
    story: str


class Demo(NamedTuple):
    """What a front end should know of a scenario before it is played."""

    title: str
    story: str
    targets: list[tuple[str, str]]
    """Each target's name and address; one with both families is there twice, its IPv4 address first."""
    names: dict[str, str]
    """Host names of addresses, as a name server would tell them: not cleaned."""
    origins: dict[str, tuple[int, str, str, str]]
    """Of each address that the scenario names: AS number, AS name, prefix, country. Not cleaned."""


def list_scenarios() -> list[Story]:
    """The built-in scenarios, the default one first, then by name."""
    stories = []
    for entry in resources.files("hopscope.sim").joinpath("scenarios").iterdir():
        if entry.name.endswith(".toml"):
            table = toml.loads(entry.read_text("utf-8"))
            stories.append(Story(entry.name.removesuffix(".toml"), table.get("title", ""), table.get("story", "")))
    return sorted(stories, key=lambda story: (story.name != DEFAULT, story.name))


def load(name_or_path: str) -> Scenario:
    """A built-in scenario by its name, or a file (a name that holds a slash or ends with ``.toml``).

    Raises `ScenarioError`.
    """
    if "/" not in name_or_path and not name_or_path.endswith(".toml"):
        if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", name_or_path):
            entry = resources.files("hopscope.sim").joinpath("scenarios", f"{name_or_path}.toml")
            if entry.is_file():
                return parse(entry.read_text("utf-8"), f"{name_or_path}.toml")
        names = [story.name for story in list_scenarios()]
        near = difflib.get_close_matches(name_or_path, names, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ScenarioError(
            f"there is no scenario {_shown(name_or_path)}.{hint} Built in are: {', '.join(names)};"
            " a file of your own ends with .toml"
        )
    try:
        text = text_of(read_file(name_or_path, MAX_FILE).data)
    except FileNotFoundError:
        raise ScenarioError(f"{_plain(name_or_path)}: there is no such file") from None
    except Unreadable as error:
        raise ScenarioError(f"{_plain(name_or_path)}: cannot be read: {error}") from None
    return parse(text, name_or_path)


def parse(text: str, name: str = "scenario") -> Scenario:
    """A scenario from TOML text; `name` is what errors call it. Raises `ScenarioError`."""
    try:
        table = toml.loads(text)
    except toml.NoToml as error:
        raise ScenarioError(f"{_plain(name)}: no TOML: {error}") from None
    try:
        return msgspec.convert(table, Scenario, dec_hook=read_value)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{_plain(name)}: {_explain(str(error), table)}") from None
    except RecursionError:
        raise ScenarioError(f"{_plain(name)}: nested too deeply") from None


def demo(name_or_path: str) -> Demo:
    """What a front end should know of a scenario. Raises `ScenarioError`."""
    scenario = load(name_or_path)
    targets = [
        (target.name, str(address))
        for target in scenario.targets
        for address in (*target.at.family(4), *target.at.family(6))
    ]
    networks = [(ipaddress.ip_network(origin.prefix), origin) for origin in scenario.origins]
    origins: dict[str, tuple[int, str, str, str]] = {}
    for address in {address for node in every_node(scenario) for address in node.at}:
        parsed = ipaddress.ip_address(address)
        held = [(net, origin) for net, origin in networks if net.version == parsed.version and parsed in net]
        if held:
            net, origin = max(held, key=lambda pair: pair[0].prefixlen)
            origins[str(address)] = (origin.asn, origin.name, str(net), origin.country)
    return Demo(scenario.title, scenario.story, targets, dict(scenario.names), origins)


_PLACE: Final = re.compile(r" - at `\$([^`]*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `([^`]*)`")
_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")


def _explain(message: str, table: dict[str, Any]) -> str:
    """msgspec's message with the path in front, the value that stands there, and what is allowed."""
    # An error inside a value's own table has two places: the inner one comes first.
    inner = "".join(reversed(_PLACE.findall(message)))
    words = _PLACE.sub("", message)
    words = words.replace("Object", "the table").replace("`", "").replace("Expected array", "Expected a list")
    unknown = _UNKNOWN.search(message)
    steps = [name or (int(number) if number else None) for name, number in _STEP.findall(inner)]
    path = inner.lstrip(".")
    if unknown:
        known = _keys(table, steps)
        near = difflib.get_close_matches(unknown[1], known, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        path = f"{path}.{_plain(unknown[1])}" if path else _plain(unknown[1])
        path += _which_hop(steps)
        return f"{path}: there is no such key{hint}; known are: {', '.join(known)}"
    path += _which_hop(steps)
    value = _value(table, steps)
    shown = f" = {_shown(value)}" if path and value is not None and not isinstance(value, dict) else ""
    return _one_line(f"{path or 'the scenario'}{shown}: {words[:1].lower()}{words[1:]}")


def _which_hop(steps: list[str | int | None]) -> str:
    if len(steps) > 1 and steps[0] == "hops" and isinstance(steps[1], int):
        return f" (hop {steps[1] + 1})"
    return ""


def _value(table: Any, steps: list[str | int | None]) -> Any:
    for step in steps:
        try:
            table = table[step]
        except (KeyError, IndexError, TypeError):
            return None
    return table


def _keys(table: dict[str, Any], steps: list[str | int | None]) -> list[str]:
    """The keys of the table at this place of a scenario."""
    place: type[Table] | type[LossTable] = Scenario
    for number, step in enumerate(steps):
        if step == "set" and place is Change:
            change = _value(table, steps[:number])
            within = change.get("inside", ())
            place = Target if "target" in change else Branch if len(within) % 2 else Hop
        elif isinstance(step, str):
            hint = get_type_hints(place, include_extras=False).get(step)
            place = _table_in(hint) or place
    return list(place.__struct_fields__)


def _table_in(hint: Any) -> type[Table] | type[LossTable] | None:
    if isinstance(hint, type) and issubclass(hint, Loss):
        return LossTable
    if isinstance(hint, type) and issubclass(hint, Table):
        return hint
    return next((found for inner in get_args(hint) if (found := _table_in(inner))), None)


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _plain(text: str) -> str:
    """A file's name or a key, without what could reach a terminal as more than text."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _one_line(text: str) -> str:
    return " ".join(text.split())
