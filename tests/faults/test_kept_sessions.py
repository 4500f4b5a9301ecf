"""`session: keep`: the same guarantees where the session outlasts the scrape."""

from dataclasses import replace

import pytest
from fault_bench import SICK, Bench
from fault_case import READ, Case, check, observe
from fault_list import CASES

from sma_exporter.simulator import faults
from sma_exporter.simulator.faults import Fault

KEPT = [
    replace(case, keys={**case.keys, "session": "keep"}, **case.kept)
    for case in CASES
    if case.kept is not None
]
HOUR = 3600.0


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case.fault)
def test_a_fault_of_a_kept_session(case: Case) -> None:
    check(observe(case))


def test_one_login_for_days_and_one_logout_at_the_end() -> None:
    with Bench(options={"session_idle": 2 * HOUR}, session="keep") as bench:
        for _ in range(3 * 24):
            assert bench.scrape(f"/probe?target={SICK}").up(SICK)
            bench.settle()
            bench.clock.advance(HOUR)
        during = (bench.sick.login_attempts, bench.sick.sessions, bench.sick.logouts)
        bench.close()

        assert during == (1, 1, 0)
        assert (bench.sick.login_attempts, bench.sick.sessions, bench.sick.logouts) == (1, 0, 1)


def test_sessions_that_expire_between_scrapes_cost_a_login_each_and_no_value() -> None:
    with Bench(options={"session_idle": HOUR}, session="keep") as bench:
        for logins in range(1, 11):
            assert bench.scrape().up(SICK)
            bench.settle()
            assert (bench.sick.logins, bench.sick.sessions) == (logins, 1)
            bench.clock.advance(HOUR + 60)


def test_a_device_that_takes_the_session_away_during_every_read_holds_one_at_a_time() -> None:
    """A parameter upload logs everybody out; so does a firmware update."""

    def logged_out(_: object) -> object:
        bench.sick.expire_sessions()
        return {"err": 401}

    with Bench(session="keep") as bench:
        for _ in range(20):
            bench.sick.faults.add(Fault(faults.mutate(logged_out), path=READ, times=1))
            assert bench.scrape().up(SICK)
            bench.settle()
            bench.clock.advance(60.0)
        bench.close()

        assert bench.sick.most_sessions_in_use == 1
        assert (bench.sick.logins, bench.sick.sessions) == (21, 0)


def test_a_device_that_restarts_in_the_night_is_read_in_the_morning_with_one_login() -> None:
    with Bench(session="keep") as bench:
        assert bench.scrape().up(SICK)
        bench.settle()
        bench.sick.stop()
        for _ in range(10):
            bench.clock.advance(HOUR)
            assert bench.scrape().reason(SICK) == "connection"
        bench.sick.expire_sessions()
        bench.sick.start()

        assert bench.scrape().up(SICK)
        assert (bench.sick.logins, bench.sick.sessions) == (2, 1)
