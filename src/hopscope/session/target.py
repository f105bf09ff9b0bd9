"""One target of a running session: its fold, and what is under way for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from hopscope.names.clean import clean
from hopscope.names.facts import Namer
from hopscope.path.windows import WindowName
from hopscope.session.events import EndEvent, StartEvent
from hopscope.session.facts import Asked
from hopscope.session.model import Probing, Target
from hopscope.session.news import News, Told
from hopscope.session.plans import fallback_plan
from hopscope.session.remedy import runnable
from hopscope.session.retries import TARGET_PAUSES_S, Retries
from hopscope.session.target_fold import TargetFold
from hopscope.wire.discovered import Discovered
from hopscope.wire.messages import Failed, Plan, Refused, SourceChanged, Started
from hopscope.words.numbers import iso

S = TypeVar("S", Started, Refused, SourceChanged, Failed, Discovered)

_MOST_WORDS: Final = 500


class TargetRecord:
    """What is known of it is in `fold`, which `Session` alone gives facts; the rest is of this process."""

    def __init__(self, number: int, asked: Asked) -> None:
        """`ValueError` where what was typed can be no target."""
        self.number = number
        self.fold = TargetFold(number, asked)
        self.flow_id = 0
        """The worker's number for the flow that is under way; a new flow gets a new one. 0: none."""
        # One that does not start is tried for as long as its rounds would have taken.
        self.retries = Retries(TARGET_PAUSES_S, planned_s(asked.probing))
        self.resolving: asyncio.Task[None] | None = None
        self.retry: asyncio.TimerHandle | None = None
        """Of the next try, where it could not be started."""
        self.head: StartEvent | None = None
        """What consumers of events were told when the flow began; None: nothing yet, or its end as well."""
        self.news = News()

    @property
    def is_over(self) -> bool:
        """Nothing more will be heard of it without a new command, as far as anybody should wait for that."""
        if self.fold.phase in ("refused", "unresolved"):
            return not (self.fold.is_worth_waiting_for and self.is_tried_again)
        return self.fold.phase == "finished"

    @property
    def is_tried_again(self) -> bool:
        """It could not be started, and will be tried again, or is right now."""
        trying = self.retry is not None or self.flow_id != 0 or self.resolving is not None
        return self.fold.phase in ("refused", "unresolved") and trying

    def drop_retry(self) -> None:
        """No further try is due by itself."""
        if self.retry is not None:
            self.retry.cancel()
            self.retry = None

    def snapshot(
        self, namer: Namer | None, window: WindowName = "start", now: int = 0, most: int | None = None
    ) -> Target:
        """The target at this moment; the same object as before where nothing changed. `window`: what its numbers are
        over; one that ends `now`, made of at most so many facts for a look."""
        return self.fold.snapshot(namer, is_tried_again=self.is_tried_again, window=window, now=now, most=most)

    # --- what the worker said, made safe ----------------------------------------------------------------------

    def explained(self, refusal: Refused) -> Refused:
        """`refusal` with safe words, and a remedy that can be pasted into a shell."""
        protocol = self.fold.plan.protocol if self.fold.plan else "icmp"
        safe = cleaned(refusal)
        return msgspec.structs.replace(safe, remedy=runnable(safe.remedy, protocol, self.fold.wanted.host))

    def plan_after(self, refusal: Refused) -> Plan | None:
        """The plan that takes the place of one that was refused, with its remaining rounds; None: it stays refused."""
        fold = self.fold
        refused = fold.continued() if fold.plan is not None else None
        return refused and fallback_plan(fold.probing, refused, refusal.reason)

    # --- what consumers of events are told --------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What events call it."""
        return self.fold.address or self.fold.query

    def begun(self, now: int) -> StartEvent | None:
        """The head to tell consumers of; None where they were told."""
        started, plan = self.fold.started, self.fold.plan
        if self.head is not None or started is None or plan is None:
            return None
        self.news = News()
        self.head = StartEvent(
            target=plan.address,
            query=self.fold.query,
            source=started.source,
            protocol=plan.protocol,
            method=started.method,
            family=plan.family,
            port=started.port,
            interval_s=plan.interval_ns / 1e9,
            timeout_s=plan.timeout_ns / 1e9,
            packet_size=started.packet_size,
            tos=plan.tos,
            flow_kind=started.flow,
            started=iso(now),
        )
        return self.head

    def told(self, shown: Callable[[], Target]) -> list[Told]:
        """What consumers of events are to be told of the verdict and what happened; `shown`: see `News.of`."""
        return self.news.of(self.fold.judge.judged(), shown, self.name)

    def ended(self) -> EndEvent | None:
        """The end to tell consumers of; None where they know of no beginning."""
        if self.head is None:
            return None
        self.head = None
        path = self.fold.path.snapshot()
        return EndEvent(target=self.name, rounds=path.rounds, reached=path.reached)


def planned_s(probing: Probing) -> float | None:
    """How long its rounds take; None: they are endless."""
    return None if probing.rounds is None else probing.rounds * probing.interval_s


WORDED: Final = frozenset((Started, Refused, SourceChanged, Failed, Discovered))
"""Events that come with words."""


def cleaned(event: S) -> S:
    """Words of the worker's, as safe to draw as a stranger's: a demo's are those of whoever wrote its file."""
    texts = {
        name: clean(text, _MOST_WORDS)
        for name in event.__struct_fields__
        if isinstance(text := getattr(event, name), str)
    }
    return msgspec.structs.replace(event, **texts)
