"""The configuration file: defaults for the command line, and how the screen looks. TOML, read strictly.

It stands at ``$XDG_CONFIG_HOME/hopscope/config.toml`` (``~/.config`` where that is not set), or where ``--config``
says. It holds data alone: nothing in it names a program. A program that runs with more rights than whoever called it
does not read the caller's file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from hopscope.cli.errors import UsageError
from hopscope.cli.parser import Values, read_value
from hopscope.cli.table import option
from hopscope.cli.values import shown
from hopscope.path.windows import WindowName
from hopscope.session.model import ProtocolChoice
from hopscope.system.files import Unreadable, read_file, read_given, text_of
from hopscope.wire.methods import REAL

MAX_FILE = 1 << 20
HISTORY_BYTES = 256 << 20
"""Of history that is kept, unless told."""
Duration: TypeAlias = float | str
DnsName: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,180}[A-Za-z0-9])?$")]
NamesMode: TypeAlias = Literal["names", "addresses", "both"]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A table of the file; every key may be left out."""


class ProbeTable(_Table, frozen=True):
    """``[probe]``: the command line's options on probing."""

    family: Literal[4, 6] | None = None
    protocol: ProtocolChoice | None = None
    method: str | None = None
    port: int | None = None
    interval: Duration | None = None
    timeout: Duration | None = None
    rounds: int | None = None
    first_ttl: int | None = None
    max_ttl: int | None = None
    max_unknown: int | None = None
    packet_size: int | None = None
    pattern: int | None = None
    tos: int | None = None
    source: str | None = None
    interface: str | None = None
    flows: int | str | None = None
    certainty_pct: float | None = None
    budget: float | None = None


class ReportTable(_Table, frozen=True):
    """``[report]``: the command line's options on reports. A format here does not make a report of a live screen."""

    fields: str | None = None
    names: NamesMode | None = None
    owners: bool | None = None
    mpls: bool | None = None
    privacy: int | None = None


class NamesTable(_Table, frozen=True):
    """``[names]``: who is asked about addresses."""

    servers: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    verify: bool = True
    owners: bool | None = None
    origin4: DnsName = "origin.asn.cymru.com"
    origin6: DnsName = "origin6.asn.cymru.com"
    as_names: DnsName = "asn.cymru.com"


class ScreenTable(_Table, frozen=True):
    """``[screen]``: see `hopscope.views.screen.options`, which also says what the words may be."""

    columns: tuple[str, ...] | None = None
    theme: str | None = None
    names: NamesMode | None = None
    owners: bool | None = None
    mpls: bool | None = None
    chart: bool | None = None
    chart_view: Literal["time", "profile", "distribution", "heat"] | None = None
    details: bool | None = None
    scale: Literal["usual", "all", "hop"] | None = None
    window: WindowName | None = None
    glyphs: Literal["auto", "unicode", "ascii"] | None = None
    refresh: Duration | None = None


class HistoryTable(_Table, frozen=True):
    """``[history]``: what is kept of the live screen."""

    keep: bool | str = True
    """A size, or whether anything is kept."""


class Config(_Table, frozen=True):
    """The whole file."""

    probe: ProbeTable = ProbeTable()
    report: ReportTable = ReportTable()
    names: NamesTable = NamesTable()
    screen: ScreenTable = ScreenTable()
    history: HistoryTable = HistoryTable()
    keys: dict[str, str | tuple[str, ...]] = {}


class Loaded(msgspec.Struct, frozen=True):
    """A configuration, and where it came from."""

    config: Config = Config()
    path: Path | None = None
    """The file that was read; None: there is none."""
    note: str | None = None
    """A line for the user: why a file that is there was not read."""


_OPTIONS: dict[str, dict[str, str]] = {
    "probe": {"interval": "interval_s", "timeout": "timeout_s"},
    "report": {},
}
"""Keys of the file whose option has another name."""


