"""Every option, once: parser, help, man page and completions are made from this table.

An option is a switch (`constant` is what it means) or takes a value (`metavar`, `read`). `dest` is what it sets; where
several options set the same, the last one wins, as with mtr.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Literal, NamedTuple

from hopscope.cli.values import (
    address,
    bounded,
    certainty,
    endpoint,
    fields,
    flows,
    interface,
    name_servers,
    rate,
    size,
    text,
    timeout,
    whole,
)
from hopscope.path.windows import WORDS as WINDOW_WORDS
from hopscope.views.report.formats import FORMATS
from hopscope.wire.methods import METHODS
from hopscope.wire.probing_options import PROBING_OPTIONS

SUBCOMMANDS = ("demo", "doctor", "config", "history", "web", "fleet")
SHELLS = ("bash", "zsh", "fish")

Group = Literal["Probes", "Path", "Report", "Names", "Other", "More", "mtr"]
GROUPS: dict[Group, str] = {
    "Probes": "How probes are sent",
    "Path": "Which hops are probed",
    "Report": "Reports instead of the live screen",
    "Names": "Names and owners",
    "Other": "Other",
    "More": "More options",
    "mtr": "mtr's other options",
}
"""Names of the groups, as the man page heads them."""
UNLISTED: frozenset[Group] = frozenset({"More", "mtr"})
"""Groups that ``--help`` leaves out, so that it fits a screen."""


class Option(NamedTuple):
    """One option."""

    flags: tuple[str, ...]
    dest: str
    group: Group
    brief: str
    """For ``--help``: a few words."""
    long: str = ""
    """For the man page: sentences."""
    constant: Any = None
    metavar: str | None = None
    read: Callable[[str], Any] = text
    choices: Collection[str] = ()
    """The values that there are; a mapping says what each is."""
    may_begin_with_dash: bool = False
    """Whether the value may be written behind a space although it begins with a dash."""
    completes: Literal["", "file", "host", "interface", "scenario"] = ""
    also: tuple[tuple[str, Any], ...] = ()
    """What it sets besides `dest`."""
    of_fleet: str = ""
    """What ``fleet --help`` says of it, in a few words; empty: it is not listed there."""
    verdict: Literal["", "ignored", "refused"] = ""
    """Of an option of mtr's that has no meaning here: ignoring it is harmless, or it is not."""

    @property
    def takes_value(self) -> bool:
        """Whether a value follows."""
        return self.metavar is not None


def _when(word: str) -> int:
    """A moment, counted from now, epoch ns."""
    from hopscope.cli.when import from_now  # the calendar costs a millisecond, and few ask for it

    return from_now(word)


