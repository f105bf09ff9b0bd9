"""All that a key can do. Importing this package fills the registry."""

from __future__ import annotations

from hopscope.views.screen.actions import dialogs, export, moments, probing, program, view
from hopscope.views.screen.actions.registry import ACTIONS, GROUPS, Action

__all__ = ["ACTIONS", "GROUPS", "Action", "dialogs", "export", "moments", "probing", "program", "view"]
