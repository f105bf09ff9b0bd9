"""The networks: what is true of each, and what of a play is wrong then."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fans.checks import (
    BAD,
    Check,
    all_of,
    at_least_where_uneven,
    both_of_sixteen_flows,
    combined,
    dead_after_one,
    found,
    hidden_link_said,
    lengths,
    named,
    never,
    nobody_named,
    nothing_made_up,
    one_named,
    one_port_said,
    one_way_named,
    probes,
    reached_in_order,
    said,
    says_dead,
    says_only,
    slow,
    slow_said,
    target_limits,
)
from tests.fans.player import Fan, play


@dataclass(frozen=True)
class Case:
    """One network."""

    name: str
    scenario: str
    check: Check
    rounds: int = 60
    """After the discovery."""
    until: str | None = None
    probing: dict[str, Any] = field(default_factory=dict)
    share: float = 1.0
    """Of all seeds, those in which nothing may be wrong at the least."""

    def play(self, seed: int, folder: Path) -> Fan:
        return play(self.scenario, seed, folder, self.rounds, until=self.until, **self.probing)


# --- scenarios -------------------------------------------------------------------------------------------------------


def router(number: int, keys: str = "") -> str:
    return f'{{ at = "10.0.{number // 250}.{number % 250 + 1}"{", " + keys if keys else ""} }}'


def member(number: int, keys: str = "") -> str:
    return f'{{ at = "198.51.100.{number}"{", " + keys if keys else ""} }}'


def fork(*branches: str, keys: str = "") -> str:
    ways = ", ".join(branch if branch.startswith("{ weight") else f"{{ hops = [{branch}] }}" for branch in branches)
    return f"{{ branches = [{ways}]{', ' + keys if keys else ''} }}"


def eight(bad: str = "", others: str = "") -> str:
    """Eight members side by side, one of them with these keys."""
    return fork(*(member(number, bad if number == 105 else others) for number in range(101, 109)))


def network(*hops: str, target: str = "", changes: str = "") -> str:
    return (
        "hops = [\n  " + ",\n  ".join(hops) + f'\n]\n\n[[targets]]\nname = "www.example.com"\nat = "TARGET"\n'
        f"{target}\n{changes}"
    )


def around(middle: str, target: str = "", changes: str = "", before: str = "") -> str:
    """Two routers, then this, then a router and the target."""
    return network(router(1), router(2, before), middle, router(3), target=target, changes=changes)


def eleven(middle: str | None = None) -> str:
    """A path of eleven hops, the target among them."""
    hops = [router(number, 'loss = "0.1%"') for number in range(10)]
    if middle is not None:
        hops[5] = middle
    return network(*hops)


def silent(middle: str, behind: int = 4) -> str:
    """Two routers, then this, then some routers and a target that never answers."""
    routers = [router(number) for number in range(3, 3 + behind)]
    return network(router(1), router(2), middle, *routers, target='udp = "silent"')


THERE_OR_BACK = said("there or back")
ONE_PERCENT = 'loss = "1%"'
LOSS_30 = 'loss = "30%"'
MESHED_BAD = '{ id = "x", at = "198.51.100.105", loss = "40%" }'
MESHED, MESHED_TOO, MESHED_AGAIN = '{ same_as = "x" }', '{ id = "y", at = "198.51.100.107" }', '{ same_as = "y" }'
SELDOM = "rate_limit = { rate = 0.2, burst = 1 }"
BURSTS = "loss = { burst = 0.005, recover = 0.25 }"

CASES = (
    Case("a01-no-fork", eleven(), all_of(found(1, "none"), probes(106), said("one path (95 %)", where="discovery")), 2),
    Case("a02-fan8-good", eleven(eight()), all_of(found(8), nobody_named), 30, share=0.95),
    Case("a02-fan8-even-loss", around(eight(ONE_PERCENT, ONE_PERCENT)), nobody_named, 100, share=0.985),
    Case(
        "a03-fan8-bad40",
        around(eight('loss = "40%"', ONE_PERCENT)),
        all_of(named(BAD), says_only(BAD), THERE_OR_BACK),
        82,
        BAD,
        share=0.95,
    ),
    Case(
        "a04-fan8-bad20",
        around(eight('loss = "20%"', ONE_PERCENT)),
        all_of(named(BAD), says_only(BAD)),
        140,
        BAD,
        share=0.95,
    ),
    Case("a04-fan8-bad5", around(eight('loss = "5%"')), all_of(named(BAD), says_only(BAD)), 180, BAD, share=0.95),
    Case(
        "a05-fan8-return", around(eight('return_loss = "40%"')), all_of(named(BAD), THERE_OR_BACK), 82, BAD, share=0.95
    ),
    Case(
        "a06-fan8-lazy-member",
        around(eight('reply_loss = "60%"')),
        all_of(nobody_named, never("loss", "bad-member")),
        share=0.98,
    ),
    Case(
        "a07-fan8-limits",
        around(eight(), target="rate_limit = { rate = 1, burst = 6 }"),
        all_of(nobody_named, never("bad-member"), target_limits),
        40,
        share=0.985,
    ),
    Case(
        "a08-per-packet",
        around(fork(member(101), member(102), keys='balance = "packet"')),
        all_of(found(1, "per-packet"), nobody_named, said("no paths can be told apart", where="discovery")),
        30,
        share=0.95,
    ),
    Case(
        "a08b-per-packet-before-a-diamond",
        network(
            router(1),
            fork(
                f"{router(4)}, {fork(member(101), member(102))}",
                f"{router(5)}, {fork(member(103), member(104))}",
                keys='balance = "packet"',
            ),
            router(3),
        ),
        all_of(found(1, "per-packet"), nobody_named),
        30,
        share=0.93,
    ),
    Case(
        "a09-two-stages",
        network(
            router(1),
            fork(*(member(number) for number in range(1, 5))),
            router(2),
            fork(*(member(number, LOSS_30 if number == 105 else "") for number in range(103, 107))),
            router(3),
        ),
        all_of(
            named(BAD), lambda fan: [] if BAD in str(fan.said["verdict"]["evidence"]) else ["no router in the evidence"]
        ),
        200,
        share=0.9,
    ),
    Case(
        "a09b-nested",
        network(
            router(1),
            fork(
                f"{member(1)}, {fork(member(101), member(102), member(103))}",
                f"{member(2)}, {fork(member(104), member(105, LOSS_30), member(106))}",
            ),
            router(3),
        ),
        named(BAD),
        120,
        BAD,
        share=0.95,
    ),
    Case(
        "a10-unequal-length",
        network(router(1), fork(member(101), f"{member(102)}, {member(103)}"), router(3)),
        all_of(found(2), lengths(4, 5), never("loop", "route-change", "loss", "flapping")),
        share=0.95,
    ),
    Case(
        "a11-silent-member",
        around(fork(member(101), member(102), member(103, "silent = true"))),
        all_of(found(3), nobody_named, lambda fan: [] if fan.by(None) else ["the silent one is not watched"]),
        20,
        share=0.95,
    ),
    Case(
        "a12-route-change",
        network(
            router(1),
            fork(*(member(number) for number in range(101, 105))),
            router(3),
            changes=f'[[changes]]\nat = "90s"\nfrom_hop = 2\nremove = 1\ninsert = [{member(111)}]\n',
        ),
        all_of(reached_in_order, nobody_named, never("loss", "bad-member")),
        150,
        share=0.95,
    ),
    Case(
        "a13-weights",
        around(fork(f"{{ weight = 3, hops = [{member(101)}] }}", f"{{ weight = 1, hops = [{member(102)}] }}")),
        at_least_where_uneven,
        5,
    ),
    Case(
        "a13-weights-16-flows",
        around(fork(f"{{ weight = 3, hops = [{member(101)}] }}", f"{{ weight = 1, hops = [{member(102)}] }}")),
        both_of_sixteen_flows,
        20,
        probing={"flows": 16},
        share=0.95,
    ),
    Case(
        "a14-nat-one-port",
        network(router(1, "nat = { source_port = 40001 }"), router(2), eight(), router(3)),
        found(1, "none"),
        5,
    ),
    Case(
        "a14b-nat-one-port-quoted",
        network(router(1, "nat = { source_port = 40001, restore = [] }"), router(2), eight(), router(3)),
        all_of(one_port_said, nobody_named),
        5,
    ),
    Case(
        "a15-two-bad",
        around(fork(*(member(number, LOSS_30 if number in (105, 107) else ONE_PERCENT) for number in range(101, 109)))),
        named(BAD, "198.51.100.107"),
        150,
        share=0.9,
    ),
    Case(
        "a16-burst-before",
        around(eight(), before="loss = { burst = 0.002, recover = 0.05 }"),
        nobody_named,
        100,
        share=0.985,
    ),
    Case("a17-bursts-everywhere", around(eight(BURSTS, BURSTS)), nobody_named, 100, share=0.98),
    Case(
        "a18-meshed",
        network(
            router(1),
            fork(
                f"{member(1)}, {fork(MESHED_BAD, member(106))}",
                f"{member(2)}, {fork(MESHED, MESHED_TOO)}",
                f"{member(3)}, {fork(MESHED_AGAIN, member(108))}",
            ),
            router(3),
        ),
        one_way_named,
        150,
        share=0.9,
    ),
    Case(
        "a19-polarised",
        network(
            router(1),
            fork(member(1), member(2), keys="hash_seed = 7"),
            fork(member(101), member(102), keys="hash_seed = 7"),
            router(3),
        ),
        found(2),
        5,
        share=0.95,
    ),
    Case(
        "a20-dead-member",
        network(router(1), eight('loss = "100%"'), router(2), router(3)),
        all_of(dead_after_one, named(None), said("flows end after hop 1", where="discovery")),
        60,
        share=0.95,
    ),
    Case(
        "a21-slow-member",
        around(eight('delay = "40ms"')),
        all_of(slow(BAD), nobody_named, slow_said, THERE_OR_BACK),
        100,
        share=0.95,
    ),
    Case(
        "a22-answers-for-another",
        around(fork(member(101), member(101, 'loss = "40%"'), member(103), member(104))),
        hidden_link_said,
        400,
        probing={"flows": 16},
        share=0.85,
    ),
    Case(
        "a23-bad-before-per-packet",
        network(
            router(1),
            fork(*(member(number, LOSS_30 if number == 105 else "") for number in range(103, 107))),
            router(2),
            fork(member(1), member(2), keys='balance = "packet"'),
            router(3),
        ),
        all_of(named(BAD), says_only(BAD)),
        120,
        BAD,
        share=0.9,
    ),
    Case(
        "a24-members-limit-their-answers",
        around(fork(*(member(number, "rate_limit = { rate = 1, burst = 3 }") for number in range(101, 105)))),
        all_of(found(4), nobody_named, never("loss", "bad-member")),
        20,
        share=0.95,
    ),
    Case(
        "a24-all-limit-their-answers",
        network(
            router(1, SELDOM),
            fork(*(member(number, SELDOM) for number in range(101, 105))),
            router(3, SELDOM),
        ),
        all_of(nothing_made_up, nobody_named, never("loss", "bad-member")),
        20,
        share=0.95,
    ),
    Case(
        "a25-bad-behind-two-forks",
        network(
            router(1),
            fork(member(1), member(2)),
            fork(member(11), member(12)),
            fork(member(104), member(105, 'loss = "40%"')),
            router(3),
        ),
        all_of(named(BAD), says_only(BAD), combined),
        150,
        BAD,
        share=0.9,
    ),
    Case(
        "a26-bad-and-shorter",
        network(
            router(1),
            fork(member(105, LOSS_30), f"{member(102)}, {member(103)}", f"{member(106)}, {member(107)}"),
            router(3),
        ),
        all_of(named(BAD), says_only(BAD), lengths(4, 5)),
        150,
        BAD,
        share=0.9,
    ),
    Case(
        "a27-two-by-two",
        network(
            router(1),
            fork(member(1), member(2)),
            router(2),
            fork(member(104), member(105, 'loss = "20%"')),
            router(3),
        ),
        all_of(named(BAD), says_only(BAD)),
        140,
        BAD,
        share=0.95,
    ),
    Case(
        "a28-silent-target-bad40",
        silent(eight('loss = "40%"', ONE_PERCENT)),
        all_of(named(BAD), says_only(BAD), THERE_OR_BACK, said("stands in for it", where="verdict")),
        240,
        BAD,
        share=0.95,
    ),
    Case("a28-silent-target-bad20", silent(eight('loss = "20%"')), all_of(named(BAD), says_only(BAD)), 300, share=0.95),
    Case(
        "a28-silent-target-two-bad",
        silent(fork(*(member(number, LOSS_30 if number in (105, 107) else "") for number in range(101, 109)))),
        all_of(named(BAD, "198.51.100.107"), says_only(BAD, "198.51.100.107")),
        300,
        share=0.9,
    ),
    Case("a28-silent-target-dead", silent(eight('loss = "100%"')), all_of(says_dead, one_named), 160, share=0.95),
    Case("a28-silent-target-slow", silent(eight('delay = "40ms"')), all_of(slow(BAD), nobody_named, slow_said), 160),
    Case("a28-silent-target-good", silent(eight(ONE_PERCENT, ONE_PERCENT)), nobody_named, 200, share=0.985),
    Case(
        "a28-silent-target-lazy-member",
        silent(eight('reply_loss = "60%"')),
        all_of(nobody_named, never("loss", "bad-member")),
        120,
        share=0.98,
    ),
    Case(
        "a28-silent-target-one-router-behind",
        silent(eight('loss = "100%"'), 1),
        all_of(says_dead, one_named),
        400,
        share=0.95,
    ),
    Case(
        "a28-silent-target-other-lengths",
        network(
            router(1),
            fork(member(105, LOSS_30), f"{member(102)}, {member(103)}", f"{member(106)}, {member(107)}"),
            router(3),
            router(4),
            target='udp = "silent"',
        ),
        all_of(named(BAD), says_only(BAD)),
        200,
        BAD,
        share=0.9,
    ),
)
