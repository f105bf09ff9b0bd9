"""What tests need of the machine beyond what pip installs, and the one place that decides what happens where it lacks.

A test says what it needs by a mark, ``@pytest.mark.needs("tmux")``, a file by ``pytestmark``. What the machine lacks
skips the test, with a reason that names Debian's package. The labs that use a tool say so too (`uses`), so that a test
which forgot its mark fails wherever it runs, and not only where the tool lacks.

``HOPSCOPE_SKIPS=FILE`` makes a run strict: what it skips must be exactly what FILE names (``/dev/null``: nothing).
``BARE_SKIPS`` is that file for a plain user of a bare Debian; ``python -m tests.needs`` writes it anew.
"""

from __future__ import annotations

import functools
import os
import shutil
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

PACKAGES: Mapping[str, str] = {
    "cc": "build-essential",
    "chromium": "chromium",
    "dnsmasq": "dnsmasq-base",
    "fish": "fish",
    "git": "git",
    "ip": "iproute2",
    "knotd": "knot",
    "man": "man-db",
    "mtr": "mtr-tiny",
    "pdftoppm": "poppler-utils",
    "pdftotext": "poppler-utils",
    "nft": "nftables",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "ps": "procps",
    "sudo": "sudo",
    "tmux": "tmux",
    "zsh": "zsh",
}
"""Tools that a bare Debian lacks, and the package that brings each. What is essential there needs no mark."""

_ROOT = "root"
_NAMESPACES = "network namespaces"
_ISOLATION = "network namespaces for this user"
_PING = "ping sockets (sysctl net.ipv4.ping_group_range)"
_TUN = "/dev/net/tun"
_LANDLOCK = "a kernel with Landlock"
_SECCOMP = "x86-64 or AArch64 with the GNU C library, for a seccomp filter"
ALL: Mapping[str, tuple[str, ...]] = {
    **{tool: (tool,) for tool in PACKAGES},
    "root": (_ROOT,),
    "isolation": (_ISOLATION,),
    "ping": (_PING,),
    "landlock": (_LANDLOCK,),
    "seccomp": (_SECCOMP,),
    "namespaces": (_ROOT, "ip", _NAMESPACES),
    "tun": (_ROOT, "ip", _NAMESPACES, _TUN),
}
"""Each word of the mark, and what it stands for: ``isolation`` is what `tools.offline` needs, ``ping`` ICMP for whoever
runs the tests, ``landlock`` and ``seccomp`` what `hopscope.sandbox` does, ``namespaces`` what `tests.lab.netns` needs,
``tun`` what `tests.lab.tun` does."""
_BARE_HAS = {_PING, _ISOLATION, _LANDLOCK, _SECCOMP}
"""What a bare system has all the same; tools/check.py opens ping sockets."""

TESTS = str(Path(__file__).parent)
BARE_SKIPS = Path(__file__).with_name("bare-skips.txt")
_HEAD = """\
# The tests that a plain user of a bare Debian skips: README's second command with python3-venv and nothing else.
# Written by `python -m tests.needs`; a test holds it up to date, and CI's bare run skips these and no others.
"""

_declared: set[str] | None = None
"""What the test that runs has declared; None outside of a test, as in a benchmark."""


def needs_of(item: pytest.Item) -> list[str]:
    """What a test's marks stand for, each once. `pytest.UsageError` where a mark has an unknown word."""
    words = [word for mark in item.iter_markers("needs") for word in mark.args]
    if unknown := [word for word in words if word not in ALL]:
        raise pytest.UsageError(f"{item.nodeid} needs {unknown[0]!r}, which tests/needs.py does not know")
    return list(dict.fromkeys(need for word in words for need in ALL[word]))


def why_skip(needs: Iterable[str]) -> str | None:
    """What of these this machine lacks, in words; None where it has all."""
    lacking = []
    for need in needs:
        if not _has(need):
            lacking.append(f"{need} (apt install {PACKAGES[need]})" if need in PACKAGES else need)
            if need == _ROOT:
                break  # without root the rest would be of no use
    return f"needs {' and '.join(lacking)}" if lacking else None


@functools.cache
def _has(need: str) -> bool:
    if need == _ROOT:
        return os.geteuid() == 0
    if need == _NAMESPACES:
        from tests.lab import netns

        return shutil.which("ip") is None or netns.why_not() is None  # without ip that is what is said
    if need == _TUN:
        return Path(_TUN).exists()
    if need == _ISOLATION:
        from tools import offline

        return offline.why_not() is None
    if need == _LANDLOCK:
        from hopscope.sandbox import landlock

        return landlock.abi() > 0
    if need == _SECCOMP:
        from hopscope.sandbox import seccomp

        return seccomp.architecture() is not None
    if need == _PING:
        return os.geteuid() == 0 or _opens_ping_socket()
    return shutil.which(need) is not None


def _opens_ping_socket() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


def declare(needs: Iterable[str] | None) -> None:
    """From now on a test runs that declared these needs; None: none runs."""
    global _declared
    _declared = None if needs is None else set(needs)


def uses(word: str) -> None:
    """A lab's word that it uses one of `ALL`. `AssertionError` where the test that runs has not declared it."""
    if _declared is not None:
        assert _declared.issuperset(ALL[word]), f'this test uses {word}: mark it with pytest.mark.needs("{word}")'


def function_of(node: str) -> str:
    """A test's function, from its node id."""
    return node.partition("[")[0]


def folded(skipped: set[str], all_tests: set[str]) -> list[str]:
    """Skipped tests by node id, sorted; where each case of a function is skipped, the function stands for them."""
    run = {function_of(node) for node in all_tests - skipped}
    return sorted({node if function_of(node) in run else function_of(node) for node in skipped})


def named(path: Path) -> set[str]:
    """What a file names as skipped: a line each, comments left out."""
    return {line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}


class _Collected:
    """A pytest plugin that keeps what was collected."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items


def bare_skips() -> str:
    """`BARE_SKIPS` as it should be, from the marks of all tests."""
    collected = _Collected()
    status = pytest.main(
        ["--collect-only", "-o", "addopts=--strict-markers", "-p", "no:terminal", "-p", "no:cacheprovider", TESTS],
        plugins=[collected],
    )
    if status:
        raise SystemExit(int(status))
    skipped = {item.nodeid for item in collected.items if set(needs_of(item)) - _BARE_HAS}
    return _HEAD + "".join(f"{line}\n" for line in folded(skipped, {item.nodeid for item in collected.items}))


if __name__ == "__main__":
    if sys.argv[1:] == ["--show"]:
        print(bare_skips(), end="")
    else:
        BARE_SKIPS.write_text(bare_skips(), encoding="utf-8")
