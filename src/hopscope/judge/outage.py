"""The target does not answer any more: from which hop on, and since when. An outage that is over where it was, while
the target stays silent, is another one elsewhere.

All functions are pure, over `Series`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from hopscope.judge.hop_series import ANSWERED, FAILED, LOST, HopSeries
from hopscope.judge.series import CIRCLED, REFUSED, Series
from hopscope.judge.silence import (
    EXPLAINED,
    GONE,
    RECENT,
    REFUSED_KINDS,
    Finding,
    begin_of_silence,
    is_elsewhere,
    log_chance,
    still_answers,
)
from hopscope.judge.verdict import Numbers

GONE_ALONE: Final = 10
"""`GONE` where no hop before it went silent with it: a limit has such gaps, too; or where those lose as well."""
GONE_AT_MOST: Final = 20
_LASTED: Final = 10
"""Rounds at one place from which on it is another outage that is elsewhere; before, the same one is better known."""
_ELSEWHERE: Final = math.log(1e6)
"""Nearer hops are silent, too, where chance would do that once in so many times: each round is another try."""


def silence(series: Series, silent: int, stands: Finding | None) -> Finding | None:
    """The target does not answer any more. `stands`: what was found before."""
    if silent < GONE:
        return None
    certainty = 0.97 if silent >= 5 else 0.93
    if stands is not None and stands.kind == "outage":
        return _followed(series, stands)._replace(confidence=certainty)
    target = series.target
    fates = target.fates
    begin = begin_of_silence(series) - series.base
    newest = fates[begin:]
    lost = newest.count(LOST)
    if lost < GONE or (newest.count(FAILED) and 2 * lost < len(newest)):
        return None
    n, k = target.counted(max(0, begin - RECENT), begin)
    before = k / n if n else 0.0
    explained = begin if stands is None or stands.kind not in EXPLAINED else max(begin, _end_of_explained(series))
    steady = [hop for hop in series.path() if _used_to_answer(hop, begin) or _used_to_answer(hop, explained)]
    place, before_it = _silent_from(series, steady, explained)
    needed = GONE_ALONE if place == series.target_ttl or _others_lose(steady, begin, before_it) else GONE
    if before >= 1:
        needed = GONE_AT_MOST
    elif before > 0:
        # Loss that is known has such runs, sooner or later.
        chance = 1e-4 if stands is not None and stands.kind in ("loss", "bad-member") else 0.01
        needed = min(GONE_AT_MOST, max(needed, math.ceil(math.log(chance, before))))
    if silent < needed:
        return None
    found = Finding(
        "outage", before_it or int(place == 1), place, series.base + begin, certainty, Numbers(usual_ns=None)
    )
    if stands is not None and stands.kind in REFUSED_KINDS and not is_elsewhere(found, stands):
        return stands  # who said why says no more: Linux does so a few times only while probes go on
    if stands is not None and explained > begin:
        # Who said why says no more; what is elsewhere began when that was over.
        is_other = stands.kind == "loop" or is_elsewhere(found, stands)
        if is_other and fates.count(LOST, explained) < needed:
            return stands  # for all that is known by now
        found = found._replace(since=series.base + explained if is_other else stands.since)
    return found._replace(steady=frozenset(hop.ttl for hop in steady))


def _end_of_explained(series: Series) -> int:
    """The index after the last round of which it is known why its probe did not reach the target."""
    return max(series.cut.rfind(REFUSED), series.cut.rfind(CIRCLED)) + 1


def _silent_from(series: Series, steady: Sequence[HopSeries], begin: int) -> tuple[int, int]:
    """The smallest TTL from which every hop that used to answer is silent since about index `begin`, and that of the
    last before it that answers (0: none does)."""
    assert series.target_ttl is not None
    place = series.target_ttl
    for hop in reversed(steady):
        if not _went_silent(hop, begin):
            return place, hop.ttl
        place = hop.ttl
    return place, 0


def _others_lose(steady: Sequence[HopSeries], begin: int, last: int) -> bool:
    """Whether hops up to `last`, which answer, lose since index `begin` what they did not lose before."""
    n = k = before_n = before_k = 0
    for hop in steady:
        if hop.ttl <= last and _used_to_answer(hop, begin):
            here, lost = hop.counted(begin)
            earlier, earlier_lost = hop.counted(max(0, begin - RECENT), begin)
            n, k, before_n, before_k = n + here, k + lost, before_n + earlier, before_k + earlier_lost
    return k >= 2 and 10 * k > n and k * before_n > 3 * before_k * n


def _used_to_answer(hop: HopSeries, begin: int) -> bool:
    start = max(0, begin - 60)
    n, k = hop.counted(start, begin)
    return (n > k and (n - k) * 2 > n) or (n > k and begin - start < 3)


def _went_silent(hop: HopSeries, begin: int) -> bool:
    newest = hop.fates[begin:]
    return newest.count(ANSWERED, 1 if len(newest) > GONE else 0) == 0 and LOST in newest


# --- an outage that stands ----------------------------------------------------------------------------------------


def _followed(series: Series, stands: Finding) -> Finding:
    """The outage as of now: where it was, or better known, or elsewhere by now, which is another one."""
    steady = [hop for hop in series.path() if hop.ttl in stands.steady]
    place = stands.last_ttl or 1
    behind = [hop for hop in steady if hop.ttl >= place]
    before = steady[: len(steady) - len(behind)]
    return _narrowed(series, _gone_on(series, stands, behind) or _come_near(series, stands, before) or stands)


def _narrowed(series: Series, found: Finding) -> Finding:
    """The same, where hops answer inside its place of which nothing was known when it began."""
    first, last = found.first_ttl or 1, found.last_ttl or 1
    if last - first < 2:
        return found
    start = max(series.index(found.since) + 1, len(series) - _LASTED)
    new = [hop.ttl for hop in series.path() if first < hop.ttl < last and hop.fates.count(ANSWERED, start) >= GONE]
    return found._replace(first_ttl=new[-1], steady=found.steady.union(new)) if new else found


def _gone_on(series: Series, stands: Finding, behind: Sequence[HopSeries]) -> Finding | None:
    """It is no nearer than some of the hops `behind` where it was: they answer."""
    begin, end = series.index(stands.since), len(series)
    if all(hop.fates.rfind(ANSWERED, begin + 1) < max(0, end - _LASTED) for hop in behind):
        return None
    assert series.target_ttl is not None
    rounds = _last_row([hop.fates for hop in behind], begin + 1)
    if not rounds:
        return None
    again = rounds[0]
    answer = [hop for hop in behind if hop.fates.rfind(ANSWERED, again) >= 0]
    since = stands.since
    if again - begin >= _LASTED and any(_is_longest(hop, begin, again) for hop in answer):
        since = series.base + again
        if end - again < _LASTED or len(rounds) < GONE:
            return stands
    beyond = [hop for hop in behind if hop.ttl > answer[-1].ttl]
    if any(hop.fates.count(LOST, again) < GONE for hop in beyond) and since != stands.since:
        return stands  # it is not known yet
    place = beyond[0].ttl if beyond else series.target_ttl
    hidden = stands.hides
    while hidden is not None and (hidden.last_ttl or 0) < place:
        hidden = hidden.hides
    if hidden is not None and hidden.last_ttl == place:
        return hidden._replace(again=series.base + again)
    return stands._replace(first_ttl=answer[-1].ttl, last_ttl=place, since=since, hides=hidden, again=None)


def _last_row(columns: Sequence[bytearray], start: int) -> list[int]:
    """The indexes of rounds from `start` on in which any of them answered, of which no two that follow each other are
    farther apart than ten; the last such row."""
    row: list[int] = []
    at = max(fates.rfind(ANSWERED, start) for fates in columns)
    while at >= start and (not row or row[-1] - at <= _LASTED):
        row.append(at)
        at = max(fates.rfind(ANSWERED, start, at) for fates in columns)
    return row[::-1]


def _is_longest(hop: HopSeries, begin: int, end: int) -> bool:
    """Whether its silence from index `begin` to before `end` is by far the longest of late: no gap of a limit."""
    return hop.fates.count(LOST, begin, end) > 2 * _longest_gap(hop, begin)


def _longest_gap(hop: HopSeries, end: int) -> int:
    """How many probes in a row it left out of late, before index `end`."""
    known = hop.fates[max(0, end - RECENT) : end].translate(None, b".")
    return max(map(len, known.split(bytes((ANSWERED,)))))


def _come_near(series: Series, stands: Finding, before: Sequence[HopSeries]) -> Finding | None:
    """Hops `before` the place are silent by now, too."""
    begin, sure, count = series.index(stands.since), 0.0, 0
    last = -1
    for hop in reversed(before):
        at = hop.fates.rfind(ANSWERED)
        if still_answers(hop) or not _is_longest(hop, at + 1, len(series)):
            break
        sure += log_chance(hop)
        last, count = max(last, at), count + 1
    if sure < _ELSEWHERE:
        return None
    rest = len(before) - count
    near = stands._replace(first_ttl=before[rest - 1].ttl if rest else 1, last_ttl=before[rest].ttl)
    if last + 1 - begin < _LASTED:
        return near
    return near._replace(since=series.base + last + 1, hides=stands, again=None)
