"""Messages of several queues of the kernel's, in the order of their arrival.

A socket's answers and its ICMP errors lie in two queues, and a flow may have several sockets; read one after the other,
a stranger's late error would pass for the first answer to a probe that its target had answered long before. So all
queues are read first, and what they held is handled by the kernel's stamps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

BURST: Final = 256
"""Messages that are read of one queue before the schedule has its turn: no flood can starve it."""


class Inbox(Generic[T]):
    """What was read and not handled yet, by queue. `read` of a queue gives the moment at which its next message arrived
    (ns, one clock for all queues of an inbox) with the message; None where the queue is empty."""

    def __init__(self) -> None:
        self._held: dict[object, deque[tuple[int, T]]] = {}
        self._unread: set[object] = set()

    def __bool__(self) -> bool:
        """Whether anything is held."""
        return bool(self._held)

    def __len__(self) -> int:
        """How many messages are held."""
        return sum(len(held) for held in self._held.values())

    @property
    def has_backlog(self) -> bool:
        """Whether some queue was not read to its end: what lies there may be earlier than what is held."""
        return bool(self._unread)

    def has_room(self, queue: object) -> bool:
        """Whether fewer than `BURST` messages of a queue are held."""
        held = self._held.get(queue)
        return held is None or len(held) < BURST

    def put(self, queue: object, at: int, message: T) -> None:
        """A message of a queue was read by other means."""
        self._held.setdefault(queue, deque()).append((at, message))

    def fill(self, queue: object, read: Callable[[], tuple[int, T] | None]) -> int:
        """Read a queue to its end, or until `BURST` messages of it are held. How many were read."""
        held = self._held.get(queue)
        entries: deque[tuple[int, T]] = deque() if held is None else held
        before = len(entries)
        for _ in range(BURST - before):
            entry = read()
            if entry is None:
                self._unread.discard(queue)
                break
            entries.append(entry)
        else:
            self._unread.add(queue)
        if held is None and entries:
            self._held[queue] = entries
        return len(entries) - before

    def forget(self, queue: object) -> None:
        """A queue was closed."""
        self._held.pop(queue, None)
        self._unread.discard(queue)

    def take(self) -> list[T]:
        """The messages that are known to be next, the earliest first. What arrived after the last one read of a queue
        that has more is held until that queue was read further."""
        if len(self._held) == 1:
            ((queue, entries),) = self._held.items()
            if self._unread <= {queue}:
                self._held.clear()
                return [message for _, message in entries]
        last = [self._held[queue][-1][0] for queue in self._unread if queue in self._held]
        limit = min(last, default=None)
        found: list[tuple[int, T]] = []
        for queue, entries in list(self._held.items()):
            later = deque(entry for entry in entries if limit is not None and entry[0] > limit)
            found += [entry for entry in entries if limit is None or entry[0] <= limit]
            if later:
                self._held[queue] = later
            else:
                del self._held[queue]
        found.sort(key=_arrival)
        return [message for _, message in found]


def _arrival(entry: tuple[int, object]) -> int:
    return entry[0]
