"""``hopscope fleet agent`` and ``hopscope fleet hub``: many sites, one store. See ``docs/fleet.md``."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from hopscope.cli import config as configuration
from hopscope.cli.errors import OK, SIGNALLED, WORKER, UsageError
from hopscope.cli.fleet_files import LOCK, folder_of, take
from hopscope.cli.options import Options, targets_in
from hopscope.cli.output import say
from hopscope.cli.signals import StopSignal
from hopscope.cli.values import shown
from hopscope.fleet.broker import NatsConsumer, NatsPublisher
from hopscope.fleet.connection import BrokerAddress, tls_of
from hopscope.fleet.messages import MOST_TARGETS, is_site
from hopscope.fleet.transport import NotConnected
from hopscope.history.schema import StoreError
from hopscope.history.where import STORE
from hopscope.system import background, garbage
from hopscope.system.files import Unreadable, read_file

if TYPE_CHECKING:
    from hopscope.cli.unprivileged import FrontEndStanding
    from hopscope.fleet.hub_store import HubStore
    from hopscope.session.launch import WorkerProcess
    from hopscope.session.tally import SessionTally

KEPT: Final = {"agent": 1 << 30, "hub": 64 << 30}
"""Bytes of a store, unless told."""
MOST_BYTES: Final = 4 << 20
"""Of a file with a key or certificates."""
_SCHEMES: Final = ("nats", "tls")
_MISSING: Final = "fleet: the extra is missing that speaks to a broker (nats-py): pip install 'hopscope[fleet]'"


def run(options: Options, launched: WorkerProcess | None, standing: FrontEndStanding) -> int:
    """The exit status of an agent or a hub. `UsageError`."""
    from hopscope.cli import unprivileged

    role = _role(options)
    if find_spec("nats") is None:
        raise UsageError(_MISSING)
    if options.format is not None:
        raise UsageError(f"fleet {role}: it prints no report; hopscope history replay does, of its store")
    broker = broker_of(options)
    folder = folder_of(options)
    unprivileged.confine(standing, options)
    if options.metrics is not None:
        from hopscope.cli.listening import listen_early

        listen_early(options.metrics)
    lock = _lock(folder)
    try:
        if role == "hub":
            return _hub(options, broker, folder)
        assert launched is not None
        return _agent(options, launched, broker, folder)
    finally:
        os.close(lock)


def _role(options: Options) -> str:
    role, *words = options.targets or ("",)
    if role not in KEPT:
        what = f"there is no {shown(role)}" if role else "agent or hub?"
        raise UsageError(f"fleet: {what}; there are hopscope fleet agent and hopscope fleet hub")
    if role == "hub" and words:
        raise UsageError(f"fleet hub: {shown(words[0])} is one word too many; -F FILE assigns targets to sites")
    if role == "hub" and options.fleet.site is not None:
        raise UsageError("fleet hub: --site is an agent's")
    if role == "agent":
        if options.fleet.site is None:
            raise UsageError("fleet agent: --site NAME is missing; it names this place on the hub's screen")
        if not is_site(options.fleet.site):
            raise UsageError(f"--site {shown(options.fleet.site)}: letters, digits, - and _, 63 at the most")
    if options.fleet.connect is None:
        raise UsageError(f"fleet {role}: --connect URL is missing, e.g. --connect nats://127.0.0.1:4222")
    return role


def broker_of(options: Options) -> BrokerAddress:
    """Where the broker is, and how it knows us. `UsageError`."""
    fleet = options.fleet
    assert fleet.connect is not None
    try:
        parts = urlsplit(fleet.connect)
        is_good = parts.scheme in _SCHEMES and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_good = False
    if not is_good:
        raise UsageError("--connect: this is no address of a NATS server, such as nats://192.0.2.1:4222")
    if "@" in parts.netloc:
        raise UsageError("--connect: a password on a command line is seen by everybody (ps); use --creds or --nkey")
    if fleet.tls_key is not None and fleet.tls_cert is None:
        raise UsageError("--tls-key: it belongs to a --tls-cert")
    for name in ("creds", "nkey", "tls_ca", "tls_cert", "tls_key"):
        path = getattr(fleet, name)
        try:  # whoever reads them later waits for the other end of a pipe, and has no bound
            if path is not None:
                read_file(path, MOST_BYTES)
        except FileNotFoundError:
            raise UsageError(f"--{name.replace('_', '-')} {shown(path)}: No such file or directory") from None
        except Unreadable as error:
            raise UsageError(f"--{name.replace('_', '-')} {shown(path)}: {error}") from None
    address = BrokerAddress(
        url=fleet.connect, creds=fleet.creds, nkey=fleet.nkey, ca=fleet.tls_ca, cert=fleet.tls_cert, key=fleet.tls_key
    )
    try:
        tls_of(address)
    except (OSError, ValueError) as error:
        raise UsageError(f"--tls-ca, --tls-cert, --tls-key: {getattr(error, 'reason', None) or error}") from None
    return address


def _lock(folder: str) -> int:
    """One agent or hub a store. `UsageError`."""
    path = os.path.join(folder, LOCK)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UsageError(f"--store {configuration.plain(folder)}: {error.strerror}") from None
    if take(descriptor):
        return descriptor
    os.close(descriptor)
    raise UsageError(f"--store {configuration.plain(folder)}: another agent or hub has it")


@contextmanager
def mirrored(options: Options, url: str) -> Iterator[str]:
    """A store that shows what the hub behind a broker has, for as long as it is wanted. `UsageError`."""
    if find_spec("nats") is None:
        raise UsageError(_MISSING)
    if os.geteuid() == 0:
        raise UsageError("history follow: over a broker it keeps a store for a while, and root makes none; be a user")
    from hopscope.fleet.mirror import Mirror

    named = msgspec.structs.replace(options, fleet=msgspec.structs.replace(options.fleet, connect=url))
    broker = broker_of(named)
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(TemporaryDirectory(prefix="hopscope-", ignore_cleanup_errors=True))
            mirror = stack.enter_context(Mirror(os.path.join(folder, STORE), broker))
        except NotConnected as why:
            raise UsageError(f"history follow: {why}") from None
        except (StoreError, OSError, ValueError) as why:
            raise UsageError(f"history follow: {getattr(why, 'strerror', None) or why}") from None
        yield mirror.path


def _until_stopped(work: Callable[[StopSignal], Coroutine[Any, Any, int]]) -> int:
    """The status of what is done until a signal ends it: who is told to end, and ends in order, ends well."""

    async def run() -> int:
        with StopSignal() as stop:
            status = await work(stop)
        if status or stop.signal in (None, signal.SIGTERM):
            return status
        return SIGNALLED + stop.signal

    return background.run(run())


def _answering(options: Options, tally: Callable[[], SessionTally]) -> AbstractAsyncContextManager[object]:
    """To be entered: metrics for whoever asks, where that is wanted."""
    if options.metrics is None:
        return nullcontext()
    from hopscope.cli import metrics
    from hopscope.cli.listening import listen

    return metrics.answering(tally, listen(options.metrics), options)


# --- agent ---------------------------------------------------------------------------------------------------------


def _agent(options: Options, launched: WorkerProcess, broker: BrokerAddress, folder: str) -> int:
    from hopscope.cli import namers
    from hopscope.cli.prelaunch import simulated_targets

    addresses: dict[str, str] = {}
    own = list(options.targets[1:])
    read_again = None
    if options.file is not None:
        own += targets_in(options.file)
        read_again = _reader(options.file, list(options.targets[1:]))
    is_own = bool(own) or options.file is not None
    demo = None
    if options.probing.method == "simulated":
        from hopscope.cli import demo as demos

        options, demo = demos.prepare(options)
        addresses = dict(reversed(demo.targets))
        if not is_own:
            own = list(simulated_targets(msgspec.structs.replace(options, targets=()), demo))
    if len(own) > MOST_TARGETS:
        raise UsageError(f"{len(own)} targets are too many; at most {MOST_TARGETS} at one site")
    namer = namers.of_demo(demo, options) if demo is not None else namers.of_network(options)
    garbage.release()

    async def work(stop: StopSignal) -> int:
        from hopscope.fleet.agent import Agent
        from hopscope.fleet.outbox import SiteOutbox
        from hopscope.fleet.sender import Sender
        from hopscope.history.parcels import Parcels
        from hopscope.history.recorder import Recorder
        from hopscope.history.writer import StoreWriter
        from hopscope.session.session import Session

        fleet = options.fleet
        site = fleet.site or ""
        path = os.path.join(folder, STORE)
        try:
            outbox = SiteOutbox(path, site)
        except (StoreError, OSError, ValueError) as why:
            raise UsageError(f"--store {configuration.plain(folder)}: {why}") from None
        parcels = Parcels(site, os.urandom(8).hex())
        limit = fleet.fleet_keep or KEPT["agent"]
        roster: list[Callable[[list[str]], None]] = []
        sender = Sender(outbox, site, say, None if is_own else lambda targets: roster[0](targets))
        recorder = Recorder(
            lambda: StoreWriter(path, host=site, begun=_now(), limit=limit, parcels=parcels), committed=sender.wake
        )
        session = Session(
            (), options.probing, launched=launched, namer=namer, addresses=addresses, on_fact=recorder.fact
        )
        publisher = NatsPublisher(broker, site, say, sender.heard)
        has_end = options.probing.rounds is not None
        agent = Agent(session, recorder, sender, publisher, say, read_again, has_end=has_end)
        roster.append(agent.roster.probe)
        assigned = outbox.targets()[1]
        async with _answering(options, session.tally):
            await agent.run(own if is_own or not assigned else assigned, stop.wait())
        outbox.close()
        if agent.failure is not None:
            say(agent.failure)
            return WORKER
        return OK

    return _until_stopped(work)


def _now() -> int:
    from time import time_ns

    return time_ns()


def _reader(path: str, before: list[str]) -> Callable[[], list[str] | None]:
    """Reads a file of targets again when it has changed; these come first."""
    seen: list[tuple[int, int] | None] = [_stamp(path)]

    def read() -> list[str] | None:
        stamp = _stamp(path)
        if stamp is None or stamp == seen[0]:
            return None
        seen[0] = stamp
        try:
            return [*before, *targets_in(path)]
        except UsageError as why:
            say(f"{why}; the targets before are still good")
            return None

    return read


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        there = os.stat(path)
    except OSError:
        return None
    return there.st_mtime_ns, there.st_size


# --- hub -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _telling(options: Options, store: HubStore) -> AsyncIterator[None]:
    """A hub's metrics, where they are wanted."""
    if options.metrics is None:
        yield
        return
    from hopscope.fleet.hub_tally import HubTally

    tally = HubTally(store.path)
    store.on_kept = tally.kept
    async with tally, _answering(options, tally.tally):
        yield


def _hub(options: Options, broker: BrokerAddress, folder: str) -> int:
    from hopscope.fleet.hub import Hub
    from hopscope.fleet.hub_store import HubStore
    from hopscope.fleet.sites import Assignments

    assignments = None
    if options.file is not None:
        try:
            assignments = Assignments(options.file)
        except (OSError, ValueError) as why:
            raise UsageError(f"-F {shown(options.file)}: {getattr(why, 'strerror', None) or why}") from None
    garbage.release()

    async def work(stop: StopSignal) -> int:
        try:
            store = HubStore(os.path.join(folder, STORE), limit=options.fleet.fleet_keep or KEPT["hub"])
        except (StoreError, OSError, ValueError) as why:
            raise UsageError(f"--store {configuration.plain(folder)}: {why}") from None
        status = OK
        try:
            async with _telling(options, store):
                await Hub(store, NatsConsumer(broker, store.name, say), say, assignments).run(stop.wait())
        except StoreError as why:
            say(f"--store {configuration.plain(folder)}: {why}")
            status = WORKER
        store.close()
        return status

    return _until_stopped(work)
