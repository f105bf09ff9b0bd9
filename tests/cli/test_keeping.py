"""Settings that are kept: nobody who can change names meanwhile turns the write, or the mode, onto another file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hopscope.cli.config_edit import keep

root = pytest.mark.needs("root")
SETTINGS = {"screen": {"chart": False}}
STRANGER = 1234


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for above in (tmp_path, *tmp_path.parents):
        if above.stat().st_uid == os.geteuid() and above != Path("/"):
            above.chmod(above.stat().st_mode | 0o711)
    folder = tmp_path / "home" / "hopscope"
    folder.mkdir(parents=True)
    return folder


def test_the_permissions_of_the_old_file_stay_without_set_id_bits(home: Path) -> None:
    config = home / "config.toml"
    config.write_text("")
    config.chmod(0o6640)
    assert keep(config, SETTINGS) == str(config)
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert "chart = false" in config.read_text()
    assert os.listdir(home) == ["config.toml"]


def test_a_new_file_has_the_permissions_that_the_umask_leaves(home: Path) -> None:
    before = os.umask(0o077)
    try:
        keep(home / "new" / "config.toml", SETTINGS)
    finally:
        os.umask(before)
    assert stat.S_IMODE((home / "new" / "config.toml").stat().st_mode) == 0o600


def test_a_link_of_ones_own_stays_and_leads_to_the_new_settings(home: Path) -> None:
    real = home.parent / "dotfiles.toml"
    real.write_text("")
    (home / "config.toml").symlink_to(real)
    keep(home / "config.toml", SETTINGS)
    assert (home / "config.toml").is_symlink()
    assert "chart = false" in real.read_text()


@pytest.mark.parametrize(
    "text", ['probe.interval = "1s"\n', 'probe = { interval = "1s" }\n', '["probe"]\ninterval = "1s"\n',
             "[probe]\n'interval' = '1s'\n"],
)  # fmt: skip
def test_what_stands_in_a_way_that_cannot_be_changed_is_said_of_the_file_as_it_is(text: str, home: Path) -> None:
    config = home / "config.toml"
    config.write_text(text)
    with pytest.raises(ValueError, match=r"probe\.interval stands there in a way that cannot be changed here$"):
        keep(config, {"probe": {"interval": "2s"}})
    assert config.read_text() == text


def test_a_folder_that_others_can_write_to_keeps_nothing(home: Path) -> None:
    home.chmod(0o777)
    with pytest.raises(OSError, match="others can write to it"):
        keep(home / "config.toml", SETTINGS)
    home.chmod(0o1777)  # a sticky one neither
    with pytest.raises(OSError, match="others can write to it"):
        keep(home / "config.toml", SETTINGS)
    assert os.listdir(home) == []


@root
@pytest.mark.parametrize("whose", ["the folder", "one above it", "the file"])
def test_what_belongs_to_another_user_keeps_nothing(home: Path, whose: str) -> None:
    config = home / "config.toml"
    config.write_text("")
    os.chown({"the folder": home, "one above it": home.parent, "the file": config}[whose], STRANGER, STRANGER)
    with pytest.raises(OSError, match=r"another user|this user's own"):
        keep(config, SETTINGS)
    assert config.read_text() == ""


SWAPPER = """
import os, sys
folder, victim = sys.argv[1:]
os.setresgid(*[1234] * 3); os.setresuid(*[1234] * 3)
os.chdir(folder)
print("ready", flush=True)
while True:
    for name in os.listdir():
        if name != "config.toml":
            try:
                os.unlink(name)
                os.symlink(victim, name)
            except OSError:
                pass
"""


@pytest.fixture
def victim(home: Path) -> Iterator[Path]:
    """A file of root's, and somebody who lays links to it wherever a name appears in the folder that is his."""
    victim = home.parent / "victim"
    victim.write_text("root's")
    victim.chmod(0o600)
    config = home / "config.toml"
    config.write_text("")
    config.chmod(0o4777)
    for path in (home, config):
        os.chown(path, STRANGER, STRANGER)
    config.chmod(0o4777)
    words = [sys.executable, "-c", SWAPPER, str(home), str(victim)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as attacker:
        assert attacker.stdout is not None
        assert attacker.stdout.readline() == "ready\n"
        yield victim
        attacker.kill()


@root
def test_a_race_for_the_names_in_the_folder_never_reaches_another_file(victim: Path, home: Path) -> None:
    for number in range(40):
        try:
            keep(home / "config.toml", {"screen": {"chart": number % 2 == 0}})
        except (OSError, ValueError):
            continue
    assert (victim.read_text(), stat.S_IMODE(victim.stat().st_mode)) == ("root's", 0o600)
