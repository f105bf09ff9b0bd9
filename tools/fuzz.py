"""Fuzz the parsers of bytes from outside: `python tools/fuzz.py --seconds 600 icmp names` (no names: each in turn).

With the extra `fuzz` (atheris, which is libFuzzer) as a fuzzer does; without it by the small guided search that the
tests run. What reached something new is kept in `.fuzz/TARGET/`, and a find in `.fuzz/`. `--input HEX` plays one input.
`--minimize` puts the smallest set of what was kept that reaches as much into `tests/fuzz/corpus/TARGET/`.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from hashlib import sha1
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
KEPT = ROOT / ".fuzz"
RUNS = 2000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=float, default=60, help="of each target")
    parser.add_argument("--input", metavar="HEX", help="play this one input")
    parser.add_argument("--minimize", action="store_true", help="renew the committed corpus")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return _atheris(options.targets[0], options.seconds)
    from tests.fuzz.targets import TARGETS

    for name in options.targets or TARGETS:
        if name not in TARGETS:
            parser.error(f"there is no target {name!r}; there are {', '.join(TARGETS)}")
        if options.input is not None:
            TARGETS[name].run(bytes.fromhex(options.input))
        elif options.minimize:
            _minimize(name)
        elif importlib.util.find_spec("atheris"):
            # A process each: libFuzzer ends its own.
            words = [sys.executable, __file__, name, "--seconds", str(options.seconds), "--inside"]
            if subprocess.run(words, check=False).returncode:
                return 1
        elif not _guided(name, options.seconds):
            return 1
    return 0


def _atheris(name: str, seconds: float) -> int:
    import atheris

    with atheris.instrument_imports(include=["hopscope"]):
        from tests.fuzz.targets import CORPUS, TARGETS
    kept = KEPT / name
    kept.mkdir(parents=True, exist_ok=True)
    words = [f"-max_total_time={int(seconds)}", f"-artifact_prefix={KEPT}/{name}-", "-max_len=4096", "-timeout=20"]
    atheris.Setup([sys.argv[0], *words, str(kept), str(CORPUS / name)], TARGETS[name].run)
    atheris.Fuzz()
    return 0


def _guided(name: str, seconds: float) -> bool:
    from tests.fuzz.guided import search
    from tests.fuzz.targets import TARGETS, seeds

    kept = KEPT / name
    kept.mkdir(parents=True, exist_ok=True)
    corpus = [*seeds(name), *(path.read_bytes() for path in kept.iterdir())]
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
        find, corpus = search(TARGETS[name], corpus, runs=RUNS, seed=time.time_ns())
        if find is not None:
            print(f"{name}: {find.error!r}\npython tools/fuzz.py {name} --input {find.data.hex()}")
            return False
    for data in corpus:
        (kept / sha1(data).hexdigest()).write_bytes(data)
    print(f"{name}: {rounds * RUNS} runs, {len(corpus)} inputs kept")
    return True


def _minimize(name: str) -> None:
    """Greedily, the smallest inputs first."""
    from tests.fuzz.guided import Way, reach
    from tests.fuzz.targets import CORPUS, TARGETS, seeds

    folder = CORPUS / name
    kept = KEPT / name
    all_inputs = {*seeds(name), *(path.read_bytes() for path in kept.iterdir())} if kept.is_dir() else set(seeds(name))
    reached: set[Way] = set()
    for path in folder.iterdir():
        path.unlink()
    for data in sorted(all_inputs, key=lambda one: (len(one), one)):
        ways = reach(TARGETS[name], data)
        if not ways <= reached:
            reached |= ways
            (folder / sha1(data).hexdigest()[:12]).write_bytes(data)
    print(f"{name}: {len(list(folder.iterdir()))} inputs")


if __name__ == "__main__":
    sys.exit(main())
