"""Root that nobody called, and a worker that has to stay root: what the real command can still reach then.

A confined process says what it can do by a module that stands in the place of one that it imports late: what the module
tries is what somebody could try who had got the better of it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from hopscope.cli.unprivileged import FrontEndStanding
from hopscope.probe import confinement
from tests.cli.command import QUICK, environment

pytestmark = [pytest.mark.needs("root"), pytest.mark.needs("landlock")]

SOURCE = Path(confinement.__file__).parents[2]
TRY = """
import os, sys
def tried(what):
    try:
        what()
    except OSError as problem:
        return problem.strerror
    return "done"
def say(**more):
    import json
    print(json.dumps({"uid": os.geteuid(), **more}), file=sys.stderr, flush=True)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the program that nobody but root can read, and whose modules a test may add to."""
    tmp_path.chmod(0o700)
    shutil.copytree(SOURCE / "hopscope", tmp_path / "lib" / "hopscope", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "here").mkdir()
    return tmp_path


def add(copy: Path, module: str, function: str, program: str) -> None:
    """Let a function of a module (``Class.name``, or ``name``) do something else when it is called."""
    file = copy / "lib" / "hopscope" / module
    body = "".join(f"    {line}\n" for line in program.strip().splitlines())
    file.write_text(
        f"{file.read_text()}\n{TRY}\ndef _instead(*words, _go_on={function}):\n{body}\n{function} = _instead\n"
    )


def run(
    copy: Path, *words: str, cwd: Path | None = None, before: tuple[str, ...] = (), called: Mapping[str, str] = {}
) -> tuple[int, str, str]:
    program = (
        f"import sys; sys.path.insert(0, {str(copy / 'lib')!r}); from hopscope.__main__ import main; sys.exit(main())"
    )
    env = environment(HOME=str(copy / "home"), XDG_CONFIG_HOME="", XDG_STATE_HOME="", **called)
    done = subprocess.run(
        [*before, sys.executable, "-c", program, *words],
        cwd=cwd or copy / "here",
        env={**env, "PYTHONPATH": str(copy / "lib")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def answers(err: str) -> dict[str, object]:
    found = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert found, err
    return dict(found[-1])


FRONT_END = """
say(shadow=tried(lambda: open("/etc/shadow")), etc=tried(lambda: open("/etc/hopscope-was-here", "w")),
    root=tried(lambda: open("/root/hopscope-was-here", "w")), above=tried(lambda: open("../hopscope-was-here", "w")),
    here=tried(lambda: open("made", "w")), disk=tried(lambda: open("/dev/vda", "rb")),
    program=tried(lambda: open(__file__, "a")), resolver=tried(lambda: open("/etc/resolv.conf")))
return _go_on(*words)
"""


def test_plain_root_reads_the_program_and_writes_what_was_named_alone(copy: Path) -> None:
    add(copy, "cli/report.py", "run", FRONT_END)
    target = copy / "reports" / "report.json"
    target.parent.mkdir()
    status, _, err = run(copy, "demo", "-r", *QUICK, "--output", str(target))
    said = answers(err)
    assert (status, said["uid"]) == (0, 0)
    assert said["resolver"] in ("done", "No such file or directory")
    refused = {name: said[name] for name in ("shadow", "etc", "root", "above", "here", "program")}
    assert refused == dict.fromkeys(refused, "Permission denied")
    assert said["disk"] != "done"
    assert target.read_text().startswith("Start:")
    assert not Path("/etc/hopscope-was-here").exists()
    assert not Path("/root/hopscope-was-here").exists()


NUMBER_ALONE = """
import fcntl, signal, socket, struct, subprocess
def owner(): fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid())
def attributes():
    with open(__file__) as file: fcntl.ioctl(file, 0x401c5820, bytes(28))  # FS_IOC_FSSETXATTR
def lease():
    with open(__file__) as file: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
def pair(): socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
def read_only():
    with open(__file__) as file: os.fchmod(file.fileno(), 0o4755)
say(chmod=tried(lambda: os.chmod(__file__, 0o4755)), fchmod=tried(read_only),
    chown=tried(lambda: os.chown(__file__, 0, 65534)), utime=tried(lambda: os.utime(__file__, (0, 0))),
    setxattr=tried(lambda: os.setxattr(__file__, "user.x", b"1")), unix=tried(lambda: socket.socket(socket.AF_UNIX)),
    owner=tried(owner), attributes=tried(attributes), lease=tried(lease),
    nice=tried(lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 5)),
    cpu=tried(lambda: os.sched_setaffinity(os.getppid(), {0})), group=tried(lambda: os.setpgid(0, os.getppid())),
    pair=tried(pair), signal=tried(lambda: os.kill(os.getppid(), 0)),
    by_another=subprocess.run([sys.executable, "-Ic", f"import os; os.chmod({__file__!r}, 0o4755)"],
                              stderr=subprocess.DEVNULL).returncode)
