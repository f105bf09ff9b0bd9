"""Landlock on this kernel: what a process can still do with files once it has taken the rest away."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hopscope.sandbox import landlock, reading

pytestmark = pytest.mark.needs("landlock")

BEGIN = (
    "import os, subprocess, sys\n"
    "from hopscope.sandbox import capabilities, landlock, reading\n"
    "capabilities.drop_all()\n"
    "def tried(what):\n"
    "    try: what(); return 'done'\n"
    "    except OSError as problem: return problem.strerror\n"
)


def confined(program: str, *arguments: str) -> list[str]:
    """The lines that a program printed which confines itself."""
    words = [sys.executable, "-c", BEGIN + program, *arguments]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()


REFUSED = os.strerror(errno.EACCES)


def test_without_a_rule_nothing_is_written_made_removed_or_executed_and_all_is_read(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("old")
    said = confined(
        "print(landlock.restrict(landlock.WRITING | landlock.EXECUTE, scoped=True))\n"
        "old, new = sys.argv[1] + '/old', sys.argv[1] + '/new'\n"
        "for what in (lambda: open(old, 'w'), lambda: open(new, 'w'), lambda: os.truncate(old, 0),\n"
        "             lambda: os.unlink(old), lambda: os.rename(old, new), lambda: os.mkdir(new),\n"
        "             lambda: os.mkfifo(new), lambda: os.symlink(old, new), lambda: os.link(old, new),\n"
        "             lambda: subprocess.run(['/bin/true'])):\n"
        "    print(tried(what))\n"
        "print(open(old).read())",
        str(tmp_path),
    )
    assert said == ["True", *[REFUSED] * 10, "old"]
    assert os.listdir(tmp_path) == ["old"]


def test_a_rule_gives_a_folder_back_and_what_is_open_stays_open(tmp_path: Path) -> None:
    for name in ("mine", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").write_text("old")
    said = confined(
        "folder = sys.argv[1]\n"
        "kept = open(folder + '/other/old', 'r+')\n"
        "rule = landlock.Rule(folder + '/mine', landlock.READING | landlock.WRITING)\n"
        "gone = landlock.Rule(folder + '/never', landlock.READING)\n"
        "landlock.restrict(landlock.READING | landlock.WRITING, [rule, gone, *reading.of_program(execute=False)])\n"
        "print(tried(lambda: open(folder + '/mine/new', 'w').write('x')),\n"
        "      tried(lambda: os.rename(folder + '/mine/new', folder + '/mine/old')))\n"
        "print(tried(lambda: open(folder + '/other/old')), tried(lambda: open('/etc/shadow')))\n"
        "print(kept.read(), kept.write('er'))",
        str(tmp_path),
    )
    assert said == ["done done", f"{REFUSED} {REFUSED}", "old 2"]


def test_a_program_goes_on_importing_and_looking_names_up_within_what_it_needs() -> None:
    said = confined(
        "landlock.restrict(landlock.READING | landlock.WRITING | landlock.EXECUTE, reading.of_program(execute=True))\n"
        "import socket, textual.app, zoneinfo, datetime\n"
        "print(socket.getaddrinfo('localhost', None)[0][4][0] in ('127.0.0.1', '::1'))\n"
        "print(subprocess.run([sys.executable, '-c', 'import json'], stdin=subprocess.DEVNULL).returncode)"
    )
    assert said == ["True", "0"]


@pytest.mark.needs("root")
def test_no_rule_for_a_program_leads_to_roots_secrets() -> None:
    rules = reading.of_program(execute=True)
    secret = {"/etc", "/", "/root", "/home", "/etc/shadow", "/var"}
    assert not [rule for rule in rules if os.path.realpath(rule.path) in secret]


@pytest.mark.needs("root")
def test_the_current_folder_is_no_part_of_a_program_that_is_started_by_python_m(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert str(tmp_path) not in {rule.path for rule in reading.of_program(execute=False)}


@pytest.mark.parametrize("missing", [errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_kernel_without_it_says_so(monkeypatch: pytest.MonkeyPatch, missing: int) -> None:
    def refuse(number: int, *arguments: object) -> int:
        ctypes.set_errno(missing)
        return -1

    monkeypatch.setattr(landlock, "_syscall", refuse)
    assert landlock.abi() == 0
    assert landlock.restrict(landlock.WRITING) is False


def test_a_filter_that_refuses_rules_leaves_no_process_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def refuse(number: int, *arguments: object) -> int:
        asked.append(number)
        if number == 444:
            return 3 if arguments[0] is None else os.open(os.devnull, os.O_RDONLY)
        ctypes.set_errno(errno.EPERM)
        return -1

    monkeypatch.setattr(landlock, "_syscall", refuse)
    with pytest.raises(PermissionError):
        landlock.restrict(landlock.READING, [landlock.Rule("/none", landlock.READ_FILE), landlock.Rule("/usr", 12)])
    assert asked == [444, 444, 445]


@pytest.mark.parametrize(
    ("version", "size", "absent"),
    [(1, 8, landlock.TRUNCATE), (3, 8, landlock.IOCTL_DEV), (4, 16, landlock.IOCTL_DEV), (6, 24, 0)],
)
def test_an_older_kernel_is_asked_for_what_it_knows_alone(
    monkeypatch: pytest.MonkeyPatch, version: int, size: int, absent: int
) -> None:
    asked: list[tuple[int, int]] = []

    def answer(number: int, *arguments: object) -> int:
        if number == 444 and arguments[0] is None:
            return version
        if number == 444:
            wanted = ctypes.cast(arguments[0], ctypes.POINTER(ctypes.c_uint64))  # type: ignore[arg-type]
            asked.append((wanted[0], arguments[1].value))  # type: ignore[attr-defined]
            return os.open(os.devnull, os.O_RDONLY)
        return 0

    monkeypatch.setattr(landlock, "_syscall", answer)
    assert landlock.restrict(landlock.WRITING | landlock.EXECUTE, scoped=True)
    ((rights, length),) = asked
    assert (length, rights & absent) == (size, 0)
    assert rights & landlock.WRITE_FILE
