"""Called as mtr, beside mtr itself on the loopback interface: statuses, standard error, and the shape of what is
printed; how it ends by signals and closed pipes; what others find of it in /proc."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.command import environment
from tests.dropin.runs import link

pytestmark = [pytest.mark.kernel, pytest.mark.needs("namespaces", "mtr")]
_QUICK = "-i 0.2 -G 0.2 -c 1"
_ALONE = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the link stands."""
    return link(tmp_path_factory.mktemp("bin"))


def _run(program: str, line: str, folder: Path) -> tuple[int, str, str]:
    words = shlex.split(line)
    environ = environment(MTR_OPTIONS=_QUICK)
    while words and re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        environ[name] = value
    done = subprocess.run(
        [*_ALONE, program, *words],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environ, timeout=60, cwd=folder,
    )  # fmt: skip
    return done.returncode, _without_times(done.stdout), done.stderr.partition("\n\nUsage:")[0].strip()


def _without_times(text: str) -> str:
    if text.startswith("\nUsage:\n mtr [options] hostname\n"):
        return "usage"
    text = re.sub(r"Start: \S+", "Start", text)
    text = re.sub(r"MTR\.0\.95,\d+", "MTR,time", text)
    return re.sub(r" *\d+\.\d+(?=[ \n<,}]|$)", " #", text, flags=re.MULTILINE)


