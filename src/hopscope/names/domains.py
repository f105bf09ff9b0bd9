"""The registered domain of a host's name: the part that somebody bought, and so a hint at whose machine it is.

A small rule stands for the public suffix list: the last two labels, or three where the second last is one of the words
that countries sell below (``co.uk``, ``com.au``). It does not know suffixes below which others sell names
(``tokyo.jp``, ``github.io``): two strangers there pass for one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_SOLD_BELOW: Final = frozenset(
    ("ac", "co", "com", "ed", "edu", "go", "gob", "gouv", "gov", "gr", "ltd", "me", "mil", "ne", "net", "or", "org")
)
"""Second-level labels of country domains below which names are registered."""
_PRIVATE: Final = frozenset(
    ("lan", "local", "home", "internal", "intranet", "localdomain", "corp", "arpa", "localhost")
)
"""Top-level labels of names that nobody registered (RFC 6762, RFC 8375, and habit)."""


@lru_cache(maxsize=4096)
def registered_domain(name: str) -> str | None:
    """``cr1.west.farline.example`` is ``farline.example``'s; None for names of one label, and for private ones."""
    labels = name.lower().rstrip(".").split(".")
    if len(labels) < 2 or labels[-1] in _PRIVATE or not all(labels):
        return None
    has_country = len(labels[-1]) == 2
    count = 3 if has_country and labels[-2] in _SOLD_BELOW and len(labels) > 2 else 2
    return ".".join(labels[-count:])
