"""From a method's name to its channel and its survey, by the registry (`hopscope.wire.methods`)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, TypeAlias

from hopscope.probe.channel import Channel, ChannelContext
from hopscope.probe.refusals import without_sockets
from hopscope.wire.messages import Method, MethodState, Plan
from hopscope.wire.methods import METHODS, PrivilegedSockets, tried_by_auto

Opened: TypeAlias = Mapping[PrivilegedSockets, Any]
"""What the process opened before it gave its privileges up, or the `OSError` with which that failed; a kind that is not
there was not tried."""

_WHOSE: Final[dict[PrivilegedSockets, str]] = {"raw": "raw sockets", "scapy": "Scapy's sockets"}


def make_channel(method: Method, context: ChannelContext, opened: Opened) -> Channel:
    """The channel of a method. `ChannelRefused` where its sockets were not opened."""
    entry = METHODS[method]
    module, _, name = entry.channel.partition(":")
    handed = []
    if entry.needs is not None:
        sockets = opened.get(entry.needs)
        if sockets is None or isinstance(sockets, OSError):
            raise without_sockets(f"{_WHOSE[entry.needs]} need privileges", method, sockets)
        handed.append(sockets)
    made: Channel = getattr(_module(module), name)(context, *handed)
    return made


def in_order(plan: Plan, opened: Opened) -> tuple[Method, ...]:
    """The methods to try for a plan, in order. Whoever started this worker wants to see his own way: where routes
    depend on the user (``ip rule`` with ``uidrange``), ``auto`` takes the sockets that he opened first."""
    if plan.method != "auto":
        return (plan.method,)
    methods = tried_by_auto(plan.protocol)
    raw = opened.get("raw")
    if raw is None or isinstance(raw, OSError) or "raw" not in methods or not raw.goes_another_way(plan):
        return methods
    return ("raw", *(method for method in methods if method != "raw"))


def capabilities(opened: Opened) -> tuple[MethodState, ...]:
    """Which methods this machine allows this user: a row a method, protocol and family."""
    states: list[MethodState] = []
    for entry in METHODS.values():
        handed = [] if entry.needs is None else [opened.get(entry.needs) or opened.get("raw")]
        states += _module(entry.channel.partition(":")[0]).capabilities(*handed)
    return tuple(states)


def _module(name: str) -> Any:
    return import_module(f"hopscope.probe.channels.{name}")
