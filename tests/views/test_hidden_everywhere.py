"""What `--privacy` hides is in nothing that leaves the program: each network of `hidden_networks` is played once, in
virtual time, and whatever can be printed, drawn, copied, written, sent or asked for of it is searched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from hopscope.cli import fast, namers
from hopscope.cli.copying import copy
from hopscope.cli.demo import prepare
from hopscope.cli.history import _Replay
from hopscope.cli.live import screen_options
from hopscope.cli.options import Options, read
from hopscope.cli.output import Output
from hopscope.cli.playback import Playback
from hopscope.cli.report import Ending
from hopscope.history.names import RecordedNames
from hopscope.history.store import Store
from hopscope.metrics.exposition import Exposition
from hopscope.names.facts import Namer
from hopscope.session.events import StreamEvent
from hopscope.session.model import Snapshot
from hopscope.session.tally import SessionTally, TargetTally, tally_of
from hopscope.sim.library import Demo
from hopscope.views.report.formats import FORMATS, STREAMS
from hopscope.views.report.stream import streamer
from hopscope.views.screen.app import HopscopeApp
from hopscope.views.screen.keymap import keys_of
from tests.screen.conftest import Driven
from tests.screen.virtual import launch
from tests.views.hidden_networks import CASES, HOPS, SECRET, write

LEAVING = ("program.quit", "program.interrupt", "program.suspend", "show.privacy")
SIZES = ((120, 30), (46, 14))


class Played(NamedTuple):
    """A case that was played to its end."""

    options: Options
    snapshot: Snapshot
    tallies: tuple[TargetTally, ...]
    streams: dict[str, str]
    """What each stream wrote meanwhile."""


class _Streams:
    """All streams at once, in the place of one."""

    def __init__(self, *given: object) -> None:
        self._given = given
        self.texts = dict.fromkeys(STREAMS, "")
        self._streams = {name: streamer(name, *given) for name in STREAMS}  # type: ignore[arg-type]  # as it was called

    def event(self, event: StreamEvent) -> str:
        for name, stream in self._streams.items():
            self.texts[name] += stream.event(event)
        return ""


class _Runs:
    """Every case, once it is asked for; all are recorded in one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recording = str(folder / "all.db")
        self.case = lru_cache(maxsize=None)(self._played)

    def _options(self, case: str, *words: str) -> tuple[Options, Namer, Demo]:
        file = str(write(self.folder, case))
        words = ("demo", file, "--fast", "-c", "60", "-b", "-z", "-e", "--config", "", *CASES[case][2], *words)
        options, demo = prepare(read([*words, "--format", "ndjson", "--privacy", str(HOPS)], {}))
        return options, namers.of_demo(demo, options), demo

    def _played(self, case: str) -> Played:
        options, namer, demo = self._options(case, "--record", self.recording)
        streams: list[_Streams] = []

        def made(name: str, *given: object) -> _Streams:
            streams.append(_Streams(*given))
            return streams[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fast, "streamer", made)
            run = fast._Fast(options, demo, namer, Output())
            run.run()
        tallies = tuple(tally_of(record.fold, namer) for record in run._records.values())
        return Played(options, run._snapshot(), tallies, streams[0].texts)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> _Runs:
    return _Runs(tmp_path_factory.mktemp("hidden"))


def secrets_in(text: str) -> set[str]:
    """The lines that tell what is hidden."""
    return {line for line in text.splitlines() if SECRET.search(line)}


@pytest.mark.parametrize("case", CASES)
def test_no_stream_names_a_hidden_hop(runs: _Runs, case: str) -> None:
    played = runs.case(case)
    assert {name for name, text in played.streams.items() if not text} <= {"events"}
    assert {name: found for name, text in played.streams.items() if (found := secrets_in(text))} == {}


@pytest.mark.parametrize("case", CASES)
def test_no_report_explanation_or_broken_assertion_names_a_hidden_hop(
    runs: _Runs, case: str, capfd: pytest.CaptureFixture[str]
) -> None:
    played = runs.case(case)
    for name in FORMATS:
        options = replace(played.options, format=name, explain=True, assertion="loss<0,avg<0,verdict=loop")
        Ending(options, Output()).end(played.snapshot, None)
        out, errors = capfd.readouterr()
        assert out or name in STREAMS
        assert secrets_in(out + errors) == set(), name
    assert SECRET.search(repr(played.snapshot))  # and there is something to be hidden


@pytest.mark.parametrize("case", CASES)
def test_no_metric_names_a_hidden_hop(runs: _Runs, case: str) -> None:
    tally = SessionTally(targets=list(runs.case(case).tallies), now=runs.case(case).snapshot.now)
    assert SECRET.search(Exposition().text(tally))
    assert secrets_in(Exposition(HOPS).text(tally)) == set()


