"""``html``: one self-contained page, for a ticket or a printer.

Nothing in it runs or is asked of anyone: no script, no picture, font or style from elsewhere, and a policy in the
page's head that forbids all of them. Every text is escaped; a name is text and nothing else.
"""

from __future__ import annotations

from html import escape

from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.views.report import paths, svg
from hopscope.views.report.document import Document, hostname, is_claim, query_of
from hopscope.views.report.words import (
    UNVERIFIED,
    evidence,
    is_harmless,
    is_true_loss,
    labels,
    lost_of,
    measured,
    owner_words,
    remark,
    verdict,
)
from hopscope.words.hops import hop_finding
from hopscope.words.moods import mood
from hopscope.words.numbers import exact_ms as ms
from hopscope.words.numbers import exact_percent as percent

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #6a737d; --line: #d8dee4;
  --rtt: #0b6bcb; --lost: #c62828; --fine: #1a7f37; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #14171a; --soft: #9aa4ae;
  --line: #333a41; --rtt: #5aa9ff; --lost: #ff6b6b; --fine: #4ac26b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 76rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2rem; }
section + section { border-top: 2px solid var(--line); margin-top: 3rem; }
.verdict { border-left: .3rem solid var(--soft); padding-left: .7rem; margin: 1rem 0; overflow-wrap: anywhere; }
.verdict p { margin: 0; font-weight: 600; } .verdict ul { margin: .2rem 0 0; padding: 0; list-style: none; }
.verdict.healthy { border-color: var(--fine); }
.verdict.loss, .verdict.slow, .verdict.unreachable, .verdict.this-computer { border-color: var(--lost); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; } dt { color: var(--soft); } dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .4rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; } td.n, th.n { text-align: right; white-space: nowrap; }
td.host { overflow-wrap: anywhere; min-width: 14rem; } small { color: var(--soft); display: block; }
td.harmless { color: var(--soft); }
svg { height: auto; print-color-adjust: exact; -webkit-print-color-adjust: exact; } svg.chart { max-width: 100%; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); } .grid { stroke: var(--line); }
svg.spark { width: 150px; height: 20px; display: block; } .spark .rtt { stroke-width: 2; stroke-opacity: .6; }
.rtt { stroke: var(--rtt); fill: none; stroke-width: 1.5; } .dot { fill: var(--rtt); }
.lost { stroke: var(--lost); fill: none; stroke-width: 2; }
.quiet { stroke: var(--soft); fill: none; stroke-width: 1.5; }
.range { stroke: var(--rtt); stroke-opacity: .35; stroke-width: 8; }
figure { margin: 0; break-inside: avoid; }
@page { margin: 12mm; }
@media print { :root { color-scheme: light; font-size: 11px; }
  body { margin: 0; padding: 0; max-width: none; font-size: 10px; } .legend { break-before: avoid; }
  section + section { break-before: page; } h1, h2 { break-after: avoid; }
  tr, svg, .verdict, dl { break-inside: avoid; } .verdict { print-color-adjust: exact; }
  th, td { padding: .1rem .25rem; } td.host { min-width: 11rem; } .wide { overflow: visible; }
  svg.spark { width: 100px; height: 16px; } }
