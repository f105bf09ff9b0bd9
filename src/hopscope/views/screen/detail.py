"""All that is known of one hop: the panel beside the chart, and the long form of the dialog."""

from __future__ import annotations

from rich.style import Style

from hopscope.path.hop_health import HopFinding
from hopscope.path.snapshot import Hop
from hopscope.path.windows import WORDS
from hopscope.session.model import Target
from hopscope.views.screen import chips, labels
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Line, Row, cut, wrap
from hopscope.words.hops import hop_now, shared_words
from hopscope.words.numbers import DASH, percent, span_ms, time_of_day

NS_PER_MS = 1_000_000
Part = tuple[str, Style]
UNVERIFIED = "the name does not lead back to the address: it is a claim"


def panel(target: Target, hop: Hop, verdict: HopFinding, look: Look, width: int) -> list[Row]:
    """The hop in a few lines, the most important first."""
    lines: list[list[Part]] = []
    for node in hop.nodes[:1]:
        name, _ = labels.host(target, node, "names")
        lines.append([(cut(name, width - 2), look.strong)])
        if name != node.address:
            lines.append([(node.address, look.text)])
            if labels.mark(target, node, "names"):
                lines.append([(cut(UNVERIFIED, width - 2), look.quiet)])
        owner = labels.owner_line(target, node.address)
        if owner:
            lines.append([(owner, look.quiet)])
    if len(hop.nodes) > 1:
        lines.append([(f"and {len(hop.nodes) - 1} more address{'es' if len(hop.nodes) > 2 else ''}", look.quiet)])
    mood = look.bad if verdict.is_trouble else look.text
    if verdict.state != "ok":
        lines += [[(part, mood)] for part in wrap(hop_now(verdict, target.judged.verdict), width - 2)]
    known = hop.received + hop.lost
    lines.append([("loss ", look.quiet), (f"{hop.lost} of {known}", look.text), (_between(hop), look.quiet)])
    shared = target.shared.get(hop.ttl)
    if shared is not None:
        lines += [[(part, look.quiet)] for part in wrap(shared_words(shared), width - 2)]
    if hop.rtt:
        rtt = hop.rtt
        facts = [("median", rtt.median), ("p95", rtt.p95), ("p99", rtt.p99), ("best", rtt.best), ("worst", rtt.worst)]
        if hop.jitter:
            facts.append(("jitter", hop.jitter.avg))
        for left, right in zip(facts[0::2], facts[1::2], strict=False):
            lines.append(
                [
                    (f"{left[0]:<7}", look.quiet),
                    (f"{span_ms(left[1]):>9}", look.text),
                    (f"   {right[0]:<7}", look.quiet),
                    (f"{span_ms(right[1]):>9}", look.text),
                ]
            )
        bars, low, high = histogram(hop, max(8, min(20, width - 24)), look)
        if bars:
            lines.append([(bars, look.spark), (f"  {span_ms(low)} {look.glyphs.to} {span_ms(high)}", look.quiet)])
    if hop.reply:
        lines.append([(reply_words(hop), look.quiet)])
    if hop.mpls:
        lines.append([(chips.mpls(hop)[0], look.quiet)])
    if hop.last_error:
        lines.append([(f"{time_of_day(hop.last_error.at)} {hop.last_error.message}", look.bad)])
    return [_row(parts, look, width) for parts in lines]


