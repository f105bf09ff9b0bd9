"""WHEN on the command line: `hopscope.words.when`, wrong words as usage errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from time import time_ns

from hopscope.cli.errors import UsageError
from hopscope.words import when


def moment(word: str, reference_ns: int, zone: tzinfo | None = None) -> int:
    """See `hopscope.words.when.moment`. `UsageError` where the word names no moment."""
    try:
        return when.moment(word, reference_ns, zone)
    except ValueError as why:
        raise UsageError(str(why)) from None


def from_now(word: str) -> int:
    """`moment`, counted from now."""
    return moment(word, time_ns())


def read_option(reader: Callable[[str, int], int], option: str, word: str, reference: int) -> int:
    """An option's moment. `UsageError` with the option's name."""
    try:
        return reader(word, reference)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None
