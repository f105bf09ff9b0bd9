"""Socket addresses of a plan, and the options that all kernel channels set the same way."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from contextlib import suppress
from typing import Any, Final, NamedTuple

from hopscope.probe.channel import ChannelRefused
from hopscope.probe.refusals import AS_ROOT
from hopscope.probe.sockets import routing
from hopscope.probe.sockets.errqueue import zoned
from hopscope.probe.sockets.extras import need
from hopscope.wire.messages import Family, Plan

DISCARD_PORT: Final = 9
IP_HEADER: Final[dict[Family, int]] = {4: 20, 6: 40}
IP_MTU_DISCOVER: Final = 10
IP_PMTUDISC_DONT: Final = 0
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER = 4 << 20
_BIND = "SO_BINDTODEVICE"


def socket_family(family: Family) -> socket.AddressFamily:
    """AF_INET or AF_INET6."""
    return socket.AF_INET if family == 4 else socket.AF_INET6


def socket_address(address: str, family: Family, port: int = 0) -> Any:
    """The socket address of a numeric address, its zone resolved. Raises `OSError` (ENODEV: no such zone)."""
    if family == 4:
        return (address, port)
    host, _, zone = address.partition("%")
    if not zone:
        return (host, port, 0, 0)
    try:
        scope = int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
    except OSError:
        raise OSError(errno.ENODEV, f"no interface is named {zone}") from None
    return (host, port, 0, scope)


def text_of(address: Any) -> str:
    """The numeric address of a socket address, with the name of its zone where it needs one."""
    return zoned(address[0].partition("%")[0], address[3]) if len(address) == 4 else str(address[0])


def same_host(one: Any, other: Any) -> bool:
    """Whether two socket addresses, as the kernel gives them, name the same host."""
    return bool(one[0] == other[0] or one[0].partition("%")[0] == other[0].partition("%")[0])


class NoWay(OSError):
    """This machine's routing has no way to a target: what its errno says is not about the socket, nor about who may use
    one."""


def source_of(plan: Plan) -> Any:
    """The socket address (port 0) that probes of this plan leave from, as the kernel's routing says now. Sends
    nothing. Raises `OSError`."""
    with socket.socket(socket_family(plan.family), socket.SOCK_DGRAM) as sock:
        bind_interface(sock, plan.interface)
        if plan.source is not None:
            sock.bind(socket_address(plan.source, plan.family))
        return source_by(sock, plan)


def source_by(sock: socket.socket, plan: Plan) -> Any:
    """As `source_of`, by routing as it holds for a datagram socket that is connected to nobody yet."""
    destination = socket_address(plan.address, plan.family, DISCARD_PORT)
    try:
        sock.connect(destination)  # connecting a datagram socket only looks the route up
    except OSError as problem:
        raise NoWay(problem.errno or errno.EIO, problem.strerror or str(problem)) from None
    name = sock.getsockname()
    return (name[0], 0, *name[2:])


class Egress(NamedTuple):
    """Where probes leave this machine."""

    source: Any
    """The socket address, port 0."""
    interface: int
    """Index of the interface that was asked for; 0 where none was. One that was deleted and made anew has another."""
    held: int = 0
    """Index of the interface to hold on to, where the route has next hops on several; 0 elsewhere."""


def egress_of(plan: Plan) -> Egress:
    """Where probes of this plan leave as things are now. Raises `OSError`: no route, no such source or interface."""
    return Egress(source_of(plan), socket.if_nametoindex(plan.interface) if plan.interface else 0)


def bind_interface(sock: socket.socket, interface: str | None) -> None:
    """Send through one interface only (SO_BINDTODEVICE; a plain user may since Linux 5.7)."""
    if interface is not None:
        need(sock, socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0", _BIND)


def mark(sock: socket.socket, plan: Plan, egress: Egress | None = None) -> None:
    """Interface and type of service of what a socket sends."""
    bind_interface(sock, plan.interface)
    if egress is not None and egress.held:
        with suppress(OSError):  # before Linux 5.7 a plain user may not: then as the kernel chooses
            bind_interface(sock, socket.if_indextoname(egress.held))
    if plan.tos:
        if plan.family == 4:
            need(sock, socket.IPPROTO_IP, socket.IP_TOS, plan.tos, "IP_TOS")
        else:
            need(sock, socket.IPPROTO_IPV6, socket.IPV6_TCLASS, plan.tos, "IPV6_TCLASS")


def make_room(sock: socket.socket) -> None:
    """A large receive buffer: it bounds the error queue too."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except OSError:  # a plain user gets as much as net.core.rmem_max allows
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


