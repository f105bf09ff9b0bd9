"""Who makes the files that are named on the screen of root's confined front end: reports, and nothing that matters."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hopscope.cli.scribe import Scribe, may_hold_reports
from hopscope.views.report.formats import BY_SUFFIX

SUFFIXES = (*BY_SUFFIX, "svg")


@pytest.fixture
def scribe() -> Iterator[Scribe]:
    scribe = Scribe(SUFFIXES)
    yield scribe
    scribe.close()


def test_a_new_file_with_a_reports_ending_is_made_and_its_descriptor_handed_over(
    scribe: Scribe, tmp_path: Path
) -> None:
    for suffix in SUFFIXES:
        path = tmp_path / f"report.{suffix}"
        with open(scribe.create(str(path)), "w", encoding="utf-8") as file:
            file.write(suffix)
        assert (path.read_text(), stat.S_IMODE(path.stat().st_mode) & ~0o644) == (suffix, 0)


def test_nothing_is_overwritten_and_no_link_followed(scribe: Scribe, tmp_path: Path) -> None:
    old, link = tmp_path / "old.txt", tmp_path / "link.txt"
    old.write_text("old")
    link.symlink_to(tmp_path / "elsewhere.txt")
    for path in (old, link):
        with pytest.raises(FileExistsError):
            scribe.create(str(path))
    assert (old.read_text(), (tmp_path / "elsewhere.txt").exists()) == ("old", False)


@pytest.mark.parametrize(
    "name", ["report", "report.sh", "report.txt~", ".hidden.txt", ".ssh/report.txt", ".profile", "crontab.", "txt"]
)
def test_a_file_of_another_kind_is_not_made(scribe: Scribe, tmp_path: Path, name: str) -> None:
    (tmp_path / ".ssh").mkdir()
    with pytest.raises(PermissionError, match="as root, files are written neither"):
        scribe.create(str(tmp_path / name))
    assert os.listdir(tmp_path) == [".ssh"]


def test_the_systems_folders_get_none_by_whatever_way(scribe: Scribe, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to("/etc")
    for folder in ("/etc", "/usr/share", "/etc/../etc", str(tmp_path / "way"), "/proc/self/root/etc"):
        with pytest.raises(PermissionError):
            scribe.create(f"{folder}/hopscope-was-here.txt")
    assert not Path("/etc/hopscope-was-here.txt").exists()


@pytest.mark.parametrize("folder", ["/", "/root", "/home/alice", "/tmp/x", "/var/log", "/srv", "/optional"])
def test_folders_of_people_hold_reports(folder: str) -> None:
    assert may_hold_reports(folder)


def test_other_errors_are_the_systems(scribe: Scribe, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        scribe.create(str(tmp_path / "nowhere" / "report.txt"))
    with pytest.raises(OSError, match="too long"):
        scribe.create("/" + "x" * 5000 + ".txt")


def test_it_is_nobodys_child_and_ends_with_the_front_end() -> None:
    program = (
        "import os, subprocess, sys; from hopscope.cli.scribe import Scribe\n"
        "scribe = Scribe(['txt'])\n"
        "print(open('/proc/self/task/%d/children' % os.getpid()).read().strip() or 'no child')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    before = time.monotonic()
    out, _ = process.communicate(timeout=20)  # waits until nobody holds the pipe any more
    assert out == "no child\n"
    assert time.monotonic() - before < 15
