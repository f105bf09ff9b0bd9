"""Actions that change how and whether probes are sent."""

from __future__ import annotations

from collections.abc import Sequence

from hopscope.session.model import ProtocolChoice, Target
from hopscope.views.screen.actions.registry import action
from hopscope.views.screen.context import ActionContext
from hopscope.wire.messages import Protocol


@action("probe.pause", "p,space", "pause", "Pause probing of all targets, and resume it.", "Probing")
def pause(context: ActionContext) -> None:
    stale = context.state.moment is not None or context.has_few
    targets = (context.session.snapshot() if stale else context.state.present).targets
    if any(target.state in ("running", "starting", "resolving") for target in targets):
        context.session.pause()
        context.say("paused: no probes are sent", fresh=True)
    else:
        context.session.resume()
        context.say("probing goes on", fresh=True)


@action(
    "stats.reset",
    "r",
    "reset",
    "Begin the statistics of this target anew; where it could not be started: try again.",
    "Probing",
)
def reset(context: ActionContext) -> None:
    target = context.probed()
    if target and _is_stuck(context, target):
        retry(context)
    elif target:
        context.session.reset(target.id)
        context.forget(target.id)
        context.say_undoable("statistics of this target begin anew", lambda: _not_reset(context, [target]))


def _not_reset(context: ActionContext, targets: Sequence[Target]) -> str:
    context.take_back(target.id for target in targets)
    return f"statistics of {targets[0].query if len(targets) == 1 else 'all targets'} go on as if nothing was reset"


def _is_stuck(context: ActionContext, target: Target) -> bool:
    """Whether there is nothing to reset that moves, but something to try again."""
    return context.state.shown.worker == "restarting" or target.state in ("refused", "unresolved")


@action("probe.retry", "", "try again", "Try again now what could not be started: a target, the worker.", "Probing")
def retry(context: ActionContext) -> None:
    is_trying = context.session.retry()
    context.say("tried again" if is_trying else "all is under way: there is nothing to try again", fresh=True)


@action("stats.reset_all", "ctrl+r", "reset all", "Begin the statistics of all targets anew.", "Probing")
def reset_all(context: ActionContext) -> None:
    targets = context.state.present.targets
    context.session.reset()
    for target in targets:
        context.forget(target.id)
    context.say_undoable("statistics of all targets begin anew", lambda: _not_reset(context, targets))


@action("probe.interval", "i", "interval", "Change the interval between two rounds of this target.", "Probing")
def interval(context: ActionContext) -> None:
    target = context.probed()
    if target:
        from hopscope.views.screen.dialogs.prompt import interval_prompt

        context.screen.open(interval_prompt(context, target))


@action("probe.udp", "u", "UDP", "Probe this target with UDP; again: with ICMP.", "Probing")
def udp(context: ActionContext) -> None:
    _switch(context, "udp")


@action("probe.tcp", "t", "TCP", "Probe this target with TCP; again: with ICMP.", "Probing")
def tcp(context: ActionContext) -> None:
    _switch(context, "tcp")


def _switch(context: ActionContext, protocol: Protocol) -> None:
    target = context.probed()
    if target is None:
        return
    before = target.path.protocol.upper()
    wanted: ProtocolChoice = "auto" if context.probing(target).protocol == protocol else protocol
    restart_with(context, target, protocol=wanted)
    plan = next((one.plan for one in context.session.snapshot().targets if one.id == target.id), None)
    sent: str = plan.protocol if plan else context.probing(target).first_protocol
    port = f", port {plan.port}" if plan and plan.port else ""
    words = f"probing with {sent.upper()}{port}: statistics begin anew"
    context.say_undoable(words, lambda: probed_as_before(context, target, f"probing with {before}"))


def probed_as_before(context: ActionContext, target: Target, how: str) -> str:
    """Take back that a target is probed in another way; in words."""
    context.take_back([target.id])
    return f"{how} again, with all that was found before"


def restart_with(context: ActionContext, target: Target, **changes: object) -> None:
    """Probe a target in another way. Its port outlasts a time with ICMP, which has none, nor parallel flows."""
    import msgspec

    now = context.probing(target)
    if "protocol" in changes:
        if now.first_protocol != "icmp":
            context.state.ports[target.id] = now.port
        has_ports = changes["protocol"] in ("udp", "tcp")
        changes = {"port": context.state.ports.get(target.id, context.options.port) if has_ports else None, **changes}
        if not has_ports:
            changes["flows"] = 1
    context.session.restart(target.id, msgspec.structs.replace(now, **changes))
    context.forget(target.id)


@action("target.next", "right,tab", "target", "The next target.", "Targets")
def next_target(context: ActionContext) -> None:
    context.choose_target(1)


@action("target.previous", "left,shift+tab", "target", "The previous target.", "Targets")
def previous_target(context: ActionContext) -> None:
    context.choose_target(-1)


@action("target.overview", "g,0", "all targets", "All targets, a row each, the worst first.", "Targets")
def overview(context: ActionContext) -> None:
    context.state.overview = not context.state.overview
    context.state.order.anew()
    context.state.top = 0
    context.redraw()


@action("target.add", "a", "add", "Add a target.", "Targets")
def add(context: ActionContext) -> None:
    from hopscope.views.screen.dialogs.prompt import add_prompt

    context.screen.open(add_prompt(context))


@action("target.remove", "x", "remove", "Stop and remove this target.", "Targets")
def remove(context: ActionContext) -> None:
    target = context.probed()
    if target is None:
        return
    context.choose_target(1)
    context.session.set_aside(target.id)
    context.refresh_now()

    def bring_back() -> str:
        if not context.session.bring_back(target.id):
            raise LookupError
        context.refresh_now()
        context.show_target(target.id)
        return f"{target.query} is back, with all that was found before"

    key = context.key("program.undo")
    context.undoing.add(context.state.present.now, bring_back)
    context.say(f"removed {target.query}{f'; {key} brings it back' if key else ''}", fresh=True)


def _are(count: int) -> str:
    return "is none" if not count else "is one" if count == 1 else f"are {count}"


def _number(position: int) -> None:
    @action(f"target.{position}", str(position), f"target {position}", f"Target number {position}.", "Targets")
    def choose(context: ActionContext) -> None:
        targets = context.state.shown.targets
        if position <= len(targets):
            context.show_target(targets[position - 1].id)
        else:
            context.say(f"there is no target {position}: there {_are(len(targets))}")


for _position in range(1, 10):
    _number(_position)
