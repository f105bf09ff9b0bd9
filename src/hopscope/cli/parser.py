"""The command line, the environment's options and the configuration's defaults to one mapping of values.

Behind it stands argparse, with errors of our own (one line, what to try) and suggestions for a mistyped option.
"""

from __future__ import annotations

import argparse
import itertools
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from hopscope.cli.abbreviations import meant_by
from hopscope.cli.errors import UsageError
from hopscope.cli.table import OPTIONS, SUBCOMMANDS, Option
from hopscope.cli.values import shown

Values = dict[str, Any]
ENVIRONMENT = "HOPSCOPE_OPTIONS"


class _Parser(argparse.ArgumentParser):
    """argparse that raises `UsageError` and never prints or exits."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


class _Set(argparse.Action):
    """Sets `dest` to an option's value or meaning."""

    def __init__(self, option_strings: Sequence[str], dest: str, option: Option) -> None:
        super().__init__(option_strings, dest, nargs=1 if option.takes_value else 0, default=argparse.SUPPRESS)
        self.option = option

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        option = self.option
        name = option_string or option.flags[0]
        if option.verdict == "refused":
            raise UsageError(f"{name} is refused: {option.long.removeprefix('Refused: ').rstrip('.')}")
        if option.verdict == "ignored":
            notes = [*getattr(namespace, "notes", []), f"{name} is ignored: {option.long.removeprefix('Ignored: ')}"]
            namespace.notes = notes
            return
        if option.takes_value:
            assert values
            setattr(namespace, self.dest, read_value(option, str(values[0]), name))
        else:
            setattr(namespace, self.dest, option.constant)
        if name in ("-w", "--report-wide"):
            namespace.wide = True


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


def build() -> argparse.ArgumentParser:
    """A parser of all options and of targets."""
    parser = _Parser(prog="hopscope", add_help=False, exit_on_error=False)
    for option in OPTIONS:
        parser.add_argument(*option.flags, dest=option.dest, action=_Set, option=option)
    parser.add_argument("targets", nargs="*")
    return parser


def parse(argv: Sequence[str]) -> Values:
    """A command line. ``action`` is a subcommand or ``trace``; only options that were given are in the result.

    Whatever follows ``--`` is a target, a word like ``demo`` included. `UsageError` with one line.
    """
    words = list(argv)
    behind: list[str] = []
    if "--" in words:
        place = words.index("--")
        words, behind = words[:place], words[place + 1 :]
    words = _with_dashed_values(words)
    words = _with_whole_names(words)
    parser = build()
    try:
        namespace, unknown = parser.parse_known_intermixed_args(words)
    except argparse.ArgumentError as error:
        _explain_number(words)
        raise UsageError(_plain(error)) from None
    if unknown:
        raise UsageError(_unknown(unknown[0]))
    values = vars(namespace)
    targets = list(values.pop("targets", None) or [])
    values["action"] = "trace"
    if targets and targets[0] in SUBCOMMANDS:
        values["action"] = targets.pop(0)
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


def _with_dashed_values(words: list[str]) -> list[str]:
    """``--start -10m`` as argparse takes it: ``--start=-10m``."""
    flags = {flag for option in OPTIONS if option.may_begin_with_dash for flag in option.flags}
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in flags:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


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


def _explain_number(words: Sequence[str]) -> None:
    """A negative number is an option to argparse, and so the option before it has no value. Say what is wrong with the
    number instead: mtr knows ``-s -100`` and ``-B -1``."""
    for word, value in itertools.pairwise(words):
        if not re.fullmatch(r"-\d+(\.\d*)?", value):
            continue
        for option in OPTIONS:
            flag = next((flag for flag in option.flags if _ends_with(word, flag)), None)
            if flag is not None and option.takes_value and not option.verdict:
                read_value(option, value, flag)


def _ends_with(word: str, flag: str) -> bool:
    """Whether the option's value would be the next word: ``--psize``, or ``-s`` alone or behind other letters."""
    if flag.startswith("--"):
        return word == flag
    return re.fullmatch(r"-[A-Za-z]+", word) is not None and word[-1] == flag[-1]


def _plain(error: argparse.ArgumentError) -> str:
    name = (error.argument_name or "").split("/")[0]
    if "expected one argument" in error.message or "expected 1 argument" in error.message:
        return f"{name}: a value is missing; see hopscope --help"
    if error.message.startswith("ignored explicit argument"):
        return f"{name} takes no value, but got {error.message.rpartition(' argument ')[2]}"
    return f"{name}: {error.message}" if name else error.message


def _unknown(word: str) -> str:
    import difflib

    flag = word.partition("=")[0]
    known = [name for option in OPTIONS for name in option.flags if name.startswith("--")]
    near = difflib.get_close_matches(flag, known, 1) if flag.startswith("--") else []
    hint = f"did you mean {near[0]}?" if near else "see hopscope --help"
    return f"there is no option {shown(flag)}; {hint}"
