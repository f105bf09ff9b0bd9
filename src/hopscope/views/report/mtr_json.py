"""``mtr-json``: mtr's ``-j``. Several targets make several documents, one after the other, as mtr prints them."""

from __future__ import annotations

import json

from hopscope.session.model import Target
from hopscope.views.report import mtr
from hopscope.views.report.document import Document


def render(document: Document) -> str:
    """Four spaces of indentation, keys in mtr's order, numbers with five significant digits."""
    return "".join(_report(document, target) for target in document.targets)


def _report(document: Document, target: Target) -> str:
    style = document.style
    plan = target.plan
    head: dict[str, str | int] = {
        "src": document.host_of(target),
        "dst": target.query,
        "tos": plan.tos if plan else 0,
        "tests": mtr.tests(target, document.rounds),
        "psize": str(plan.packet_size if plan else 64),
        "bitpattern": mtr.pattern(style, plan),
    }
    hubs = []
    for hop in mtr.hops(target):
        hub = {"count": str(hop.ttl), "host": _string(mtr.host(target, hop, style))}
        if style.asns:
            hub["ASN"] = _string(mtr.hop_asn(target, hop))
        for field in mtr.columns(style):
            if field.letter != " ":
                number = mtr.value(hop, field)
                hub[field.title] = f"{number:.0f}" if field.places is None else real(number)
        hubs.append(hub)
    lines = ["{", '    "report": {', '        "mtr": {']
    lines.append(",\n".join(f'            "{key}": {_string(value)}' for key, value in head.items()))
    lines.append("        },")
    if hubs:
        lines.append('        "hubs": [')
        lines.append(
            ",\n".join(
                "            {\n"
                + ",\n".join(f'                "{key}": {value}' for key, value in hub.items())
                + "\n            }"
                for hub in hubs
            )
        )
        lines.append("        ]")
    else:
        lines.append('        "hubs": []')
    lines += ["    }", "}"]
    return "\n".join(lines) + "\n"


def _string(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=False)


def real(number: float) -> str:
    """A number with five significant digits and always a point or an exponent, as mtr's JSON library writes it."""
    text = f"{number:.5g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}e{int(exponent)}"
    return text if "." in text else f"{text}.0"
