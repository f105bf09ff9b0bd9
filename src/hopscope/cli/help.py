"""``--help``: all that is commonly used, in groups, on one screen of 80 columns."""

from __future__ import annotations

from hopscope.cli.table import GROUPS, OPTIONS, UNLISTED, Option
from hopscope.views.report.formats import FORMATS

_HEAD = """\
hopscope TARGET...        the path to each target, live; with -r a report
hopscope demo [SCENARIO]  the same on a simulated network, without privileges
hopscope doctor | config | history   what is allowed | settings | recordings
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


def _merged(group: str) -> list[Option]:
    return [option for option in OPTIONS if option.group == group]


def _cell(option: Option) -> str:
    """Flags and a few words; the words begin at the same place where the flags leave room."""
    flags = ", ".join(option.flags)
    if option.metavar:
        flags += f" {option.metavar}"
    return f"{flags:<{_FLAGS - 1}} {option.brief}"