LINES = (
    "-r 127.0.0.1", "-w -n 127.0.0.1", "-j 127.0.0.1", "-C 127.0.0.1", "-x 127.0.0.1",
    *(f"{layout} -c 0 127.0.0.1" for layout in ("-r", "-j", "-C", "-x", "-l")),
    "-rwzbc2 127.0.0.1", "-r -y 1 127.0.0.1", "-w -y 2 127.0.0.1", "-j -y 3 127.0.0.1", "-C -z 127.0.0.1",
    "-r -o '' 127.0.0.1", "-r -o 'LS_D R' 127.0.0.1", "-r -o Q 127.0.0.1", "-x -o 'LDRSNBAWVGJMXI' 127.0.0.1",
    "-j -B 300 127.0.0.1", "-j -s 10 127.0.0.1", "-j -s -100 127.0.0.1", "-j -Q 300 -P 80 127.0.0.1",
    "-r -P 0 127.0.0.1", "-r -L 80 127.0.0.1", "-r -u -L 2000 127.0.0.1", "-r -M 5 127.0.0.1", "-r -u -T 127.0.0.1",
    "-r -S 127.0.0.1", "-r -g 127.0.0.1", "-r -I nosuch 127.0.0.1", "-r -I lo 127.0.0.1", "-r -a 1.2.3 127.0.0.1",
    "-r -a 192.0.2.1 127.0.0.1", "-r -a ::1 127.0.0.1", "-r -6 127.0.0.1", "-r --inet6 ::1", "-r --inet 127.0.0.1",
    "-r nosuch.invalid", "-r nosuch.invalid 127.0.0.1", "-w ::1 127.0.0.1", "-r ''", "-r 192.0.2.1", "-r",
    "-r --displaymode 7 127.0.0.1", "-r --displaymode 1 127.0.0.1", "--repo", "--rep=4", "-F nosuch", "-v", "-h",
    "-r -Z 100 127.0.0.1", "-r -c x 127.0.0.1", "-r -G 0 127.0.0.1", "-r -f 3 -m 2 127.0.0.1",
    "-r -m 0 -f 0 -U 0 127.0.0.1", "-p -r 127.0.0.1", "-w -r 127.0.0.1", "-w -C 127.0.0.1", "-r -T 127.0.0.1",
    "-r -u 127.0.0.1", "127.1 -j", "-r -- 127.0.0.1", "-r 127.0.0.1 127.0.0.2",
    "MTR_OPTIONS='-j -c 2 -i .2 -G .2' -c 1 127.0.0.1", "MTR_OPTIONS='--nosuch' -r 127.0.0.1",
)  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_gives_what_it_gives_with_mtr(line: str, folder: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        theirs = pool.submit(_run, "mtr", line, folder)
        ours = pool.submit(_run, str(folder / "mtr"), line, folder)
        assert ours.result() == theirs.result()


def _start(program: str, line: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    words = [*_ALONE, program, *line.split(), "127.0.0.1"]
    return subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, env=environment(MTR_OPTIONS="")
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_kills_it_as_it_kills_mtr(number: signal.Signals, folder: Path) -> None:
    for program in ("mtr", str(folder / "mtr")):
        with _start(program, "-l -n -c 1000 -i 0.2") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"x 0 33000\n"
            process.send_signal(number)
            _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (-number, b""), program


@pytest.mark.parametrize("layout", ["-r", "-j", "-C", "-x", "-l"])
def test_a_closed_pipe_and_a_full_disk_end_it_as_they_end_mtr(layout: str, folder: Path) -> None:
    for program in ("mtr", str(folder / "mtr")):
        reader, writer = os.pipe()
        os.close(reader)
        with _start(program, f"{layout} -n {_QUICK}", writer) as process:
            os.close(writer)
            _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (-signal.SIGPIPE, b""), program
        with open("/dev/full", "wb") as full, _start(program, f"{layout} -n {_QUICK}", full.fileno()) as process:
            _, errors = process.communicate(timeout=20)
        assert process.returncode == 1, program
        assert errors.startswith(b"mtr: write error"), program


@pytest.mark.parametrize("words", [("{link}",), (sys.executable, "{link}")])
def test_others_find_a_process_of_the_name_mtr(words: tuple[str, ...], folder: Path) -> None:
    """By its name (pgrep -x), and by its command line."""
    command = [word.format(link=folder / "mtr") for word in words]
    with subprocess.Popen(
        [*_ALONE, *command, "--report", "--report-wide", "-c", "20", "-i", "0.2", "127.0.0.1"],
        stdout=subprocess.PIPE, env=environment(MTR_OPTIONS="--raw"),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            process_of = Path("/proc", str(process.pid))
            # Its name stands a moment before its command line does; neither ever comes of a program that has none.
            while not (
                process_of.joinpath("comm").read_text() == "mtr\n"
                and b"mtr\0--report\0--report-wide" in process_of.joinpath("cmdline").read_bytes()
            ):
                assert process.poll() is None
        finally:
            process.kill()


@pytest.mark.parametrize("line", ["-c 8 -i 0.3 -G 0.2 127.0.0.1", "-c 0 -G 0.2 127.0.0.1", "nosuch.invalid"])
def test_the_screen_ends_when_mtrs_does(line: str, folder: Path) -> None:
    """With ``-c`` once the rounds are over; at once where there is nobody to probe."""
    statuses, drawn = [], []
    for program in ("mtr", str(folder / "mtr")):
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [*_ALONE, program, *line.split()], stdin=theirs, stdout=theirs, stderr=theirs,
            env=environment(MTR_OPTIONS="", TERM="xterm-256color"), start_new_session=True,
        ) as process:  # fmt: skip
            os.close(theirs)
            data = bytearray()
            try:
                while more := os.read(ours, 65536):
                    data += more
            except OSError:
                pass  # its other end is closed
            statuses.append(process.wait(30))
        os.close(ours)
        drawn.append(b"\x1b[?1049h" in data)
    assert statuses[0] == statuses[1]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("words", [("-r", "a\x1b[31mb"), ("-r", "-c", "\x1b]0;title\x07", "127.0.0.1")])
def test_what_was_typed_is_repeated_without_its_control_characters(words: tuple[str, ...], folder: Path) -> None:
    done = subprocess.run(
        [*_ALONE, str(folder / "mtr"), *words], capture_output=True, text=True, env=environment(), timeout=60
    )
    assert done.stderr.count("\n") == 1
    assert done.stderr.rstrip("\n").isprintable()
    assert "\\x1b" in done.stderr
