"""What is to be done: the command line over the environment's options over the configuration, checked as a whole."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from hopscope.cli import config as configuration
from hopscope.cli.errors import UsageError
from hopscope.cli.parser import Values, parse, parse_environment
from hopscope.cli.table import option
from hopscope.cli.values import Endpoint, shown
from hopscope.path.windows import WindowName
from hopscope.session.model import Probing
from hopscope.session.query import split_queries
from hopscope.system.files import Unreadable, read_given
from hopscope.views.report.document import MTR_FIELDS, NamesMode, Style
from hopscope.views.report.formats import MTR, STEPWISE, STREAMS, TEXT
from hopscope.wire.methods import METHODS, able_to_send

REPORT_ROUNDS = 10
BEGINNING = """\
a target is missing; to begin with:
  hopscope example.net     the path to a host or an address, live
  hopscope -r example.net  a report of it
  hopscope demo            a simulated network: no privileges, no packet leaves
  hopscope doctor          what this machine allows you; how to get the rest
  hopscope --help          the options (hopscope --man | man -l -: the manual)"""
"""What ``hopscope`` alone says."""
MAX_TARGETS = 256
LARGEST_BYTE = 255
_PROBING = frozenset(Probing.__struct_fields__)


class FleetOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What only a fleet's agent and hub have."""

    connect: str | None = None
    site: str | None = None
    creds: str | None = None
    nkey: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    fleet_keep: int | None = None


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the program."""

    action: Literal["trace", "demo", "doctor", "config", "history", "web", "fleet"] = "trace"
    as_mtr: bool = False
    """The program was called as mtr (`hopscope.cli.as_mtr`)."""
    targets: tuple[str, ...] = ()
    probing: Probing = Probing()
    format: str | None = None
    """The report's format; None: the live screen."""
    style: Style = Style()
    dns: bool = True
    servers: tuple[str, ...] = ()
    """Name servers to ask instead of the system's."""
    window: WindowName = "start"
    """What the numbers are over."""
    port: int | None = None
    """The port of whatever is probed by UDP or TCP later, where ICMP has none."""
    bell: bool = False
    """Ring the terminal's bell when a target is lost, and when it is back."""
    privacy: int = 0
    """How many of the first hops are hidden."""
    assertion: str | None = None
    explain: bool = False
    """Say the verdict in full sentences, too."""
    output: str | None = None
    metrics: Endpoint | None = None
    """Where metrics are served; None: nowhere."""
    record: str | None = None
    """The store that keeps the trace, too."""
    keep: int | None = None
    """Bytes of history that may be kept of the live screen; None: no history."""
    since: str | None = None
    """The span of a recording, as it was written: it may count from the recording's end."""
    until: str | None = None
    at: str | None = None
    """The moment of a recording that the screen begins with."""
    before: str | None = None
    """What ended before this moment is to be forgotten."""
    store: str | None = None
    """The folder of the store."""
    listen: Endpoint | None = None
    """Where browsers are served: address and port; None: where nothing was said."""
    file: str | None = None
    """Of a fleet: the file of targets, or of a hub's assignments."""
    fleet: FleetOptions = FleetOptions()
    list: bool = False
    fast: bool = False
    """A report in virtual time."""
    start_ns: int | None = None
    """When virtual time begins, epoch ns; None: at a fixed moment."""
    config: configuration.Loaded = configuration.Loaded()
    notes: tuple[str, ...] = ()
    """Lines for standard error; none with mtr's formats, whose readers often take both streams for one."""
    given: frozenset[str] = frozenset()
    """What the command line or the environment said, by the parser's names: stronger than what a front end's own
    part of the configuration says."""

    @property
    def names(self) -> NamesMode:
        """How hosts are named."""
        return self.style.names


def read(argv: Sequence[str], environ: Mapping[str, str]) -> Options:
    """All there is to know of this run. `UsageError` with one line where something is wrong."""
    return combine(parse(argv), environ)


