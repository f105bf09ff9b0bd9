"""The disk of an agent, of the broker and of the hub, each full for a while, and then with room again."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

from hopscope.wire.messages import RoundStarted, Sent
from tests.fleet.shipping import all_facts
from tests.lab.broker import Broker, Program, agent, hub, probes_of, until

SITE = "fra1"
DISK_MIB = 300
FULL_S = 10
_CLONE_NEWNS = 0x20000


def own_mounts() -> None:
    """From now on what this thread mounts is seen by it and what it starts alone. `OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A file system of its own, of some megabytes."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "none", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> None:
    """Leave no room at all."""
    with open(place / "filler", "wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2


def full(folder: Path) -> bool:
    """Run and print; whether nothing was lost or is there twice."""
    own_mounts()
    fine = [_full(folder / of, of) for of in ("agent", "broker", "hub")]
    return all(fine)


def _full(folder: Path, of: str) -> bool:
    folder.mkdir()
    here, there = folder / "hub" / "store", folder / "agent" / "store"
    with small_disk(folder / "agent"), small_disk(folder / "broker"), small_disk(folder / "hub"):
        with Broker(folder / "broker" / "b") as broker, hub(broker.url, here) as other:
            until(lambda: "connected" in other.said, "the hub is connected")
            with agent(broker.url, SITE, there, "--scenario", "lossy-link", "-i", "20ms") as one:
                until(lambda: sum(probes_of(here).values()) > 500, "the hub has something")
                begin = time.time_ns()
                fill(folder / of)
                says: tuple[Program, str] = {
                    "agent": (one, "not recorded:"),
                    "broker": (one, "kept here, sent later"),
                    "hub": (other, "the store:"),
                }[of]
                until(lambda: says[1] in says[0].said, f"it is said that the disk of the {of} is full", 120)
                time.sleep(FULL_S)
                (folder / of / "filler").unlink()
                end = time.time_ns()
                if of == "broker":  # it has switched its streams off, until it is started again
                    broker.kill()
                    broker.start()
                time.sleep(5)
                status = one.end()
            wanted = probes_of(there)
            with suppress(AssertionError):
                until(lambda: probes_of(here) == wanted, "the hub has all of it", 60)
            assert other.end() == 0
        lines = [line for line in (one.said + other.said).splitlines() if says[1] in line]
        is_same = all_facts(there / "history.db") == all_facts(here / "history.db")
        return _told(of, is_same, there, (begin, end), lines) and status == 0


def _told(of: str, is_same: bool, store: Path, span: tuple[int, int], lines: list[str]) -> bool:
    """Print what became of one whose disk was full from one moment to another (epoch ns)."""
    begin, end = span
    ((_, _, facts),) = all_facts(store / "history.db")
    sent = [(fact.round, fact.ttl) for fact in facts if isinstance(fact, Sent)]
    rounds = [fact for fact in facts if isinstance(fact, RoundStarted)]
    meanwhile = sum(begin <= fact.at < end for fact in rounds)
    gaps = sum(later.round != earlier.round + 1 for earlier, later in pairwise(rounds))
    twice = len(sent) - len(set(sent))
    print(
        f"disk of the {of} full for {(end - begin) / 1e9:.0f} s: {len(sent)} probes recorded, {meanwhile} rounds begun"
        f" meanwhile, {gaps} rounds missing, {twice} probes twice; hub and agent"
        f" {'have the same' if is_same else 'DIFFER'}; said: {'; '.join(lines)}",
        flush=True,
    )
    return is_same and not twice and not gaps and meanwhile > 0 and len(lines) == 1
