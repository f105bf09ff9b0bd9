"""The front end has no privilege while it reads what strangers wrote: the real command, started as root."""

from __future__ import annotations

import json
import os
import pty
import pwd
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hopscope.sandbox import landlock, seccomp
from tests.cli.command import COMMAND, QUICK, environment
from tests.lab.plain_user import as_plain_user
from tests.lab.processes import children, state
from tests.sandbox.test_privileges import CAPABILITY_SETS

root = pytest.mark.needs("root")
UID, GID = 12345, 12346
SUDO = {"SUDO_UID": str(UID), "SUDO_GID": str(GID)}
DEMO = ("demo", "-r", *QUICK)
NOTHING = "0000000000000000"
WITHIN_S = 0.05
"""From the worker's start until the front end has no privilege any more."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the caller's, where everybody may go."""
    for above in (tmp_path, *tmp_path.parents):
        if above.stat().st_uid == os.geteuid() and above != Path("/"):
            above.chmod(above.stat().st_mode | 0o711)
    os.chown(tmp_path, UID, GID)
    return tmp_path


def start(*words: str, cwd: Path | str = "/", **more: str) -> subprocess.Popen[str]:
    """The command of an installation that everybody can read, as root."""
    command = [*as_plain_user()[-1:], "-m", "hopscope", *words]
    return subprocess.Popen(
        command, cwd=cwd, env=environment(**more), stdin=-3, stdout=-1, stderr=-1, text=True, start_new_session=True
    )


def run(*words: str, cwd: Path | str = "/", **more: str) -> tuple[int, str, str]:
    """The command to its end: exit status, standard output, standard error."""
    process = start(*words, cwd=cwd, **more)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def worker_of(pid: int) -> int | None:
    """Its worker; None where there is none yet."""
    for child in children(pid):
        with suppress(OSError):
            if b"start.py" in Path(f"/proc/{child}/cmdline").read_bytes():
                return child
    return None


