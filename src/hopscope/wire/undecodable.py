"""What msgspec raises of bytes that a stranger wrote: whoever decodes such bytes catches all of it."""

from __future__ import annotations

from typing import Final

import msgspec

UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""They are not of the type; a string in them is none; they nest deeper than Python's recursion limit, in whatever would
be skipped, too."""
