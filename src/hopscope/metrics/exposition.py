"""`Exposition`: tallies in, OpenMetrics text out (OpenMetrics 1.0, or Prometheus' text format 0.0.4).

What it counts never goes back while it lives, whatever is reset, taken back, removed or added again: a counter that
falls reads as a restart, and a rate over it as a flood. So it remembers what it said of each target. It says nothing
of addresses that did not answer for five minutes, and has bounds for all that strangers can make many of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, get_args

from hopscope._version import __version__
from hopscope.judge.verdict import Trouble
from hopscope.metrics import families
from hopscope.metrics.families import FAMILIES, Family
from hopscope.names.clean import clean
from hopscope.names.facts import AddressInfo
from hopscope.path.places import NOTHING, Answerer, Behind, Places, behind_of
from hopscope.path.totals import BOUNDS, Counts, Responder, Totals
from hopscope.session.tally import SessionTally, TargetTally

CONTENT_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CLASSIC_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

UNSEEN_NS: Final = 300_000_000_000
"""An address that did not answer for so long is told no more: Prometheus' own look back."""
MOST_GONE: Final = 1024
"""Targets that are gone whose counters are remembered, should they come back."""
_S: Final = 1_000_000_000
_LE: Final = tuple(f"{bound / _S:g}" if "." in f"{bound / _S:g}" else f"{bound / _S:.1f}" for bound in BOUNDS)
"""The buckets' bounds, s, as canonical numbers of OpenMetrics."""
_FATES: Final = ("answered", "lost", "late", "failed")
_NO_INCIDENTS: Final = dict.fromkeys(get_args(Trouble), 0)
"""A counter must be seen at 0 before it is seen at 1, or nothing has increased."""
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})

Lines = dict[Family, list[str]]


def quoted(value: str) -> str:
    """A label's value in its quotes; strangers' texts are cleaned and cut."""
    return f'"{clean(value).translate(_ESCAPES)}"'


class _Told:
    """What was said of a target."""

    def __init__(self, labels: str, id_: int) -> None:
        self.labels = labels
        """Those that all its series have."""
        self.id = id_
        self.before: Totals | None = None
        """What its namesake had counted, which was removed before it was added."""
        self.totals = Totals()
        self.kinds: dict[str, None] = {}
        """The verdicts that stood, in their order."""

    def succeed(self, id_: int) -> None:
        """Another target of the same name goes on where this one was."""
        if id_ != self.id:
            self.id, self.before = id_, self.totals

    def grown(self, now: Totals) -> Totals:
        """What is counted by now: no less than before."""
        self.totals = (now if self.before is None else self.before.plus(now)).at_least(self.totals)
        return self.totals


class Exposition:
    """The metrics of a session, an agent or a hub. Not for several threads."""

    def __init__(self, hidden_hops: int = 0) -> None:
        """`hidden_hops`: of so many of the first hops no address is told (``--privacy``)."""
        self._hidden_hops = hidden_hops
        self._places = Places()
        """Addresses that were met there, at any target, are told nowhere; others where they are known to be behind."""
        self._there: dict[tuple[str, int], _Told] = {}
        """By site and number."""
        self._gone: dict[str, _Told] = {}
        """By labels, those that are no more: the last one was there last."""

    def text(self, tally: SessionTally, *, classic: bool = False) -> str:
        """All of it; `classic`: in the older format."""
        return "".join(self.parts(tally, classic=classic))

    def parts(self, tally: SessionTally, *, classic: bool = False) -> Iterator[str]:
        """`text` in parts, of which two for each target are empty: occasions to do something else. It must be read to
        its end before the next one is begun."""
        targets = []
        for target in tally.targets:
            targets.append(target)
            yield ""
        self._meet(targets)
        self._hide(targets)
        lines: Lines = {family: [] for family in FAMILIES}
        for target in targets:
            _write(lines, target, self._there[target.site, target.id], self._responders(target), tally.now)
            yield ""
        if tally.restarts is not None:
            lines[families.RESTARTS].append(f"hopscope_worker_restarts_total {tally.restarts}\n")
        if tally.is_probing is not None:
            lines[families.PROBING].append(f"hopscope_worker_running {tally.is_probing:d}\n")
        for site, at in tally.heard:
            lines[families.HEARD].append(f"{families.HEARD.name}{{site={quoted(site)}}} {_seconds(at)}\n")
        lines[families.BUILD].append(f"hopscope_build_info{{version={quoted(__version__)}}} 1\n")
        for family, written in lines.items():
            if written:
                yield family.classic_head if classic else family.head
                yield "".join(written)
        if not classic:
            yield "# EOF\n"

    def _meet(self, targets: Sequence[TargetTally]) -> None:
        """Know by which labels each goes. Of two with one name the later one has a number behind it, for as long as it
        is there."""
        here = {(target.site, target.id) for target in targets}
        for key in [key for key in self._there if key not in here]:
            told = self._there.pop(key)
            self._gone[told.labels] = told
        while len(self._gone) > MOST_GONE:
            del self._gone[next(iter(self._gone))]
        taken = {told.labels for told in self._there.values()}
        for target in targets:
            if (target.site, target.id) in self._there:
                continue
            site = f"site={quoted(target.site)}," if target.site else ""
            labels, number = f"{site}target={quoted(target.name)}", 1
            while labels in taken:
                number += 1
                labels = f"{site}target={quoted(f'{target.name} ({number})')}"
            taken.add(labels)
            told = self._gone.pop(labels) if labels in self._gone else _Told(labels, target.id)
            told.succeed(target.id)
            self._there[target.site, target.id] = told

    def _responders(self, target: TargetTally) -> Iterable[tuple[Responder, AddressInfo]]:
        """Those that may be told."""
        if not self._hidden_hops:
            return target.responders
        return [
            (one, info)
            for one, info in target.responders
            if one.ttl > self._hidden_hops
            and one.address not in self._places.near
            and (self._places.is_behind(one.address) or one.address == target.address)
        ]

    def _hide(self, targets: Iterable[TargetTally]) -> None:
        """Learn what is to be hidden of them."""
        if self._hidden_hops:
            for target in targets:
                for one, _ in target.responders:
                    if one.ttl <= self._hidden_hops:
                        self._places.put_near(one.address)
                self._places.learn(self._known_behind(target))

    def _known_behind(self, target: TargetTally) -> Behind:
        hops = self._hidden_hops
        if any(ttl <= hops and not any(counts) for ttl, counts in target.totals.hops.items()):
            return NOTHING  # it may be found there in a moment
        return behind_of((Answerer(one.ttl, one.address, one.expired) for one, _ in target.responders), hops)


