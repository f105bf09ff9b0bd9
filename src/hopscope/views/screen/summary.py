"""All targets, a row each, the worst first."""

from __future__ import annotations

from rich.cells import cell_len

from hopscope.path.windows import WORDS, named
from hopscope.session.model import Target
from hopscope.views.screen import spark
from hopscope.views.screen.judged import TargetStatus
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, fit, over
from hopscope.words.numbers import DASH, axis_ms, table_ms
from hopscope.words.numbers import share as share_text

FIXED = 3
"""Cells of cursor and mark."""


def order(state: ViewState) -> list[Target]:
    """Targets by trouble: the worst state first, then by loss, then in the order in which they were added."""

    def key(item: tuple[int, Target]) -> tuple[int, float, int]:
        position, target = item
        verdict = state.judge.target(target)
        return verdict.rank, -verdict.loss, position

    return [target for _, target in sorted(enumerate(state.shown.targets), key=key)]


def view(state: ViewState, look: Look, width: int) -> tuple[Row, list[tuple[int, Row]]]:
    """The head, and each target's row by its number."""
    targets = order(state)
    name = max([8, *(cell_len(target.query) for target in targets)])
    names = {target.path.numbers.name for target in targets}
    over_all = names.pop() if len(names) == 1 else state.window
    words = max(
        [len("Health") + len(WORDS[over_all]) + 2, *(cell_len(state.judge.target(target).short) for target in targets)]
    )
    numbers = [("Hops", 6), ("Loss %", 8), ("Median", 9), ("p95", 9)]
    while numbers and width - FIXED - sum(size for _, size in numbers) < 44:
        numbers.pop(0 if numbers[0][0] == "Hops" else -1)
    room = width - FIXED - sum(size for _, size in numbers)
    name = min(name, 40, max(12, room * 2 // 5))
    words = min(words, 34, max(8, room - name - 4))
    bars = room - name - words - 6
    bars = bars if bars >= 8 else 0
    ceiling = spark.ceiling_for([hop for t in targets if (hop := t.path.target)], bars) if bars else 1.0
    head = Line().add(" " * FIXED, look.quiet).add(fit("Target", name + 2), look.quiet)
    window = named(over_all, words - len("Health") - 2)
    head.add(fit("Health", words - len(window)), look.quiet).add(window, look.quiet, Hit("action", "show.window"))
    for title, size in numbers:
        head.add(fit(title, size - (2 if title in ("Median", "p95") else 1), "right"), look.quiet).to(
            head.width + (2 if title in ("Median", "p95") else 1), look.quiet
        )
    if bars:
        reach = f"0{look.glyphs.to}{axis_ms(ceiling)}"
        head.add("  ", look.quiet).add(fit(f"last {bars} rounds", bars - len(reach)), look.quiet).add(reach, look.quiet)
    rows = [(target.id, _row(state, target, look, width, name, words, numbers, bars, ceiling)) for target in targets]
    return head.row(width, look.quiet), rows


def _row(
    state: ViewState,
    target: Target,
    look: Look,
    width: int,
    name: int,
    words: int,
    numbers: list[tuple[str, int]],
    bars: int,
    ceiling: float,
) -> Row:
    verdict: TargetStatus = state.judge.target(target)
    mark, style = look.health(verdict.state)
    chosen = target.id == state.target
    hop = target.path.target
    line = Line().add(look.glyphs.cursor if chosen else " ", look.strong).add(f"{mark} ", style)
    line.add(fit(target.query, name), look.strong if chosen else look.text).add("  ", look.text)
    line.add(fit(verdict.short, words), look.quiet if verdict.state in ("healthy", "finished") else style)
    for title, size in numbers:
        if title == "Hops":
            text = str(len(target.path.hops)) if target.path.reached else DASH
            line.add(fit(text, size - 1, "right") + " ", look.quiet)
        elif title == "Loss %":
            bad = verdict.state in ("loss", "unreachable")
            line.add(
                fit(share_text(hop.loss_pct if hop else None), size - 1, "right") + " ", style if bad else look.quiet
            )
        else:
            rtt = hop.rtt if hop and hop.is_target else None
            value = (rtt.median if title == "Median" else rtt.p95) if rtt else None
            line.add(fit(table_ms(value), size - 1, "right") + " ", look.quiet if verdict.young else look.text)
    if bars:
        line.add("  ", look.text)
        if hop:
            loss: spark.Loss = "trouble" if verdict.verdict.is_trouble else "over" if hop.is_target else "silent"
            each = spark.each_for(target.plan.interval_ns if target.plan is not None else None)
            steps = spark.absolute(ceiling)
            for text, its in spark.cells(hop.window, bars, steps, look, loss, each, spark.newest(target.path)):
                line.add(text, its)
    row = line.row(width, look.text, Hit("open", target.id))
    return over(row, look.chosen) if chosen else row
