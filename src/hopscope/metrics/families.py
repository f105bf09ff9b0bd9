"""The registry of metrics: each family once. The exposition writes these, and the docs' table is held to them.

Times are seconds, shares are left to the query, what is counted ends in ``_total``. An address changes and would be a
new series for ever, so it is a label of the ``_info`` series alone: those are joined to the others by target and hop.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram", "info", "summary"]


class Family(NamedTuple):
    """One family of metrics."""

    name: str
    """As in the TYPE line of OpenMetrics: without ``_total``, ``_info``."""
    kind: Kind
    labels: tuple[str, ...]
    help: str
    unit: str = ""

    @property
    def series(self) -> tuple[str, ...]:
        """The names that its samples have."""
        suffixes = {
            "counter": ("_total",),
            "gauge": ("",),
            "histogram": ("_bucket", "_sum", "_count"),
            "info": ("_info",),
            "summary": ("_sum", "_count"),
        }
        return tuple(self.name + suffix for suffix in suffixes[self.kind])

    @property
    def head(self) -> str:
        """Its lines of metadata in OpenMetrics text."""
        unit = f"# UNIT {self.name} {self.unit}\n" if self.unit else ""
        return f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.kind}\n{unit}"

    @property
    def classic_head(self) -> str:
        """The same in Prometheus' older text format, which names a counter and an info as their samples are."""
        name = self.series[0] if self.kind in ("counter", "info") else self.name
        kind = "gauge" if self.kind == "info" else self.kind
        return f"# HELP {name} {self.help}\n# TYPE {name} {kind}\n"


PROBES: Final = Family(
    "hopscope_probes", "counter", ("target", "hop", "fate"),
    "Probes of a hop by what became of them: answered, lost, late, failed; duplicate: further answers.",
)  # fmt: skip
RTT: Final = Family(
    "hopscope_rtt_seconds", "summary", ("target", "hop"),
    "Round-trip times of a hop: their sum and their number.", "seconds",
)  # fmt: skip
HOP: Final = Family(
    "hopscope_hop", "info", ("target", "hop", "address", "name", "asn", "owner"),
    "Who answered for a hop in the last five minutes.",
)  # fmt: skip
TARGET_PROBES: Final = Family(
    "hopscope_target_probes", "counter", ("target", "fate"),
    "Rounds by what became of the target's probe, whatever hop it stood at: answered, lost, late, failed.",
)  # fmt: skip
TARGET_RTT: Final = Family(
    "hopscope_target_rtt_seconds", "histogram", ("target",),
    "Round-trip times of the target, by round.", "seconds",
)  # fmt: skip
REACHED: Final = Family(
    "hopscope_target_reached", "gauge", ("target",),
    "1 where the target answered in the newest round whose fate is known, else 0.",
)  # fmt: skip
HOPS: Final = Family(
    "hopscope_path_hops", "gauge", ("target",),
    "Hops of the path: up to the target, or to the last that was tried.",
)  # fmt: skip
ROUTE_CHANGES: Final = Family(
    "hopscope_route_changes", "counter", ("target",),
    "How often the addresses along the path changed for good.",
)  # fmt: skip
VERDICT: Final = Family(
    "hopscope_verdict", "gauge", ("target", "kind"),
    "What is wrong: 1 for the verdict that stands, 0 for those that stood before.",
)  # fmt: skip
FIRST_HOP: Final = Family(
    "hopscope_verdict_first_hop", "gauge", ("target",),
    "Where the trouble begins: at this hop or behind it.",
)  # fmt: skip
LAST_HOP: Final = Family(
    "hopscope_verdict_last_hop", "gauge", ("target",),
    "Where the trouble begins: at this hop or before it.",
)  # fmt: skip
INCIDENTS: Final = Family(
    "hopscope_incidents", "counter", ("target", "kind"),
    "How often something was wrong.",
)  # fmt: skip
TARGET: Final = Family(
    "hopscope_target", "info", ("target", "address", "protocol", "method"),
    "How a target is probed.",
)  # fmt: skip
RESTARTS: Final = Family(
    "hopscope_worker_restarts", "counter", (),
    "How often the probe worker was started again.",
)  # fmt: skip
PROBING: Final = Family(
    "hopscope_worker_running", "gauge", (),
    "1 where the probe worker runs, else 0.",
)  # fmt: skip
HEARD: Final = Family(
    "hopscope_site_heard_timestamp_seconds", "gauge", ("site",),
    "When another site was heard of last.", "seconds",
)  # fmt: skip
BUILD: Final = Family("hopscope_build", "info", ("version",), "The program.")

FAMILIES: Final = (
    TARGET_PROBES, TARGET_RTT, REACHED, VERDICT, FIRST_HOP, LAST_HOP, INCIDENTS, HOPS, ROUTE_CHANGES, PROBES, RTT, HOP,
    TARGET, RESTARTS, PROBING, HEARD, BUILD,
)  # fmt: skip
"""In the order in which they are written."""
