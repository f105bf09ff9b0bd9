"""Actions that change how and whether probes are sent."""

from __future__ import annotations

from hopscope.session.model import ProtocolChoice, Target
from hopscope.views.screen.actions.registry import action
from hopscope.views.screen.desk import Desk
from hopscope.wire.messages import DEFAULT_PORT, Protocol


@action("probe.pause", "p,space", "pause", "Pause probing of all targets, and resume it.", "Probing", 2)
def pause(desk: Desk) -> None:
    stale = desk.state.frozen_at is not None or desk.has_few
    targets = (desk.session.snapshot() if stale else desk.state.shown).targets
    if any(target.state in ("running", "starting", "resolving") for target in targets):
        desk.session.pause()
        desk.say("paused: no probes are sent", fresh=True)
    else:
        desk.session.resume()
        desk.say("probing goes on", fresh=True)


@action(
    "stats.reset",
    "r",
    "reset",
    "Begin the statistics of this target anew; where it could not be started: try again.",
    "Probing",
    3,
)
def reset(desk: Desk) -> None:
    target = desk.state.chosen
    if target and _is_stuck(desk, target):
        retry(desk)
    elif target:
        desk.session.reset(target.id)
        desk.forget(target.id)
        desk.say("statistics of this target begin anew", fresh=True)


def _is_stuck(desk: Desk, target: Target) -> bool:
    """Whether there is nothing to reset that moves, but something to try again."""
    return desk.state.shown.worker == "restarting" or target.state in ("refused", "unresolved")


@action("probe.retry", "", "try again", "Try again now what could not be started: a target, the worker.", "Probing")
def retry(desk: Desk) -> None:
    is_trying = desk.session.retry()
    desk.say("tried again" if is_trying else "all is under way: there is nothing to try again", fresh=True)


@action("stats.reset_all", "ctrl+r", "reset all", "Begin the statistics of all targets anew.", "Probing")
def reset_all(desk: Desk) -> None:
    desk.session.reset()
    for target in desk.state.shown.targets:
        desk.forget(target.id)
    desk.say("statistics of all targets begin anew", fresh=True)


@action("probe.interval", "i", "interval", "Change the interval between two rounds of this target.", "Probing")
def interval(desk: Desk) -> None:
    if desk.state.chosen:
        from hopscope.views.screen.dialogs.prompt import interval_prompt

        desk.screen.open(interval_prompt(desk, desk.state.chosen))


@action("probe.udp", "u", "UDP", "Probe this target with UDP; again: with ICMP.", "Probing")
def udp(desk: Desk) -> None:
    _switch(desk, "udp")


@action("probe.tcp", "t", "TCP", "Probe this target with TCP; again: with ICMP.", "Probing")
def tcp(desk: Desk) -> None:
    _switch(desk, "tcp")


def _switch(desk: Desk, protocol: Protocol) -> None:
    target = desk.state.chosen
    if target is None:
        return
    wanted: ProtocolChoice = "auto" if desk.probing(target).protocol == protocol else protocol
    restart_with(desk, target, protocol=wanted, port=None)
    sent = "icmp" if wanted == "auto" else wanted
    port = DEFAULT_PORT[sent]
    desk.say(f"probing with {sent.upper()}{f', port {port}' if port else ''}: statistics begin anew", fresh=True)


def restart_with(desk: Desk, target: Target, **changes: object) -> None:
    """Probe a target in another way."""
    import msgspec

    probing = msgspec.structs.replace(desk.probing(target), **changes)
    desk.session.restart(target.id, probing)
    desk.forget(target.id)


@action("target.next", "right,tab", "target", "The next target.", "Targets", 8)
def next_target(desk: Desk) -> None:
    desk.choose_target(1)


@action("target.previous", "left,shift+tab", "target", "The previous target.", "Targets")
def previous_target(desk: Desk) -> None:
    desk.choose_target(-1)


@action("target.overview", "g,0", "all targets", "All targets, a row each, the worst first.", "Targets", 14)
def overview(desk: Desk) -> None:
    desk.state.overview = not desk.state.overview
    desk.state.top = 0
    desk.redraw()


@action("target.add", "a", "add", "Add a target.", "Targets", 13)
def add(desk: Desk) -> None:
    from hopscope.views.screen.dialogs.prompt import add_prompt

    desk.screen.open(add_prompt(desk))


@action("target.remove", "x", "remove", "Stop and remove this target.", "Targets")
def remove(desk: Desk) -> None:
    target = desk.state.chosen
    if target is None:
        return
    desk.choose_target(1)
    desk.session.remove(target.id)
    desk.refresh_now()
    desk.say(f"{target.query} removed", fresh=True)


def _number(position: int) -> None:
    @action(f"target.{position}", str(position), f"target {position}", f"Target number {position}.", "Targets")
    def choose(desk: Desk) -> None:
        targets = desk.state.shown.targets
        if position <= len(targets):
            desk.show_target(targets[position - 1].id)


for _position in range(1, 10):
    _number(_position)
