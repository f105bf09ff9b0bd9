"""A scenario behind a real kernel interface: ``with TunLab("tour") as lab`` gives a namespace (``lab.name``) in which
every socket, as root or as `nobody`, meets the simulated network by a TUN device. A `Capture` on `DEVICE` there judges
the RTTs.

Only packets of that namespace reach the device, and nothing leaves it but by the device.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from hopscope.sim.network import PacketTruth
from tests.lab import netns
from tests.needs import uses

DEVICE = "sim0"
SOURCE4 = "10.99.0.2"
SOURCE6 = "fd99::2"
FURTHER4 = ("10.99.0.3", "10.99.0.4")
FURTHER6 = ("fd99::3", "fd99::4")
"""More addresses of the client, so that its programs can be told apart."""

_SETTINGS = {
    "ipv4.ping_group_range": "0 2147483647",
    "ipv4.conf.all.rp_filter": "0",
    "ipv4.conf.default.rp_filter": "0",
    "ipv6.conf.all.accept_dad": "0",
    "ipv6.conf.default.accept_dad": "0",
    "ipv6.conf.default.accept_ra": "0",
    "ipv6.conf.default.router_solicitations": "0",
}


class TunLab:
    """The namespace and its far side, as a context manager."""

    def __init__(self, scenario: str | Path, seed: int | None = None) -> None:
        self.name = netns.new_name("tun")
        self._scenario = str(scenario)
        self._seed = seed
        self._folder = tempfile.TemporaryDirectory(prefix="hopscope-tun-")
        self._truth = Path(self._folder.name) / "truth"
        self._far: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _build(self) -> None:
        uses("tun")
        netns.add(self.name)
        netns.sysctl(self.name, _SETTINGS)
        program = Path(__file__).with_name("tun_far.py")
        words = [sys.executable, str(program), self._scenario, DEVICE, str(self._truth)]
        if self._seed is not None:
            words.append(str(self._seed))
        with netns.entered(self.name):
            self._far = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._hear("made")
        netns.ip(
            [
                *(f"address add {place}/32 dev {DEVICE}" for place in (SOURCE4, *FURTHER4)),
                *(f"address add {place}/128 dev {DEVICE} nodad" for place in (SOURCE6, *FURTHER6)),
                f"link set {DEVICE} up mtu 1500 txqueuelen 10000",
                f"route add 0.0.0.0/0 dev {DEVICE} src {SOURCE4}",
                f"route add ::/0 dev {DEVICE} src {SOURCE6}",
            ],
            self.name,
        )
        netns.until_local(self.name, [SOURCE6, *FURTHER6])
        assert self._far.stdin is not None
        self._far.stdin.write("go\n")
        self._hear("ready")

    def _hear(self, word: str) -> None:
        assert self._far is not None
        assert self._far.stdout is not None
        said = self._far.stdout.readline().strip()
        if said != word:
            raise RuntimeError(f"the far side said {said!r} where {word!r} was due")

    def truth(self) -> list[PacketTruth]:
        """End the network, and what it did with each packet. Times are the machine's monotonic clock, ns."""
        self._end()
        lines = self._truth.read_text(encoding="ascii").splitlines()
        return [msgspec.json.decode(line, type=PacketTruth) for line in lines]

    def _end(self) -> None:
        if self._far is not None and self._far.poll() is None:
            assert self._far.stdin is not None
            self._far.stdin.close()
            self._far.wait(timeout=20)

    def close(self) -> None:
        """Take everything down. Idempotent."""
        if self._far is not None:
            self._end()
            if self._far.stdout is not None:
                self._far.stdout.close()
        netns.remove([self.name])
        self._folder.cleanup()
