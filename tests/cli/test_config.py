"""The configuration file: strict, harmless, and changed line by line."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest

from hopscope.cli import config, show_config
from hopscope.cli.config_edit import edit, keep
from hopscope.cli.errors import UsageError
from hopscope.cli.options import read


def _environment(folder: Path, text: str | None = None) -> dict[str, str]:
    if text is not None:
        (folder / "hopscope").mkdir()
        (folder / "hopscope" / "config.toml").write_text(text)
    return {"XDG_CONFIG_HOME": str(folder)}


def test_the_file_gives_defaults_and_everything_else_wins(tmp_path: Path) -> None:
    environment = _environment(
        tmp_path,
        '[probe]\ninterval = "500ms"\ntimeout = 2\nprotocol = "udp"\nport = 53\nrounds = 4\n'
        '[report]\nnames = "both"\nfields = "LS"\nowners = true\n',
    )
    options = read(["-c", "7", "h"], {**environment, "HOPSCOPE_OPTIONS": "-i 3"})
    probing = options.probing
    assert (probing.interval_s, probing.timeout_s, probing.rounds) == (3.0, 2.0, 7)
    assert (probing.protocol, probing.port) == ("udp", 53)
    assert (options.style.names, options.style.fields, options.style.owners) == ("both", "LS", True)
    assert read(["--config", "", "h"], environment).probing.interval_s == 1.0


def test_a_missing_file_is_no_error_unless_it_was_named(tmp_path: Path) -> None:
    assert read(["h"], _environment(tmp_path)).config.path is None
    with pytest.raises(UsageError, match="No such file"):
        read(["--config", str(tmp_path / "none.toml"), "h"], {})


def test_without_xdg_the_file_stands_in_the_home_folder() -> None:
    assert config.default_path({"HOME": "/home/x"}) == Path("/home/x/.config/hopscope/config.toml")
    assert config.default_path({"HOME": "/home/x", "XDG_CONFIG_HOME": "relative"}).parts[1] == "home"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[prob]", "prob: there is no such key (did you mean probe?)"),
        ("[probe]\nintervall = 1", "probe.intervall: there is no such key (did you mean interval?)"),
        ("[probe]\ninterval = true", "probe.interval: expected float | str, got bool"),
        ("[probe]\ninterval = '5x'", "probe.interval: '5x' is no duration"),
        ("[probe]\nfamily = 5", "allowed are: 4, 6"),
        ("[probe]\nprotocol = 'sctp'", "allowed are: auto, icmp, udp, tcp"),
        (
            "[probe]\nmethod = 'simulated'",
            "probe.method: simulated: only the command line asks for a network that is not",
        ),
        ("[probe]\nport = 0", "probe.port: '0' is out of range; allowed are 1 to 65535"),
        ("[report]\nfields = 'Q'", "report.fields: 'Q' in 'Q' is no column"),
        ("[report]\nnames = 'x'", "allowed are: names, addresses, both"),
        ("[screen]\nchart_view = 'x'", "allowed are: time, profile, distribution, heat"),
        ("[screen]\nrefresh = 0", "screen.refresh: '0.0' is out of range"),
        ("[names]\nservers = ['dns.example']", "names.servers: 'dns.example' is no address"),
        ("[keys]\nx = 1", "keys[...]: expected str | array, got int"),
        ("probe = 3", "probe: expected object, got int"),
        ("x", "no TOML"),
        ("[probe\n", "no TOML"),
        ("a = " + "[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_with_file_path_and_what_is_allowed(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read(["--config", str(path), "h"], {})
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).isprintable()


def test_a_file_that_is_no_text_or_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="byte 0 is no UTF-8"):
        config.load(str(path), {})
    path.write_bytes(b"#" * (config.MAX_FILE + 1))
    with pytest.raises(UsageError, match="at most"):
        config.load(str(path), {})
    with pytest.raises(UsageError, match="Is a directory"):
        config.load(str(tmp_path), {})


@pytest.mark.needs("root")  # to give a file away
def test_another_users_file_is_not_read(tmp_path: Path) -> None:
    environment = _environment(tmp_path, "[probe]\ninterval = 5\n")
    path = config.default_path(environment)
    os.chown(path, 65534, 65534)
    options = read(["h"], environment)
    assert options.probing.interval_s == 1.0
    assert "belongs to another user" in options.notes[0]


def test_with_more_rights_than_its_caller_no_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = _environment(tmp_path, "[probe]\ninterval = 5\n")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert read(["h"], {**environment, "HOPSCOPE_OPTIONS": "-i 9"}).probing.interval_s == 1.0
    with pytest.raises(UsageError, match="more rights"):
        read(["--config", str(tmp_path / "x"), "h"], environment)


def test_the_template_is_a_configuration_that_changes_nothing() -> None:
    assert config.parse(show_config.TEMPLATE) == config.Config()


def test_every_default_of_the_template_is_allowed() -> None:
    """Each commented key, put in force, is read without an error."""
    lines = []
    for line in show_config.TEMPLATE.splitlines():
        taken = line.removeprefix("# ")
        lines.append(taken if "=" in taken.split("#")[0] and taken != line else line)
    loaded = config.parse("\n".join(lines))
    assert config.defaults(loaded)["interval_s"] == 1.0
    assert config.screen_values(loaded)["refresh_s"] == 1.0
    for name in ("probe", "report", "screen"):
        table = getattr(loaded, name)
        assert all(getattr(table, key) is not None for key in table.__struct_fields__), name


_OLD = """\
# mine
[probe]
interval = 2  # slow
[screen]
theme = "hopscope"
columns = [
  "loss",  # first
  "sent",
]

