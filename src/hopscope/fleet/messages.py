"""What agents and hub say to each other. MessagePack, tagged; each message stands for rows of one run of one agent.

A row of a run (`history.schema`) is one message, and its number is the message's: a hub that has all rows up to a
number, its *mark*, needs those behind it, and whatever comes twice is known by its number. Whoever sent a body may mean
harm: `read` takes nothing that is larger, longer or of another kind than it may be.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias, Union

import msgspec

from hopscope.history.block import MOST_FACTS
from hopscope.wire.undecodable import UNDECODABLE

VERSION: Final = 1
"""Of what is said; it stands in the subjects."""
MOST_BYTES: Final = 512 << 10
"""Of a body that is read at all; an agent's are 64 KB at the most, but for a fact that is longer by itself."""
MOST_TARGETS: Final = 1_024
"""Of a site."""
MOST_SITES: Final = 1_024
MOST_PARTS: Final = 4_096
"""Facts, segments or bins of one message."""
MOST_NUMBER: Final = 1 << 53
LONGEST_TARGET: Final = 300

Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MOST_NUMBER)]
Moment: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
"""Epoch ns."""
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MOST_FACTS)]
BootId: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
"""Of one start of one agent: it is drawn by lot."""
Query: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TARGET)]

_SITE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


class BadMessage(Exception):
    """A body is none of ours: why, in a few words."""


def is_site(word: str) -> bool:
    """Whether a site can have this name: a token of a subject, that needs no cleaning."""
    return _SITE.fullmatch(word) is not None


class Facts(msgspec.Struct, frozen=True, tag="facts"):
    """What happened beside probes: verdicts, incidents, pauses, names … Target (0: of none), and the fact as JSON."""

    facts: Annotated[list[tuple[Number, bytes]], msgspec.Meta(max_length=MOST_PARTS)]


class Probes(msgspec.Struct, frozen=True, tag="probes"):
    """A row of probes (`history.block.PackedRow`), which stays closed until somebody looks."""

    at: Moment
    data: bytes


class SentSegment(msgspec.Struct, frozen=True, array_like=True):
    """A segment, by its columns."""

    target: Number
    first_row: Number
    last_row: Number
    since: Moment
    until: Moment
    rounds: Count
    probes: Count
    data: bytes


class SentBins(msgspec.Struct, frozen=True, array_like=True):
    """Minutes of a target, or an hour, which takes the place of one that is there already."""

    target: Number
    span: Moment
    since: Moment
    until: Moment
    data: bytes


class SegmentRows(msgspec.Struct, frozen=True, tag="segments"):
    """Probes of older rows, by target."""

    segments: Annotated[list[SentSegment], msgspec.Meta(max_length=MOST_PARTS)]


class Bins(msgspec.Struct, frozen=True, tag="bins"):
    """What is left of probes that are kept no more."""

    bins: Annotated[list[SentBins], msgspec.Meta(max_length=MOST_PARTS)]


class Sealed(msgspec.Struct, frozen=True, tag="sealed"):
    """All probes of the rows before this one are in segments that were sent."""

    before: Number


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The run is over."""

    at: Moment


class Gone(msgspec.Struct, frozen=True, tag="gone"):
    """These rows stand in segments that follow, or had nothing in them."""


Body: TypeAlias = Union[Facts, Probes, SegmentRows, Bins, Sealed, Ended, Gone]  # noqa: UP007 - for msgspec


class FleetMessage(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of a run. Whose site it is the subject says, in which an agent can write no other."""

    boot: BootId
    first: Number
    last: Number
    begun: Moment
    """When the run began, on the agent's clock."""
    hopscope: Annotated[str, msgspec.Meta(max_length=64)]
    """The agent's version."""
    sent_at: Moment
    """On the agent's clock."""
    body: Body

    @property
    def kind(self) -> str:
        """The last token of the subject: who wants verdicts alone need not hear probes."""
        return str(self.body.__struct_config__.tag)


class Asks(msgspec.Struct, frozen=True):
    """An agent asks the hub how far it has got, with its boots that are not all there, and for its targets."""

    boots: Annotated[list[BootId], msgspec.Meta(max_length=1_000)]
    version: Number | None
    """Of the targets that it has; None: it wants none."""


class Says(msgspec.Struct, frozen=True):
    """The hub to one site: its marks, by boot (-1: it has nothing of it), and targets where they are others than the
    agent has."""

    hub: BootId
    marks: dict[BootId, Annotated[int, msgspec.Meta(ge=-1, le=MOST_NUMBER)]]
    version: Number = 0
    targets: Annotated[list[Query], msgspec.Meta(max_length=MOST_TARGETS)] | None = None


class Shown(msgspec.Struct, frozen=True):
    """The hub to a screen: that was all that it has, up to this position of this stream."""

    stream: Annotated[str, msgspec.Meta(max_length=200)]
    position: Number


_encoder: Final = msgspec.msgpack.Encoder()
_messages: Final = msgspec.msgpack.Decoder(FleetMessage)
_asks: Final = msgspec.msgpack.Decoder(Asks)
_shown: Final = msgspec.msgpack.Decoder(Shown)
_says: Final = msgspec.msgpack.Decoder(Says)


def is_brokers(data: bytes) -> bool:
    """Whether a body is the broker's own word that it has a message: an agent can have that sent to another's
    subject."""
    return data.startswith((b'{"stream":', b'{"error":'))


def encode(what: FleetMessage | Asks | Says | Shown) -> bytes:
    """As it is sent."""
    return _encoder.encode(what)


def read(data: bytes) -> FleetMessage:
    """A body of an agent's. `BadMessage`."""
    if len(data) > MOST_BYTES:
        raise BadMessage(f"it has {len(data)} bytes")
    try:
        message = _messages.decode(data)
    except UNDECODABLE as error:
        raise BadMessage(str(error)) from None
    if message.last < message.first or (message.last > message.first and not isinstance(message.body, Gone)):
        raise BadMessage("its numbers do not go together")
    return message


def read_asks(data: bytes) -> Asks:
    """What an agent asks. `BadMessage`."""
    try:
        return _asks.decode(data[:MOST_BYTES])
    except UNDECODABLE as error:
        raise BadMessage(str(error)) from None


def read_says(data: bytes) -> Says:
    """What the hub says. `BadMessage`."""
    try:
        return _says.decode(data[: 2 * MOST_BYTES])
    except UNDECODABLE as error:
        raise BadMessage(str(error)) from None


def read_shown(data: bytes) -> Shown:
    """The end of what a hub shows. `BadMessage`."""
    try:
        return _shown.decode(data[:MOST_BYTES])
    except UNDECODABLE as error:
        raise BadMessage(str(error)) from None
