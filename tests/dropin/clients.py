"""Seventeen programs that run mtr and read what it prints, each as it behaves: its words for mtr, and what it makes of
the output. The code is ours; the behaviour is theirs (name and place beside each).

What a client would show, store or send is a plain value here. Times are `Ms`, which are equal where they are near.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

TARGET = "198.18.0.99"
SOURCE = "10.99.0.3"
STEADY = "path-without-loss.toml"
"""For TCP: the kernel repeats a SYN of mtr's ``connect``, and mtr takes the second one's answer for the first's."""


class Ms(float):
    """A time that was measured, ms. Two of them are equal where both are 0, or both are possible on the path, whose
    first hop is 1 ms away, and near: a busy machine delays an answer by a tenth of a second."""

    NEAR = 400.0
    LEAST = 0.95

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ms):
            return False
        first, second = float(self), float(other)
        return first == second == 0 or (min(first, second) >= self.LEAST and abs(first - second) < self.NEAR)

    __hash__ = None  # type: ignore[assignment]  # near ones have no common hash


class Spread(Ms):
    """What may well be 0 of several times: their deviation, their jitter."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spread) and abs(float(self) - float(other)) < self.NEAR

    __hash__ = None


@dataclass(frozen=True, eq=False)
class Late:
    """A name that a stream tells with the next answer once it is known. Which answer that is depends on the machine, so
    one that is not known yet equals any."""

    name: str | None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Late) and (None in (self.name, other.name) or self.name == other.name)

    __hash__ = None  # type: ignore[assignment]


def _times(words: Iterable[str | float]) -> list[Ms]:
    """Times whose last one is the standard deviation, as mtr's reports end."""
    *times, deviation = words
    return [*map(Ms, times), Spread(deviation)]


@dataclass(frozen=True)
class Client:
    """One program."""

    name: str
    words: tuple[str, ...]
    """What it passes to mtr."""
    read: Callable[[str], Any]
    """What it makes of the output. Any exception is the client's own failure."""
    path: str = "path.toml"
    looks_into_proc: bool = False
    """It looks for its running mtr by ``/proc/PID/cmdline``."""


_TIMES: dict[str, type[Ms]] = {"Last": Ms, "Avg": Ms, "Best": Ms, "Wrst": Ms, "StDev": Spread}


# --- JSON ------------------------------------------------------------------------------------------------------


def exporter(text: str) -> Any:
    """mgumz/mtr-exporter: strict types, then one set of labels a hop, of which the first, the last and those between
    are told apart."""
    report = json.loads(text)["report"]
    head = report["mtr"]
    assert {type(head[key]) for key in ("tos", "tests")} == {int}
    assert {type(head[key]) for key in ("src", "dst", "psize", "bitpattern")} == {str}
    metrics = []
    for place, hub in enumerate(report["hubs"]):
        assert type(hub["count"]) is int
        assert type(hub["Loss%"]) is float
        assert type(hub["Snt"]) is int
        kind = "first" if place == 0 else "last" if place == len(report["hubs"]) - 1 else "intermediate"
        times = _times(hub[key] for key in ("Last", "Avg", "Best", "Wrst", "StDev"))
        metrics.append(
            ({**head, "host": hub["host"], "count": hub["count"], "hop": kind}, hub["Loss%"], hub["Snt"], times)
        )
    return metrics


def nagios_json(text: str) -> Any:
    """inexio/check_mtr: the path by its hosts, loss and average of the last hub."""
    hubs = json.loads(text)["report"]["hubs"]
    return "->".join(hub["host"] for hub in hubs), hubs[-1]["Loss%"], Ms(hubs[-1]["Avg"])


def zabbix_json(text: str) -> Any:
    """Deyrick/Zabbix: each value of each hub under a key of its own; the whole output must be one document."""
    report = json.loads(text)["report"]
    assert "mtr" in report
    return {
        f"mtr.{hub['count']}.{key}": _TIMES[key](value) if key in _TIMES else value
        for hub in report["hubs"]
        for key, value in hub.items()
    }


