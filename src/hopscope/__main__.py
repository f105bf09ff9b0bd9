"""``hopscope`` and ``python -m hopscope``."""

from __future__ import annotations

import sys


def main() -> int:
    """The command's exit status. Nothing heavy is imported before it is known that it will be needed."""
    if sys.argv[0].endswith("mtr"):
        from hopscope.cli import as_mtr

        if as_mtr.is_mtr(sys.argv[0]):
            return as_mtr.run(sys.argv[1:])
    try:
        from hopscope.cli.run import run
    except KeyboardInterrupt:  # before anything was begun
        return 130

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
