"""The channels that an engine has in use: made when a plan first needs one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hopscope.probe.channel import Channel, ChannelContext, ChannelRefused, Flow
from hopscope.probe.pacer import NEVER
from hopscope.probe.refusals import most_helpful, refusal_of
from hopscope.wire.messages import Method, Plan
from hopscope.wire.methods import tried_by_auto

Factory = Callable[[Method, ChannelContext], Channel]
"""Makes a channel, or raises `ChannelRefused`."""
InOrder = Callable[[Plan], tuple[Method, ...]]
"""The methods to try for a plan."""


def by_protocol(plan: Plan) -> tuple[Method, ...]:
    """The methods to try, where nothing is known of this machine."""
    return tried_by_auto(plan.protocol) if plan.method == "auto" else (plan.method,)


class ChannelsInUse:
    """All of them. Times are monotonic nanoseconds."""

    def __init__(self, factory: Factory, context: ChannelContext, in_order: InOrder) -> None:
        self._factory = factory
        self._context = context
        self._in_order = in_order
        self._channels: dict[Method, Channel] = {}

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._channels.values())

    def open(self, number: int, plan: Plan) -> tuple[Channel, Flow]:
        """A flow by the first method that allows it. Raises `ChannelRefused`."""
        refusals: list[ChannelRefused] = []
        for method in self._in_order(plan):
            try:
                channel = self._channels.get(method)
                if channel is None:
                    channel = self._channels[method] = self._factory(method, self._context)
                return channel, channel.open(number, plan)
            except ChannelRefused as refusal:
                refusals.append(refusal)
            except OSError as problem:
                refusals.append(refusal_of(problem))
        raise most_helpful(refusals)

    def deadline(self, *, may_defer: bool) -> int:
        """When one of them has something to do. `may_defer`: answers that tell when they arrived may wait."""
        earliest = NEVER
        for channel in self._channels.values():
            due = None if may_defer and channel.timestamped and not channel.has_backlog else channel.deadline()
            if due is not None and due < earliest:
                earliest = due
        return earliest

    def work(self, now: int) -> None:
        """Do what is due."""
        for channel in self._channels.values():
            channel.work(now)

    def close(self) -> None:
        """All of them. Idempotent."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()
