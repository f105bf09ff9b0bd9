"""What a terminal would show: text at the places where the screen's program puts it, without colours."""

from __future__ import annotations

import codecs
import re

_SEQUENCE = re.compile(r"\x1b(?:\[([0-9;?<>=:$]*)([ -/]*[@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_78=>])")
_BEGUN = re.compile(r"\x1b(?:\[[0-9;?<>=:$]*[ -/]*|\][^\x07\x1b]*\x1b?)?\Z")


class Drawn:
    """A grid of characters. Of control sequences (ECMA-48) those are known that this project's screen uses."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], str] = {}
        self._line = self._column = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self.said: list[str] = []
        """Operating system commands, such as what goes to the clipboard."""

    def feed(self, data: bytes) -> None:
        """Take in what was written next, wherever it is cut."""
        text = self._rest + self._decode(data)
        begun = _BEGUN.search(text)
        self._rest = text[begun.start() :] if begun else ""
        text = text[: begun.start()] if begun else text
        at = 0
        for match in _SEQUENCE.finditer(text):
            self._put(text[at : match.start()])
            self._obey(match)
            at = match.end()
        self._put(text[at:])

    @property
    def text(self) -> str:
        """Its lines."""
        lines: dict[int, dict[int, str]] = {}
        for (line, column), letter in self._cells.items():
            lines.setdefault(line, {})[column] = letter
        return "\n".join(
            "".join(lines[line].get(column, " ") for column in range(max(lines[line]) + 1)).rstrip()
            for line in sorted(lines)
        )

    def _put(self, text: str) -> None:
        for letter in text:
            if letter == "\r":
                self._column = 0
            elif letter == "\n":
                self._line += 1
            elif letter >= " ":
                self._cells[self._line, self._column] = letter
                self._column += 1

    def _obey(self, match: re.Match[str]) -> None:
        if match[2] is None:
            if match[0].startswith("\x1b]"):
                self.said.append(match[0])
            return
        numbers = [int(word) if word.isdigit() else 0 for word in match[1].split(";")]
        if match[2] == "H":
            self._line = max(numbers[0], 1) - 1
            self._column = max(numbers[1] if len(numbers) > 1 else 1, 1) - 1
        elif match[2] in ("A", "B", "C", "D"):
            step = max(numbers[0], 1)
            self._line += {"A": -step, "B": step}.get(match[2], 0)
            self._column += {"C": step, "D": -step}.get(match[2], 0)
        elif match[2] == "J" and numbers[0] == 2:
            self._cells.clear()