_o = Option
OPTIONS: tuple[Option, ...] = (
    _o(("-4", "--inet"), "family", "Probes", "IPv4 only", "Use the target's IPv4 address.", constant=4),
    _o(("-6", "--inet6"), "family", "Probes", "IPv6 only", "Use the target's IPv6 address.", constant=6),
    _o(("-u", "--udp"), "protocol", "Probes", "UDP probes", "Send UDP datagrams instead of ICMP echo requests.",
       constant="udp"),
    _o(("-T", "--tcp"), "protocol", "Probes", "TCP probes", "Send TCP SYNs instead of ICMP echo requests.",
       constant="tcp"),
    _o(("--icmp",), "protocol", "More", "ICMP probes",
       "Send ICMP echo requests: the default, and how to get back to it. Without this, and where this machine refuses"
       " ICMP to this user, hopscope's own formats and the screen probe by UDP.", constant="icmp"),
    _o(("-P", "--port"), "port", "Probes", "destination port",
       "The destination port: 33434 for UDP, 80 for TCP. ICMP has none; mtr's formats take one silently, as mtr does.",
       metavar="N", read=bounded("port")),
    _o(("-i", "--interval"), "interval_s", "Probes", "round every: 1s",
       "The time between the starts of two rounds, from 10ms on; 1 second unless told.",
       metavar="S", read=bounded("interval_s")),
    _o(("-c", "--report-cycles"), "rounds", "Probes", "rounds: 10",
       "Stop after so many rounds. A report has 10 unless told, the screen is endless. 0: mtr's formats without a hop.",
       metavar="N", read=bounded("rounds")),
    _o(("-Z", "--timeout"), "timeout_s", "Probes", "lost after: 3s",
       "A probe without an answer counts as lost after this time; 3 seconds unless told."
       " More than 60 seconds, which mtr takes too, count as 60.",
       metavar="S", read=timeout),
    _o(("-G", "--gracetime"), "grace_s", "More", "last wait",
       "Wait at most so long for answers after the last probe of the last round; what did not answer by then is lost."
       " Each probe's own timeout (-Z) ends the wait earlier.", metavar="S", read=bounded("grace_s")),
    _o(("-s", "--psize"), "packet_size", "Probes", "bytes in all: 64",
       "Packet size in bytes, IP header included. What is too small for the method is raised.",
       metavar="N", read=bounded("packet_size", " (mtr's random sizes are not available)")),
    _o(("-B", "--bitpattern"), "pattern", "More", "payload byte: 0",
       "The byte that fills the payload; beyond 255 a random one.",
       metavar="N", read=whole(0, 2**31 - 2)),
    _o(("-Q", "--tos"), "tos", "More", "type of service", "Type of service (IPv4) or traffic class (IPv6).",
       metavar="N", read=bounded("tos")),
    _o(("-a", "--address"), "source", "Probes", "source address", "Send from this address of this machine.",
       metavar="A", read=address),
    _o(("-I", "--interface"), "interface", "Probes", "send through it", "Send through this network interface.",
       metavar="NAME", read=interface, completes="interface"),
    _o(("-L", "--localport"), "local_port", "More", "source port",
       "The source port of UDP probes; else, and where another program has it, one of the kernel's choice.",
       metavar="N", read=bounded("local_port")),
    _o(("-M", "--mark"), "mark", "More", "packets' mark",
       "Mark each packet for the firewall and the routing policy of this machine (SO_MARK): by the method raw, on the"
       " command line only.", metavar="N", read=whole(0, 2**32 - 1)),
    _o(("--method",), "method", "Probes", "see doctor",
       "How probes are sent; auto takes the best that this user may use. See hopscope doctor.",
       metavar="M",
       choices={"auto": "the best that this user may use", **{n: m.brief for n, m in METHODS.items()}}),
    _o(("--scenario",), "scenario", "More", "simulated network",
       "The network of the method simulated: a built-in scenario's name or a file that ends with .toml.",
       metavar="NAME", completes="scenario"),
    _o(("--seed",), "seed", "More", "of the simulation", "The seed of the simulated network's chances.",
       metavar="N", read=bounded("seed")),
    _o(("--fast",), "fast", "More", "virtual time",
       "With demo and a report: play the network in virtual time, as quick as the machine can.", constant=True),
    _o(("--start",), "start_ns", "More", "of virtual time",
       "With --fast: when virtual time begins (14:02, 2026-11-25 14:02, -2h, yesterday 20:15); else a fixed moment.",
       metavar="WHEN", read=_when, may_begin_with_dash=True),
    _o(("--flows",), "flows", "More", "parallel flows: 1",
       "Probe each target by so many parallel flows, 1 to 64, with source ports of their own: balancers send them over"
       " different links. By UDP (-u) or TCP (-T). JSON says what became of each. auto: find out which parallel paths"
       " there are, with at most 20 probes a second, and probe each of them.",
       metavar="N", read=flows),
    _o(("--certainty",), "certainty_pct", "More", "of --flows auto: 95 %",
       "With --flows auto: how sure it is to be that no path was missed, if all are equally likely; percent, 95 unless"
       " told. 99 takes a quarter more probes.", metavar="PCT", read=certainty),
    _o(("--budget",), "budget", "More", "asks of a router: 1/s",
       "What several targets ask of one router together: at most so many error answers a second, in turn; most routers"
       " give no more, and what is beyond looks like loss. 1 unless told; 0: no bound, as in mtr's formats. The targets"
       " themselves are probed in every round.", metavar="R", read=rate(0, PROBING_OPTIONS["budget"].high or 0)),
    _o(("-f", "--first-ttl"), "first_ttl", "Path", "first hop: 1", "The first TTL.", metavar="N",
       read=bounded("first_ttl")),
    _o(("-m", "--max-ttl"), "max_ttl", "Path", "last hop: 30", "The largest TTL.", metavar="N",
       read=bounded("max_ttl")),
    _o(("-U", "--max-unknown"), "max_unknown", "Path", "silent hops: 12",
       "How many TTLs beyond the last answer are tried.", metavar="N", read=bounded("max_unknown")),
    _o(("-F", "--filename"), "file", "Path", "read targets",
       "Read targets from a file, one a line or with blanks between; empty lines and what follows a # are left out."
       " A dash: standard input.",
       metavar="FILE", completes="file",
       of_fleet="an agent's targets; a hub's: which site probes whom"),
    _o(("-r", "--report"), "layout", "Report", "text, as mtr's", "Print a report in mtr's layout.", constant="text"),
    _o(("-w", "--report-wide"), "layout", "Report", "text, long names",
       "Print a report in mtr's wide layout. With -C: a row for each address of a hop.", constant="wide",
       also=(("wide", True),)),
    _o(("-j", "--json"), "layout", "Report", "mtr's JSON", "The same as --format mtr-json.", constant="mtr-json"),
    _o(("-C", "--csv"), "layout", "Report", "mtr's CSV", "The same as --format mtr-csv.", constant="mtr-csv"),
    _o(("-x", "--xml"), "layout", "Report", "mtr's XML", "The same as --format mtr-xml.", constant="mtr-xml"),
    _o(("-l", "--raw"), "layout", "Report", "mtr's raw lines", "The same as --format mtr-raw.", constant="mtr-raw"),
    _o(("-p", "--split"), "layout", "mtr", "mtr's split lines", "The same as --format mtr-split.",
       constant="mtr-split"),
    _o(("--format",), "format", "Report", "see below",
       f"Print a report: {', '.join(FORMATS)}. Stronger than the letters above.", metavar="F",
       choices={name: format_.brief for name, format_ in FORMATS.items()}),
    _o(("-o", "--order"), "fields", "Report", "mtr's columns",
       "Columns of the screen and of mtr's formats by mtr's letters: L loss, D lost, R received, S sent, N newest,"
       " B best, A average, W worst, V standard deviation, G geometric mean, J M X I jitter (newest, average, worst,"
       " RFC 3550).",
       metavar="FIELDS", read=fields),
    _o(("--window",), "window", "Report", "numbers of: all",
       "The span of time that the numbers are over: the last 60s, 5m, 15m or 1h, or all since the start.",
       metavar="SPAN", choices=WINDOW_WORDS),
    _o(("--assert",), "assertion", "Report", "else exit 5",
       "Conditions on the result, e.g. 'loss<1 p95<50 hops<20 reached hop[3].loss<5'. One that does not hold makes"
       " the exit status 5, with a line on standard error.", metavar="TEXT"),
    _o(("--explain",), "explain", "Report", "in sentences",
       "Say the report's verdict in full sentences, with what it rests on and what to try: behind the text reports,"
       " with the other formats on standard error. Alone it implies a text report.", constant=True),
    _o(("--output",), "output", "Report", "not to stdout", "Write the report to this file.",
       metavar="FILE", completes="file"),
    _o(("-t", "--curses"), "layout", "mtr", "the live screen",
       "The live screen: the default, and stronger than a report in HOPSCOPE_OPTIONS or the configuration.",
       constant="screen"),
    _o(("-n", "--no-dns"), "dns", "Names", "addresses only", "No reverse look-ups.", constant=False),
    _o(("--dns",), "dns", "More", "names again", "Reverse look-ups: the default, and how to get back to it.",
       constant=True),
    _o(("-b", "--show-ips"), "show_ips", "Names", "addresses too", "Show addresses beside their names.",
       constant=True),
    _o(("-z", "--aslookup"), "owners", "Names", "owner (AS)",
       "The owner AS of each address, asked of a third party by DNS.", constant=True, also=(("ipinfo", 0),)),
    _o(("--no-aslookup",), "owners", "More", "no owners", "No owners: the default.", constant=False),
    _o(("-y", "--ipinfo"), "ipinfo", "mtr", "as -z",
       "Of the owner, in mtr's text reports: 0 the AS (as -z), 1 prefix, 2 country, 3 registry, 4 date of allocation.",
       metavar="N", read=whole(0, 4), also=(("owners", True),)),
    _o(("-e", "--mpls"), "mpls", "Names", "MPLS labels",
       "MPLS labels in mtr's formats; the other formats always have them.", constant=True),
    _o(("--dns-server",), "servers", "Names", "ask it for names",
       "Ask this name server instead of the system's, about local addresses too; commas between several.",
       metavar="A", read=name_servers),
    _o(("--privacy",), "privacy", "Names", "hide N hops",
       "Leave out this machine's name and address, and names, addresses and MPLS labels of the first N hops, wherever"
       " they would be shown.",
       metavar="N", read=whole(0, 255)),
    _o(("--config",), "config", "Other", "configuration",
       "Read this configuration file instead of $XDG_CONFIG_HOME/hopscope/config.toml. An empty name: none.",
       metavar="FILE", completes="file"),
    _o(("--record",), "record", "Other", "keep the trace",
       "Keep this trace in this file too, whatever else is done with it: hopscope history replay FILE. A recording that"
       " is there already is added to.",
       metavar="FILE", completes="file"),
    _o(("--no-history",), "keeps_history", "Other", "no history on disk (else 256 MiB at most, yours alone)",
       "Keep no history of this trace. Else what the live screen measures is kept on this machine, for its user alone,"
       " 256 MiB at the most, in $XDG_STATE_HOME/hopscope (hopscope history).", constant=False),
    _o(("--bell",), "bell", "More", "when lost, and back",
       "On the live screen: ring the terminal's bell when a target is lost and when it is back.", constant=True),
    _o(("--completion",), "completion", "More", "bash, zsh or fish", "Print a completion script for this shell.",
       metavar="SHELL", choices=SHELLS),
    _o(("--man",), "man", "More", "the manual page", "Print the manual page (roff): hopscope --man | man -l -",
       constant=True),
    _o(("--list",), "list", "More", "of demo: scenarios", "With demo: list the built-in scenarios.", constant=True),
    _o(("--since",), "since", "More", "of a recording",
       "With history replay: from this moment on (14:02, 2026-11-25 14:02, yesterday 20:15; -10m counts from the"
       " recording's end).", metavar="WHEN", may_begin_with_dash=True),
    _o(("--until",), "until", "More", "of a recording", "With history replay: up to this moment.",
       metavar="WHEN", may_begin_with_dash=True),
    _o(("--at",), "at", "More", "of a recording", "With history replay: the moment that the screen begins with.",
       metavar="WHEN", may_begin_with_dash=True),
    _o(("--before",), "before", "More", "forget older", "With history forget: all that ended before this moment.",
       metavar="WHEN", may_begin_with_dash=True),
    _o(("--listen",), "listen", "More", "of web: 127.0.0.1:8000",
       "With web: the address of this machine and the port to serve browsers at, 127.0.0.1:8000 unless told; port 0 is"
       " a free one. What is sent is not encrypted: for other machines put a proxy with TLS in front, or use ssh -L.",
       metavar="ADDR:PORT", read=endpoint),
    _o(("--connect",), "connect", "More", "fleet's broker",
       "With fleet: the NATS server, nats://HOST:PORT, or tls://HOST:PORT, to which nothing goes in clear. No secret "
       "belongs there.", metavar="URL",
       of_fleet="the broker: nats://HOST:PORT or tls://HOST:PORT"),
    _o(("--site",), "site", "More", "name of an agent",
       "With fleet agent: the name of its site, letters, digits, - and _.", metavar="NAME",
       of_fleet="an agent's: how its site is called (letters, digits, - _)"),
    _o(("--store",), "store", "More", "folder of history",
       "With history and web: the folder of the store, instead of $XDG_STATE_HOME/hopscope. With fleet: of the agent's"
       " or the hub's own.", metavar="DIR", completes="file",
       of_fleet="folder of its recording; each program has its own"),
    _o(("--keep",), "fleet_keep", "More", "size of its store",
       "With fleet: the store keeps to this size, 1GiB for an agent and 64GiB for a hub unless told; the oldest goes"
       " first, and of an agent's only what the hub has.", metavar="SIZE", read=size,
       of_fleet="the recording's size: 1GiB an agent, 64GiB a hub"),
    _o(("--metrics",), "metrics", "More", "for Prometheus",
       "Serve metrics to Prometheus at this address and port (127.0.0.1:9101, [::1]:9101; a port alone is for this"
       " machine), path /metrics, while the screen is open, the report, agent or hub runs. Port 0: a free one, which is"
       " told on standard error. The formats ndjson and events are endless then, unless -c says otherwise.",
       metavar="ADDR:PORT", read=endpoint,
       of_fleet="numbers for Prometheus"),
    _o(("--creds",), "creds", "More", "fleet's credentials",
       "With fleet: a credentials file (JWT and seed, as nsc writes it).", metavar="FILE", completes="file",
       of_fleet="who one is, as nsc writes it"),
    _o(("--nkey",), "nkey", "More", "fleet's key", "With fleet: a file with the seed of an nkey.", metavar="FILE",
       completes="file",
       of_fleet="the same as a seed alone"),
    _o(("--tls-ca",), "tls_ca", "More", "who signs the broker",
       "With fleet: speak TLS, and believe the certificates that this file's sign.", metavar="FILE",
       completes="file",
       of_fleet="who signs the broker's certificate"),
    _o(("--tls-cert",), "tls_cert", "More", "own certificate", "With fleet: this side's certificate.", metavar="FILE",
       completes="file",
       of_fleet="one's own certificate"),
    _o(("--tls-key",), "tls_key", "More", "its key", "With fleet: the key of --tls-cert.", metavar="FILE",
       completes="file",
       of_fleet="its key"),
    _o(("-v", "--version"), "version", "Other", "the version", "Print the version.", constant=True),
    _o(("-h", "--help"), "help", "Other", "this help", "Print a short help.", constant=True),
    _o(("--displaymode",), "displaymode", "mtr", "",
       "Ignored: the screen shows table and chart at once; the key d changes the chart's view.", metavar="N",
       verdict="ignored"),
    _o(("-S", "--sctp"), "sctp", "mtr", "", "Refused: there are no SCTP probes; use -T or -u.", constant=True,
       verdict="refused"),
    _o(("-g", "--gtk"), "gtk", "mtr", "", "Refused: there is no graphical window; leave it out for the screen.",
       constant=True, verdict="refused"),
)  # fmt: skip


def option(dest: str) -> Option:
    """The first option that sets `dest`."""
    return next(option for option in OPTIONS if option.dest == dest)
