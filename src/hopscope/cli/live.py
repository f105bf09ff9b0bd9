"""The live screen over a worker that probes already."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import cache
from time import time_ns
from typing import TYPE_CHECKING, Any

from hopscope.cli import config as configuration
from hopscope.cli.errors import NOT_REACHED, OK, UsageError
from hopscope.cli.options import Options
from hopscope.cli.prelaunch import StartedProbing
from hopscope.cli.recorded_session import RecordedSession
from hopscope.cli.recording import end as end_recording
from hopscope.cli.recording import history_path
from hopscope.names.facts import Namer
from hopscope.path.measures import BY_LETTER
from hopscope.session.model import Probing, Snapshot
from hopscope.session.session import Session
from hopscope.views import screen
from hopscope.views.screen.check import check
from hopscope.views.screen.options import Creator, ScreenOptions

if TYPE_CHECKING:
    from socket import socket as Socket

    from hopscope.history.recorder import Recorder
    from hopscope.views.privacy import Veil


def run(
    options: Options,
    started: StartedProbing,
    namer: Namer,
    create: Creator | None = None,
    recorder: Recorder | None = None,
    history: Recorder | None = None,
    listening: Socket | None = None,
) -> int:
    """Show the screen until the user quits; the exit status. `create` makes the files that are named there, `recorder`
    and `history` keep what happens, `listening` is where metrics are asked for."""
    chosen = checked_options(options, started.probing, create)

    def launch() -> AbstractAsyncContextManager[Session]:
        session = RecordedSession(
            [recorder] if recorder is not None else [],
            started.targets,
            started.probing,
            launched=started.launched,
            namer=namer,
            addresses=started.addresses,
            window=chosen.window,
            history=history,
            history_path=history_path() if history is not None else None,
        )
        if listening is None:
            return session
        from hopscope.cli.metrics import serving

        return serving(session, listening, options)

    try:
        status = screen.run(launch, chosen)
    finally:
        if history is not None:
            history.close(time_ns())
    end_recording(recorder, options.record, time_ns())
    return OK if options.as_mtr and status == NOT_REACHED else status


def checked_options(
    options: Options, probing: Probing, create: Creator | None = None, host: str | None = None
) -> ScreenOptions:
    """As `screen_options`. `UsageError` where a choice cannot be."""
    chosen = screen_options(options, probing, create, host)
    wrong = check(chosen)
    if wrong is not None:
        path = options.config.path
        raise UsageError(f"{configuration.plain(path)}: {wrong}" if path is not None else wrong)
    return chosen


def columns_of(fields: str) -> tuple[str, ...]:
    """mtr's letters as the screen's columns, with the sparkline behind them."""
    keys = (BY_LETTER[letter].key for letter in fields if letter in BY_LETTER)
    return (*dict.fromkeys(keys), "spark")


def screen_options(
    options: Options, probing: Probing, create: Creator | None = None, host: str | None = None
) -> ScreenOptions:
    """The configuration's ``[screen]`` and ``[keys]``, and over it what the command line says. `probing`: how targets
    are probed that are added; `host`: where all was probed, where that is not here."""
    values: dict[str, Any] = configuration.screen_values(options.config.config)
    given = options.given
    if {"dns", "show_ips"} & given or "names" not in values:
        values["names"] = options.names
    if {"owners", "ipinfo"} & given or "owners" not in values:
        values["owners"] = options.style.owners
    if "window" in given:
        values["window"] = options.window
    if "fields" in given:
        values["columns"] = columns_of(options.style.fields)
    if "mpls" in given:
        values["mpls"] = options.style.mpls

    @cache
    def veil() -> Veil:
        from hopscope.views import privacy

        return privacy.Veil(options.privacy)

    def report(snapshot: Snapshot, target: int, name: str) -> str:
        from hopscope.cli.report import document
        from hopscope.views.report.explain import ticket
        from hopscope.views.report.formats import render

        # What the screen hides is not in its snapshot; what --privacy hides leaves in no report in any case.
        targets = tuple(one for one in veil().snapshot(snapshot).targets if one.id == target)
        made = document(snapshot, targets, options, host)
        return ticket(made) if name == "ticket" else render(made, name)

    def save_settings(settings: Mapping[str, Any]) -> str:
        if options.config.note is not None:
            raise ValueError(options.config.note)
        from hopscope.cli.config_edit import keep  # once something is kept

        return keep(options.config.path or configuration.default_path(os.environ), settings)

    return ScreenOptions(
        **values,
        hidden_hops=options.privacy,
        probing=probing,
        report=report,
        save_settings=save_settings,
        create=create,
        port=options.port,
        bell=options.bell,
        leaves_table=not options.as_mtr,
        ends_with_probing=options.as_mtr and probing.rounds is not None,
    )
