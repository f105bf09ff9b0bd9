"""``hopscope`` and ``python -m hopscope``."""

from __future__ import annotations

import sys


def main() -> int:
    """The command's exit status. Nothing heavy is imported before it is known that it will be needed."""
    from hopscope.cli.run import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
