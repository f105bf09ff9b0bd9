"""A client with several uplinks: each leads to a provider of its own, and each provider has the target.

Uplink *n* is the client's interface ``up<n>`` with 198.19.*n*.2 and fd00:19:*n*::2, behind which its provider answers
as 198.19.*n*.1, fd00:19:*n*::1 and as the target. A provider knows the way back to its own customers alone: what leaves
by one uplink with another one's source is answered to nobody, as behind any provider that filters (BCP 38).
"""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Self

from hopscope.wire.messages import Family
from tests.lab import netns

TARGET: dict[Family, str] = {4: "198.18.0.99", 6: "fd00:18::99"}

NEIGHBOUR = "fe80::99"
"""Each provider's, on the link to the client."""

_EVERYWHERE = {
    "ipv4.icmp_ratelimit": "0",
    "ipv4.conf.all.rp_filter": "0",
    "ipv4.conf.default.rp_filter": "0",
    "ipv6.icmp.ratelimit": "0",
    "ipv6.conf.all.disable_ipv6": "0",
    "ipv6.conf.default.disable_ipv6": "0",
    "ipv6.conf.all.accept_dad": "0",
    "ipv6.conf.default.accept_dad": "0",
    "ipv6.conf.default.accept_ra": "0",
}
_PING_OPEN = "0 2147483647"


class Uplinks:
    """The client and its providers, as a context manager. Nothing routes until `use` says by which uplink."""

    def __init__(self, count: int = 2) -> None:
        self.count = count
        self.client = netns.new_name("client")
        self.providers = [netns.new_name(f"isp{number}") for number in range(1, count + 1)]

    def __enter__(self) -> Self:
        try:
            netns.add(self.client, *self.providers)
            for name in (self.client, *self.providers):
                netns.sysctl(name, _EVERYWHERE)
            netns.sysctl(self.client, {"ipv4.ping_group_range": _PING_OPEN})
            for number, provider in enumerate(self.providers, start=1):
                netns.ip(
                    [
                        f"address add {TARGET[4]}/32 dev lo",
                        f"address add {TARGET[6]}/128 dev lo nodad",
                        "route add local 198.18.1.0/24 dev lo",
                        "route add local fd00:18:1::/64 dev lo",
                    ],
                    provider,
                )
                self.connect(number)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete everything. Idempotent."""
        netns.remove([self.client, *self.providers])

    def connect(self, number: int, host: int = 2) -> None:
        """Make the uplink's interface, with its addresses."""
        provider = self.providers[number - 1]
        netns.ip(
            [
                f"link add name up{number} type veth peer name west netns {provider}",
                *self._addresses(number, host),
                f"link set up{number} up",
            ],
            self.client,
        )
        netns.ip(
            [
                f"address add 198.19.{number}.1/24 dev west",
                f"address add fd00:19:{number}::1/64 dev west nodad",
                f"address add {NEIGHBOUR}/64 dev west nodad",
                "link set west up",
            ],
            provider,
        )
        netns.until_local(self.client, [self.source(number, 6, host)])
        netns.until_local(provider, [f"fd00:19:{number}::1", TARGET[6], NEIGHBOUR])

    def disconnect(self, number: int) -> None:
        """The interface is gone, as a VPN's is."""
        netns.ip([f"link delete up{number}"], self.client)

    def renumber(self, number: int, host: int) -> None:
        """Other addresses on the same interface, the old ones gone."""
        netns.ip([f"address flush dev up{number}", *self._addresses(number, host)], self.client)
        netns.until_local(self.client, [self.source(number, 6, host)])

    def use(self, number: int, *, metric: int = 10) -> None:
        """The default routes lead by this uplink; a larger metric: where no other does."""
        netns.ip(
            [
                f"route replace default via 198.19.{number}.1 dev up{number} metric {metric}",
                f"route replace default via fd00:19:{number}::1 dev up{number} metric {metric}",
            ],
            self.client,
        )

    def use_none(self, *, metric: int = 10) -> None:
        """No default routes of that metric."""
        for default in ("0.0.0.0/0", "::/0"):
            with suppress(OSError):  # there is none, or it went with its interface
                netns.ip([f"route delete {default} metric {metric}"], self.client)

    def more_targets(self, family: Family, count: int = 8) -> list[str]:
        """Further addresses that each provider has."""
        network = "198.18.1." if family == 4 else "fd00:18:1::"
        return [f"{network}{number}" for number in range(1, count + 1)]

    def source(self, number: int, family: Family, host: int = 2) -> str:
        """The client's address on an uplink."""
        return f"198.19.{number}.{host}" if family == 4 else f"fd00:19:{number}::{host}"

    def _addresses(self, number: int, host: int) -> list[str]:
        return [
            f"address add {self.source(number, 4, host)}/24 dev up{number}",
            f"address add {self.source(number, 6, host)}/64 dev up{number} nodad",
        ]