def default_path(environ: Mapping[str, str]) -> Path:
    """Where the file stands unless told. The XDG rules: a relative ``XDG_CONFIG_HOME`` is not one."""
    home = environ.get("XDG_CONFIG_HOME", "")
    folder = Path(home) if home.startswith("/") else Path(environ.get("HOME") or "/") / ".config"
    return folder / "hopscope" / "config.toml"


def is_raised() -> bool:
    """Whether this program runs with more rights than whoever called it (set-user-ID or set-group-ID)."""
    return os.geteuid() != os.getuid() or os.getegid() != os.getgid()


def load(given: str | None, environ: Mapping[str, str], *, raised: bool = False) -> Loaded:
    """The configuration in force. `given` is ``--config``'s value: an empty one means none. `UsageError` where the
    file cannot be read or is wrong; only a file that nobody named may be missing."""
    if given == "":
        return Loaded()
    raised = raised or is_raised()
    if given is not None:
        if raised:
            raise UsageError(f"--config: {shown(given)} is not read by a program with more rights than its caller")
        path = Path(given)
        try:
            data = read_given(given, MAX_FILE)
        except FileNotFoundError:
            raise UsageError(f"{plain(path)}: cannot be read: No such file or directory") from None
        except Unreadable as error:
            raise UsageError(f"{plain(path)}: cannot be read: {error}") from None
        return Loaded(_checked(parse(_text(path, data), given), given), path)
    path = default_path(environ)
    if not os.path.exists(path):
        return Loaded()
    if raised:
        return Loaded(note=f"{path} is not read: this program has more rights than its caller")
    try:
        data, owner = read_file(path, MAX_FILE)
    except FileNotFoundError:  # it went just now
        return Loaded()
    except Unreadable as error:
        raise UsageError(f"{plain(path)}: cannot be read: {error}; --config '' goes without it") from None
    if owner not in (os.geteuid(), 0):
        return Loaded(note=f"{path} is not read: it belongs to another user")
    return Loaded(_checked(parse(_text(path, data), str(path)), str(path)), path)


def _text(path: Path, data: bytes) -> str:
    try:
        return text_of(data)
    except Unreadable as error:
        raise UsageError(f"{plain(path)}: {error}") from None


def plain(path: str | Path) -> str:
    """A path as an error shows it: one line, printable."""
    text = str(path)
    return text if text.isprintable() else ascii(text)[1:-1]


