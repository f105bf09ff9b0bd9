"""Whether what a name server (or the hosts file, or a scenario) calls an address can be a host's name at all.

Whoever owns a reverse zone writes what stands there: nothing, another router's address, the sign for "no answer".
Such a text would stand where readers look for an address, so it is no name here, and the address is shown.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hopscope.names.clean import clean

MAX_NAME: Final = 253
MAX_LABEL: Final = 63
"""Characters of a name and of one label (RFC 1035, 2.3.4)."""

PLACEHOLDERS: Final = frozenset(("hidden",))
"""Words that views put in the place of an address; those with blanks or question marks are no names anyway."""

# A number as inet_aton takes it for the last part of an address: decimal, octal or hexadecimal.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_REVERSE_ZONES: Final = (".in-addr.arpa", ".ip6.arpa")
_REVERSED_ADDRESS: Final = re.compile(r"(?:[0-9][0-9/-]*|[0-9a-f])(?:\.(?:[0-9][0-9/-]*|[0-9a-f]))*")


def hostname(spoken: str) -> str | None:
    """`spoken` as a host's name, without the root's dot and cleaned; None where no host can be called so.

    A name has labels of 1 to 63 letters, digits, hyphens and underscores, at most 253 characters, and a letter in it.
    It does not end in a number (that is what an address does, RFC 3696, 2) and is no address in a reverse zone.
    """
    name = spoken.removesuffix(".")
    # What looks like a digit or a dot is judged as one: fullwidth forms, superscripts.
    plain = unicodedata.normalize("NFKC", name).lower()
    if len(name) > MAX_NAME or len(plain) > MAX_NAME or plain in PLACEHOLDERS:
        return None
    labels = plain.split(".")
    if not all(_is_label(label) for label in labels) or not any(char.isalpha() for char in plain):
        return None
    if _NUMBER.fullmatch(_ascii_digits(labels[-1])) or _is_reversed_address(plain):
        return None
    return clean(name)


def _is_label(label: str) -> bool:
    return 0 < len(label) <= MAX_LABEL and all(
        char.isalnum() or char in "-_" or unicodedata.category(char) == "Mn" for char in label
    )


def _ascii_digits(label: str) -> str:
    """Digits of any script as 0 to 9."""
    return "".join(str(unicodedata.digit(char)) if char.isdigit() else char for char in label)


def _is_reversed_address(name: str) -> bool:
    return any(
        name.endswith(zone) and _REVERSED_ADDRESS.fullmatch(name.removesuffix(zone)) is not None
        for zone in _REVERSE_ZONES
    ) or name in ("in-addr.arpa", "ip6.arpa")


__all__ = ["MAX_NAME", "hostname"]