def combine(values: Values, environ: Mapping[str, str], *, raised: bool = False) -> Options:
    """As `read`, of a command line that was parsed already. `raised`: this program has more rights than its caller, and
    lets the caller's environment and files not steer it."""
    raised = raised or configuration.is_raised()
    as_mtr = values.get("as_mtr", False)
    below = {} if raised or as_mtr else parse_environment(environ)
    loaded = configuration.Loaded()
    if not as_mtr or _format(values) is None:  # mtr's reports know nothing of hopscope's configuration
        loaded = configuration.load(values.get("config", below.get("config")), environ, raised=raised)
    notes = [*below.pop("notes", []), *values.pop("notes", []), *([loaded.note] if loaded.note else [])]
    merged: Values = {**({} if as_mtr else configuration.defaults(loaded.config)), **below, **values}
    action = values["action"]
    if as_mtr:
        from hopscope.cli.mtr_options import targets_of

        targets = targets_of(values)
    else:
        typed = values["targets"]
        if action == "trace":
            typed = [target for word in typed for target in split_queries(word) or [word]]
        targets = [*typed, *(targets_in(merged.get("file")) if action != "fleet" else ())]
    _check_targets(action, targets, merged.get("list", False), is_alone=set(values) <= {"action", "targets", "as_mtr"})
    asked = _format(merged)
    if asked is None and any(merged.get(name) is not None for name in ("assertion", "output", "explain")):
        asked = "text"
    record, output = merged.get("record"), merged.get("output")
    if record is not None and output is not None and os.path.realpath(record) == os.path.realpath(output):
        raise UsageError(f"--output {shown(output)}: this is the file of --record; the report needs one of its own")
    if merged.get("assertion") is not None:
        from hopscope.cli import assertions

        assertions.read(merged["assertion"])  # what is wrong with it is said before anything is probed
    is_pattern_random = merged.get("pattern", 0) > LARGEST_BYTE
    if is_pattern_random:
        merged["pattern"] = os.urandom(1)[0]
    if merged.get("mark") is not None:
        _check_mark(merged, "mark" in values)
    if action == "demo" and values.get("flows", 1) != 1 and merged.get("protocol", "auto") == "auto":
        merged["protocol"] = "udp"  # ICMP has no ports, and on a simulated network nothing stands against UDP
    probing = _probing(merged, "port" in values, asked)
    _check_fast(merged, action, probing, asked)
    _check_history(merged, action, targets, asked)
    _check_metrics(merged, action)
    fleet = FleetOptions(**{name: merged.get(name) for name in FleetOptions.__struct_fields__})
    follows = action == "history" and targets[:1] == ["follow"]
    if action != "fleet" and not follows and fleet != FleetOptions():
        name = next(name for name in FleetOptions.__struct_fields__ if merged.get(name) is not None)
        raise UsageError(f"{option(name).flags[-1]}: only a fleet has that: hopscope fleet agent, hopscope fleet hub")
    is_endless = asked in (None, "mtr-split") or (merged.get("metrics") is not None and asked in STREAMS - MTR)
    if not is_endless and probing.rounds is None:
        probing = msgspec.structs.replace(probing, rounds=REPORT_ROUNDS)
    if probing.rounds == 0 and asked not in MTR and not as_mtr:
        raise UsageError("-c: no rounds give no answers; only mtr's formats print that (e.g. -r -c 0)")
    if asked in STEPWISE:
        probing = msgspec.structs.replace(probing, opening="stepwise")
    if probing.flows != 1 and "flows" in values:
        _check_flows(probing, asked)
    is_text_of_flows = asked in TEXT and "flows" in values and not as_mtr
    if (asked in MTR and not is_text_of_flows) or as_mtr:
        probing = msgspec.structs.replace(probing, budget=0.0, flows=1)  # mtr knows neither
    return Options(
        action=action,
        as_mtr=as_mtr,
        targets=tuple(targets),
        probing=probing,
        format=asked,
        style=Style(
            fields=merged.get("fields", MTR_FIELDS),
            names=_names(merged),
            owners=merged.get("owners", bool(loaded.config.names.databases)),
            ipinfo=merged.get("ipinfo", 0),
            is_pattern_random=is_pattern_random,
            mpls=_mpls(merged, asked, as_mtr),
            wide=merged.get("wide", False) or asked == "wide",
        ),
        dns=merged.get("dns", True),
        servers=merged.get("servers", loaded.config.names.servers),
        window=merged.get("window", "start"),
        port=merged.get("port"),
        bell=merged.get("bell", False),
        privacy=merged.get("privacy", 0),
        assertion=merged.get("assertion"),
        explain=merged.get("explain", False),
        output=merged.get("output"),
        metrics=merged.get("metrics"),
        record=merged.get("record"),
        keep=configuration.kept_bytes(loaded.config) if merged.get("keeps_history", True) else None,
        since=merged.get("since"),
        until=merged.get("until"),
        at=merged.get("at"),
        before=merged.get("before"),
        store=merged.get("store"),
        listen=merged.get("listen"),
        file=merged.get("file"),
        fleet=fleet,
        list=merged.get("list", False),
        fast=merged.get("fast", False),
        start_ns=merged.get("start_ns"),
        config=loaded,
        notes=() if asked in MTR else tuple(notes),
        given=frozenset({**below, **values}),
    )


