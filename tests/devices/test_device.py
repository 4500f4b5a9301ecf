"""One configured device: who reads when, what scrapes see of it, and how it ends."""

import logging
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support import devices
from support.devices import NOON, Clock, Connect, Scraped, count, eventually, reader_threads

from sma_exporter.devices.snapshot import ReadResult
from sma_exporter.simulator import Simulator, faults
from sma_exporter.simulator.faults import Fault
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import Reason

clock, sim, connect = devices.clock, devices.sim, devices.connect

READ = "getAllOnlValues"
Simulate = Callable[..., Simulator]


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


# --- one read for all scrapes ---


def test_sixty_scrapes_at_once_open_one_session_and_leave_none(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, min_interval=0.0)
    sim.faults.add(Fault(faults.delay(0.5), path="login", times=1))
    ready = threading.Barrier(60)

    def scrape(_: int) -> ReadResult:
        ready.wait()
        return roof.read()

    with ThreadPoolExecutor(60) as pool:
        outcomes = list(pool.map(scrape, range(60)))

    assert {outcome.reason for outcome in outcomes} == {None}
    assert all(outcome is outcomes[0] for outcome in outcomes)
    assert count(sim)["login"] == count(sim)[READ] == 1
    assert eventually(lambda: sim.logouts == 1)
    assert sim.sessions == 0


def test_scrapes_one_after_another_never_hold_more_than_one_session(
    connect: Connect, simulate: Simulate, clock: Clock
) -> None:
    sim = simulate(clock=lambda: NOON, monotonic=clock, max_sessions=1)
    roof = connect(sim, min_interval=0.0)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: roof.read(), range(60)))

    assert {outcome.reason for outcome in outcomes} == {None}
    assert eventually(lambda: sim.sessions == 0)
    assert sim.login_attempts == sim.logins == sim.logouts


def test_each_scrape_waits_until_its_own_deadline_and_the_read_goes_on(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.delay(1.0), path=READ, times=1))
    patient: list[ReadResult] = []
    waiting = in_background(lambda: patient.append(roof.read(within=10)))
    assert eventually(lambda: bool(sim.requests))

    hasty = roof.scrape(within=0.1)
    still_waiting = waiting.is_alive()
    waiting.join()

    assert still_waiting
    assert hasty.result is not None
    assert hasty.result.reason == "timeout"
    assert not hasty.up
    assert hasty.errors[Reason.TIMEOUT] == 1
    assert patient[0].reason is None
    assert count(sim)[READ] == 1
    assert roof.scrape().errors[Reason.TIMEOUT] == 1


def test_a_scrape_after_one_that_gave_up_joins_the_read_under_way(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, min_interval=0.0)
    sim.faults.add(Fault(faults.delay(0.6), path=READ, times=1))

    first = roof.read(within=0.1)
    second = roof.read()

    assert (first.reason, second.reason) == ("timeout", None)
    assert second.seconds > 0.5
    assert count(sim)["login"] == count(sim)[READ] == 1


def test_a_scrape_shows_the_read_that_it_waited_for_and_no_later_one(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, min_interval=0.0)
    read = roof.device.begin()
    assert read is not None
    assert eventually(lambda: read.is_over)
    sim.stop()
    later = roof.read()

    shown = roof.device.finish(read, roof.within(5))

    assert later.reason == "connection"
    assert shown.up


def test_a_scrape_that_joins_with_less_time_gets_its_values_in_time(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, timeout=20.0)
    sim.faults.add(Fault(faults.delay(0.4), path=READ))
    sim.faults.add(Fault(faults.hang(), path="getValues"))
    patient = in_background(lambda: roof.scrape(within=20))
    assert eventually(lambda: READ in count(sim))

    outcome = roof.read(within=1.5)
    sim.stop()
    patient.join()

    assert outcome.reason is None
    assert "grid_power" in outcome.readings


@pytest.mark.parametrize("stopped", [False, True], ids=["good", "failed"])
def test_the_last_read_is_shown_again_within_the_interval(
    connect: Connect, sim: Simulator, stopped: bool
) -> None:
    roof = connect(sim, min_interval=4.0)
    if stopped:
        sim.stop()
    first = roof.read()

    second = roof.read_later(3)
    third = roof.read_later(1.1)

    assert second is first
    assert third is not first
    assert third.reason == ("connection" if stopped else None)
    assert sum(roof.scrape().errors.values()) == (2 if stopped else 0)