def parse(text: str, name: str = "config.toml") -> Config:
    """A configuration from its text. `UsageError`: one line with the file, the key's path and what is allowed."""
    from hopscope.system import toml

    try:
        table = toml.loads(text)
        config = msgspec.convert(table, Config)
        # What msgspec cannot know: the options' own ranges and words.
        defaults(config)
        _check_screen(config)
        kept_bytes(config)
        if config.names.servers:
            read_value(option("servers"), ",".join(config.names.servers), "names.servers")
    except toml.NoToml as error:
        raise UsageError(f"{plain(name)}: no TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise UsageError(f"{plain(name)}: {_explain(str(error))}") from None
    except RecursionError:
        raise UsageError(f"{plain(name)}: nested too deeply") from None
    except UsageError as error:
        raise UsageError(f"{plain(name)}: {error}") from None
    return config


def defaults(config: Config) -> Values:
    """The command line's defaults, under the parser's names."""
    values: Values = {}
    for table_name in ("probe", "report"):
        table = getattr(config, table_name)
        for key in table.__struct_fields__:
            word = getattr(table, key)
            if word is None:
                continue
            dest = _OPTIONS[table_name].get(key, key)
            where = f"{table_name}.{key}"
            if key == "names":
                values |= {"dns": word != "addresses", "show_ips": word == "both"}
            elif where == "probe.method" and word == "simulated":
                raise UsageError(f"{where}: simulated: only the command line asks for a network that is not there")
            elif isinstance(word, bool) or key in ("family", "protocol"):
                values[dest] = word
            else:
                values[dest] = read_value(option(dest), str(word), where)
    if config.names.owners is not None:
        values.setdefault("owners", config.names.owners)
    return values


def _check_screen(config: Config) -> None:
    refresh = config.screen.refresh
    if refresh is not None:
        screen_refresh(refresh)


def _checked(config: Config, name: str) -> Config:
    """`config`, where the screen can be shown so: what is wrong with ``[screen]`` and ``[keys]`` is said by every
    command, and not by the live screen alone. `UsageError`."""
    if config.keys or config.screen.columns is not None or config.screen.theme is not None:
        from hopscope.views.screen.check import check
        from hopscope.views.screen.options import ScreenOptions

        wrong = check(ScreenOptions(**screen_values(config)))
        if wrong is not None:
            raise UsageError(f"{plain(name)}: {wrong}")
    return config


def screen_refresh(refresh: Duration) -> float:
    """``screen.refresh`` in seconds."""
    from hopscope.cli.values import duration

    try:
        return duration(0.05, 60)(str(refresh))
    except UsageError as error:
        raise UsageError(f"screen.refresh: {error}") from None


def kept_bytes(config: Config) -> int | None:
    """``history.keep`` in bytes; None: nothing is kept."""
    keep = config.history.keep
    if keep is False:
        return None
    if keep is True:
        return HISTORY_BYTES
    from hopscope.cli.values import size

    try:
        return size(keep)
    except UsageError as error:
        raise UsageError(f"history.keep: {error}") from None


_PLACE = re.compile(r" - at `(?:key in )?\$?\.?([^`]*)`")


def _explain(message: str) -> str:
    """msgspec's message with the key's path in front, and what is allowed."""
    place = _PLACE.search(message)
    path = place[1] if place else ""
    words = _PLACE.sub("", message).replace("`", "").replace("null", "").replace(" | ,", ",")
    unknown = re.search(r"unknown field (\S+)", words)
    if unknown:
        import difflib

        tables: dict[str, tuple[str, ...]] = {
            field.name: field.type.__struct_fields__
            for field in msgspec.structs.fields(Config)
            if hasattr(field.type, "__struct_fields__")
        }
        known = tables.get(path, Config.__struct_fields__)
        near = difflib.get_close_matches(unknown[1], known, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        where = f"{path}.{unknown[1]}" if path else unknown[1]
        return f"{plain(where)}: there is no such key{hint}; known are: {', '.join(known)}"
    allowed = {
        "probe.protocol": "auto, icmp, udp, tcp",
        "probe.family": "4, 6",
        "probe.method": ", ".join(("auto", *REAL)),
    }
    hint = f"; allowed are: {allowed[path]}" if path in allowed else ""
    literal = _literal_words(path)
    if literal and "Invalid enum value" in words:
        hint = f"; allowed are: {literal}"
    return f"{plain(path or 'the file')}: {words[:1].lower()}{words[1:]}{hint}"


def _literal_words(path: str) -> str:
    from typing import get_args, get_type_hints

    table, _, key = path.partition(".")
    struct = {"screen": ScreenTable, "report": ReportTable, "probe": ProbeTable}.get(table)
    if struct is None or key not in struct.__struct_fields__:
        return ""
    words = [word for part in get_args(get_type_hints(struct)[key]) for word in get_args(part)]
    return ", ".join(str(word) for word in words)


def screen_values(config: Config) -> dict[str, Any]:
    """What the file says of the screen, under the names of `ScreenOptions`; only what it says."""
    table = config.screen
    values = {key: value for key in table.__struct_fields__ if (value := getattr(table, key)) is not None}
    refresh = values.pop("refresh", None)
    if refresh is not None:
        values["refresh_s"] = screen_refresh(refresh)
    if config.keys:
        values["keys"] = {
            action: keys if isinstance(keys, str) else ",".join(keys) for action, keys in config.keys.items()
        }
    return values


__all__ = ["Config", "Loaded", "default_path", "defaults", "load", "parse", "screen_values"]