def _check_flows(probing: Probing, asked: str | None) -> None:
    if asked in MTR and asked not in TEXT:
        raise UsageError(f"--flows: {asked} knows one flow; add --format json")
    if probing.first_protocol == "icmp":
        raise UsageError("--flows: parallel flows differ by their ports, and ICMP has none; add -u (UDP) or -T (TCP)")


def _check_targets(action: str, targets: Sequence[str], asks_for_list: bool, *, is_alone: bool) -> None:
    """`is_alone`: nothing at all stands on the command line."""
    if action == "fleet":
        return
    if len(targets) > MAX_TARGETS:
        raise UsageError(f"{len(targets)} targets are too many; at most {MAX_TARGETS} at once")
    if asks_for_list and action != "demo":
        raise UsageError("--list is demo's: hopscope demo --list")
    if action == "trace" and not targets:
        missing = "a target is missing: a host name or an address; see hopscope --help"
        raise UsageError(BEGINNING if is_alone else missing)
    if action == "demo" and len(targets) > 1:
        raise UsageError(f"demo: {shown(targets[1])} is one scenario too many (hopscope demo --list)")
    if action in ("doctor", "config") and targets:
        raise UsageError(
            f"{action}: {shown(targets[0])} is one word too many; to trace a host of the name {action}:"
            f" hopscope -- {action}"
        )


def _check_fast(merged: Values, action: str, probing: Probing, asked: str | None) -> None:
    for dest in ("fast", "start_ns"):
        if merged.get(dest) is None:
            continue
        name = "--fast" if dest == "fast" else "--start"
        if action != "demo" and probing.method != "simulated":
            raise UsageError(f"{name}: only a demo has a clock of its own: hopscope demo --fast -r")
        if dest == "start_ns" and merged[dest] < 0:
            raise UsageError("--start: virtual time begins in 1970 or later")
        if dest == "start_ns" and not merged.get("fast"):
            raise UsageError("--start: only virtual time can be told when to begin; add --fast")
        if asked is None:
            raise UsageError(f"{name}: virtual time is for reports; add -r, or --format json")


def _check_metrics(merged: Values, action: str) -> None:
    if merged.get("metrics") is None:
        return
    if action not in ("trace", "demo", "fleet"):
        raise UsageError(f"--metrics: {action} probes nothing that could be counted")
    if merged.get("fast"):
        raise UsageError("--metrics: virtual time is over before anybody asks; leave out --fast")


def _check_history(merged: Values, action: str, words: Sequence[str], asked: str | None) -> None:
    for name in ("since", "until", "at", "before", "store"):
        if name == "store" and action in ("web", "fleet"):
            continue
        if merged.get(name) is not None and action != "history":
            raise UsageError(f"--{name}: only what was recorded has that: hopscope history --{name} …")
    if merged.get("listen") is not None and action != "web":
        raise UsageError("--listen: only hopscope web serves browsers")
    copies = action == "history" and words[:1] == ["replay"]
    untraced = ("doctor", "config", "history", "web", "fleet")
    if merged.get("record") is not None and action in untraced and not copies:
        raise UsageError(f"--record: {action} traces nothing that could be recorded")
    if copies:
        _check_replay(merged, words[1:], asked)


