"""Whose each hop is: by AS data, by the kinds of addresses, by names and prefixes, and where nothing is known."""

from __future__ import annotations

import pytest

from hopscope.names.domains import registered_domain
from hopscope.names.facts import AddressInfo, Asn
from hopscope.names.scopes import scope
from hopscope.names.segments import End, HopFacts, Owner, segments, whose

HOME, PROVIDER, TRANSIT, TARGET = "your network", "your provider", "transit", "the target's network"


def hop(address: str, name: str | None = None, number: int | None = None) -> HopFacts:
    asns = (Asn(number, f"N{number}", None, None),) if number is not None else ()
    return ((address, AddressInfo(hostname=name, asns=asns, scope=scope(address))),)


def roles(hops: list[HopFacts], end: End) -> list[str | None]:
    return [each.role for each in whose(hops, end)]


NAMED = [
    hop("192.168.1.1", "router.home.example"),
    hop("100.64.0.1", "cgn-1.access.nearby.example"),
    hop("203.0.113.9", "bng2.north.nearby.example"),
    (),
    hop("203.0.113.65", "ae4-0.edge1.nearby.example"),
    hop("198.51.100.1", "ae17.cr1.west.farline.example"),
    (),
    hop("198.51.100.13", "ae9.cr1.east.farline.example"),
    hop("192.0.2.2", "farline-gw.hosting.example"),
    hop("192.0.2.80", "www.example.com"),
]
END = End("www.example.com", "192.0.2.80", AddressInfo(), reached=True, source="192.168.1.23")
EXPECTED = [HOME, *[PROVIDER] * 4, *[TRANSIT] * 3, TARGET, TARGET]


def test_without_owner_data_names_tell_whose_a_hop_is_and_say_so() -> None:
    known = whose(NAMED, END)
    assert [each.role for each in known] == EXPECTED
    assert known[7].owner == Owner(None, "farline.example", "name")
    assert known[7].owner is not None
    assert known[7].owner.words == "farline.example"


def test_without_any_names_prefixes_tell_the_same() -> None:
    bare: list[HopFacts] = [((known[0][0], AddressInfo()),) if known else () for known in NAMED]
    assert roles(bare, END) == EXPECTED
    assert [each.owner for each in whose(bare, END)] == [None] * len(NAMED)


def test_owner_data_are_believed_before_names() -> None:
    hops = [
        hop("192.168.1.1"),
        hop("203.0.113.9", "x.nearby.example", 1),
        hop("198.51.100.1", "customer-of.nearby.example", 2),
        hop("192.0.2.80", "www.nearby.example", 3),
    ]
    known = whose(hops, END)
    assert [each.role for each in known] == [HOME, PROVIDER, TRANSIT, TARGET]
    assert known[2].owner == Owner(2, "N2", "as")


def test_a_router_without_owner_data_belongs_to_the_as_whose_domain_it_has() -> None:
    hops = [
        hop("203.0.113.9", "a.nearby.example", 1),
        hop("198.18.9.1", "b.nearby.example"),
        hop("192.0.2.80", None, 3),
    ]
    assert [each.owner and each.owner.number for each in whose(hops, END)] == [1, 1, 3]


