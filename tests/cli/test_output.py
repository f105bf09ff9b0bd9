"""A report's way out: what a slow reader does to it, and what it does not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pytest

from hopscope.cli.errors import UsageError
from hopscope.cli.output import ClosedPipe, Output, OutputError


@pytest.fixture
def pipe(tmp_path: object) -> Iterator[tuple[FileIO, Output]]:
    """The reading end of a pipe that is full, and an output to its other end."""
    path = f"{tmp_path}/pipe"
    os.mkfifo(path)
    reader = FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    filler = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(filler, b"x" * 4096)
    output = Output(path)
    os.close(filler)
    yield reader, output
    output.close()
    reader.close()


def _read_all(reader: FileIO) -> bytes:
    said = b""
    while more := reader.read(1 << 20):  # None where there is nothing now
        said += more
    return said


async def test_a_text_waits_for_its_reader_while_the_loop_goes_on(pipe: tuple[FileIO, Output]) -> None:
    reader, output = pipe
    sending = asyncio.ensure_future(output.send("a line\n"))
    await asyncio.sleep(0)  # the loop's next turn comes, although nobody has read
    assert not sending.done()
    assert set(_read_all(reader)) == {ord("x")}
    await sending
    assert _read_all(reader) == b"a line\n"


async def test_a_long_text_comes_whole_through_a_small_pipe(pipe: tuple[FileIO, Output]) -> None:
    reader, output = pipe
    text = "".join(f"{number}\n" for number in range(200_000))
    sending = asyncio.ensure_future(output.send(text))
    loop = asyncio.get_running_loop()
    said = bytearray()
    loop.add_reader(reader, lambda: said.extend(_read_all(reader)))
    await sending
    loop.remove_reader(reader)
    said += _read_all(reader)
    assert said.lstrip(b"x").decode() == text


async def test_a_text_that_waits_can_be_given_up(pipe: tuple[FileIO, Output]) -> None:
    reader, output = pipe
    sending = asyncio.ensure_future(output.send("a line\n"))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert set(_read_all(reader)) == {ord("x")}


async def test_a_reader_who_goes_while_a_text_waits_is_a_closed_pipe(pipe: tuple[FileIO, Output]) -> None:
    reader, output = pipe
    sending = asyncio.ensure_future(output.send("a line\n"))
    await asyncio.sleep(0)
    reader.close()
    with pytest.raises(ClosedPipe):
        await sending


OLD, NEW = "yesterday's report\n", "today's, which is longer by far\n" * 2000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, of which little more than an old report is free."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.needs("root")  # to mount it
@pytest.mark.parametrize("way", ["replaced", "written over"])
def test_the_old_report_is_kept_where_there_is_no_room_for_the_new_one(
    small_disk: Path, way: str, capfd: pytest.CaptureFixture[str]
) -> None:
    report = small_disk / "report.json"
    report.write_text(OLD)
    if way == "written over":
        os.link(report, small_disk / "other name")
    (small_disk / "filler").write_bytes(b"x" * 40_000)
    output = Output(str(report))
    with pytest.raises(OutputError, match="No space left"):
        output.save(NEW)
    output.close()
    assert report.read_text() == OLD
    assert capfd.readouterr().out == NEW  # it is not lost either
    assert not list(small_disk.glob(".*"))


def test_a_report_takes_the_old_ones_place_as_a_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_text(OLD)
    report.chmod(0o4640)
    with report.open() as reader:
        Output(str(report)).save(NEW)
        assert reader.read() == OLD  # who reads it meanwhile reads one or the other
    assert (report.read_text(), stat.S_IMODE(report.stat().st_mode)) == (NEW, 0o640)
    assert os.listdir(tmp_path) == ["report.txt"]


def test_a_link_of_ones_own_is_followed_and_stays(tmp_path: Path) -> None:
    report, link = tmp_path / "report.txt", tmp_path / "link.txt"
    report.write_text(OLD)
    link.symlink_to(report)
    Output(str(link)).save(NEW)
    assert (report.read_text(), link.is_symlink()) == (NEW, True)


def test_a_file_of_several_names_stays_one_file(tmp_path: Path) -> None:
    report, other = tmp_path / "report.txt", tmp_path / "other.txt"
    report.write_text(NEW)
    other.hardlink_to(report)
    Output(str(report)).save(OLD)
    assert (report.read_text(), other.read_text()) == (OLD, OLD)


def test_a_file_that_took_the_reports_place_meanwhile_is_not_touched(tmp_path: Path) -> None:
    report, other = tmp_path / "report.txt", tmp_path / "other.txt"
    report.write_text(OLD)
    other.write_text("somebody's")
    output = Output(str(report))
    report.rename(tmp_path / "rotated.txt")
    report.symlink_to(other)
    output.save(NEW)
    assert other.read_text() == "somebody's"
    assert (tmp_path / "rotated.txt").read_text() == NEW


@pytest.mark.needs("root")  # to have a folder of somebody else's
def test_a_file_in_a_folder_that_cannot_be_written_to_is_written_over(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    report = tmp_path / "report.txt"
    report.write_text(NEW)
    os.chown(report, 12345, 12345)
    program = (
        f"import os; os.setresgid(*[12345] * 3); os.setresuid(*[12345] * 3)\nOutput({str(report)!r}).save({OLD!r})"
    )
    for folder in tmp_path.parents:
        if folder.stat().st_mode & 0o011 != 0o011:
            folder.chmod(folder.stat().st_mode | 0o011)
    subprocess.run([sys.executable, "-c", f"from hopscope.cli.output import Output\n{program}"], check=True)
    assert report.read_text() == OLD


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_devices_and_open_descriptors_are_written_to_as_they_are(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    os.write(1, b"before, ")
    output = Output(path)
    output.save("a report\n")
    output.close()
    assert capfd.readouterr().out == ("before, " if path == "/dev/null" else "before, a report\n")


def test_a_descriptor_of_the_programs_own_is_no_place_for_a_report() -> None:
    """Nor is it read (`system.files`): it may lead to the worker."""
    reading, writing = os.pipe()
    with pytest.raises(UsageError, match="Bad file descriptor"):
        Output(f"/dev/fd/{writing}")
    os.close(reading)
    os.close(writing)


def test_a_socket_is_no_pipe_that_a_reader_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as named:
        named.bind("named")
        with pytest.raises(UsageError, match="No such device or address"):
            Output("named")


def test_a_stream_is_written_into_the_file_as_it_comes(tmp_path: Path) -> None:
    lines = tmp_path / "lines.ndjson"
    lines.write_text(OLD)
    with lines.open() as reader:
        output = Output(str(lines))
        output.write("first\n")
        output.write("second\n")
        assert reader.read() == "first\nsecond\n"


def test_of_a_file_that_was_removed_with_its_folder_meanwhile_a_report_and_a_stream_say_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for way in ("report", "stream"):
        folder = tmp_path / way
        folder.mkdir()
        output = Output(str(folder / "file"))
        if way == "stream":
            output.write("first\n")
        shutil.rmtree(folder)
        with pytest.raises(OutputError, match=": somebody removed it meanwhile"):
            output.save(NEW) if way == "report" else output.close()
    assert capfd.readouterr().out == NEW  # a report is not lost


@pytest.mark.needs("root")  # to lay links of somebody else's
def test_root_follows_no_link_of_another_users(tmp_path: Path) -> None:
    victim, link, way = tmp_path / "victim", tmp_path / "link.txt", tmp_path / "way"
    victim.write_text("root's")
    link.symlink_to(victim)
    way.symlink_to(tmp_path)
    for laid in (link, way):
        os.lchown(laid, 12345, 12345)
    for path in (link, way / "victim", way / "new.txt"):
        with pytest.raises(UsageError, match="another user's link is not followed"):
            Output(str(path))
    os.lchown(way, 0, 0)
    Output(str(way / "victim")).save(NEW)
    assert (victim.read_text(), (tmp_path / "new.txt").exists()) == (NEW, False)


SWAPPER = """
import ctypes, os, sys
os.chdir(sys.argv[1])
os.setresgid(*[1234] * 3); os.setresuid(*[1234] * 3)
exchange = ctypes.CDLL(None).renameat2
print("ready", flush=True)
while True:
    exchange(-100, b"report.txt", -100, b"link", 2)
