"""A small coverage-guided search, for where no fuzzer can be installed: an input that reaches a line by a way that no
input took before is kept and changed again. A thousand times slower than libFuzzer, and the same each time."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from types import FrameType
from typing import Any, NamedTuple, TypeAlias

from tests.fuzz.targets import Target

LONGEST = 4096
Way: TypeAlias = tuple[str, int, int, int]
"""A file, the first line of a function, and one line after another of it."""
_INTERESTING = (0, 1, 2, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 191, 192, 224, 240, 254, 255)


class Find(NamedTuple):
    """An input that a target does not stand."""

    data: bytes
    error: Exception


def search(target: Target, corpus: list[bytes], *, runs: int, seed: int = 1) -> tuple[Find | None, list[bytes]]:
    """The first find, and the corpus with all that reached something new."""
    dice = random.Random(seed)
    files = {module.__file__ for module in target.modules}
    reached: set[Way] = set()
    kept = list(corpus) or [b""]
    for data in chain(corpus, _changes(kept, dice, target.words, runs)):  # `kept` grows meanwhile
        ways, error = _run(target.run, data, files)
        if error is not None:
            return Find(data, error), kept
        if not ways <= reached:
            reached |= ways
            if data not in kept:
                kept.append(data)
    return None, kept


def reach(target: Target, data: bytes) -> set[Way]:
    """The ways that one input takes, by names that stay the same from run to run."""
    return _run(target.run, data, {module.__file__ for module in target.modules})[0]


def _changes(kept: list[bytes], dice: random.Random, words: tuple[bytes, ...], runs: int) -> Iterator[bytes]:
    for _ in range(runs):
        # What was kept last is the newest ground.
        place = dice.randrange(len(kept)) if dice.random() < 0.5 else len(kept) - 1 - int(dice.expovariate(0.3))
        yield changed(kept[max(0, place)], dice.choice(kept), words, dice)


def changed(data: bytes, other: bytes, words: tuple[bytes, ...], dice: random.Random) -> bytes:
    """A few changes of the kinds that libFuzzer makes."""
    out = bytearray(data)
    for _ in range(1 + int(dice.expovariate(1))):
        at = dice.randrange(len(out) + 1)
        match dice.randrange(8):
            case 0 if at < len(out):
                out[at] ^= 1 << dice.randrange(8)
            case 1 if at < len(out):
                out[at] = dice.choice(_INTERESTING)
            case 2:
                del out[at : at + dice.randint(1, 16)]
            case 3:
                out[at:at] = out[at : at + dice.randint(1, 32)]
            case 4:
                out[at:at] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 4)))
            case 5 if words:
                out[at : at + dice.choice((0, 4))] = dice.choice(words)
            case 6:
                start = dice.randrange(len(other) + 1)
                out[at:] = other[start:]
            case _ if at < len(out):
                out[at] = dice.randrange(256)
    return bytes(out[:LONGEST])


def _run(call: Callable[[bytes], None], data: bytes, files: set[str]) -> tuple[set[Way], Exception | None]:
    """The ways from line to line that were taken in `files`, and what was raised."""
    ways: set[Way] = set()

    def in_file(frame: FrameType, _event: str, _arg: Any) -> Any:
        last = frame.f_lineno

        def line(frame: FrameType, event: str, _arg: Any) -> Any:
            nonlocal last
            if event == "line":
                ways.add((frame.f_code.co_filename, frame.f_code.co_firstlineno, last, frame.f_lineno))
                last = frame.f_lineno
            return line

        ways.add((frame.f_code.co_filename, frame.f_code.co_firstlineno, 0, last))
        return line

    def calls(frame: FrameType, event: str, arg: Any) -> Any:
        return in_file(frame, event, arg) if frame.f_code.co_filename in files else None

    old = sys.gettrace()
    sys.settrace(calls)
    try:
        call(data)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return ways, error
    finally:
        sys.settrace(old)
    return ways, None
