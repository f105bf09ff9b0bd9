"""A host's name as DNS carries it: ASCII, checked, the same that a browser and the system's resolver would ask for.

Names with other letters follow UTS #46, nontransitional (https://www.unicode.org/reports/tr46/, the processing that
browsers use): ``ß`` and the final sigma stay letters of their own, where Python's ``idna`` codec (RFC 3490) leads to
another host. The tables and the rules for joiners and for right-to-left labels are those of the library ``idna``.
"""

from __future__ import annotations

from typing import Final

LONGEST_LABEL: Final = 63
"""Bytes between two dots, RFC 1035 section 2.3.4."""
LONGEST_NAME: Final = 253
"""Bytes of a name without its final dot: 255 on the wire."""


def ascii_name(host: str) -> str:
    """`host` as it is looked up. `ValueError` with a few words where no host can be called that."""
    name = host if host.isascii() else _encoded(host)
    labels = name.removesuffix(".").split(".")
    if not all(labels):
        raise ValueError("two dots in a row, or one in front: a part of the name is missing")
    longest = max(labels, key=len)
    if len(longest) > LONGEST_LABEL:
        raise ValueError(f"a part between two dots has {len(longest)} bytes; at most {LONGEST_LABEL} are possible")
    if len(name.removesuffix(".")) > LONGEST_NAME:
        raise ValueError(f"the name has {len(name)} bytes; at most {LONGEST_NAME} are possible")
    for char in name:
        if not 0x20 < ord(char) < 0x7F:
            raise ValueError(f"the character U+{ord(char):04X} is in no host's name")
    return name


def _encoded(host: str) -> str:
    """By UTS #46 section 4, UseSTD3ASCIIRules and CheckHyphens false, as browsers have them."""
    for char in host:
        if 0xDC80 <= ord(char) <= 0xDCFF:  # surrogateescape, PEP 383
            raise ValueError(f"the byte 0x{ord(char) - 0xDC00:02x} is no text (UTF-8); type the name again")
    import idna

    try:
        mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
        return ".".join(label if label.isascii() else _a_label(label) for label in mapped.split("."))
    except idna.InvalidCodepoint:
        foreign = next(char for char in host if not char.isascii() and not _is_mappable(char))
        raise ValueError(f"the character U+{ord(foreign):04X} is in no host's name") from None
    except (idna.IDNAError, UnicodeError):
        raise ValueError("its letters, in this order, are no name in any script (UTS #46)") from None


def _a_label(label: str) -> str:
    import idna

    idna.check_initial_combiner(label)
    for place, char in enumerate(label):
        if char in "\u200c\u200d" and not idna.valid_contextj(label, place):
            raise idna.IDNAError("joiner")
    idna.check_bidi(label)
    return "xn--" + label.encode("punycode").decode("ascii")


def _is_mappable(char: str) -> bool:
    import idna

    try:
        idna.uts46_remap(char, std3_rules=False, transitional=False)
    except idna.IDNAError:
        return False
    return True