return _go_on(*words)
"""


@pytest.mark.needs("seccomp")
def test_plain_root_has_nothing_of_its_number_alone(copy: Path) -> None:
    """No capability is asked of a file's owner, nor by whoever listens on root's sockets: here that is uid 0 itself."""
    add(copy, "cli/report.py", "run", NUMBER_ALONE)
    status, _, err = run(copy, "demo", "-r", *QUICK)
    said = answers(err)
    refused = set(said) - {"uid", "by_another"}
    assert status == 0
    assert {name: said[name] for name in refused} == dict.fromkeys(refused, "Operation not permitted")
    assert said["by_another"] == 1
    assert not (copy / "lib" / "hopscope" / "cli" / "report.py").stat().st_mode & 0o4000


def test_plain_root_reaches_no_terminal_but_its_own(copy: Path) -> None:
    """What is typed into another one of root's may be a password."""
    master, other = os.openpty()
    name = os.ttyname(other)
    add(
        copy,
        "cli/report.py",
        "run",
        f"say(read=tried(lambda: os.open({name!r}, os.O_RDONLY | os.O_NOCTTY)),"
        f" write=tried(lambda: os.open({name!r}, os.O_WRONLY | os.O_NOCTTY)))\nreturn _go_on(*words)",
    )
    status, _, err = run(copy, "demo", "-r", *QUICK)
    os.close(master)
    os.close(other)
    assert (status, answers(err)) == (0, {"uid": 0, "read": "Permission denied", "write": "Permission denied"})


@pytest.mark.needs("seccomp")
def test_a_worker_that_roots_front_end_starts_again_is_ended_by_it_all_the_same(copy: Path) -> None:
    """It can signal nobody, and a stopped worker reads nothing: its end is that of the thread that started it."""
    add(
        copy,
        "cli/report.py",
        "run",
        """
import signal, time
from hopscope.session.launch import launch
again = launch()
again.process.stdout.readline()  # it is greeted, and so confined
with open(f"/proc/{again.process.pid}/status") as status:
    seccomp = [line.split()[1] for line in status if line.startswith("Seccomp:")]
stopped = tried(lambda: os.kill(again.process.pid, signal.SIGSTOP))
again.kill()
say(stopped=stopped, seccomp=seccomp, signal=again.process.wait(10))
again.close()
return _go_on(*words)
""",
    )
    status, _, err = run(copy, "demo", "-r", *QUICK)
    assert (status, answers(err)) == (
        0,
        {"uid": 0, "stopped": "Operation not permitted", "seccomp": ["2"], "signal": -9},
    )


def test_a_configuration_that_was_named_is_written_to_and_its_folder_is_not(copy: Path) -> None:
    program = """
    from pathlib import Path
    from hopscope.cli.config_edit import keep
    def kept(): keep(Path("own.toml"), {"screen": {"chart": False}})
    say(own=tried(kept), other=tried(lambda: open("other.toml", "w")))
    return _go_on(*words)
    """
    add(copy, "cli/report.py", "run", textwrap.dedent(program))
    config = copy / "here" / "own.toml"
    config.write_text("[screen]\nchart = true\n")
    status, _, err = run(copy, "demo", "-r", *QUICK, "--config", "own.toml")
    assert (status, answers(err)) == (0, {"uid": 0, "own": "done", "other": "Permission denied"})
    assert config.read_text() == "[screen]\nchart = false\n"


def test_settings_are_kept_in_the_folder_of_its_own(copy: Path) -> None:
    program = """
    from pathlib import Path
    from hopscope.cli.config_edit import keep
    home = Path(os.environ["HOME"])
    def kept(): keep(home / ".config/hopscope/config.toml", {"screen": {"chart": False}})
    say(own=tried(kept), other=tried(lambda: open(home / ".config/other", "w")))
    return _go_on(*words)
    """
    add(copy, "cli/report.py", "run", textwrap.dedent(program))
    folder = copy / "home" / ".config" / "hopscope"
    folder.mkdir(parents=True)
    status, _, err = run(copy, "demo", "-r", *QUICK)
    assert (status, answers(err)) == (0, {"uid": 0, "own": "done", "other": "Permission denied"})
    assert os.listdir(folder) == ["config.toml"]


WORKER = """
facts = dict(shadow=tried(lambda: open("/etc/shadow")), etc=tried(lambda: open("/etc/hopscope-was-here", "w")),
    program=tried(lambda: open(os.__file__)), execute=tried(lambda: os.execv("/bin/true", ["true"])))
raise SystemExit(repr(facts))
"""
ROOT_ALONE = {
    "nobody else can read the program": (),
    "no other user is mapped": ("unshare", "--user", "--map-root-user"),
    "the bounding set has no setuid": ("setpriv", "--bounding-set=-all,+net_raw", "--inh-caps=-all"),
}


