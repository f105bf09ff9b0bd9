"""A verdict as the sentences at the top of a screen: a home user's words first, then what an expert wants to know.

Each is whole, the most important first: good or bad, where and since when; between whom; what one would notice; what to
do; what is fine. What has no room is left out from the end, so that nothing is ever cut where it matters.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from hopscope.judge.verdict import Verdict
from hopscope.words.calm import QUIET, ended
from hopscope.words.clauses import Background, Ways, again, since, target_called
from hopscope.words.troubles import TROUBLE, in_short, often
from hopscope.words.verdicts import Circumstances

State: TypeAlias = Literal["running", "then", "paused", "finished"]
"""What becomes of a target; ``then``: it is looked at as it was at a moment that is past."""


class Headline(msgspec.Struct, frozen=True):
    """What stands at the top."""

    matter: str
    """What is the matter and where: the beginning of the first sentence, which stands out."""
    asides: Ways
    """The rest of that sentence: since when, and whether it lasts."""
    more: tuple[Ways, ...] = ()
    """Further sentences, the most important first."""
    effect: str = ""
    """What that means for the target, behind what is the matter; where its name stands already it can be spared."""
    short: str = ""
    """What is the matter in a few words, where there is no room for more beside since when."""
    instead: str = ""
    """A sentence for where none of `more` has room."""

    @property
    def sentences(self) -> tuple[Ways, ...]:
        """All of it."""
        whole = tuple(f"{self.matter}{self.effect}{aside}." for aside in self.asides) if self.effect else ()
        least = (f"{self.short}{self.asides[-1]}.",) if self.short else ()
        return ((*whole, *self.brief, *least), *self.more)

    @property
    def brief(self) -> Ways:
        """The first sentence, for beside the target's name."""
        return tuple(f"{self.matter}{aside}." for aside in self.asides)


def headline(verdict: Verdict, setting: Circumstances, history: Background, state: State) -> Headline:
    """The verdict's sentences; nothing is "now" where nobody looks, or at another moment."""
    if verdict.is_trouble:
        head, more = TROUBLE[verdict.kind](verdict.numbers, setting, history)
        asides = since(verdict, setting, history, is_now=state == "running")
        more = (*often(verdict.numbers), *more) if verdict.comes_and_goes else (*more, *again(verdict.kind, setting))
    else:
        head, asides, more = QUIET[verdict.kind](verdict, setting, history)
    ways = tuple((each,) if isinstance(each, str) else each for each in more if each)
    if state in ("running", "then"):
        effect = f": {target_called(setting)} is cut off" if verdict.kind == "outage" else ""
        short = in_short(verdict, setting) if verdict.is_trouble else ""
        short = short[:1].upper() + short[1:]
        return Headline(head[:1].upper() + head[1:], asides, ways, effect, short, ended(verdict, setting))
    begin = "Paused; so far " if state == "paused" else "Finished: "
    return Headline(f"{begin}{head.removesuffix(' so far')}", asides, ways)
