"""The errors that one router sends to one flow's pings are alike but for the probe that they quote.

What does not depend on that is read once, by the parsers, out of the first of them; after that the quoted sequence
number tells all. For a network that says of two errors that they are of one form, and quotes probes whole.
"""

from __future__ import annotations

import struct
from typing import Final

from hopscope.probe.channel import Probe, Reply
from hopscope.probe.packets.ledger import FlowEntry

_MOST: Final = 4096
_ECHO: Final = struct.Struct("!HHH")
_ECHO_AT: Final = 24
"""Where an echo request behind an IPv4 header without options has its identifier, and the pair of words that tells the
probe."""


class Alike:
    """What is known of errors by their form."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[object, tuple[FlowEntry, int, int, Reply]] = {}
        """With the flow, what its probes have as identifier, and what their pair of words adds up to."""

    def answer(self, form: object, quoted: bytes, mono: int, stamp: int) -> tuple[Probe, Reply] | None:
        """The probe that an error of this form answers, whose bytes are `quoted`, and the reply that it is, read at
        `mono` and stamped `stamp`. None: it has to be parsed."""
        known = self._known.get(form)
        if known is None:
            return None
        entry, its_ident, total, said = known
        ident, sequence, other = _ECHO.unpack_from(quoted, _ECHO_AT)
        probe = entry.probes.get(sequence)
        if probe is None or ident != its_ident or other != (total - sequence) % 0xFFFF:
            return None
        return probe, Reply(
            said.address, said.kind, said.icmp_type, said.icmp_code, said.reply_ttl, said.mpls, mono, stamp, True,
            said.quoted_dscp, said.mtu,
        )  # fmt: skip

    def learn(self, form: object, quoted: bytes, entry: FlowEntry, reply: Reply) -> None:
        """An error of this form was parsed: it quotes a probe of this flow."""
        if not reply.vouched or entry.shape.protocol != "icmp" or quoted[0] != 0x45:
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[form] = entry, entry.shape.ident, entry.total, reply

    def forget(self) -> None:
        """The flows are other ones now."""
        self._known.clear()
