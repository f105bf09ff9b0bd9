"""A reader of OpenMetrics text that is stricter than Prometheus' own: what it takes, every scraper takes."""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? ([0-9.e+-]+|\+Inf|NaN)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\\\|\\"|\\n)*)"(?:,(?!$)|$)')
_SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "info": ("_info",),
    "summary": ("_sum", "_count"),
    "histogram": ("_bucket", "_sum", "_count"),
}


class Sample(NamedTuple):
    """One line."""

    name: str
    labels: dict[str, str]
    value: float


class Scrape(NamedTuple):
    """All of a scrape."""

    kinds: dict[str, str]
    """By family, in order."""
    samples: list[Sample]

    def of(self, name: str, **labels: str) -> list[Sample]:
        """Those of one name that have these labels."""
        return [one for one in self.samples if one.name == name and labels.items() <= one.labels.items()]

    def value(self, name: str, **labels: str) -> float:
        """The value of the one that there must be."""
        (one,) = self.of(name, **labels)
        return one.value

    def counters(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """All that must never fall, by name and labels."""
        growing = {"counter", "summary", "histogram"}
        names = {
            kind_name + suffix
            for kind_name, kind in self.kinds.items()
            if kind in growing
            for suffix in _SUFFIXES[kind]
        }
        return {(one.name, tuple(sorted(one.labels.items()))): one.value for one in self.samples if one.name in names}


def labels_of(text: str) -> dict[str, str]:
    """The labels between a sample's braces."""
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        match = _LABEL.match(text, place)
        assert match is not None, text[place:]
        assert match[1] not in found
        found[match[1]] = re.sub(r"\\(.)", lambda one: "\n" if one[1] == "n" else one[1], match[2])
        place = match.end()
    return found


def read(text: str) -> Scrape:
    """A scrape. `AssertionError` where it is none."""
    assert text.endswith("# EOF\n")
    kinds: dict[str, str] = {}
    helped: set[str] = set()
    samples: list[Sample] = []
    seen = set()
    for line in text.removesuffix("# EOF\n").split("\n")[:-1]:
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            assert words.endswith(".")
            assert name not in helped, "families stand together"
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name in helped
            assert name not in kinds
            assert kind in _SUFFIXES
            kinds[name] = kind
        elif line.startswith("# UNIT "):
            _, _, name, unit = line.split(" ")
            assert list(kinds)[-1] == name
            assert name.endswith(f"_{unit}")
        else:
            match = _SAMPLE.fullmatch(line)
            assert match is not None, line
            family = list(kinds)[-1]
            assert match[1] in {family + suffix for suffix in _SUFFIXES[kinds[family]]}, line
            sample = Sample(match[1], labels_of(match[2] or ""), float(match[3]))
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in seen, f"twice: {line}"
            seen.add(key)
            samples.append(sample)
    return Scrape(kinds, samples)
