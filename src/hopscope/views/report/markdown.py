"""``markdown``: a heading, what was measured, and a table a target (GitHub's tables).

Every text that a stranger may have chosen is written with character references for whatever Markdown could read as
markup, so that it comes out as it is and moves nothing.
"""

from __future__ import annotations

import ipaddress
import re

from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.views.report import paths
from hopscope.views.report.document import UNKNOWN, Document, query_of
from hopscope.views.report.words import evidence, host, labels, measured, owner_words, remark, verdict
from hopscope.words.numbers import exact_ms as ms
from hopscope.words.numbers import exact_percent as percent

_EMOJI = r"(?:a|ab|abc|b|bed|bee|cd|de|100|1234):"
"""GitHub's ``:name:`` that an IPv6 address may have in it."""
_MARKUP = re.compile(rf"[\\`*_{{}}\[\]<>#|~&@!$=^+]|:(?=[a-zA-Z+_/-]|{_EMOJI})")
_IPV6 = re.compile(r"(?<![\w:.-])[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?![\w-])")
"""What may be one, with the end of a sentence or clause behind it."""
_IN_IPV6 = re.compile(rf":(?={_EMOJI})")
_AUTOLINK = re.compile(r"\bwww\.", re.IGNORECASE)
_HEAD = ("#", "Host", "Owner", "Loss %", "Sent", "Last", "Best", "Avg", "p95", "Worst", "StDev", "Jitter", "Remark")
_NUMBERS_FROM = 3


def render(document: Document) -> str:
    """The whole document; every line ends with a newline."""
    return "\n".join(_report(document, target) for target in document.targets)


def text(words: str) -> str:
    """`words` as Markdown that shows exactly them."""
    parts, end = [], 0
    for match in _IPV6.finditer(words):
        address = next((one for one in (match[0], match[0].rstrip(":.")) if _is_address(one)), None)
        if address is not None:
            parts += [_referenced(_MARKUP, words[end : match.start()]), _referenced(_IN_IPV6, address)]
            end = match.start() + len(address)
    safe = "".join(parts) + _referenced(_MARKUP, words[end:])
    return _AUTOLINK.sub(lambda match: f"{match[0][:3]}&#46;", safe)


def _referenced(what: re.Pattern[str], words: str) -> str:
    return what.sub(lambda match: f"&#{ord(match[0])};", words)


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def _report(document: Document, target: Target) -> str:
    lines = [f"# Path to {text(query_of(target))}", "", f"**{text(verdict(document, target))}**", ""]
    grounds = [f"- {text(line)}" for line in evidence(document, target)]
    lines += [*grounds, ""] if grounds else []
    lines += [f"- {name}: {text(value)}" for name, value in measured(document, target)]
    lines += ["", "Times in ms; jitter is the mean difference of consecutive answers.", ""]
    lines.append(_row(_HEAD))
    lines.append(_row(["--:", "---", "---", *["--:"] * (len(_HEAD) - _NUMBERS_FROM - 1), "---"]))
    for hop in target.path.rows:
        lines += [_row(cells) for cells in _hop(document, target, hop)]
    fan = paths.fan_of(target)
    if fan is not None:
        lines += ["", f"**Parallel paths**: {text(paths.said(target, fan))}.", "", _row(paths.HEAD)]
        lines.append(_row(["--:" if title in paths.NUMBERS else "---" for title in paths.HEAD]))
        lines += [_row([text(cell) for cell in cells]) for cells in paths.rows(document, target, fan)]
    return "\n".join(lines) + "\n"


def _hop(document: Document, target: Target, hop: Hop) -> list[list[str]]:
    addresses = [node.address for node in hop.nodes]
    rtt = hop.rtt
    times = [rtt.last, rtt.best, rtt.avg, rtt.p95, rtt.worst, rtt.stddev] if rtt else [None] * 6
    remarks = "; ".join(part for part in (labels(hop), remark(target, hop)) if part)
    first = [
        str(hop.ttl),
        text(host(document, target, addresses[0])) if addresses else UNKNOWN,
        text(owner_words(target, addresses[0])) if addresses else "",
        percent(hop.loss_pct),
        str(hop.sent),
        *(ms(time) for time in times),
        ms(hop.jitter.avg if hop.jitter else None),
        text(remarks),
    ]
    further = [
        ["", text(host(document, target, address)), text(owner_words(target, address)), *[""] * (len(_HEAD) - 3)]
        for address in addresses[1:]
    ]
    return [first, *further]


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"
