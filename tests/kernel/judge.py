"""What every kernel channel is held to, over the chain and against the capture."""

from __future__ import annotations

import json
import statistics
import subprocess
from pathlib import Path
from typing import Any

import msgspec

from hopscope.wire.messages import Plan
from tests.lab import plain_user
from tests.lab.capture import NUMBERS, Capture, RoundTrip
from tests.lab.chain import Chain

DRIVE = Path(plain_user.__file__).with_name("drive.py")
ROUNDS = 6


class Run:
    """A channel's rounds over the chain, as it told them and as the wire saw them."""

    def __init__(self, chain: Chain, capture: Capture, user: str, method: str, plan: Plan) -> None:
        words = (plain_user.as_plain_user if user == "plain" else plain_user.as_root)(chain.client)
        words += ["-I", "-c", DRIVE.read_text(), method, msgspec.json.encode(plan).decode(), str(ROUNDS)]
        done = subprocess.run(
            [*words, str(chain.routers + 1)], cwd="/", capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        self.told: dict[str, Any] = json.loads(done.stdout)
        self.chain = chain
        self.family = plan.family
        self.ttls = chain.routers + 1
        self.trips: list[RoundTrip] = capture.round_trips(NUMBERS[plan.protocol, plan.family], plan.address)
        self.packets = [trip.probe for trip in self.trips]

    @property
    def heard(self) -> dict[tuple[int, int], dict[str, Any]]:
        """Answers by round and TTL."""
        return {(line["round"], line["ttl"]): line for line in self.told["heard"]}

    def trip(self, round_: int, ttl: int) -> RoundTrip:
        """The wire's view: probes leave in order."""
        return self.trips[round_ * self.ttls + ttl - 1]

    def each_hop_answers_as_itself(self, last: str) -> None:
        """Each probe one answer, from the right router by its time exceeded, and from the target by `last`."""
        assert len(self.told["heard"]) == len(self.heard) == ROUNDS * self.ttls == len(self.trips)
        assert self.told["tally"] == [0, 0, 0]
        for (_, ttl), line in self.heard.items():
            assert line["address"] == self.chain.hop(ttl, self.family)
            assert line["kind"] == ("time-exceeded" if ttl < self.ttls else last)
        for ttl in range(1, self.ttls):
            assert {trip.probe.ttl for trip in self.trips[ttl - 1 :: self.ttls]} == {ttl}

    def the_answers_ttl_is_told(self) -> None:
        """TTL of the answer's own header: one less for each router on the way back."""
        assert all(line["reply_ttl"] == 65 - line["ttl"] for line in self.told["heard"])

    def rtt_is_the_captures(self, within_ns: int, *, clock: str, ttls: range | None = None) -> None:
        """Each answer's RTT is the capture's, by the clock that is claimed. A single one may be off by a moment in
        which the machine did something else between the two stamps, their median never."""
        assert {self.heard[0, ttl]["clock"] for ttl in ttls or range(1, self.ttls + 1)} <= {clock, "program"}
        for ttl in ttls or range(1, self.ttls + 1):
            rounds = range(1, ROUNDS)
            assert {self.heard[number, ttl]["clock"] for number in rounds} == {clock}
            off = [abs(self.heard[number, ttl]["rtt_ns"] - self.trip(number, ttl).rtt_ns) for number in rounds]
            assert statistics.median(off) <= within_ns, off


def survey_as(chain: Chain, user: str, method: str) -> list[dict[str, Any]]:
    """What a channel's survey says to a user."""
    words = (plain_user.as_plain_user if user == "plain" else plain_user.as_root)(chain.client)
    program = (
        f"import msgspec, sys; from hopscope.probe.channels.{method.replace('-', '_')} import capabilities; "
        "sys.stdout.write(msgspec.json.encode(capabilities()).decode())"
    )
    done = subprocess.run([*words, "-I", "-c", program], cwd="/", capture_output=True, text=True, check=True)
    lines: list[dict[str, Any]] = json.loads(done.stdout)
    return lines
