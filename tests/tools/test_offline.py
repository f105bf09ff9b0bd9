"""The tests run where no packet can leave the machine: nothing but loopback, and on it all that a test needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.plain_user import as_plain_user

OFFLINE = Path(__file__).resolve().parents[2] / "tools" / "offline.py"
PROGRAM = """
import errno, os, socket, sys

assert [name for _, name in socket.if_nameindex()] == ["lo"], "no packet is sent where there is more"
for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(family, kind) as sock:
            assert sock.connect_ex((address, 80)) == errno.ENETUNREACH, (family, kind)
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    with socket.create_server((address, 0), family=family) as server:
        socket.create_connection(server.getsockname()[:2], 5).close()
for family, protocol in ((socket.AF_INET, socket.IPPROTO_ICMP), (socket.AF_INET6, socket.IPPROTO_ICMPV6)):
    socket.socket(family, socket.SOCK_DGRAM, protocol).close()
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(os.getuid(), os.getgid(), "some" if int(status["CapEff"], 16) else "none", *sys.argv[1:])
"""


def offline(before: list[str], python: str, folder: Path) -> list[str]:
    """What the program says of itself, isolated by a copy that everybody may read."""
    copy = folder / "offline.py"
    shutil.copyfile(OFFLINE, copy)
    command = [*before, python, str(copy), python, "-c", PROGRAM, "-x", "two words"]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """A folder that everybody may enter."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != folder.parent:
            folder.chmod(0o755)
        if folder.name.startswith("pytest-of"):
            break
    return tmp_path


@pytest.mark.needs("isolation")
def test_nothing_leaves_and_loopback_does_all(tmp_path: Path) -> None:
    rights = "some" if os.geteuid() == 0 else "none"
    said = offline([], sys.executable, tmp_path)
    assert said == [str(os.getuid()), str(os.getgid()), rights, "-x", "two", "words"]


@pytest.mark.needs("root", "isolation")
def test_a_plain_user_stays_one(public: Path) -> None:
    *drop, python = as_plain_user()
    drop = [word for word in drop if not word.startswith("--bounding-set")]
    assert offline(drop, python, public) == ["65534", "65534", "none", "-x", "two", "words"]


@pytest.mark.needs("isolation")
def test_where_it_is_not_allowed_one_line_says_so_and_the_command_runs() -> None:
    """In a user namespace that may hold no network namespace (user_namespaces(7), namespaces(7))."""
    inside = 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"'
    command = [sys.executable, str(OFFLINE), sys.executable, "-c", "print('it ran')"]
    words = ["unshare", "--user", "--map-root-user", "sh", "-c", inside, "sh", *command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "it ran\n")
    assert done.stderr.startswith("This machine allows no network namespace (")
    assert done.stderr.count("\n") == 1


def test_a_command_that_is_not_there_is_said() -> None:
    command = [sys.executable, str(OFFLINE), "/nonexistent/command"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 127
    assert done.stderr.endswith("offline.py: /nonexistent/command: No such file or directory\n")
