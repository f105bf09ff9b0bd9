"""A machine whose only name server says nothing: a mount and a network namespace of their own, a real socket on port 53
that nobody reads, and the system's resolver told to ask there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.needs import uses

_TOP = Path(__file__).resolve().parent.parent.parent
_RESOLV = "nameserver 127.0.0.1\n"
_NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"
_ENTER = """
mount --make-rprivate / && mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/nsswitch.conf &&
ip link set lo up && shift 2 && exec "$@"
"""
_SILENT = """
import json, socket, time
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))
silent.setblocking(False)
"""


REPORT = """
from tests.cli.command import run
took = []
for names in (["-n"], []):
    began = time.monotonic()
    done = run("-u", "-r", "-c", "1", "-Z", "500ms", *names, "127.0.0.77")
    took.append(time.monotonic() - began)
    assert done.returncode == 0 and "127.0.0.77" in done.stdout, done
assert silent.recv(512), "it was asked"
print(json.dumps(took))
"""
"""Seconds that a report takes without names and with them."""
SCREEN = """
from tests.screen.terminal import Terminal
took = []
for names in (["-n"], []):
    began = time.monotonic()
    with Terminal("-u", *names, "127.0.0.77") as terminal:
        at = terminal.read(b"Fine")  # the first answers are told of, and the name looked up from then on
        terminal.type("p")
        at = terminal.read(b"no probes are sent", at)
        terminal.type("p")
        terminal.read(b"probing goes on", at)
        took.append(time.monotonic() - began)
        if not names:
            assert silent.recv(512), "it was asked"
        terminal.type("q")
        assert terminal.wait() == 0
print(json.dumps(took))
"""
"""Seconds until the screen showed an answer and heard two keys, without names and with them."""


NAMED = """
from tests.screen.terminal import Terminal
took = []
for target in ("127.0.0.77", "nosuch.example"):
    began = time.monotonic()
    with Terminal("-u", "-n", target) as terminal:
        terminal.read(target.encode())
        took.append(time.monotonic() - began)
        began = time.monotonic()
        terminal.type("q")
        terminal.wait()
        took.append(time.monotonic() - began)
assert silent.recv(512), "it was asked"
print(json.dumps(took))
"""
"""Seconds until the screen's first frame, and until it has ended: for an address, and for a name."""

SIGNALLED = """
import os, signal, subprocess, sys, tempfile
with tempfile.TemporaryDirectory() as folder:
    mtr = os.path.join(folder, "mtr")
    with open(mtr, "w") as file:
        file.write(f"#!{sys.executable}\\nfrom hopscope.__main__ import main\\nimport sys\\nsys.exit(main())\\n")
    os.chmod(mtr, 0o755)
    hopscope = [sys.executable, "-m", "hopscope"]
    store = ["--store", os.path.join(folder, "store")]
    took = []
    for command, number in (
        ([*hopscope, "fleet", "hub", "--connect", "nats://nosuch.example", *store], signal.SIGTERM),
        ([*hopscope, "-r", "-c", "1", "nosuch.example"], signal.SIGINT),
        ([mtr, "-r", "-c", "1", "nosuch.example"], signal.SIGINT),
    ):
        while True:
            try:
                silent.recv(512)
            except BlockingIOError:
                break
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        silent.setblocking(True)
        assert silent.recv(512), "it was asked"
        silent.setblocking(False)
        began = time.monotonic()
        process.send_signal(number)
        process.wait()
        took.append(time.monotonic() - began)
print(json.dumps(took))
"""
"""Seconds from a signal to the end of a hub, a report and a report as mtr's, while a name is looked up."""
TWO_TARGETS = """
from tests.cli.command import run
took = []
for more in ([], ["nosuch.example"]):
    began = time.monotonic()
    done = run("-u", "-n", "-r", "-c", "2", "-i", "0.3", "-Z", "500ms", "127.0.0.77", *more)
    took.append(time.monotonic() - began)
    assert "127.0.0.77" in done.stdout, done
    assert done.returncode == (2 if more else 0) and ("does not answer" in done.stderr) == bool(more), done
assert silent.recv(512), "it was asked"
print(json.dumps(took))
"""
"""Seconds that a report of an address takes alone and beside a name."""


def run(code: str) -> Any:
    """Run Python `code` there, in the project's folder; what it prints, read as JSON. Before it ``silent`` is the name
    server's socket, and `json`, `socket` and `time` are imported."""
    uses("namespaces")
    with tempfile.TemporaryDirectory(prefix="hopscope-dns-") as folder:
        files = []
        for name, text in (("resolv.conf", _RESOLV), ("nsswitch.conf", _NSSWITCH)):
            file = Path(folder) / name
            file.write_text(text)
            file.chmod(0o644)
            files.append(str(file))
        done = subprocess.run(
            ["unshare", "--mount", "--net", "sh", "-c", _ENTER, "sh", *files, sys.executable, "-c", _SILENT + code],
            cwd=_TOP,
            env={**os.environ, "HOPSCOPE_OPTIONS": "", "XDG_CONFIG_HOME": "/dev/null"},
            capture_output=True,
            text=True,
            timeout=100,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
