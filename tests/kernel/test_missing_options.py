"""An option that only adds knowledge may be missing: probing goes on, says so, and `doctor` agrees."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import msgspec
import pytest

from hopscope.probe.sockets import extras
from hopscope.wire.messages import (
    Answered,
    Batching,
    Capabilities,
    CapabilitiesReport,
    Event,
    Family,
    Finished,
    Method,
    Plan,
    Protocol,
    Refused,
    Start,
    Started,
)
from tests.kernel.judge import DRIVE
from tests.lab import old_kernel, plain_user
from tests.lab.chain import Chain
from tests.lab.conversation import Conversation, User

pytestmark = pytest.mark.needs("cc")
FAMILIES = pytest.mark.parametrize("family", [4, 6])
WAYS: list[tuple[User, Method, Protocol]] = [
    ("plain", "ping-socket", "icmp"),
    ("plain", "udp-socket", "udp"),
    ("plain", "tcp-socket", "tcp"),
    ("root", "raw", "icmp"),
    ("root", "raw", "udp"),
    ("root", "raw", "tcp"),
]
NEEDED = ("IP_RECVERR", "IPV6_RECVERR", "SO_BINDTODEVICE")
EXTRAS = tuple(name for name in old_kernel.OPTIONS if name not in (*NEEDED, "SO_RCVBUF"))
"""SO_RCVBUF is one, too, but Scapy's own netlink sockets need it where the packets' templates are built."""
ROUNDS = 3


def driven(chain: Chain, user: User, plan: Plan, kernel: dict[str, str]) -> dict[str, Any]:
    """What a channel told of its rounds over the chain, on such a kernel."""
    *before, python = (plain_user.as_plain_user if user == "plain" else plain_user.as_root)(chain.client)
    words = [*before, "env", *(f"{name}={value}" for name, value in kernel.items()), python]
    words += ["-I", "-c", DRIVE.read_text(), plan.method, msgspec.json.encode(plan).decode(), str(ROUNDS)]
    done = subprocess.run(
        [*words, str(chain.routers + 1)],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def plan_of(chain: Chain, method: Method, protocol: Protocol, family: Family) -> Plan:
    port = {"icmp": None, "udp": 33434, "tcp": 80}[protocol]
    return Plan(chain.destination(family), family, protocol, method, port=port)


@FAMILIES
@pytest.mark.parametrize(("user", "method", "protocol"), WAYS)
@pytest.mark.parametrize("option", ["all", "SO_TIMESTAMPING"])
def test_each_hop_answers_where_every_option_that_only_adds_knowledge_is_missing(
    chain: Chain, user: User, method: Method, protocol: Protocol, family: Family, option: str
) -> None:
    lacks = EXTRAS if option == "all" else (option,)
    plan = plan_of(chain, method, protocol, family)
    told = driven(chain, user, plan, old_kernel.environment(lacks=lacks))
    for ttl in range(1, chain.routers + 2):
        lines = [line for line in told["heard"] if line["ttl"] == ttl]
        assert len(lines) == ROUNDS
        assert {line["address"] for line in lines} == {chain.hop(ttl, family)}
    if protocol != "tcp" or method == "raw":
        assert {line["clock"] for line in told["heard"]} == {"program"}
        assert extras.WORDS["stamps"] in told["facts"]["note"]
    assert told["facts"]["clock"] == "program"


@pytest.mark.parametrize("option", [name for name in EXTRAS if not name.startswith("IPV6")])
@pytest.mark.parametrize(("user", "method", "protocol"), WAYS[:4])
def test_no_single_extra_is_needed(chain: Chain, user: User, method: Method, protocol: Protocol, option: str) -> None:
    plan = plan_of(chain, method, protocol, 4)
    told = driven(chain, user, plan, old_kernel.environment(lacks=(option,)))
    assert len(told["heard"]) == ROUNDS * (chain.routers + 1)


class OldKernel(Conversation):
    """A worker on such a kernel."""

    def __init__(self, chain: Chain, user: User, monkeypatch: pytest.MonkeyPatch, **kernel: tuple[str, ...]) -> None:
        for name, value in old_kernel.environment(**kernel).items():
            monkeypatch.setenv(name, value)
        super().__init__(chain.client, user)
        for name in ("LD_PRELOAD", "HOPSCOPE_LACKS", "HOPSCOPE_FORBIDS", "HOPSCOPE_IGNORES"):
            monkeypatch.delenv(name)


def test_the_doctor_says_what_is_missing_and_promises_only_what_works(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OldKernel(chain, "plain", monkeypatch, lacks=("SO_TIMESTAMPING", "IPV6_RECVERR")) as worker:
        worker.say(Capabilities())
        report = worker.until(lambda event: isinstance(event, CapabilitiesReport))
        assert isinstance(report, CapabilitiesReport)
        states = {(state.method, state.family): state for state in report.states if state.remedy is None}
        for method in ("ping-socket", "udp-socket", "tcp-socket"):
            old, new = states[method, 4], states[method, 6]
            assert old.works
            assert method == "tcp-socket" or extras.WORDS["stamps"] in old.reason
            assert (new.works, new.reason) == (False, "this system lacks IPV6_RECVERR: Protocol not available")


@pytest.mark.parametrize("user", ["plain", "root"])
def test_the_true_reason_is_said_where_an_option_is_needed(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    with OldKernel(chain, user, monkeypatch, lacks=("IP_RECVERR",)) as worker:
        worker.say(Start(1, Plan(chain.destination(4), 4)))
        told = worker.until(lambda event: isinstance(event, Refused | Started))
        if user == "root":
            assert isinstance(told, Started)  # raw sockets need no error queue
            assert told.method == "raw"
        else:
            assert isinstance(told, Refused)
            assert "IP_RECVERR: Protocol not available" in told.message


@pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
@pytest.mark.parametrize(
    ("how", "reason", "words"),
    [
        ("forbids", "permission", "lets only root send by one interface"),
        ("lacks", "unsupported", "SO_BINDTODEVICE: Protocol not available"),
    ],
)
def test_an_interface_that_cannot_be_held_to_is_no_matter_of_the_group_range(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, protocol: Protocol, how: str, reason: str, words: str
) -> None:
    method: Method = {"icmp": "ping-socket", "udp": "udp-socket", "tcp": "tcp-socket"}[protocol]  # type: ignore[assignment]
    plan = msgspec.structs.replace(plan_of(chain, method, protocol, 4), interface="east")
    with OldKernel(chain, "plain", monkeypatch, **{how: ("SO_BINDTODEVICE",)}) as worker:
        worker.say(Start(1, plan))
        refused = worker.until(lambda event: isinstance(event, Refused | Started))
        assert isinstance(refused, Refused)
        assert refused.reason == reason
        assert words in refused.message
        assert "sysctl" not in (refused.remedy or "")


def test_a_kernel_that_takes_the_wish_for_stamps_and_gives_none_is_seen_through(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What may wait for its stamp would else be timed by the moment at which it was fetched.
    plan = Plan(chain.destination(4), 4, interval_ns=200_000_000, rounds=12)
    with OldKernel(chain, "plain", monkeypatch, ignores=("SO_TIMESTAMPING",)) as worker:
        worker.say(Batching(500_000_000), Start(1, plan))
        worker.until(lambda event: isinstance(event, Finished))
        started = [event for event in worker.events if isinstance(event, Started)]
        assert [event.clock for event in started] == ["kernel", "program"]
        assert started[-1].note is not None
        assert extras.WORDS["stamps"] in started[-1].note
        last: list[Event] = [event for event in worker.events if isinstance(event, Answered) and event.round == 10]
        assert last
        assert all(isinstance(event, Answered) and event.rtt_ns < 20_000_000 for event in last)
