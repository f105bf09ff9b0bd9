"""Keys for actions: the defaults, what the configuration says instead, and whether that can work.

Textual ignores an unknown action, an impossible key and a key bound twice without a word, so they are checked here.
"""

from __future__ import annotations

from collections.abc import Mapping

from hopscope.views.screen.actions.registry import ACTIONS

NAMED = frozenset(
    [
        "escape",
        "enter",
        "tab",
        "space",
        "backspace",
        "delete",
        "insert",
        "home",
        "end",
        "pageup",
        "pagedown",
        "up",
        "down",
        "left",
        "right",
        "plus",
        "minus",
        "equals_sign",
        "comma",
        "full_stop",
        "question_mark",
        "left_square_bracket",
        "right_square_bracket",
        "slash",
        "backslash",
        "semicolon",
        "colon",
        "apostrophe",
        "quotation_mark",
        "underscore",
        "asterisk",
        "number_sign",
        "percent_sign",
        "ampersand",
        "at",
        "exclamation_mark",
        "dollar_sign",
        "circumflex_accent",
        "tilde",
        "vertical_line",
        "less_than_sign",
        "greater_than_sign",
        "left_parenthesis",
        "right_parenthesis",
        "left_curly_bracket",
        "right_curly_bracket",
        "grave_accent",
    ]
) | frozenset(f"f{number}" for number in range(1, 25))
MODIFIERS = frozenset(("ctrl", "shift", "alt"))
SHORT = {
    "question_mark": "?",
    "escape": "esc",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "comma": ",",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "slash": "/",
    "at": "@",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "enter": "⏎",
    "home": "Home",
    "end": "End",
}
PLAIN = {"up": "up", "down": "down", "left": "left", "right": "right", "enter": "enter"}
CHARACTERS = {shown: name for name, shown in SHORT.items() if len(shown) == 1 and shown.isascii()}


def normal(key: str) -> str | None:
    """A key as Textual calls it; None where there is no such key. ``?`` is as good as ``question_mark``."""
    key = key.strip()
    *modifiers, base = key.split("+") if key != "+" else ["+"]
    base = CHARACTERS.get(base, base)
    if len(base) > 1:
        base = base.lower()
    if not (base in NAMED or (len(base) == 1 and base.isalnum() and base.isascii())):
        return None
    modifiers = [modifier.lower() for modifier in modifiers]
    if any(modifier not in MODIFIERS for modifier in modifiers):
        return None
    return "+".join([*modifiers, base])


def keys_of(overrides: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Every action's keys, as Textual calls them. The overrides must have passed `check_keys`."""
    bound = {}
    for id_, action in ACTIONS.items():
        wanted = overrides.get(id_, action.keys)
        bound[id_] = tuple(name for name in map(normal, wanted.split(",")) if name) if wanted else ()
    return bound


def check_keys(overrides: Mapping[str, str]) -> str | None:
    """One line for the first override that cannot work: an unknown action, no such key, a key that is bound twice."""
    for id_, wanted in overrides.items():
        if id_ not in ACTIONS:
            return f"keys.{id_}: no such action; there are {', '.join(ACTIONS)}"
        for key in wanted.split(",") if wanted else ():
            if normal(key) is None:
                return f"keys.{id_}: {key.strip()!r} is no key; write letters, digits, f1, space, ctrl+x …"
    owner: dict[str, str] = {}
    for id_, keys in keys_of(overrides).items():
        for key in keys:
            if key in owner:
                guilty, other = (id_, owner[key]) if id_ in overrides else (owner[key], id_)
                return f"keys.{guilty}: {key!r} is bound to {other} already; give that another key too"
            owner[key] = id_
    return None


def shown(key: str, unicode: bool = True) -> str:
    """A key as a person reads it: ``?``, ``^p``, ``esc``."""
    if key.startswith("ctrl+"):
        return "^" + key[5:]
    if key == "shift+tab":
        return "⇧tab" if unicode else "shift+tab"
    if not unicode and key in PLAIN:
        return PLAIN[key]
    return SHORT.get(key, key)
