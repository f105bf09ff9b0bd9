"""What a delay is called: a queue at home, on the access line or farther away, a longer way, a change of route."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from hopscope.judge.delay import Delays, Rise
from hopscope.judge.loss import may_begin_at_first
from hopscope.judge.own_network import own_hops
from hopscope.judge.route import AT_ONCE, RouteChange, RouteWatch
from hopscope.judge.series import Series
from hopscope.judge.silence import Finding
from hopscope.judge.verdict import Numbers, Trouble

DELAYED: Final[frozenset[Trouble]] = frozenset(
    ("route-change", "detour", "bufferbloat", "congestion", "local-network", "flapping")
)
"""Troubles while which nothing that is measured counts as usual."""
LASTING: Final = DELAYED - {"flapping"}
"""Those of them that are a delay which goes on, and so have one place and one beginning."""
LONGER: Final[frozenset[Trouble]] = frozenset(("route-change", "detour"))
"""Those of them that are a longer way: all packets are as late, and none is lost for it."""
QUEUES: Final[frozenset[Trouble]] = frozenset(("local-network", "bufferbloat", "congestion"))
"""One trouble, named by its place."""
_LOOK_BACK: Final = 120
"""Rounds in which the beginning of a delay is looked for, unless it grew slowly."""
SETTLED: Final = 40
"""Rounds after which a delay that lasts keeps its name and place."""
_NS: Final = 1_000_000


class PathNow(NamedTuple):
    """A path as it is now."""

    series: Series
    delays: Delays
    """What is usual of it."""
    routes: RouteWatch
    source: str | None
    """This computer's address."""


def delayed(now: PathNow, rise: Rise, stands: Finding | None, *, is_settled: bool) -> Finding | None:
    """The trouble that a rise of the delay is; None where it is too small for what it looks like. `stands`: the delay
    that is known already; `is_settled`: its kind, its place and since when it lasts are."""
    if stands is not None and is_settled:
        return stands._replace(numbers=numbers_of(rise))
    series, delays = now.series, now.delays
    since = delays.since(series, rise, len(series) if rise.is_slow else _LOOK_BACK)
    if since <= AT_ONCE and not series.base and delays.remembers(series):
        since = -1  # it was so when this run began
    place = ttls_of(series, delays.place(series, rise, since))
    was_queue = rise.is_slow or (stands is not None and stands.kind in QUEUES)
    return named(now, rise, place, since, was_queue=was_queue)


def numbers_of(rise: Rise) -> Numbers:
    """Those that a delay rests on."""
    return Numbers(usual_ns=round(rise.usual.median * _NS), now_ns=round(rise.now * _NS))


def named(
    now: PathNow,
    rise: Rise,
    place: tuple[int, int],
    since: int,
    *,
    was_queue: bool,
    shape: int | None = None,
) -> Finding | None:
    """What a delay at this place (TTLs) since then is called; None where it is too small for what it looks like.
    `was_queue`: it was called one; `shape`: the ordinal of the round from which on it is alone, where that is later."""
    series, delays, routes, source = now
    (first, last), numbers = place, numbers_of(rise)
    sure = min(0.95, 0.6 + rise.sure / 50)
    change = None if rise.is_slow else _change_near(routes, since)
    if change is not None:
        return Finding("route-change", max(1, change.ttl - 1), change.ttl, change.at, sure, numbers)
    if not was_queue and delays.is_step(series, rise, since if shape is None else shape):
        return Finding("detour", first, last, since, sure, numbers)
    if not was_queue and not delays.is_queue(rise):
        return None
    return Finding(_queue_at(series, last, source), first, last, since, sure, numbers)


def _queue_at(series: Series, last: int, source: str | None) -> Trouble:
    """What a queue on the link to this TTL is called."""
    hops = series.path()
    own = own_hops(hops, source)
    if last <= max(own, series.first_ttl):
        return "local-network"
    behind = next((hop.ttl for hop in hops if hop.ttl > own), end_of_path(series))
    return "bufferbloat" if own and last == behind else "congestion"


