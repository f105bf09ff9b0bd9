"""Completion scripts for bash, zsh and fish, made from the table of options.

Names of files, interfaces and hosts are whoever's who made them: `$(reboot)` may be one. bash offers what a function
says as it is, and expands the words of `compgen -W` itself; zsh and fish quote what they insert.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hopscope.cli.table import OPTIONS, SUBCOMMANDS, Option

_INTERFACES = "ls /sys/class/net 2>/dev/null"


def script(shell: str) -> str:
    """The script of a shell in `table.SHELLS`."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]()


def _shown() -> list[Option]:
    return [option for option in OPTIONS if not option.verdict]


def _bash() -> str:
    cases = []
    for option in _shown():
        flags = "|".join(option.flags)
        if option.choices:
            cases.append(
                f"        {flags}) COMPREPLY=($(compgen -W '{' '.join(option.choices)}' -- \"$cur\")); return;;"
            )
        elif option.completes == "file":
            cases.append(f"        {flags}) _hopscope_files; return;;")
        elif option.completes == "interface":
            cases.append(f'        {flags}) _hopscope_names "$({_INTERFACES})"; return;;')
        elif option.completes == "scenario":
            cases.append(f'        {flags}) _hopscope_names "$(_hopscope_scenarios)"; return;;')
        elif option.takes_value:
            cases.append(f"        {flags}) return;;")
    flags = " ".join(flag for option in _shown() for flag in option.flags)
    body = "\n".join(cases)
    return f"""\
# bash completion for hopscope: eval "$(hopscope --completion bash)"
_hopscope_scenarios() {{ hopscope demo --list 2>/dev/null | cut -d' ' -f1; }}
# Files as bash does it by itself, which quotes their names.
_hopscope_files() {{ compopt -o default 2>/dev/null; }}
# Of these lines those that begin with the word, quoted.
_hopscope_names() {{
    local name
    while IFS= read -r name; do
        [[ -n $name ]] && printf -v name %q "$name" && [[ $name == "$cur"* ]] && COMPREPLY+=("$name")
    done <<< "$1"
}}
_hopscope() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
    COMPREPLY=()
    case $prev in
{body}
        demo) _hopscope_names "$(_hopscope_scenarios)"; return;;
        web) _hopscope_files; return;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W '{flags}' -- "$cur"))
    elif [[ $COMP_CWORD -eq 1 ]]; then
        _hopscope_names "$(compgen -W '{" ".join(SUBCOMMANDS)}' -A hostname -- "$cur")"
    else
        _hopscope_names "$(compgen -A hostname -- "$cur")"
    fi
}}
complete -F _hopscope hopscope
"""


def _zsh() -> str:
    specs = []
    for option in _shown():
        words = _quoted_zsh(option.brief or option.long)
        value = f":{option.metavar}:{_zsh_action(option)}" if option.takes_value else ""
        together = f"({' '.join(option.flags)})" if len(option.flags) > 1 else ""
        specs += [f"  '{together}{flag}[{words}]{value}'" for flag in option.flags]
    body = " \\\n".join(specs)
    return f"""\
#compdef hopscope
# zsh completion for hopscope: hopscope --completion zsh > a folder of $fpath/_hopscope
_hopscope_scenarios() {{ compadd -- ${{(f)"$(hopscope demo --list 2>/dev/null | cut -d' ' -f1)"}} }}
_hopscope_targets() {{
  if (( CURRENT == 2 )); then compadd -- {" ".join(SUBCOMMANDS)}; fi
  case $words[2] in
    demo) _hopscope_scenarios;;
    web) _files;;
    *) _hosts;;
  esac
}}
_hopscope() {{
  _arguments -s \\
{body} \\
  '*:target:_hopscope_targets'
}}
if [[ $funcstack[1] == _hopscope ]]; then _hopscope "$@"; else compdef _hopscope hopscope; fi
"""


def _zsh_action(option: Option) -> str:
    if option.choices:
        return f"({' '.join(option.choices)})"
    actions = {"file": "_files", "interface": "_net_interfaces", "scenario": "_hopscope_scenarios"}
    return actions.get(option.completes, " ")


def _quoted_zsh(words: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", words).replace("'", "'\\''")


def _fish() -> str:
    lines = [
        "# fish completion for hopscope: hopscope --completion fish | source",
        "complete -c hopscope -f -n __fish_is_first_token -a '" + " ".join(SUBCOMMANDS) + "'",
        "complete -c hopscope -f -n 'not __fish_seen_subcommand_from demo web' -a '(__fish_print_hostnames)'",
        "complete -c hopscope -F -n '__fish_seen_subcommand_from web'",
        "complete -c hopscope -f -n '__fish_seen_subcommand_from demo'"
        " -a \"(hopscope demo --list 2>/dev/null | string replace -r ' .*' '')\"",
    ]
    for option in _shown():
        parts = ["complete -c hopscope"]
        parts += [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags]
        if option.takes_value:
            parts.append("-r -F" if option.completes == "file" else "-x")
        if isinstance(option.choices, Mapping):
            words = " ".join(f"{name}\\t{_quoted_fish(brief)}" for name, brief in option.choices.items())
            parts.append(f'-a "{words}"')
        elif option.choices:
            parts.append(f"-a '{' '.join(option.choices)}'")
        elif option.completes == "interface":
            parts.append(f"-a '({_INTERFACES})'")
        parts.append(f"-d {_quoted_fish(option.brief or option.long)}")
        lines.append(" ".join(parts))
    return "\n".join(lines) + "\n"


def _quoted_fish(words: str) -> str:
    words = words.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{words}'"