def _without_way(number: int, plan: Plan) -> ChannelRefused:
    """Why routing has no way to the plan's address."""
    address, remedy = plan.address, f"ip -{plan.family} route get {plan.address}"
    if number == errno.EACCES and _is_broadcast(plan):
        return ChannelRefused("no-route", f"{address} is a broadcast address: no path to it can be traced")
    if number == errno.EACCES:
        return ChannelRefused("no-route", f"this computer's routing prohibits {address} (a prohibit route)", remedy)
    if number == errno.EINVAL and plan.family == 6 and "%" not in address and _is_link_local(address):
        names = [name for _, name in socket.if_nameindex() if name != "lo"] or ["eth0"]
        words = f"{address} needs a zone, the interface by which it is reached"
        return ChannelRefused("no-route", words, f"{address}%{names[0]}")
    if number == errno.EINVAL:
        words = f"this computer's routing discards what goes to {address} (a blackhole route)"
        return ChannelRefused("no-route", words, remedy)
    if number == errno.EADDRNOTAVAIL and plan.source:
        return ChannelRefused("address", f"the source address {plan.source} cannot reach {address}", "ip address")
    return ChannelRefused("no-route", f"no route to {address}", remedy)


def _is_broadcast(plan: Plan) -> bool:
    if plan.family != 4:
        return False
    if plan.address == "255.255.255.255":
        return True
    with suppress(OSError):
        way = routing.way_to(plan.address, 4, interface=routing.index_of(plan.interface))
        return way is not None and way.kind == routing.RTN_BROADCAST
    return False


def _is_link_local(address: str) -> bool:
    return ipaddress.IPv6Address(address).is_link_local


def refusal(problem: OSError, plan: Plan, remedy: str | None = None) -> ChannelRefused:
    """Why a target cannot be probed, from the error that opening its socket gave."""
    number = problem.errno or 0
    words = problem.strerror or (os.strerror(number) if number else str(problem))
    if isinstance(problem, NoWay):
        return _without_way(number, plan)
    if number in (errno.EACCES, errno.EPERM) and words.startswith(_BIND):
        return ChannelRefused(
            "permission", f"this system lets only root send by one interface ({words})", AS_ROOT.format("raw")
        )
    if number in (errno.EACCES, errno.EPERM):
        return ChannelRefused(
            "permission", f"this machine does not let you probe {plan.address} that way: {words}", remedy
        )
    if number in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN):
        return ChannelRefused("no-route", f"no route to {plan.address}", f"ip -{plan.family} route get {plan.address}")
    if number == errno.ENODEV:
        zone = plan.address.partition("%")[2]
        what = plan.interface or f"{zone}, the zone of {plan.address}"
        return ChannelRefused("address", f"there is no interface {what}", "ip link")
    if number in (errno.EADDRNOTAVAIL, errno.EINVAL):
        what = f"source address {plan.source}" if plan.source else f"address {plan.address}"
        return ChannelRefused("address", f"the {what} cannot be used on this machine: {words}", "ip address")
    if number in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
        fewer = "; each of several flows needs one, fewer need fewer (--flows)" if plan.flows > 1 else ""
        return ChannelRefused("limit", f"no more sockets: {words}{fewer}")
    return ChannelRefused("unsupported", f"{plan.address} cannot be probed that way: {words}")
