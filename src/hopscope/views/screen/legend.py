"""What the marks in the table mean, as far as they stand there and say it not themselves."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from hopscope.path.hop_health import HopFinding
from hopscope.session.model import Target
from hopscope.views.screen import labels
from hopscope.views.screen.options import NamesMode
from hopscope.views.screen.styles import Look

HARMLESS = "harmless"


def is_roomy(name: str, width: int) -> bool:
    """Whether a word has room behind a name."""
    return cell_len(name) + len(HARMLESS) + 2 <= width


def notes(
    target: Target, verdicts: Sequence[HopFinding], look: Look, width: int, host: int, names: NamesMode
) -> list[str]:
    """What the marks in the table mean, as far as they stand there and say it not themselves (`host`: cells of that
    column); in fewer words where there is little room."""
    out: list[tuple[str, str]] = []
    rows = list(zip(target.path.rows, verdicts, strict=True))
    if any(labels.mark(target, node, names) for hop, _ in rows for node in hop.nodes):
        out.append(("? a claim", "the name does not lead back to its address"))
    limited = [labels.present(target, hop) for hop, verdict in rows if verdict.state == "cosmetic"]
    if any(len(nodes) != 1 or not is_roomy(labels.host(target, nodes[0], names)[0], host) for nodes in limited):
        out.append(
            (
                f"{look.glyphs.cosmetic} harmless",
                "the router limits how often it answers, traffic is not lost",
            )
        )
    if any(v.confidence == "collecting" and hop.received for hop, v in rows):
        out.append(("dim numbers are too young to judge", "fewer than 10 probes"))
    return [whole if cell_len(whole := f"{head}: {tail}") <= width else head for head, tail in out]
