"""What happens to stores: killed writers, power cuts, bytes that somebody changed. A few of each are tests, many are
``bench/store.py``. Each asserts, whatever `chance` draws.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from hopscope.history import schema
from hopscope.history.store import Store, StoreError
from tests.history.recorded import snapshot
from tests.history.test_store import S, second, written

_TOP: Final = Path(__file__).parents[2]
_WRITER: Final = """
import sys
from pathlib import Path
from hopscope.history import writer
from tests.history.test_store import head, second, BEGUN
writer.SEGMENT_ROWS = int(sys.argv[2])
out = writer.StoreWriter(sys.argv[1], host="box", begun=BEGUN, limit=1 << 20)
for fact in head():
    out.add(1, fact)
for number in range(1_000_000):
    for fact in second(number):
        out.add(1, fact)
    out.commit()
    print(number + 1, flush=True)
    out.compact_if_due()
"""


def kill(path: Path, chance: random.Random) -> int:
    """Kill a program that records, at any moment: nothing that it had committed is missing. How many rounds it was."""
    words = [sys.executable, "-c", _WRITER, str(path), str(chance.choice([2, 5, 40]))]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, cwd=_TOP, text=True)
    assert process.stdout is not None
    timer = threading.Timer(chance.uniform(0.3, 1.6), process.send_signal, (signal.SIGKILL,))
    timer.start()
    with process.stdout:
        told = max((int(line) for line in process.stdout if line.endswith("\n")), default=0)
    process.wait()
    timer.join()
    if not told:
        return 0
    with Store(str(path)) as store:
        ((check,),) = store._tables._connection.execute("PRAGMA integrity_check").fetchall()
        assert check == "ok"
        (trace,) = store.traces()
        assert told <= trace.rounds <= told + 1
        seen = snapshot(store, trace).path
        assert seen.rounds == trace.rounds
        assert [hop.sent for hop in seen.hops] == [trace.rounds] * 3
    return told


class Powered:
    """A store that is written, and what its files were at each step."""

    def __init__(self, path: Path, rounds: int) -> None:
        self.images: list[tuple[bytes, bytes, int]] = []
        """File, log, and how many rounds they hold."""
        self.checkpoints: list[tuple[bytes, bytes, bytes, int]] = []
        """The file before and after the log was put into it, the log, and the rounds."""
        out = written(path, 0, end=False)
        log = Path(f"{path}-wal")
        for number in range(rounds):
            for fact in second(number):
                out.add(1, fact)
            out.commit()
            self.images.append((path.read_bytes(), log.read_bytes(), number + 1))
            if number % 20 == 19:
                out.compact()
                before, told = path.read_bytes(), log.read_bytes()
                out._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self.checkpoints.append((before, path.read_bytes(), told, number + 1))
        out.close()

    def cut(self, folder: Path, chance: random.Random) -> None:
        """The power goes: what is there opens, and has every commit but the last ones of the log."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if chance.random() < 0.5:
            data, log, rounds = chance.choice(self.images)
            least = 0 if len(log) > 1000 else rounds
            log = log[: chance.randrange(len(log) + 1)]
        else:
            before, after, log, rounds = chance.choice(self.checkpoints)
            pages = [
                (after if chance.random() < 0.5 else before or after)[place : place + 4096]
                for place in range(0, max(len(before), len(after)), 4096)
            ]
            data, least = b"".join(pages), rounds
        (folder / "store").write_bytes(data)
        (folder / "store-wal").write_bytes(log)
        found, why = 0, None
        try:
            with Store(str(folder / "store")) as store:
                for trace in store.traces():
                    assert snapshot(store, trace).path.rounds == trace.rounds
                    found += trace.rounds
        except StoreError as problem:
            why = str(problem)
        # Where the very first log was cut, there is no recording yet.
        assert why in ((None,) if least else (None, schema._CUT_OFF))
        assert least <= found <= rounds


def use(path: Path) -> int:
    """Whatever a reader does with a store; how much there was. `StoreError`."""
    count = 0
    with Store(str(path)) as store:
        for run in store.runs():
            count += len(store.names(run)) + store.missed(run)
        for trace in store.traces():
            count += sum(1 for _ in store.facts(trace))
            count += len(store.bins(trace, 60 * S)) + len(store.said(trace))
        if store.broken:
            raise StoreError("a part of it is broken")
    return count


def mutate(path: Path, data: bytes, chance: random.Random) -> str | None:
    """Change some bytes of a store, and read it: what is said of it; None: nothing."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 3, 40])):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    path.write_bytes(changed[: chance.randrange(len(data))] if chance.random() < 0.2 else changed)
    said = None
    try:
        use(path)
    except StoreError as why:
        said = str(why)
    assert said is None or len(said.splitlines()) == 1
    return said