@pytest.mark.parametrize("before", ROOT_ALONE.values(), ids=ROOT_ALONE.keys())
def test_a_worker_that_stays_root_reads_the_program_and_nothing_of_roots(copy: Path, before: tuple[str, ...]) -> None:
    # What a worker says last on standard error is told by the front end.
    add(copy, "probe/channels/simulated.py", "SimulatedChannel.open", WORKER)
    status, _, err = run(copy, "demo", "-r", *QUICK, before=before)
    assert status == 4
    assert "'shadow': 'Permission denied', 'etc': 'Permission denied', 'program': 'done'" in err
    assert "'execute': 'done'" not in err


@pytest.mark.parametrize("before", ROOT_ALONE.values(), ids=ROOT_ALONE.keys())
def test_a_scenario_that_was_named_is_read_all_the_same(copy: Path, before: tuple[str, ...]) -> None:
    scenario = copy / "here" / "own.toml"
    shutil.copy(SOURCE / "hopscope" / "sim" / "scenarios" / "tour.toml", scenario)
    for words in (("demo", "own.toml"), ("--method", "simulated", "--scenario", str(scenario), "192.0.2.80")):
        status, out, err = run(copy, *words, "-r", *QUICK, before=before)
        assert (status, err) == (0, ""), words
        assert "1.|--" in out


@pytest.mark.parametrize("before", ROOT_ALONE.values(), ids=ROOT_ALONE.keys())
def test_doctor_says_that_landlock_keeps_them_from_roots_files(copy: Path, before: tuple[str, ...]) -> None:
    _, out, _ = run(copy, "doctor", "--format", "json", before=before)
    found = json.loads(out)
    assert found["worker"]["user"].startswith("root")
    assert (found["worker"]["landlock"], found["front_end"]["landlock"]) == ("named-files", "named-files")
    _, out, _ = run(copy, "doctor", before=before)
    assert "reads the program alone" in " ".join(out.split())


SUDO = {"SUDO_UID": "12345", "SUDO_GID": "12345"}


def test_for_a_caller_who_cannot_read_the_program_no_file_is_opened_by_name(copy: Path) -> None:
    secret = copy / "here" / "secret"
    secret.write_text("root-secret\n")
    report = copy / "here" / "report"
    (copy / "home" / ".config" / "hopscope").mkdir(parents=True)
    (copy / "home" / ".config" / "hopscope" / "config.toml").write_text("[probe]\ntos = 999\n")
    for words in (("-F", str(secret)), ("--config", str(secret), "h"), ("demo", str(secret) + ".toml"),
                  ("demo", "--output", str(report))):  # fmt: skip
        status, out, err = run(copy, *words, "-r", *QUICK, called=SUDO)
        assert (status, out) == (2, "")
        assert "user 12345, who cannot read the installed program" in err
        assert "root-secret" not in err
    assert not report.exists()
    more = {"HOPSCOPE_OPTIONS": f"-F {secret}"}
    status, out, _ = run(copy, "demo", "-r", *QUICK, called={**SUDO, **more})
    assert (status, "1.|--" in out) == (0, True)


def test_without_landlock_doctor_says_what_a_process_of_root_can_still_reach(copy: Path) -> None:
    landlock = copy / "lib" / "hopscope" / "sandbox" / "landlock.py"
    landlock.write_text(landlock.read_text() + "\n\ndef abi() -> int:\n    return 0\n")
    _, out, _ = run(copy, "doctor")
    assert " ".join(out.split()).count("no Landlock, so it can still read and write root's own files") == 2
    assert json.loads(run(copy, "doctor", "--format", "json")[1])["front_end"]["landlock"] == "none"


def test_nor_is_one_made_on_the_screen() -> None:
    standing = FrontEndStanding(user="root, privileges given up", is_root=True, behind="alice")
    assert standing.create is not None
    with pytest.raises(PermissionError, match="no file is made for alice"):
        standing.create("/tmp/report.txt")


def test_roots_report_may_go_into_a_folder_of_somebody_elses(copy: Path) -> None:
    """As a container's root writes into a folder of the host's. Under sudo it is the caller who may not."""
    folder = copy / "reports"
    folder.mkdir(mode=0o755)
    os.chown(folder, 4321, 4321)
    report = folder / "report.txt"
    status, _, err = run(copy, "demo", "-r", *QUICK, "--output", str(report))
    assert (status, err, report.read_text()[:6]) == (0, "", "Start:")
    report.write_text("old, and much longer than it will be\n" * 1000)
    os.chown(report, 4321, 4321)
    assert run(copy, "demo", "-r", *QUICK, "--output", str(report))[0] == 0
    assert (report.read_text()[:6], report.stat().st_uid) == ("Start:", 4321)
