"""What this machine's own routing forbids is an error of sending, by every channel, and heals by itself."""

from __future__ import annotations

import errno

import pytest

from hopscope.wire.messages import Family, Plan, Protocol
from tests.lab import netns
from tests.lab.chain import Chain
from tests.lab.drive import Driver, channel_class


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(
    ("method", "protocol", "port"),
    [("ping-socket", "icmp", None), ("udp-socket", "udp", 33434), ("tcp-socket", "tcp", 9)],
)
@pytest.mark.parametrize(
    ("route", "error"),
    [
        ("prohibit", errno.EACCES),
        ("unreachable", errno.EHOSTUNREACH),
        ("blackhole", errno.EINVAL),
    ],
)
def test_a_route_that_forbids_fails_the_send_and_only_that(
    in_client: Chain, family: Family, method: str, protocol: Protocol, port: int | None, route: str, error: int
) -> None:
    destination = in_client.destination(family)
    driver = Driver(channel_class(method), Plan(destination, family, protocol, port=port))
    try:
        assert driver.answered(driver.sweep(1, 4))
        netns.ip([f"route add {route} {destination}"])
        try:
            for _ in range(3):
                with pytest.raises(OSError) as failed:
                    driver.send(1, 2)
                assert failed.value.errno == error
        finally:
            netns.ip([f"route delete {route} {destination}"])
        heard = len(driver.heard)
        assert driver.answered(driver.sweep(1, 4))
        assert len(driver.heard) == heard + 4
        assert driver.story()[-1]["clock"] == ("program" if method == "tcp-socket" else "kernel")
        assert driver.changes == 0
    finally:
        driver.close()
