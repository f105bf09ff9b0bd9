"""Giving privileges up: who the process becomes, whatever it held, and that it fails closed."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from hopscope.sandbox import capabilities, identity, privileges
from hopscope.sandbox.identity import NOBODY, User
from hopscope.sandbox.privileges import StillPrivileged
from tests.lab.plain_user import as_plain_user

root = pytest.mark.needs("root")  # to become somebody else

FACTS = (
    "import os, sys; from hopscope.sandbox import capabilities, privileges\n"
    "words = privileges.drop(privileges.intend([sys.argv[1]])).words\n"
    "left = capabilities.get()\n"
    "print(os.getuid(), left.is_empty, capabilities.no_new_privs(), len(capabilities.bounding_set()), words)"
)


class GivenUp:
    """What a process was after it gave up."""

    def __init__(self, line: str) -> None:
        uid, is_empty, no_new_privs, bounding, self.words = line.strip().split(maxsplit=4)
        self.uid = int(uid)
        self.is_harmless = (is_empty, no_new_privs) == ("True", "True")
        self.bounding = int(bounding)


def given_up(needed: str, *before: str, python: str = sys.executable, **environment: str) -> GivenUp:
    """A process of root, started behind the words `before`, that gave up and was asked who it is then."""
    environment = {"PATH": os.environ["PATH"], **environment}
    words = [*before, python, "-c", FACTS, needed]
    done = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
    return GivenUp(done.stdout)


@root
def test_whether_a_user_can_read_a_file_is_really_tried(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    tmp_path.chmod(0o755)
    nobody = User(NOBODY, NOBODY)
    assert not identity.can_read(nobody, [str(secret)])
    assert not identity.can_read(nobody, [str(tmp_path / "none")])
    assert identity.can_read(nobody, ["/etc/passwd"])
    assert os.geteuid() == 0


@root
@pytest.mark.parametrize(
    ("needed", "called", "becomes"),
    [
        ("/etc/passwd", {}, NOBODY),
        ("/etc/shadow", {}, 0),
        ("/etc/passwd", {"SUDO_UID": "4321", "SUDO_GID": "4321"}, 4321),
        ("/etc/passwd", {"SUDO_UID": "0", "SUDO_GID": "0"}, NOBODY),
        ("/etc/passwd", {"SUDO_UID": "-1; id", "SUDO_GID": "x"}, NOBODY),
        ("/etc/passwd", {"SUDO_UID": "4294967295", "SUDO_GID": "4294967295"}, NOBODY),
        ("/etc/passwd", {"SUDO_UID": "12345678901", "SUDO_GID": "1"}, NOBODY),
        ("/etc/shadow", {"SUDO_UID": "4321", "SUDO_GID": "4321"}, 0),
        ("/etc/passwd", {"PKEXEC_UID": "4321"}, 4321),
        ("/etc/passwd", {"DOAS_USER": "daemon"}, pwd.getpwnam("daemon").pw_uid),
        ("/etc/passwd", {"DOAS_USER": "root"}, NOBODY),
        ("/etc/passwd", {"DOAS_USER": "no such user"}, NOBODY),
    ],
)
def test_root_becomes_who_can_read_the_program_and_keeps_no_capability_in_any_case(
    needed: str, called: dict[str, str], becomes: int
) -> None:
    process = given_up(needed, **called)
    assert (process.uid, process.is_harmless, process.bounding) == (becomes, True, 0)
    assert "given up" in process.words


@root
def test_where_two_tools_name_two_callers_neither_is_believed() -> None:
    """doas may keep the caller's environment: ``SUDO_UID=1 doas hopscope`` must not be another user's process."""
    assert given_up("/etc/passwd", SUDO_UID="4321", SUDO_GID="4321", DOAS_USER="daemon").uid == NOBODY
    daemon = pwd.getpwnam("daemon")
    same = {"SUDO_UID": str(daemon.pw_uid), "SUDO_GID": str(daemon.pw_gid)}
    assert given_up("/etc/passwd", DOAS_USER="daemon", **same).uid == daemon.pw_uid


CAPABILITY_SETS: Mapping[str, str] = {
    "none": "-all",
    "net_raw": "-all,+net_raw",
    "net_raw and net_admin": "-all,+net_raw,+net_admin",
    "and setuid, setgid": "-all,+net_raw,+net_admin,+setuid,+setgid",
    "setuid without setgid": "-all,+net_raw,+setuid",
    "setgid without setuid": "-all,+net_raw,+setgid",
    "an engine's default": "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,"
    "+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap",
    "an engine's default less setpcap": "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+net_raw",
    "an engine's default less setuid": "-all,+chown,+dac_override,+fowner,+kill,+setgid,+setpcap,+net_raw",
    "chown alone": "-all,+chown",
    "dac_override alone": "-all,+dac_override",
    "setpcap alone": "-all,+setpcap",
    "all less setpcap": "-setpcap",
}


@root
@pytest.mark.parametrize("bounding", CAPABILITY_SETS.values(), ids=CAPABILITY_SETS.keys())
def test_whatever_the_bounding_set_leaves_root_is_given_up(bounding: str) -> None:
    process = given_up("/etc/passwd", "setpriv", f"--bounding-set={bounding}", "--inh-caps=-all")
    assert process.is_harmless
    if "setpcap" not in bounding or "-setpcap" in bounding:
        return  # then it stays, and no_new_privs keeps it from mattering
    assert process.bounding == 0


@root
def test_a_user_namespace_that_maps_root_alone_leaves_root_without_a_capability() -> None:
    process = given_up("/etc/passwd", "unshare", "--user", "--map-root-user")
    assert (process.uid, process.is_harmless, process.bounding) == (0, True, 0)


@root
def test_a_plain_user_with_an_ambient_capability_loses_it() -> None:
    capability = ("--inh-caps=+net_raw", "--ambient-caps=+net_raw")
    process = given_up(
        "/etc/passwd",
        "setpriv",
        "--reuid=4321",
        "--regid=4321",
        "--clear-groups",
        *capability,
        python=as_plain_user()[-1],
    )
    assert (process.uid, process.is_harmless) == (4321, True)


@root
def test_without_proc_everything_is_given_up_and_looked_at_all_the_same() -> None:
    """/proc/self/status is not what decides: the kernel's calls do."""
    words = 'mount -t tmpfs none /proc && exec "$@"'
    process = given_up("/etc/passwd", "unshare", "--mount", "sh", "-c", words, "sh")
    assert (process.uid, process.is_harmless, process.bounding) == (NOBODY, True, 0)


