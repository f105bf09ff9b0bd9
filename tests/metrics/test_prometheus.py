"""A real Prometheus scrapes a real hopscope, and each query of the dashboard and of the alerts has an answer."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hopscope.fleet.hub_store import HubStore
from hopscope.fleet.messages import Facts
from hopscope.history import notes
from hopscope.history.where import STORE
from tests.cli.test_metrics import under_way
from tests.fleet.shipping import BEGUN, message_of, received
from tests.fleet.test_metrics import begun, told
from tests.lab.broker import hub
from tests.metrics.contrib import ALERT_TESTS, ALERTS, dashboard_queries, filled

pytestmark = [pytest.mark.needs("prometheus", "promtool"), pytest.mark.xdist_group("prometheus")]

WITHIN_S = 90
"""Prometheus has loaded, scraped and evaluated by then, on a busy machine too."""
SCENARIO = """
title = "A target that is fine, one that loses, one that is silent"
seed = 3
hops = [
  { at = "192.0.2.1", delay = "1ms" },
  { silent = true, delay = "1ms" },
  { at = "192.0.2.9", delay = "8ms", jitter = "1ms" },
]
[[targets]]
name = "fine.example"
at = "198.51.100.1"
[[targets]]
name = "lossy.example"
at = "198.51.100.2"
loss = "40%"
[[targets]]
name = "dead.example"
at = "198.51.100.3"
icmp = "silent"
[dns]
at = "198.18.0.53"
[names]
"192.0.2.1" = "gw.example.net"
"""
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 500ms}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: hopscope
    static_configs: [{{targets: [{targets}]}}]
"""


