"""``--help``: all that is commonly used, in groups, on one screen of 80 columns."""

from __future__ import annotations

from hopscope.cli.table import GROUPS, OPTIONS, UNLISTED, Option
from hopscope.views.report.formats import FORMATS

_HEAD = """\
hopscope TARGET...        the path to each target, live; with -r a report
hopscope demo [SCENARIO]  the same on a simulated network, without privileges
hopscope doctor | config | history   what is allowed | settings | recordings
"""
_FLEET = """\
hopscope fleet: many sites on one screen (the whole story: docs, "Twenty sites")

An agent at each site measures and keeps what it finds. A broker, NATS with
JetStream, passes that on. One hub has all of it in one store, which the screen
reads. A line each, the broker first:

nats-server -js -a 127.0.0.1 -sd broker
hopscope fleet hub --connect nats://127.0.0.1:4222 --store hub
hopscope fleet agent --connect nats://127.0.0.1:4222 --site NAME TARGET...
hopscope history follow --store hub

Across machines the URL is tls://broker.example:4222. An agent probes as
hopscope does (-T -P 443, -i 5); --method simulated --scenario outage is a
trial of which nothing leaves. Without targets it probes whom the hub says.

"""
_COLUMN = 40
_FLAGS = 22


def help_text() -> str:
    """The help, in two columns."""
    lines = [_HEAD]
    for group in GROUPS:
        if group in UNLISTED:
            continue
        lines.append(group)
        cells = [_cell(option) for option in _merged(group)]
        half = (len(cells) + 1) // 2
        for left, right in zip(cells[:half], [*cells[half:], ""], strict=False):
            lines.append(f" {left:<{_COLUMN - 1}} {right}".rstrip())
    of_mtr = ",".join(name.removeprefix("mtr-") for name in FORMATS if name.startswith("mtr-"))
    lines.append(f"F: {' '.join(name for name in FORMATS if not name.startswith('mtr-'))} mtr-{{{of_mtr}}}")
    lines.append("Where ICMP is refused, probes are UDP; -r and mtr's other formats exit 3.")
    lines.append("S: 0.5, 500ms, 2s. All options and exit statuses: hopscope --man | man -l -")
    return "\n".join(lines) + "\n"


def fleet_help() -> str:
    """What ``hopscope fleet --help`` says: who begins with it wants to know what it is."""
    of_fleet = sorted((option for option in OPTIONS if option.of_fleet), key=lambda one: one.group != "More")
    lines = [f"{', '.join(one.flags) + ' ' + (one.metavar or ''):<23}{one.of_fleet}" for one in of_fleet]
    return _FLEET + "".join(f"{line}\n" for line in lines)


def _merged(group: str) -> list[Option]:
    return [option for option in OPTIONS if option.group == group]


def _cell(option: Option) -> str:
    """Flags and a few words; the words begin at the same place where the flags leave room."""
    flags = ", ".join(option.flags)
    if option.metavar:
        flags += f" {option.metavar}"
    return f"{flags:<{_FLAGS - 1}} {option.brief}"