# --- a target's lines ------------------------------------------------------------------------------------------------


def _write(
    lines: Lines, target: TargetTally, told: _Told, responders: Iterable[tuple[Responder, AddressInfo]], now: int
) -> None:
    labels, totals = told.labels, told.grown(target.totals)
    _write_target(lines, labels, totals, is_brief=target.is_brief)
    told.kinds[target.verdict] = None
    lines[families.VERDICT] += [
        f'hopscope_verdict{{{labels},kind="{kind}"}} {kind == target.verdict:d}\n' for kind in told.kinds
    ]
    if target.first_ttl is not None:
        lines[families.FIRST_HOP].append(f"hopscope_verdict_first_hop{{{labels}}} {target.first_ttl}\n")
    if target.last_ttl is not None:
        lines[families.LAST_HOP].append(f"hopscope_verdict_last_hop{{{labels}}} {target.last_ttl}\n")
    if target.is_answering is not None:
        lines[families.REACHED].append(f"hopscope_target_reached{{{labels}}} {target.is_answering:d}\n")
    if target.address is not None:
        how = ((name, getattr(target, name)) for name in ("address", "protocol", "method"))
        known = "".join(f",{name}={quoted(value)}" for name, value in how if value)
        lines[families.TARGET].append(f"hopscope_target_info{{{labels}{known}}} 1\n")
    if totals.hops:
        lines[families.HOPS].append(f"hopscope_path_hops{{{labels}}} {target.hops}\n")
        lines[families.ROUTE_CHANGES].append(f"hopscope_route_changes_total{{{labels}}} {totals.route_changes}\n")
        last = target.hops or max(totals.hops)
        _write_hops(lines, labels, {ttl: one for ttl, one in sorted(totals.hops.items()) if ttl <= last})
    _write_responders(lines, labels, responders, now)


def _write_target(lines: Lines, labels: str, totals: Totals, *, is_brief: bool) -> None:
    counts = totals.target
    lines[families.TARGET_PROBES] += [
        f'hopscope_target_probes_total{{{labels},fate="{fate}"}} {count}\n'
        for fate, count in zip(_FATES, counts, strict=False)
    ]
    buckets = () if is_brief else zip(_LE, totals.rtts, strict=True)
    lines[families.TARGET_RTT] += [
        *(f'hopscope_target_rtt_seconds_bucket{{{labels},le="{bound}"}} {count}\n' for bound, count in buckets),
        f'hopscope_target_rtt_seconds_bucket{{{labels},le="+Inf"}} {counts.answered}\n'
        f"hopscope_target_rtt_seconds_sum{{{labels}}} {_seconds(counts.rtt_ns)}\n"
        f"hopscope_target_rtt_seconds_count{{{labels}}} {counts.answered}\n",
    ]
    lines[families.INCIDENTS] += [
        f'hopscope_incidents_total{{{labels},kind="{kind}"}} {count}\n'
        for kind, count in {**({} if is_brief else _NO_INCIDENTS), **totals.incidents}.items()
    ]


def _write_hops(lines: Lines, labels: str, hops: dict[int, Counts]) -> None:
    probes, rtts = lines[families.PROBES], lines[families.RTT]
    for ttl, one in hops.items():
        hop = f'{labels},hop="{ttl}"'
        name = f"hopscope_probes_total{{{hop},fate="
        probes.append(
            f'{name}"answered"}} {one.answered}\n{name}"lost"}} {one.lost}\n{name}"late"}} {one.late}\n'
            f'{name}"failed"}} {one.failed}\n{name}"duplicate"}} {one.duplicates}\n'
        )
        rtts.append(
            f"hopscope_rtt_seconds_sum{{{hop}}} {_seconds(one.rtt_ns)}\n"
            f"hopscope_rtt_seconds_count{{{hop}}} {one.answered}\n"
        )


def _write_responders(lines: Lines, labels: str, responders: Iterable[tuple[Responder, AddressInfo]], now: int) -> None:
    written = lines[families.HOP]
    for one, info in responders:
        if now - one.last_at > UNSEEN_NS:
            continue
        known = f",name={quoted(info.hostname)}" if info.hostname else ""
        if info.asns:
            owner = info.asns[0]
            known += f',asn="{owner.number}"' + (f",owner={quoted(owner.name)}" if owner.name else "")
        written.append(f'hopscope_hop_info{{{labels},hop="{one.ttl}",address={quoted(one.address)}{known}}} 1\n')


def _seconds(ns: int) -> str:
    """Exact."""
    return f"{ns // _S}.{ns % _S:09d}"
