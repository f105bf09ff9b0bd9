"""``hopscope config``: which file is in force, and a commented one with every default."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from hopscope.cli import config as configuration
from hopscope.cli.errors import OK
from hopscope.cli.options import Options
from hopscope.cli.output import Output, say
from hopscope.history.where import state_folder
from hopscope.wire.methods import REAL

TEMPLATE = f"""\
# hopscope's configuration. Every key may be left out; what stands behind a # is the default.
# The command line is stronger than HOPSCOPE_OPTIONS in the environment, and that is stronger than this file.

[probe]
# family = 4               # 4 or 6; left out: the system's order for the name
# protocol = "auto"        # auto, icmp, udp, tcp
# method = "auto"          # {", ".join(("auto", *REAL))}
# port = 33434             # left out: 33434 for UDP, 80 for TCP
# interval = "1s"          # between the starts of two rounds: a number of seconds, or 500ms, 2s, 1m
# timeout = "3s"           # after this a probe counts as lost
# rounds = 10              # left out: a report has 10, the screen is endless
# first_ttl = 1            # the first TTL of a round
# max_ttl = 30             # the largest TTL
# max_unknown = 12         # how many TTLs beyond the last answer are tried
# packet_size = 64         # bytes, IP header included
# pattern = 0              # payload byte
# tos = 0                  # type of service, traffic class
# source = "192.0.2.1"     # left out: the route's
# interface = "eth0"       # left out: the route's
# flows = 1                # parallel flows to a target, by their source ports: UDP and TCP; "auto": one for each path
# certainty_pct = 95.0     # with flows = "auto": how sure it is that no path was missed, if all are equally likely
# budget = 1.0             # error answers a second that several targets ask of one router; 0: no bound

[report]
# fields = "LS NABWV"      # columns of mtr's formats, by mtr's letters
# names = "names"          # names, addresses, both
# owners = false           # owner AS of each address, asked of a third party by DNS
# mpls = false             # in mtr's formats; the others always have MPLS labels
# privacy = 0              # so many hops at the beginning are hidden

[names]
# servers = []             # name servers, e.g. ["192.0.2.53"]; none: the system's
# databases = []           # MMDB files with owners and places, e.g. ["/usr/share/GeoIP/GeoLite2-ASN.mmdb"]
# origin4 = "origin.asn.cymru.com"     # where owners are asked for (-z), in Team Cymru's format
# origin6 = "origin6.asn.cymru.com"    # the same for IPv6
# as_names = "asn.cymru.com"           # where the names of ASes are asked for
# verify = true            # mark names that do not lead back to their address
# owners = false           # owner AS of each address, in reports and on the screen, unless they say otherwise

[screen]
# columns = ["loss", "sent", "last", "best", "avg", "p95", "jitter", "spark"]  # by their keys, in their order
# theme = "hopscope"       # colours; the palette of the screen lists all themes
# names = "names"          # names, addresses, both
# owners = false           # owner AS of each address, asked of a third party by DNS
# mpls = true             # labels beside hops
# chart = true             # left out: where there is room
# chart_view = "time"      # time, profile, distribution, heat
# details = false          # the panel of the chosen hop
# scale = "usual"          # sparklines over each hop's usual; "all": from 0, "hop": own scales
# window = "start"         # what the numbers are over: 60s, 5m, 15m, 1h, or all since the start
# glyphs = "auto"          # auto, unicode, ascii
# refresh = "1s"           # the longest time between two drawings

[history]
# keep = "256MiB"          # of the live screen: so much at the most, on this machine alone; false: nothing

[keys]
# "probe.pause" = "p,space"   # an action's name and its keys; the help of the screen (?) names them all
"""


_LINE = re.compile(r'# "?([\w.]+)"? = ')
_TABLE = re.compile(r"\[(\w+)\]")


def in_force(config: configuration.Config) -> str:
    """The template with what the file says in the place of the defaults that it changes."""
    table, lines = "", []
    for line in TEMPLATE.splitlines():
        heading, key = _TABLE.fullmatch(line), _LINE.match(line)
        if heading:
            table = heading[1]
        value = _said(config, table, key[1]) if key and table and table != "keys" else None
        lines.append(line if value is None or key is None else f"{key[1]} = {value}")
    lines += [f"{_toml(action)} = {_toml(keys)}" for action, keys in config.keys.items()]
    return "\n".join(lines) + "\n"


def _said(config: configuration.Config, table: str, key: str) -> str | None:
    """A value as TOML; None where the file leaves it out."""
    struct = getattr(config, table)
    value = getattr(struct, key, None)
    default = {field.name: field.default for field in msgspec.structs.fields(struct)}.get(key)
    return None if value is None or value == default else _toml(value)


def _toml(value: object) -> str:
    """A text, a number, a switch or an array of texts; JSON writes each as TOML does."""
    return msgspec.json.encode(value).decode()


def run(options: Options, environ: Mapping[str, str]) -> int:
    """Print what is in force, and every default; where that stands, and the history, goes to standard error."""
    if options.config.path is not None:
        say(f"in force: {configuration.plain(options.config.path)}")
    else:
        say(f"no file is in force; this would belong in {configuration.plain(configuration.default_path(environ))}")
    say(f"the history stands in {configuration.plain(state_folder(environ))}")
    Output(options.output).save(in_force(options.config.config))
    return OK
