"""``hopscope web``: the screen of ``history follow`` in browsers."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import sys
from importlib.util import find_spec
from typing import Final

from hopscope.cli import config as configuration
from hopscope.cli.errors import OK, UsageError
from hopscope.cli.listening import bound
from hopscope.cli.options import Options
from hopscope.cli.output import Output, say
from hopscope.cli.stores import opened, watched_path
from hopscope.cli.values import Endpoint, shown
from hopscope.names.scopes import scope
from hopscope.system import garbage

LISTEN: Final = Endpoint("127.0.0.1", 8000)
_KEPT: Final = (
    "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_TIME", "TZ", "TZDIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME",
    "HOPSCOPE_OPTIONS", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "LD_LIBRARY_PATH", "LD_PRELOAD",
    "QEMU_LD_PREFIX",
)  # fmt: skip
"""What a viewer gets of the environment: what the interpreter may need to be loaded at all, and what hopscope reads."""
_TERMINAL: Final = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
"""What xterm.js can do."""


def run(options: Options) -> int:
    """Serve until a signal ends it; the exit status. `UsageError`."""
    if len(options.targets) > 1:
        raise UsageError(f"web: {shown(options.targets[1])} is one word too many")
    if options.format is not None:
        raise UsageError("web: it is a screen; history replay prints reports")
    if os.geteuid() == 0:
        raise UsageError("web: a server for browsers does not run as root; start it as a user who may read the store")
    if find_spec("aiohttp") is None or find_spec("textual_serve") is None:
        raise UsageError("web: what serves browsers is not installed: pip install 'hopscope[web]'")
    path = watched_path(options, options.targets)
    opened(path).close()
    with _bound(options.listen or LISTEN) as listening:
        from hopscope.web.guard import TOKEN, Guard
        from hopscope.web.page import Lacking
        from hopscope.web.server import Server, silence
        from hopscope.web.viewers import Viewers

        address, port = listening.getsockname()[:2]
        ours = socket.gethostname()
        guard = Guard([ours], port)
        try:
            server = Server(guard, Viewers(_command(), _environment()))
        except Lacking:
            raise UsageError("web: this textual-serve is another one: pip install -U 'hopscope[web]'") from None
        host = ours if ipaddress.ip_address(address).is_unspecified else address
        if scope(address) != "loopback":
            say(f"web: {address} can be reached from other machines, and what is sent is not encrypted")
        garbage.release()

        def begun() -> None:
            Output().write(
                f"{configuration.plain(path)} in a browser: http://{Endpoint(host, port)}/?{TOKEN}={guard.token}\n"
            )

        silence()
        asyncio.run(server.serve(listening, begun))
    return OK


def _command() -> list[str]:
    """What shows the screen: the same words, read by `hopscope.cli.viewers`. ``-P``: not from the current folder."""
    return [sys.executable, "-P", "-X", "utf8", "-m", "hopscope.cli.viewers", *sys.argv[1:]]


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | _TERMINAL


def _bound(where: Endpoint) -> socket.socket:
    """`UsageError`."""
    try:
        return bound(where)
    except OSError as error:
        words = {
            errno.EADDRINUSE: "another program listens there; --listen ADDR:0 takes a free port",
            errno.EADDRNOTAVAIL: "this machine does not have this address",
        }
        raise UsageError(f"web: {where}: {words.get(error.errno or 0, error.strerror)}") from None
