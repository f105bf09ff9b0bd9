"""hopscope: a full-screen, continuous traceroute. The library's surface is small: see ``docs/library.md``."""

from __future__ import annotations

__version__ = "0.1.0"
