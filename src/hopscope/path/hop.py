"""One TTL's events folded: counts, fates, the window, and the answers in the order of sending.

A probe's fate is looked up in two places: `_tail`, the probes from the oldest pending one on, in the order of sending,
and the window's samples. What stands there says what may still become of it, so no fate is counted twice:

    none -> pending, answered, lost, late, failed      (no `Sent` was seen: it counts as sent too)
    pending -> answered, lost, late, failed
    lost -> late, failed (this machine learned only then that it was its own fault)

Everything else is ignored. What is older than the window and not pending keeps the fate that it has.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Final

from hopscope.path.answers import MAX_NODES, HopTotals, RouteTracker
from hopscope.path.snapshot import FAILED, LATE, LOST, NO_PROBE, PENDING, Hop, LocalError, Window
from hopscope.path.stats import loss_ci95_pct, loss_pct
from hopscope.path.totals import Counts, Responder
from hopscope.path.window import Samples
from hopscope.wire.answers import PASSING
from hopscope.wire.messages import Answered, Failed

MAX_TAIL: Final = 65_536
"""Probes of a hop that may be in flight: more than there are sequence numbers."""

_TOGETHER: Final = 16
"""Answers that are added up together."""


class HopFold:
    """What is known of one TTL."""

    __slots__ = (
        "_answers",
        "_cached",
        "_cached_end",
        "_done",
        "_late_nodes",
        "_samples",
        "_tail",
        "duplicates",
        "errors",
        "failed",
        "last_error",
        "late",
        "lost",
        "newest_answer",
        "newest_ends",
        "newest_own",
        "pending",
        "received",
        "route",
        "sent",
        "ttl",
    )

    def __init__(self, ttl: int, window: int, first_round: int) -> None:
        self.ttl = ttl
        self.sent = 0
        self.received = 0
        self.lost = 0
        self.late = 0
        self.pending = 0
        self.failed = 0
        self.duplicates = 0
        self.errors = 0
        """How many of the received answers were a router's error that ends the path."""
        self.last_error: LocalError | None = None
        self.newest_answer = -1
        """The round of the newest probe that was answered, late ones included."""
        self.newest_ends = False
        """That answer ends the path."""
        self.newest_own = -1
        """The round of the newest probe that the target itself answered."""
        self.route = RouteTracker(frozenset())
        """As of the last snapshot."""
        self._samples = Samples(window, first_round)
        self._tail: dict[int, Answered | int] = {}
        """Round -> the answer, or the sample of a probe without one. The first one is pending, or it were gone."""
        self._answers = HopTotals()
        self._done: list[Answered] = []
        """Further answers, in the order of sending, that are to be added to those."""
        self._late_nodes: dict[str, int] = {}
        self._cached: Hop | None = None
        self._cached_end = (-1, -1, False)

    def copy(self) -> HopFold:
        """The same, to be continued by itself."""
        self._add_done()
        twin = copy.copy(self)
        twin._done = []
        twin._samples = self._samples.copy()
        twin._tail = dict(self._tail)
        twin._answers = self._answers.copy()
        twin._late_nodes = dict(self._late_nodes)
        return twin

    # --- facts; each says whether it changed anything. `oldest` is the window's first round ------------------------

    def sent_one(self, round_: int, oldest: int) -> bool:
        """A probe left."""
        tail = self._tail
        if round_ in tail or round_ < oldest or not self._samples.begin(round_):
            return False
        self.sent += 1
        self.pending += 1
        if tail:
            self._enqueue(round_, PENDING)
        else:
            tail[round_] = PENDING
        if len(tail) > MAX_TAIL:
            del tail[next(iter(tail))]
            self._commit()
        self._cached = None
        return True

    def answered(self, event: Answered, oldest: int) -> bool:
        """A probe was answered in time."""
        round_ = event.round
        if not self._settle(round_, oldest, event.rtt_ns, event):
            return False
        self.received += 1
        if round_ >= self.newest_answer:
            self.newest_answer = round_
            self.newest_ends = event.kind not in PASSING
        return True

    def lost_one(self, round_: int, oldest: int) -> bool:
        """A probe's timeout passed."""
        if not self._settle(round_, oldest, LOST, LOST):
            return False
        self.lost += 1
        return True

    def failed_one(self, event: Failed, oldest: int) -> bool:
        """This machine could not send a probe, or refused it after all."""
        round_ = event.round
        if self.fate(round_) == LOST:
            self._correct(round_, FAILED, oldest)
        elif not self._settle(round_, oldest, FAILED, FAILED):
            return False
        self.failed += 1
        self._error(LocalError(event.error, event.message, event.sent_at))
        return True

    def late_one(self, event: Answered, oldest: int) -> bool:
        """A lost probe was answered after all: late now, neither received nor lost."""
        round_ = event.round
        if self.fate(round_) == LOST:
            self._correct(round_, LATE, oldest)
        elif not self._settle(round_, oldest, LATE, LATE):
            return False
        self.late += 1
        if round_ >= self.newest_answer:
            self.newest_answer = round_
            self.newest_ends = event.kind not in PASSING
        first = self._late_nodes.get(event.address)
        if first is not None:
            self._late_nodes[event.address] = min(first, round_)
        elif len(self._late_nodes) < MAX_NODES:
            self._late_nodes[event.address] = round_
        return True

    def duplicate(self, count: int) -> bool:
        """Further answers to a probe."""
        self.duplicates += count
        self._cached = None
        return True

    def abandon(self, now: int, error: str, message: str, oldest: int) -> bool:
        """No fate will come any more: what is pending has failed, by this machine's fault."""
        rounds = [round_ for round_, entry in self._tail.items() if entry == PENDING]
        for round_ in rounds:
            self._settle(round_, oldest, FAILED, FAILED)
        if not rounds:
            return False
        self.failed += len(rounds)
        self._error(LocalError(error, message, now))
        return True

    def mark(self, round_: int, sample: int, oldest: int) -> None:
        """The probe of a round was not answered in time: `sample` says why; nothing where there was none."""
        if sample == NO_PROBE:
            return
        if sample == PENDING:
            self.sent_one(round_, oldest)
            return
        if sample != LOST and self.fate(round_) == LOST:
            self._correct(round_, sample, oldest)
        elif not self._settle(round_, oldest, sample, sample):
            return
        if sample == LOST:
            self.lost += 1
        elif sample == LATE:
            self.late += 1
        else:
            self.failed += 1

    def blame(self, error: LocalError | None) -> None:
        """Why this machine could not send, the last time."""
        if error is not self.last_error:
            self.last_error = error
            self._cached = None

    # --- how -------------------------------------------------------------------------------------------------------

    @property
    def first_pending(self) -> int:
        """The round of the oldest probe in flight, of which there must be one."""
        return next(iter(self._tail))

    def in_flight(self) -> Iterable[int]:
        """The rounds from the oldest one in flight on."""
        return self._tail

    def fate(self, round_: int) -> int:
        """What became of the probe of a round, as a sample; `NO_PROBE` too where it has left the window."""
        entry = self._tail.get(round_)
        if entry is None:
            return self._samples.get(round_)
        return entry if isinstance(entry, int) else entry.rtt_ns

    def _settle(self, round_: int, oldest: int, sample: int, entry: Answered | int) -> bool:
        """Give a pending (or unknown) probe its fate; False if it has one, or is too old to be known."""
        tail = self._tail
        old = tail.get(round_)
        if old is None:
            if round_ < oldest or self._samples.get(round_) != NO_PROBE:
                return False
            self.sent += 1
            self._samples.put(round_, sample)
            if tail and round_ > next(iter(tail)):
                self._enqueue(round_, entry)
            elif not isinstance(entry, int):
                self._done.append(entry)
        else:
            if old != PENDING:
                return False
            self.pending -= 1
            if round_ >= oldest:
                self._samples.put(round_, sample)
            elif sample >= 0:
                self._samples.ranks.add(sample)
            if len(tail) == 1:  # all that is in flight
                tail.clear()
                if not isinstance(entry, int):
                    self._done.append(entry)
            else:
                tail[round_] = entry
                if round_ == next(iter(tail)):
                    self._commit()
        if len(self._done) >= _TOGETHER:
            self._add_done()
        self._cached = None
        return True

    def _add_done(self) -> None:
        if self._done:
            self._answers.add(self._done)
            self._done = []

    def _correct(self, round_: int, sample: int, oldest: int) -> None:
        """A lost probe is none: `sample` says what it is."""
        self.lost -= 1
        if round_ in self._tail:
            self._tail[round_] = sample
        if round_ >= oldest:
            self._samples.put(round_, sample)
        self._cached = None

    def _enqueue(self, round_: int, entry: Answered | int) -> None:
        tail = self._tail
        in_order = not tail or round_ > next(reversed(tail))
        tail[round_] = entry
        if not in_order:
            self._tail = dict(sorted(tail.items()))

    def _commit(self) -> None:
        """Everything before the oldest pending probe is final in its order."""
        tail = self._tail
        done = []
        for round_, entry in tail.items():
            if entry == PENDING:
                break
            done.append(round_)
            if not isinstance(entry, int):
                self._done.append(entry)
        if len(done) == len(tail):
            tail.clear()
        else:
            for round_ in done:
                del tail[round_]

    def _error(self, error: LocalError) -> None:
        if self.last_error is None or error.at >= self.last_error.at:
            self.last_error = error

    def forget_shown(self) -> None:
        """Make the next snapshot anew."""
        self._cached = None

    # --- what was counted ------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        """What became of its probes."""
        rtt_ns = self._answers.series.sum
        for event in self._done:
            rtt_ns += event.rtt_ns
        if self._tail:
            rtt_ns += sum([entry.rtt_ns for entry in self._tail.values() if not isinstance(entry, int)])
        return Counts(self.received, self.lost, self.late, self.failed, self.duplicates, rtt_ns)

    def rtts_up_to(self, bounds: Sequence[int]) -> tuple[int, ...]:
        """How many RTTs there are up to each bound (ns): see `Ranks.up_to`."""
        return self._samples.ranks.up_to(bounds)

    def newest_fate(self) -> int | None:
        """The newest sample of a probe that has its fate; None: there is none in the window."""
        return next((sample for sample in reversed(self._samples.samples) if sample not in (NO_PROBE, PENDING)), None)

    def answerers(self, round_: int) -> list[str]:
        """Who answered in time up to a round before which nothing is pending."""
        self._add_done()
        return [address for address, sums in self._answers.nodes.items() if sums.first_round <= round_]

    def responders(self) -> tuple[list[Responder], RouteTracker]:
        """Who answered, and the route by those answers; what stands behind a pending probe is left out."""
        route = self._answers.route
        newest = {event.address: event.sent_at for event in self._done}
        if route.candidate or not route.members.issuperset(newest):  # else all is known but the times
            self._add_done()
            newest, route = {}, self._answers.route
        responders = [
            Responder(self.ttl, place, address, sums.received, newest.get(address, sums.last_at), sums.expired)
            for place, (address, sums) in enumerate(self._answers.nodes.items())
        ]
        return responders, route

    # --- what is shown ---------------------------------------------------------------------------------------------

    def _all_answers(self) -> HopTotals:
        """The answers in the order of sending, with those behind a pending probe. Not to be changed."""
        self._add_done()
        waiting = [entry for entry in self._tail.values() if not isinstance(entry, int)]
        if not waiting:
            return self._answers
        answers = self._answers.copy()
        answers.add(waiting)
        return answers

    def snapshot(self, first: int, newest: int, is_target: bool) -> Hop:
        """The hop at this moment, its window from round `first` to `newest`."""
        end = (first, newest, is_target)
        if self._cached is not None and self._cached_end == end:
            return self._cached
        view = self._samples.view(first, newest)
        answers = self._all_answers()
        self.route = answers.route
        self._cached_end = end
        self._cached = Hop(
            ttl=self.ttl,
            sent=self.sent,
            received=self.received,
            lost=self.lost,
            late=self.late,
            pending=self.pending,
            failed=self.failed,
            duplicates=self.duplicates,
            loss_pct=loss_pct(self.lost, self.received),
            loss_ci95_pct=loss_ci95_pct(self.lost, self.received),
            nodes=answers.node_list(self._late_nodes),
            rtt=answers.series.rtt(self._samples.ranks),
            jitter=answers.series.jitter(),
            reply=answers.last_reply(),
            replies=answers.reply_counts(),
            mpls=() if answers.last is None else answers.last.mpls,
            last_error=self.last_error,
            window=Window(first, view),
            is_target=is_target,
            program_clock=answers.program_clock,
            unvouched=answers.unvouched,
            errors=self.errors,
            turns=answers.route.members if len(answers.route.members) > 1 else frozenset(),
        )
        return self._cached
