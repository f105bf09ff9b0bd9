"""What stands in ``contrib/`` for Prometheus and Grafana, and its queries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

CONTRIB: Final = Path(__file__).parents[2] / "contrib"
DASHBOARD: Final = CONTRIB / "grafana" / "hopscope.json"
ALERTS: Final = CONTRIB / "prometheus" / "alerts.yml"
ALERT_TESTS: Final = CONTRIB / "prometheus" / "alerts.test.yml"


class Query(NamedTuple):
    """One query, and where it stands."""

    place: str
    expr: str


def dashboard() -> dict[str, Any]:
    """The dashboard as JSON."""
    found: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return found


def dashboard_queries() -> Iterator[Query]:
    """Each query of the dashboard's panels and annotations."""
    made = dashboard()
    for panel in made["panels"]:
        for target in panel.get("targets", []):
            yield Query(f"{panel['title']}, {target['refId']}", target["expr"])
    for annotation in made["annotations"]["list"]:
        yield Query(annotation["name"], annotation["expr"])


def filled(expr: str) -> str:
    """A query with what Grafana would put in the place of its variables."""
    values = {"$__rate_interval": "10s", "$__range": "1m", "$instance": ".*", "$site": ".*", "$target": ".*"}
    for variable, value in values.items():
        expr = expr.replace(variable, value)
    assert "$" not in expr, expr
    return expr