class Prometheus:
    """One that runs on loopback."""

    def __init__(self, folder: Path, urls: Sequence[str]) -> None:
        """It scrapes what is served there."""
        targets = ", ".join(f'"{urlsplit(url).netloc}"' for url in urls)
        config = folder / "prometheus.yml"
        config.write_text(CONFIG.format(rules=ALERTS, targets=targets))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                "prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
            ],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.log = folder / "log"

    def close(self) -> None:
        """It has nothing to save."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def get(self, path: str, **words: str) -> Any:
        """What its API says; None while it does not answer."""
        assert self._process.poll() is None, self.log.read_text("utf-8")
        query = urllib.parse.urlencode(words)
        try:
            with self._opener.open(f"{self._url}/api/v1/{path}?{query}", timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # it is not ready
                return None
            raise AssertionError(f"{words}: {error.read().decode()}") from None
        except OSError:
            return None

    def until(self, look: Callable[[], bool], waiting: object = None) -> None:
        """Wait for what it will say; `waiting` is what it has not said yet."""
        latest = time.monotonic() + WITHIN_S
        while not look():
            assert time.monotonic() < latest, (waiting, self.get("targets"), self.log.read_text("utf-8"))
            time.sleep(0.1)

    def answers(self, expr: str) -> bool:
        """Whether a query gives a number; a comparison (by `bool`) also where it does not hold."""
        for words in (expr, re.sub(r" ([<>]|==) ", r" \1 bool ", expr)):
            values = [float(one["value"][1]) for one in self.result(words)]
            if any(value == value for value in values):  # what is not NaN
                return True
        return False

    def result(self, expr: str) -> list[dict[str, Any]]:
        """What a query gives now."""
        data = self.get("query", query=expr)
        return data["result"] if data is not None else []


@contextmanager
def a_hub(folder: Path) -> Iterator[str]:
    """Where a hub is scraped that has heard of a site, and has no broker now."""
    (folder / "hub").mkdir(mode=0o700)
    store = HubStore(str(folder / "hub" / STORE))
    facts = Facts([(1, notes.encode(fact)) for fact in begun()])
    store.commit([received(message_of(facts))], BEGUN)
    store.close()
    with hub("nats://127.0.0.1:1", folder / "hub", "--metrics", "0") as program:
        yield told(program)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    scenario = folder / "three.toml"
    scenario.write_text(SCENARIO)
    for above in (folder, *folder.parents):  # where root runs the tests, the worker is somebody else
        if above.stat().st_uid == os.geteuid() and above != Path("/"):
            above.chmod(above.stat().st_mode | 0o711)
    words = ("demo", str(scenario), "--format", "events", "--metrics", "0", "-i", "50ms", "-Z", "1s")
    with under_way(*words) as (_, url), a_hub(folder) as of_hub:
        running = Prometheus(folder, (url, of_hub))
        try:
            yield running
        finally:
            running.close()


def test_each_query_of_the_dashboard_has_an_answer(prometheus: Prometheus) -> None:
    waiting = {query.place: filled(query.expr) for query in dashboard_queries()}
    assert len(waiting) > 20

    def look() -> bool:
        for place in [place for place, expr in waiting.items() if prometheus.answers(expr)]:
            del waiting[place]
        return not waiting

    prometheus.until(look, waiting)


def test_each_alert_is_evaluated_on_data_and_those_that_should_do_fire(prometheus: Prometheus) -> None:
    rules = [rule for group in prometheus_rules(prometheus) for rule in group["rules"]]
    assert len(rules) == ALERTS.read_text("utf-8").count("- alert: ")
    waiting = {rule["name"]: rule["query"] for rule in rules}
    wanted = {
        ("HopscopeTrouble", "lossy.example"),
        ("HopscopeLoss", "lossy.example"),
        ("HopscopeUnreachable", "dead.example"),
        ("HopscopeSiteSilent", ""),
    }
    fired: set[tuple[str, str]] = set()

    def look() -> bool:
        for name in [name for name, query in waiting.items() if prometheus.answers(query)]:
            del waiting[name]
        labels = [one["labels"] for one in prometheus.get("alerts")["alerts"]]
        fired.update((one["alertname"], one.get("target", "")) for one in labels)
        return not waiting and wanted <= fired

    prometheus.until(look, (waiting, fired))
    assert {rule["health"] for group in prometheus_rules(prometheus) for rule in group["rules"]} == {"ok"}
    assert not {name for name, target in fired if target == "fine.example"}


def prometheus_rules(prometheus: Prometheus) -> list[dict[str, Any]]:
    """Once they were evaluated."""
    found: list[dict[str, Any]] = []

    def look() -> bool:
        data = prometheus.get("rules")
        found[:] = data["groups"] if data is not None else []
        return bool(found) and all(rule["health"] != "unknown" for group in found for rule in group["rules"])

    prometheus.until(look)
    return found


def test_prometheus_knows_kinds_units_and_help(prometheus: Prometheus) -> None:
    prometheus.until(lambda: "hopscope_probes" in (prometheus.get("metadata") or ()))
    told = prometheus.get("metadata")
    kinds = {name: entries[0]["type"] for name, entries in told.items() if name.startswith("hopscope_")}
    assert kinds["hopscope_probes"] == "counter"
    assert kinds["hopscope_target_rtt_seconds"] == "histogram"
    assert kinds["hopscope_rtt_seconds"] == "summary"
    assert kinds["hopscope_hop"] == "info"
    prometheus.until(lambda: bool(prometheus.result('hopscope_hop_info{name="gw.example.net"}')))


def promtool(*words: str, said: str | None = None) -> None:
    done = subprocess.run(["promtool", *words], input=said, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "", done.stderr


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    promtool("check", "rules", str(ALERTS))


def test_the_alerts_fire_when_their_examples_say() -> None:
    promtool("test", "rules", str(ALERT_TESTS))


def test_promtool_finds_nothing_wrong_with_the_metrics() -> None:
    with under_way("demo", "--format", "events", "--metrics", "0", "-i", "50ms") as (_, url):
        asked = urllib.request.Request(url, headers={"Accept": "text/plain"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(asked, timeout=10) as answer:
            text = answer.read().decode()
    promtool("check", "metrics", said=text)
