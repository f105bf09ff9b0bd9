"""The verdict as plain text: in full sentences with its grounds (``--explain``), and with the table, for a mail."""

from __future__ import annotations

import msgspec

from hopscope.session.model import Target
from hopscope.views.report import paths
from hopscope.views.report.document import Document, query_of
from hopscope.views.report.text import wide
from hopscope.views.report.words import MOST_HAPPENED, happened, measured, said_of, verdict


def explanation(document: Document) -> str:
    """Every target's, as plain text; a blank line between two, and a newline at the end."""
    return "\n".join("".join(f"{line}\n" for line in _lines(document, target)) for target in document.targets)


def ticket(document: Document) -> str:
    """What survives a mail: the sentence, of which time and from where its numbers are, and the table as plain text."""
    parts = []
    for target in document.targets:
        facts = dict(measured(document, target))
        rows = [f"{name}: {facts[name]}" for name in ("From", "Probes", "Rounds", "Made by") if name in facts]
        table = wide(msgspec.structs.replace(document, targets=(target,)))
        parts.append("\n".join([f"{query_of(target)}: {verdict(document, target)}", *rows, "", table]))
    return "\n".join(parts)


def _paths(target: Target) -> list[str]:
    """Of several flows which go where, and those of a bad path by addresses and ports."""
    fan = paths.fan_of(target)
    return [] if fan is None else [paths.said(target, fan), *paths.ill_flows(target, fan)]


def _lines(document: Document, target: Target) -> list[str]:
    problem = target.error or (target.refusal.message if target.refusal else None)
    if problem is not None and not target.path.rounds:
        return [f"{query_of(target)}: {problem}."]
    said, judged = said_of(document, target), target.judged
    lines = [f"{query_of(target)}: {said.sentence.line}."]
    if said.verdict.is_trouble:
        lines.append(f"How sure that is: {100 * said.verdict.confidence:.0f} %.")
    notes = [said.note(note) for note in said.verdict.notes]
    parts = (
        ("It rests on this:", said.evidence),
        ("It is not this:", said.against),
        ("Odd, and no trouble:", [note for note in notes if note not in said.against]),
        ("What was wrong, and when:", [happened(one, said) for one in judged.incidents][-MOST_HAPPENED:]),
        ("Parallel paths:", _paths(target)),
        ("What to try:", said.steps),
    )
    for title, items in parts:
        if items:
            lines.append(title)
            lines += [f"  - {item[:1].upper()}{item[1:]}." for item in items]
    return lines