@pytest.mark.parametrize(
    ("hops", "end", "expected"),
    [
        ([], END, []),
        ([(), ()], End(), [None, None]),
        # Who has a private address has a router of his own, also where it is silent.
        ([(), hop("203.0.113.9"), hop("192.0.2.80")], END, [HOME, PROVIDER, TARGET]),
        # Two routers of one's own (double NAT), and a provider that numbers privately.
        (
            [hop("192.168.1.1"), hop("10.0.0.1"), hop("203.0.113.9"), hop("192.0.2.80")],
            END,
            [HOME, HOME, PROVIDER, TARGET],
        ),
        (
            [hop("192.168.1.1"), hop("10.9.8.7", "bras.isp.example"), hop("203.0.113.9", "r1.isp.example")],
            End("192.0.2.80", "192.0.2.80"),
            [HOME, PROVIDER, PROVIDER],
        ),
        # IPv6 at home is public: one's own link tells.
        (
            [hop("2001:db8:1::1"), hop("2001:db8:100::9"), hop("2001:db8:200::1"), hop("2001:db8:300::80")],
            End("t", "2001:db8:300::80", reached=True, source="2001:db8:1::23"),
            [HOME, PROVIDER, TRANSIT, TARGET],
        ),
        # Not reached: what lies behind the last that answers is nobody's, unless that is the target's own network.
        ([hop("192.168.1.1"), hop("203.0.113.9"), hop("198.51.100.1"), ()], END, [HOME, PROVIDER, TRANSIT, None]),
        # A silent hop between two networks is neither's; between two transits it is transit.
        (
            [hop("203.0.113.9"), (), hop("198.51.100.1"), (), hop("198.18.7.1"), hop("192.0.2.80")],
            END,
            [PROVIDER, None, TRANSIT, TRANSIT, TRANSIT, TARGET],
        ),
        # A private address behind public ones is its neighbours'.
        (
            [hop("203.0.113.9", "a.n.example"), hop("10.1.1.1"), hop("203.0.113.10", "b.n.example"), hop("192.0.2.80")],
            END,
            [PROVIDER, PROVIDER, PROVIDER, TARGET],
        ),
        # A provider's first router without a name.
        (
            [hop("192.168.1.1"), hop("198.18.5.5"), hop("203.0.113.9", "r.isp.example"), hop("192.0.2.80")],
            END,
            [HOME, PROVIDER, PROVIDER, TARGET],
        ),
        ([hop("192.168.1.7")], End("nas", "192.168.1.7", reached=True, source="192.168.1.2"), [HOME]),
        # What is hidden is nobody's.
        (
            [hop("hidden"), hop("203.0.113.9"), hop("192.0.2.80")],
            End("t", "192.0.2.80", reached=True),
            [None, PROVIDER, TARGET],
        ),
    ],
)
def test_whose_a_hop_is(hops: list[HopFacts], end: End, expected: list[str | None]) -> None:
    assert roles(hops, end) == expected


def test_the_last_that_answers_may_be_known_for_the_targets_network_without_the_target() -> None:
    hops = [hop("203.0.113.9", "a.n.example"), hop("198.51.100.1", "b.t.example"), hop("192.0.2.2", "gw.host.example")]
    assert roles(hops, End("www.example.com", "192.0.2.80"))[-1] == TARGET
    assert roles(hops, End("www.host.example", "198.18.1.1"))[-1] == TARGET
    by_as = AddressInfo(asns=(Asn(9, None, None, None),))
    assert roles([*hops, hop("198.18.3.1", None, 9)], End("www.example.com", "198.18.99.1", by_as))[-1] == TARGET


def test_a_path_falls_into_bands_of_one_owner() -> None:
    hops = [
        hop("192.168.1.1"),
        hop("100.64.0.1"),
        hop("8.0.0.1", None, 1),
        (),
        hop("8.0.0.2", None, 1),
        hop("9.0.0.1", None, 2),
        (),
        hop("7.0.0.1", None, 3),
        hop("7.0.0.2", None, 3),
    ]
    bands = [
        (band.first, band.last, band.owner, band.role) for band in segments(hops, End("t", "7.0.0.2", reached=True))
    ]
    assert bands == [
        (0, 0, "private network", HOME),
        (1, 1, "carrier-grade NAT", PROVIDER),
        (2, 4, "AS1 N1", PROVIDER),
        (5, 5, "AS2 N2", TRANSIT),
        (7, 8, "AS3 N3", TARGET),
    ]
    assert segments([(), ()], End()) == []


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("cr1.west.farline.example", "farline.example"),
        ("ae1.core.isp.co.uk", "isp.co.uk"),
        ("co.uk", "co.uk"),
        ("www.com.au", "www.com.au"),
        ("CR1.Farline.Example.", "farline.example"),
        ("router", None),
        ("fritz.lan", None),
        ("a..b", None),
        ("", None),
    ],
)
def test_the_registered_domain_is_what_somebody_bought(name: str, domain: str | None) -> None:
    assert registered_domain(name) == domain


def test_routers_that_answered_at_the_targets_place_while_packets_went_round_lend_it_no_network() -> None:
    home, provider, transit = hop("192.168.1.1"), hop("203.0.113.1", number=64500), hop("198.51.100.1", number=64510)
    last = [*transit, *hop("192.0.2.80", number=64520)]
    assert roles([home, provider, transit, last], End("192.0.2.80", "192.0.2.80", reached=True)) == [
        "your network",
        "your provider",
        "transit",
        "the target's network",
    ]
