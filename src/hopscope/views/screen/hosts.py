"""Names in less room than they need: what they have in common goes first, then the middle; what differs stays apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rich.cells import cell_len

from hopscope.views.screen.text import cut

SIGN = "…"
LONGEST_PART = 6
"""Characters in which the names of parallel links may differ, to be written as one."""


@lru_cache(maxsize=64)
def shortened(names: tuple[str, ...], width: int) -> dict[str, str]:
    """Each name in at most `width` cells. Two that differ are not written alike, as long as there is any room."""
    taken = {name for name in names if cell_len(name) <= width}
    out = {name: name for name in taken}
    shared = _shared_ends(names)
    for name in names:
        if name not in out:
            ways = _ways(name, shared, width) if name.isascii() and width > 3 else iter(())
            out[name] = next((way for way in ways if way not in taken), cut(name, width))
            taken.add(out[name])
    return out


def _shared_ends(names: Sequence[str]) -> frozenset[str]:
    """Ends of names, from a dot on, that several of them have."""
    ends = Counter(name[at:] for name in set(names) for at, char in enumerate(name) if char == "." and at)
    return frozenset(end for end, times in ends.items() if times > 1)


def _ways(name: str, shared: frozenset[str], width: int) -> Iterator[str]:
    """Ways to write a name that is too long, the best first."""
    rests = [name[:at] for at in range(len(name) - 1, 0, -1) if name[at:] in shared]
    yield from (rest + SIGN for rest in rests if len(rest) < width)
    rest, end = (rests[-1], SIGN) if rests and len(rests[-1]) > width // 2 else (name, "")
    room = width - 1 - len(end)
    for head in (room // 3, room // 2, room * 2 // 3, 2, max(0, room - 2)):
        tail = room - head
        yield rest[:head] + SIGN + (rest[-tail:] if tail else "") + end
    for start in range(len(name) - width + 3):
        yield SIGN + name[start : start + width - 2] + SIGN


def together(names: Sequence[str]) -> str | None:
    """Names of parallel links as one: ``ae4-{0,1}.edge1.example``; None where they have too little in common."""
    if len(set(names)) < 2:
        return None
    head = _begin(names)
    tail = _begin([name[len(head) :][::-1] for name in names])[::-1]
    parts = sorted({name[len(head) : len(name) - len(tail)] for name in names}, key=lambda part: (len(part), part))
    if not head or not tail or any(not part or len(part) > LONGEST_PART for part in parts):
        return None
    shown = parts if len(parts) <= 4 else [parts[0], SIGN, parts[-1]]
    return f"{head}{{{','.join(shown)}}}{tail}"


def _begin(words: Sequence[str]) -> str:
    """What all words begin with."""
    alike = 0
    for chars in zip(*words, strict=False):
        if len(set(chars)) > 1:
            break
        alike += 1
    return words[0][:alike]
