"""Whose router it is: address kinds, Team Cymru's texts, local databases, and bands of one owner."""

from __future__ import annotations

from pathlib import Path

import pytest

from hopscope.names.cache import LONGEST, SHORTEST, Cache, lifetime
from hopscope.names.databases import DatabaseError, Databases
from hopscope.names.facts import Asn, Origin
from hopscope.names.owners import Zones, name_question, origin_question, read_name, read_origins
from hopscope.names.scopes import asks_the_system, may_leave, scope
from tests.names.mmdb_writer import write_mmdb


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("10.1.2.3", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.0", None),
        ("100.64.0.1", "cgnat"),
        ("100.128.0.1", None),
        ("169.254.1.1", "link-local"),
        ("192.0.2.9", "documentation"),
        ("198.19.0.1", "benchmark"),
        ("8.8.8.8", None),
        ("fe80::1%eth0", "link-local"),
        ("fd00::1", "private"),
        ("2001:db8::1", "documentation"),
        ("2606:4700::1111", None),
        ("::ffff:10.0.0.1", "private"),
        ("nonsense", None),
    ],
)
def test_an_address_is_named_as_the_kind_that_it_is(address: str, kind: str | None) -> None:
    assert scope(address) == kind


def test_only_public_addresses_may_be_asked_of_a_third_party() -> None:
    assert may_leave("8.8.8.8")
    assert not any(may_leave(address) for address in ("10.0.0.1", "100.64.0.1", "127.0.0.1", "192.0.2.1", "x"))
    assert asks_the_system("192.168.1.1")
    assert not asks_the_system("8.8.8.8")


def test_questions_have_team_cymrus_form() -> None:
    zones = Zones()
    assert origin_question("216.90.108.31", zones) == "31.108.90.216.origin.asn.cymru.com"
    six = origin_question("2001:db8::1", zones)
    assert six == ".".join("20010db8" + "0" * 23 + "1")[::-1] + ".origin6.asn.cymru.com"
    assert name_question(23028, zones) == "AS23028.asn.cymru.com"


def test_the_most_specific_prefix_that_holds_the_address_wins_with_all_its_origins() -> None:
    texts = [
        b"1 | 8.0.0.0/8 | US | arin | x",
        b"23028 3356 | 8.8.8.0/24 | US | arin | 1998-09-25",
        b"7 | 9.9.9.0/28 | US |",
    ]
    assert read_origins(texts, "8.8.8.8") == (
        Origin(23028, None, "8.8.8.0/24", "US", "arin", "1998-09-25"),
        Origin(3356, None, "8.8.8.0/24", "US", "arin", "1998-09-25"),
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"|||||",
        b"x | 8.8.8.0/24 | US",
        b"99999999999 | 8.8.8.0/24 | US",
        b"1 | 8.8.8.0/99 | US",
        b"\xff" * 900,
        b"0 | 0.0.0.0/0 |",
    ],
)
def test_a_text_that_is_none_names_no_owner(text: bytes) -> None:
    assert read_origins([text], "8.8.8.8") == ()


def test_an_as_is_named_without_its_country_and_without_anything_hostile() -> None:
    assert read_name([b"15169 | US | arin | 2000-03-30 | GOOGLE - Google LLC, US"]) == "GOOGLE - Google LLC"
    hostile = read_name([b"1 | US | arin | 2000 | EVIL\x1b]0;X\x07[red]"])
    assert hostile is not None
    assert "\x1b" not in hostile
    assert len(read_name([b"1 | US | arin | 2000 | " + b"A" * 5000]) or "") <= 80


def test_a_cache_forgets_what_was_asked_for_longest_ago() -> None:
    cache: Cache[int] = Cache(2)
    cache.put("a", 1, 0)
    cache.put("b", 2, 0)
    cache.get("a")
    cache.put("c", 3, 0)
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert len(cache) == 2


@pytest.mark.parametrize(
    ("ttl", "low", "high"), [(0, 0.9 * SHORTEST, SHORTEST), (3600, 3240, 3600), (1e9, 0.9 * LONGEST, LONGEST)]
)
def test_a_record_is_believed_for_its_ttl_within_bounds(ttl: float, low: float, high: float) -> None:
    assert low <= lifetime("192.0.2.1", ttl) <= high


@pytest.mark.parametrize("number", [True, False, -1.5, 0, "ASTrue", "AS", "1" * 11, {}, []])
def test_a_database_whose_as_number_is_none_names_no_owner(tmp_path: Path, number: object) -> None:
    write_mmdb(tmp_path / "asn.mmdb", {"8.8.8.0/24": {"autonomous_system_number": number, "as_name": "GOOGLE"}})
    databases = Databases([tmp_path / "asn.mmdb"])
    assert databases.look_up("8.8.8.8") == (None, None)
    databases.close()


def test_local_databases_tell_owner_and_place_in_each_vendors_layout(tmp_path: Path) -> None:
    maxmind, ipinfo = tmp_path / "asn.mmdb", tmp_path / "info.mmdb"
    write_mmdb(
        maxmind, {"8.8.8.0/24": {"autonomous_system_number": 15169, "autonomous_system_organization": "GOO\x1bGLE"}}
    )
    write_mmdb(
        ipinfo,
        {
            "9.9.9.0/24": {
                "asn": "AS19281",
                "as_name": "Quad9",
                "country_code": "CH",
                "city": "Zürich",
                "latitude": "47.4",
            }
        },
    )
    databases = Databases([maxmind, ipinfo])
    assert databases.look_up("8.8.8.8")[0] == Asn(15169, "GOO\\x1bGLE", "8.8.8.0/24", None)
    asn, geo = databases.look_up("9.9.9.9")
    assert asn == Asn(19281, "Quad9", "9.9.9.0/24", "CH")
    assert geo is not None
    assert (geo.country, geo.city, geo.latitude, geo.longitude) == ("CH", "Zürich", 47.4, None)
    assert databases.look_up("7.7.7.7") == (None, None)
    assert databases.look_up("2001:db8::1") == (None, None)
    databases.close()


@pytest.mark.parametrize("content", [None, b"", b"not a database", b"\xab\xcd\xefMaxMind.com"])
def test_an_unusable_database_is_one_line_with_its_path(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"bad\.mmdb: .*") as caught:
        Databases([path])
    assert "\n" not in str(caught.value)
