"""``mtr-xml``: mtr's ``-x``. mtr escapes nothing; ours is well-formed whatever a router calls itself."""

from __future__ import annotations

from html import escape

from hopscope.session.model import Target
from hopscope.views.report import mtr
from hopscope.views.report.document import Document


def render(document: Document) -> str:
    """Several targets make several documents, one after the other, as mtr prints them."""
    return "".join(_report(document, target) for target in document.targets)


def _report(document: Document, target: Target) -> str:
    plan = target.plan
    lines = [
        '<?xml version="1.0"?>',
        f"<MTR SRC={attribute(document.host_of(target))} DST={attribute(target.query)}"
        f' TOS="0x{plan.tos if plan else 0:X}" PSIZE="{plan.packet_size if plan else 64}"'
        f' BITPATTERN="{mtr.pattern(document.style, plan)}" TESTS="{mtr.tests(target, document.rounds)}">',
    ]
    for hop in mtr.hops(target):
        lines.append(f'    <HUB COUNT="{hop.ttl}" HOST={attribute(mtr.host(target, hop, document.style))}>')
        for field in mtr.columns(document.style):
            if field.letter != " ":
                tag = field.title.rstrip("%")  # XML allows no percent sign in a name
                lines.append(f"        <{tag}>{mtr.shown(hop, field)}</{tag}>")
        lines.append("    </HUB>")
    lines.append("</MTR>")
    return "\n".join(lines) + "\n"


def attribute(text: str) -> str:
    """`text` as a quoted attribute value. HTML's escapes are numbers and names that XML knows as well."""
    return f'"{escape(text)}"'
