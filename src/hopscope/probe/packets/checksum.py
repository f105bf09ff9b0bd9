"""The internet checksum (RFC 1071), and how a payload keeps it constant.

A 16-bit word is its value modulo 65535 in this sum (2**16 is 1 modulo 65535), so a whole packet read as one big number
has the same remainder as the sum of its words: one division in C instead of a loop in Python.
"""

from __future__ import annotations


def ones_sum(data: bytes | bytearray | memoryview) -> int:
    """The one's complement sum of `data`'s 16-bit words, 0 to 65534; an odd last byte is the high half of a word.

    Zero stands for 65535 too, which is the same number in one's complement.
    """
    value = int.from_bytes(data, "big")
    return (value << 8 if len(data) & 1 else value) % 0xFFFF


def is_checked(data: bytes | bytearray | memoryview) -> bool:
    """Whether `data`, its checksum field included, adds up."""
    return ones_sum(data) == 0 and any(data)


def complement(word: int, total: int) -> int:
    """The word that, beside `word`, adds up to `total`: two such words leave a checksum as it is, whatever `word`."""
    return (total - word) % 0xFFFF
