"""The simulated name server, its packets made and read by Scapy."""

from __future__ import annotations

import random

import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from hopscope.names import owners
from hopscope.sim import load, parse
from hopscope.sim.dns import NameServer
from hopscope.sim.network import Network
from tests.sim.world import TARGET4, TARGET6, US4, US6, World, dissect, hops, router

SERVER = "198.18.0.53"
TEXT = (
    hops(router(1))
    + f'[[targets]]\nname = "www.example.com"\nat = ["{TARGET4}", "{TARGET6}"]\n'
    + f'[dns]\nat = ["{SERVER}", "2001:db8:53::53"]\ndelay = "3ms"\nttl = 77\n'
    + 'fail = ["192.0.2.8"]\nsilent = ["192.0.2.9"]\ntxt = { "Note.example.com" = ["hello", "world"] }\n'
    + '[names]\n"192.0.2.1" = "gw.example.net"\n"2001:db8::1" = "gw6.example.net"\n'
    + '"192.0.2.66" = "\\u001b[31m.example.net"\n'
    + '[[origins]]\nprefix = "192.0.2.0/24"\nasn = 64500\nname = "EXAMPLE-NET Example"\ncountry = "NL"\n'
    + '[[origins]]\nprefix = "2001:db8::/32"\nasn = 64501\nname = "SIX-NET"\n'
)


def ask(name: str, kind: str = "PTR") -> DNS | None:
    """The name server's answer, whole."""
    world = World(TEXT)
    query = IP(src=US4, dst=SERVER) / UDP(sport=5353, dport=53) / DNS(id=9, rd=1, qd=DNSQR(qname=name, qtype=kind))
    answers = world.send(bytes(query))
    if not answers:
        return None
    ((after, raw),) = answers
    assert after == 3_000_000
    packet = dissect(raw)
    assert (packet.src, packet[UDP].sport, packet[UDP].dport) == (SERVER, 53, 5353)
    answer: DNS = packet[DNS]
    assert (answer.id, answer.qr, answer.aa, answer.rd) == (9, 1, 1, 1)
    assert answer.qd[0].qname.decode().lower() == name.lower() + "."
    return answer


def test_ptr_records_name_addresses_of_both_families() -> None:
    four = ask("1.2.0.192.in-addr.arpa")
    assert four is not None
    assert (four.an[0].rdata, four.an[0].ttl) == (b"gw.example.net.", 77)
    six = ask("1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa")
    assert six is not None
    assert six.an[0].rdata == b"gw6.example.net."


def test_a_name_may_hold_what_no_terminal_should_see() -> None:
    answer = ask("66.2.0.192.in-addr.arpa")
    assert answer is not None
    assert answer.an[0].rdata == b"\x1b[31m.example.net."


def test_addresses_of_targets_come_by_family_and_without_regard_to_case() -> None:
    four, six, none = ask("WWW.example.com", "A"), ask("www.example.com", "AAAA"), ask("www.example.com", "MX")
    assert four is not None
    assert six is not None
    assert none is not None
    assert (four.an[0].rdata, six.an[0].rdata, none.ancount, none.rcode) == (TARGET4, TARGET6, 0, 0)


def test_owners_are_told_in_the_format_that_names_reads() -> None:
    asked = owners.origin_question("192.0.2.77", owners.Zones())
    assert asked is not None
    answer = ask(asked, "TXT")
    assert answer is not None
    (origin,) = owners.read_origins([answer.an[0].rdata[0]], "192.0.2.77")
    assert (origin.number, origin.prefix, origin.country) == (64500, "192.0.2.0/24", "NL")
    named = ask(owners.name_question(64500, owners.Zones()), "TXT")
    assert named is not None
    assert owners.read_name([named.an[0].rdata[0]]) == "EXAMPLE-NET Example"
    six = owners.origin_question("2001:db8::77", owners.Zones())
    assert six is not None
    answer = ask(six, "TXT")
    assert answer is not None
    assert answer.an[0].rdata[0].startswith(b"64501 | 2001:db8::/32 | ZZ")


def test_further_txt_records_are_told_each_as_its_own() -> None:
    answer = ask("note.example.com", "TXT")
    assert answer is not None
    assert [record.rdata for record in answer.an] == [[b"hello"], [b"world"]]


@pytest.mark.parametrize(
    "name", ["99.2.0.192.in-addr.arpa", "x.example.com", "as99.asn.cymru.com", "zz.origin.asn.cymru.com"]
)
def test_what_nobody_wrote_down_does_not_exist(name: str) -> None:
    answer = ask(name, "TXT")
    assert answer is not None
    assert (answer.rcode, answer.ancount) == (3, 0)


def test_a_name_can_fail_or_stay_unanswered() -> None:
    failed = ask("8.2.0.192.in-addr.arpa")
    assert failed is not None
    assert failed.rcode == 2
    assert ask("9.2.0.192.in-addr.arpa") is None


def test_the_name_server_answers_over_ipv6_too() -> None:
    question = DNS(id=1, qd=DNSQR(qname="1.2.0.192.in-addr.arpa", qtype="PTR"))
    query = IPv6(src=US6, dst="2001:db8:53::53") / UDP(sport=9, dport=53) / question
    answer = World(TEXT).one(bytes(query))
    assert answer[DNS].an[0].rdata == b"gw.example.net."


def test_lost_queries_get_no_answer() -> None:
    world = World(TEXT.replace("ttl = 77", "loss = 1.0"))
    query = IP(src=US4, dst=SERVER) / UDP(sport=9, dport=53) / DNS(qd=DNSQR(qname="x.example", qtype="A"))
    assert world.send(bytes(query)) == []


def test_no_query_is_too_broken_to_survive() -> None:
    server = NameServer(parse(TEXT))
    good = bytes(DNS(id=9, qd=DNSQR(qname="1.2.0.192.in-addr.arpa", qtype="PTR")))
    rng = random.Random(3)
    answered = 0
    for _ in range(5_000):
        broken = bytearray(good[: rng.randrange(len(good) + 1)])
        for _ in range(rng.randrange(4)):
            if broken:
                broken[rng.randrange(len(broken))] = rng.randrange(256)
        answered += server.answer(bytes(broken)) is not None
    assert 0 < answered < 5_000
    response = server.answer(good)
    assert response is not None
    assert server.answer(response) is None


def test_a_scenario_without_a_name_server_has_none() -> None:
    world = World(hops(router(1)) + f'[[targets]]\nname = "x"\nat = "{TARGET4}"\n[names]\n"192.0.2.1" = "a"\n')
    query = IP(src=US4, dst=SERVER) / UDP(sport=9, dport=53) / DNS(qd=DNSQR(qname="a", qtype="A"))
    world.send(bytes(query))
    assert world.last.by == "192.0.2.1"
    assert Network(load("tour")).next_due() is None
