"""The cases: each file ``scenarios/NAME.toml`` is one, with what a run needs and what it must show beside the truth in
``NAME.expect.toml`` (all of it optional, see `Case`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from hopscope.sim import load
from hopscope.sim.language import Scenario
from hopscope.sim.values import Duration, read_value
from hopscope.wire.messages import Family, Kind, Method, Plan, Protocol

FOLDER = Path(__file__).parent / "scenarios"
_SUFFIX = ".expect.toml"


class HopRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one hop must show, in the run of the case's first protocol and family: numbers that a
    person wrote down."""

    ttl: int
    received: int | None = None
    lost: int | None = None
    late: int | None = None
    nodes: tuple[str, ...] | None = None
    rtt_ms: float | None = None
    kind: Kind | None = None
    type: int | None = None
    code: int | None = None
    reply_ttl: int | None = None


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a scenario is probed, and what is expected of it."""

    rounds: int = 10
    interval: Duration = Duration(100_000_000)
    timeout: Duration = Duration(500_000_000)
    protocols: tuple[Protocol, ...] = ("icmp", "udp", "tcp")
    families: tuple[Family, ...] = (4, 6)
    packet_size: int = 64
    tos: int = 0
    max_ttl: int = 30
    max_unknown: int = 4
    kernel: tuple[Method, ...] = ("ping-socket", "udp-socket", "tcp-socket", "raw")
    """By which methods it is run in the kernel."""
    scapy: bool = False
    """By Scapy's sockets, too."""
    length: int | Literal["whole", "open", "any"] = "whole"
    """The path's length: ``whole`` is that of the file; ``open``: nothing ends it; ``any``: it depends."""
    reached: bool | Literal["any"] = True
    lossless: tuple[int, ...] = ()
    """TTLs at which nothing is lost, whoever asks."""
    lossy: tuple[int, ...] = ()
    """TTLs at which something is lost."""
    deaf: tuple[int, ...] = ()
    """TTLs whose answers name no probe: they are lost, whatever the network says."""
    one_node: tuple[int, ...] = ()
    """TTLs that show one address only, as long as the flow is one."""
    foreign: bool = False
    """Answers to nobody are counted, and nothing malformed is."""
    kernel_foreign: bool = True
    malformed: bool = False
    """Broken packets are counted."""
    port_a_probe: bool = False
    """The method udp-socket falls back to a port for each probe, and sends again what was in flight."""
    hops: tuple[HopRow, ...] = ()

    def plan(self, address: str, protocol: Protocol) -> Plan:
        """How one target is probed."""
        return Plan(
            address,
            6 if ":" in address else 4,
            protocol,
            interval_ns=self.interval,
            timeout_ns=self.timeout,
            packet_size=self.packet_size,
            tos=self.tos,
            max_ttl=self.max_ttl,
            max_unknown=self.max_unknown,
            rounds=self.rounds,
        )


NAMES = sorted(file.stem for file in FOLDER.glob("*.toml") if not file.name.endswith(_SUFFIX))
"""The names of all cases."""


def file_of(name: str) -> str:
    """The scenario's file."""
    return str(FOLDER / f"{name}.toml")


@cache
def scenario_of(name: str) -> Scenario:
    """The scenario, read."""
    return load(file_of(name))


@cache
def case_of(name: str) -> Case:
    """What is expected of it."""
    file = FOLDER / f"{name}{_SUFFIX}"
    if not file.exists():
        return Case()
    return msgspec.toml.decode(file.read_bytes(), type=Case, dec_hook=read_value)


def addresses(scenario: Scenario, family: Family) -> list[str]:
    """The targets' addresses of one family."""
    return [str(target.at.family(family)[0]) for target in scenario.targets]