# --- raw -------------------------------------------------------------------------------------------------------


@dataclass
class _Hop:
    address: str | None = None
    name: str | None = None
    is_duplicate: bool = False
    timings: dict[str, Ms | None] = field(default_factory=dict)


def globalping(text: str) -> Any:
    """jsdelivr/globalping-probe: an array by position, filled as lines come; an ``x`` opens a position. Then it walks
    over all of the array, and holes in it are its end (undefined has no address)."""
    hops: list[_Hop | None] = []
    for line in re.split(r"\r?\n", text):
        words = line.split(" ")
        if len(words) < 3:
            continue
        action, position, values = words[0], int(words[1]), words[2:]
        hop = (hops[position] if position < len(hops) else None) or _Hop()
        if action == "h":
            hop.is_duplicate = any(_defined(other).address == values[0] for other in hops[:position])
            hop.address = values[0]
        elif action == "d":
            hop.name = values[0]
        elif action == "x":
            hop.timings[values[0]] = None
        elif action == "p" and values[1] in hop.timings:
            hop.timings[values[1]] = Ms(int(values[0]) / 1000)
        hops += [None] * (position + 1 - len(hops))
        hops[position] = hop
    shown = [
        (hop.address, Late(hop.name), list(hop.timings.values())) for hop in map(_defined, hops) if not hop.is_duplicate
    ]
    assert any(name.name for _, name, _ in shown)
    while shown and shown[-1][0] is None:
        shown.pop()
    return shown


def _defined(hop: _Hop | None) -> _Hop:
    if hop is None:
        raise TypeError("Cannot read properties of undefined (reading 'resolvedAddress')")
    return hop


def go_mtr(text: str) -> Any:
    """Shinzu/mtr_exporter by fastly/go-mtr: a hop for each position that any line names, with its sent and received
    probes, and the target's address as often as it answered."""
    hops: dict[int, dict[str, Any]] = {}
    for line in text.splitlines():
        letter, position, *rest = line.split()
        hop = hops.setdefault(int(position), {"hosts": [], "sent": 0, "rtts": []})
        if letter == "h" and rest[0] not in hop["hosts"]:
            hop["hosts"].append(rest[0])
        elif letter == "x":
            hop["sent"] += 1
        elif letter == "p":
            hop["rtts"].append(Ms(int(rest[0]) / 1000))
    return sorted(hops.items())


def hybula(text: str) -> Any:
    """hybula/lookingglass: hops in the order in which their positions appear first; what stands below the target's
    first row is cut off."""
    order: list[int] = []
    hosts: dict[int, str] = {}
    labels: dict[int, list[tuple[str, ...]]] = {}
    sent: dict[int, int] = {}
    times: dict[int, list[Ms]] = {}
    for line in text.splitlines():
        letter, place, *rest = line.split()
        position = int(place)
        if position not in order:
            order.append(position)
        if letter == "h":
            hosts[position] = rest[0]
        elif letter == "m":
            labels.setdefault(position, []).append(tuple(rest))
        elif letter == "x":
            sent[position] = sent.get(position, 0) + 1
        elif letter == "p":
            times.setdefault(position, []).append(Ms(int(rest[0]) / 1000))
    last = min((position for position, host in hosts.items() if host == TARGET), default=max(order))
    return [
        (position, hosts.get(position), labels.get(position), sent.get(position), times.get(position))
        for position in order
        if position <= last
    ]


def netgraph(text: str) -> Any:
    """qris/netgraph: lines of a hop belong together while the hop stays the same; only ``h`` and ``p`` matter."""
    hops: dict[int, dict[str, Any]] = {}
    previous = None
    details: dict[str, Any]
    for line in text.split("\n")[:-1]:
        fields = line.split(" ")
        hop = int(fields[1])
        details = dict(hops[hop]) if hop == previous else {}
        previous = hop
        if fields[0] == "h":
            details["host"] = fields[2]
        elif fields[0] == "p":
            details["rtt"] = Ms(int(fields[2]) / 1000)
        hops[hop] = details
    return list(hops.items())  # in the order of their first lines, as PHP keeps them


