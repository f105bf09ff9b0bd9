"""What generators draw from, what they give back, and where they are registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final
from zlib import crc32

from tests.verdict.case import Case, Half, Refusal, Trouble
from tests.verdict.networks import Net


@dataclass
class Made:
    """A network as a generator leaves it. `probing`: what of `Probing` is not the default."""

    net: Net
    rounds: int
    trouble: Trouble | None = None
    probing: dict[str, Any] = field(default_factory=dict)
    notes: frozenset[str] = frozenset()
    refusals: tuple[Refusal, ...] = ()
    border: bool = False


class Draw:
    """Chance for one case, and whether owners are known in it."""

    def __init__(self, rng: Random, owned: bool) -> None:
        self.rng = rng
        self.owned = owned
        self.real = rng.uniform
        self.whole = rng.randint

    def net(self, **keys: Any) -> Net:
        """A fine path (see `Net`)."""
        return Net(self.rng, owned=self.owned, **keys)

    def some(self, *choices: Any) -> Any:
        """One of these."""
        return self.rng.choice(choices)

    def probing(self, *, family: int | None = None, protocol: str | None = None, **more: Any) -> dict[str, Any]:
        """How to probe; mostly ICMP over IPv4 where nothing is said."""
        protocol = protocol or self.rng.choice(("icmp", "icmp", "icmp", "udp", "tcp"))
        family = family or self.rng.choice((4, 4, 4, 6))
        ports = {"tcp": {"port": 443}}
        return {"family": family, "protocol": protocol, **ports.get(protocol, {}), **more}


Generator = Callable[[Draw], Made]
GENERATORS: Final[dict[str, Generator]] = {}
"""By name."""


def network(generate: Generator) -> Generator:
    """Register a generator under its function's name."""
    GENERATORS[generate.__name__.replace("_", "-")] = generate
    return generate


def networks(prefix: str, given: Mapping[str, Any]) -> Callable[[Callable[..., Made]], Callable[..., Made]]:
    """Register a generator once for each of the names, with what is given for it as a second argument."""

    def register(generate: Callable[..., Made]) -> Callable[..., Made]:
        for name, value in given.items():
            GENERATORS[f"{prefix}-{name}"] = partial(generate, given=value)
        return generate

    return register


def drawn(name: str, half: Half, draw: int = 0) -> Case:
    """The case that a generator makes in one half of the set: always the same. Other draws are other networks."""
    owned = (crc32(name.encode()) + (half == "held-out")) % 2 == 0
    made = GENERATORS[name](Draw(Random(f"{name} {half} {draw}" if draw else f"{name} {half}"), owned))
    return Case(
        name,
        half,
        made.net.scenario(f"{name} {half}"),
        {"family": 4, "protocol": "icmp", **made.probing, "rounds": made.rounds},
        made.trouble,
        made.notes,
        owned,
        made.refusals,
        made.border,
    )


def trouble(
    net: Net, kinds: str, place: tuple[int | None, int | None], *, slack: int = 1, begins_s: float = 0.0,
    ends_s: float | None = None, before: tuple[tuple[float, float], ...] = (), segment: str | None = None,
    is_touched: bool = False, other: Trouble | None = None,
) -> Trouble:  # fmt: skip
    """What is wrong: any of these kinds (in words, with spaces between), there, from then on."""
    whose = (segment or None) if segment is not None else net.segment(place[1])
    return Trouble(frozenset(kinds.split()), *place, slack, is_touched, begins_s, ends_s, before, whose, other)
