"""Whether a translator (NAT) gives several flows one source port, by what routers behind it quote. Sans-IO.

A translator that puts the right ports back into quotes is not seen by them, and where the kernel hands on only quotes
of ports that are its own, those of a wrong one are not heard: then nothing is said here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hopscope.probe.channel import Reply
from hopscope.probe.probed import ProbedTarget
from hopscope.wire.discovered import one_port_words


class QuotedPorts:
    """Of one target's flows, whose own ports all differ."""

    def __init__(self) -> None:
        self._rewritten: dict[int, dict[int, int]] = {}
        """By TTL and flow, the port in the quote, where it is another than the flow's own."""

    def heard(self, flow: int, ttl: int, port: int | None) -> None:
        """A router quoted a probe of this flow. `port`: the source port in the quote; None: the flow's own."""
        if port is not None:
            self._rewritten.setdefault(ttl, {})[flow] = port
        elif ttl in self._rewritten:
            self._rewritten[ttl].pop(flow, None)

    @property
    def one_for_all(self) -> tuple[int, int] | None:
        """The nearest TTL at which several flows are quoted with one port, and that port; None: there is none."""
        for ttl, ports in sorted(self._rewritten.items()):
            if len(ports) > 1 and len(set(ports.values())) == 1:
                return ttl, next(iter(ports.values()))
        return None


class PortWatch:
    """The same of flows that are probed in rounds from the beginning; it is told once, as a note of the first flow."""

    def __init__(self, flows: Sequence[ProbedTarget], changed: Callable[[], None]) -> None:
        """`changed`: the first flow's note is another one."""
        self._info = flows[0].flow.info
        self._changed = changed
        self._quoted = QuotedPorts()
        self._is_told = False
        for flow in flows:
            flow.observer = self

    def heard(self, flow: int, ttl: int, reply: Reply, rtt_ns: int) -> None:
        """See `probed.Observer`."""
        del rtt_ns
        self._quoted.heard(flow, ttl, reply.quoted_port)
        found = None if self._is_told or reply.quoted_port is None else self._quoted.one_for_all
        if found is not None:
            self._is_told = True
            self._info.note = "; ".join(filter(None, (self._info.note, one_port_words(*found))))
            self._changed()

    def missed(self, flow: int, ttl: int) -> None:
        """Nothing follows from it."""
