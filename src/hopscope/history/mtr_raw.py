"""The lines of mtr's ``--raw``, as facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from hopscope.history.notes import Named
from hopscope.history.schema import StoreError
from hopscope.names.facts import AddressInfo
from hopscope.names.hostnames import hostname
from hopscope.names.scopes import scope
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.model import Probing
from hopscope.session.plans import numeric
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Answered, Finished, Lost, Plan, RoundStarted, Sent, Started

S: Final = 1_000_000_000
_MOST_NAMES: Final = 100_000
OF_RAW: Final = (
    "read from mtr's raw lines: they have no times, so a round a second is assumed, the last one when the file was"
    " written; what was not answered counts as lost"
)


def of_raw(
    lines: Iterable[bytes], written: int, check: Callable[[int], None]
) -> Iterator[tuple[int, TargetFact | Named]]:
    """``x`` position number, ``h`` position address, ``d`` position name, ``p`` position µs number (mtr's FORMATS).
    `written`: when the file was (epoch ns); `check`: refuses a number of probes that is too large. `StoreError`."""
    raw = _Raw(check)
    for line in lines:
        words = line.decode("utf-8", "replace").split()
        if len(words) >= 2 and words[0] in raw.readers and _is_number(words[1], 3) and int(words[1]) < 255:
            raw.readers[words[0]](int(words[1]), words[2:])
        elif words:
            raise StoreError("a line of it is none of mtr's raw lines")
    return raw.facts(written)


def _is_number(word: str, digits: int) -> bool:
    return len(word) <= digits and word.isascii() and word.isdigit()


class _Raw:
    """What the lines said so far. A probe is (position, round); positions count from 0."""

    def __init__(self, check: Callable[[int], None]) -> None:
        self._check = check
        self.readers: dict[str, Callable[[int, list[str]], None]] = {
            "x": self._sent,
            "h": self._host,
            "d": self._name,
            "p": self._answer,
            **dict.fromkeys("mstu", lambda position, words: None),
        }
        self._counts: dict[int, int] = {}
        self._flying: dict[tuple[int, str], int] = {}
        self._now: dict[int, str] = {}
        self._answers: dict[tuple[int, int], tuple[int, str]] = {}
        self._probes = 0
        self._names: dict[str, str] = {}

    def _sent(self, position: int, words: list[str]) -> None:
        if not words:
            raise StoreError("a line of it is none of mtr's raw lines")
        self._flying[position, words[0]] = self._next(position)

    def _next(self, position: int) -> int:
        """The round of one more probe."""
        self._probes += 1
        self._check(self._probes)
        round_ = self._counts.get(position, 0)
        self._counts[position] = round_ + 1
        return round_

    def _host(self, position: int, words: list[str]) -> None:
        address = numeric(words[0]) if words else None
        if address is None:
            raise StoreError("an address in it is none")
        self._now[position] = address

    def _name(self, position: int, words: list[str]) -> None:
        if words and position in self._now:
            self._names[self._now[position]] = words[0]
            if len(self._names) > _MOST_NAMES:
                raise StoreError("it holds more names than any recording")

    def _answer(self, position: int, words: list[str]) -> None:
        if not words or not _is_number(words[0], 10) or position not in self._now:
            raise StoreError("an answer in it has no time or address")
        # mtr before 0.90 has no numbers: each probe is told by its answer alone.
        round_ = self._flying.pop((position, words[1]), None) if len(words) > 1 else self._next(position)
        if round_ is not None:
            self._answers[position, round_] = (int(words[0]) * 1000, self._now[position])

    def facts(self, written: int) -> Iterator[tuple[int, TargetFact | Named]]:
        """All of it. `written`: when the file was (epoch ns)."""
        if not self._now:
            raise StoreError("nothing answered in it, so that its target is not known")
        rounds = max(self._counts.values(), default=0)
        begin = max(0, written - rounds * S)
        target = self._now[max(self._now)]
        yield 1, Asked(begin, target, Probing())
        yield 1, Begun(begin, Plan(target, 6 if ":" in target else 4, rounds=rounds or None))
        yield 1, Started(1, "raw", None, None, None, 64, "one", "kernel")
        for address, name in self._names.items():
            yield 0, Named.of(address, AddressInfo(hostname(name), None, scope=scope(address)))
        for round_ in range(rounds):
            yield 1, RoundStarted(1, round_, begin + round_ * S)
            for position in sorted(self._counts):
                if round_ < self._counts[position]:
                    for fact in self._probe(position, round_, begin + round_ * S, target):
                        yield 1, fact
        yield 1, Finished(1, rounds)

    def _probe(self, position: int, round_: int, begin: int, target: str) -> list[TargetFact]:
        key = (1, round_, position + 1, begin + position * 1_000_000)
        answer = self._answers.get((position, round_))
        if answer is None:
            return [Sent(*key), Lost(*key)]
        rtt, address = answer
        return [Sent(*key), Answered(*key, rtt, address, "echo-reply" if address == target else "time-exceeded")]