# --- text ------------------------------------------------------------------------------------------------------


def page(text: str) -> Any:
    """telephone/LookingGlass: the lines as they come; only the times in them move."""
    rows = text.splitlines()
    assert rows[0].startswith("Start: ")
    return [(len(row), re.sub(r"\d+\.\d+", "#", row[: row.rfind("%")])) for row in rows[1:]]


_ROW = re.compile(
    r"^\s*(\d+)\.\|--\s+(\S+)\s+([\d.]+)%?\s+(\d+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s*$"
)


def monitoring_plugin(text: str) -> Any:
    """DinoTools/monitoring-check_mtr: one regular expression a row; a line it does not know is a warning."""
    hops, unknown = [], []
    for line in text.splitlines():
        match = _ROW.match(line)
        if match:
            hops.append((int(match[1]), match[2], float(match[3]), int(match[4]), _times(match.groups()[4:])))
        elif not re.match(r"^(Start|HOST):", line):
            unknown.append(line)
    return hops, unknown


def checkmk(text: str) -> Any:
    """Checkmk's agent plugin: throws a report of less than three lines away, wants the head in the first two, and sends
    eight fields of each hop."""
    lines = text.splitlines()
    if len(lines) < 3:
        raise ValueError("less than 3 lines")
    assert lines[0].startswith("Start:")
    assert lines[1].startswith("HOST:")
    fields = []
    for line in lines[2:]:
        match = re.match(r"^\s*\d+\.(?:\|--|)\s*(\S+)\s+(\S+)%?\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)$", line)
        if match:
            fields.append((match[1], match[2].rstrip("%"), match[3], _times(match.groups()[3:])))
    return fields


def zabbix_words(text: str) -> Any:
    """josezipf/zabbix: columns by blanks; the AS in the second, the host in the third."""
    rows = [line.split() for line in text.splitlines()[2:]]
    return [(row[0], row[1], row[2], row[3], row[4], _times(row[5:])) for row in rows]


def influx(text: str) -> Any:
    """June-Wang's coll_mtr.sh: rows without a silent hop and the two heads, their first word dropped, percent signs
    taken out, as lines for InfluxDB."""
    rows = [line for line in text.splitlines() if "???" not in line and "Start" not in line and "Loss" not in line]
    points = []
    for row in rows:
        address, loss, sent, *times = row.split()[1:]
        points.append((f"trace_ip={address} loss={loss},snt={sent}".replace("%", ""), _times(times)))
    return points


def path_string(text: str) -> Any:
    """cetex's path_stats.sh: the last row's loss, and the addresses of the path as one string."""
    rows = [line.split() for line in text.splitlines() if re.search(r"^ +[0-9]+\.", line)]
    return "-".join(row[1] for row in rows), rows[-1][2].replace("%", "")


_EXTENDED = re.compile(
    r"^\s*(?P<hop>\d+)\.\s+(?P<asn>AS\S+)\s+(?P<host>\S+(?: \([^)]*\))?)\s+(?P<loss>[\d.]+)%?\s+(?P<sent>\d+)"
    r"\s+(?P<drop>\d+)\s+(?P<received>\d+)\s+(?P<times>[\d. ]+)$"
)


_ROOM = (5, 5, 5, 5, 4, 4, 4, 4)
"""Characters for each of N, B, A, W, J, M, X, I: mtr(8)."""


def _beyond(times: Sequence[str]) -> int:
    """By how much a row is longer for times that a busy machine made longer than their columns."""
    return sum(max(0, len(time) - room) for time, room in zip(times, _ROOM, strict=True))


def wrapper(text: str) -> Any:
    """MtrExt for Node: all columns by one expression with names, and the width of each row."""
    found = [match for match in map(_EXTENDED.match, text.splitlines()) if match]
    return [
        (
            *(match[name] for name in ("hop", "asn", "host", "loss", "sent", "drop", "received")),
            len(match["times"].split()),
            len(match[0]) - _beyond(match["times"].split()),
        )
        for match in found
    ]