[keys]
"probe.pause" = "p"
"""


def test_only_what_changes_changes() -> None:
    new = edit(_OLD, "probe", "interval", 0.5)
    assert new == _OLD.replace("interval = 2  # slow", "interval = 0.5  # slow")
    new = edit(_OLD, "screen", "columns", ("avg", "spark"))
    assert tomllib.loads(new)["screen"] == {"theme": "hopscope", "columns": ["avg", "spark"]}
    assert new.startswith("# mine\n")
    assert '"probe.pause" = "p"' in new


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_lines_end_as_they_did_and_others_stay_to_the_byte(tmp_path: Path, newline: str, mark: str, last: str) -> None:
    """Some editors end lines by CR LF; U+2028, a form feed and the like end none of TOML's."""
    old = f'{mark}# mine\u2028or\x85yours\n[probe]\ninterval = 2  # slow\n\n[screen]\ntheme = "hopscope"{last}'
    file = tmp_path / "config.toml"
    file.write_bytes(old.replace("\n", newline).encode())
    keep(file, {"probe": {"interval": 0.5, "tos": 8}, "report": {"privacy": 5}})
    new = old.replace("2  # slow", "0.5  # slow\ntos = 8").removesuffix("\n") + "\n\n[report]\nprivacy = 5\n"
    assert file.read_bytes() == new.replace("\n", newline).encode()
    keep(file, {"report": {"privacy": None}, "screen": {"theme": "neon"}})
    new = new.replace('"hopscope"', '"neon"').replace("privacy = 5\n", "")
    assert file.read_bytes() == new.replace("\n", newline).encode()


def test_a_new_key_comes_to_the_end_of_its_table() -> None:
    assert edit(_OLD, "probe", "tos", 8).splitlines()[3] == "tos = 8"
    added = edit("", "screen", "chart", True)
    assert added == "[screen]\nchart = true\n"
    assert tomllib.loads(edit(_OLD, "names", "verify", False))["names"] == {"verify": False}


def test_none_takes_a_key_out() -> None:
    assert "theme" not in edit(_OLD, "screen", "theme", None)
    assert edit(_OLD, "screen", "glyphs", None) == _OLD
    assert edit("", "screen", "glyphs", None) == ""


def test_kept_settings_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "config.toml"
    keep(path, {"screen": {"theme": 'with "quotes" \\ and ü', "chart": None}, "probe": {"interval": 0.25}})
    loaded = config.parse(path.read_text())
    assert config.screen_values(loaded) == {"theme": 'with "quotes" \\ and ü'}
    assert config.defaults(loaded) == {"interval_s": 0.25}
    path.chmod(0o600)
    keep(path, {"probe": {"interval": 4.0}})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["config.toml"]


def test_nothing_is_written_where_the_result_would_be_wrong(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    for text in ("[probe\n", "probe = { interval = 1 }\n", "probe.interval = 1\n"):
        path.write_text(text)
        with pytest.raises(ValueError):
            keep(path, {"probe": {"interval": 2.0}})
        assert path.read_text() == text
    with pytest.raises(ValueError, match=r"probe\.interval"):
        keep(tmp_path / "new.toml", {"probe": {"interval": "never"}})
    assert not (tmp_path / "new.toml").exists()


def test_a_table_in_a_string_is_no_table() -> None:
    text = 'x = """\n[screen]\n"""\n'
    assert tomllib.loads(edit("[keys]\nq = 'a'\n", "keys", "q", "b"))["keys"] == {"q": "b"}
    # Such a file is refused by the strict reader before anything is written; what matters is that nothing raises.
    assert isinstance(edit(text, "screen", "theme", "t"), str)


@pytest.mark.parametrize("home", ["/dev/null", "/nonexistent", "/proc/1/root/x" * 300])
def test_a_home_that_is_none_has_no_configuration(home: str) -> None:
    assert config.load(None, {"HOME": home}) == config.Loaded()


def test_what_is_wrong_with_the_screen_or_the_keys_is_said_by_every_command(tmp_path: Path) -> None:
    for text, says in (
        ('[keys]\n"probe.paws" = "p"\n', "keys.probe.paws: no such action"),
        ('[screen]\ncolumns = ["latency"]\n', "screen.columns: no column 'latency'"),
        ('[screen]\ntheme = "solarised"\n', "screen.theme: no theme 'solarised'"),
    ):
        (tmp_path / "config.toml").write_text(text)
        for words in (["-r", "192.0.2.1"], ["doctor"], ["config"], ["demo", "--list"]):
            with pytest.raises(UsageError, match=says):
                read([*words, "--config", str(tmp_path / "config.toml")], {})


def test_config_prints_what_is_in_force_and_that_is_a_file_that_says_the_same() -> None:
    text = '[probe]\nport = 443\ninterval = "500ms"\n[screen]\ncolumns = ["loss", "spark"]\n'
    text += '[keys]\n"probe.pause" = ["p"]\n'
    loaded = config.parse(text)
    printed = show_config.in_force(loaded)
    assert config.parse(printed) == loaded
    assert show_config.in_force(config.parse("")) == show_config.TEMPLATE
    assert 'interval = "500ms"' in printed
    assert "# timeout = " in printed