def capabilities(status: dict[str, str]) -> list[str]:
    return [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")]


class Running:
    """A front end under way, looked at from the moment at which it has a worker."""

    def __init__(self, *words: str, **more: str) -> None:
        self.process = start("demo", "-r", "-c", "1000", *words, **more)
        self.worker = 0
        while not self.worker:
            self.worker = worker_of(self.process.pid) or 0
        self.since = time.monotonic()

    def until(self, field: str, begins: str) -> float:
        """Seconds since the worker's start until the front end's status has it."""
        while not (found := status_of(self.process.pid)[field]).startswith(begins):
            assert time.monotonic() - self.since < 10, found
        return time.monotonic() - self.since


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    made = Running(**request.param)
    yield made
    made.process.kill()
    made.process.communicate()


@root
@pytest.mark.parametrize("running", [SUDO], indirect=True)
def test_under_sudo_the_front_end_is_the_caller_right_after_the_workers_start(running: Running) -> None:
    took = running.until("Uid", f"{UID}\t{UID}\t{UID}\t{UID}")
    running.until("NoNewPrivs", "1")
    status = status_of(running.process.pid)
    assert status["Gid"].split() == [str(GID)] * 4
    assert status["Groups"].strip() == ""
    assert capabilities(status) == [NOTHING] * 4
    assert status["CapBnd"] == NOTHING
    assert took < WITHIN_S


@root
@pytest.mark.parametrize("running", [{}], indirect=True)
def test_plain_root_keeps_its_user_without_any_capability(running: Running) -> None:
    took = running.until("CapPrm", NOTHING)
    running.until("NoNewPrivs", "1")
    status = status_of(running.process.pid)
    assert status["Uid"].split() == ["0"] * 4
    assert capabilities(status) == [NOTHING] * 4
    assert status["CapBnd"] == NOTHING
    assert took < WITHIN_S


@root
@pytest.mark.needs("seccomp")
@pytest.mark.parametrize("running", [{}], indirect=True)
@pytest.mark.parametrize("blow", [None, signal.SIGSTOP], ids=["it works", "it stands still"])
def test_a_front_end_that_is_killed_takes_a_worker_of_another_user_along(
    running: Running, blow: signal.Signals | None
) -> None:
    running.until("NoNewPrivs", "1")
    while status_of(running.worker)["Seccomp"] != "2":  # the last that it does before it reads
        assert time.monotonic() - running.since < 10
    if blow is not None:
        os.kill(running.worker, blow)
    running.process.kill()
    running.process.wait()
    until = time.monotonic() + 5
    while state(running.worker) not in "-Z":
        assert time.monotonic() < until


KILLER = """
import sys
from hopscope.cli import unprivileged
from hopscope.session.launch import launch
intent = unprivileged.intend()
launched = launch()
unprivileged.drop(intent)
print(launched.process.pid, flush=True)
sys.stdin.readline()
launched.kill()
print(launched.process.wait())
"""


@root
@pytest.mark.needs("seccomp")
def test_a_worker_of_another_user_that_stands_still_is_killed_without_the_privilege_to_signal_it() -> None:
    words = [*as_plain_user()[-1:], "-c", KILLER]
    with subprocess.Popen(words, cwd="/", stdin=-1, stdout=-1, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        until = time.monotonic() + 10
        while status_of(worker)["Seccomp"] != "2":
            assert time.monotonic() < until
        assert status_of(worker)["Uid"].split()[0] == "65534"
        os.kill(worker, signal.SIGSTOP)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"{-signal.SIGKILL}\n"


@root
def test_a_file_of_roots_is_not_read_for_the_caller(folder: Path) -> None:
    secret = folder / "secret"
    secret.write_text("root-secret:$6$abcdef:19000\n")
    secret.chmod(0o600)
    os.chown(secret, 0, 0)
    for words in (("-F", str(secret), "-r"), ("--config", str(secret), "-r", "127.0.0.1"), ("demo", "-r", str(secret))):
        status, out, err = run(*words, **SUDO)
        assert status == 2
        assert f"Permission denied (hopscope runs as user {UID}, privileges given up)" in err
        assert "root-secret" not in out + err


@root
def test_a_report_is_the_callers_file_and_follows_no_link_to_roots(folder: Path) -> None:
    precious = folder / "precious"
    precious.write_text("root's")
    precious.chmod(0o600)
    os.chown(precious, 0, 0)
    link = folder / "report.txt"
    link.symlink_to(precious)
    os.lchown(link, UID, GID)
    status, _, err = run(*DEMO, "--output", str(link), **SUDO)
    assert (status, precious.read_text()) == (2, "root's")
    assert "Permission denied" in err
    new = folder / "new.txt"
    assert run(*DEMO, "--output", str(new), **SUDO)[0] == 0
    assert (new.stat().st_uid, new.stat().st_gid) == (UID, GID)
    assert new.read_text().startswith("Start:")


@root
def test_home_and_its_folders_are_the_callers(folder: Path) -> None:
    """A caller whom the system does not know has no home: root's is not read in its place."""
    roots = folder / "root" / "hopscope"
    roots.mkdir(parents=True)
    (roots / "config.toml").write_text("[probe]\ntos = 999\n")
    os.chown(roots.parent, 0, 0)
    os.chown(roots, 0, 0)
    status, _, err = run("config", **SUDO, HOME=str(roots.parent), XDG_CONFIG_HOME=str(roots.parent))
    assert (status, str(roots) in err) == (0, False)
    own = folder / "hopscope"
    own.mkdir()
    (own / "config.toml").write_text("[probe]\ntos = 999\n")
    os.chown(own, UID, GID)
    os.chown(own / "config.toml", UID, GID)
    status, _, err = run("config", **SUDO, XDG_CONFIG_HOME=str(folder))
    assert (status, "tos" in err) == (2, True)  # kept by `sudo -E`, and the caller's: it is read


@root
@pytest.mark.parametrize("way", ["config", "environment"])
def test_scapy_is_loaded_with_privileges_for_the_command_line_alone(folder: Path, way: str) -> None:
    config = folder / "config.toml"
    config.write_text('[probe]\nmethod = "scapy"\n')
    os.chown(config, UID, GID)
    more = {"HOPSCOPE_OPTIONS": "--method scapy"} if way == "environment" else {}
    words = ("--config", str(config)) if way == "config" else ()
    status, _, err = run("-n", "-r", "-c", "1", *words, "127.0.0.1", **SUDO, **more)
    assert status == 3
    assert "--method scapy" in err
    assert run("-n", "-r", "-c", "1", "--method", "scapy", "127.0.0.1", **SUDO)[0] == 0


@root
def test_no_cache_is_left_in_the_home(folder: Path) -> None:
    for words in (DEMO, ("-n", "-r", "-c", "1", "--method", "raw", "127.0.0.1")):
        assert run(*words, HOME=str(folder), XDG_CACHE_HOME=str(folder / "cache"))[0] == 0
    assert not list(folder.rglob("*scapy*"))


@root
def test_a_terminal_that_only_root_may_open_is_written_to_all_the_same() -> None:
    """sudo gives the program a terminal of root's (use_pty): /dev/stdout leads there, and is open already."""
    master, slave = pty.openpty()
    os.fchmod(slave, stat.S_IRUSR | stat.S_IWUSR)
    command = [*as_plain_user()[-1:], "-m", "hopscope", *DEMO, "--output", "/dev/stdout"]
    process = subprocess.Popen(command, cwd="/", env=environment(**SUDO), stdin=-3, stdout=slave, stderr=slave)
    os.close(slave)
    said = b""
    while b"www.example" not in said:
        said += os.read(master, 4096)
    assert process.wait(20) == 0
    os.close(master)


WATCHED = f"127.66.{os.getpid() >> 8 & 0xFF}.{os.getpid() & 0xFF}"
"""A target that no other test probes, nor these in another process."""


def killed_worker(*words: str, **more: str) -> tuple[int, str, str]:
    """A report to `WATCHED` by UDP whose worker is killed after some rounds: exit status, standard output, standard
    error."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as arriving:
        arriving.settimeout(30)
        process = start("-n", "-c", "20", "-i", "100ms", "-Z", "500ms", *words, **more)
        first = None
        while first is None or time.monotonic() < first + 1:  # the worker tells what it has twice a second
            if arriving.recv(64)[16:20] == socket.inet_aton(WATCHED) and first is None:  # the IPv4 destination
                first = time.monotonic()
    worker = worker_of(process.pid)
    assert worker is not None
    assert status_of(worker)["Seccomp"] == "2"
    os.kill(worker, signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@root
@pytest.mark.needs("seccomp")
@pytest.mark.parametrize("called", [SUDO, {}], ids=["sudo", "plain root"])
def test_a_worker_that_is_started_again_has_a_plain_users_methods_and_the_report_says_so(
    called: dict[str, str],
) -> None:
    status, out, err = killed_worker("-u", "--format", "json", WATCHED, **called)
    report = json.loads(out)
    assert (status, report["method"], report["rounds"]) == (0, "udp-socket", 20)
    (hop,) = report["hops"]
    assert hop["lost"] == 0
    assert hop["sent"] >= 19  # what was in flight has failed here; nothing that was counted is gone
    said = r"from round \d+ on the probes go by udp-socket, before by raw: the probe worker was started again"
    assert re.search(said, report["note"])
    assert re.search(said, err)


@root
@pytest.mark.needs("seccomp")
def test_the_lines_of_a_worker_that_is_started_again_begin_with_a_new_head() -> None:
    _, out, _ = killed_worker("-u", "--format", "ndjson", WATCHED, **SUDO)
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["method"] for event in events if event["event"] == "start"] == ["raw", "udp-socket"]


@root
@pytest.mark.needs("seccomp")
def test_what_was_measured_is_printed_where_the_user_may_not_go_on_in_that_way() -> None:
    status, out, err = killed_worker("-u", "--method", "raw", "--format", "json", WATCHED, **SUDO)
    report = json.loads(out)
    assert (status, report["method"]) == (3, "raw")
    assert report["hops"][0]["received"] > 0
    assert "raw sockets need privileges" in err


@root
@pytest.mark.parametrize("bounding", CAPABILITY_SETS.values(), ids=CAPABILITY_SETS.keys())
def test_whatever_capabilities_a_container_leaves_root_traces_and_doctor_answers(bounding: str) -> None:
    before = ["setpriv", f"--bounding-set={bounding}", "--inh-caps=-all", *as_plain_user()[-1:], "-m", "hopscope"]
    for words in (("-n", "-r", "-c", "1", WATCHED), ("doctor",), DEMO):
        done = subprocess.run([*before, *words], cwd="/", env=environment(), capture_output=True, text=True, stdin=-3)
        assert (done.returncode, done.stderr) == (0, ""), words


@root
@pytest.mark.needs("sudo")
def test_by_sudo_itself_a_user_gets_raw_sockets_for_the_worker_and_files_of_his_own(folder: Path) -> None:
    """The real sudo, with a rule for one user, in a mount namespace of its own."""
    user = pwd.getpwnam("daemon")
    os.chown(folder, user.pw_uid, user.pw_gid)
    rules = folder / "rules"
    rules.mkdir()
    (rules / "daemon").write_text("daemon ALL=(ALL) NOPASSWD: ALL\n")
    (rules / "daemon").chmod(0o440)
    program = " ".join([*as_plain_user()[-1:], "-m hopscope -n --method raw --format json -c 1"])
    sudo = f"sudo -n {program} --output {folder}/report.json 127.0.0.1"
    script = (
        f"mount --bind {rules} /etc/sudoers.d && chown root:root {rules} && "
        f"exec setpriv --reuid={user.pw_uid} --regid={user.pw_gid} --clear-groups -- sh -c 'cd / && exec {sudo}'"
    )
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    report = folder / "report.json"
    assert json.loads(report.read_text())["method"] == "raw"
    assert report.stat().st_uid == user.pw_uid


@root
@pytest.mark.needs("seccomp")
@pytest.mark.parametrize("running", [SUDO], indirect=True)
def test_a_worker_is_filtered_and_has_little_of_the_environment(running: Running) -> None:
    until = time.monotonic() + 10
    while status_of(running.worker)["Seccomp"] != "2":
        assert time.monotonic() < until
    status = status_of(running.worker)
    assert (status["Uid"].split(), status["NoNewPrivs"]) == ([str(UID)] * 4, "1")
    variables = Path(f"/proc/{running.worker}/environ").read_bytes().split(b"\0")
    names = {variable.partition(b"=")[0].decode() for variable in variables if variable}
    assert names <= {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SUDO_UID", "SUDO_GID"}


def test_a_plain_users_worker_can_write_and_execute_nothing_either() -> None:
    found = json.loads(subprocess.run(
        [*COMMAND, "doctor", "--format", "json"], env=environment(), capture_output=True, check=False
    ).stdout)  # fmt: skip
    assert (found["worker"]["landlock"] != "none") == (landlock.abi() > 0)
    assert found["worker"]["seccomp"] == (seccomp.architecture() is not None)