def test_without_an_interval_every_scrape_reads(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim, min_interval=0.0)

    for _ in range(3):
        roof.read()

    assert count(sim)[READ] == 3


def test_looking_at_the_last_read_touches_no_device(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim, plant="home")

    before = roof.device.last()
    asked = len(sim.requests)
    roof.scrape()
    asked_by_scrape = len(sim.requests)
    after = roof.device.last()

    assert (before.result, before.name, before.plant) == (None, "roof", "home")
    assert asked == 0
    assert after.up
    assert count(sim)[READ] == 1
    assert len(sim.requests) <= asked_by_scrape + 1  # the logout


def test_without_a_thread_to_read_with_the_scrape_is_told_so(
    connect: Connect, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    roof = connect(sim)
    with monkeypatch.context() as many_threads:
        many_threads.setattr(threading.Thread, "start", refuse)
        without = roof.read()
    recovered = roof.read_later(5)

    assert without.reason == "internal"
    assert "too many are running" in without.message
    assert recovered.reason is None


# --- what is counted ---


def test_every_reason_is_counted_from_0_before_the_first_read(
    connect: Connect, sim: Simulator
) -> None:
    last = connect(sim).device.last()

    assert last.errors == dict.fromkeys(Reason, 0)
    assert last.last_success is None
    assert not last.up


def test_errors_are_counted_by_reason_and_the_last_success_is_kept(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim)

    first = roof.scrape()
    sim.stop()
    for _ in range(2):
        roof.clock.advance(5)
        roof.scrape()
    sim.start()
    sim.faults.add(Fault(faults.body(b"[]"), path=READ, times=1))
    roof.clock.advance(5)
    last = roof.scrape()

    assert {reason: n for reason, n in last.errors.items() if n} == {"connection": 2, "protocol": 1}
    assert last.last_success == NOON
    assert set(first.errors.values()) == {0}


def test_logins_are_counted(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)

    for _ in range(3):
        roof.scrape()
        assert eventually(lambda: sim.sessions == 0)
        roof.clock.advance(5)

    assert roof.scrape().logins == sim.logins == 4


# --- sessions ---


def test_a_session_a_scrape(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim, session="scrape")

    for turn in range(1, 4):
        assert roof.read_later(5).reason is None
        assert eventually(lambda turn=turn: sim.logouts == turn)  # type: ignore[misc]

    assert sim.logins == 3
    assert sim.sessions == 0


def test_values_are_handed_over_before_the_logout(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.hang(), path="logout", times=1))

    outcome = roof.read()
    still_logging_out = reader_threads()
    assert eventually(lambda: count(sim)["logout"] == 1)
    sim.stop()

    assert outcome.reason is None
    assert still_logging_out == ["read roof"]


def test_the_logout_is_one_attempt(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.drop(), path="logout"))

    outcome = roof.read()

    assert outcome.reason is None
    assert eventually(lambda: not reader_threads())
    assert count(sim)["logout"] == 1


def test_a_scrape_during_the_logout_waits_for_it(
    connect: Connect, simulate: Simulate, clock: Clock
) -> None:
    sim = simulate(clock=lambda: NOON, monotonic=clock, max_sessions=1)
    roof = connect(sim, min_interval=0.0)
    sim.faults.add(Fault(faults.delay(0.5), path="logout", times=1))
    roof.scrape()
    assert eventually(lambda: count(sim)["logout"] == 1)

    outcome = roof.read()

    assert outcome.reason is None
    assert sim.logins == 2


def test_scrapes_that_follow_at_once_take_the_session_over(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, min_interval=0.0).device

    def scrape(_: int) -> bool:
        return roof.finish(roof.begin(), Deadline.after(5)).up

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # else no thread gets between handing over and logging out
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(20):  # it takes luck, and less of it on a busy machine
                assert all(pool.map(scrape, range(200)))
                if sim.logins < count(sim)[READ]:
                    break
    finally:
        sys.setswitchinterval(interval)

    assert sim.logins < count(sim)[READ]
    assert eventually(lambda: sim.sessions == 0)


