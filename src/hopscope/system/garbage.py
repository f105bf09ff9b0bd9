"""Python's garbage collector (`gc`), which has nothing to find while a program is being loaded."""

from __future__ import annotations

import gc


def hold() -> None:
    """Collect nothing until `release`: what is loaded stays, and looking through it again and again takes longer than a
    tenth of the loading itself."""
    gc.disable()


def release() -> None:
    """Collect again, if it was held; what is there now is taken to stay for good, and not looked through any more."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