"""


@pytest.fixture
def strangers_folder(tmp_path: Path) -> Iterator[Path]:
    """Of a user who changes a file there for a link to root's, and back, as often as can be."""
    victim, folder = tmp_path / "victim", tmp_path / "strangers"
    victim.write_text("root's")
    victim.chmod(0o600)
    folder.mkdir()
    (folder / "report.txt").touch()
    (folder / "link").symlink_to(victim)
    for path in (folder, folder / "report.txt", folder / "link"):
        os.lchown(path, 1234, 1234)
    with subprocess.Popen([sys.executable, "-c", SWAPPER, str(folder)], stdout=subprocess.PIPE, text=True) as attacker:
        assert attacker.stdout is not None
        assert attacker.stdout.readline() == "ready\n"
        yield folder
        attacker.kill()


@pytest.mark.needs("root")
def test_a_link_that_comes_between_the_look_and_the_opening_is_not_followed_by_root(strangers_folder: Path) -> None:
    for _ in range(4000):
        with contextlib.suppress(UsageError):
            output = Output(str(strangers_folder / "report.txt"))
            output.write("a report")
            output.close()
    assert (strangers_folder.parent / "victim").read_text() == "root's"


@pytest.mark.needs("root")
def test_root_writes_over_no_file_that_another_user_gave_a_second_name(tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "strangers"
    victim.write_text("root's")
    folder.mkdir()
    os.link(victim, folder / "report.txt")
    os.chown(folder, 1234, 1234)
    with pytest.raises(UsageError, match="it has other names, and lies in another user's folder"):
        Output(str(folder / "report.txt"))
    assert victim.read_text() == "root's"


@pytest.mark.needs("root")
def test_roots_own_ways_to_a_file_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c.txt").symlink_to("b/../a/d.txt")
    monkeypatch.chdir(tmp_path)
    for path in ("c.txt", "./b/../c.txt", f"{tmp_path}//b/d.txt", "a/d.txt"):
        (tmp_path / "a" / "d.txt").unlink(missing_ok=True)
        Output(path).save(NEW)
        assert (tmp_path / "a" / "d.txt").read_text() == NEW
    (tmp_path / "loop").symlink_to("loop")
    for path, words in (("loop", "symbolic links"), ("a/", "directory"), ("/", "directory"), ("no/x", "No such file")):
        with pytest.raises(UsageError, match=words):
            Output(path)
