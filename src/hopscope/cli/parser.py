"""The command line, the environment's options and the configuration's defaults to one mapping of values.

The words are read here and not by argparse, whose rules for what a dash begins, and whose errors, differ between the
Python versions that hopscope runs on. Errors are one line and say what to try.
"""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from hopscope.cli.abbreviations import meant_by
from hopscope.cli.errors import UsageError
from hopscope.cli.table import OPTIONS, SUBCOMMANDS, Option
from hopscope.cli.values import shown
from hopscope.system.files import STDIN

Values = dict[str, Any]
ENVIRONMENT = "HOPSCOPE_OPTIONS"
_FLAGS: Mapping[str, Option] = {flag: option for option in OPTIONS for flag in option.flags}


def read_value(option: Option, word: str, name: str) -> Any:
    """The option's value from a word; errors begin with `name`."""
    if option.choices and word not in option.choices:
        raise UsageError(
            f"{name}: there is no {shown(word)}{_near(word, tuple(option.choices))}: {', '.join(option.choices)}"
        )
    try:
        return option.read(word)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None


def _near(word: str, words: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word.lower(), words, 1)
    return f"; did you mean {near[0]}? There are" if near else "; there are"


def parse(argv: Sequence[str]) -> Values:
    """A command line. ``action`` is a subcommand or ``trace``; only options that were given are in the result.

    Whatever follows ``--`` is a target, a word like ``demo`` included. `UsageError` with one line.
    """
    words = list(argv)
    behind: list[str] = []
    if "--" in words:
        place = words.index("--")
        words, behind = words[:place], words[place + 1 :]
    values, targets = _read(_with_whole_names(words))
    values["action"] = "trace"
    if targets and targets[0] in SUBCOMMANDS:
        values["action"] = targets.pop(0)
    if values["action"] == "history" and targets[:1] in (["list"], ["replay"]):
        targets = [STDIN if target == "-" else target for target in targets]
    values["targets"] = [*targets, *behind]
    for target in values["targets"]:
        if target.startswith("-"):
            raise UsageError(f"target {shown(target)} begins with '-'; no host name does")
    return values


def parse_environment(environ: Mapping[str, str]) -> Values:
    """The options in ``HOPSCOPE_OPTIONS``."""
    text = environ.get(ENVIRONMENT, "")
    if not text.strip():
        return {}
    try:
        values = parse(shlex.split(text))
    except ValueError:
        raise UsageError(f"{ENVIRONMENT}: a quote is not closed in {shown(text)}") from None
    except UsageError as error:
        raise UsageError(f"{ENVIRONMENT}: {error}") from None
    targets = values.pop("targets")
    if targets or values["action"] != "trace":
        word = targets[0] if targets else values["action"]
        raise UsageError(f"{ENVIRONMENT}: {shown(word)} is no option; only options can stand there")
    del values["action"]
    return values


def _read(words: Sequence[str]) -> tuple[Values, list[str]]:
    """Options and targets, which may stand in any order. `UsageError`."""
    values: Values = {}
    targets: list[str] = []
    left = deque(words)
    while left:
        word = left.popleft()
        if word == "-" or not word.startswith("-"):
            targets.append(word)
            continue
        name, attached = _split(word)
        option = _option(name)
        if option.takes_value:
            value = attached.removeprefix("=") if attached else _next_value(name, option, left)
            _set(values, option, name, value)
        elif not attached:
            _set(values, option, name, None)
        elif name.startswith("--") or re.match(r"[=\d]", attached):
            raise UsageError(f"{name} takes no value, but got {shown(attached.removeprefix('='))}")
        else:
            _set(values, option, name, None)
            left.appendleft(f"-{attached}")  # the letters behind it
    return values, targets


def _split(word: str) -> tuple[str, str]:
    """``--name`` and ``=value``; a letter's ``-n`` and what is written behind it, a value or more letters."""
    if not word.startswith("--"):
        return word[:2], word[2:]
    name, equals, value = word.partition("=")
    return name, equals + value


def _option(name: str) -> Option:
    if name not in _FLAGS:
        raise UsageError(_unknown(name))
    return _FLAGS[name]


def _next_value(name: str, option: Option, left: deque[str]) -> str:
    """The word behind an option, as its value: another option is none, a negative number is one (mtr knows ``-s -100``
    and ``-B -1``)."""
    if left and (option.may_begin_with_dash or _split(left[0])[0] not in _FLAGS):
        return left.popleft()
    raise UsageError(f"{name}: a value is missing; see hopscope --help")


def _set(values: Values, option: Option, name: str, word: str | None) -> None:
    """Keep what an option says; `word` is its value. `name`: as it was written."""
    if option.verdict == "refused":
        raise UsageError(f"{name} is refused: {option.long.removeprefix('Refused: ').rstrip('.')}")
    if option.verdict == "ignored":
        note = f"{name} is ignored: {option.long.removeprefix('Ignored: ')}"
        values["notes"] = [*values.get("notes", []), note]
        return
    values[option.dest] = option.constant if word is None else read_value(option, word, name)
    values.update(option.also)


def _with_whole_names(words: Sequence[str]) -> list[str]:
    """`words` with each long option's name whole. Of a beginning it must be clear which option it is; and ``-report``
    would be read as five letters, the last with a value, which nobody means. `UsageError`."""
    long = [name for option in OPTIONS for name in option.flags if name.startswith("--")]
    whole = []
    for word in words:
        if word.startswith("-") and len(word) > 2 and f"-{word}" in long:
            raise UsageError(f"there is no option {shown(word)}; did you mean -{word}?")
        flag, equals, value = word.partition("=")
        if flag == "--":
            raise UsageError(f"there is no option {shown(word)}; see hopscope --help")
        if flag.startswith("--"):
            could_be = [f"--{name}" for name in meant_by(flag[2:], [name[2:] for name in long])]
            if len(could_be) > 1:
                raise UsageError(f"{shown(flag)} could be {', '.join(could_be)}")
            flag = could_be[0] if could_be else flag
        whole.append(f"{flag}{equals}{value}")
    return whole


def hint_at_subcommand(word: str) -> str:
    """What ends the error about a target that leads nowhere, where it looks like a subcommand: a letter too many, too
    few, wrong, or two exchanged. Empty where it does not."""
    import difflib

    near = difflib.get_close_matches(word.lower(), SUBCOMMANDS, 1, cutoff=0.75) if word.isalpha() else []
    return f"; did you mean `hopscope {near[0]}`?" if near else ""


def _unknown(word: str) -> str:
    import difflib

    flag = word.partition("=")[0]
    known = [name for option in OPTIONS for name in option.flags if name.startswith("--")]
    near = difflib.get_close_matches(flag, known, 1) if flag.startswith("--") else []
    hint = f"did you mean {near[0]}?" if near else "see hopscope --help"
    return f"there is no option {shown(flag)}; {hint}"
