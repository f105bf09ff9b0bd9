"""A file that somebody names cannot block, has an upper bound, and what is no file is said."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from hopscope.system.files import Unreadable, open_file, read_file, read_given, text_of

MOST = 1 << 16


def make(kind: str, folder: Path) -> Path:
    path = folder / kind
    match kind:
        case "a named pipe":
            os.mkfifo(path)
        case "a directory":
            path.mkdir()
        case "a socket":
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(str(path))
        case "a device":
            return Path("/dev/zero")
    return path


@pytest.mark.parametrize("kind", ["a named pipe", "a directory", "a socket", "a device"])
@pytest.mark.parametrize("is_linked", [False, True])
def test_what_is_no_file_is_said_at_once(kind: str, is_linked: bool, tmp_path: Path) -> None:
    path = make(kind, tmp_path)
    if is_linked:
        (tmp_path / "link").symlink_to(path)
        path = tmp_path / "link"
    with pytest.raises(Unreadable, match=f"Is {kind}"):
        read_file(path, MOST)
    with pytest.raises(Unreadable, match=f"Is {kind}"):
        read_given(str(path), MOST)


def test_a_pipe_that_takes_a_file_s_place_between_two_looks_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    real = os.open

    def swapped(name: str | os.PathLike[str], flags: int) -> int:
        os.unlink(path)
        os.mkfifo(path)
        return real(name, flags)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(Unreadable, match="a named pipe"):
        open_file(path)


def test_a_file_that_grows_while_it_is_read_is_refused_and_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a" * MOST)
    done = threading.Event()

    def grow() -> None:
        with path.open("ab") as file:
            while not done.is_set():
                file.write(b"a" * 4096)
                file.flush()

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        with pytest.raises(Unreadable, match="Too long; at most 65536 bytes"):
            [read_file(path, MOST) for _ in iter(int, 1)]  # until one is refused
    finally:
        done.set()
        writer.join()


def test_a_file_of_a_terabyte_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Unreadable, match="Too long"):
        read_file(path, MOST)


@pytest.mark.needs("root")  # to read it at all
def test_a_file_of_proc_that_has_no_end_is_not_waited_for() -> None:
    with pytest.raises(Unreadable):
        read_file("/proc/kmsg", MOST)


def test_missing_is_told_from_unreadable(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "none", MOST)
    with pytest.raises(Unreadable, match="Not a directory"):
        read_file("/dev/null/x", MOST)
    with pytest.raises(Unreadable, match="null"):
        read_file("a\0b", MOST)
    with pytest.raises(Unreadable, match="File name too long"):
        read_file("x" * 5000, MOST)


def test_what_the_shell_hands_over_may_be_a_pipe() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\n")
    os.close(writing)
    with pytest.raises(Unreadable, match="Bad file descriptor"):
        read_given(f"/dev/fd/{reading}", MOST)  # as it is not handed on, nobody handed it over
    os.set_inheritable(reading, True)
    assert read_given(f"/dev/fd/{reading}", MOST) == b"one\n"
    os.close(reading)
    with pytest.raises(Unreadable):
        read_given("/dev/fd/999999", MOST)
    assert read_given("/dev/null", MOST) == b""


def test_the_owner_is_that_of_the_very_file_that_was_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    assert read_file(path, MOST) == (b"x", os.getuid())


def test_text_has_a_mark_in_front_or_none() -> None:
    assert text_of(b"\xef\xbb\xbfa\r\nb") == "a\r\nb"
    with pytest.raises(Unreadable, match="byte 1 is no UTF-8"):
        text_of(b"a\xff")
