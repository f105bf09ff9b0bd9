"""A channel of the tests' own: it writes down what is sent, and answers when it is told to."""

from __future__ import annotations

from collections.abc import Callable

from hopscope.probe.channel import Channel, ChannelContext, ChannelRefused, Flow, FlowInfo, Probe, Reply
from hopscope.probe.engine import Engine
from hopscope.wire.messages import Kind, Method, Plan

MS = 1_000_000
SECOND = 1000 * MS


class NoWatch:
    """Nothing to wait for."""

    def add(self, fd: int, ready: Callable[[], None], *, timestamped: bool = False) -> None: ...

    def remove(self, fd: int) -> None: ...


class FakeFlow(Flow):
    def __init__(self, channel: FakeChannel) -> None:
        self.info = FlowInfo("10.0.0.1", 4000, None, 64)
        self._channel = channel
        self.closed = False

    def send(self, probe: Probe) -> None:
        probe.sent_mono = self._channel.context.monotonic()
        if self._channel.error is not None:
            raise self._channel.error
        self._channel.sent.append(probe)

    def forget(self, probe: Probe) -> None:
        self._channel.forgotten.append(probe)

    def close(self) -> None:
        self.closed = True


class FakeChannel(Channel):
    """`error`: what sending raises. `refusal`: what opening raises."""

    def __init__(self, context: ChannelContext, method: Method = "simulated") -> None:
        self.method = method
        self.context = context
        self.sent: list[Probe] = []
        self.forgotten: list[Probe] = []
        self.flows: list[FakeFlow] = []
        self.error: OSError | None = None
        self.backlog = False
        self.refusal: ChannelRefused | None = None

    def open(self, target: int, plan: Plan) -> Flow:
        if self.refusal is not None:
            raise self.refusal
        flow = FakeFlow(self)
        self.flows.append(flow)
        return flow

    @property
    def has_backlog(self) -> bool:
        return self.backlog

    def close(self) -> None: ...

    def answer(self, probe: Probe, rtt_ms: float, kind: Kind = "time-exceeded", address: str = "192.0.2.9") -> None:
        """An answer with kernel stamps, heard now."""
        rtt = int(rtt_ms * MS)
        probe.sent_stamp = probe.sent_mono
        self.context.deliver(
            probe, Reply(address, kind, 11, 0, 60, (), self.context.monotonic(), probe.sent_stamp + rtt)
        )


class EngineHarness:
    """An engine with one fake channel a method, and a clock that tests move."""

    def __init__(self, refusals: dict[Method, ChannelRefused] | None = None) -> None:
        self.now = SECOND
        self.channels: dict[Method, FakeChannel] = {}
        self._refusals = refusals or {}
        self.engine = Engine(self._make, NoWatch(), lambda: self.now, lambda: self.now, anchor=10**18)

    def _make(self, method: Method, context: ChannelContext) -> Channel:
        channel = self.channels[method] = FakeChannel(context, method)
        channel.refusal = self._refusals.get(method)
        return channel

    @property
    def channel(self) -> FakeChannel:
        (channel,) = self.channels.values()
        return channel

    def until(self, at: int) -> None:
        """Tick at each deadline up to `at`."""
        while (due := self.engine.next_deadline()) <= at:
            self.now = max(self.now, due)
            self.engine.tick()
        self.now = at
