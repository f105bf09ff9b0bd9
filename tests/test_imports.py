"""What is loaded when: asked of fresh interpreters."""

from __future__ import annotations

import json
import subprocess
import sys

import grimp
import pytest

HEAVY = {"textual", "rich", "plotext", "scapy", "aiodns", "pycares", "maxminddb", "nats"}


def loaded(program: str) -> set[str]:
    """The top-level modules that are loaded after `program`."""
    tail = "\nimport sys, json\nprint(); print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", program + tail], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("program", "without"),
    [
        ("import hopscope", HEAVY | {"msgspec", "asyncio", "socket", "subprocess", "threading"}),
        (
            "import hopscope.path.fold, hopscope.judge.judge, hopscope.words.said",
            HEAVY | {"socket", "asyncio", "threading", "selectors"},
        ),
        # A worker is launched by this before anything slow is imported.
        ("import hopscope.session.launch, hopscope.session.plans", HEAVY | {"asyncio", "socket", "tempfile"}),
        ("import hopscope.session.session", HEAVY | {"statistics", "random", "hashlib"}),
        ("import hopscope.sim, hopscope.views.screen.app", {"statistics", "hashlib"}),
        ("import hopscope; hopscope.trace, hopscope.Session, hopscope.Report, hopscope.History", HEAVY),
        (
            "import hopscope; hopscope.trace('192.0.2.80', rounds=1, method='simulated', timeout_s=0.2)",
            HEAVY,
        ),
        (
            "import sys; sys.argv = ['hopscope', '--version']\n"
            "from hopscope.__main__ import main\n"
            "try:\n    main()\n"
            "except SystemExit:\n    pass",
            HEAVY | {"asyncio", "msgspec", "socket"},
        ),
        (
            "import sys; sys.argv = ['hopscope', 'demo', '--fast', '-c', '1', '--format', 'json']\n"
            "from hopscope.__main__ import main\nmain()",
            HEAVY,
        ),
    ],
)
def test_no_more_is_loaded_than_is_needed(program: str, without: set[str]) -> None:
    assert loaded(program) & without == set()


def test_a_port_of_roots_is_taken_by_the_standard_library() -> None:
    program = "from hopscope.cli.parser import parse\nimport sys; before = set(sys.modules)\n"
    program += "import hopscope.cli.listening\nprint(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - set(sys.stdlib_module_names) == {"hopscope"}
    assert "asyncio" not in done.stdout


def test_metrics_are_loaded_for_who_asks_for_them_alone() -> None:
    program = (
        "import sys; sys.argv = ['hopscope', 'demo', '-r', '-c', '1', '-Z', '0.2', {}]\n"
        "from hopscope.__main__ import main\nmain()\n"
        "print('hopscope.metrics' in sys.modules)"
    )
    for words, is_loaded in (("", False), ("'--metrics', '0'", True)):
        done = subprocess.run([sys.executable, "-c", program.format(words)], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == str(is_loaded)


def test_the_check_would_notice() -> None:
    assert loaded("import textual.app") & HEAVY == {"textual", "rich"}


def test_no_files_need_each_other_in_a_circle_lazily_or_for_types_included() -> None:
    graph = grimp.build_graph("hopscope", exclude_type_checking_imports=False, cache_dir=None)
    # The package's face names what it hands out; nothing below it imports the face.
    needs = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    done: set[str] = set()
    while True:
        free = {module for module, wanted in needs.items() if module not in done and wanted <= done}
        if not free:
            break
        done |= free
    assert not set(needs) - done


def test_a_worker_loads_the_standard_library_alone_while_it_is_root() -> None:
    program = "from hopscope.sandbox import capabilities, privileges\nfrom hopscope.probe.sockets import raw_sockets"
    others = loaded(program) - set(sys.stdlib_module_names)
    assert {name for name in others if not name.startswith(("_", "sitecustomize", "usercustomize"))} == {"hopscope"}
