"""What was known of addresses when they were recorded, as a namer."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hopscope.names.facts import AddressInfo


class RecordedNames:
    """A `names.facts.Namer` that knows what was known then."""

    def __init__(self, names: Mapping[str, AddressInfo], *, dns: bool = True) -> None:
        """`names` may grow while it is read; `dns`: host names, too."""
        self.version = 0
        self._names = names
        self._dns = dns

    def look_up(self, address: str) -> AddressInfo:
        """What was known at the end of the recording."""
        known = self._names.get(address) or AddressInfo()
        return known if self._dns else msgspec.structs.replace(known, hostname=None, verified=None)

    async def settle(self, seconds: float) -> None:
        """Nothing is under way."""

    async def close(self) -> None:
        """Nothing is held."""