"""

HARMLESS = "°"
"""Stands behind a share that is no lost traffic, as on the screen."""

_HEAD = (
    ("#", True),
    ("Host", False),
    ("Loss %", True),
    ("Sent", True),
    ("Last", True),
    ("Best", True),
    ("Avg", True),
    ("Median", True),
    ("p95", True),
    ("Worst", True),
    ("StDev", True),
    ("Jitter", True),
    ("Last 60 rounds", False),
)


def render(document: Document) -> str:
    """The whole page."""
    title = ", ".join(target.query for target in document.targets)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Path to {escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(_section(document, target) for target in document.targets)
        + "\n</body>\n</html>\n"
    )


def _section(document: Document, target: Target) -> str:
    path = target.path
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in measured(document, target))
    parts = [
        f"<section>\n<h1>Path to {escape(query_of(target))}</h1>",
        _verdict(document, target),
        f"<dl>{facts}</dl>",
    ]
    if path.rows:
        parts += ["<h2>Hops</h2>", _table(document, target), _legend(target), *_paths(document, target)]
        parts.append(_figure("Latency along the path (ms)", svg.along_path(path.rows)))
        shown = path.target_hop or next((hop for hop in reversed(path.rows) if hop.received), None)
        if shown is not None:
            which = "the target" if shown.is_target else f"hop {shown.ttl}, the last that answered"
            is_lost = is_true_loss(shown, hop_finding(path, shown, target.judged.verdict))
            chart = svg.over_time(path, shown, is_true_loss=is_lost)
            parts.append(_figure(f"Latency over time (ms): {which}", chart))
    parts.append(
        "<p><small>Times are round trip times in ms. Loss at a hop that does not go on to the target is how that"
        " router answers, and no lost traffic. Where a share of few probes is lost, the true loss lies in a wide range:"
        " the range in the table is Wilson’s 95 % interval.</small></p>\n</section>"
    )
    return "\n".join(parts)


def _verdict(document: Document, target: Target) -> str:
    grounds = "".join(f"<li>{escape(_sentence(line))}</li>" for line in evidence(document, target))
    more = f"<ul>{grounds}</ul>" if grounds else ""
    state = mood(target.judged.verdict)
    return f'<div class="verdict {state}"><p>{escape(verdict(document, target))}</p>{more}</div>'


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _legend(target: Target) -> str:
    """What the marks in the table mean, as far as they stand there."""
    found = [(hop, hop_finding(target.path, hop, target.judged.verdict)) for hop in target.path.rows]
    lines = []
    if any(hop.lost and is_true_loss(hop, judged) for hop, judged in found):
        lines.append("A red bar of full height with a head is a lost probe.")
    if any(hop.lost and not is_true_loss(hop, judged) for hop, judged in found):
        lines.append("A dot is a probe that a router did not answer.")
    if any(is_harmless(judged) for _hop, judged in found):
        lines.append(f"{HARMLESS} The router limits how often it answers, or never does; traffic is not lost.")
    return f'<p class="legend"><small>{" ".join(lines)}</small></p>' if lines else ""


def _paths(document: Document, target: Target) -> list[str]:
    """The parallel paths of a target with several flows."""
    fan = paths.fan_of(target)
    if fan is None:
        return []

    def cell(tag: str, title: str, words: str) -> str:
        sort = ' class="n"' if title in paths.NUMBERS else ' class="host"' if title == "By" and tag == "td" else ""
        return f"<{tag}{sort}>{escape(words)}</{tag}>"

    head = "".join(cell("th", title, title) for title in paths.HEAD)
    rows = "\n".join(
        f"<tr>{''.join(cell('td', title, words) for title, words in zip(paths.HEAD, cells, strict=True))}</tr>"
        for cells in paths.rows(document, target, fan)
    )
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    words = f"<p>{escape(_sentence(paths.said(target, fan)))}.</p>"
    return ["<h2>Parallel paths</h2>", words, f'<div class="wide">{table}</div>']


def _figure(title: str, chart: str) -> str:
    return f"<figure>\n<h2>{title}</h2>\n{chart}\n</figure>"


def _table(document: Document, target: Target) -> str:
    head = "".join(f'<th class="n">{name}</th>' if number else f"<th>{name}</th>" for name, number in _HEAD)
    rows = "\n".join(_row(document, target, hop) for hop in target.path.rows)
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    return f'<div class="wide">{table}</div>'


def _row(document: Document, target: Target, hop: Hop) -> str:
    rtt = hop.rtt
    times = [rtt.last, rtt.best, rtt.avg, rtt.median, rtt.p95, rtt.worst, rtt.stddev] if rtt else [None] * 7
    judged = hop_finding(target.path, hop, target.judged.verdict)
    is_lost = is_true_loss(hop, judged)
    loss = percent(hop.loss_pct) + (HARMLESS if is_harmless(judged) else "")
    if hop.loss_ci95_pct is not None:
        counts, _, interval = lost_of(hop).partition(" (")
        loss += f"<small>{counts}</small><small>{interval.removesuffix(')')}</small>"
    numbers = [str(hop.sent), *(ms(time) for time in times), ms(hop.jitter.avg if hop.jitter else None)]
    cells = f'<td class="n{" harmless" if hop.lost and not is_lost else ""}">{loss}</td>'
    cells += "".join(f'<td class="n">{number}</td>' for number in numbers)
    host = f'<td class="host">{_host(document, target, hop)}</td>'
    return f'<tr><td class="n">{hop.ttl}</td>{host}{cells}<td>{svg.spark(hop, is_true_loss=is_lost)}</td></tr>'


def _host(document: Document, target: Target, hop: Hop) -> str:
    parts = []
    for node in hop.nodes:
        name = hostname(target, node.address, "addresses" if document.style.names == "addresses" else "names")
        parts.append(f"<div>{escape(name)}</div>")
        if name != node.address:
            claim = f", {UNVERIFIED}" if is_claim(target, node.address) else ""
            parts.append(f'<small class="address">{node.address}{claim}</small>')
        known = owner_words(target, node.address)
        if known:
            parts.append(f"<small>{escape(known)}</small>")
    if not hop.nodes:
        parts.append("<div>???</div>")
    parts += [f"<small>{escape(note)}</small>" for note in (labels(hop), remark(target, hop)) if note]
    return "".join(parts)
