"""Keep settings in the configuration file: only the lines that have to change do, comments and all else stay.

The new text is read back before it replaces the old one; where it does not say what it should, nothing is written.
"""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hopscope.cli.config import MAX_FILE, parse, plain
from hopscope.cli.errors import UsageError
from hopscope.cli.replacing import overwrite, replace
from hopscope.system import toml
from hopscope.system.files import Unreadable, read_file, text_of

MOST_LINES = 200
"""Lines of one value: each more costs as much as all before it."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
"""With its end. TOML's lines end so and no other way, whatever else `str.splitlines` knows."""
_HEAD = re.compile(r"\s*\[([^\[\]]+)\]\s*(#.*)?")


def keep(path: Path, settings: Mapping[str, Any]) -> str:
    """Write `settings` (table, key, value; None takes a key out) to the file; its path. `OSError`, or `ValueError`
    with one line, where that cannot be done."""
    try:
        data = read_file(path, MAX_FILE).data
        old = text_of(data)
    except FileNotFoundError:
        data, old = b"", ""
    except Unreadable as error:
        raise ValueError(f"{plain(path)}: {error}") from None
    text = old
    for table, values in settings.items():
        for key, value in values.items():
            text = edit(text, table, key, value)
    _verify(old, text, settings, str(path))
    if text != old:
        mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
        _replace(path, mark + text.encode("utf-8"))
    return str(path)


def edit(text: str, table: str, key: str, value: Any) -> str:
    """`text` with one key of one table set to `value` (None: taken out)."""
    lines = _LINE.findall(text)
    start, end = _section(lines, table)
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    line = None if value is None else f"{key} = {_toml(value)}"
    if start is None:
        added = [f"[{table}]", line] if line is not None else []
        return _with(lines, len(lines), ["", *added] if lines and added else added, newline)
    place = next((number for number in range(start, end) if re.match(rf"\s*{re.escape(key)}\s*=", lines[number])), None)
    if place is None:
        while end > start and not lines[end - 1].strip():
            end -= 1
        return _with(lines, end, [line] if line is not None else [], newline)
    last = _end_of_value(lines, place)
    comment = _comment(lines[last - 1].strip()) if last == place + 1 else ""
    its_end = lines[last - 1][len(lines[last - 1].rstrip("\r\n")) :]
    changed = [line + comment + its_end] if line is not None else []
    return "".join(lines[:place] + changed + lines[last:])


def _with(lines: list[str], place: int, added: list[str], newline: str) -> str:
    """All of them, with these in front of the line `place`."""
    if added and place and not lines[place - 1].endswith("\n"):
        lines[place - 1] += newline
    return "".join(lines[:place] + [line + newline for line in added] + lines[place:])


def _section(lines: list[str], table: str) -> tuple[int | None, int]:
    """The lines of a table: from behind its head to before the next one."""
    start = None
    for number, line in enumerate(lines):
        head = _HEAD.fullmatch(line.strip())
        if head and start is None and head[1].strip() == table:
            start = number + 1
        elif line.lstrip().startswith("[") and start is not None and _is_head(lines, number):
            return start, number
    return start, len(lines)


def _is_head(lines: list[str], number: int) -> bool:
    """Whether the line begins a table, and is no part of a list that goes over lines."""
    try:
        toml.loads(lines[number])
    except toml.NoToml:
        return False
    return True


def _end_of_value(lines: list[str], place: int) -> int:
    """Behind the last line of the value that begins at `place`, if it has no more than `MOST_LINES`."""
    for end in range(place + 1, min(len(lines), place + MOST_LINES) + 1):
        try:
            toml.loads("".join(lines[place:end]))
        except toml.NoToml:
            continue
        return end
    return place + 1


def _comment(line: str) -> str:
    """The comment behind a value, if the line is as simple as they mostly are."""
    match = re.fullmatch(r"""[^#"'=]*=\s*(?:"[^"#]*"|[^#"'\[]*)(\s*#.*)""", line)
    return f"  {match[1].strip()}" if match else ""


def _toml(value: Any) -> str:
    """A value as TOML: JSON's strings are TOML's as well."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    raise ValueError(f"{value!r} cannot be kept")


def _verify(old: str, text: str, settings: Mapping[str, Any], name: str) -> None:
    """Whether the new text says what it should. `ValueError`: what is wrong with the file as it is, or that a setting
    cannot be changed (dotted keys, tables in a line)."""
    try:
        parse(old, name)
    except UsageError as error:
        raise ValueError(str(error)) from None
    try:
        parse(text, name)
        table: Mapping[str, Any] = toml.loads(text)
    except UsageError:
        table = {}
    for section, values in settings.items():
        for key, value in values.items():
            wanted = list(value) if isinstance(value, tuple) else value
            if table.get(section, {}).get(key) != wanted:
                raise ValueError(f"{plain(name)}: {section}.{key} stands there in a way that cannot be changed here")


def _replace(path: Path, data: bytes) -> None:
    """All of the new file or none of it. A link of one's own is followed: what it points to changes."""
    os.makedirs(os.path.dirname(os.path.realpath(path)), mode=0o755, exist_ok=True)
    try:
        replace(str(path), data, own_folder=True)
    except PermissionError:  # the file can be written to, its folder not: `replacing.Unsafe` is none of these
        descriptor = os.open(os.path.realpath(path), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            overwrite(descriptor, data)
        finally:
            os.close(descriptor)
