"""Paths to work on: a home, a provider, transit, the target's network; with owners, names alone, or neither."""

from __future__ import annotations

from random import Random
from typing import Any, Final, Literal

from tests.verdict.case import Table

Role = Literal["your network", "your provider", "transit", "the target's network"]
TARGET: Final = "www.shop.example"
_DOMAINS: Final[dict[str, str]] = {
    "your provider": "nearnet.example",
    "transit": "longhaul.example",
    "the target's network": "farhost.example",
}
_ORIGINS: Final[dict[str, tuple[int, str, str, str]]] = {
    "your provider": (64500, "NEARNET Near Net", "203.0.113.0/24", "2001:db8:100::/40"),
    "transit": (64510, "LONGHAUL Long Haul", "198.51.100.0/24", "2001:db8:200::/40"),
    "the target's network": (64520, "FARHOST Far Host", "192.0.2.0/24", "2001:db8:300::/40"),
}
_V4: Final = {"your provider": "203.0.113", "transit": "198.51.100", "the target's network": "192.0.2"}
_V6: Final = {"your provider": "2001:db8:100", "transit": "2001:db8:200", "the target's network": "2001:db8:300"}


class Net:
    """A path that is fine; generators make it otherwise. Hops are counted from 1, as in the language."""

    def __init__(self, rng: Random, *, owned: bool, hops: int | None = None, cgnat: bool | None = None) -> None:
        """`owned`: the owners of the addresses are known; else names tell whose they are, but for every fourth such
        network, which has none. `hops`: routers before the target (at least 4)."""
        self.rng = rng
        self.owned = owned
        self.named = owned or rng.random() < 0.75
        count = hops or rng.randint(6, 13)
        cgnat = rng.random() < 0.5 if cgnat is None else cgnat
        far = 1 if count < 7 else rng.randint(1, 2)
        near = 1 if count < 6 else rng.randint(1, 3)
        roles: list[Role] = ["your network"]
        roles += ["your provider"] * (near + cgnat)
        roles += ["transit"] * max(1, count - len(roles) - far)
        roles += ["the target's network"] * (count - len(roles))
        self.roles: tuple[Role, ...] = tuple(roles[:count])
        self._house = rng.randint(1, 250)
        self._names: dict[str, str] = {}
        self._made = 0
        self.hops: list[Table] = []
        for number, role in enumerate(self.roles, 1):
            is_cgnat = cgnat and number == 2
            self.hops.append(self.router(role, delay=self._delay(number, role), cgnat=is_cgnat))
        self.target: Table = {
            "name": TARGET,
            "at": ["192.0.2.200", "2001:db8:300::200"],
            "delay": rng.uniform(0.3, 2.0),
            "jitter": rng.uniform(0.1, 0.6),
            "open": [80, 443],
        }
        self._name(self.target["at"], "the target's network", "www")
        self.changes: list[Table] = []
        self.weather: Table = {}

    def _delay(self, number: int, role: Role) -> float:
        if number == 1:
            return self.rng.uniform(0.4, 3.0)
        if number == 2:
            return self.rng.uniform(3.0, 14.0)
        return self.rng.uniform(0.3, 12.0 if role == "transit" else 2.5)

    def router(self, role: Role, delay: float, cgnat: bool = False, **keys: Any) -> Table:
        """A further router of a network, with addresses of its own. `delay`: ms."""
        self._made += 1
        number = self._made
        if role == "your network":
            at = [f"192.168.{self._house}.{number}", f"fd00:{self._house:x}::{number:x}"]
        elif cgnat:
            at = [f"100.64.{self._house}.1", f"2001:db8:100:{self._house:x}::64"]
        else:
            at = [f"{_V4[role]}.{4 * number % 196 + 1}", f"{_V6[role]}::{4 * number + 1:x}"]
        # Who is the first to be seen of a network has a name; others may have none.
        is_first = role not in set(self.roles[: len(self.hops)])
        if is_first or self.rng.random() < 0.7:
            self._name(at, role, f"ae{number}.r{self.rng.randint(1, 9)}")
        return {"at": at, "delay": delay, "jitter": self.rng.uniform(0.1, 0.8), **keys}

    def _name(self, at: list[str], role: Role, label: str) -> None:
        if self.named and role != "your network":
            for address in at:
                self._names[address] = f"{label}.{_DOMAINS[role]}"

    @property
    def count(self) -> int:
        """Routers before the target, which is one TTL further on."""
        return len(self.hops)

    @property
    def end(self) -> int:
        """The target's TTL."""
        return len(self.hops) + 1

    def node(self, ttl: int) -> Table:
        """The router or the target at a TTL."""
        return self.target if ttl == self.end else self.hops[ttl - 1]

    def answers(self, ttl: int) -> bool:
        """Whether the node at a TTL answers at all."""
        return self.node(ttl).get("silent", False) is False

    def link(self, ttl: int) -> tuple[int, int]:
        """The range within which trouble on the link to `ttl` may be said to begin: from the last answering hop before
        it to the first behind it."""
        first = next((before for before in range(ttl - 1, 0, -1) if self.answers(before)), 1)
        last = next((behind for behind in range(ttl, self.end + 1) if self.answers(behind)), self.end)
        return min(first, last), last

    def segment(self, ttl: int | None) -> str | None:
        """The role of a TTL's owner, where anything tells it."""
        if ttl is None:
            return None
        role = "the target's network" if ttl == self.end else self.roles[ttl - 1]
        at = self.node(ttl)["at"]
        is_known = self.owned or role == "your network" or at[0].startswith("100.64.") or at[0] in self._names
        return role if is_known else None

    def middle(self, *, behind: int = 2) -> int:
        """A TTL somewhere in the path, at least two hops from this computer, with so many TTLs behind it."""
        return self.rng.randint(3, max(3, self.end - behind))

    def change(self, at_s: float, until_s: float | None = None, every_s: float | None = None, **what: Any) -> None:
        """A change of the language, with times in seconds."""
        times = {"at": f"{at_s:g}s"}
        if until_s is not None:
            times["until"] = f"{until_s:g}s"
        if every_s is not None:
            times["every"] = f"{every_s:g}s"
        self.changes.append({**times, **what})

    def set(
        self, ttl: int, at_s: float, until_s: float | None = None, every_s: float | None = None, **keys: Any
    ) -> None:
        """Other keys for the node at a TTL, from a moment on; or from the start, where that is 0."""
        if at_s == 0 and until_s is None:
            self.node(ttl).update(keys)
        elif ttl == self.end:
            self.change(at_s, until_s, every_s, target=TARGET, set=keys)
        else:
            self.change(at_s, until_s, every_s, hop=ttl, set=keys)

    def scenario(self, title: str) -> Table:
        """The whole, as data of the scenario language."""
        origins = []
        if self.owned:
            for number, name, v4, v6 in _ORIGINS.values():
                origins += [{"prefix": prefix, "asn": number, "name": name} for prefix in (v4, v6)]
        return {
            "title": title[:80],
            "source": [f"192.168.{self._house}.23", f"fd00:{self._house:x}::23"],
            "hops": self.hops,
            "targets": [self.target],
            "changes": self.changes,
            "weather": self.weather,
            "names": self._names,
            "origins": origins,
        }
