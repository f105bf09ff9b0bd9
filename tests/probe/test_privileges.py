"""Giving privileges up: who the process becomes, and that it fails closed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hopscope.probe import privileges

root = pytest.mark.needs("root")  # to become somebody else


@root
def test_whether_a_user_can_read_a_file_is_really_tried(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    tmp_path.chmod(0o755)
    nobody = privileges.NOBODY
    assert not privileges.can_read(nobody, nobody, [str(secret)])
    assert not privileges.can_read(nobody, nobody, ["/nonexistent"])
    assert privileges.can_read(nobody, nobody, ["/etc/passwd"])
    assert os.geteuid() == 0


def given_up(needed: str, **environment: str) -> list[str]:
    """A process of root that gave up, asked who it is then."""
    program = (
        "import os, sys; from hopscope.probe import privileges\n"
        f"words = privileges.give_up([{needed!r}])\n"
        "status = privileges.status()\n"
        "print(os.getuid(), status['CapEff'], status['NoNewPrivs'], words)"
    )
    environment = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    return done.stdout.split(maxsplit=3)


@root
@pytest.mark.parametrize(
    ("needed", "sudo", "becomes"),
    [
        ("/etc/passwd", {}, privileges.NOBODY),
        ("/etc/shadow", {}, 0),
        ("/etc/passwd", {"SUDO_UID": "4321", "SUDO_GID": "4321"}, 4321),
        ("/etc/passwd", {"SUDO_UID": "0", "SUDO_GID": "0"}, privileges.NOBODY),
        ("/etc/passwd", {"SUDO_UID": "-1; id", "SUDO_GID": "x"}, privileges.NOBODY),
        ("/etc/shadow", {"SUDO_UID": "4321", "SUDO_GID": "4321"}, 0),
    ],
)
def test_root_becomes_who_can_read_the_program_and_keeps_no_capability_in_any_case(
    needed: str, sudo: dict[str, str], becomes: int
) -> None:
    user, capabilities, no_new, words = given_up(needed, **sudo)
    assert (int(user), capabilities, no_new) == (becomes, "0" * 16, "1")
    assert "given up" in words


def test_a_privilege_that_is_left_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    left = {"CapEff": "0000000000002000", "CapPrm": "0", "CapInh": "0", "CapAmb": "0", "CapBnd": "0", "NoNewPrivs": "1"}
    monkeypatch.setattr(privileges, "status", lambda: left)
    with pytest.raises(privileges.StillPrivileged, match="CapEff"):
        privileges._make_sure(was_root=True)
    monkeypatch.setattr(privileges, "status", lambda: {**left, "CapEff": "0", "NoNewPrivs": "0"})
    with pytest.raises(privileges.StillPrivileged, match="no_new_privs"):
        privileges._make_sure(was_root=True)
