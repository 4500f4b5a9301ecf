"""Two exporters on one device, which nobody should have: what README says of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import devices
from support.devices import NOON, Clock, Connect, Scraped, count, eventually

from sma_exporter.simulator import Simulator

clock, connect = devices.clock, devices.connect

Simulate = Callable[..., Simulator]


@pytest.mark.parametrize("sessions", [2, 4])
def test_both_get_values_where_the_device_has_a_session_for_each(
    simulate: Simulate, connect: Connect, clock: Clock, sessions: int
) -> None:
    sim = simulate(clock=lambda: NOON, monotonic=clock, max_sessions=sessions)
    both = connect(sim), connect(sim)
    reasons = set()

    with ThreadPoolExecutor(2) as at_once:
        for _ in range(20):
            reasons |= {outcome.reason for outcome in at_once.map(Scraped.read, both)}
            clock.advance(30)

    assert reasons == {None}
    assert sim.logins == 40
    assert eventually(lambda: sim.sessions == 0)


def test_where_it_has_one_the_second_says_so_and_waits_its_turn(
    simulate: Simulate, connect: Connect, clock: Clock
) -> None:
    sim = simulate(clock=lambda: NOON, monotonic=clock, max_sessions=1)
    first, second = connect(sim, session="keep"), connect(sim)

    for _ in range(20):
        assert first.read().reason is None
        assert second.read().reason == "session_limit"
        clock.advance(30)
    first.close()
    freed = second.read_later(120)

    assert freed.reason is None
    assert count(sim)["login"] < 20  # the second is not there at every scrape
    assert eventually(lambda: sim.sessions == 0)


@pytest.mark.parametrize("exporters", [1, 2])
def test_a_wrong_password_is_tried_by_each(
    simulate: Simulate, connect: Connect, clock: Clock, exporters: int
) -> None:
    sim = simulate(clock=lambda: NOON, monotonic=clock, lockout_after=1000)
    asked = [connect(sim, password="wrong") for _ in range(exporters)]

    for _ in range(120):
        assert {exporter.read().reason for exporter in asked} == {"authentication"}
        clock.advance(30)

    assert sim.login_attempts == exporters * 7  # in an hour: at 0, 1, 3, 7, 15, 30, 45 minutes