@pytest.mark.parametrize("name", capabilities.Sets.__slots__)
def test_a_capability_that_is_left_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    sets = {**dict.fromkeys(capabilities.Sets.__slots__, 0), name: 1 << capabilities.CAP_NET_RAW}
    monkeypatch.setattr(capabilities, "get", lambda: capabilities.Sets(**sets))
    with pytest.raises(StillPrivileged, match=name):
        capabilities.verify(bounding_emptied=True)


def test_what_cannot_be_looked_at_counts_as_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> capabilities.Sets:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(capabilities, "get", refuse)
    with pytest.raises(StillPrivileged, match="cannot be looked at"):
        capabilities.verify(bounding_emptied=False)
    assert privileges.any_held()


def test_a_bounding_set_or_new_privileges_that_are_left_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "get", lambda: capabilities.Sets(0, 0, 0))
    monkeypatch.setattr(capabilities, "no_new_privs", lambda: False)
    with pytest.raises(StillPrivileged, match="no_new_privs"):
        capabilities.verify(bounding_emptied=True)
    monkeypatch.setattr(capabilities, "no_new_privs", lambda: True)
    monkeypatch.setattr(capabilities, "bounding_set", lambda: {7})
    with pytest.raises(StillPrivileged, match="bounding"):
        capabilities.verify(bounding_emptied=True)
    capabilities.verify(bounding_emptied=False)


@root
def test_a_way_back_to_root_is_an_error() -> None:
    program = (
        "import os; from hopscope.sandbox import identity\n"
        "os.setresgid(4321, 4321, 4321); os.setresuid(4321, 4321, 0)\n"
        "try:\n    identity.verify(identity.User(4321, 4321))\n"
        "except identity.capabilities.StillPrivileged as problem:\n    print(problem)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert "(4321, 4321, 0)" in done.stdout


@root
def test_root_that_passes_for_another_user_for_a_while_is_nobodys_caller_and_goes_on_as_nothing() -> None:
    code = "import os, sys; os.setresuid(0, 12345, 0); os.execv(sys.argv[1], sys.argv[1:])"
    environment = {"PATH": os.environ["PATH"], "SUDO_UID": "12345", "SUDO_GID": "12345"}
    words = [*as_plain_user()[-1:], "-c", code, *as_plain_user()[-1:], "-c", FACTS, os.__file__]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "user and group are (0, 12345, 12345)" in done.stderr
