"""Whose hops these are: consecutive hops of one network as a band, drawn as a bracket beside the hops' numbers.

Where the network changes, the bracket ends. With owners (``z``) the band's first row says whose it is.
"""

from __future__ import annotations

import msgspec

from hopscope.names.scopes import WORDS
from hopscope.names.segments import Segment, segments
from hopscope.session.model import Target
from hopscope.views.screen import labels
from hopscope.views.screen.glyphs import GlyphSet


class Band(msgspec.Struct, frozen=True):
    """What a hop's row shows of the band that it belongs to."""

    sign: str
    """One cell of the bracket."""
    words: str
    """Whose the band is, on its first row; empty on the others."""


NONE = Band(" ", "")


def bands(target: Target, glyphs: GlyphSet) -> dict[int, Band]:
    """The band of each hop that belongs to one, by TTL."""
    hops = target.path.rows
    nodes = [labels.present(target, hop) for hop in hops]
    facts = [[(node.address, labels.facts_of(target, node.address)) for node in each] for each in nodes]
    out: dict[int, Band] = {}
    for segment in segments(facts, target.end):
        for index in range(segment.first, segment.last + 1):
            first, last = index == segment.first, index == segment.last
            sign = glyphs.band_one if first and last else glyphs.band_first if first else glyphs.band_last
            if not first and not last:
                sign = glyphs.band
            out[hops[index].ttl] = Band(sign, words(segment) if first else "")
    return out


def words(segment: Segment) -> str:
    """``AS64500 NEARBY-ACCESS``, ``your network``, ``your provider (CGNAT)``."""
    if segment.asn is None:
        if segment.owner == WORDS["cgnat"]:
            return "your provider (CGNAT)"
        return segment.owner if "." in segment.owner else segment.role or segment.owner
    number, _, name = segment.owner.partition(" ")
    return f"{number} {name.split(' ')[0]}" if name else number
