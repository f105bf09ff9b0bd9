"""The screen on what was recorded, or is being recorded by another program."""

from __future__ import annotations

import os
from typing import Final

import msgspec

from hopscope.cli import config as configuration
from hopscope.cli.errors import UsageError
from hopscope.cli.fleet_screen import FleetScreen
from hopscope.cli.follow import Follow
from hopscope.cli.live import checked_options
from hopscope.cli.options import Options
from hopscope.cli.playback import Playback
from hopscope.cli.stores import UNREADABLE, asked, watched_path
from hopscope.cli.values import shown
from hopscope.cli.when import moment, read_option
from hopscope.history.names import RecordedNames
from hopscope.history.store import Store, Trace
from hopscope.names.facts import AddressInfo
from hopscope.system import garbage
from hopscope.views import screen
from hopscope.views.screen.options import Creator, ScreenOptions

NO_FILES: Final = "no file is written from a browser; y copies the report"


def replay(
    options: Options, path: str, store: Store, traces: list[Trace], at: int | None, create: Creator | None
) -> int:

    names: dict[str, AddressInfo] = {}
    runs = {trace.run.id: trace.run for trace in traces}
    for known in asked(path, lambda: [store.names(run) for run in runs.values()]):
        names |= known
    if options.at is not None:
        at = read_option(moment, "--at", options.at, asked(path, lambda: store.newest(traces)))
    host = " ".join(dict.fromkeys(run.host for run in runs.values()))
    chosen = checked_options(options, options.probing, create, host)
    garbage.release()
    try:
        playback = Playback(store, traces, RecordedNames(names, dns=options.dns), at, options.window)
    except UNREADABLE as why:
        raise UsageError(f"{configuration.plain(path)}: {why}") from None
    return screen.run(lambda: playback, chosen)


def is_fleets(path: str) -> bool:
    """Whether it is a hub's store. `StoreError`, `FileNotFoundError`."""
    with Store(path) as store:
        return store.is_hubs()


def replay_fleet(options: Options, path: str, only: str | None, create: Creator | None) -> int:
    """A hub's store: every site up to its end, from ``--since`` on; ``--until`` or ``--at`` is what is shown first."""
    since, until = options.since, options.until
    chosen = checked_options(options, options.probing, create)
    garbage.release()
    option, word = ("--at", options.at) if options.at is not None else ("--until", until)
    try:
        fleet = FleetScreen(
            path,
            lambda names: RecordedNames(names, dns=options.dns),
            options.window,
            is_live=False,
            only=only,
            at=None if word is None else lambda end: read_option(moment, option, word, end),
            since=None if since is None else lambda end: read_option(moment, "--since", since, end),
        )
        if only is not None and not fleet.has_any():
            fleet.close()
            raise UsageError(f"{configuration.plain(path)}: there is no trace of {shown(only)} in it")
    except UNREADABLE as why:
        raise UsageError(f"{configuration.plain(path)}: {why}") from None
    return screen.run(lambda: fleet, chosen)


def follow(options: Options, words: list[str], create: Creator | None = None) -> int:
    if len(words) > 1:
        raise UsageError(f"history follow: {shown(words[1])} is one word too many")
    if options.format is not None:
        raise UsageError("history follow: it is a screen; history replay prints reports")
    if not all(os.isatty(descriptor) for descriptor in (0, 1, 2)):
        raise UsageError("history follow: the screen needs a terminal")
    chosen = checked_options(options, options.probing, create)
    if words and words[0].startswith(("nats://", "tls://")):
        from hopscope.cli.fleet import mirrored

        with mirrored(options, words[0]) as path:
            return _watch(options, path, chosen)
    return _watch(options, watched_path(options, words), chosen)


def in_browser(options: Options) -> int:
    """The same for somebody else's eyes, on a terminal that is a browser's page: nothing is kept or written here."""
    chosen = checked_options(options, options.probing)
    chosen = msgspec.structs.replace(
        chosen, why_no_files=NO_FILES, save_settings=None, keeps_hidden=True, leaves_table=False
    )
    return _watch(options, watched_path(options, options.targets), chosen)


def _watch(options: Options, path: str, chosen: ScreenOptions) -> int:
    garbage.release()

    def followed_store() -> Follow | FleetScreen:
        def namer(names: dict[str, AddressInfo]) -> RecordedNames:
            return RecordedNames(names, dns=options.dns)

        if is_fleets(path):
            return FleetScreen(path, namer, options.window)
        return Follow(path, namer, options.window)

    try:
        followed = asked(path, followed_store)
    except FileNotFoundError:
        words = "no such recording; of a fleet name the hub's own --store"
        raise UsageError(f"{configuration.plain(path)}: {words}") from None
    except UNREADABLE as why:
        raise UsageError(f"{configuration.plain(path)}: {why}") from None
    return screen.run(lambda: followed, chosen)