def _check_replay(merged: Values, names: Sequence[str], asked: str | None) -> None:
    """Before any file is made for the recording."""
    if len(names) > 1:
        raise UsageError(f"history replay: {shown(names[1])} is one word too many; name one recording or one target")
    if merged.get("record") is not None and asked is not None:
        raise UsageError("history replay: --record makes a recording and --format a report: one of the two")
    if merged.get("at") is not None and (merged.get("record") is not None or asked is not None):
        raise UsageError("--at: a moment is for the screen; a report or a recording has a span: --since, --until")


def _format(merged: Values) -> str | None:
    asked: str | None = merged.get("format")
    layout: str | None = merged.get("layout")
    if layout == "screen":
        return None
    if layout == "text" and merged.get("wide"):
        layout = "wide"  # mtr's -w stays, also before -r
    return asked or layout


def _mpls(merged: Values, asked: str | None, as_mtr: bool) -> bool:
    """mtr 0.95 itself prints labels in a text report only beside owners (ui/report.c, report_close)."""
    is_bare_text = asked in ("text", "wide") and not merged.get("owners")
    return bool(merged.get("mpls")) and not (as_mtr and is_bare_text)


def _names(merged: Values) -> NamesMode:
    if not merged.get("dns", True):
        return "addresses"
    return "both" if merged.get("show_ips") else "names"


def _probing(merged: Mapping[str, Any], port_given: bool, asked: str | None) -> Probing:
    values = {key: value for key, value in merged.items() if key in _PROBING}
    protocol = values.get("protocol", "auto")
    if protocol == "auto" and asked in MTR:
        values["protocol"] = "icmp"  # where mtr is refused, so are its formats
    if protocol in ("auto", "icmp") and values.get("port") is not None:
        if port_given and asked not in MTR:
            raise UsageError(f"-P {values['port']}: ICMP has no ports; add -T (TCP) or -u (UDP)")
        del values["port"]
    probing = Probing(**values)
    if probing.first_ttl > probing.max_ttl:
        raise UsageError(f"-f {probing.first_ttl} is beyond -m {probing.max_ttl}; the first TTL comes before the last")
    _check_method(probing)
    if probing.source and probing.family and (":" in probing.source) != (probing.family == 6):
        raise UsageError(f"-a {probing.source} is no IPv{probing.family} address; leave out -{probing.family}")
    if probing.scenario is not None and probing.method != "simulated":
        raise UsageError(f"--scenario {shown(probing.scenario)}: only --method simulated has scenarios")
    return probing


def _check_mark(merged: Values, is_on_the_command_line: bool) -> None:
    """Only the sockets that the worker opens before it gives its privileges up can be marked."""
    if not is_on_the_command_line:
        raise UsageError("-M: a mark is set before any file or environment is read; give it on the command line")
    if merged.setdefault("method", "raw") not in ("auto", "raw"):
        raise UsageError(f"-M: the method {merged['method']} marks no packets; --method raw does")
    merged["method"] = "raw"


def _check_method(probing: Probing) -> None:
    protocol = probing.first_protocol
    if probing.method != "auto" and protocol not in METHODS[probing.method].protocols:
        others = able_to_send(protocol)
        raise UsageError(
            f"--method {probing.method} does not send {protocol.upper()}; those that do: {', '.join(others)}"
        )


def targets_in(name: str | None) -> list[str]:
    """Targets, a line each or several with blanks between; what follows a ``#`` is a comment."""
    if name is None:
        return []
    try:
        raw = read_given(name, configuration.MAX_FILE)
    except FileNotFoundError:
        raise UsageError(f"-F {shown(name)}: No such file or directory") from None
    except Unreadable as error:
        raise UsageError(f"-F {shown(name)}: {error}") from None
    lines = os.fsdecode(raw.removeprefix(codecs.BOM_UTF8)).splitlines()
    targets = []
    for number, line in enumerate(lines, 1):
        for target in split_queries(line.partition("#")[0]):
            if target.startswith("-"):
                raise UsageError(f"-F {shown(name)}, line {number}: {shown(target)} is no target")
            targets.append(target)
    return targets
