"""Actions that open something in front of the screen. What they open is imported only then."""

from __future__ import annotations

from hopscope.views.screen.actions.registry import action
from hopscope.views.screen.desk import Desk


@action("show.columns", "o", "columns", "Choose and order the columns.", "Look", 16)
def columns(desk: Desk) -> None:
    from hopscope.views.screen.dialogs.columns import ColumnsScreen

    desk.screen.open(ColumnsScreen(desk))


@action("program.settings", "s", "settings", "Everything that can be changed, in one place.", "Program", 17)
def settings(desk: Desk) -> None:
    from hopscope.views.screen.dialogs.settings import SettingsScreen

    desk.screen.open(SettingsScreen(desk))


@action("program.help", "question_mark,h", "help", "All keys, columns and signs.", "Program", 4)
def help_(desk: Desk) -> None:
    from hopscope.views.screen.dialogs.help import HelpScreen

    desk.screen.open(HelpScreen(desk))


@action("program.palette", "ctrl+p", "palette", "Search all that can be done.", "Program", 18)
def palette(desk: Desk) -> None:
    desk.screen.palette()


@action("program.theme", "T", "theme", "The next theme of hopscope's own.", "Program")
def theme(desk: Desk) -> None:
    from hopscope.views.screen.themes import OWN

    names = [own.name for own in OWN]
    now = desk.screen.theme
    wanted = names[(names.index(now) + 1) % len(names)] if now in names else names[0]
    desk.screen.theme = wanted
    desk.say(f"theme {wanted}")
