"""What a scenario file may say, and how it is told that it may not."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from hopscope.sim import ScenarioError, demo, language, list_scenarios, load, name_tables, parse, values, weather_tables
from hopscope.sim.network import Network
from tests.sim.world import TARGET, hops, router

GOOD = hops(router(1), router(2)) + TARGET


def complaint(text: str) -> str:
    """What a scenario is refused with."""
    with pytest.raises(ScenarioError) as caught:
        parse(text, "net.toml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("net.toml: ")
    return message.removeprefix("net.toml: ")


@pytest.mark.parametrize(
    ("text", "path", "value", "allowed"),
    [
        (hops(router(1), router(2, 'delay = "soon"')) + TARGET, "hops[1].delay (hop 2)", "'soon'", '"1.5ms"'),
        (hops(router(1, "loss = 1.5")) + TARGET, "hops[0].loss (hop 1)", "1.5", "between 0 and 1"),
        (hops(router(1, "loss = {}")) + TARGET, "hops[0].loss", "", "exactly one of"),
        (hops(router(1, "loss = { burst = 2 }")) + TARGET, "hops[0].loss.burst", "2", "between 0 and 1"),
        (hops(router(1, "loss = { every = 0 }")) + TARGET, "hops[0].loss", "", "1 to 1000000000"),
        (hops('{ at = "192.0.2.300" }') + TARGET, "hops[0].at", "'192.0.2.300'", "IPv4 or IPv6"),
        (hops('{ at = ["192.0.2.1", "fe80::1%eth0"] }') + TARGET, "hops[0].at", "fe80", "without a zone"),
        (hops(router(1, 'error = "broken"')) + TARGET, "hops[0].error", "'broken'", "port-unreachable"),
        (hops(router(1, 'error = "3/256"')) + TARGET, "hops[0].error", "'3/256'", "up to 255"),
        (hops(router(1, 'distribution = "flat"')) + TARGET, "hops[0].distribution", "'flat'", "invalid enum value"),
        (hops(router(1, "mtu = 20")) + TARGET, "hops[0].mtu", "20", ">= 28"),
        (hops(router(1, "quote = -1")) + TARGET, "hops[0].quote", "-1", ">= 0"),
        (hops(router(1, 'quote = "some"')) + TARGET, "hops[0].quote", "'some'", ""),
        (hops(router(1, "rate_limit = { rate = 0 }")) + TARGET, "hops[0].rate_limit.rate", "0", "> 0"),
        (hops(router(1, "weights = [1, 2, 3]")) + TARGET, "hops[0]", "", "as many `weights`".replace("`", "")),
        (hops(router(1, "mpls = [{ label = 1048576 }]")) + TARGET, "hops[0].mpls[0].label", "1048576", "<= 1048575"),
        (hops(router(1, 'extensions = [{ number = 1, data = "xx" }]')) + TARGET, "extensions[0].data", "'xx'", "hexa"),
        (GOOD + 'icmp = "maybe"\n', "targets[0].icmp", "'maybe'", '"silent"'),
        (GOOD + "open = [80, 70000]\n", "targets[0].open[1]", "70000", "<= 65535"),
        (GOOD + TARGET, "the scenario", "", "a name of its own"),
        (hops(router(1)), "the scenario", "", "targets"),
        ("targets = []\n", "targets", "[]", ">= 1"),
        ('seed = "x"\n' + GOOD, "seed", "'x'", "int"),
        (GOOD + "[[changes]]\nat = 0\noutage = 9\n", "the scenario", "", "at most 3"),
        (GOOD + "[[changes]]\nat = 0\n", "changes[0]", "", "exactly one of"),
        (GOOD + '[[changes]]\nat = "2s"\nuntil = "1s"\noutage = 1\n', "changes[0]", "", "later"),
        (GOOD + "[[changes]]\nat = 0\nevery = 5\noutage = 1\n", "changes[0]", "", "until"),
        (GOOD + "[[changes]]\nat = 0\nhop = 1\nset = { colour = 1 }\n", "changes[0].set.colour", "", "mtu_silent"),
        (GOOD + "[[changes]]\nat = 0\nhop = 1\nset = { loss = 3 }\n", "changes[0].set.loss", "3", "between 0 and 1"),
        (GOOD + '[[changes]]\nat = 0\ntarget = "x"\nset = { icmp = "silent" }\n', "the scenario", "", "no target"),
        (GOOD + "[names]\nbox = 'x'\n", "the scenario", "", "'box'"),
        (GOOD + '[[origins]]\nprefix = "192.0.2.1/24"\nasn = 1\nname = "x"\n', "origins[0]", "", "host bits"),
        ("hops = [", "no TOML", "", ""),
    ],
    ids=range(33),
)
def test_a_broken_scenario_is_one_line_with_path_value_and_what_is_allowed(
    text: str, path: str, value: str, allowed: str
) -> None:
    message = complaint(text)
    assert path in message
    assert value in message
    assert allowed in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1\n" + GOOD, "colour: there is no such key; known are: title, story, seed,"),
        (hops(router(1, "dealy = 3")) + TARGET, "hops[0].dealy (hop 1): there is no such key (did you mean delay?)"),
        (
            hops(router(1, "loss = { rnd = 1 }")) + TARGET,
            "hops[0].loss.rnd (hop 1): there is no such key (did you mean random?); known are: random, every",
        ),
        (
            GOOD + "[weather]\nforged = { shares = 1 }\n",
            "weather.forged.shares: there is no such key (did you mean share",
        ),
        (
            hops("{ branches = [{ hop = [] }] }") + TARGET,
            "hops[0].branches[0].hop (hop 1): there is no such key (did you",
        ),
    ],
    ids=range(5),
)
def test_an_unknown_key_is_refused_with_the_keys_that_there_are(text: str, message: str) -> None:
    assert message in complaint(text)


def test_values_that_could_move_a_terminal_are_shown_escaped() -> None:
    assert "\x1b" not in complaint(GOOD + '"\\u001b[31m" = 1\n')
    assert "\x1b" not in complaint(hops(router(1, 'delay = "\\u001b[31m"')) + TARGET)
    with pytest.raises(ScenarioError) as caught:
        load("./\x1b[31m.toml")
    assert "\x1b" not in str(caught.value)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "none.toml", "no such file"),
        (tmp_path, "no scenario" if tmp_path.name.endswith(".toml") else "Is a directory"),
    ):
        with pytest.raises(ScenarioError, match=words):
            load(f"{path}/" if path.is_dir() else str(path))
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'title = "\xe9"')
    with pytest.raises(ScenarioError, match="byte 9 is no UTF-8"):
        load(str(latin))
    big = tmp_path / "big.toml"
    big.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(ScenarioError, match="at most 1048576 bytes"):
        load(str(big))
    with pytest.raises(ScenarioError):
        load("bad\0name.toml")


def test_a_nest_too_deep_is_refused_and_not_followed() -> None:
    deep = "{ branches = [{ hops = [" * 400 + "] }] }" * 400
    complaint(hops(deep) + TARGET)


def test_a_wrong_scenario_name_is_met_with_those_that_there_are() -> None:
    with pytest.raises(
        ScenarioError, match=r"there is no scenario 'healty'\. Did you mean healthy\? Built in are: tour, "
    ):
        load("healty")
    with pytest.raises(ScenarioError, match="there is no scenario"):
        load("..")


@pytest.mark.parametrize(
    ("written", "nanos"),
    [("250us", 250_000), ("1.5ms", 1_500_000), (2, 2_000_000), (0.5, 500_000), ("1 m", 60 * 10**9)],
)
def test_durations_have_units_and_bare_numbers_are_milliseconds(written: object, nanos: int) -> None:
    assert values.Duration.of(written) == nanos


@pytest.mark.parametrize(
    "written", ["", "1", "-1ms", "1h", "1e3s", -1, True, float("nan"), float("inf"), "99999999s", None]
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="a duration"):
        values.Duration.of(written)


def test_every_built_in_scenario_has_a_title_a_story_and_can_be_played() -> None:
    stories = list_scenarios()
    assert stories[0].name == "tour"
    names = {story.name for story in stories}
    assert names >= {
        "tour", "healthy", "ratelimit", "wifi", "lossy-link", "bundle", "ecmp", "route-change", "outage", "mpls",
        "silent-target", "loop", "bufferbloat", "ipv6", "hostile",
    }  # fmt: skip
    for story in stories:
        assert story.title
        assert 20 < len(story.story) <= 160
        Network(load(story.name))
        told = demo(story.name)
        assert told.title == story.title
        assert told.targets
        assert set(told.origins.values())
        for _, address in told.targets:
            assert address in told.names or story.name == "ecmp"


def test_documentation_networks_are_all_that_built_in_scenarios_use() -> None:
    documented = (
        r"(192\.0\.2|198\.51\.100|203\.0\.113|198\.18\.\d+|192\.168\.\d+|100\.64\.\d+)\.\d+|2001:db8:[0-9a-f:]+"
    )
    for story in list_scenarios():
        for node in language.every_node(load(story.name)):
            assert all(re.fullmatch(documented, address) for address in node.at)


DOCS = Path(__file__).parents[2] / "docs" / "scenarios.md"


def sections() -> dict[str, set[str]]:
    """The keys that the document's tables list, by heading."""
    found: dict[str, set[str]] = {}
    heading = ""
    for line in DOCS.read_text("utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif match := re.match(r"\| `([a-z_0-9]+)` \|", line):
            found.setdefault(heading, set()).add(match[1])
    return found


@pytest.mark.parametrize(
    ("heading", "structs"),
    [
        ("The file", [language.Scenario]),
        ("A node", [language.Node]),
        ("A hop", [language.Hop]),
        ("Branches", [language.Branch]),
        ("A target", [language.Target]),
        ("Loss", [values.LossTable]),
        ("rate_limit", [language.RateLimit]),
        ("queue", [language.Queue]),
        ("Extensions", [language.MplsEntry, language.Interface, language.Extension]),
        ("nat", [language.Nat]),
        ("Changes", [language.Change]),
        ("loop", [language.Loop]),
        ("Weather", [weather_tables.Weather]),
        ("Names", [name_tables.Dns, name_tables.Origin]),
    ],
)
def test_every_key_is_documented_and_nothing_else(heading: str, structs: list[type[msgspec.Struct]]) -> None:
    fields = {field for struct in structs for field in struct.__struct_fields__}
    if issubclass(structs[0], language.Node) and structs[0] is not language.Node:
        fields -= set(language.Node.__struct_fields__)
    assert sections()[heading] == fields


def test_every_default_in_the_document_is_the_default() -> None:
    text = DOCS.read_text("utf-8")
    assert values.Duration.of("1ms") == language.Node().delay
    assert '| `delay` | duration | `"1ms"` |' in text
    assert '| `limit` | duration | `"200ms"` |' in text
    assert values.Duration.of("200ms") == language.Queue(rate=1).limit
    assert language.RateLimit(rate=1).burst == 1
    assert name_tables.Dns(at=values.Addresses()).ttl == 300
    assert weather_tables.Weather().duplicate_delay == values.Duration.of("1ms")
    table = values.LossTable(burst=values.Share(0.1))
    assert [float(share) for share in (table.recover, table.in_burst, table.between)] == [0.25, 1, 0]


def test_every_error_name_is_documented_and_every_documented_one_exists() -> None:
    paragraph = DOCS.read_text("utf-8").split("Errors by name:")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z-]+)`", paragraph)) == set(values.ERROR_NAMES)


def test_every_example_of_the_document_parses() -> None:
    examples = re.findall(r"```toml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert len(examples) >= 7
    for example in examples:
        Network(parse(example))
