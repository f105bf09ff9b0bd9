"""How much may be asked: a token bucket for all addresses, and one for each reverse zone. Time is an argument.

Addresses can be made up, thousands a second, and each question goes to name servers that others pay for. So questions
that lead to nothing are rationed; one that led to a name or an owner gives its token back, so a long list of real
routers is named as quickly as name servers answer.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from functools import lru_cache
from typing import Final

BURST: Final = 128
"""Questions that may be asked at once."""
PER_S: Final = 24.0
"""Questions without a useful answer that may be asked each second after that."""
ZONE_BURST: Final = 256
ZONE_PER_S: Final = 10.0
"""The same for the addresses of one reverse zone: an IPv4 /24, an IPv6 /48."""
MAX_ZONES: Final = 1024


class Bucket:
    """At most `burst` tokens, `per_s` more each second."""

    __slots__ = ("_at", "_burst", "_per_s", "_tokens")

    def __init__(self, burst: float, per_s: float, now: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._tokens = burst
        self._at = now

    def wait_s(self, now: float) -> float:
        """Seconds until there is a token; 0: there is one."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._per_s)
        self._at = max(self._at, now)
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._per_s

    def take(self, count: int = 1) -> None:
        """Spend tokens; `wait_s` said that there is one. What is spent beyond that is waited for afterwards."""
        self._tokens -= count

    def give_back(self) -> None:
        """A token that was spent need not have been."""
        self._tokens = min(self._burst, self._tokens + 1)


class Allowance:
    """The bucket of all look-ups, and one for each reverse zone."""

    def __init__(self, now: float) -> None:
        self._all = Bucket(BURST, PER_S, now)
        self._zones: OrderedDict[str, Bucket] = OrderedDict()

    def wait_s(self, now: float) -> float:
        """Seconds until anything may be asked; 0: it may be now."""
        return self._all.wait_s(now)

    def zone_wait_s(self, address: str, now: float) -> float:
        """Seconds until the reverse zone of `address` may be asked; 0: it may be now."""
        return self._zone(address, now).wait_s(now)

    def take(self, address: str, now: float, count: int = 1) -> None:
        """A look-up of `address` begins, with so many questions; both waits said that it may."""
        self._all.take(count)
        self._zone(address, now).take(count)

    def give_back(self, address: str, now: float) -> None:
        """A question led to a name or an owner."""
        self._all.give_back()
        self._zone(address, now).give_back()

    def _zone(self, address: str, now: float) -> Bucket:
        zone = _zone_of(address)
        bucket = self._zones.get(zone)
        if bucket is None:
            bucket = self._zones[zone] = Bucket(ZONE_BURST, ZONE_PER_S, now)
            if len(self._zones) > MAX_ZONES:
                self._zones.popitem(last=False)
        self._zones.move_to_end(zone)
        return bucket


@lru_cache(maxsize=4096)
def _zone_of(address: str) -> str:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))
