"""A router or a target while it runs: the struct of the language with its state, for one family."""

from __future__ import annotations

import struct
from random import Random
from typing import Final

from hopscope.sim import packets
from hopscope.sim.faults import Backlog, LossProcess, TokenBucket, spread
from hopscope.sim.language import Hop, Interface, MplsEntry, Node, Target
from hopscope.sim.values import Loss

_ROLES: Final = {"incoming": 0, "sub-ip": 1, "outgoing": 2, "next-hop": 3}


class NodeState:
    """One node with its link, its state and what is known of its answers beforehand. Both families share the state."""

    __slots__ = (
        "addresses",
        "bucket",
        "delay",
        "extension",
        "forward_loss",
        "hop",
        "is_uniform",
        "jitter",
        "node",
        "plain",
        "queue",
        "quote",
        "reply_loss",
        "return_loss",
        "salt",
        "silent",
        "slow",
        "target",
        "texts",
        "uniform",
    )

    def __init__(self, node: Node, salt: int) -> None:
        self.node = node
        self.hop = node if isinstance(node, Hop) else None
        self.target = node if isinstance(node, Target) else None
        seed = None if self.hop is None else self.hop.hash_seed
        self.salt = salt.to_bytes(4, "big") if seed is None else b"seed" + seed.to_bytes(4, "big")
        """Makes the choices of different balancers independent of each other."""
        self.addresses = {family: tuple(a.packed for a in node.at.family(family)) for family in (4, 6)}
        self.texts = {family: node.at.family(family) for family in (4, 6)}
        self.delay = int(node.delay)
        self.forward_loss = _process(node.loss)
        self.return_loss = _process(node.return_loss)
        self.reply_loss = _process(node.reply_loss)
        self.bucket = TokenBucket(node.rate_limit) if node.rate_limit else None
        self.queue = Backlog(node.queue) if node.queue else None
        self.plain = not (node.jitter or self.forward_loss or self.queue)
        self.jitter = int(node.jitter)
        self.uniform = self.jitter if node.distribution == "uniform" else 0
        self.is_uniform = self.uniform > 0 and self.forward_loss is None and self.queue is None
        self.slow = bool(node.reply_delay or node.reply_jitter)
        silent = node.silent
        self.silent = ("icmp", "udp", "tcp") if silent is True else () if silent is False else silent
        self.quote = None if node.quote == "all" else node.quote
        self.extension = _extension(node)

    def become_one_with(self, router: NodeState) -> None:
        """It is that router, come to by another link: the same answers, by the same choices and limits."""
        self.salt, self.bucket, self.reply_loss = router.salt, router.bucket, router.reply_loss

    def link_delay(self, now: int, rng: Random) -> int | None:
        """The extra time that the link before this node costs a packet that comes to it at `now`; None: lost there."""
        if self.forward_loss is not None and self.forward_loss.takes(rng):
            return None
        extra = 0
        if self.uniform:
            extra = int(rng.random() * self.uniform)
        elif self.jitter:
            extra = spread(self.jitter, self.node.distribution, rng)
        if self.queue is not None:
            wait = self.queue.wait(now + extra, rng)
            if wait is None:
                return None
            extra += wait
        return extra

    def reply_time(self, rng: Random) -> int:
        """How long the node takes for an answer of its own."""
        jitter = self.node.reply_jitter
        return self.node.reply_delay + (spread(jitter, self.node.distribution, rng) if jitter else 0)


def _process(loss: Loss | None) -> LossProcess | None:
    return LossProcess(loss.table) if loss is not None else None


def _extension(node: Node) -> bytes:
    objects = b""
    if node.mpls:
        objects += packets.extension_object(1, 1, _label_stack(node.mpls))
    if node.interface is not None:
        kind, data = _interface(node.interface)
        objects += packets.extension_object(2, kind, data)
    for extension in node.extensions:
        objects += packets.extension_object(extension.number, extension.kind, extension.data)
    if not objects:
        return b""
    flaw = node.extension_flaw
    raw = packets.extension_header(objects, version=1 if flaw == "version" else 2, good=flaw != "checksum")
    return raw[:-3] if flaw == "truncated" else raw


def _label_stack(entries: tuple[MplsEntry, ...]) -> bytes:
    last = len(entries) - 1
    return b"".join(
        struct.pack("!I", entry.label << 12 | entry.tc << 9 | (number == last) << 8 | entry.ttl)
        for number, entry in enumerate(entries)
    )


def _interface(interface: Interface) -> tuple[int, bytes]:
    """C-Type and data of an RFC 5837 Interface Information object."""
    kind = _ROLES[interface.role] << 6
    data = b""
    if interface.index is not None:
        kind |= 8
        data += struct.pack("!I", interface.index)
    if interface.address is not None:
        kind |= 4
        data += struct.pack("!HH", 1 if interface.address.family == 4 else 2, 0) + interface.address.packed
    if interface.name is not None:
        kind |= 2
        name = interface.name.encode()[:63]
        size = -(-(1 + len(name)) // 4) * 4
        data += bytes((size,)) + name.ljust(size - 1, b"\0")
    if interface.mtu is not None:
        kind |= 1
        data += struct.pack("!I", interface.mtu)
    return kind, data
