"""The registry of methods is whole: nothing that a method needs is looked up anywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from hopscope.cli.table import option
from hopscope.probe.channel import Channel, ChannelContext, ChannelRefused
from hopscope.probe.methods import capabilities, make_channel
from hopscope.wire.messages import Method, MethodChoice
from hopscope.wire.methods import METHODS, PROTOCOLS, able_to_send, tried_by_auto
from tests.probe.fake import NoWatch


def _context() -> ChannelContext:
    return ChannelContext(NoWatch(), lambda probe, reply: None, lambda flow, number: None, lambda: 0, lambda: 0)


def test_the_protocols_names_are_the_registrys() -> None:
    assert tuple(METHODS) == get_args(Method)
    assert ("auto", *METHODS) == get_args(MethodChoice) == tuple(option("method").choices)


@pytest.mark.parametrize("page", ["privileges.md", "protocol.md", "glossary.md"])
@pytest.mark.parametrize("method", METHODS)
def test_the_pages_on_methods_name_each(method: Method, page: str) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / page).read_text("utf-8")
    assert f"`{method}`" in text


@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_its_own_channel_and_survey(method: Method) -> None:
    entry = METHODS[method]
    if entry.needs is not None:
        with pytest.raises(ChannelRefused, match="need privileges"):
            make_channel(method, _context(), {})
        return
    channel = make_channel(method, _context(), {})
    assert isinstance(channel, Channel)
    assert channel.method == method
    channel.close()


def test_the_survey_tells_of_every_method_and_what_it_can_send() -> None:
    told = {(state.method, state.protocol) for state in capabilities({})}
    assert told == {(entry.name, protocol) for entry in METHODS.values() for protocol in entry.protocols}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_auto_tries_what_can_send_the_protocol_and_never_a_simulation(protocol: str) -> None:
    tried = tried_by_auto(protocol)  # type: ignore[arg-type] # PROTOCOLS are its values
    assert set(tried) < set(able_to_send(protocol))  # type: ignore[arg-type] # as above
    assert "simulated" not in tried
