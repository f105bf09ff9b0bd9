"""The command line as fingers and scripts write it, and what is said where it is wrong."""

from __future__ import annotations

import pytest

from hopscope.cli.errors import UsageError
from hopscope.cli.options import Options, read
from hopscope.cli.parser import parse
from hopscope.cli.table import OPTIONS
from hopscope.views.report.formats import FORMATS

_NO_FILE = {"XDG_CONFIG_HOME": "/nonexistent"}


def _options(line: str, environment: str = "") -> Options:
    return read(line.split(), {**_NO_FILE, "HOPSCOPE_OPTIONS": environment})


def test_the_contracts_defaults() -> None:
    options = _options("192.0.2.1")
    probing = options.probing
    assert options.format is None
    assert (probing.family, probing.protocol, probing.port, probing.method) == (None, "auto", None, "auto")
    assert (probing.interval_s, probing.rounds, probing.timeout_s) == (1.0, None, 3.0)
    assert (probing.first_ttl, probing.max_ttl, probing.max_unknown) == (1, 30, 12)
    assert (probing.packet_size, probing.pattern, probing.tos) == (64, 0, 0)
    assert (options.style.fields, options.style.names, options.style.owners, options.style.mpls) == (
        "LS NABWV",
        "names",
        False,
        False,
    )
    assert _options("-r 192.0.2.1").probing.rounds == 10


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-rwzbc 100 h", {"format": "wide", "rounds": 100}),
        ("-rwc100 h", {"format": "wide", "rounds": 100}),
        ("h -r -c 5", {"format": "text", "rounds": 5}),
        ("--report-cycles=3 --report h", {"format": "text", "rounds": 3}),
        ("--report-c 3 -r h", {"format": "text", "rounds": 3}),
        ("-j h", {"format": "mtr-json"}),
        ("-C h", {"format": "mtr-csv"}),
        ("-x h", {"format": "mtr-xml"}),
        ("-l h", {"format": "mtr-raw"}),
        ("-r -j h", {"format": "mtr-json"}),
        ("-j -r h", {"format": "text"}),
        ("-r --format json h", {"format": "json"}),
        ("--format json -r h", {"format": "json"}),
        ("-w -C h", {"format": "mtr-csv"}),
        ("-i.5 h", {"interval_s": 0.5}),
        ("-i 500ms h", {"interval_s": 0.5}),
        ("-i 2s h", {"interval_s": 2.0}),
        ("-i 1.5m h", {"interval_s": 90.0}),
        ("-Z 250ms h", {"timeout_s": 0.25}),
        ("-4 -6 h", {"family": 6}),
        ("-u -P 53 h", {"protocol": "udp", "port": 53}),
        ("-T --port 0x1bb h", {"protocol": "tcp", "port": 443}),
        ("-Q 0xb8 h", {"tos": 184}),
        ("-a 192.0.2.9 -I eth0 h", {"source": "192.0.2.9", "interface": "eth0"}),
        ("-t -r -t h", {"format": None}),
        ("-c=5 h", {"rounds": 5}),
        ("-rc=5 h", {"format": "text", "rounds": 5}),
    ],
)
def test_options_mean_what_they_mean_to_mtr(line: str, expected: dict[str, object]) -> None:
    options = _options(line)
    for name, value in expected.items():
        there = options.format if name == "format" else getattr(options.probing, name)
        assert there == value, name


def test_several_targets_may_stand_anywhere() -> None:
    assert _options("one -r two -c 3 three").targets == ("one", "two", "three")


def test_a_value_may_begin_with_a_dash_behind_an_equals_sign() -> None:
    options = _options("--output=-r h")
    assert (options.output, options.targets) == ("-r", ("h",))


def test_no_names_is_stronger_than_both_as_with_mtr() -> None:
    assert _options("-nb h").names == "addresses"
    assert _options("-b h").names == "both"


def test_a_host_named_like_a_subcommand_is_traced_after_two_dashes() -> None:
    assert _options("demo").action == "demo"
    options = _options("-r -- demo")
    assert (options.action, options.targets) == ("trace", ("demo",))


def test_the_subcommand_may_stand_behind_its_options() -> None:
    options = _options("-r -c 3 demo tour")
    assert (options.action, options.targets, options.format) == ("demo", ("tour",), "text")