def vyos(text: str) -> Any:
    """hyperglass for VyOS: the whole output is the table that a visitor sees."""
    lines = text.splitlines()
    assert lines[0].startswith("Start: "), lines[0]
    rows = [line.split() for line in lines[1:]]
    return [(len(line), row[:-2], row[-1]) for line, row in zip(lines[1:], rows, strict=True)]


# --- others ----------------------------------------------------------------------------------------------------


def graph_csv(text: str) -> Any:
    """NetGraph: CSV by the head's names, and the same cells by their places."""
    rows = list(csv.reader(io.StringIO(text)))
    times = slice(rows[0].index("Last"), None)
    return rows[0], [(row[0], row[2:7], row[7 : times.start], _times(row[times])) for row in rows[1:]]


def xml(text: str) -> Any:
    """A reader by ElementTree: attributes of the root, and each hub's values by tags."""
    root = ElementTree.fromstring(text)
    hubs = [
        (
            hub.attrib,
            [(tag.tag, _TIMES[tag.tag](tag.text or "") if tag.tag in _TIMES else tag.text) for tag in hub],
        )
        for hub in root
    ]
    return root.attrib, hubs


CLIENTS = (
    Client("mgumz/mtr-exporter", ("-j", "-n", "-c", "4", "-i", "0.5", TARGET), exporter),
    Client("Shinzu/mtr_exporter", ("--raw", "-c", "1", TARGET, "-n", "-i", "0.5"), go_mtr),
    *(
        Client(
            f"jsdelivr/globalping-probe{protocol}",
            ("-4", "--interval", ".5", "--gracetime", "3", "--max-ttl", "30", "--timeout", "23",
             *([protocol] if protocol else []), "-c", "3", "--raw", "-P", "80", TARGET),
            globalping,
            STEADY if protocol == "--tcp" else "path.toml",
        )
        for protocol in ("", "--udp", "--tcp")
    ),
    Client("hybula/lookingglass", ("--raw", "-4", "--mpls", "-c", "10", TARGET), hybula),
    Client("telephone/LookingGlass", ("-4", "--report", "--report-wide", TARGET), page),
    Client("qris/netgraph", ("-c", "1", "-p", "--raw", TARGET), netgraph),
    Client("DinoTools/monitoring-check_mtr", ("--report", "--report-wide", "--report-cycles", "4", "--no-dns", TARGET),
           monitoring_plugin),
    Client("DinoTools/monitoring-check_mtr by TCP",
           ("--report", "--report-wide", "--report-cycles", "4", "--no-dns", "--show-ip", "--tcp", "--port", "443",
            TARGET),
           monitoring_plugin, STEADY),
    Client("inexio/check_mtr", ("-j", "-4", TARGET), nagios_json),
    Client("Checkmk's mtr.py", ("--report", "--report-wide", "-s", "64", "-c", "6", "--no-dns", TARGET), checkmk,
           looks_into_proc=True),
    Client("josezipf/zabbix", ("-w", "--no-dns", "-z", TARGET), zabbix_words),
    Client("Deyrick/Zabbix", ("-r", "-c3", "-w", "-b", "-p", "-j", TARGET), zabbix_json),
    Client("June-Wang/coll_mtr.sh", ("--no-dns", "-4", "--report", TARGET), influx),
    Client("cetex/path_stats.sh", ("-4", "-n", "-r", "-c", "10", "-i", ".3", TARGET), path_string),
    Client("MtrExt", ("-4", "-o LSDR NBAW JMXI", "-r", "-z", "-b", "-w", "--psize", "60", TARGET), wrapper),
    Client("NetGraph", ("-4", "-zCnc3", TARGET), graph_csv),
    Client("hyperglass", ("-4", "-G", "1", "-c", "1", "-w", "-o", "SAL", "-a", SOURCE, TARGET), vyos),
    Client("an XML reader", ("-x", TARGET), xml),
)  # fmt: skip
