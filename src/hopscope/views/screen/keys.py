"""What the terminal sends, as events: pastes are text (`pastes`), and no sequence of bytes ends the program.

Textual's parser takes numbers out of sequences that need not hold any (``ESC [ : 0 ~``), and raises. It also believes
sizes that come as bytes; here the terminal's size is what the kernel says, whatever was typed or pasted.
"""

from __future__ import annotations

import contextlib
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from typing import Final

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.events import Resize
from textual.message import Message
from textual.messages import InBandWindowResize

from hopscope.views.screen.pastes import Pastes

PASTE_PAUSE_S: Final = 2.0
"""A paste of which nothing came for so long is over, whether its end was sent or not."""


class Keys:
    """Bytes in, wherever they are cut; events out. `now_s` is a clock's that does not go back."""

    def __init__(self, debug: bool = False) -> None:
        self._debug = debug
        self._parser = XTermParser(debug)
        self._pastes = Pastes()
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._heard_s = 0.0

    @property
    def are_in_a_paste(self) -> bool:
        """Whether a paste has begun whose end has not come: to be ticked until it has."""
        return self._pastes.is_open

    def feed(self, data: bytes, now_s: float) -> list[Message]:
        """The events that `data` completes. Never raises."""
        if data:
            self._heard_s = now_s
        return self._parsed(self._pastes.feed(self._decode(data)))

    def tick(self, now_s: float) -> list[Message]:
        """What no more bytes came for: half a sequence is the escape key, and what stands behind it; a paste without
        an end is over after a while."""
        ended = self._parsed(self._pastes.end()) if now_s - self._heard_s >= PASTE_PAUSE_S else []
        return [*ended, *self._guarded(self._parser.tick())]

    def end(self) -> list[Message]:
        """What is left when no more comes."""
        with contextlib.suppress(EOFError, ParseError):
            return list(self._guarded(self._parser.feed("")))
        return []

    def _parsed(self, text: str) -> list[Message]:
        # One by one, so that a sequence which the parser does not stand takes nothing along that follows it.
        return [event for char in text for event in self._guarded(self._parser.feed(char))]

    def _guarded(self, events: Iterable[Message]) -> Iterator[Message]:
        try:
            yield from (event for event in events if not isinstance(event, Resize | InBandWindowResize))
        except (EOFError, ParseError):
            raise
        except Exception:  # noqa: BLE001 - whatever a strange sequence makes of the parser, the next key is heard
            self._parser = XTermParser(self._debug)
