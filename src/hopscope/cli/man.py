"""The manual page, made from the table of options: ``hopscope --man | man -l -``."""

from __future__ import annotations

from hopscope._version import __version__
from hopscope.cli.table import GROUPS, OPTIONS, Option

_STATUSES = (
    ("0", "Done; the target answered at least once. mtr's formats end with 0 where mtr does."),
    ("1", "Done; a target never answered."),
    ("2", "The command line or the configuration is wrong, a name does not resolve, or the output cannot be written."),
    ("3", "This machine does not let the user probe that way; the message says how to allow it."),
    ("4", "The probe worker failed, and could not be started again."),
    ("5", "An assertion does not hold."),
    ("130", "Interrupted (129 and 143: hung up, terminated); a report prints what it has first."),
)


def page() -> str:
    """The page in roff's man macros."""
    parts = [
        f'.TH HOPSCOPE 1 "" "hopscope {__version__}" "User Commands"',
        ".SH NAME",
        r"hopscope \- a full-screen, continuous traceroute",
        ".SH SYNOPSIS",
        r".B hopscope",
        r"[\fIOPTIONS\fR] \fITARGET\fR ...",
        ".br",
        ".B hopscope demo",
        r"[\fISCENARIO\fR]",
        ".br",
        ".B hopscope doctor",
        ".br",
        ".B hopscope config",
        ".br",
        ".B hopscope history",
        r"[\fIVERB\fR ...]",
        ".br",
        ".B hopscope web",
        r"[\fISTORE\fR]",
        ".SH DESCRIPTION",
        roff(
            "Probes every hop on the way to each target in rounds without pause, and shows live who answers, how much"
            " is lost and how long it takes. With a report option it prints a report after some rounds and ends."
            " It needs no privileges where the system has ping sockets; hopscope doctor says what is there."
        ),
        ".PP",
        roff(
            "demo plays a simulated network. doctor shows which probe methods this machine allows, and how to get the"
            " rest. config prints a configuration file with every default. history is what was recorded, web its screen"
            " in a browser. A host whose name is one of these words is traced after two dashes: hopscope -- demo."
        ),
        ".SH TARGETS",
        roff(
            "A host's name or an address, or what holds one: a URL, host:443, [::1], an address with its prefix length,"
            " quotes and commas around a name, several names in one word. A port beside the host is what -T and -u"
            " probe, unless -P says another. Names in other letters are looked up as browsers do (UTS #46). Of several"
            " targets one that leads nowhere is named, and the others are traced."
        ),
        ".PP",
        roff(
            "Where this machine refuses ICMP and neither a protocol nor a method is asked for, hopscope probes by UDP"
            " and says so; mtr's formats end with status 3 instead."
        ),
        ".SH OPTIONS",
    ]
    for group, title in GROUPS.items():
        parts.append(f'.SS "{roff(title)}"')
        for option in OPTIONS:
            if option.group == group:
                parts += [".TP", _flags(option), roff(option.long or option.brief)]
    parts.append(".SH EXIT STATUS")
    for status, words in _STATUSES:
        parts += [".TP", f".B {status}", roff(words)]
    parts += [
        ".SH ENVIRONMENT",
        ".TP",
        ".B HOPSCOPE_OPTIONS",
        roff("Options that stand in front of the command line's, quoted as in a shell. The command line wins."),
        ".TP",
        ".B MTR_OPTIONS",
        roff(
            "The same for a program that is called as mtr, by a link mtr to hopscope: it then has mtr's options alone,"
            " its defaults, its words for what is wrong and its exit statuses, and HOPSCOPE_OPTIONS is not read."
        ),
        ".SH FILES",
        ".TP",
        r".I $XDG_CONFIG_HOME/hopscope/config.toml",
        roff("Defaults for the command line and the screen; hopscope config prints one."),
        ".SH SEE ALSO",
        r"\fBmtr\fR(8), \fBtraceroute\fR(1), \fBtracepath\fR(8)",
    ]
    return "\n".join(parts) + "\n"


def roff(words: str) -> str:
    """Words as roff text: nothing in them is a request or an escape."""
    text = words.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    return rf"\&{text}" if text.startswith(".") else text


def _flags(option: Option) -> str:
    value = rf" \fI{roff(option.metavar)}\fR" if option.metavar else ""
    return ", ".join(rf"\fB{roff(flag)}\fR{value}" for flag in option.flags)
