"""Which methods this machine allows this user: each channel's own survey, gathered."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from hopscope.wire.messages import MethodState

_WITHOUT_SOCKETS = ("ping_socket", "udp_socket", "tcp_socket")


def survey(raw_sockets: Any, scapy_sockets: Any) -> tuple[MethodState, ...]:
    """A row a method, protocol and family."""
    states: list[MethodState] = []
    for name in _WITHOUT_SOCKETS:
        states += import_module(f"hopscope.probe.channels.{name}").survey()
    states += import_module("hopscope.probe.channels.raw").survey(raw_sockets)
    states += import_module("hopscope.probe.channels.scapy").survey(scapy_sockets or raw_sockets)
    states += import_module("hopscope.probe.channels.simulated").survey()
    return tuple(states)
