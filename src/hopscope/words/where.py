"""A place in words: from where on, and whose that is."""

from __future__ import annotations

from hopscope.names.hostnames import PLACEHOLDERS
from hopscope.words.places import Place


def where(place: Place) -> str:
    """From where on: ``from hop 9 on``; a place is a range, and no router's fault."""
    first, last = place.first, place.last
    if last is None:
        return ""
    if last <= 1:
        return "from the first hop on"
    if place.is_target and first in (None, last, last - 1):
        return "at the target"
    if first is None or first >= last - 1:
        return f"from hop {last} on"
    if first < 1:
        return f"from one of the first {last} hops on"
    return f"from hop {first + 1} or {last} on" if last - first == 2 else f"from one of hops {first + 1} to {last} on"


def whose(place: Place) -> str:
    """Whose that is: ``where your provider (AS64500) meets AS64510 FARLINE``."""
    if place.segment == "this computer":
        return "on this computer"
    if place.segment == "your network":
        return "in your own network"
    if place.between is None or place.last is None:
        return ""
    near, far = place.between
    if place.first == place.last:  # somebody there says so
        return f"at {_titled(far, place)}"
    if near == far:
        return "between hidden hops" if far in PLACEHOLDERS else f"within {_titled(far, place)}"
    return f"where {near} meets {_titled(far, place)}"


def _titled(name: str, place: Place) -> str:
    if place.segment in ("your provider", "the target's network"):
        return f"{place.segment} ({name})" if name else place.segment
    return name


def placed(words: str, place: Place) -> str:
    """The words, and where that is."""
    at = where(place)
    return f"{words} {at}" if at else words


def near_words(place: Place) -> str:
    """What alone answers, where `Place.is_line`."""
    return "your own network" if place.near == "your network" else f"hop {place.first}"


def line_words(place: Place) -> str:
    """What then is most likely the matter."""
    is_own = place.first == 1 or place.near == "your network"
    return "your internet line is down" if is_own else "your provider's network is down"