def test_what_can_only_be_a_report_makes_one() -> None:
    assert _options("--assert reached h").format == "text"
    assert _options("--output /dev/null h").format == "text"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-n", "a target is missing"),
        ("--repot h", "'--repot'; did you mean --report?"),
        ("--intervall 2 h", "did you mean --interval?"),
        ("-report h", "did you mean --report?"),
        ("-Y h", "there is no option '-Y'"),
        ("--re h", "'--re' could be --report-cycles, --report"),
        ("--=x h", "there is no option"),
        ("-c", "-c: a value is missing"),
        ("-c x h", "-c: 'x' is no whole number"),
        ("-c ٣ h", "is no whole number"),
        ("-i 0 h", "allowed are 10ms to 86400s"),
        ("-Z 90000 h", "allowed are 1ms to 86400s; more than 60s counts as 60s"),
        ("-i 5x h", "is no duration"),
        ("-i nan h", "is no duration"),
        ("-i -1 h", "-i: '-1' is no duration"),
        ("-i -u h", "-i: a value is missing"),
        ("-s -100 h", "-s: '-100' is out of range; allowed are 0 to 65535 (mtr's random sizes"),
        ("-rwB -1 h", "allowed are 0 to"),
        ("-m 256 h", "allowed are 1 to 255"),
        ("-f 9 -m 5 h", "-f 9 is beyond -m 5"),
        ("-s 70000 h", "allowed are 0 to 65535"),
        ("-P 70000 -u h", "allowed are 1 to 65535"),
        ("-u --flows 0 h", "--flows: '0' is out of range; allowed are 1 to 64 or auto"),
        ("-P 80 h", "ICMP has no ports; add -T"),
        ("-a host h", "'host' is no numeric address"),
        ("-4 -a ::1 h", "no IPv4 address"),
        ("-I averyverylonginterface h", "is no interface"),
        ("--method udp-socket h", "does not send ICMP"),
        ("--method rawr h", "did you mean raw?"),
        ("--format jsn h", "did you mean json?"),
        ("--scenario tour h", "only --method simulated"),
        ("-o LXQ h", "'Q' in 'LXQ' is no column"),
        ("-y 5 h", "allowed are 0 to 4"),
        ("-L 0 h", "allowed are 1 to 65535"),
        ("-M 5 --method ping-socket h", "-M: the method ping-socket marks no packets"),
        ("-S h", "no SCTP"),
        ("-c 0 h", "no rounds give no answers"),
        ("-c 0 --format json h", "no rounds give no answers"),
        ("-P 80 --format json h", "ICMP has no ports"),
        ("-- -x", "begins with '-'"),
        ("demo a b", "one scenario too many"),
        ("doctor now", "hopscope -- doctor"),
        ("--list h", "hopscope demo --list"),
        ("-r5 h", "-r takes no value"),
        ("-r=x h", "-r takes no value, but got 'x'"),
        ("-rq h", "there is no option '-q'"),
        ("-5 h", "there is no option '-5'"),
        ("--report=x h", "--report takes no value, but got 'x'"),
        ("--interval -r h", "--interval: a value is missing"),
        ("-a --report h", "-a: a value is missing"),
        ("--assert loss<<1 h", "is no condition"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_the_value_and_what_to_try(line: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        _options(line)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_control_characters_of_a_word_are_not_repeated() -> None:
    for words in (["-c", "\x1b[31m\n"], ["--r=\x1b[31m"], ["--udp=\x1b[31m"], ["--\x1b[31m"], ["-\x1b"]):
        with pytest.raises(UsageError) as caught:
            read([*words, "h"], _NO_FILE)
        assert str(caught.value).isprintable()


def test_an_option_of_mtrs_that_does_not_matter_here_is_accepted_with_a_line() -> None:
    options = _options("--displaymode 2 h")
    assert [note.split(" ", 1)[0] for note in options.notes] == ["--displaymode"]


@pytest.mark.parametrize("layout", ["-r", "-w", "-j", "-C", "-x", "-l", "-p", "--format wide"])
def test_with_mtrs_layouts_nothing_is_said_that_mtr_would_not_say(layout: str) -> None:
    options = _options(f"--displaymode 2 -G 3 -P 80 {layout} h")
    assert options.notes == ()
    assert options.probing.port is None
    assert options.probing.grace_s == 3.0


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("-p -j h", "mtr-json"),
        ("-p --raw h", "mtr-raw"),
        ("-r -c3 -w -b -p -j h", "mtr-json"),
        ("-j -p h", "mtr-split"),
        ("-w -r h", "wide"),
        ("-r -w h", "wide"),
        ("-w -C h", "mtr-csv"),
    ],
)
def test_the_last_layout_wins_and_wide_stays_as_with_mtr(line: str, name: str) -> None:
    assert _options(line).format == name


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("--in 2 h", {}),
        ("--inet h", {"family": 4}),
        ("--inet6 h", {"family": 6}),
        ("--interv 2 h", {"interval_s": 2.0}),
        ("--psiz 100 h", {"packet_size": 100}),
        ("--timeo 100 h", {"timeout_s": 60.0}),
        ("--report-cy 3 h", {"rounds": 3}),
        ("--grace 1.5 h", {"grace_s": 1.5}),
        ("--r", {}),
    ],
)
def test_a_beginning_means_what_it_means_to_mtr(line: str, fields: dict[str, object]) -> None:
    if fields:
        probing = _options(line).probing
        assert {name: getattr(probing, name) for name in fields} == fields
    else:
        with pytest.raises(UsageError, match=" could be --"):
            _options(line)


