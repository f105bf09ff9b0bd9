"""The live screen: a thin Textual shell over pure renderers of session snapshots.

Contract with the composition root (`hopscope.cli`):

- ``run(launch, options) -> int`` takes over the terminal until the user quits and returns the exit status: 0 where a
  target answered, 1 where none did, 2 where no target was ever probed because none resolved, 3 where each was refused,
  4 where the worker failed for good, 130 / 143 / 129 after SIGINT / SIGTERM / SIGHUP.
- ``launch()`` gives an async context manager over a `source.SessionLike` (`hopscope.session.Session` is one). It is
  entered once the screen stands; a worker that was started before goes on starting meanwhile.
- ``options`` is a frozen `options.ScreenOptions`: columns, keys, theme, what is shown. Its callbacks ``report`` and
  ``keep`` are the root's: printing a report, and keeping settings in the configuration file.
- ``check.check(options)`` gives one line for the first thing that is wrong with it (an unknown column, action,
  key or theme, a key bound twice), or None.

The folder mirrors the screen: one panel a file. A renderer takes (what, width, look) and gives `text.Row` lines; it
knows no widget. `board.py` lays them out, `app.py` shows the result; `actions/` has all that a key can do, and
key bindings, footer, help and palette read that registry; `columns.py` has all that a hop's row can show.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hopscope.system.environment import leave_to_us

if TYPE_CHECKING:
    from hopscope.views.screen.options import ScreenOptions
    from hopscope.views.screen.source import Launch

__all__ = ["run"]

leave_to_us(os.environ)  # here, since any module of this package may be the first to import Textual


def run(launch: Launch, options: ScreenOptions) -> int:
    """Show the screen until the user quits; the exit status. Imports Textual only now."""
    from hopscope.views.screen.app import HopscopeApp

    return HopscopeApp(launch, options).run_to_status()
