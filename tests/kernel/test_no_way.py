"""What this machine's routing says is no question of privileges: the words say what it is, and no remedy is offered
that cannot help."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.lab import netns
from tests.lab.plain_user import as_plain_user, as_root

pytestmark = pytest.mark.usefixtures("lab_allowed")
NOT_ALLOWED = 3


@pytest.fixture(scope="module")
def lonely(lab_allowed: None) -> Iterator[str]:
    """A namespace with one interface, whose MTU is small, and routes of every kind."""
    name = netns.new_name("noway")
    netns.add(name)
    try:
        netns.sysctl(name, {"ipv4.ping_group_range": "0 2147483647", "ipv6.conf.default.accept_dad": "0"})
        netns.ip(
            [
                "link add up0 mtu 1400 type veth peer name nobody",
                "link set lo mtu 1280",
                "address add 10.1.0.2/24 dev up0",
                "address add fd00:1::2/64 dev up0 nodad",
                "link set up0 up",
                "link set nobody up",
                "route add prohibit 203.0.113.2",
                "route add blackhole 203.0.113.3",
                "route add unreachable 203.0.113.4",
                "route add prohibit 2001:db8::2",
                "route add blackhole 2001:db8::3",
            ],
            name,
        )
        yield name
    finally:
        netns.remove([name])


def hopscope(name: str, *words: str, plain: bool = True) -> subprocess.CompletedProcess[str]:
    command = (as_plain_user if plain else as_root)(name)
    words = ("-I", "-m", "hopscope", "-n", "-r", "-c", "1", "-Z", "0.3", "-i", "0.1", *words)
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/dev/null", "LANG": "C.UTF-8"}
    return subprocess.run([*command, *words], cwd="/", env=environment, check=False, capture_output=True, text=True)


WITHOUT_WAY = pytest.mark.parametrize(
    ("target", "said"),
    [
        ("203.0.113.2", "prohibit"),
        ("203.0.113.3", "blackhole"),
        ("203.0.113.4", "no route to 203.0.113.4"),
        ("203.0.113.5", "no route to 203.0.113.5"),
        ("2001:db8::2", "prohibit"),
        ("2001:db8::3", "blackhole"),
        ("10.1.0.255", "broadcast"),
        ("fe80::1", "fe80::1%"),
    ],
)


@WITHOUT_WAY
def test_whole_packets_without_a_way_are_refused_in_the_same_words(lonely: str, target: str, said: str) -> None:
    done = hopscope(lonely, "--method", "raw", target, plain=False)
    assert (done.returncode, done.stdout) == (NOT_ALLOWED, "")
    assert said in done.stderr
    assert not any(word in done.stderr for word in ("sysctl", "sudo", "allow", "ermission", "rivilege"))


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("protocol", [[], ["-u"], ["-T"]])
@WITHOUT_WAY
def test_a_target_without_a_way_is_said_for_what_it_is(
    lonely: str, target: str, said: str, protocol: list[str], plain: bool
) -> None:
    done = hopscope(lonely, *protocol, target, plain=plain)
    assert (done.returncode, done.stdout) == (NOT_ALLOWED, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not any(word in done.stderr for word in ("sysctl", "sudo", "allow", "ermission", "rivilege"))


def test_a_packet_that_does_not_fit_is_said_once_and_not_called_loss(lonely: str) -> None:
    done = hopscope(lonely, "--method", "raw", "-s", "1500", "127.0.0.1", plain=False)
    (line,) = done.stderr.splitlines()
    assert done.returncode == NOT_ALLOWED
    assert "1500 bytes" in line
    assert "1280" in line
    assert "ping-socket" in line


@pytest.mark.parametrize("protocol", [[], ["-u"]])
@pytest.mark.parametrize("target", ["127.0.0.1", "::1"])
def test_root_is_not_worse_off_with_a_large_packet_than_a_plain_user(
    lonely: str, protocol: list[str], target: str
) -> None:
    for plain in (True, False):
        done = hopscope(lonely, *protocol, "-s", "1500", target, plain=plain)
        assert (done.returncode, done.stderr) == (0, "")
        assert target in done.stdout
