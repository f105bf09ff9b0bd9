"""The front end's own privileges: given up right after the worker was started, before anything else is read.

Under sudo (doas, pkexec) it goes on as the user who called it, with that user's environment and home. Plain root stays
root without any capability, and Landlock takes from it what it does not need (`cli.confined`).
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from hopscope.cli.errors import UsageError
from hopscope.sandbox import identity, privileges

if TYPE_CHECKING:
    from hopscope.cli.options import Options
    from hopscope.cli.parser import Values
    from hopscope.cli.scribe import Scribe

_XDG: Final = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")


class FrontEndStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What the front end is, after `drop`."""

    user: str = ""
    """In words; empty: a plain user, who had nothing to give up."""
    is_root: bool = False
    """Its user ID is root's still."""
    behind: str | None = None
    """Who called it by sudo, where it could not become that user: nothing is read or written for them by name."""
    landlock: Literal["none", "named-files"] = "none"
    seccomp: bool = False
    """No file's mode or owner, no Unix socket, no other process (`sandbox.seccomp.program_for_root`)."""
    scribe: Scribe | None = None
    """Who makes the files that are named on the screen, where this process can make none."""

    @property
    def create(self) -> Callable[[str], int] | None:
        """How a new file that is named on the screen is opened for writing; None: as any program does it."""
        if self.behind is not None:
            return self._refuse
        return self.scribe.create if self.scribe is not None else None

    def _refuse(self, path: str) -> int:
        raise PermissionError(errno.EPERM, f"no file is made for {self.behind}, who cannot read the program", path)


def intend() -> privileges.Intent | None:
    """Whom to become once the worker was started; None: there is nothing to give up."""
    return privileges.intend(_needed_files(), else_nobody=False) if privileges.any_held() else None


def is_roots_own(intent: privileges.Intent | None) -> bool:
    """Whether it is root itself that asks: a file that it names may be one that only its capabilities open, such as in
    a folder of the host's that a container was given."""
    return intent is not None and intent.caller is None and os.geteuid() == 0


def drop(intent: privileges.Intent | None) -> FrontEndStanding:
    """Whatever this process holds, for good. Raises `privileges.StillPrivileged`."""
    if intent is None:
        return FrontEndStanding()
    given_up = privileges.drop(intent)
    caller = given_up.caller
    if caller is not None and given_up.uid == caller.user.uid:
        _move_home(caller.user.uid, os.environ)
        return FrontEndStanding(user=given_up.words)
    behind = identity.name(caller.user.uid) if caller is not None else None
    return FrontEndStanding(user=given_up.words, is_root=given_up.is_root, behind=behind)


def _needed_files() -> list[str]:
    """Files that stand for all that is still to be imported."""
    from importlib.util import find_spec

    origins = [os.__file__, __file__, sys.executable]
    for name in ("msgspec", "textual", "aiodns"):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            origins.append(spec.origin)
    return origins


def _move_home(uid: int, environ: MutableMapping[str, str]) -> None:
    """The environment's folders become this user's. One that is the user's already (``sudo -E``) stays."""
    import pwd

    try:
        entry = pwd.getpwuid(uid)
    except (KeyError, OSError):
        environ.pop("HOME", None)
    else:
        environ.update({"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name})
    for name in _XDG:
        try:
            is_own = os.stat(environ[name]).st_uid == uid
        except (KeyError, OSError, ValueError):
            is_own = False
        if not is_own:
            environ.pop(name, None)


def refuse_files(standing: FrontEndStanding, values: Values) -> None:
    """Root that works for a user it could not become opens nothing by name for them: `UsageError`."""
    if standing.behind is None:
        return
    scenario = values.get("scenario") or (values["targets"] or [""])[0] if values["action"] == "demo" else ""
    named = {"-F": values.get("file"), "--config": values.get("config"), "--output": values.get("output")}
    named["demo"] = scenario if "/" in scenario or scenario.endswith(".toml") else None
    named["--record"] = values.get("record")
    named |= {f"--{name.replace('_', '-')}": values.get(name) for name in ("creds", "nkey", "tls_cert", "tls_key")}
    for option, name in named.items():
        if name not in (None, "", "-"):
            raise UsageError(
                f"{option} {name}: no file is opened for {standing.behind}, who cannot read the installed program"
                f" ({os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}): install it where everybody can,"
                " or use the shell's < and >"
            )


def explained(standing: FrontEndStanding, error: str) -> str:
    """An error's text; where it is about permissions, it also says whose they are by now."""
    if not standing.user or os.strerror(errno.EACCES) not in error:
        return error
    return f"{error} (hopscope runs as {standing.user})"


def confine(standing: FrontEndStanding, options: Options) -> FrontEndStanding:
    """Where root could become nobody else: take the file system away, and what that number alone
    lets a process do to others. What it is then."""
    if not standing.is_root or not sys.platform.startswith("linux"):
        return standing
    from hopscope.cli.confined import confine_root  # for root alone

    held = confine_root(options, is_behind=standing.behind is not None)
    return msgspec.structs.replace(
        standing, landlock="named-files" if held.landlock else "none", seccomp=held.seccomp, scribe=held.scribe
    )
