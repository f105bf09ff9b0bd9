"""The dashboard is one that Grafana takes, and asks for nothing that hopscope does not tell."""

from __future__ import annotations

import re
from itertools import combinations

import jsonschema
import pytest

from hopscope.judge.verdict import QUIET_KINDS, Trouble
from hopscope.metrics.families import FAMILIES
from tests.metrics.contrib import ALERTS, Query, dashboard, dashboard_queries

SOURCE = {"type": "object", "required": ["type", "uid"], "properties": {"uid": {"const": "${DS_PROMETHEUS}"}}}
PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "gridPos"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "type": {"enum": ["row", "stat", "table", "timeseries", "heatmap", "state-timeline"]},
        "title": {"type": "string", "minLength": 1},
        "gridPos": {
            "type": "object",
            "required": ["x", "y", "w", "h"],
            "properties": {"x": {"minimum": 0, "maximum": 23}, "w": {"minimum": 1, "maximum": 24}, "h": {"minimum": 1}},
        },
        "datasource": SOURCE,
        "targets": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["datasource", "expr", "refId", "instant", "range", "format"],
                "properties": {
                    "datasource": SOURCE,
                    "expr": {"type": "string", "minLength": 1},
                    "format": {"enum": ["time_series", "table", "heatmap"]},
                },
            },
        },
        "fieldConfig": {"type": "object", "required": ["defaults", "overrides"]},
    },
    "if": {"properties": {"type": {"not": {"const": "row"}}}},
    "then": {"required": ["targets", "fieldConfig", "options", "datasource"]},
}
SCHEMA = {
    "type": "object",
    "required": [
        "__inputs", "__requires", "title", "uid", "schemaVersion", "version", "panels", "templating", "time", "refresh",
        "annotations", "tags", "editable",
    ],
    "properties": {
        "id": {"type": "null"},
        "schemaVersion": {"type": "integer", "minimum": 39},
        "__inputs": {
            "contains": {"properties": {"name": {"const": "DS_PROMETHEUS"}, "pluginId": {"const": "prometheus"}}}
        },
        "panels": {"type": "array", "items": PANEL},
        "templating": {
            "properties": {
                "list": {
                    "items": {"required": ["name", "type", "query", "datasource"], "properties": {"datasource": SOURCE}}
                }
            }
        },
    },
}  # fmt: skip
KEYWORDS = {
    "by", "without", "on", "group_left", "sum", "min", "rate", "increase", "topk", "or", "unless", "vector",
    "histogram_quantile", "fate", "up", "time",
}  # fmt: skip
LABELS = {"instance", "job", "site", "le"}.union(*(family.labels for family in FAMILIES))
SERIES = {name for family in FAMILIES for name in family.series}


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    made = dashboard()
    jsonschema.validate(made, SCHEMA)
    panels = made["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    required = {one["id"] for one in made["__requires"] if one["type"] == "panel"}
    assert required == {panel["type"] for panel in panels} - {"row"}


def test_no_panel_lies_over_another_or_beyond_the_edge() -> None:
    places = [panel["gridPos"] for panel in dashboard()["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        is_apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert is_apart, (one, other)


def alert_queries() -> list[Query]:
    """The rules as they stand in the file: Prometheus itself reads them in its own test."""
    text = ALERTS.read_text("utf-8")
    found = re.findall(r"- alert: (\w+)\n +expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)", text)
    assert len(found) == text.count("- alert: ")
    return [Query(name, block or line) for name, block, line in found]


@pytest.mark.parametrize("query", [*dashboard_queries(), *alert_queries()], ids=lambda query: query.place)
def test_a_query_asks_for_series_and_labels_that_there_are(query: Query) -> None:
    expr = query.expr
    asked = set(re.findall(r"\bhopscope_\w+", expr))
    assert asked <= SERIES
    assert asked or "up{" in expr
    matched = set(re.findall(r"(\w+) ?(?:=~|!~|!=|=)(?=\")", expr))
    grouped = {
        word
        for words in re.findall(r"\b(?:by|without|on|group_left) ?\(([^)]*)\)", expr)
        for word in words.split(", ")
        if word
    }
    assert matched | grouped <= LABELS
    of_series = {label for family in FAMILIES for name in family.series if name in asked for label in family.labels}
    assert matched <= of_series | {"instance", "job", "site"}
    assert matched & {"address", "name", "owner"} == set()


def test_the_alert_of_trouble_leaves_out_kinds_that_there_are() -> None:
    (trouble,) = [query.expr for query in alert_queries() if query.place == "HopscopeTrouble"]
    (left_out,) = re.findall(r'kind!~"([^"]+)"', trouble)
    kinds = {*QUIET_KINDS, *Trouble.__args__}  # type: ignore[attr-defined]
    assert set(left_out.split("|")) <= kinds
    assert set(QUIET_KINDS) <= set(left_out.split("|"))