def everything(target: Target, hop: Hop, verdict: HopFinding, look: Look, width: int) -> list[Row]:
    """The hop in full: every node, every statistic, kinds of replies, MPLS, errors."""
    out: list[Row] = []

    def section(title: str) -> None:
        if out:
            out.append(_row([], look, width))
        out.append(_row([(title, look.key)], look, width))

    def field(name: str, text: str, style: Style | None = None) -> None:
        rest = wrap(text, width - 20) or [DASH]
        for index, part in enumerate(rest):
            out.append(
                _row([(f"{name if not index else '':<16}", look.quiet), (part, style or look.text)], look, width)
            )

    section(f"Hop {hop.ttl} of {target.query}")
    field("state", hop_now(verdict, target.judged.verdict), look.bad if verdict.is_trouble else look.text)
    if verdict.confidence != "full":
        field("", "young numbers: fewer than 30 probes have a fate")
    section("Addresses" if len(hop.nodes) != 1 else "Address")
    for node in hop.nodes:
        name, _ = labels.host(target, node, "names")
        field(node.address, f"{labels.share(hop, node)}  {name if name != node.address else 'no name known'}")
        owner = labels.owner_line(target, node.address)
        if owner:
            field("", owner)
        verified = labels.facts_of(target, node.address).verified
        if verified is not None:
            field("", "the name leads back to the address" if verified else UNVERIFIED)
        if len(hop.nodes) > 1:
            field("", f"best {span_ms(node.best_ms)}, mean {span_ms(node.avg_ms)}, last {span_ms(node.last_ms)}")
    if not hop.nodes:
        field(DASH, "no address answered")
    over = WORDS[target.path.numbers.name]
    section(f"Probes, {over}")
    field("loss", f"{percent(hop.loss_pct)}{_between(hop)}")
    field(
        "sent",
        f"{hop.sent}: {hop.received} answered, {hop.lost} lost, {hop.late} late, {hop.pending} pending, "
        f"{hop.failed} failed here",
    )
    shared = target.shared.get(hop.ttl)
    if shared is not None:
        field("in turn", shared_words(shared))
    if hop.duplicates:
        field("duplicates", str(hop.duplicates))
    if hop.rtt:
        rtt = hop.rtt
        section(f"Round trips, {over}")
        field("last", span_ms(rtt.last))
        field("best, worst", f"{span_ms(rtt.best)}, {span_ms(rtt.worst)}")
        field("mean", f"{span_ms(rtt.avg)}, geometric {span_ms(rtt.gmean)}, deviation {span_ms(rtt.stddev)}")
        field("median", f"{span_ms(rtt.median)}, p95 {span_ms(rtt.p95)}, p99 {span_ms(rtt.p99)}")
        if hop.jitter:
            j = hop.jitter
            field(
                "jitter",
                f"mean {span_ms(j.avg)}, last {span_ms(j.last)}, worst {span_ms(j.worst)}, "
                f"RFC 3550 {span_ms(j.rfc3550)}",
            )
        bars, low, high = histogram(hop, max(8, width - 46), look)
        if bars:
            of = "" if target.path.rounds <= len(hop.window.samples) else f", last {len(hop.window.samples)} rounds"
            field("distribution", f"{bars}  {span_ms(low)} {look.glyphs.to} {span_ms(high)}{of}", look.spark)
        clocks = "kernel" if not hop.program_clock else f"program's for {hop.program_clock} of {hop.received}"
        field("clock", clocks)
    if hop.replies:
        section("Replies")
        for reply in hop.replies:
            code = "" if reply.type is None else f" (type {reply.type}, code {reply.code})"
            field(f"{reply.count}", f"{reply.kind.replace('-', ' ')}{code}")
        if hop.unvouched:
            words = f"{hop.unvouched} of {hop.received} quote too little of the probe: a stranger could make them up"
            field("unvouched", words, look.bad)
        if hop.reply and hop.reply.ttl is not None:
            field("TTL of the last", str(hop.reply.ttl))
    if hop.mpls:
        section("MPLS")
        for label in hop.mpls:
            field(
                f"{label.label}", f"class {label.tc}, TTL {label.ttl}{', bottom of the stack' if label.bottom else ''}"
            )
    if hop.last_error:
        section("This computer")
        field(time_of_day(hop.last_error.at), f"{hop.last_error.message} ({hop.last_error.error})", look.bad)
    return out


def reply_words(hop: Hop) -> str:
    """The last reply: ``echo reply, TTL 58``."""
    if hop.reply is None:
        return ""
    ttl = f", TTL {hop.reply.ttl}" if hop.reply.ttl is not None else ""
    clock = ", program clock" if hop.reply.clock == "program" else ""
    vouched = "" if hop.reply.vouched else ", short quote"
    return f"{hop.reply.kind.replace('-', ' ')}{ttl}{clock}{vouched}"


def histogram(hop: Hop, bins: int, look: Look) -> tuple[str, float, float]:
    """The window's RTTs as bars: (text, lowest ms, highest ms); an empty text below two answers. A bin with anything
    in it shows, however little that is."""
    values = sorted(sample / NS_PER_MS for sample in hop.window.samples.tolist() if sample >= 0)
    if len(values) < 2:
        return "", 0.0, 0.0
    low, high = values[0], values[-1]
    width = (high - low) / bins or 1.0
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((value - low) / width))] += 1
    top = max(counts)
    bars = look.glyphs.bars
    text = "".join(" " if not n else bars[min(len(bars) - 1, n * len(bars) // (top + 1))] for n in counts)
    return text, low, high


def _between(hop: Hop) -> str:
    if hop.loss_ci95_pct is None:
        return ""
    low, high = hop.loss_ci95_pct
    return f"  ({percent(low)} to {percent(high)})"


def _row(parts: list[Part], look: Look, width: int) -> Row:
    line = Line().add(" ", look.text)
    for text, style in parts:
        line.add(text, style)
    return line.row(width, look.text)
