"""The registry of report formats. A format's module is imported when it is used.

Command line, help, completion, the screen's dialog and the docs' table read it. To add a format is an entry here, the
module that does the work, and its row in the docs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from hopscope.views.report.document import Document


class Format(NamedTuple):
    """One format."""

    name: str
    brief: str
    """What it is, in a few words."""
    suffix: str
    """What a file of it ends with."""
    printer: str | None
    """Module and function below `hopscope.views.report`; None: it is written while probing goes on (`stream`)."""
    is_mtrs: bool = False
    """mtr's: its exit status is 0 where mtr's is, also for a target that never answered."""
    is_suffixs: bool = False
    """What is meant by a file of that suffix."""
    is_stepwise: bool = False
    """It shows each probe as it leaves: its first round goes hop by hop, as mtr's does."""


_ALL: Final = (
    Format("text", "mtr's text report", "txt", "text:narrow", is_mtrs=True),
    Format("wide", "mtr's text report with whole names", "txt", "text:wide", is_mtrs=True, is_suffixs=True),
    Format("csv", "one tidy table", "csv", "table_csv:render", is_suffixs=True),
    Format("json", "everything, one document", "json", "report_json:render", is_suffixs=True),
    Format("ndjson", "a line for each fact, as it happens", "ndjson", None),
    Format("events", "a line of text for each change", "log", None),
    Format("markdown", "for tickets and chats", "md", "markdown:render", is_suffixs=True),
    Format("html", "one page with charts", "html", "page:render", is_suffixs=True),
    Format("mtr-json", "mtr's JSON", "json", "mtr_json:render", is_mtrs=True),
    Format("mtr-csv", "mtr's CSV", "csv", "mtr_csv:render", is_mtrs=True),
    Format("mtr-xml", "mtr's XML", "xml", "mtr_xml:render", is_mtrs=True, is_suffixs=True),
    Format("mtr-raw", "mtr's raw lines, as it happens", "txt", None, is_mtrs=True, is_stepwise=True),
    Format("mtr-split", "mtr's split lines: a hop's whenever it changes", "txt", None, is_mtrs=True, is_stepwise=True),
)

FORMATS: Final[dict[str, Format]] = {format_.name: format_ for format_ in _ALL}
"""By name, in the order of the help."""
BY_SUFFIX: Final[dict[str, Format]] = {format_.suffix: format_ for format_ in _ALL if format_.is_suffixs}
"""What a file's ending asks for."""
STREAMS: Final = frozenset(format_.name for format_ in _ALL if format_.printer is None)
"""Formats that are written while probing goes on: see `stream`."""
MTR: Final = frozenset(format_.name for format_ in _ALL if format_.is_mtrs)
TEXT: Final = frozenset(("text", "wide"))
"""Those of mtr's that people read: with ``--flows`` the parallel paths stand below the table."""
STEPWISE: Final = frozenset(format_.name for format_ in _ALL if format_.is_stepwise)


def render(document: Document, name: str) -> str:
    """The document in a format that is no stream; it ends with a newline, or is empty. `KeyError` for another name."""
    printer = FORMATS[name].printer
    if printer is None:
        raise KeyError(f"{name} is a stream")
    module, _, function = printer.partition(":")
    text: str = getattr(import_module(f"hopscope.views.report.{module}"), function)(document)
    return text
