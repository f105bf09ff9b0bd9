"""All report formats by their names. A format's module is imported when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hopscope.views.report.document import Document

_DOCUMENTS: Final = {
    "text": ("text", "narrow"),
    "wide": ("text", "wide"),
    "csv": ("table_csv", "render"),
    "json": ("report_json", "render"),
    "markdown": ("markdown", "render"),
    "html": ("page", "render"),
    "mtr-json": ("mtr_json", "render"),
    "mtr-csv": ("mtr_csv", "render"),
    "mtr-xml": ("mtr_xml", "render"),
}
STREAMS: Final = ("ndjson", "mtr-raw")
"""Formats that are written while probing goes on: see `stream`."""
FORMATS: Final = (*_DOCUMENTS, *STREAMS)
MTR: Final = frozenset({"text", "wide", "mtr-json", "mtr-csv", "mtr-xml", "mtr-raw"})
"""Formats whose exit status is 0 where mtr's is: a target that never answered included."""
SUFFIXES: Final = {
    "text": "txt",
    "wide": "txt",
    "csv": "csv",
    "json": "json",
    "ndjson": "ndjson",
    "markdown": "md",
    "html": "html",
    "mtr-json": "json",
    "mtr-csv": "csv",
    "mtr-xml": "xml",
    "mtr-raw": "txt",
}
"""What a file of the format ends with."""


def render(document: Document, name: str) -> str:
    """The document in a format that is no stream; it ends with a newline, or is empty. `KeyError` for another name."""
    module, function = _DOCUMENTS[name]
    printer = getattr(import_module(f"hopscope.views.report.{module}"), function)
    text: str = printer(document)
    return text