def test_a_beginning_that_is_clear_among_mtrs_options_means_mtrs() -> None:
    for word in ("--no", "--ord", "--or", "--show", "--sp", "--js", "--cs", "--ra", "--mp"):
        _options(f"{word} L h" if word.startswith("--o") else f"{word} h")
    assert _options("--no h").dns is False  # and not --no-aslookup


@pytest.mark.parametrize("layout", ["-r", "-j", "-x", "-C", "-l", "-p"])
def test_no_rounds_at_all_are_possible_in_mtrs_layouts(layout: str) -> None:
    assert _options(f"{layout} -c 0 h").probing.rounds == 0


def test_mtrs_streams_find_the_path_hop_by_hop_and_the_others_do_not() -> None:
    assert {name: _options(f"--format {name} h").probing.opening for name in ("mtr-raw", "mtr-split", "mtr-json")} == {
        "mtr-raw": "stepwise",
        "mtr-split": "stepwise",
        "mtr-json": "window",
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [("-z h", (True, 0)), ("-y 2 h", (True, 2)), ("-y 2 -z h", (True, 0)), ("-zy 3 h", (True, 3)), ("h", (False, 0))],
)
def test_the_last_of_owner_and_item_wins(line: str, expected: tuple[bool, int]) -> None:
    style = _options(f"-r {line}").style
    assert (style.owners, style.ipinfo) == expected
    assert style.asns is (expected == (True, 0))


def test_a_pattern_beyond_a_byte_is_a_random_one() -> None:
    options = _options("-B 300 -j h")
    assert 0 <= options.probing.pattern <= 255
    assert options.style.is_pattern_random


def test_the_environment_gives_defaults_and_the_command_line_wins() -> None:
    options = _options("-i 5 h", "-i 2 -c 7 -n --format json")
    assert (options.probing.interval_s, options.probing.rounds) == (5.0, 7)
    assert (options.names, options.format) == ("addresses", "json")
    back = _options("--dns -t h", "-n -r")
    assert (back.names, back.format) == ("names", None)


def test_the_environments_words_may_be_quoted() -> None:
    assert _options("h", "-r -o 'LS N'").style.fields == "LS N"


@pytest.mark.parametrize("text", ["host", "-c x", "'open", "demo", "--nonsense"])
def test_what_is_wrong_in_the_environment_is_said_to_be_there(text: str) -> None:
    with pytest.raises(UsageError, match=r"^HOPSCOPE_OPTIONS: "):
        _options("h", text)


def test_a_port_that_stands_below_does_not_hinder_icmp() -> None:
    assert _options("h", "-P 53").probing.port is None
    assert _options("-u h", "-P 53").probing.port == 53


def test_targets_come_from_a_file(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "targets"
    path.write_text("one.example\n\n# none\n two.example  # second\n")
    assert _options(f"-F {path} zero.example").targets == ("zero.example", "one.example", "two.example")
    path.write_text("one.example two.example, https://three.example/x#y\n")
    assert _options(f"-F {path}").targets == ("one.example", "two.example", "https://three.example/x")
    path.write_text("-x\n")
    with pytest.raises(UsageError, match="line 1"):
        _options(f"-F {path}")
    with pytest.raises(UsageError, match="No such file"):
        _options("-F /nonexistent/targets")


def test_no_flag_stands_twice() -> None:
    flags = [flag for option in OPTIONS for flag in option.flags]
    assert len(flags) == len(set(flags))


def test_every_format_of_the_registry_can_be_asked_for() -> None:
    for name in FORMATS:
        assert parse(["--format", name, "h"])["format"] == name


def test_words_that_were_not_given_are_not_in_the_result() -> None:
    assert parse(["h"]) == {"action": "trace", "targets": ["h"]}
