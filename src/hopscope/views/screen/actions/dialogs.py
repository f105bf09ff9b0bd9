"""Actions that open something in front of the screen. What they open is imported only then."""

from __future__ import annotations

from hopscope.views.screen.actions.registry import action
from hopscope.views.screen.context import ActionContext


@action("verdict.why", "E", "why", "Why the verdict is what it is, and what has happened; enter goes there.", "Look")
def why(context: ActionContext) -> None:
    if context.state.chosen is None:
        context.say("there is no target to say anything of")
        return
    from hopscope.views.screen.dialogs.why import WhyScreen

    context.screen.open(WhyScreen(context))


@action("paths.show", "P", "parallel paths", "The paths that several flows take (--flows), and which is bad.", "Look")
def parallel_paths(context: ActionContext) -> None:
    target = context.state.chosen
    if target is None or not target.flows:
        if target is not None and target.discovered is not None:
            from hopscope.views.screen.paths import found_words

            context.say(found_words(target))
            return
        if target is not None and target.plan is not None and target.plan.flows == 0:
            context.say("still looking for parallel paths")
            return
        context.say("one flow takes one path: start with -u --flows 16, or -T --flows 16, to see parallel ones")
        return
    from hopscope.views.screen.dialogs.paths import PathsScreen

    context.screen.open(PathsScreen(context))


@action("look.find", "slash", "find", "Find a target or a hop by name, address or network; again: the next.", "Look")
def find(context: ActionContext) -> None:
    from hopscope.views.screen.dialogs.find import find_prompt

    context.screen.open(find_prompt(context))


@action("show.columns", "o", "columns", "Choose and order the columns.", "Look")
def columns(context: ActionContext) -> None:
    from hopscope.views.screen.dialogs.columns import ColumnsScreen

    context.screen.open(ColumnsScreen(context))


@action("program.settings", "s", "settings", "Everything that can be changed, in one place.", "Program")
def settings(context: ActionContext) -> None:
    from hopscope.views.screen.dialogs.settings import SettingsScreen

    context.screen.open(SettingsScreen(context))


@action("program.help", "question_mark,h", "help", "All keys, columns and signs.", "Program")
def help_(context: ActionContext) -> None:
    from hopscope.views.screen.dialogs.help import HelpScreen

    context.screen.open(HelpScreen(context))


@action("program.palette", "ctrl+p", "palette", "Search all that can be done.", "Program")
def palette(context: ActionContext) -> None:
    context.screen.palette()


@action("program.theme", "T", "theme", "The next theme of hopscope's own.", "Program")
def theme(context: ActionContext) -> None:
    from hopscope.views.screen.themes import OWN

    names = [own.name for own in OWN]
    now = context.screen.theme
    wanted = names[(names.index(now) + 1) % len(names)] if now in names else names[0]
    context.screen.theme = wanted
    context.say(f"theme {wanted}")
