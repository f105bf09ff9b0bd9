"""What the documentation shows of formats and options is what the program prints.

``UPDATE_GOLDEN=1 pytest tests/report/test_docs.py`` writes the samples into the pages.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import get_args

import pytest

from hopscope.cli import config as configuration
from hopscope.cli.assertions import NAMES
from hopscope.cli.config import Config
from hopscope.cli.show_config import TEMPLATE
from hopscope.cli.table import GROUPS, OPTIONS, Option
from hopscope.metrics.families import FAMILIES
from hopscope.session.events import EndEvent, Outcome, StartEvent, probe_event
from hopscope.views.privacy import Veil
from hopscope.views.report import mtr
from hopscope.views.report.document import Style, hostname
from hopscope.views.report.formats import FORMATS, STREAMS, render
from hopscope.views.report.stream import streamer
from hopscope.wire.messages import Answered, Lost
from tests.report import sample

_DOCS = Path(__file__).parents[2] / "docs"
_MARK = re.compile(r"^<!-- (?P<what>[a-z:\- ]+) -->\n(?:<!-- begin -->\n.*?<!-- end -->\n)?", re.MULTILINE | re.DOTALL)
_LANGUAGES = {"json": "json", "mtr-json": "json", "mtr-xml": "xml", "markdown": "markdown"}


def _sample(name: str) -> str:
    if name in STREAMS:
        text = _stream(name)
    elif name == "text":
        text = render(sample.document(style=Style(mpls=True)), name)
    else:
        text = render(sample.document(sample.short_target()), name)
    lines = "\n".join(text.rstrip().splitlines())
    return f"````{_LANGUAGES.get(name, 'text')}\n{lines}\n````"


def _stream(name: str) -> str:
    target = sample.short_target()
    stream = streamer(name, Style(), lambda address: hostname(target, address, "names"), Veil(0))
    start = StartEvent(
        target=sample.TARGET, query=target.query, source="192.168.1.23", protocol="icmp", method="ping-socket",
        family=4, port=None, interval_s=1.0, timeout_s=3.0, packet_size=64, tos=0, flow_kind="one",
        started="2026-11-23T15:02:00.000000+00:00",
    )  # fmt: skip
    fates = [event for event in sample.short_events() if isinstance(event, (Answered, Lost))]
    lines = [stream.event(start), *(stream.event(probe_event(sample.TARGET, event)) for event in fates)]
    lines.append(stream.event(EndEvent(target=sample.TARGET, rounds=2, reached=True)))
    return "".join(lines)


def _columns() -> str:
    rows = [
        f"| {'space' if field.letter == ' ' else f'`{field.letter}`'} | {field.title.strip()} | {field.meaning} |"
        for field in mtr.FIELDS.values()
    ]
    return "\n".join(["| letter | head | what |", "| --- | --- | --- |", *rows])


def _flags(option: Option) -> str:
    return ", ".join(f"`{flag}{f' {option.metavar}' if option.metavar else ''}`" for flag in option.flags)


def _options() -> str:
    parts = []
    for group, title in GROUPS.items():
        parts += [f"### {title}", "", "| option | what |", "| --- | --- |"]
        parts += [
            f"| {_flags(option)} | {option.long or option.brief} |" for option in OPTIONS if option.group == group
        ]
        parts.append("")
    return "\n".join(parts).rstrip()


def _mtr_options() -> str:
    rows = [f"| {_flags(option)} | {option.long} |" for option in OPTIONS if option.verdict]
    return "\n".join(["| option | here |", "| --- | --- |", *rows])


def _metrics() -> str:
    rows = [
        f"| {', '.join(f'`{name}`' for name in family.series)} | {family.kind} |"
        f" {', '.join(f'`{label}`' for label in family.labels)} | {family.help} |"
        for family in FAMILIES
    ]
    return "\n".join(["| series | kind | labels | what |", "| --- | --- | --- | --- |", *rows])


_SECTION = re.compile(r"\[(\w+)\]")
_KEY = re.compile(r"# (\S+) = (.+?)\s{2,}# (.+)|# (\S+) = (.+)")


def _configuration() -> str:
    lines: list[str] = []
    for line in TEMPLATE.splitlines():
        if section := _SECTION.fullmatch(line):
            lines += ["", f"## [{section[1]}]", "", "| key | default, or an example | what |", "| --- | --- | --- |"]
        elif (key := _KEY.fullmatch(line)) and lines:
            name, value, words = (key[1], key[2], key[3]) if key[1] else (key[4], key[5], "")
            lines.append(f"| `{name}` | `{value}` | {words} |")
    return "\n".join(lines).strip()


def _made(what: str) -> str:
    kind, _, name = what.partition(": ")
    makers = {
        "columns": _columns,
        "options": _options,
        "mtr-options": _mtr_options,
        "configuration": _configuration,
        "metrics": _metrics,
    }
    return makers[kind]() if kind in makers else _sample(name)


def _filled(text: str) -> str:
    def fill(match: re.Match[str]) -> str:
        return f"<!-- {match['what']} -->\n<!-- begin -->\n{_made(match['what'])}\n<!-- end -->\n"

    return _MARK.sub(fill, text)


@pytest.mark.parametrize("page", ["formats.md", "cli.md", "coming-from-mtr.md", "configuration.md", "metrics.md"])
def test_a_pages_samples_are_what_the_program_prints(page: str) -> None:
    path = _DOCS / page
    text = path.read_text("utf-8")
    made = _filled(text)
    assert "<!-- begin -->" in made
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(made, "utf-8")
        text = made
    assert text == made


def test_every_format_is_documented() -> None:
    text = (_DOCS / "formats.md").read_text("utf-8")
    for name, format_ in FORMATS.items():
        assert f"| `{name}` |" in text
        assert f"| {format_.brief}" in text.replace(" ([schema](#json))", "")


def test_every_value_of_an_assertion_is_documented() -> None:
    text = (_DOCS / "cli.md").read_text("utf-8")
    for name in NAMES:
        assert f"`{name}`" in text


def test_every_key_of_the_configuration_is_documented_in_its_section() -> None:
    text = (_DOCS / "configuration.md").read_text("utf-8")
    sections = dict(re.findall(r"## \[(\w+)\]\n(.*?)(?=\n## |\Z)", text, re.DOTALL))
    for table in Config.__struct_fields__:
        if table == "keys":
            continue
        kind = Config.__annotations__[table]
        fields = getattr(configuration, kind if isinstance(kind, str) else kind.__name__).__struct_fields__
        documented = set(re.findall(r"^\| `(\w+)` \|", sections[table], re.MULTILINE))
        assert documented == set(fields), table


def test_the_glossary_knows_the_kinds_of_the_protocol() -> None:
    words = set(re.findall(r"^\| ([a-zA-Z ,-]+?) \|", (_DOCS / "glossary.md").read_text("utf-8"), re.MULTILINE))
    for word in (*get_args(Outcome), "pending", "probe", "round", "flow", "target"):
        assert word in words | {"answered", "duplicate"}, word
