"""Local ``.mmdb`` databases for owner and place, through the optional `maxminddb` (extra ``mmdb``).

Several vendors' layouts are read: MaxMind's and DB-IP's (``autonomous_system_number`` …, nested ``country``), and
IPinfo's flat one (``asn: "AS64500"``).
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hopscope.names.clean import clean
from hopscope.names.facts import Asn, Geo
from hopscope.names.owners import country_code
from hopscope.system.files import open_file

MOST_IN_MEMORY = 1 << 29
"""Bytes of a database, where it has to be read as a whole."""


class DatabaseError(Exception):
    """A database that cannot be used: one line, with the file's path."""


class Databases:
    """The user's databases, asked in the order in which they were given."""

    def __init__(self, paths: Sequence[str | Path]) -> None:
        """Open all of them. `DatabaseError` where one cannot be read, or the extra is not installed."""
        self._readers: list[Any] = []
        if not paths:
            return
        try:
            import maxminddb  # noqa: F401 - is it there?
        except ImportError as error:
            raise DatabaseError(
                f"{clean(str(paths[0]))}: reading .mmdb files needs the extra: pip install 'hopscope[mmdb]'"
            ) from error
        for path in paths:
            try:
                self._readers.append(_open(path))
            except FileNotFoundError as error:
                self.close()
                raise DatabaseError(f"{clean(str(path))}: there is no such file") from error
            except Exception as error:  # what a broken one makes of the reader is not known beforehand
                self.close()
                raise DatabaseError(
                    f"{clean(str(path))}: not a readable .mmdb file: {clean(str(error), 120)}"
                ) from error

    def look_up(self, address: str) -> tuple[Asn | None, Geo | None]:
        """What the databases say of an address (without its zone)."""
        asn: Asn | None = None
        geo: Geo | None = None
        for reader in self._readers:
            try:
                record, length = reader.get_with_prefix_len(address)
            except Exception:  # noqa: BLE001, S112 - a broken database is no reason to lose a trace
                continue
            if isinstance(record, dict):
                asn = asn or _asn(record, address, length)
                geo = geo or _geo(record)
        return asn, geo

    def close(self) -> None:
        """Close all files. Idempotent."""
        for reader in self._readers:
            reader.close()
        self._readers.clear()


def _open(path: str | Path) -> Any:
    """A reader of this very file, by the descriptor that was looked at, and without a memory map: a file that is cut
    short while it is mapped ends the program (SIGBUS, mmap(2))."""
    import maxminddb

    descriptor = open_file(path)
    try:
        name = f"/proc/self/fd/{descriptor}"
        if not os.path.exists(name):  # no /proc
            with open(descriptor, "rb", closefd=False) as file:
                return maxminddb.open_database(io.BytesIO(file.read(MOST_IN_MEMORY)), maxminddb.MODE_FD)
        return maxminddb.open_database(name, maxminddb.MODE_FILE)
    finally:
        os.close(descriptor)


def _asn(record: dict[str, Any], address: str, length: int) -> Asn | None:
    import ipaddress

    number = record.get("autonomous_system_number", record.get("asn"))
    if isinstance(number, str):
        digits = number.upper().removeprefix("AS")
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else None
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**32:
        return None
    name = record.get("autonomous_system_organization") or record.get("as_name") or record.get("name")
    prefix = str(ipaddress.ip_network(f"{address}/{length}", strict=False))
    return Asn(number, clean(str(name), 80) if name else None, prefix, _iso(record))


def _iso(record: dict[str, Any]) -> str | None:
    country = record.get("country_code") or record.get("country")
    if isinstance(country, dict):
        country = country.get("iso_code")
    return country_code(country) if isinstance(country, str) else None


def _geo(record: dict[str, Any]) -> Geo | None:
    city = record.get("city")
    if isinstance(city, dict):
        names = city.get("names")
        city = names.get("en") if isinstance(names, dict) else None
    location = record.get("location")
    place = location if isinstance(location, dict) else record
    latitude, longitude = _degrees(place.get("latitude")), _degrees(place.get("longitude"))
    country = _iso(record)
    city = city if isinstance(city, str) else None
    if country is None and city is None:
        return None
    return Geo(country, clean(city, 60) if city else None, latitude, longitude)


def _degrees(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if -180 <= number <= 180 else None