def test_a_recording_that_is_made_to_be_sent_has_no_hidden_hop_and_the_same_numbers(
    runs: _Runs, tmp_path: Path
) -> None:
    for case in CASES:
        runs.case(case)
    target = tmp_path / "sent.db"
    with Store(runs.recording) as store:
        traces = store.traces()
        assert (
            copy(replace(runs.case(case).options, record=str(target)), runs.recording, store, traces, None, None) == 0
        )
        whole = {trace.query: [fact for _, fact in store.facts(trace)] for trace in traces}
    assert not SECRET.search(target.read_bytes().decode("latin-1"))
    with Store(str(target)) as store:
        for trace in store.traces():
            facts = [fact for _, fact in store.facts(trace)]
            assert [type(fact) for fact in facts] == [type(fact) for fact in whole[trace.query]]
            assert secrets_in("\n".join(map(repr, facts))) == set()
            assert secrets_in("\n".join(map(repr, store.names(trace.run).items()))) == set()


@pytest.mark.parametrize("name", [*sorted(STREAMS), "markdown"])
def test_no_replay_of_a_recording_names_a_hidden_hop(runs: _Runs, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    for case in CASES:
        runs.case(case)
    options = replace(runs.case(next(iter(CASES))).options, format=name, record=None)
    with Store(runs.recording) as store:
        _Replay(options, runs.recording, store, store.traces(), None, None).run()
    out, errors = capfd.readouterr()
    assert "192.0.2.4" in out or name == "events"
    assert secrets_in(out + errors) == set()


# --- the screen ------------------------------------------------------------------------------------------------------


def drawn(app: HopscopeApp) -> str:
    """All that stands on the terminal."""
    return "\n".join("".join(part.text for part in strip) for strip in app.screen._compositor.render_strips())


class _Live(Playback):
    """What was played, as it was at its end, over what was recorded of it: that knows earlier moments."""

    def __init__(self, runs: _Runs, store: Store) -> None:
        traces = store.traces()
        names = {address: info for trace in traces for address, info in store.names(trace.run).items()}
        super().__init__(store, traces, RecordedNames(names))
        numbers = {trace.query: number for number, trace in enumerate(traces, 1)}
        played = [target for case in CASES for target in runs.case(case).snapshot.targets]
        self._played = tuple(sorted((replace(one, id=numbers[one.query]) for one in played), key=lambda one: one.id))

    def snapshot(self) -> Snapshot:
        return replace(super().snapshot(), targets=self._played)


@asynccontextmanager
async def on_screen(runs: _Runs, size: tuple[int, int]) -> AsyncIterator[tuple[Driven, list[str]]]:
    """The screen on all that was played, with `--privacy`, and what it copies."""
    for case in CASES:
        runs.case(case)
    with Store(runs.recording) as store:
        session = _Live(runs, store)
        options = replace(runs.case(next(iter(CASES))).options, record=None)
        app = HopscopeApp(lambda: launch(session), screen_options(options, options.probing))  # type: ignore[arg-type]
        async with app.run_test(size=size) as pilot:
            it, copied = Driven(app, pilot, session), list[str]()  # type: ignore[arg-type]  # it is not steered
            await it.until(lambda: app.context is not None and bool(app.shown.rows))
            it.context.screen.copy = copied.append  # type: ignore[assignment,method-assign]  # for the clipboard
            yield it, copied
            app.leave(None)
        copied.append(str(app.left))


async def searched(it: Driven, keys: Iterable[str]) -> dict[str, set[str]]:
    """What each key brings to light on the chosen target."""
    found: dict[str, set[str]] = {}
    for key in keys:
        await it.pilot.press(key)
        strips = it.app.screen._compositor.render_strips()
        shown = "\n".join("".join(part.text for part in strip) for strip in strips)
        if secrets := secrets_in(f"{shown}\n{it.app.title}\n{it.context.state.said}"):
            found[f"{it.context.state.target} {key}"] = secrets
        for _ in range(3):
            if it.in_front != "MainScreen":
                await it.pilot.press("escape")
    return found


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_no_target_shows_a_hidden_hop_now_or_earlier(runs: _Runs, size: tuple[int, int]) -> None:
    async with on_screen(runs, size) as (it, copied):
        found: dict[str, set[str]] = {}
        for number in it.context.state.by_id:
            it.context.show_target(number)
            found |= await searched(it, ("E", "P", "y", "comma", "comma"))
        found |= await searched(it, ("g", "f"))
    assert found == {}
    assert len(copied) > len(CASES)
    assert secrets_in("\n".join(copied)) == set()


async def test_no_key_shows_a_hidden_hop(runs: _Runs) -> None:
    keys = [bound[0] for id_, bound in keys_of({}).items() if id_ not in LEAVING and bound]
    async with on_screen(runs, (150, 44)) as (it, copied):
        it.context.show_target(next(one.id for one in it.context.state.shown.targets if one.flows))
        assert await searched(it, ("n", "n", "z", "e", "m", *keys)) == {}
    assert secrets_in("\n".join(copied)) == set()
