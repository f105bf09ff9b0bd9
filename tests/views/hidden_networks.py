"""Networks in which what must be hidden can be told at sight: whatever stands at the first three hops, and the machine
that probes, has an address in 10.70 to 10.81 or 2001:db8:7x, a name or an owner with `secret` in it, and a label
7770xx."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

HOPS: Final = 3
"""How many are to be hidden."""
SECRET: Final = re.compile(r"10\.[78]\d\.|2001:db8:7[0-9a-f]|secret|7770\d\d", re.IGNORECASE)

_ORIGINS: Final = """
[[origins]]
prefix = "10.64.0.0/10"
asn = 64999
name = "SECRETNET"
"""

CASES: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    # What is done to the network, what else the second hop has, and the command's options.
    "a healthy path": ("", "", ()),
    "several targets that share routers": ("", "", ()),
    "flows, and a bad link at a hidden hop": (
        """
[[changes]]
at = "0s"
hop = 3
inside = [5, 1]
set = { loss = "40%" }
""",
        "",
        ("-u", "--flows", "16"),
    ),
    "loss that begins at a hidden hop": ('[[changes]]\nat = "15s"\nhop = 2\nset = { loss = "40%" }', "", ()),
    "another route at hidden hops": (
        """
[[changes]]
at = "25s"
until = "50s"
from_hop = 2
remove = 1
insert = [{ at = ["V4.8.1", "V6:81"], delay = "9ms" }, { at = ["V4.8.2", "V6:82"], delay = "9ms" }]
""",
        "",
        (),
    ),
    "another router in the place of a hidden one": (
        """
[[changes]]
at = "25s"
from_hop = 2
remove = 1
insert = [{ at = ["V4.8.1", "V6:81"], delay = "3ms" }]
""",
        "",
        (),
    ),
    "a loop between hidden hops": ('[[changes]]\nat = "20s"\nloop = { at = 3, back_to = 2 }', "", ()),
    "a loop behind that comes back to a hidden hop": (
        '[[changes]]\nat = "20s"\nloop = { at = 5, back_to = 3 }',
        "",
        (),
    ),
    "a hidden hop that refuses": ('[[changes]]\nat = "20s"\nhop = 2\nset = { error = "net-unreachable" }', "", ()),
    "a hidden hop that refuses, and nobody probed": (
        '[[changes]]\nat = "20s"\nhop = 2\nset = { error = "prohibited" }',
        "",
        ("-f", "4"),
    ),
    "an outage behind a hidden hop": ('[[changes]]\nat = "20s"\noutage = 3', "", ()),
    "a hidden hop that answers late": ("", ', reply_delay = "3.5s"', ()),
    "IPv6": ('[[changes]]\nat = "15s"\nhop = 2\nset = { loss = "40%" }', "", ("-6",)),
}


def write(folder: Path, case: str) -> Path:
    """The scenario of a case as a file."""
    number = list(CASES).index(case)
    changes, second, _ = CASES[case]
    v4, v6 = f"10.{70 + number}", f"2001:db8:7{number:x}:"
    names: dict[str, str] = {}

    def router(hop: int, at: tuple[str, str], called: str, label: int, more: str = "") -> str:
        names.update(dict.fromkeys(at, f"{called}.case{number}.example"))
        return f'{{ at = ["{at[0]}", "{at[1]}"], delay = "{hop + 1}ms", mpls = [{{ label = {label} }}]{more} }}'

    hops = [
        router(1, (f"{v4}.1.1", f"{v6}:1"), "secret-1", 777_001),
        router(2, (f"{v4}.2.1", f"{v6}:2"), "secret-2", 777_002, second),
    ]
    links = [router(3, (f"{v4}.3.{one}", f"{v6}:3{one}"), f"secret-link{one}", 777_030 + one) for one in range(1, 9)]
    forks = "flows" in case or "share" in case
    hops.append(f"{{ branches = [{', '.join(f'{{ hops = [{link}] }}' for link in links)}] }}" if forks else links[0])
    for hop in (4, 5):
        at = f"192.0.2.{10 * number + hop}", f"2001:db8:9::{10 * number + hop}"
        hops.append(router(hop, at, f"open-{hop}", 16_000 + hop))
    lines = [f'source = ["{v4}.9.9", "{v6}:99"]', "hops = [", *(f"  {hop}," for hop in hops), "]"]
    for name, last in (("www", 100), ("two", 120), ("three", 140))[: 3 if "targets" in case else 1]:
        at = f"203.0.113.{last + number}", f"2001:db8:a::{last + number}"
        lines += ["[[targets]]", f'name = "{name}.case{number}.example"', f'at = ["{at[0]}", "{at[1]}"]']
    lines += [changes.replace("V4", v4).replace("V6", v6), "[names]", *(f'"{at}" = "{names[at]}"' for at in names)]
    path = folder / f"case{number}.toml"
    path.write_text("\n".join([*lines, _ORIGINS]))
    return path
