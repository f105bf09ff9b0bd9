"""Write a report or a picture of the screen to a file; the file's ending says which."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from hopscope.views.report.formats import BY_SUFFIX
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.dialogs.prompt import Prompt
from hopscope.words.numbers import local_time


def write_prompt(context: ActionContext) -> Prompt:
    """Ask for the file; an existing one is never overwritten."""
    target = context.state.chosen
    endings = ", ".join([*(f".{suffix}" for suffix in BY_SUFFIX), ".svg (picture)"])

    def write(text: str) -> str | None:
        path = Path(os.path.expanduser(text))
        suffix = path.suffix.lower().removeprefix(".")
        if suffix != "svg" and suffix not in BY_SUFFIX:
            return f"the ending says what is written: {endings}"
        if suffix == "svg":
            try:
                file = _opened(context, path)
            except (OSError, ValueError) as error:
                return _reason(error)
            context.screen.after_dialog(lambda: _picture(context, path, file))
            return None
        if context.options.report is None or target is None:
            return "there is no report to write"
        try:
            text = context.options.report(context.state.shown, target.id, BY_SUFFIX[suffix].name)
            with _opened(context, path) as file:
                file.write(text)
        except (OSError, ValueError) as error:
            return _reason(error)
        context.say(f"report written to {path}")
        return None

    async def accept(text: str) -> str | None:
        return write(text)

    stamp = local_time(datetime.fromtimestamp(context.state.shown.now / 1e9, UTC)).strftime("%Y%m%d-%H%M%S")
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", target.query if target else "screen").strip("._") or "target"
    return Prompt("write", f"a file ending in {endings}", f"hopscope-{name[:60]}-{stamp}.txt", accept)


def _picture(context: ActionContext, path: Path, file: TextIO) -> None:
    try:
        with file:
            file.write(context.screen.picture())
    except OSError as error:
        context.say(_reason(error))
    else:
        context.say(f"picture written to {path}")


def _opened(context: ActionContext, path: Path) -> TextIO:
    """A new file; `OSError` where there is one of that name, or none can be made."""
    create = context.options.create or _create
    return open(create(str(path)), "w", encoding="utf-8")


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)
