"""Who is asked about addresses: name servers and databases, or in a demo the scenario itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hopscope.cli.errors import UsageError
from hopscope.cli.options import Options
from hopscope.names.clean import clean
from hopscope.names.facts import AddressInfo, Asn, Namer
from hopscope.names.hostnames import hostname
from hopscope.names.scopes import scope

if TYPE_CHECKING:
    from hopscope.sim.library import Demo


class StaticNamer:
    """A namer that knows all it will ever know: a demo's. Its strings are a stranger's as well, and are cleaned."""

    def __init__(
        self,
        names: Mapping[str, str],
        origins: Mapping[str, tuple[int, str, str, str]],
        *,
        dns: bool = True,
    ) -> None:
        """`names`: host names of addresses; `origins`: their AS number, AS name, prefix and country."""
        self.version = 0
        self._names = names if dns else {}
        self._origins = origins
        self._known: dict[str, AddressInfo] = {}

    def look_up(self, address: str) -> AddressInfo:
        """All that the scenario says."""
        known = self._known.get(address)
        if known is None:
            known = self._known[address] = self._facts(address)
        return known

    async def settle(self, seconds: float) -> None:
        """Nothing is under way."""

    async def close(self) -> None:
        """Nothing is held."""

    def _facts(self, address: str) -> AddressInfo:
        name = self._names.get(address)
        origin = self._origins.get(address)
        asns: tuple[Asn, ...] = ()
        if origin is not None:
            number, as_name, prefix, country = origin
            asns = (Asn(number, clean(as_name) or None, clean(prefix) or None, clean(country) or None),)
        return AddressInfo(hostname=hostname(name) if name else None, asns=asns, scope=scope(address))


def of_demo(demo: Demo, options: Options) -> Namer:
    """The namer of a scenario."""
    return StaticNamer(demo.names, demo.origins, dns=options.dns)


def of_network(options: Options) -> Namer:
    """The namer of a real network. `UsageError` where a configured database cannot be used."""
    from hopscope.names.databases import DatabaseError
    from hopscope.names.owners import Zones
    from hopscope.names.resolver import Names, NamesConfig

    table = options.config.config.names
    try:
        return Names(
            NamesConfig(
                dns=options.dns,
                verify=table.verify,
                servers=options.servers,
                ask_owners=options.style.owners and not table.databases,
                zones=Zones(table.origin4, table.origin6, table.as_names),
                databases=table.databases,
            )
        )
    except (DatabaseError, ValueError) as error:
        raise UsageError(f"names: {error}") from None