def swinging(now: PathNow, stands: Finding | None) -> Finding | None:
    """The queue that round trips tell of which swing, with or without a quiet time before."""
    series, found = now.series, now.delays.swing
    if found is None:
        return None
    numbers = Numbers(quick_ns=round(found.quick_ms * _NS), slow_ns=round(found.slow_ms * _NS))
    if stands is not None and stands.kind in QUEUES and series.end - stands.since > SETTLED:
        return stands._replace(numbers=numbers)
    last = found.ttl or end_of_path(series)
    # Where hops before it answer too seldom to tell, or never, it may be at any of them.
    first = found.before or (0 if last > series.first_ttl else last)
    return Finding(_queue_at(series, last, now.source), first, last, found.since, 0.85, numbers)


def ttls_of(series: Series, place: tuple[int, int]) -> tuple[int, int]:
    """The TTLs at both sides of a place (`place_in`); 0: on the way to the first hop."""
    (before, behind), hops = place, series.path()
    last = hops[behind].ttl if behind < len(hops) else end_of_path(series)
    return (hops[before].ttl if before >= 0 else 0 if last > series.first_ttl else last), last


def end_of_path(series: Series) -> int:
    """The target's TTL, or the one behind the last router."""
    hops = series.path()
    return series.target_ttl or (hops[-1].ttl + 1 if hops else series.first_ttl)


def _change_near(routes: RouteWatch, since: int) -> RouteChange | None:
    return next((change for change in reversed(routes.changes) if abs(change.at - since) <= AT_ONCE), None)


def flapping(series: Series, change: RouteChange, times: int) -> Finding:
    """The route changes to and fro."""
    numbers = Numbers(times=times)
    return Finding(
        "flapping",
        max(1, change.ttl - 1),
        change.ttl,
        max(change.at, series.base),
        min(0.95, 0.7 + times / 20),
        numbers,
    )


def unsteady(series: Series, delays: Delays, lossy: Finding | None, stands: Finding | None) -> Finding | None:
    """The trouble of a first hop that delays now and then, and loses: what comes late and what is lost there (`lossy`)
    have one cause. While one of them goes on it is not over."""
    if lossy is not None and not may_begin_at_first(lossy):
        return None
    if delays.spiky:
        since = delays.spiky_since
    elif lossy is not None and stands is not None and stands.kind == "local-network":
        since = stands.since
    else:
        return None
    return Finding("local-network", series.first_ttl, series.first_ttl, since, 0.9, Numbers())


def elsewhere(queue: Finding, lossy: Finding, known: Finding | None) -> Finding | None:
    """The loss, if it surely begins at another place than the queue; where it is `known` already, its place narrows."""
    first, last, surely = queue.first_ttl, queue.last_ttl, lossy.surely
    if first is None or last is None or surely is None or queue.kind not in ("bufferbloat", "congestion"):
        return None
    if surely[0] < last and surely[1] > first:
        return None
    begins = lossy.last_ttl
    if known is not None and known.last_ttl is not None and begins is not None:
        begins = min(begins, known.last_ttl) if known.last_ttl > surely[0] else begins
    return lossy._replace(last_ttl=begins)


def with_loss(queue: Finding, lossy: Finding) -> Finding:
    """The queue with what is lost elsewhere."""
    n, ttl = lossy.numbers, lossy.last_ttl
    return queue._replace(numbers=replace(queue.numbers, also_ttl=ttl, also_sent=n.sent, also_lost=n.lost))


def with_delay(lossy: Finding, found: Finding | None) -> Finding:
    """The loss with how slow packets are besides, by the delay that was found, if there is one."""
    usual, now = (None, None) if found is None else (found.numbers.usual_ns, found.numbers.now_ns)
    n = lossy.numbers
    if (n.usual_ns, n.now_ns) == (usual, now):
        return lossy
    return lossy._replace(numbers=replace(n, usual_ns=usual, now_ns=now))
