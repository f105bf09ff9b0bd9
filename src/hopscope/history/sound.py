"""What stands in a store, so that it can harm no reader: read or refused."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Final, TypeVar

from hopscope.history import notes
from hopscope.history.block import BadBlock, Rowed
from hopscope.history.schema import StoreError
from hopscope.history.tables import BROKEN
from hopscope.names.clean import clean
from hopscope.session.facts import Asked
from hopscope.session.plans import numeric
from hopscope.session.query import read_query
from hopscope.wire.check import check
from hopscope.wire.facts import Begun, Continued, Found, TakenBack
from hopscope.wire.messages import Answered, Failed
from hopscope.wire.undecodable import UNDECODABLE

_LONGEST_ADDRESS: Final = 64
_LONGEST_NOTE: Final = 1 << 20

T = TypeVar("T")


def sound(read: Callable[..., T], data: bytes, *more: Any) -> T:
    """What `read` makes of these bytes."""
    try:
        return read(data, *more)
    except (BadBlock, ValueError, *UNDECODABLE, zlib.error):
        raise StoreError(BROKEN) from None


def made_safe(told: list[Rowed]) -> list[Rowed]:
    """These facts, with nothing in them that could harm a reader."""
    known: set[str] = set()
    for place, (row, fact) in enumerate(told):
        if isinstance(fact, Answered):
            if fact.address not in known:
                if not _is_address(fact.address):
                    raise StoreError(BROKEN)
                known.add(fact.address)
        elif isinstance(fact, Failed):
            told[place] = (row, notes.safe_failure(fact))
    return told


def _is_address(text: str) -> bool:
    return len(text) <= _LONGEST_ADDRESS and numeric(text) is not None and clean(text) == text


def read_note(data: bytes) -> notes.Note:
    """A note that a fold can take, with nothing in it that could harm a reader. `StoreError`."""
    if len(data) > _LONGEST_NOTE:
        raise StoreError(BROKEN)
    try:
        fact = notes.decode(data)
        if isinstance(fact, (Begun, Continued, TakenBack)) and fact.plan is not None:
            check(fact.plan)
        elif isinstance(fact, Found) and not _is_address(fact.address):
            raise ValueError
        elif isinstance(fact, Asked):
            read_query(fact.query)
    except (*UNDECODABLE, ValueError):
        raise StoreError(BROKEN) from None
    return fact
