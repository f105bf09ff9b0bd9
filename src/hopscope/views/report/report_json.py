"""``json``: the document of ``hopscope.report/1``, or of ``hopscope.reports/1`` for several targets."""

from __future__ import annotations

from hopscope.session.report import document as report_document
from hopscope.session.report import to_json
from hopscope.views.report.document import Document


def render(document: Document) -> str:
    """One JSON document and a newline."""
    return to_json(report_document(document.targets, now=document.now, host=document.host)) + "\n"
