"""Pastes on their way in: whatever the clipboard held, only text reaches the parser of keys, and only so much of it.

Textual's parser takes an escape character inside a bracketed paste for the beginning of a key, so that a pasted file
would press keys: it could quit, remove targets, or close the prompt that it was pasted into.
"""

from __future__ import annotations

from typing import Final

START: Final = "\x1b[200~"
END: Final = "\x1b[201~"
_KEPT: Final = "\n\u200c\u200d"
"""Of what is not printable: lines stay lines, and without its joiners a host's name would be another host's."""
MOST: Final = 8192
"""Characters of a paste that are taken; what comes behind them is dropped. No name and no path is longer."""


class Pastes:
    """A filter over what the terminal sends, wherever that is cut into pieces. Keys pass unchanged and at once."""

    def __init__(self) -> None:
        self._inside = False
        self._kept = ""
        """Outside of a paste: the last characters that passed; inside: what may be the beginning of its end, or of a
        line's."""
        self._room = MOST

    @property
    def is_open(self) -> bool:
        """Whether a paste has begun whose end has not come."""
        return self._inside

    def end(self) -> str:
        """The end that did not come: what goes on to the parser so that the next key is one."""
        if not self._inside:
            return ""
        self._inside, self._kept = False, ""
        return END

    def feed(self, data: str) -> str:
        """What of `data` goes on to the parser."""
        out: list[str] = []
        while data:
            data = self._in_paste(data, out) if self._inside else self._among_keys(data, out)
        return "".join(out)

    def _among_keys(self, data: str, out: list[str]) -> str:
        seen = self._kept + data
        at = seen.find(START)
        if at < 0:
            out.append(data)
            self._kept = seen[1 - len(START) :]
            return ""
        end = at + len(START) - len(self._kept)
        out.append(data[:end])
        self._inside, self._kept, self._room = True, "", MOST
        return data[end:]

    def _in_paste(self, data: str, out: list[str]) -> str:
        text = self._kept + data
        at = text.find(END)
        if at < 0:
            # Half an end may follow, or half an end of a line.
            held = next((n for n in range(len(END) - 1, 0, -1) if text.endswith(END[:n])), int(text.endswith("\r")))
            text, self._kept, rest = text[: len(text) - held], text[len(text) - held :], ""
        else:
            text, self._kept, rest = text[:at], "", text[at + len(END) :]
        taken = plain(text[: 4 * self._room])[: self._room]
        self._room -= len(taken)
        out.append(taken)
        if at >= 0:
            out.append(END)
            self._inside = False
        return rest


def plain(text: str) -> str:
    """Text without control, formatting and invisible characters; a tab is a space, lines stay lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return text if text.isprintable() else "".join(char for char in text if char in _KEPT or char.isprintable())