def test_a_kept_session_serves_many_scrapes_and_ends_with_the_exporter(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, session="keep")

    outcomes = [roof.read_later(5) for _ in range(10)]
    kept = sim.sessions
    roof.close()

    assert {outcome.reason for outcome in outcomes} == {None}
    assert sim.login_attempts == kept == 1
    assert sim.sessions == 0
    assert sim.logouts == 1


def expire(sim: Simulator, clock: Clock) -> None:
    sim.expire_sessions()


def idle(sim: Simulator, clock: Clock) -> None:
    clock.advance(400)


@pytest.mark.parametrize("end", [expire, idle], ids=["restart", "idle"])
def test_a_kept_session_that_expired_is_renewed_within_the_same_scrape(
    connect: Connect, sim: Simulator, clock: Clock, end: Callable[[Simulator, Clock], None]
) -> None:
    roof = connect(sim, session="keep")
    roof.scrape()

    end(sim, clock)
    outcome = roof.read_later(5)

    assert outcome.reason is None
    assert sim.login_attempts == 2
    assert roof.device.last().logins == 2
    assert sim.sessions == 1


def test_a_login_answered_late_is_used_for_the_read(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.delay(1.0), path="login", times=1))

    gave_up = roof.read(within=0.2)
    answered = sim.logins
    assert eventually(lambda: sim.logouts == 1)
    shown = roof.read()

    assert gave_up.reason == "timeout"
    assert gave_up.seconds < 0.9
    assert answered == 0
    assert shown.reason is None
    assert shown.seconds >= 0.9
    assert sim.login_attempts == 1
    assert sim.sessions == 0


def test_a_login_answered_too_late_for_the_read_is_logged_out(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, timeout=0.2)
    sim.faults.add(Fault(faults.delay(1.0), path="login", times=1))

    outcome = roof.read()

    assert outcome.reason == "timeout"
    assert eventually(lambda: sim.logouts == 1)
    assert sim.sessions == 0


# --- stopping ---


def test_a_device_that_was_never_read_is_closed_without_a_word(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim)

    roof.close()

    assert sim.requests == []


def test_a_closed_device_is_not_read_again(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim, min_interval=0.0)
    roof.scrape()
    roof.close()
    sim.reset_counts()

    last = roof.scrape()

    assert last.up
    assert sim.requests == []


@pytest.mark.parametrize("session", ["scrape", "keep"])
@pytest.mark.parametrize(
    ("fault", "path", "seconds"),
    [(faults.delay(1.0), "login", 5.0), (faults.hang(), READ, 0.5), (faults.delay(0.5), READ, 5.0)],
    ids=["login-in-flight", "hanging-read", "slow-read"],
)
def test_closing_leaves_no_session_and_no_thread(
    connect: Connect,
    sim: Simulator,
    session: str,
    fault: faults.Action,
    path: str,
    seconds: float,
) -> None:
    roof = connect(sim, session=session, timeout=seconds)
    sim.faults.add(Fault(fault, path=path))
    scraping = in_background(roof.scrape)
    assert eventually(lambda: path in count(sim))

    roof.close(within=8)
    open_sessions = sim.sessions
    scraping.join(timeout=5)

    assert not scraping.is_alive()
    assert open_sessions == 0
    assert sim.logins == sim.logouts == 1
    assert count(sim)[READ] == (1 if path == READ else 0)
    assert "getValues" not in count(sim)
    assert eventually(lambda: not reader_threads())


@pytest.mark.parametrize("session", ["scrape", "keep"])
@pytest.mark.parametrize(
    ("fault", "path"),
    [(faults.delay(1.0), "login"), (faults.delay(1.0), READ)],
    ids=["login-in-flight", "slow-read"],
)
def test_closing_ends_at_its_deadline_and_the_session_is_closed_later(
    connect: Connect,
    sim: Simulator,
    caplog: pytest.LogCaptureFixture,
    session: str,
    fault: faults.Action,
    path: str,
) -> None:
    roof = connect(sim, session=session)
    sim.faults.add(Fault(fault, path=path))
    scraping = in_background(roof.scrape)
    assert eventually(lambda: path in count(sim))

    roof.close(within=0.1)
    logged_out = sim.logouts

    assert logged_out == 0
    assert "stopped before the device answered" in caplog.text
    assert eventually(lambda: sim.logouts == 1)
    assert sim.sessions == 0
    scraping.join()


