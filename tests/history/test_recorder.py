"""When a recorder writes: each second, and at once what somebody waits for."""

from __future__ import annotations

import threading
from pathlib import Path

from hopscope.history.recorder import Recorder
from hopscope.history.store import Store
from hopscope.history.writer import StoreWriter
from hopscope.judge.verdict import Judged, Verdict
from tests.history.test_store import BEGUN, S, head, second


def test_another_verdict_is_written_at_once_with_all_that_led_to_it(tmp_path: Path) -> None:
    path = str(tmp_path / "store")
    written = threading.Event()
    recorder = Recorder(
        lambda: StoreWriter(path, host="box", begun=BEGUN), every_s=3600, committed=lambda: written.set()
    )
    recorder.begin()
    for fact in [*head(), *second(1), *second(2)]:
        recorder.fact(1, fact)
    recorder.see_judged(1, Judged(verdict=Verdict(kind="healthy")))
    recorder.see_judged(1, Judged(verdict=Verdict(kind="healthy", confidence=0.5)))
    assert not recorder._soon.is_set(), "it says the same, in other numbers"
    recorder.see_judged(1, Judged(verdict=Verdict(kind="outage", first_ttl=3, last_ttl=3)))
    assert written.wait(20)
    with Store(path) as store:
        (trace,) = store.traces()
        assert (trace.rounds, [said.verdict.kind for said in store.said(trace)]) == (2, ["healthy", "outage"])
    recorder.close(BEGUN + 3 * S)
