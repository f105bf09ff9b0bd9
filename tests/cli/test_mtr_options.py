"""The command line as mtr reads it: values, the last of several, beginnings, and what is wrong in mtr's own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hopscope.cli.mtr_options import AskedAsMtr, Wrong, read, usage
from hopscope.cli.options import Options, combine


def _read(line: str, **environ: str) -> dict[str, Any]:
    return read(line.split(), environ)


def _options(line: str, **environ: str) -> Options:
    return combine(_read(line, **environ), {"XDG_CONFIG_HOME": "/nonexistent"})


def test_mtrs_own_defaults_hold() -> None:
    options = _options("-r h")
    probing = options.probing
    assert (probing.protocol, probing.interval_s, probing.rounds) == ("icmp", 1.0, 10)
    assert (probing.timeout_s, probing.grace_s) == (10.0, 5.0)
    assert (probing.first_ttl, probing.max_ttl, probing.max_unknown) == (1, 30, 12)
    assert (options.targets, options.format, options.style.fields) == (("h",), "text", "LS NABWV")


def test_without_a_name_it_is_the_local_host() -> None:
    assert _options("-r").targets == ("localhost",)


@pytest.mark.parametrize("word", ["demo", "doctor", "config"])
def test_no_word_is_a_command(word: str) -> None:
    options = _options(f"-r {word}")
    assert (options.action, options.targets) == ("trace", (word,))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-r -j h", "mtr-json"),
        ("-j -r h", "text"),
        ("-p --raw h", "mtr-raw"),
        ("-w -r h", "wide"),
        ("-r -t h", None),
        ("h", None),
        ("-j -p h", "mtr-split"),
        ("h -C", "mtr-csv"),
    ],
)
def test_the_last_layout_wins_wherever_it_stands(line: str, expected: str | None) -> None:
    assert _options(line).format == expected


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("-rwc5 h", {"rounds": 5}),
        ("-rc 0 h", {"rounds": 0}),
        ("--report-c=3 -r h", {"rounds": 3}),
        ("--int 2 h", None),
        ("--interv 1e-1 -r h", {"interval_s": 0.1}),
        ("-i 0.001 -r h", {"interval_s": 0.01}),
        ("-Z 100 -r h", {"timeout_s": 60.0}),
        ("-Z 0 -r h", {"timeout_s": 0.001}),
        ("-G .5 -r h", {"grace_s": 0.5}),
        ("-f 9 -m 5 -r h", {"first_ttl": 5, "max_ttl": 5}),
        ("-m 1000 -U 0 -f 0 -r h", {"first_ttl": 1, "max_ttl": 255, "max_unknown": 1}),
        ("-Q 300 -r h", {"tos": 0}),
        ("-P 80 -r h", {"port": None}),
        ("-P 9 -T -r h", {"port": 9, "protocol": "tcp"}),
        ("-u -L 2000 -r h", {"local_port": 2000}),
        ("-M 5 -r h", {"method": "raw"}),
        ("--inet6 -r h", {"family": 6}),
        ("-c +1 -r h", {"rounds": 1}),
        ("-l h", {"opening": "stepwise"}),
    ],
)
def test_values_are_taken_as_mtr_takes_them(line: str, fields: dict[str, object] | None) -> None:
    if fields is None:
        with pytest.raises(Wrong, match="possibilities: '--interval' '--interface'"):
            _read(line)
        return
    probing = _options(line).probing
    assert {name: getattr(probing, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("line", "words", "usage"),
    [
        ("--nosuch=4", "unrecognized option '--nosuch=4'", True),
        ("--repo", "option '--repo' is ambiguous; possibilities: '--report' '--report-wide' '--report-cycles'", True),
        ("--report=4", "option '--report' doesn't allow an argument", True),
        ("--port", "option '--port' requires an argument", True),
        ("-X", "invalid option -- 'X'", True),
        ("-g", "invalid option -- 'g'", True),
        ("-rc", "option requires an argument -- 'c'", True),
        ("--format json h", "unrecognized option '--format'", True),
        ("-c x h", "invalid argument: 'x'", False),
        ("-c -5 h", "invalid argument: '-5'", False),
        ("-c 1.5 h", "invalid argument: '1.5'", False),
        ("-c 99999999999999999999 h", "invalid argument: '99999999999999999999': Numerical result out of range", False),
        ("-s -100 h", "invalid argument: '-100'", False),
        ("-i 0 h", "wait time must be positive", False),
        ("-i nan h", "invalid argument: 'nan'", False),
        ("-G 0 h", "wait time must be positive", False),
        ("-o Q h", "Unknown field identifier: Q", False),
        ("-o LLLLLLLLLLLLLLLLLLLLL h", "Too many fields: LLLLLLLLLLLLLLLLLLLLL", False),
        ("-P 0 h", "Illegal port number: 0", False),
        ("-L 80 h", "Illegal port number: 80", False),
        ("-y 5 h", "value 5 out of range (0 - 4)", False),
        ("--displaymode 7 h", "value out of range (0 - 2): 7", False),
        ("-u -T h", "-u , -T and -S are mutually exclusive", False),
        ("-S h", "Packet type unsupported: Operation not supported", False),
        ("-M 4294967295 h", "invalid argument: '4294967295'", False),
    ],
)
def test_what_is_wrong_is_said_in_mtrs_words(line: str, words: str, usage: bool) -> None:
    with pytest.raises(Wrong) as caught:
        _read(line)
    assert (str(caught.value), caught.value.usage) == (words, usage)


def test_the_first_of_help_version_and_mistakes_is_what_counts() -> None:
    for line, begins in (
        ("-hv", "\nUsage:\n mtr [options] hostname\n"),
        ("-vh", "mtr 0.95\n"),
        ("-v --nosuch", "mtr "),
    ):
        with pytest.raises(AskedAsMtr) as caught:
            _read(line)
        assert str(caught.value).startswith(begins)
    with pytest.raises(Wrong):
        _read("--nosuch -v")


def test_the_usage_names_each_option_and_fits_eighty_columns() -> None:
    assert max(len(line) for line in usage().splitlines()) <= 80
    for flags in ("-4, --inet", "-r, --report", "-G, --gracetime S", "    --displaymode N", "-M, --mark N"):
        assert f" {flags} " in usage()


def test_mtr_options_are_read_before_the_command_line() -> None:
    options = _options("-c 1 -6 h", MTR_OPTIONS="-4 -c 9\t-r ignored.example")
    assert (options.probing.rounds, options.probing.family, options.format) == (1, 6, "text")
    assert options.targets == ("h",)


def test_mtr_options_know_no_quotes() -> None:
    with pytest.raises(Wrong, match="invalid argument: ''1''"):
        _options("h", MTR_OPTIONS="-c '1'")


def test_hopscopes_own_options_in_the_environment_are_not_read() -> None:
    options = combine(read(["-r", "h"], {}), {"HOPSCOPE_OPTIONS": "-c 77 --nosuch"})
    assert options.probing.rounds == 10


def test_hopscopes_own_configuration_is_not_read_for_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "hopscope"
    folder.mkdir()
    (folder / "config.toml").write_text("this is no TOML")
    assert combine(_read("-r h"), {"XDG_CONFIG_HOME": str(tmp_path)}).format == "text"


def test_names_from_a_file_come_first_each_line_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "names"
    file.write_text("one.example\n two.example \n\n")
    assert _options(f"-r -F {file} three.example").targets == ("one.example", "two.example", "", "three.example")


def test_a_file_is_read_only_when_the_privileges_are_given_up() -> None:
    values = _read("-r -F /nonexistent/names h")
    with pytest.raises(Wrong, match=r"^open /nonexistent/names: No such file or directory$"):
        combine(values, {})


def test_two_dashes_end_the_options() -> None:
    assert _options("-r -- -r").targets == ("-r",)