def test_closing_a_device_that_has_gone_ends(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim, session="keep")
    roof.scrape()
    sim.stop()

    roof.close()

    assert not reader_threads()
    assert roof.device.last().up


# --- log lines ---


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, Any]]:
    return [
        (record.levelname, vars(record).get("reason"))
        for record in caplog.records
        if record.name == "sma_exporter.devices.device"
    ]


def test_one_log_line_a_change_of_state_not_one_a_scrape(
    connect: Connect, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    roof = connect(sim)

    roof.scrape_for(15)
    sim.stop()
    roof.scrape_for(15)
    sim.start()
    roof.scrape_for(15)
    sim.faults.add(Fault(faults.body(b"[]"), path=READ))
    roof.scrape_for(15)
    sim.stop()
    roof.scrape_for(15)

    assert lines(caplog) == [
        ("INFO", None),
        ("WARNING", "connection"),
        ("INFO", None),
        ("WARNING", "protocol"),
        ("WARNING", "connection"),
    ]


def test_a_log_line_names_the_device_and_what_to_do(
    connect: Connect, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    roof = connect(sim, password="Wrong-1234")

    roof.scrape()

    (record,) = [
        record for record in caplog.records if record.name == "sma_exporter.devices.device"
    ]
    assert "the password was refused for the group 'user'" in record.getMessage()
    assert vars(record)["device"] == "roof"


def test_a_long_password_is_warned_of_once(
    connect: Connect,
    simulate: Simulate,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """Of one in the configuration itself, loading it warns."""
    password = "Sunny-1234567890"
    (tmp_path / "password").write_text(password)
    sim = simulate(clock=lambda: NOON, monotonic=clock, password=password)
    roof = connect(sim, password_file=tmp_path / "password")

    roof.scrape_for(25)

    assert sim.logins == 5
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


def test_no_password_and_no_session_id_in_any_log_line_message_or_repr(
    connect: Connect, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets: list[str] = [devices.PASSWORD]

    def note(reply: Any) -> Any:
        secrets.append(reply["result"]["sid"])
        return reply

    troubles = [
        None,
        Fault(faults.hang(), path=READ, times=2),
        Fault(faults.drop(), path=READ, times=2),
        Fault(faults.truncate(0.5), path=READ, times=2),
        Fault(faults.error(401), path=READ, times=2),
        Fault(faults.body(b"<html>"), path=READ, times=1),
        Fault(faults.redirect("http://192.0.2.1/dyn/getAllOnlValues.json"), path=READ, times=1),
        Fault(faults.drop(), path="logout", times=1),
        Fault(faults.error(404), path="getValues", times=1),
        Fault(faults.drop_after(), path="login", times=1),
    ]
    roof = connect(sim, timeout=0.3)
    seen: list[object] = [roof.device, roof.device.settings]
    for trouble in troubles:
        sim.faults.clear()
        if trouble is not None:
            sim.faults.add(trouble)
        sim.faults.add(Fault(faults.mutate(note), path="login"))
        roof.clock.advance(60)
        seen.append(roof.scrape())
        assert eventually(lambda: not reader_threads())
    told = [repr(thing) for thing in seen]
    told += [str(vars(record)) + record.getMessage() for record in caplog.records]

    assert len(secrets) >= len(troubles)
    assert len(caplog.records) > 2 * len(troubles)
    assert [text for text in told for secret in secrets if secret in text] == []


# --- a clock that tells what took how long ---


def test_a_read_tells_when_it_started_and_how_long_it_took(
    connect: Connect, sim: Simulator, clock: Clock
) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.delay(0.2), path=READ, times=1))
    before = clock()

    outcome = roof.read()

    assert before <= outcome.started <= clock()
    assert 0.2 <= outcome.seconds <= clock() - before


def test_a_device_is_made_without_touching_it(sim: Simulator) -> None:
    Scraped(devices.settings(sim), Clock())

    assert sim.requests == []
    assert not reader_threads()
