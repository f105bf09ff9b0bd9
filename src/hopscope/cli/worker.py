"""The worker's process, started from what the command line alone says: before anything else is read or imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hopscope.cli.errors import WORKER, no_room
from hopscope.session.launch import WorkerProcess, launch, options_for

if TYPE_CHECKING:
    from hopscope.cli.parser import Values


class CannotStart(Exception):
    """The worker's process could not be started."""

    status = WORKER


def start_worker(values: Values) -> WorkerProcess | None:
    """None: nothing will be probed. `CannotStart`.

    Scapy is loaded with privileges for ``--method scapy`` on the command line, and not for the same words in a file or
    in the environment, which somebody else may have written."""
    if values["action"] in ("config", "history", "web") or values.get("list") or values.get("fast"):
        return None
    if values["action"] == "fleet" and values["targets"][:1] != ["agent"]:
        return None
    extra = ["--scapy"] if values.get("method") == "scapy" else []
    if values.get("mark") is not None:
        extra += ["--mark", str(values["mark"])]
    scenario = values["targets"][0] if values["action"] == "demo" and values["targets"] else values.get("scenario")
    try:
        return launch([*extra, *options_for(scenario)])
    except OSError as error:
        raise CannotStart(f"the probe worker cannot be started: {no_room(error) or error.strerror or error}") from None
